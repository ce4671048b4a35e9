"""Stimuli that are to show again what one has shown once: as lawful as that one, no larger than a candidate bears."""

from __future__ import annotations

import pytest

from streamvet.generation.lawful import emits
from streamvet.generation.reproducing import likelier_variants
from streamvet.probes.program import CONNECTIONS, connections_of

from .made import SCALE, law, some

APART_MS = 1.5 / SCALE
RUN = {"name": "generated", "kind": "build", "outcome": "succeeds", "input": "succeeds"}


def script(count: int) -> list[dict[str, object]]:
    return [{"emit": {"type": "chunk", "delta": str(number)}} for number in range(count)]


@pytest.mark.parametrize("name", ["ghostly", "promptfloe", "rockstar", "cosma"])
def test_they_are_lawful_and_hold_no_more_connections(name: str) -> None:
    made = [(one, again) for one in some(name)[:60] for again in likelier_variants(one, CONNECTIONS, SCALE)]
    assert made or name == "rockstar"  # of pushes in lanes there is nothing to be repeated
    assert [again for _, again in made if law(name).mended(again) is None] == []
    assert [again for _, again in made if connections_of(again) > CONNECTIONS] == []
    assert all(emits(again) == emits(one) for one, again in made)


def test_a_reader_comes_again_around_its_moment() -> None:
    reader = {"join_after": 2, "join_ms": 10 * APART_MS, "visits": [{"from": "start"}]}
    (same, *_) = likelier_variants({**RUN, "script": script(3), "readers": [reader]}, 6, SCALE)
    assert [row["join_ms"] / APART_MS for row in same["readers"]] == pytest.approx([8, 9, 10, 11, 12])
    assert {row["join_after"] for row in same["readers"]} == {2}


def test_readers_come_at_the_events_of_the_script_too() -> None:
    reader = {"join_ms": 5.0, "visits": [{"from": "start"}]}
    (_, *moved, _) = likelier_variants({**RUN, "script": script(30), "readers": [reader]}, CONNECTIONS, SCALE)
    assert [{row["join_after"] for row in one["readers"]} for one in moved] == [{1}, {6}, {11}, {16}, {21}, {26}]


def test_who_came_first_never_comes_before_the_run() -> None:
    (same, *_) = likelier_variants({**RUN, "script": [], "readers": [{"join_ms": 0, "visits": []}]}, CONNECTIONS, SCALE)
    assert [row["join_ms"] for row in same["readers"][:3]] == [0, 0, 0]


def test_a_run_without_readers_is_made_several_times_at_once() -> None:
    assert list(likelier_variants({**RUN, "script": [], "readers": []}, 5, SCALE)) == [
        {**RUN, "script": [], "readers": [], "runs": 5}
    ]


def test_what_is_as_many_already_is_not_made_again() -> None:
    assert list(likelier_variants({**RUN, "script": [], "runs": 5}, 5, SCALE)) == []
