"""The lowest level of evidence of each requirement: derived from the probes, and what captured bytes tell."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.evidence import Evidence, highest
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.decode import readable
from streamvet.examples import base_trace, bases
from streamvet.levels import fullest, lowest, lowest_of_probes, of_bytes, of_trace
from streamvet.outcome import NotExercised
from streamvet.systems import system_of
from streamvet.trace import Ending, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet.contract.profile import Profile

REGISTRY = load_registry()
CAPTURE, BLACK_BOX, LAUNCHED, CONTROLLED = Evidence
# Per profile the ids that need more than a candidate which answers requests.
BEYOND: dict[str, dict[Evidence, str]] = {
    "ghostly": {
        LAUNCHED: "CAT-14 CAT-20 GHO-05",
        CONTROLLED: "TRN-10 EVT-09 ORD-04 ORD-05",
    },
    "promptfloe": {
        LAUNCHED: "CAT-15 CAT-16",
        CONTROLLED: "TRN-03 TRN-10 EVT-09 ORD-04 ORD-05 PFL-05 PFL-11",
    },
    "agent-workspace": {
        LAUNCHED: "CAT-18",
        CONTROLLED: "HBT-02 TRM-01 TRM-02 TRM-03 TRM-04 TRM-11 FLT-02 FLT-03 FLT-05 FLT-06 FLT-07 FLT-08 FLT-09 FLT-10 "
        "FLT-11 FLT-12 FLT-13 FLT-14 FLT-15 FLT-17 FLT-18 FLT-19 FLT-20",
    },
    "cosma": {
        LAUNCHED: "CAT-18 COS-18 TRM-01 TRM-02 TRM-03 TRM-04 TRM-11",
        CONTROLLED: "TRN-10 TRN-12 TRN-13 EVT-09 ORD-04 ORD-05 ORD-06",
    },
    "rockstar": {LAUNCHED: "RKS-14", CONTROLLED: "TRN-03 EVT-09 ORD-04 ORD-05 RKS-11"},
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_needs_more_than_a_black_box(name: str) -> None:
    profile = load_profile(name)
    found: dict[Evidence, list[str]] = {}
    for one, level in lowest_of_probes(profile, system_of(profile)).items():
        if level is not BLACK_BOX:
            found.setdefault(level, []).append(one)
    assert {level: set(ids) for level, ids in found.items()} == {
        level: set(ids.split()) for level, ids in BEYOND[name].items()
    }


@pytest.mark.parametrize("name", builtin_profiles())
def test_each_requirement_that_applies_has_a_level(name: str) -> None:
    profile = load_profile(name)
    assert set(lowest_of_probes(profile, system_of(profile))) == {row.id for row in REGISTRY.testable(profile)}


@pytest.mark.parametrize("name", builtin_profiles())
def test_no_probe_needs_more_than_the_fullest_target(name: str) -> None:
    """Else a requirement could have no level, or one that no target reaches: a probe of neither may be missed."""
    profile = load_profile(name)
    system = system_of(profile)
    settings = [fullest(profile, system, level) for level in (BLACK_BOX, LAUNCHED, CONTROLLED)]
    unmet = {probe.name: [probe.unmet(setting) for setting in settings] for probe in system.probes}
    assert {name: said for name, said in unmet.items() if None not in said and "" not in said} == {}


def test_without_words_a_script_needs_a_control_interface_all_the_same() -> None:
    ghostly = load_profile("ghostly")
    assert lowest_of_probes(ghostly, replace(system_of(ghostly), words=None))["EVT-09"] is CONTROLLED


def test_captures_show_what_a_run_has_to_bring_about() -> None:
    fleet = load_profile("agent-workspace")
    system = system_of(fleet)
    assert (lowest(fleet, system)["TRM-01"], lowest_of_probes(fleet, system)["TRM-01"]) == (CAPTURE, CONTROLLED)


def test_the_word_for_several_levels() -> None:
    assert highest({CAPTURE, BLACK_BOX, CONTROLLED}) is CONTROLLED
    assert highest({CAPTURE}) is CAPTURE


# ------------------------------------------------------------------------------------------------ bytes


def _captures(profile: Profile) -> Iterator[Trace]:
    """Every stream of the good example traces of a profile, as bytes alone, with the kind of run if there is one."""
    kinds = [one.kind for one in profile.starts]
    about = {"meant": "stream", "account": "primary", "run": "r1", **({"kind": kinds[0]} if len(kinds) == 1 else {})}
    for path in bases().values():
        trace = base_trace(path)
        if trace.profile != profile.name:
            continue
        for one in trace.exchanges:
            if readable(one) and one.body:
                alone = replace(
                    one, about=about, role="reader", sent_us=0,
                    ends=array("q", [len(one.body)]), times=array("q", [0]), ending=Ending.COMPLETE, ended_us=0,
                )  # fmt: skip
                yield replace(trace, probe="raw", stimulus={"name": "captured bytes"}, exchanges=(alone,))


@pytest.mark.parametrize("name", builtin_profiles())
def test_bytes_exercise_what_they_are_said_to(name: str) -> None:
    profile = load_profile(name)
    system = system_of(profile)
    told = of_bytes(profile, system)
    captures = list(_captures(profile))
    assert captures
    outcomes = {one: [system.checks[one](trace, profile) for trace in captures] for one in sorted(told)}
    assert {one for one, said in outcomes.items() if all(isinstance(each, NotExercised) for each in said)} == set()


# ------------------------------------------------------------------------------------------------ traces


def test_a_trace_shows_what_made_it() -> None:
    system = system_of(load_profile("ghostly"))
    trace = base_trace(bases()["ghostly-failing"])
    plain = replace(trace, exchanges=tuple(one for one in trace.exchanges if one.operation != "control"))
    assert of_trace(plain, system) == {BLACK_BOX}
    spoken = replace(plain, exchanges=(*plain.exchanges, replace(plain.exchanges[0], operation="control")))
    assert of_trace(spoken, system) == {BLACK_BOX, CONTROLLED}
    assert of_trace(replace(plain, probe="restart"), system) == {BLACK_BOX, LAUNCHED}
