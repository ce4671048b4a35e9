"""The explorer, on a candidate that is made up: a try takes as long, and shows as much, as a test says.

What is generated is real, and so is the law that it is made smaller by; nobody listens anywhere, and no time passes.
"""

from __future__ import annotations

import asyncio
import json
import math
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from streamvet.campaign import Workshop
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.contract.target import target_of
from streamvet.generation import exploring, reducing
from streamvet.generation.case import case_of
from streamvet.generation.exploring import (
    LATE_BUDGET_S,
    LEAST_BUDGET_S,
    MOST_ALONE,
    SHRINK_ALL_S,
    WAIT_SHARE,
    Effort,
    Explorer,
)
from streamvet.generation.reducing import REPLAYS, Found
from streamvet.generation.shrinking import canonical, removals
from streamvet.outcome import Finding
from streamvet.probes import PROGRAM
from streamvet.probes.program import is_alone, runs_of
from streamvet.probes.setting import Setting
from streamvet.systems import SYSTEMS, judge_in
from streamvet.trace import Ending, Exchange, Request, Trace

from .made import SCALE, law, some

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamvet.generation.ground import Ground
    from streamvet.probes.setting import Stimulus

# What a stimulus shows when it is tried for the nth time in all, from 1 on.
Shows = Callable[["Stimulus", int], Collection[str]]

MUST, OTHER, SHOULD = "EVT-09", "ORD-05", "TRN-06"  # of ghostly; the SHOULD is the first one in the registry
GHOSTLY = load_profile("ghostly")
REQUESTS = 3  # of each try
TRY_S = 1.0
EACH = list({canonical(one): one for one in some("ghostly")}.values())
STIMULI = [one for one in EACH if not is_alone(one)][:60]
CRASHES = [one for one in EACH if is_alone(one)]
SHORT = [one for one in STIMULI if len(canonical(one)) < 1500]


def setting() -> Setting:
    target, profile = target_of(
        {"profile": "ghostly", "base_url": "http://127.0.0.1:1", "control": "/_conformance"}, Path("made up")
    )
    return Setting(profile, target, SCALE, frozenset({"script"}), SYSTEMS["ghostly"].words)


def exchange(number: int) -> Exchange:
    request = Request("GET", "http://127.0.0.1:1/", (), None)
    return Exchange(
        f"x{number}", "attach", "reader", {}, request, 0, None, b"", array("q"), array("q"), Ending.COMPLETE, 1
    )


@dataclass
class World:
    """A candidate that is made up, the workshop in which it is tried, and the workers that know what it shows.

    `blocks`: the number of the try that never ends, from 1 on; `blocked` tells that it has begun.
    """

    shows: Shows
    stimuli_: Sequence[Stimulus] = tuple(STIMULI)
    at_once: int = 1
    starts_left: int | None = None
    longest_wait_s: float = 0.0
    blocks: int | None = None
    fails: int | None = None
    launched: bool = False
    dies_at: float = math.inf  # after so many tries
    begun: int = 0  # how often it was started anew
    now_us: int = 0
    made: int = 0  # stimuli that were asked for
    tried: list[Stimulus] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    handed: list[Trace] = field(default_factory=list)
    guilty: dict[tuple[Exchange, ...], Collection[str]] = field(default_factory=dict)
    timed: Collection[str] = ()  # what a suite that was late could not tell
    blocked: asyncio.Event = field(default_factory=asyncio.Event)

    def workshop(self) -> Workshop:
        """Where it is tried."""
        return Workshop(
            setting=setting(), program=PROGRAM, generation="", begun_us=0, longest_wait_s=self.longest_wait_s,
            at_once=self.at_once,
            starts_left=self.starts_left, clock_us=lambda: self.now_us, perform=self.perform,
            hand_out=self.handed.append, is_over=lambda: len(self.tried) >= self.dies_at, afresh=self.afresh,
        )  # fmt: skip

    async def afresh(self) -> bool:
        """Start it anew, where it is launched."""
        self.begun += self.launched
        return self.launched

    async def perform(self, stimulus: Stimulus) -> Trace:
        """A try, which takes its time."""
        self.tried.append(stimulus)
        number = len(self.tried)
        guilty = self.shows(stimulus, number)
        if number == self.fails:
            raise ZeroDivisionError
        if number == self.blocks:
            self.blocked.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        self.now_us += int(TRY_S * 1e6)
        trace = Trace(
            PROGRAM.name, stimulus, tuple(map(exchange, range(REQUESTS))), "ghostly", GHOSTLY.digest,
            load_registry().revision, SCALE,
        )  # fmt: skip
        self.traces.append(trace)
        self.guilty[trace.exchanges] = guilty
        return trace

    # What there is of `Workers`.

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    async def stimuli(self, ground: Ground) -> AsyncIterator[Stimulus]:
        """What was made beforehand."""
        assert ground.profile == str(GHOSTLY.folder)
        for one in self.stimuli_:
            self.made += 1
            yield one

    async def findings(self, folder: str, trace: Trace) -> dict[str, Finding]:
        """What this try has shown."""
        assert folder == str(GHOSTLY.folder)
        await asyncio.sleep(0)
        told = set(self.guilty[trace.exchanges]) - set(self.timed if trace.late else ())
        return {name: Finding("x0", (0, 0), 0, "all of it", f"less of {name}") for name in told}


