"""A key that a profile leaves out is never judged: each optional key is dropped, and what hung on it goes with it.

The keys come from the schema of profiles. On recorded traces: no error, no finding that was not there before, and what
was exercised is still, or does not apply any more. On the plan of tries: what applies can be exercised by some probe.
"""

from __future__ import annotations

import dataclasses
import random
from functools import cache
from itertools import combinations, islice
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import all_examples, base_trace, bases
from streamvet.levels import lowest_of_probes
from streamvet.outcome import NotExercised, own_findings
from streamvet.systems import SYSTEMS
from streamvet.verdicts import Judge

from .keys import EXEMPT, GENERIC, GROUPS, KEYS, dropped, fewest, optional_keys, without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Outcome
    from streamvet.trace import Trace

# Refused even so: nobody could read a stream, or tell one run or event from another.
NEEDED: dict[str, set[str]] = {
    "agent-workspace": {"operations.attach", "operations.attach.streams", "heartbeat.event"},
    "cosma": {"operations.attach", "operations.attach.streams"},
    "ghostly": {
        "operations.attach", "operations.attach.streams", "operations.start:*.run_id", "operations.login.token",
        "operations.start:*.run_id.pointer", "heartbeat.event", "terminal",
    },
    "promptfloe": {
        "operations.attach", "operations.attach.streams", "operations.start:*.run_id", "operations.resume.streams",
        "operations.start:*.run_id.header", "operations.record", "catchup.cursor", "terminal",
    },
    "rockstar": {"operations.start:*.streams", "terminal"},
}  # fmt: skip
# One of which a place, or an answer, has to have.
EITHER = (
    "framing.event_name.", "operations.cancel.again.", "operations.cancel.finished.", ".unknown.status",
)  # fmt: skip
PAIRS, MANY_PAIRS = 4, 200  # of a system, of some thousands: in CI, and in the long tests


# What says the same of a bad trace, where the key is left out by which another row says it. A stream that is closed
# while nothing happens is judged by how long it was to stay open, else by the ending that it lacks; an event without a
# number that comes with another value cannot be told from one that is missing; a heartbeat that is not declared is any
# event, and has its place in a table.
INSTEAD = {
    "transport": {"TRM-01"}, "transport.open": {"TRM-01"}, "sequence": {"CAT-02"}, "heartbeat": {"ORD-01"},
}  # fmt: skip


@cache
def traces(system: str, *, bad: bool = False) -> tuple[Trace, ...]:
    """The good example traces of a system, or the bad ones."""
    found = [row.bad for row in all_examples() if not row.holds] if bad else map(base_trace, bases().values())
    return tuple(trace for trace in found if trace.profile == system)


def fewer(system: str, *keys: str) -> Profile:
    profile = without(system, keys)
    assert profile is not None
    return profile


def judged(profile: Profile, system: str, *, bad: bool = False) -> list[dict[str, Outcome]]:
    bench = Judge(profile, load_registry(), SYSTEMS[system].checks)
    outcomes = [
        dict(bench.add(dataclasses.replace(trace, profile=profile.name, digest=profile.digest)))
        for trace in traces(system, bad=bad)
    ]
    assert bench.errors == []
    return outcomes


@cache
def judged_in_full(system: str, *, bad: bool = False) -> list[dict[str, Outcome]]:
    return judged(load_profile(system), system, bad=bad)


def exercised(outcomes: list[dict[str, Outcome]]) -> set[str]:
    return {name for one in outcomes for name in GENERIC & one.keys() if not isinstance(one[name], NotExercised)}


def new(before: Mapping[str, Outcome], now: Mapping[str, Outcome]) -> set[str]:
    """The ids that are violated now and had no finding before, not even one that another violation explained."""
    return {name for name in GENERIC & now.keys() if own_findings(now[name]) and not before.get(name)}


def check(profile: Profile, system: str, *, bad: bool = False, instead: Iterable[str] = ()) -> None:
    """Hold what is judged by a profile without some keys to what is judged by the whole one."""
    whole, found = judged_in_full(system, bad=bad), judged(profile, system, bad=bad)
    assert {name for both in zip(whole, found, strict=True) for name in new(*both)} <= set(instead)
    applying = {row.id for row in load_registry().testable(profile)}
    if not bad:
        assert (exercised(whole) - exercised(found)) & applying == set()
    assert applying - lowest_of_probes(profile, SYSTEMS[system]).keys() == set()


@pytest.mark.parametrize(("system", "key"), KEYS)
def test_a_key_that_is_left_out_is_not_judged(system: str, key: str) -> None:
    keys = dropped(system, key)
    assert bool(keys) is not (key in NEEDED.get(system, ()) or any(one in key for one in EITHER))
    if keys:
        check(fewer(system, *keys), system)


@pytest.mark.long
@pytest.mark.parametrize(("system", "key"), KEYS)
def test_a_key_that_is_left_out_gives_no_finding_on_bad_traces(system: str, key: str) -> None:
    keys = dropped(system, key)
    if keys:
        check(fewer(system, *keys), system, bad=True, instead=INSTEAD.get(key, ()))


def pairs(system: str, count: int) -> list[Profile]:
    """The profile without some pairs of its keys, other ones for each count."""
    left = [key for key in optional_keys(system) if dropped(system, key)]
    both = [dropped(system, one) + dropped(system, other) for one, other in combinations(left, 2)]
    random.Random(f"{system}/{count}").shuffle(both)
    return list(islice((profile for keys in both if (profile := without(system, keys)) is not None), count))


@pytest.mark.parametrize("system", builtin_profiles())
def test_pairs_of_keys_that_are_left_out_are_not_judged(system: str) -> None:
    for profile in pairs(system, PAIRS):
        check(profile, system)


@pytest.mark.long
@pytest.mark.parametrize("system", builtin_profiles())
def test_many_pairs_of_keys_that_are_left_out_are_not_judged(system: str) -> None:
    for profile in pairs(system, MANY_PAIRS):
        check(profile, system)


@pytest.mark.parametrize("system", builtin_profiles())
def test_a_profile_that_says_as_little_as_it_may_is_judged_by_what_it_says(system: str) -> None:
    profile = fewer(system, *fewest(system))
    check(profile, system)
    resting = {row.id: row.basis["profile"] for row in load_registry().testable(profile) if "profile" in row.basis}
    assert {name: path for name, path in resting.items() if not profile.fields(path)} == {}


def test_each_key_of_the_tables_here_is_one() -> None:
    keys = {key for _, key in KEYS}
    assert keys >= {key for group in GROUPS for key in group} | INSTEAD.keys()
    assert all(set(optional_keys(system)) >= needed for system, needed in NEEDED.items())
    assert all(any(one in key for key in keys) for one in EITHER)
    assert all(any(load_profile(name).fields(path) for name in builtin_profiles()) for path in EXEMPT)
