"""The suite against every fault of the reference server: each must be caught, and caught as what it is.

Whether a run went as it must is a pure function of verdicts (`compare`); running is apart from it. The recorded traces
can be judged again with a check that has been put out of action, to see that the proof breaks (`prove_the_proof`).
Must not know how the server commits a fault.
"""

from __future__ import annotations

import asyncio
import gzip
import multiprocessing
import shutil
import signal
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet.campaign import SMALL_EFFORT, Settings, Unreachable, campaign
from streamvet.checks import CHECKS
from streamvet.contract.profile import load_profile
from streamvet.contract.registry import load_registry
from streamvet.judge import Judge
from streamvet.outcome import NotExercised, Verdict
from streamvet.reference import Fault, free_port, reference
from streamvet.trace import Trace, dump, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from streamvet.campaign import Summary
    from streamvet.contract.profile import Profile
    from streamvet.contract.registry import Registry
    from streamvet.judge import Ruling
    from streamvet.outcome import Check, Outcome

TIME_SCALE = 0.02  # a heartbeat of 15 s takes 300 ms; below, the floor of 100 ms under a tolerance hides what is late
# Runs at the same time. They wait for most of their time: with two cores, four keep both busy.
AT_ONCE = 4
# A run in which the harness itself was late is no evidence. It is repeated with less beside it, as waits are in a run.
REPEATED_AT_ONCE = (2, 1)
_LATE = "harness"  # in the reason of a check that the lateness of the harness kept from a verdict
TOLD_CHARS = 100  # of a finding in the matrix


@dataclass(frozen=True, slots=True)
class Job:
    """One run: a profile, and a fault or none. `given` is the profile's row of the server's accounts."""

    profile: str
    given: Mapping[str, Any]
    fault: Fault | None
    port: int
    keep: Path | None  # the folder for its traces

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.fault.name if self.fault else 'honest'} on {self.profile}"


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a run. `first` has the first finding of each id that has one, as text."""

    job: Job
    verdicts: Mapping[str, Verdict]
    first: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    duration_s: float = 0.0
    late: bool = False  # an id is inconclusive because the harness was late


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the kill matrix: a fault on a profile, what went wrong, and how the fault was seen."""

    fault: Fault
    profile: str
    wrong: tuple[str, ...]
    seen: str


def compare(
    honest: Mapping[str, Verdict], faulty: Mapping[str, Verdict], fault: Fault, registry: Registry
) -> list[str]:
    """What is wrong with the verdicts of a faulty run, held against those of the honest one; [] where nothing is.

    The named id fails (warns, where it is a SHOULD); what depends on it may become inconclusive; nothing else changes.
    """
    wrong: list[str] = []
    if fault.id is not None:
        expected = Verdict.FAIL if registry.rows[fault.id].level == "MUST" else Verdict.WARN
        if honest.get(fault.id) is not Verdict.PASS:
            wrong.append(f"{fault.id}: expected PASS on the honest server, got {_told(honest.get(fault.id))}")
        if faulty.get(fault.id) is not expected:
            wrong.append(f"{fault.id}: expected {expected.value}, got {_told(faulty.get(fault.id))}")
    for one, verdict in honest.items():
        now = faulty.get(one)
        if one == fault.id or now is verdict:
            continue
        if now is Verdict.INCONCLUSIVE and fault.id is not None and fault.id in registry.ancestors(one):
            continue
        wrong.append(f"{one}: expected {verdict.value} as on the honest server, got {_told(now)}")
    return wrong


def _told(verdict: Verdict | None) -> str:
    return verdict.value if verdict else "no verdict"


# ------------------------------------------------------------------------------------------------ running


def jobs(
    faults: Iterable[Fault], accounts: Mapping[str, Any], profiles: Sequence[str], keep: Path | None = None
) -> list[Job]:
    """The honest run of each profile, then each fault on each of its profiles."""

    def job(profile: str, fault: Fault | None) -> Job:
        folder = keep / profile / (fault.name if fault else "honest") if keep else None
        return Job(profile, accounts[profile], fault, free_port(), folder)

    pairs = [(profile, fault) for fault in faults for profile in fault.profiles if profile in profiles]
    return [job(profile, None) for profile in profiles] + [job(profile, fault) for profile, fault in pairs]


def perform(all_jobs: Sequence[Job], on_done: Callable[[Done], None]) -> list[Done]:
    """Perform the runs, some at a time, each in a process of its own; in the order of the jobs.

    Runs in which the harness was late are repeated afterwards, at most twice.
    """
    results = dict(_round(dict(enumerate(all_jobs)), AT_ONCE, on_done))
    for at_once in REPEATED_AT_ONCE:
        again = {index: done.job for index, done in results.items() if done.late}
        results |= _round(again, at_once, on_done)
    return [results[index] for index in sorted(results)]


def _round(todo: Mapping[int, Job], at_once: int, on_done: Callable[[Done], None]) -> dict[int, Done]:
    """Perform some jobs, by their number."""
    results: dict[int, Done] = {}
    if not todo:
        return results
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(at_once, len(todo)), context, initializer=_deaf_to_interrupts) as pool:
        futures = {pool.submit(perform_one, job): index for index, job in todo.items()}
        try:
            for future in as_completed(futures):
                done = results[futures[future]] = future.result()
                on_done(done)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return results


