"""Runs that the candidate does not survive: nothing is found on the reference server, and what is lost is noticed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from streamvet.campaign import Settings, campaign
from streamvet.generation.batches import batch
from streamvet.generation.exploring import MOST_ALONE, Effort, Explorer
from streamvet.generation.programs import stimuli
from streamvet.probes.program import is_alone
from streamvet.prove.running import time_scale
from streamvet.reference import accounts, free_ports, reference
from streamvet.systems import judge_in, judge_of

from .made import ground

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

pytestmark = pytest.mark.live
RUNS = 8
LOST = {"ghostly": ("last-event-lost-in-crash", "CAT-20"), "promptfloe": ("runs-lost-in-crash", "CAT-16")}


def launched(name: str, folder: Path, fault: str | None = None) -> tuple[Target, Profile]:
    return reference(
        name, accounts()[name], folder, free_ports(), time_scale=time_scale(name), faults=[fault] if fault else []
    )


def crashes(name: str) -> list[Stimulus]:
    """Some stimuli in which the candidate is killed."""
    made = (one for number in range(100) for one in batch(stimuli(ground(name)), 11, number, 50))
    return [one for _, one in zip(range(RUNS), filter(is_alone, made), strict=False)]


@pytest.mark.parametrize("name", LOST)
def test_nothing_is_lost_on_the_reference_server(name: str, tmp_path: Path) -> None:
    target, profile = launched(name, tmp_path)
    bench = judge_of(profile)
    seen: dict[str, int] = {}

    def hear(trace: Trace) -> None:
        for row, outcome in bench.add(trace).items():
            if isinstance(outcome, list):
                assert outcome == []
                seen[row] = seen.get(row, 0) + 1

    tries = [("program", one) for one in crashes(name)]
    summary = asyncio.run(campaign(target, profile, Settings(), hear, cases=tries))
    assert (summary.errors, summary.tries) == ([], RUNS)
    assert seen[LOST[name][1]] > RUNS / 4  # of some runs nothing was seen before


# On ghostly it takes two minutes and a half.
@pytest.mark.parametrize("name", [pytest.param("ghostly", marks=pytest.mark.long), "promptfloe"])
def test_what_a_crash_loses_is_found(name: str, tmp_path: Path) -> None:
    fault, requirement = LOST[name]
    target, profile = launched(name, tmp_path, fault)
    with Explorer(judge_in, Effort(seed=0, budget_s=4, shrink_s=3), only=[requirement]) as explorer:
        asyncio.run(campaign(target, profile, Settings(), lambda _trace: None, cases=(), explore=explorer))
    assert explorer.found[requirement].fails > 0
    assert is_alone(explorer.found[requirement].stimulus)
    assert explorer.tries > MOST_ALONE  # what nothing else may see came last
