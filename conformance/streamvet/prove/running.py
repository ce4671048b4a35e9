"""Performs the runs of the proof: each in a process of its own, some at a time, and alone where that may have mattered.

Must not know any check, nor what a fault does.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import signal
import tempfile
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from streamvet.campaign import SMALL_EFFORT, Settings, Unreachable, campaign
from streamvet.contract.intake import FileError, read_lines
from streamvet.contract.loading import load_profile
from streamvet.outcome import Verdict
from streamvet.prove.matrix import Cell, Done, Job, matrix
from streamvet.reference import Fault, free_ports, reference
from streamvet.systems import judge_of
from streamvet.trace import Trace, dump, load
from streamvet.worker_pool import cancelled_on_signal, pool, signal_workers, signals_blocked, stop_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from streamvet.campaign import Summary
    from streamvet.contract.profile import Profile
    from streamvet.verdicts import Ruling

TIME_SCALE = 0.02  # a heartbeat of 15 s takes 300 ms; below, the floor of 100 ms under a tolerance hides what is late
LONGEST_WAIT_S = 3.0  # a longer mandated wait is scaled further: a run takes about as long for everything else
# Runs at the same time: a run computes for a quarter of its time and waits for the rest. Measured on two cores: with
# six at once the whole proof took 417 s; with eight, mixed as `mixed` does, 372 s; in both one run was late.
AT_ONCE = 4 * (os.cpu_count() or 2)
# A run in which the harness itself was late is no evidence. It is repeated with less beside it, as waits are in a run.
REPEATED_AT_ONCE = (max(2, AT_ONCE // 3), 1)
CAME_TO_NOTHING = (Unreachable, FileError, asyncio.CancelledError)  # what a run raises that could not be made
MOST_IN_VAIN = 3  # times in a row that workers are killed before any of them has done anything
_LATE = "harness"  # in the reason of a check that the lateness of the harness kept from a verdict
TOLD_CHARS = 100  # of a finding in the matrix

_Todo = TypeVar("_Todo")
_Made = TypeVar("_Made")


def jobs(
    faults: Iterable[Fault], accounts: Mapping[str, Any], profiles: Sequence[str], keep: Path | None = None,
    pairs: Mapping[str, Sequence[tuple[Fault, Fault]]] = MappingProxyType({}),
) -> list[Job]:  # fmt: skip
    """The honest run of each profile, then each fault on each of its profiles, then the pairs of each profile."""

    def job(profile: str, fault: Fault | None = None, other: Fault | None = None) -> Job:
        name = "+".join(one.name for one in (fault, other) if one) or "honest"
        return Job(profile, accounts[profile], fault, free_ports(), keep / profile / name if keep else None, other)

    single = [(profile, fault) for fault in faults for profile in fault.profiles if profile in profiles]
    return [
        *(job(profile) for profile in profiles),
        *(job(profile, fault) for profile, fault in single),
        *(job(profile, *both) for profile in profiles for both in pairs.get(profile, ())),
    ]


def perform(all_jobs: Sequence[Job], on_done: Callable[[Done], None]) -> list[Done]:
    """Perform the runs, some at a time, each in a process of its own; in the order of the jobs.

    Runs that are no evidence are repeated afterwards with less beside them, then with nothing: those in which the
    harness was late, and those that did not go as they must. Bounds in real time, such as a second for a close, are
    missed by a server that shares its cores with other runs; what is wrong is wrong alone too.

    Single tries are not performed again, as `run` does it: a fault has to be found by the first attempt. Where a try is
    over its time by chance, the run has not gone as it must, and its repetition is the second attempt.
    """
    results = beside_each_other(perform_one, mixed(all_jobs), AT_ONCE, on_done)
    for at_once in REPEATED_AT_ONCE:
        for honest in (True, False):  # by the honest run of a profile all of its others are judged
            wrong = gone_wrong(list(results.values()))
            again = {
                index: done.job
                for index, done in results.items()
                if (done.job.fault is None) is honest and (done.late or done.job in wrong)
            }
            results |= beside_each_other(perform_one, again, at_once, on_done)
    return [results[index] for index in sorted(results)]


def mixed(all_jobs: Sequence[Job]) -> dict[int, Job]:
    """The jobs by their numbers, in an order in which those of each profile are spread evenly over the whole.

    The runs of one profile mostly wait, those of another one mostly compute.
    """
    places: dict[int, float] = {}
    for profile in {job.profile for job in all_jobs}:
        numbers = [number for number, job in enumerate(all_jobs) if job.profile == profile]
        places |= {number: (place + 0.5) / len(numbers) for place, number in enumerate(numbers)}
    return {number: all_jobs[number] for number in sorted(places, key=places.__getitem__)}


def gone_wrong(results: Sequence[Done]) -> list[Job]:
    """The runs that did not go as they must; an honest one is there where it did not pass everything."""
    cells = {_key(cell) for cell in matrix(results) if cell.wrong}
    honest = {Verdict.PASS, Verdict.NOT_APPLICABLE}
    return [
        one.job
        for one in results
        if (one.job.fault is None and (one.errors or not honest.issuperset(one.verdicts.values())))
        or (one.job.fault is not None and _key(one.job) in cells)
    ]


def _key(one: Job | Cell) -> tuple[str, ...]:
    return (*(fault.name for fault in (one.fault, one.other) if fault is not None), one.profile)


def time_scale(profile: str) -> float:
    """The time scale of a profile's runs."""
    return min(TIME_SCALE, LONGEST_WAIT_S / (load_profile(profile).mandated_wait_s(1.0) or 1.0))


