"""The proof of the proof: the recorded runs judged again with one check after the other put out of action.

Where the matrix does not break, that check proves nothing. Must not know how runs are performed.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.outcome import NotExercised
from streamvet.prove.matrix import Done, compare
from streamvet.prove.running import kept
from streamvet.systems import system_of
from streamvet.verdicts import Judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.outcome import Check, Outcome, Verdict
    from streamvet.trace import Trace


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
    honest = {one.job.profile: one.verdicts for one in results if one.job.fault is None}
    named: dict[str, list[Done]] = {one: [] for profile in honest for one in _applicable(profile)}
    for done in results:
        if done.job.fault is not None and done.job.other is None and done.job.fault.id in named:
            named[done.job.fault.id].append(done)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:  # nothing but reading and judging: all cores
        unbroken = pool.map(_unbroken, sorted(named), [named[one] for one in sorted(named)], itertools.repeat(honest))
        return [line for lines in unbroken for line in lines]


def _unbroken(requirement: str, named: Sequence[Done], honest: Mapping[str, Mapping[str, Verdict]]) -> list[str]:
    """Where the matrix did not break for one requirement."""
    if not named:
        return [f"{requirement}: no fault names it"]
    return [
        f"{requirement}: the matrix holds where its check {how}"
        for how, check in REPLACEMENTS.items()
        if not any(_breaks(one, requirement, check, honest) for one in named)
    ]


def _applicable(profile: str) -> set[str]:
    return {row.id for row in load_registry().testable(load_profile(profile))}


def _breaks(one: Done, requirement: str, check: Check, honest: Mapping[str, Mapping[str, Verdict]]) -> bool:
    """Whether a run is no longer as it must be with this check in the place of the requirement's own."""
    fault, profile = one.job.fault, load_profile(one.job.profile)
    if fault is None or one.job.keep is None:
        return False
    bench = Judge(profile, load_registry(), {**system_of(profile).checks, requirement: check})
    for trace in kept(one.job.keep):
        bench.add(trace)
    rulings = bench.rulings()
    verdicts = {ruling.requirement.id: ruling.verdict for ruling in rulings}
    causes = {ruling.requirement.id: ruling.causes for ruling in rulings}
    return bool(compare(honest[one.job.profile], verdicts, fault, one.levels, causes))
