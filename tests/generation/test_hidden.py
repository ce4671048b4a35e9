"""The faults that no pinned stimulus shows are found by what is generated: with one seed here, with ten on request.

That the pinned stimuli do not show them is asked for too: it takes a run of the suite for each.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.campaign import Settings, campaign
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.generation.exploring import Effort, Explorer
from streamvet.generation.shrinking import canonical, removals
from streamvet.outcome import Verdict
from streamvet.prove import Hunted, catches, go_hunting, hunts, jobs, perform_one
from streamvet.prove.hunting import BUDGET_S, SEEDS, hunt_one
from streamvet.prove.running import time_scale
from streamvet.reference import Fault, accounts, faults, free_ports, reference
from streamvet.systems import judge_in, judge_of

from .made import law

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

pytestmark = pytest.mark.live

HIDDEN = [one for one in faults() if one.generated]


def _sample() -> set[str]:
    """The first fault of each family and of each system: the others are `long`."""
    rows, met, names = load_registry().rows, set[str](), set[str]()
    for one in HIDDEN:
        kinds = {rows[str(one.id)].family, one.profiles[0]}
        names |= {one.name} if kinds - met else set()
        met |= kinds
    return names


SAMPLE = _sample()
PAIRS = [(one, profile) for one in HIDDEN for profile in one.profiles]
# One is enough on a quiet machine; one that does something else meanwhile makes fewer tries in the time of a seed.
MOST_SEEDS = 5
ATTEMPTS = 3  # of a run in which the suite itself may be late


def hunted(fault: Fault, profile: str, seed: int) -> Hunted:
    """One hunt, in which nothing is made smaller."""
    (hunt,) = hunts([fault], accounts(), [profile], [seed])
    return hunt_one(replace(hunt, shrink_s=0.0))


@pytest.mark.parametrize(
    "fault",
    [pytest.param(one, id=one.name, marks=[] if one.name in SAMPLE else pytest.mark.long) for one in HIDDEN],
)
def test_each_is_found(fault: Fault) -> None:
    for seed in range(MOST_SEEDS):
        done = hunted(fault, fault.profiles[0], seed)
        if done.found:
            break
    assert done.errors == ()
    assert done.found, f"not in {done.tries} tries"


@pytest.mark.long
def test_each_is_found_with_most_seeds() -> None:
    results = go_hunting(hunts(HIDDEN, accounts(), sorted({profile for _, profile in PAIRS}), range(SEEDS)), print)
    assert [one.errors for one in results if one.errors] == []
    assert [row for row in catches(results) if not row.enough] == []


@pytest.mark.long
@pytest.mark.parametrize(("fault", "profile"), PAIRS, ids=[f"{one.name} {profile}" for one, profile in PAIRS])
def test_no_pinned_stimulus_shows_them(fault: Fault, profile: str) -> None:
    job = next(one for one in jobs([fault], accounts(), [profile]) if one.fault)
    for _ in range(ATTEMPTS):
        done = perform_one(job)
        others = {name: one for name, one in done.verdicts.items() if one not in (Verdict.PASS, Verdict.NOT_APPLICABLE)}
        if not others:
            break
    assert (others, done.errors) == ({}, ())


# ------------------------------------------------------------------------------------------------ the smallest


# Of each framing, what depends on no moment: with it a removal either shows the fault or does not.
STEADY = [
    ("data-key-twice", "ghostly"),
    ("separators-trimmed", "promptfloe"),
    ("end-looked-for-in-the-text", "rockstar"),
    ("changes-first", "cosma"),
]


@pytest.mark.parametrize(("name", "system"), STEADY, ids=[" ".join(one) for one in STEADY])
def test_of_what_is_found_nothing_can_be_taken_away(name: str, system: str, tmp_path: Path) -> None:
    (fault,) = (one for one in HIDDEN if one.name == name)
    wanted = str(fault.id)

    def tried(cases: list[Stimulus], explore: Explorer | None = None) -> list[Trace]:
        """The traces of stimuli on the server with the fault, or of nothing but what is generated."""
        target, _ = reference(
            system, accounts()[system], tmp_path, free_ports(), time_scale=time_scale(system), faults=[name]
        )
        traces: list[Trace] = []
        rows = [("program", one) for one in cases]
        asyncio.run(campaign(target, profile, Settings(), traces.append, cases=rows, explore=explore))
        return traces

    profile = load_profile(system)
    with Explorer(judge_in, Effort(budget_s=BUDGET_S), only=[wanted]) as explorer:
        tried([], explorer)
    found = explorer.found[wanted]
    assert found.whole

    mended = law(system).mended
    fewer = removals(found.stimulus, law(system).form)
    less = [made for one in fewer if (made := mended(one)) is not None and made != found.stimulus]
    bench, shows = judge_of(profile), {}
    for trace in tried([found.stimulus, *less]):
        outcome = bench.add(trace)[wanted]
        shows[canonical(dict(trace.stimulus))] = isinstance(outcome, list) and outcome != []
    assert shows == {canonical(one): one is found.stimulus for one in (found.stimulus, *less)}