@pytest.fixture
def explore(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Explorer]:
    """Explores a world to the end, or until its try that never ends is under way."""

    def run(world: World, effort: Effort | None = None, **more: Any) -> Explorer:
        monkeypatch.setattr(exploring, "Workers", lambda _seed, _judge_in: world)
        monkeypatch.setattr(exploring, "now_us", lambda: world.now_us)

        async def main() -> Explorer:
            with Explorer(judge_in, effort or Effort(budget_s=1e6), **more) as explorer:
                task = asyncio.create_task(explorer(world.workshop()))
                if world.blocks:
                    await asyncio.wait_for(world.blocked.wait(), 10)
                    task.cancel()
                await asyncio.wait({task})
                assert task.cancelled() is bool(world.blocks)
                if not task.cancelled():
                    task.result()
                return explorer

        return asyncio.run(main())

    return run


def nothing(_stimulus: Stimulus, _number: int) -> Collection[str]:
    return ()


def readers(count: int, *names: str) -> Shows:
    """Shows these where so many readers come."""
    return lambda stimulus, _number: names if len(stimulus["readers"]) >= count else ()


async def known() -> Collection[str]:
    """The requirement that pinned tries have found."""
    return (MUST,)


# ------------------------------------------------------------------------------------------------ crashes


@pytest.mark.parametrize("budget_s", [6, 1e6])
def test_what_nothing_else_may_see_comes_last_and_seldom(explore: Callable[..., Explorer], budget_s: float) -> None:
    made = [*CRASHES[: MOST_ALONE + 2], *STIMULI[:10]]
    world = World(nothing, stimuli_=made, at_once=4)
    explore(world, Effort(budget_s=budget_s))
    before = world.tried[:-MOST_ALONE]
    assert before == STIMULI[: len(before)]
    assert world.tried[-MOST_ALONE:] == CRASHES[:MOST_ALONE]


def test_examples_count_it_too(explore: Callable[..., Explorer]) -> None:
    world = World(nothing, stimuli_=[*CRASHES[:2], *STIMULI[:2]])
    explore(world, Effort(budget_s=1e6, examples=3))
    assert world.tried == [*STIMULI[:2], CRASHES[0]]


# ------------------------------------------------------------------------------------------------ time alone


def test_a_bound_that_is_missed_once_is_no_finding(explore: Callable[..., Explorer]) -> None:
    world = World(lambda _stimulus, number: (MUST, OTHER) if number == 3 else (), timed=(MUST, OTHER))
    explorer = explore(world, Effort(budget_s=30))
    assert (explorer.found, explorer.doubtful) == ({}, 1)
    (doubtful,) = [one for one in world.handed if one.late]
    assert doubtful.exchanges == world.traces[2].exchanges
    assert world.traces[2] not in world.handed


def test_a_bound_that_is_missed_again_is_a_finding(explore: Callable[..., Explorer]) -> None:
    world = World(readers(1, MUST), timed=(MUST,))
    explorer = explore(world)
    assert (set(explorer.found), explorer.doubtful) == ({MUST}, 0)
    assert explorer.found[MUST].fails == REPLAYS
    assert [one for one in world.handed if one.late] == []