def _deaf_to_interrupts() -> None:
    """A worker that waits for work leaves Ctrl-C to its parent; one that runs a campaign ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _campaign(job: Job, folder: Path) -> tuple[Profile, list[Trace], Summary]:
    """The campaign of a run, which Ctrl-C ends together with the server that it started."""
    fault = job.fault.name if job.fault else None
    target, profile = reference(job.profile, dict(job.given), folder, job.port, time_scale=TIME_SCALE, fault=fault)
    traces: list[Trace] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        summary = asyncio.run(campaign(target, profile, Settings(effort=SMALL_EFFORT), traces.append))
    finally:
        signal.signal(signal.SIGINT, before)
    return profile, traces, summary


def perform_one(job: Job) -> Done:
    """One run: the server, a campaign on it, the verdicts."""
    folder = Path(tempfile.mkdtemp(prefix="streamvet-prove-"))
    try:
        profile, traces, summary = _campaign(job, folder)
    except (Unreachable, KeyboardInterrupt) as error:
        return Done(job, {}, errors=(str(error) or "interrupted",))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    bench = Judge(profile, load_registry())
    if job.keep:
        shutil.rmtree(job.keep, ignore_errors=True)  # of a run that is repeated, or of a proof before this one
    for number, trace in enumerate(traces):
        bench.add(trace)
        if job.keep:
            _write(trace, job.keep, number)
    for requirement, reason in summary.skipped:
        bench.skipped(requirement, reason)
    rulings = bench.rulings()
    ours = tuple(one.reason for one in rulings if one.verdict is Verdict.ERROR)
    late = any(one.verdict is Verdict.INCONCLUSIVE and _LATE in one.reason for one in rulings)
    return Done(job, _verdicts(rulings), _first(rulings), (*summary.errors, *ours), summary.duration_s, late)


def _write(trace: Trace, folder: Path, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number:04d}-{trace.probe}.trace.ndjson.gz"  # the runs of a proof have some gigabytes
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8", newline="\n") as file:
        file.writelines(dump(trace))


def _verdicts(rulings: Iterable[Ruling]) -> dict[str, Verdict]:
    return {one.requirement.id: one.verdict for one in rulings}


def _first(rulings: Iterable[Ruling]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in rulings:
        if one.findings:
            told = f"expected {one.findings[0].expected}, seen {one.findings[0].seen}"
            found[one.requirement.id] = told if len(told) <= TOLD_CHARS else told[: TOLD_CHARS - 1] + "…"
    return found


def matrix(results: Iterable[Done], registry: Registry) -> list[Cell]:
    """The kill matrix: every fault on every profile against the honest run of that profile."""
    done = list(results)
    honest = {one.job.profile: one for one in done if one.job.fault is None}
    return [_cell(one, one.job.fault, honest[one.job.profile], registry) for one in done if one.job.fault is not None]


def _cell(one: Done, fault: Fault, honest: Done, registry: Registry) -> Cell:
    ours = [f"the suite itself: {error.strip().rpartition(chr(10))[2]}" for error in (*honest.errors, *one.errors)]
    wrong = (*ours, *(_with_finding(line, one) for line in compare(honest.verdicts, one.verdicts, fault, registry)))
    return Cell(fault, one.job.profile, wrong, one.first.get(fault.id or "", ""))


def _with_finding(line: str, one: Done) -> str:
    """What is wrong, with the finding that made it so."""
    finding = one.first.get(line.partition(":")[0])
    return f"{line} ({finding})" if finding else line


# ------------------------------------------------------------------------------------------------ the proof's proof


def _always_holds(_trace: Trace, _profile: object) -> Outcome:
    return []


def _never_exercised(_trace: Trace, _profile: object) -> Outcome:
    return NotExercised("put out of action")


REPLACEMENTS: Mapping[str, Check] = {"always holds": _always_holds, "is never exercised": _never_exercised}


def prove_the_proof(results: Sequence[Done]) -> list[str]:
    """Judge the recorded runs again with each check in turn put out of action; gives where the matrix did not break.

    Only the runs of the faults that name the id can break by it, so only these are judged again. A check that no
    fault names is told of too. The jobs must have kept their traces.
    """
    registry = load_registry()
    honest = {one.job.profile: one.verdicts for one in results if one.job.fault is None}
    unbroken: list[str] = []
    for requirement in sorted(set().union(*(_applicable(one) for one in honest))):
        named = [one for one in results if one.job.fault is not None and one.job.fault.id == requirement]
        if not named:
            unbroken.append(f"{requirement}: no fault names it")
        for how, check in REPLACEMENTS.items():
            if named and not any(_breaks(one, requirement, check, honest, registry) for one in named):
                unbroken.append(f"{requirement}: the matrix holds where its check {how}")
    return unbroken


def _applicable(profile: str) -> set[str]:
    return {row.id for row in load_registry().testable(load_profile(profile))}


def _breaks(
    one: Done, requirement: str, check: Check, honest: Mapping[str, Mapping[str, Verdict]], registry: Registry
) -> bool:
    """Whether a run is no longer as it must be with this check in the place of the requirement's own."""
    fault, profile = one.job.fault, load_profile(one.job.profile)
    if fault is None or one.job.keep is None:
        return False
    bench = Judge(profile, registry, {**CHECKS, requirement: check})
    for trace in kept(one.job.keep):
        bench.add(trace)
    return bool(compare(honest[one.job.profile], _verdicts(bench.rulings()), fault, registry))


def kept(folder: Path) -> Iterator[Trace]:
    """The traces that a run has left in its folder, in their order."""
    for path in sorted(folder.glob("*.trace.ndjson.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield load(file, str(path))
