"""Judging beside the campaigns: one more process takes each trace as its try ends, and has the reports at the end.

So the wait that a profile mandates is used for judging, and nothing slow is done on the loop that times heartbeats.
Must not know how traces are made.
"""

from __future__ import annotations

import dataclasses
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from streamvet.contract.files import FileError
from streamvet.contract.profile import load_profile
from streamvet.contract.registry import load_registry
from streamvet.masking import EVERYWHERE
from streamvet.report.hearing import TRACE_SUFFIX, Asked, Hearing
from streamvet.sheltered import pool, unheard
from streamvet.trace import dump

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType

    from streamvet.report.report import Report
    from streamvet.trace import Trace

_NICE = 10  # the campaigns and the candidate come first: a busy judge must not make a heartbeat look late
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_NAME_CHARS = 60  # of a trace's file name, before its number and suffix


class CourtError(Exception):
    """A trace could not be kept; the text names the file. It travels between processes, as a `FileError` does not."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the other process has to know of a candidate. `prefix` begins the names of its trace files."""

    number: int
    profile_folder: str
    trace_dir: Path | None
    prefix: str = ""


class Court:
    """The other process. Used as a context; it ends with it."""

    def __init__(self) -> None:
        self._pool = pool(1, _NICE)
        self._pending: deque[Future[frozenset[str]]] = deque()

    def __enter__(self) -> Self:
        with unheard():
            self._pool.submit(load_registry)  # whatever takes time to load is there when the first trace comes
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def hear(self, case: Case, trace: Trace) -> Future[frozenset[str]]:
        """Hand over a trace; returns at once. The requirements that it violates are known later."""
        # What was judged without an error need not be waited for any more.
        while self._pending and self._pending[0].done() and self._pending[0].exception() is None:
            self._pending.popleft()
        veiled: Any = EVERYWHERE.mask_value(trace.stimulus)  # in which inputs of the user may stand
        self._pending.append(self._pool.submit(_hear, case, dataclasses.replace(trace, stimulus=veiled)))
        return self._pending[-1]

    def catch_up(self) -> bool:
        """Wait until everything is judged; gives whether it is. Who interrupts that has what is judged by then.

        Raises:
            CourtError: where a trace could not be kept.
        """
        try:
            for future in self._pending:
                future.result()
        except KeyboardInterrupt:
            for future in self._pending:
                future.cancel()
            return False
        finally:
            self._pending.clear()
        return True

    def report(self, case: Case, asked: Asked, skipped: list[tuple[str, str]], facts: dict[str, Any]) -> Report:
        """The report on all traces of a case that are judged."""
        return self._pool.submit(_report, case, asked, skipped, facts).result()


# ------------------------------------------------------------------------------------------ in the other process


@dataclass(slots=True)
class _Open:
    """A case that is being heard."""

    hearing: Hearing
    names: dict[str, int] = field(default_factory=dict)  # of trace files, with how many have it


_cases: dict[int, _Open] = {}


def _case(case: Case) -> _Open:
    if case.number not in _cases:
        _cases[case.number] = _Open(Hearing(load_profile(case.profile_folder), load_registry()))
    return _cases[case.number]


def _hear(case: Case, trace: Trace) -> frozenset[str]:
    opened = _case(case)
    try:
        name = _keep(case, opened, trace)
        outcomes = opened.hearing.hear(dataclasses.replace(trace, name=name))
    except FileError as error:
        raise CourtError(str(error)) from None
    return frozenset(requirement for requirement, outcome in outcomes.items() if isinstance(outcome, list) and outcome)


def _keep(case: Case, opened: _Open, trace: Trace) -> str:
    """Write a trace where traces are kept; gives its file, "" where it has none."""
    if case.trace_dir is None:
        return ""
    parts = [case.prefix, trace.probe, str(trace.stimulus.get("name", "")), str(trace.stimulus.get("kind", ""))]
    name = "-".join(filter(None, (_NOT_IN_NAMES.sub("-", part.lower()).strip("-") for part in parts)))[:_NAME_CHARS]
    opened.names[name] = opened.names.get(name, 0) + 1
    number = f"-{opened.names[name]}" if opened.names[name] > 1 else ""
    path = case.trace_dir / f"{name}{number}{TRACE_SUFFIX}"
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(dump(trace))
    except OSError as error:
        raise FileError(path, "", "a file that can be written", error.strerror or "an error") from error
    return str(path)


def _report(case: Case, asked: Asked, skipped: list[tuple[str, str]], facts: dict[str, Any]) -> Report:
    hearing = _case(case).hearing
    for requirement, reason in skipped:
        hearing.bench.skipped(requirement, reason)
    return hearing.report(asked, **facts)