def test_what_is_no_matter_of_time_counts_beside_it(explore: Callable[..., Explorer]) -> None:
    world = World(lambda _stimulus, number: (MUST, OTHER) if number == 3 else (), timed=(MUST,))
    explorer = explore(world, Effort(budget_s=30))
    assert (set(explorer.found), explorer.doubtful) == ({OTHER}, 1)
    assert explorer.found[OTHER].fails == 0
    assert [bool(one.late) for one in world.handed if one.exchanges == world.traces[2].exchanges] == [True]


# ------------------------------------------------------------------------------------------------ when it ends


@pytest.mark.parametrize(("budget_s", "late"), [(1e-9, True), (5, False)])
def test_that_its_time_was_over_before_the_first_try_is_told(
    explore: Callable[..., Explorer], budget_s: float, late: bool
) -> None:
    explorer = explore(World(nothing), Effort(budget_s=budget_s))
    assert (explorer.late, explorer.tries == 0) == (late, late)


@pytest.mark.parametrize("budget_s", [0.5, 1, 5, 17.5])
def test_its_time_ends_it(explore: Callable[..., Explorer], budget_s: float) -> None:
    world = World(nothing)
    explorer = explore(world, Effort(budget_s=budget_s))
    assert len(world.tried) == explorer.tries == -(-budget_s // TRY_S)
    assert explorer.requests == REQUESTS * explorer.tries


@pytest.mark.parametrize(
    ("effort", "longest_s", "begins_s", "shut_s", "lasts_s"),
    [
        (Effort(budget_s=4), 99, 50, 0, 4),
        (Effort(budget_s=4), 99, 50, 20, 24),
        (Effort(budget_s=0), 99, 0, 0, 0),
        (Effort(), 30, 2, 0, 30 * WAIT_SHARE - 2),
        (Effort(), 30, 2, 20, 30 * WAIT_SHARE - 2),  # the longest wait goes on while no try may be made
        (Effort(), 30, 2, 25, 25 + LATE_BUDGET_S),
        (Effort(), 1, 2, 0, LEAST_BUDGET_S - 2),
        (Effort(), 30, 28, 0, LATE_BUDGET_S),
        (Effort(), 1, 60, 7, 7 + LATE_BUDGET_S),
    ],
)
def test_how_long_it_lasts(effort: Effort, longest_s: float, begins_s: int, shut_s: int, lasts_s: float) -> None:
    """`shut_s`: for so long no try may be made, from the begin of exploring on."""
    real_us = begins_s * 1_000_000
    world = World(nothing, longest_wait_s=longest_s)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exploring, "now_us", lambda: real_us)
        late = effort.lateness(world.workshop())
        begun_us = real_us
        while not late(0):
            real_us += 500_000
            world.now_us += 500_000 if real_us > begun_us + shut_s * 1_000_000 else 0
    assert real_us - begun_us == lasts_s * 1e6


def test_a_number_of_tries_does_not_depend_on_the_clock() -> None:
    world = World(nothing)
    late = Effort(examples=3).lateness(world.workshop())
    world.now_us += 3_600_000_000

    assert not late(3600.0)


def test_a_number_of_tries_ends_where_nothing_new_can_be_tried(explore: Callable[..., Explorer]) -> None:
    world = World(nothing, stimuli_=tuple(STIMULI) * 1000)
    distinct = len({json.dumps(one, sort_keys=True) for one in STIMULI})

    found = explore(world, Effort(examples=10**6))

    assert (found.tries, len(world.tried)) == (distinct, distinct)
    assert world.made < len(STIMULI) + exploring.ALIKE + 50


def test_it_waits_for_who_takes_its_traces(explore: Callable[..., Explorer]) -> None:
    world, tried_by_then = World(nothing), []

    async def ready() -> None:
        await asyncio.sleep(0)
        tried_by_then.append(len(world.tried))

    explore(world, Effort(budget_s=1e6, examples=4), ready=ready)
    assert tried_by_then == [0, 1, 2, 3]


