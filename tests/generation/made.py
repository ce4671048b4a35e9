"""Stimuli for the tests of this room: what can be tried on a candidate, and some hundred that are made of that."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.generation.batches import batch
from streamvet.generation.form import form_of
from streamvet.generation.ground import Ground, Start
from streamvet.generation.lawful import Law
from streamvet.generation.programs import stimuli
from streamvet.probes.program import CONNECTIONS
from streamvet.systems import SYSTEMS

if TYPE_CHECKING:
    from streamvet.probes.setting import Stimulus

PROFILES = builtin_profiles()
SCALE = 0.05


def ground(name: str, *, control: bool = True) -> Ground:
    """Everything can be done to this candidate; without control it has inputs that succeed and that fail."""
    profile = load_profile(name)
    outcomes = ("succeeds", "fails", "hangs") if control else ("succeeds", "fails")
    return Ground(
        profile=str(profile.folder), scale=SCALE, scripted=control and profile.streams != "ambient",
        published=control and name == "cosma", states=("primary", "other") if control else (),
        starts=tuple(Start(one.kind, outcomes) for one in profile.starts), cancels="cancel" in profile.operations,
        restarts=control, records="record" in profile.operations, strangers=("missing", "other"),
        connections=CONNECTIONS, words=SYSTEMS[name].words, generation=SYSTEMS[name].generation,
    )  # fmt: skip


@cache
def some(name: str) -> list[Stimulus]:
    """Some hundred stimuli of a profile."""
    count = {"agent-workspace": 60, "cosma": 600}.get(name, 300)  # a file of cosma has the longest way
    return [one for number in range(count // 30) for one in batch(stimuli(ground(name)), 7, number, 30)]


@cache
def law(name: str) -> Law:
    """What holds for the stimuli of a profile."""
    return Law(load_profile(name), SYSTEMS[name].words, form_of(SYSTEMS[name].generation))
