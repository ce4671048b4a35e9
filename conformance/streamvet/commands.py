"""Commands that check requirements of somebody's own: traces in, outcomes out, in any language.

The traces of a run are kept in a temporary file while the run goes on. At its end each command is started once, reads
all of them from its standard input, and prints a line for each requirement and trace (`meta/outcome.schema.json`). So
it may read everything before it prints anything: standard input and output are files, and no pipe can fill up.

A command that cannot be started, fails, takes too long or prints something else has an error and no outcomes. Must not
know the verdicts, nor who allows a command to run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import IO, TYPE_CHECKING, Any

import jsonschema_rs

from streamvet.contract.files import cut, meta_validator, mismatch, read_json, schemas_folder
from streamvet.outcome import NotExercised, finding
from streamvet.trace import load, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from streamvet.contract.registry import Requirement
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Trace

# An interpreter starts within a second, within ten on a busy machine. The scripts of the example, in Python and in
# JavaScript, take 0.1 s for a megabyte of traces.
LEAST_S, BYTES_A_S = 60.0, 1_000_000
# An outcome without findings has 50 bytes, one with a few some hundred: enough for 20 rows and 10,000 traces.
MOST_OUTPUT_BYTES = 64 * 2**20
_LOOK_AGAIN_S = 0.02  # between two looks at a command that runs; nobody notices it beside the start of an interpreter
_STDERR_CHARS = 400  # of what a command that fails said last
_SEEN_CHARS = 120  # of what an outcome says was expected and seen: as much as a finding of the suite quotes


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
        nameless = tuple(one for one in trace.exchanges if "no_id" in one.about)
        brief = dataclasses.replace(trace, stimulus={}, exchanges=nameless)
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command said: an outcome by requirement and number of a trace, or why it said nothing."""

    outcomes: Mapping[tuple[str, int], Outcome]
    error: str = ""


class CommandError(Exception):
    """Why a command has no outcomes, in words that follow its name."""


def perform(rows: Iterable[Requirement], folder: Path, spool: Spool) -> Iterator[tuple[list[Requirement], Answer]]:
    """Run each command on all traces; gives the rows that share it, and what it said of them."""
    ordered = sorted(rows, key=lambda row: row.command)
    for command, sharing in groupby(ordered, key=lambda row: row.command):
        mine = list(sharing)
        try:
            yield mine, Answer(_read(_output(command, folder, spool), {row.id for row in mine}, spool))
        except CommandError as error:
            yield mine, Answer({}, f"the command {' '.join(command)!r} {error}")


# ------------------------------------------------------------------------------------------------ the process


def _output(command: Sequence[str], folder: Path, spool: Spool) -> bytes:
    """What a command prints.

    Raises:
        CommandError: where it cannot be started, fails, prints too much or takes too long.
    """
    limit_s = LEAST_S + spool.size / BYTES_A_S
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said, _interruptible():
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=spool.from_start(), stdout=printed, stderr=said, start_new_session=True
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL among its words
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise CommandError(f"cannot be started in {folder}: {reason}") from error
        try:
            _wait(process, limit_s, printed, said)
        finally:
            _end(process)
        if process.returncode:
            ended = f"signal {-process.returncode}" if process.returncode < 0 else f"exit code {process.returncode}"
            raise CommandError(f"ended with {ended}{_last_words(said)}")
        printed.seek(0)
        return printed.read()


def _wait(process: subprocess.Popen[bytes], limit_s: float, *files: IO[bytes]) -> None:
    """Wait until a command ends, within bounds."""
    deadline = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_AGAIN_S)
        if any(os.fstat(file.fileno()).st_size > MOST_OUTPUT_BYTES for file in files):
            raise CommandError(f"printed more than {MOST_OUTPUT_BYTES // 2**20} MiB")
        if process.returncode is not None:
            return
        if time.monotonic() > deadline:
            raise CommandError(f"took longer than {limit_s:.0f} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command, and what it has started and left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the wait for a command, in a worker too, which ignores it otherwise."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would interrupt the ending of the command
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _last_words(said: IO[bytes]) -> str:
    """What a command wrote to its standard error, at last."""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - 4 * _STDERR_CHARS))
    text = said.read().decode("utf-8", "replace").strip()[-_STDERR_CHARS:]
    return f" and said: {text}" if text else ""


# ------------------------------------------------------------------------------------------------ outcomes


def _read(output: bytes, ids: set[str], spool: Spool) -> dict[tuple[str, int], Outcome]:
    """The outcomes that a command printed.

    Raises:
        CommandError: where a line is none, or is about something else.
    """
    lines: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {}
    for number, line in enumerate(output.splitlines(), start=1):
        if not line.strip():
            continue
        row = _outcome(line, number)
        key = (row["id"], row["trace"])
        if row["id"] not in ids:
            raise CommandError(f"printed in line {number} the id {row['id']}; it checks {', '.join(sorted(ids))}")
        if row["trace"] > len(spool.kept):
            raise CommandError(f"printed in line {number} the trace {row['trace']}; there are {len(spool.kept)}")
        if key in lines:
            raise CommandError(f"printed in line {number} a second outcome of {row['id']} for trace {row['trace']}")
        lines[key] = number, row
    outcomes: dict[tuple[str, int], Outcome] = {}
    for trace_number, group in groupby(sorted(lines, key=lambda key: key[1]), key=lambda key: key[1]):
        trace: Trace | None = None
        for key in group:
            number, row = lines[key]
            if not row["exercised"]:
                outcomes[key] = NotExercised(_short(row["reason"]))
            elif not row.get("findings"):
                outcomes[key] = []
            else:
                trace = trace or spool.trace(trace_number)
                outcomes[key] = [_finding(one, trace, number) for one in row["findings"]]
    return outcomes


@cache
def _decider() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(read_json(schemas_folder() / "meta" / "outcome.schema.json"))


def _outcome(line: bytes, number: int) -> dict[str, Any]:
    """The outcome of a line."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        text = cut(repr(line.decode("utf-8", "replace")))
        raise CommandError(f"printed in line {number} no JSON: {text}") from error
    with contextlib.suppress(ValueError):  # a lone surrogate, which is no text for jsonschema-rs
        if _decider().is_valid(row):
            return dict(row)
    found = mismatch(meta_validator("outcome"), row)
    if found is None:
        return dict(row)
    place, expected, got = found
    raise CommandError(f"printed in line {number} no outcome: {place or 'the line'}: expected {expected}, got {got}")


def _finding(row: Mapping[str, Any], trace: Trace, number: int) -> Finding:
    """A finding with its exchange, which has to be there, as have the bytes of the span."""
    exchange = next((one for one in trace.exchanges if one.id == row["exchange"]), None)
    if exchange is None:
        known = ", ".join(one.id for one in trace.exchanges) or "none"
        wrong = f"the exchange {cut(repr(row['exchange']))}; the trace has {cut(known)}"
        raise CommandError(f"printed in line {number} {wrong}")
    start, end = row.get("span", (0, 0))
    if not start <= end <= len(exchange.body):
        wrong = f"the span {start} to {end}; the body of {exchange.id} has {len(exchange.body)} bytes"
        raise CommandError(f"printed in line {number} {wrong}")
    return finding(exchange, _short(row["expected"]), _short(row["seen"]), (start, end), row.get("at_us"))


def _short(text: str) -> str:
    return text if len(text) <= _SEEN_CHARS else text[: _SEEN_CHARS - 1] + "…"
