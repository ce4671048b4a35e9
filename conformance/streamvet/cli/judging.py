"""Judges traces in a process of its own while campaigns run: it gets each trace as its try ends, and makes the reports.

So the wait that a profile mandates is used for judging, and nothing slow is done on the loop that times heartbeats.
Must not know how traces are made.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import pickle
import re
import signal
import tempfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from streamvet.contract.asks import replaced
from streamvet.contract.files import FileError
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.masking import EVERYWHERE
from streamvet.outcome import own_findings
from streamvet.recorder import now_us
from streamvet.report.building import NOT_ALLOWED, TRACE_SUFFIX, Asked, ReportBuilder
from streamvet.report.printable import counted
from streamvet.systems import system_of
from streamvet.trace import dump
from streamvet.worker_pool import hurried, hurry, outcome_once_signalled, pool, signals_blocked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from types import TracebackType

    from streamvet.report.report import Report
    from streamvet.trace import Trace

_NICE = 10  # the campaigns and the candidate come first: a busy judge must not make a heartbeat look late
_SOON_S = 1.5  # for what is left to be judged when a run is interrupted, of the five seconds in which it then ends
# A trace with bodies above this waits in a file: a candidate may send faster than is judged.
_LARGE_BYTES = 4 * 1024 * 1024
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_NAME_CHARS = 60  # of a trace's file name, before its number and suffix


@dataclass(frozen=True, slots=True)
class JudgedCandidate:
    """What the process has to know of a candidate.

    `prefix` begins the names of its trace files. `withheld`: why commands do not run, as in `ReportBuilder`. `changes`
    are those of its profile that answers of its target file have brought.
    """

    number: int
    profile_folder: str
    trace_dir: Path | None
    prefix: str = ""
    withheld: str = NOT_ALLOWED
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not tried: requirements with reasons, and tries that the deadline cut short with what they are for."""

    reasons: Sequence[tuple[str, str]] = ()
    untried: Sequence[tuple[str, tuple[str, ...]]] = ()


class JudgeProcess:
    """The process that judges, until a moment of `now_us`. Used as a context; it ends with it."""

    def __init__(self, until_us: int) -> None:
        self._until_us = until_us
        self._pool = pool(1, _NICE)
        self._pending: deque[Future[frozenset[str]]] = deque()
        self._folder = tempfile.TemporaryDirectory(prefix="streamvet-", ignore_cleanup_errors=True)

    def __enter__(self) -> Self:
        with signals_blocked():
            self._pool.submit(load_registry)  # whatever takes time to load is there when the first trace comes
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def judge(self, candidate: JudgedCandidate, trace: Trace) -> Future[frozenset[str]]:
        """Hand over a trace; returns at once. The requirements that it violates are known later."""
        # What was judged without an error need not be waited for any more.
        while self._pending and self._pending[0].done() and self._pending[0].exception() is None:
            self._pending.popleft()
        masked: Any = EVERYWHERE.mask_value(trace.stimulus)  # it may hold inputs of the user
        trace = dataclasses.replace(trace, stimulus=masked)
        if sum(len(one.body) for one in trace.exchanges) <= _LARGE_BYTES:
            judging = self._pool.submit(_judge, candidate, trace, self._until_us)
        else:
            left = _left_in(self._folder.name, trace)
            judging = self._pool.submit(_judge_from, candidate, left, self._until_us)
        self._pending.append(judging)
        return judging

    def doubtful(self, candidate: JudgedCandidate) -> Future[list[int]]:
        """The tries to be performed again, by what was handed over so far; see `attempts`."""
        return self._pool.submit(_doubtful, candidate)

    def catch_up(self, *, interrupted: bool = False) -> bool:
        """Wait until everything is judged; gives whether it is.

        Who has `interrupted` the run, or interrupts this, has what is judged soon: a judge that is busy for long with
        what a candidate has sent breaks that off.

        Raises:
            FileError: where a trace could not be kept.
        """
        pending, self._pending = self._pending, deque()
        whole = hurry(pending, _SOON_S if interrupted else None)
        for future in pending:
            if not future.cancelled():
                future.result()
        return whole

    def report(self, candidate: JudgedCandidate, asked: Asked, skipped: Skipped, facts: dict[str, Any]) -> Report:
        """The report on all traces of a candidate that are judged; without what commands say if interrupted."""
        making = self._pool.submit(_report, candidate, asked, skipped, facts, self._until_us)
        try:
            return making.result()
        except KeyboardInterrupt:
            return dataclasses.replace(outcome_once_signalled(making), interrupted=True)