def test_so_many_tries_end_it(explore: Callable[..., Explorer]) -> None:
    world = World(nothing, at_once=4)
    assert explore(world, Effort(budget_s=1e6, examples=7)).tries == 7
    assert world.tried == STIMULI[:7]


def test_it_ends_with_the_candidate(explore: Callable[..., Explorer]) -> None:
    world = World(nothing, dies_at=3)
    explore(world)
    assert len(world.tried) == 3


def test_it_ends_where_there_are_no_more(explore: Callable[..., Explorer]) -> None:
    world = World(nothing, at_once=4)
    assert explore(world).found == {}
    assert world.tried == STIMULI
    assert world.handed == world.traces


def test_it_ends_when_what_it_was_to_find_is_found(explore: Callable[..., Explorer]) -> None:
    world = World(readers(1, MUST, OTHER))
    place = next(index for index, one in enumerate(STIMULI) if one["readers"])
    assert explore(world, only=[MUST]).found.keys() == {MUST}
    assert not {canonical(one) for one in STIMULI[place + 1 :]} & set(map(canonical, world.tried))


# ------------------------------------------------------------------------------------------------ what it tries


@pytest.mark.parametrize("at_once", [1, 4])
def test_nothing_is_tried_twice(explore: Callable[..., Explorer], at_once: int) -> None:
    world = World(nothing, list(chain.from_iterable((one, dict(one), one) for one in STIMULI)), at_once)
    explore(world)
    assert list(map(canonical, world.tried)) == list(map(canonical, STIMULI))


@pytest.mark.parametrize("at_once", [1, 4])
def test_what_did_not_show_it_is_not_tried_again(explore: Callable[..., Explorer], at_once: int) -> None:
    shows = readers(2, MUST)
    world = World(shows, at_once=at_once)
    explore(world)
    times = Counter(map(canonical, world.tried))
    assert {canonical(one) for one in STIMULI} <= times.keys()
    assert {count for key, count in times.items() if key in {canonical(x) for x in world.tried if not shows(x, 0)}} == {
        1
    }


@pytest.mark.parametrize("starts", [0, 1, 3, 10])
def test_no_more_runs_are_started_than_there_may_be(explore: Callable[..., Explorer], starts: int) -> None:
    assert {runs_of(one) for one in STIMULI} > {1}
    world = World(readers(1, MUST), starts_left=starts)
    explore(world)
    assert sum(map(runs_of, world.tried)) <= starts
    assert starts - sum(map(runs_of, world.tried)) < max(map(runs_of, STIMULI))
    assert (world.made < len(STIMULI)) is (
        sum(map(runs_of, world.tried)) == starts
    )  # then there is nothing to wait for


# ------------------------------------------------------------------------------------------------ what it finds


def test_what_it_finds_is_made_smaller(explore: Callable[..., Explorer]) -> None:
    world = World(readers(2, MUST))
    explorer = explore(world)
    found, mended = explorer.found[MUST], law("ghostly").mended
    first = next(index for index, one in enumerate(STIMULI, start=1) if len(one["readers"]) >= 2)
    assert (found.requirement, found.tries, found.requests) == (MUST, first, REQUESTS * first)
    assert (found.fails, found.runs) == (REPLAYS, REPLAYS)
    assert found.finding.seen == f"less of {MUST}"
    assert 0 < found.shrink_tries < len(world.tried) - REPLAYS - first + 1
    assert found.shrink_requests == REQUESTS * found.shrink_tries
    less = [one for one in map(mended, removals(found.stimulus)) if one is not None and one != found.stimulus]
    assert less
    assert not any(world.shows(one, 0) for one in less)
    assert world.tried.count(found.stimulus) >= REPLAYS


def test_what_it_finds_is_tried_again_on_a_candidate_that_was_just_started(explore: Callable[..., Explorer]) -> None:
    def shows(_stimulus: Stimulus, number: int) -> Collection[str]:
        """From the third try on, until it is started anew."""
        return (MUST,) if number >= 3 and not world.begun else ()

    world = World(shows, launched=True)
    found = explore(world, Effort(budget_s=9)).found[MUST]
    assert (found.fails, found.runs, world.begun) == (0, REPLAYS, 1)
    assert world.tried[-REPLAYS:] == [found.stimulus] * REPLAYS
    assert "what was tried before it" in case_of(found, GHOSTLY, 0, SCALE, None).often


