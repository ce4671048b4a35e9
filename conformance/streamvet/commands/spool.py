"""The traces of a run in a file, for commands to read. Must not know commands, nor what they look for."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import weakref
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from streamvet.trace import load, records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamvet.trace import Trace


@dataclass(frozen=True, slots=True)
class Kept:
    """A trace in the file: where its lines are, and the exchanges in which requirements have findings already.

    `brief` is the trace without what only a check looks at.
    """

    number: int
    brief: Trace
    start: int
    size: int
    guilty: Mapping[str, frozenset[str]]  # id -> exchanges


class Spool:
    """The traces of a run, for commands to read. The file has no name, so that it is gone with its process."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="streamvet-")  # noqa: SIM115 - it lives as long as this
        weakref.finalize(self, self._file.close)
        self.kept: list[Kept] = []
        self.size = 0

    def add(self, trace: Trace, guilty: Mapping[str, frozenset[str]] | None = None) -> Kept:
        """Keep a trace; its first record says its number."""
        number = len(self.kept) + 1
        size = sum(self._file.write(line) for line in _lines(trace, number))
        hindered = tuple(one for one in trace.exchanges if {"no_id", "hindrance"} & one.about.keys())
        brief = dataclasses.replace(trace, stimulus={}, exchanges=hindered)
        self.kept.append(Kept(number, brief, self.size, size, guilty or {}))
        self.size += size
        return self.kept[-1]

    def trace(self, number: int) -> Trace:
        """The trace of a number."""
        one = self.kept[number - 1]
        self._file.flush()
        text = os.pread(self._file.fileno(), one.size, one.start).decode("ascii")  # so `json.dumps` writes it
        return load(text.splitlines(), one.brief.name)

    def from_start(self) -> IO[bytes]:
        """The file, to be read from its beginning."""
        self._file.seek(0)
        return self._file


def _lines(trace: Trace, number: int) -> Iterator[bytes]:
    for record in records(trace):
        numbered = record | {"number": number} if record["record"] == "trace" else record
        yield (json.dumps(numbered, separators=(",", ":")) + "\n").encode()