def beside_each_other(
    work: Callable[[_Todo], _Made], todo: Mapping[int, _Todo], at_once: int, on_done: Callable[[_Made], None]
) -> dict[int, _Made]:
    """Do some work for each, by its number, some at a time, each in a process that does one after the other.

    A process that is killed from outside, by a machine without memory for one, costs what it did and what the others
    were doing: that is done anew, unless nothing is done any more.
    """
    results: dict[int, _Made] = {}
    in_vain = 0
    while left := {index: one for index, one in todo.items() if index not in results}:
        before = len(results)
        try:
            with closing(_in_a_pool(work, left, at_once)) as made:
                for index, one in made:
                    results[index] = one
                    on_done(one)
        except BrokenProcessPool:
            in_vain = in_vain + 1 if len(results) == before else 0
            if in_vain == MOST_IN_VAIN:
                raise
    return results


def _in_a_pool(
    work: Callable[[_Todo], _Made], todo: Mapping[int, _Todo], at_once: int
) -> Generator[tuple[int, _Made], None, None]:
    with pool(min(at_once, len(todo))) as workers:
        with signals_blocked():
            futures = {workers.submit(work, one): index for index, one in todo.items()}
        broken: BaseException | None = None
        try:
            for future in as_completed(futures):
                if isinstance(error := future.exception(), BrokenProcessPool):
                    broken = error  # what was done before is there all the same
                else:
                    yield futures[future], future.result()
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            stop_workers()
            raise
        if broken is not None:
            signal_workers(signal.SIGKILL)  # one may wait for ever for a lock that another one held when it died
            raise broken


def _campaign(job: Job, folder: Path) -> tuple[Profile, list[Trace], Summary]:
    """The campaign of a run, which ends together with the server that it started where the parent is interrupted."""
    target, profile = reference(
        job.profile, dict(job.given), folder, job.ports, time_scale=time_scale(job.profile),
        faults=[one.name for one in job.faults],
    )  # fmt: skip
    traces: list[Trace] = []
    summary = asyncio.run(cancelled_on_signal(campaign(target, profile, Settings(effort=SMALL_EFFORT), traces.append)))
    return profile, traces, summary


def perform_one(job: Job) -> Done:
    """One run: the server, a campaign on it, the verdicts."""
    folder = Path(tempfile.mkdtemp(prefix="streamvet-prove-"))
    try:
        profile, traces, summary = _campaign(job, folder)
    except CAME_TO_NOTHING as error:
        return Done(job, {}, errors=(str(error) or "interrupted",))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    bench = judge_of(profile)
    if job.keep:
        shutil.rmtree(job.keep, ignore_errors=True)  # of a run that is repeated, or of a proof before this one
    for number, trace in enumerate(traces):
        bench.add(trace)
        if job.keep:
            _write(trace, job.keep, number)
    for requirement, reason in summary.skipped:
        bench.skipped(requirement, reason)
    for name, serves in summary.untried:
        bench.untried(name, serves)
    rulings = bench.rulings()
    ours = tuple(one.reason for one in rulings if one.verdict is Verdict.ERROR)  # of commands
    late = any(one.verdict is Verdict.INCONCLUSIVE and _LATE in one.reason for one in rulings)
    causes = {one.requirement.id: one.causes for one in rulings if one.causes}
    levels = {one.requirement.id: one.requirement.level for one in rulings}
    return Done(
        job,
        _verdicts(rulings),
        causes,
        levels,
        _first(rulings),
        (*summary.errors, *bench.errors, *ours),
        summary.duration_s,
        late,
    )


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


def kept(folder: Path) -> Iterator[Trace]:
    """The traces that a run has left in its folder, in their order."""
    for path in sorted(folder.glob("*.trace.ndjson.gz")):
        yield load(read_lines(path), str(path))