def test_where_nothing_is_found_nothing_is_started_anew(explore: Callable[..., Explorer]) -> None:
    world = World(nothing, launched=True)
    explore(world, Effort(budget_s=9))
    assert world.begun == 0


def test_each_requirement_has_a_smallest_one_of_its_own(explore: Callable[..., Explorer]) -> None:
    def shows(stimulus: Stimulus, _number: int) -> Collection[str]:
        emitted, come = stimulus["script"], stimulus["readers"]
        return [name for name, shown in ((MUST, len(come) > 1), (OTHER, len(emitted) > 2)) if shown]

    found = explore(World(shows)).found
    assert found.keys() == {MUST, OTHER}
    assert [len(found[name].stimulus["readers"]) for name in (MUST, OTHER)] == [2, 0]
    assert [len(found[name].stimulus["script"]) for name in (MUST, OTHER)] == [0, 3]


def test_a_must_comes_before_a_should(explore: Callable[..., Explorer]) -> None:
    rows = load_registry().rows
    assert [rows[name].level for name in (SHOULD, OTHER, MUST)] == ["SHOULD", "MUST", "MUST"]
    assert list(rows).index(SHOULD) < list(rows).index(MUST)
    found = explore(World(lambda _stimulus, _number: (SHOULD, OTHER, MUST))).found
    assert list(found) == [*sorted((MUST, OTHER), key=list(rows).index), SHOULD]


def test_what_pinned_tries_have_found_is_not_made_smaller(explore: Callable[..., Explorer]) -> None:
    world = World(readers(1, MUST))
    assert explore(world, known=known).found == {}
    assert (world.tried, world.handed) == (STIMULI, world.traces)
    both = World(readers(1, MUST, SHOULD))
    assert explore(both, known=known).found.keys() == {SHOULD}


def test_what_is_not_asked_for_is_not_looked_for(explore: Callable[..., Explorer]) -> None:
    world = World(readers(1, OTHER))
    assert explore(world, only=[MUST]).found == {}
    assert (world.tried, world.handed) == (STIMULI, world.traces)


# ------------------------------------------------------------------------------------------------ now and then


def now_and_then(stimulus: Stimulus, number: int) -> Collection[str]:
    """Shows it in two of three tries."""
    return (MUST,) if stimulus["readers"] and number % 3 else ()


@pytest.mark.parametrize("at_once", [1, 4])
def test_what_fails_now_and_then_says_how_often_and_has_both_outcomes(
    explore: Callable[..., Explorer], at_once: int
) -> None:
    world = World(now_and_then, at_once=at_once)
    found = explore(world).found[MUST]
    assert found.runs == REPLAYS
    assert 3 <= found.fails <= 4  # of five that follow each other
    assert case_of(found, GHOSTLY, 0, SCALE, None).often == f"fails {found.fails} of {REPLAYS}"
    outcomes = {bool(world.guilty[one.exchanges]) for one in world.handed if one.stimulus == found.stimulus}
    assert outcomes == {True, False}


def test_what_never_comes_again_is_told_of_all_the_same(explore: Callable[..., Explorer]) -> None:
    world = World(lambda _stimulus, number: (MUST,) if number == 3 else ())
    found = explore(world).found[MUST]
    assert (found.stimulus, found.fails, found.runs) == (STIMULI[2], 0, REPLAYS)
    assert case_of(found, GHOSTLY, 0, SCALE, None).often.startswith(f"fails 0 of {REPLAYS}: ")


# ------------------------------------------------------------------------------------------------ its bounds


def test_where_there_is_no_time_nothing_is_made_smaller(explore: Callable[..., Explorer]) -> None:
    world = World(readers(2, MUST))
    found = explore(world, Effort(budget_s=1e6, shrink_s=0)).found[MUST]
    assert found.stimulus == next(one for one in STIMULI if len(one["readers"]) >= 2)
    assert (found.fails, found.runs) == (REPLAYS, REPLAYS)


def test_a_search_takes_no_longer_than_it_may(explore: Callable[..., Explorer]) -> None:
    found = explore(World(readers(2, MUST)), Effort(budget_s=1e6, shrink_s=9)).found[MUST]
    assert found.shrink_tries <= 9 / TRY_S + 1


