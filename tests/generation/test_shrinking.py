"""The search for the smallest stimulus: what it leaves shows the same, is lawful, and can do without none of its parts.

What a stimulus shows is made up here, but for two faults at the end that are looked for on a server.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.campaign import Settings, campaign
from streamvet.contract.loading import load_profile
from streamvet.generation.exploring import Effort, Explorer
from streamvet.generation.lawful import emits
from streamvet.generation.shapes import kind_of
from streamvet.generation.shrinking import _candidates, canonical, passes, removals, smallest
from streamvet.prove.hunting import BUDGET_S
from streamvet.prove.running import time_scale
from streamvet.reference import accounts, free_ports, reference
from streamvet.systems import judge_in, judge_of

from .made import PROFILES, law, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target
    from streamvet.generation.reducing import Found
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

EACH = 4  # stimuli from which one thing is looked for
AT_ONCE = 4
ENOUGH = 100  # of what one pass makes: of a fleet that are some ten thousand
SEPARATOR = "\u2028"


def visits(stimulus: Stimulus) -> Iterator[dict[str, Any]]:
    """Every visit of every reader besides the first one."""
    return (visit for row in stimulus.get("readers", ()) for visit in row["visits"])


def pushes(stimulus: Stimulus) -> Iterator[dict[str, Any]]:
    """Every push to every subject."""
    return (push for lane in stimulus.get("lanes", ()) for push in lane)


def inside(stimulus: Stimulus) -> bool:
    return any(visit.get("cut", {}).get("inside") for visit in visits(stimulus))


def at_least(count: int) -> Callable[[Stimulus], bool]:
    """Whether so many readers are there at once."""
    return lambda stimulus: len(stimulus.get("readers", ())) >= count


def comes_back(stimulus: Stimulus) -> bool:
    return any(visit["from"] == "last" for visit in visits(stimulus))


def says(name: str, kind: str, piece: str) -> Callable[[Stimulus], bool]:
    """Whether an event of this type has this piece of text somewhere."""
    profile = load_profile(name)
    return lambda stimulus: any(
        kind_of(profile, emit) == kind and piece in json.dumps(emit, ensure_ascii=False) for emit in emits(stimulus)
    )


def ends(stimulus: Stimulus) -> bool:
    """Whether a run is active at one moment of a timeline and over at the next one."""
    states = [{run["id"]: run["status"] for run in one["state"]["pipelines"]} for one in stimulus["timeline"]]
    over = ("completed", "failed")
    return any(
        now in over and before.get(name) not in (*over, None)
        for before, after in pairwise(states)
        for name, now in after.items()
    )


def logs(stimulus: Stimulus) -> bool:
    lines = [line for one in stimulus["timeline"][1:] for line in one["state"]["logs"]]
    return any(SEPARATOR in json.dumps(line, ensure_ascii=False) for line in lines)


@dataclass(frozen=True)
class Sight:
    """Something that a stimulus may show; `left`: the smallest one that does, where that is the same for all."""

    profile: str
    name: str
    shows: Callable[[Stimulus], bool]
    left: Stimulus | None = None

    def begins(self) -> list[Stimulus]:
        """Stimuli that show it, which are never the smallest ones."""
        found = [one for one in some(self.profile) if self.shows(one)][:EACH]
        assert found, f"no stimulus has {self.name}"
        return found


SHORTEST = {"join_ms": 0, "visits": [{"from": "start"}]}
CUT = {"join_ms": 0, "visits": [{"from": "start", "cut": {"after": 0, "inside": 1}}]}
RUN = {"name": "generated", "kind": "run", "outcome": "succeeds", "input": "succeeds", "script": [], "readers": []}
SESSION = {"name": "generated", "kind": "session", "outcome": "succeeds", "input": "succeeds", "script": None}
LAST = {"emit": {"opcode": "info", "data": {"message": "the last one"}}}
UPDATES = {"name": "generated", "outcome": None, "script": [LAST], "readers": []}

SIGHTS = [
    Sight("ghostly", "a cut inside of an event", inside, RUN | {"readers": [CUT]}),
    Sight("promptfloe", "a cut inside of an event", inside),
    Sight("cosma", "a cut inside of an event", inside, UPDATES | {"readers": [CUT]}),
    Sight("ghostly", "two more readers", at_least(2), RUN | {"readers": [SHORTEST] * 2}),
    Sight("promptfloe", "two more readers", at_least(2)),
    Sight("cosma", "two more readers", at_least(2), UPDATES | {"readers": [SHORTEST] * 2}),
    Sight("ghostly", "a reader that comes back", comes_back,
          RUN | {"readers": [{"join_ms": 0, "visits": [{"from": "last"}]}]}),
    Sight("promptfloe", "a reader that comes back", comes_back),
    Sight("ghostly", "a line separator where a step succeeds", says("ghostly", "assist.step_success", SEPARATOR)),
    Sight("promptfloe", "a line separator in a review", says("promptfloe", "review", SEPARATOR)),
    Sight("cosma", "a line separator where parsing begins", says("cosma", "file_parsing", SEPARATOR)),
    Sight("rockstar", "a detail of a preview", says("rockstar", "generating_preview", "a")),
    Sight("promptfloe", "a run that hangs", lambda one: one["outcome"] == "hangs"),
    Sight("ghostly", "two runs at once", lambda one: int(one.get("runs", 1)) > 1, RUN | {"runs": 2}),
    Sight("ghostly", "five events", lambda one: len(emits(one)) >= 5),
    Sight("rockstar", "a push that writes", lambda one: any(push.get("writes") for push in pushes(one)),
          SESSION | {"lanes": [[{"text": "", "writes": [["a", ""]]}]]}),
    Sight("rockstar", "a push that is cut off", lambda one: any("cut" in push for push in pushes(one))),
    Sight("rockstar", "two subjects", lambda one: len(one.get("lanes", ())) > 1),
    Sight("rockstar", "a separator in a push", lambda one: any(SEPARATOR in push["text"] for push in pushes(one))),
    Sight("agent-workspace", "a run that ends", ends),
    Sight("agent-workspace", "a separator in a later log line", logs),
]  # fmt: skip
EACH_SIGHT = pytest.mark.parametrize("sight", SIGHTS, ids=[f"{one.profile} {one.name}" for one in SIGHTS])


@dataclass
class Oracle:
    """Says whether a stimulus shows it, and notes what it was asked. After `most` questions the search is over."""

    sight: Sight
    most: int | None = None
    asked: list[Stimulus] = field(default_factory=list)

    async def shows(self, stimulus: Stimulus) -> bool:
        """The answer."""
        self.asked.append(stimulus)
        await asyncio.sleep(0)
        return self.sight.shows(stimulus)

    def over(self) -> bool:
        """Whether there are no more questions."""
        return self.most is not None and len(self.asked) >= self.most

    def search(self, stimulus: Stimulus, at_once: int = 1) -> Stimulus:
        """The smallest one that there is."""
        lawful = law(self.sight.profile)
        return asyncio.run(smallest(stimulus, self.shows, lawful.mended, self.over, at_once, form=lawful.form))


# ------------------------------------------------------------------------------------------------ what is left


@EACH_SIGHT
def test_what_is_left_shows_it_and_cannot_do_without_any_part(sight: Sight) -> None:
    mended = law(sight.profile).mended
    for begin in sight.begins():
        left = Oracle(sight).search(begin)
        assert sight.shows(left)
        assert mended(left) == left
        assert sight.left in (left, None)
        fewer = removals(left, law(sight.profile).form)
        less = [made for one in fewer if (made := mended(one)) is not None and made != left]
        assert [one for one in less if sight.shows(one)] == []


@EACH_SIGHT
def test_what_is_asked_is_lawful_and_what_is_left_is_left_again(sight: Sight) -> None:
    oracle = Oracle(sight)
    left = oracle.search(sight.begins()[0])
    mended = law(sight.profile).mended
    assert [one for one in oracle.asked if mended(one) != one] == []
    again = Oracle(sight)
    assert again.search(left) == left
    assert not any(map(sight.shows, again.asked))


@EACH_SIGHT
def test_one_stimulus_gives_one_result(sight: Sight) -> None:
    (begin, *_), first, second = sight.begins(), Oracle(sight), Oracle(sight)
    assert canonical(first.search(begin)) == canonical(second.search(begin))
    assert list(map(canonical, first.asked)) == list(map(canonical, second.asked))
    # Of several that are tried at once the first one in their order counts.
    assert canonical(Oracle(sight).search(begin, AT_ONCE)) == canonical(first.search(begin))


# ------------------------------------------------------------------------------------------------ its bounds


@EACH_SIGHT
def test_a_search_that_is_over_changes_nothing(sight: Sight) -> None:
    for begin in sight.begins():
        oracle = Oracle(sight, most=0)
        assert oracle.search(begin) is begin
        assert oracle.asked == []


@pytest.mark.parametrize("at_once", [1, AT_ONCE])
@pytest.mark.parametrize("most", [1, 7, 30])
@pytest.mark.parametrize("sight", SIGHTS[:1] + SIGHTS[-1:], ids=lambda one: one.profile)
def test_no_more_is_asked_than_may_be(sight: Sight, most: int, at_once: int) -> None:
    for begin in sight.begins():
        oracle = Oracle(sight, most)
        left = oracle.search(begin, at_once)
        assert len(oracle.asked) < most + at_once
        assert sight.shows(left)


@pytest.mark.parametrize("name", PROFILES)
def test_one_pass_makes_everything_once_and_nothing_that_was_there(name: str) -> None:
    mended = law(name).mended
    for begin in some(name)[:EACH]:
        for simpler in passes(law(name).form):
            rows = list(islice(_candidates(begin, simpler, mended, ()), ENOUGH))
            assert len({canonical(begin), *(canonical(one) for _, one in rows)}) == 1 + len(rows)
            assert all(rank < later for (rank, _), (later, _) in pairwise(rows))
            for row in rows[:: ENOUGH // 4]:  # a search goes on where it has found something
                assert next(_candidates(begin, simpler, mended, row[0])) == row


# ------------------------------------------------------------------------------------------------ on a server


# Each by what a payload says alone, so that a stimulus shows it always or never.
FAULTS = [("data-key-twice", "EVT-03", "ghostly"), ("notes-in-ascii", "EVT-09", "promptfloe")]
SEEDS = (0, 1)  # the second one where a busy machine makes too few tries in the time of the first


def server(fault: str, profile: str, folder: Path) -> tuple[Target, Profile]:
    """The reference server with a fault, to be started by a campaign."""
    given = accounts()[profile]
    return reference(profile, given, folder, free_ports(), time_scale=time_scale(profile), faults=[fault])


def found(fault: str, requirement: str, profile: str, folder: Path) -> Found:
    """What exploring finds of a fault, as a hunt does it."""
    for seed in SEEDS:
        with Explorer(judge_in, Effort(seed, BUDGET_S), only=[requirement]) as explorer:
            run = campaign(
                *server(fault, profile, folder), Settings(seed=seed), lambda _: None, cases=(), explore=explorer
            )
            assert asyncio.run(run).errors == []
        if requirement in explorer.found:
            break
    return explorer.found[requirement]


def shown(traces: list[Trace], profile: Profile, requirement: str) -> list[str]:
    """The stimuli whose traces show it."""
    bench = judge_of(profile)
    outcomes = [(canonical(dict(one.stimulus)), bench.add(one).get(requirement)) for one in traces]
    return [stimulus for stimulus, outcome in outcomes if isinstance(outcome, list) and outcome]


@pytest.mark.live
@pytest.mark.parametrize(("fault", "requirement", "profile"), FAULTS, ids=[fault for fault, _, _ in FAULTS])
def test_without_any_part_a_server_no_longer_shows_it(
    fault: str, requirement: str, profile: str, tmp_path: Path
) -> None:
    stimulus = found(fault, requirement, profile, tmp_path).stimulus
    mended = law(profile).mended
    rows = {canonical(made): made for one in removals(stimulus, law(profile).form) if (made := mended(one)) is not None}
    rows.pop(canonical(stimulus), None)
    assert rows
    target, contract = server(fault, profile, tmp_path)
    traces: list[Trace] = []
    cases = [("program", one) for one in (stimulus, *rows.values())]
    summary = asyncio.run(campaign(target, contract, Settings(), traces.append, cases=cases))
    assert summary.errors == []
    assert len(traces) == 1 + len(rows)
    assert shown(traces, contract, requirement) == [canonical(stimulus)]
