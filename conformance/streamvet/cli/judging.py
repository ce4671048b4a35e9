"""Judges traces in a process of its own while campaigns run: it gets each trace as its try ends, and makes the reports.

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
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.masking import EVERYWHERE
from streamvet.outcome import own_findings
from streamvet.report.building import NOT_ALLOWED, TRACE_SUFFIX, Asked, ReportBuilder
from streamvet.systems import system_of
from streamvet.trace import dump
from streamvet.worker_pool import outcome_once_signalled, pool, signals_blocked

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType

    from streamvet.report.report import Report
    from streamvet.trace import Trace

_NICE = 10  # the campaigns and the candidate come first: a busy judge must not make a heartbeat look late
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_NAME_CHARS = 60  # of a trace's file name, before its number and suffix


class JudgingError(Exception):
    """A trace could not be kept; the text names the file. It travels between processes, as a `FileError` does not."""


@dataclass(frozen=True, slots=True)
class JudgedCandidate:
    """What the process has to know of a candidate.

    `prefix` begins the names of its trace files. `withheld`: why commands do not run, as in `ReportBuilder`.
    """

    number: int
    profile_folder: str
    trace_dir: Path | None
    prefix: str = ""
    withheld: str = NOT_ALLOWED


class JudgeProcess:
    """The process that judges. Used as a context; it ends with it."""

    def __init__(self) -> None:
        self._pool = pool(1, _NICE)
        self._pending: deque[Future[frozenset[str]]] = deque()

    def __enter__(self) -> Self:
        with signals_blocked():
            self._pool.submit(load_registry)  # whatever takes time to load is there when the first trace comes
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def judge(self, candidate: JudgedCandidate, trace: Trace) -> Future[frozenset[str]]:
        """Hand over a trace; returns at once. The requirements that it violates are known later."""
        # What was judged without an error need not be waited for any more.
        while self._pending and self._pending[0].done() and self._pending[0].exception() is None:
            self._pending.popleft()
        masked: Any = EVERYWHERE.mask_value(trace.stimulus)  # it may hold inputs of the user
        self._pending.append(self._pool.submit(_judge, candidate, dataclasses.replace(trace, stimulus=masked)))
        return self._pending[-1]

    def catch_up(self) -> bool:
        """Wait until everything is judged; gives whether it is. Who interrupts that has what is judged by then.

        Raises:
            JudgingError: where a trace could not be kept.
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

    def report(
        self, candidate: JudgedCandidate, asked: Asked, skipped: list[tuple[str, str]], facts: dict[str, Any]
    ) -> Report:
        """The report on all traces of a candidate that are judged; without what commands say if interrupted."""
        making = self._pool.submit(_report, candidate, asked, skipped, facts)
        try:
            return making.result()
        except KeyboardInterrupt:
            return dataclasses.replace(outcome_once_signalled(making), interrupted=True)


# ------------------------------------------------------------------------------------------ in that process


@dataclass(slots=True)
class _Judging:
    """A candidate whose traces are being judged."""

    builder: ReportBuilder
    names: dict[str, int] = field(default_factory=dict)  # of trace files, with how many have it


_candidates: dict[int, _Judging] = {}


def _judging(candidate: JudgedCandidate) -> _Judging:
    if candidate.number not in _candidates:
        profile = load_profile(candidate.profile_folder)
        builder = ReportBuilder(profile, load_registry(profile), system_of(profile).checks, candidate.withheld)
        _candidates[candidate.number] = _Judging(builder)
    return _candidates[candidate.number]


def _judge(candidate: JudgedCandidate, trace: Trace) -> frozenset[str]:
    judging = _judging(candidate)
    try:
        name = _keep(candidate, judging, trace)
        outcomes = judging.builder.add(dataclasses.replace(trace, name=name))
    except FileError as error:
        raise JudgingError(str(error)) from None
    except Exception as error:  # noqa: BLE001 - the other traces are judged all the same; it is reported
        judging.builder.judge.lose(trace, error)
        return frozenset()
    return frozenset(requirement for requirement, outcome in outcomes.items() if own_findings(outcome))


def _keep(candidate: JudgedCandidate, judging: _Judging, trace: Trace) -> str:
    """Write a trace where traces are kept; gives its file, "" where it has none."""
    if candidate.trace_dir is None:
        return ""
    parts = [candidate.prefix, trace.probe, str(trace.stimulus.get("name", "")), str(trace.stimulus.get("kind", ""))]
    name = "-".join(filter(None, (_NOT_IN_NAMES.sub("-", part.lower()).strip("-") for part in parts)))[:_NAME_CHARS]
    judging.names[name] = judging.names.get(name, 0) + 1
    number = f"-{judging.names[name]}" if judging.names[name] > 1 else ""
    path = candidate.trace_dir / f"{name}{number}{TRACE_SUFFIX}"
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(dump(trace))
    except OSError as error:
        raise FileError(path, "", "a file that can be written", error.strerror or "an error") from error
    return str(path)


def _report(candidate: JudgedCandidate, asked: Asked, skipped: list[tuple[str, str]], facts: dict[str, Any]) -> Report:
    builder = _judging(candidate).builder
    for requirement, reason in skipped:
        builder.judge.skipped(requirement, reason)
    return builder.report(asked, **facts)