def test_a_search_makes_no_more_requests_than_it_may(
    explore: Callable[..., Explorer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reducing, "SHRINK_REQUESTS", 30)
    found = explore(World(readers(2, MUST)), Effort(budget_s=1e6, shrink_s=1e6)).found[MUST]
    assert 30 - REQUESTS < found.shrink_requests < 30 + REQUESTS


def test_all_searches_together_take_no_longer_than_they_may(explore: Callable[..., Explorer]) -> None:
    names = [name for name, row in load_registry().rows.items() if row.level == "MUST"][:20]
    world = World(readers(2, *names))
    found = explore(world, Effort(budget_s=1e6)).found
    assert found.keys() == set(names)
    # Each is tried again some times even where no time is left.
    assert sum(one.shrink_tries for one in found.values()) <= SHRINK_ALL_S / TRY_S + len(names) * 5


# ------------------------------------------------------------------------------------------------ evidence


def interrupted_at(number: int) -> World:
    return World(readers(1, MUST, OTHER), at_once=2, blocks=number)


EVIDENCE = {
    "nothing is found": World(nothing, at_once=4),
    "one is found": World(readers(2, MUST), at_once=4),
    "three are found at once": World(readers(1, SHOULD, MUST, OTHER)),
    "it fails now and then": World(now_and_then),
    "it never comes again": World(lambda _stimulus, number: (MUST, OTHER) if number == 3 else ()),
    "no run may be started again": World(lambda _stimulus, _number: (MUST, OTHER), starts_left=1),
    "it is interrupted at once": interrupted_at(1),
    "it is interrupted while it tries": interrupted_at(3),
    "it is interrupted while it makes something smaller": interrupted_at(12),
    "it is interrupted while it makes the next one smaller": interrupted_at(26),
}


@pytest.mark.parametrize("case", EVIDENCE)
def test_each_trace_is_evidence_once(explore: Callable[..., Explorer], case: str) -> None:
    world = EVIDENCE[case]
    found = explore(world).found
    assert [one for one, count in Counter(world.handed).items() if count > 1] == []
    tried = {canonical(one) for one in STIMULI}
    explored = {canonical(dict(one.stimulus)): one for one in reversed(world.traces)}
    assert {one for key, one in explored.items() if key in tried} <= set(world.handed)
    for name, one in found.items():  # the finding that is told is in the evidence, and before any other one of its kind
        first = next(trace for trace in world.handed if name in world.guilty[trace.exchanges])
        assert first.stimulus in [each.stimulus for each in found.values()]
        assert any(trace.stimulus == one.stimulus and name in world.guilty[trace.exchanges] for trace in world.handed)


@pytest.mark.parametrize("number", [3, 5, 12, 26])
def test_an_interruption_keeps_what_was_found(explore: Callable[..., Explorer], number: int) -> None:
    world = interrupted_at(number)
    explorer = explore(world)
    shown = [trace for trace in world.traces if MUST in world.guilty[trace.exchanges]]
    assert (explorer.found.keys() == {MUST, OTHER}) is bool(shown)
    assert explorer.tries == len(world.traces)
    for one in explorer.found.values():
        assert world.shows(one.stimulus, 0)
        assert len(canonical(one.stimulus)) <= len(canonical(dict(shown[0].stimulus)))
        assert (one.fails, one.runs) in {(0, 0), (REPLAYS, REPLAYS)}
    if shown:
        last: Found = list(explorer.found.values())[-1]
        assert case_of(last, GHOSTLY, 0, SCALE, None).often == "not tried again"


def test_an_interruption_tells_nothing_that_pinned_tries_have_found(explore: Callable[..., Explorer]) -> None:
    world = replace(interrupted_at(12), shows=readers(1, MUST, OTHER))
    assert explore(world, known=known).found.keys() == {OTHER}


def test_our_own_mistake_takes_nothing_with_it(explore: Callable[..., Explorer]) -> None:
    world = World(readers(1, MUST), at_once=4, fails=30)
    with pytest.raises(ZeroDivisionError):
        explore(world)
    assert len(set(world.handed)) == len(world.handed) > 0