def _left_in(folder: str, trace: Trace) -> str:
    """The file in which a trace waits until it is judged."""
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        pickle.dump(trace, file, pickle.HIGHEST_PROTOCOL)
    return file.name


# ------------------------------------------------------------------------------------------ in that process


@dataclass(slots=True)
class _Judging:
    """A candidate whose traces are being judged."""

    builder: ReportBuilder
    serves: dict[str, tuple[str, ...]]  # the requirements for which each probe is
    names: dict[str, int] = field(default_factory=dict)  # of trace files, with how many have it
    unjudged: int = 0  # traces for which no time was left


_candidates: dict[int, _Judging] = {}


def _judging(candidate: JudgedCandidate) -> _Judging:
    if candidate.number not in _candidates:
        profile = replaced(load_profile(candidate.profile_folder), candidate.changes)
        system = system_of(profile)
        builder = ReportBuilder(profile, load_registry(profile), system.checks, candidate.withheld)
        _candidates[candidate.number] = _Judging(builder, {one.name: one.serves for one in system.probes})
    return _candidates[candidate.number]


class _OutOfTime(BaseException):
    """The deadline is over. No `Exception`: a check that raises one has an error of its own."""


@contextlib.contextmanager
def _until(until_us: int) -> Iterator[None]:
    """Interrupt the block where it is not over by then.

    Raises:
        _OutOfTime: there.
    """

    def interrupt(*_: object) -> None:
        raise _OutOfTime

    left_s = (until_us - now_us()) / 1e6
    if left_s <= 0:
        raise _OutOfTime
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, left_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _judge_from(candidate: JudgedCandidate, name: str, until_us: int) -> frozenset[str]:
    path = Path(name)
    with path.open("rb") as file:
        trace = pickle.load(file)  # noqa: S301 - `_left_in` has written it, into a folder of our own
    path.unlink()
    try:
        return _judge(candidate, trace, until_us)
    finally:
        del trace
        gc.collect()  # what was read of an exchange and the exchange know each other


def _judge(candidate: JudgedCandidate, trace: Trace, until_us: int) -> frozenset[str]:
    judging = _judging(candidate)
    try:
        name = _keep(candidate, judging, trace)
        with _until(until_us), hurried():
            outcomes = judging.builder.add(dataclasses.replace(trace, name=name))
    except FileError:
        raise
    except Exception as error:  # noqa: BLE001 - the other traces are judged all the same; it is reported
        judging.builder.judge.lose(trace, error)
        return frozenset()
    except (_OutOfTime, KeyboardInterrupt) as stop:
        judging.unjudged += isinstance(stop, _OutOfTime)
        what = f"{trace.probe}: {trace.stimulus.get('name')} (not judged)"
        judging.builder.judge.untried(what, judging.serves.get(trace.probe, ()))
        return frozenset()
    return frozenset(requirement for requirement, outcome in outcomes.items() if own_findings(outcome))


def _doubtful(candidate: JudgedCandidate) -> list[int]:
    return _judging(candidate).builder.judge.doubtful()


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


def _report(
    candidate: JudgedCandidate, asked: Asked, skipped: Skipped, facts: dict[str, Any], until_us: int
) -> Report:  # fmt: skip
    judging = _judging(candidate)
    builder = judging.builder
    for requirement, reason in skipped.reasons:
        builder.judge.skipped(requirement, reason)
    for name, serves in skipped.untried:
        builder.judge.untried(name, serves)
    if judging.unjudged:
        facts["notes"] += (f"{counted(judging.unjudged, 'trace was', 'traces were')} not judged before the deadline",)
    builder.until_us = until_us
    return builder.report(asked, **facts)
