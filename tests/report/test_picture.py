"""The picture of a finding: lanes of one scale, heartbeats as they came and were due, the window that was missed."""

from __future__ import annotations

import dataclasses

from streamvet.contract.loading import load_profile
from streamvet.decode import readable
from streamvet.examples import examples
from streamvet.outcome import Finding
from streamvet.report.picture import WIDTH, picture
from streamvet.systems import judge_of
from streamvet.trace import Late

from .made import GHOSTLY, event, exchange, trace


def _drawn(finding: Finding, *exchanges: object, late: tuple[Late, ...] = ()) -> object:
    made = dataclasses.replace(trace(*exchanges), late=late)  # type: ignore[arg-type]
    return picture(finding, made, GHOSTLY, is_stream=readable)


def test_places_are_to_scale() -> None:
    one = exchange([(0, event(1)), (250, event(2))], ended_ms=1000)
    drawn = _drawn(Finding("x1", (0, 0), 600_000, "e", "s"), one, late=(Late(1_000_000, 50_000), Late(9_000_000, 1)))

    (lane,) = drawn.lanes  # type: ignore[attr-defined]
    assert (lane.sent, lane.head, lane.chunks, lane.end) == (0, 4, (0, 250), WIDTH)
    assert [(mark.at, mark.label) for mark in lane.events] == [(0, "assist.step_start"), (250, "assist.step_start")]
    assert (lane.finding, lane.late, lane.window) == (500, ((900, 950),), None)
    assert [(tick.at, tick.label) for tick in drawn.ticks] == [  # type: ignore[attr-defined]
        (0, "0"), (200, "200 ms"), (400, "400 ms"), (600, "600 ms"), (800, "800 ms"), (1000, "1 s"),
    ]  # fmt: skip


def test_what_it_is_compared_with_is_below_it_on_the_same_scale() -> None:
    witness = exchange([(0, event(1))], "x2", ended_ms=500)
    one = exchange([(0, event(1))], "x1", ended_ms=1000)
    finding = Finding("x1", (0, 0), 100_000, "e", "s", beside=("x3", "x2"), witness=("x2", (0, 4)))

    drawn = _drawn(finding, witness, one)

    assert [(lane.name, lane.end, lane.finding) for lane in drawn.lanes] == [  # type: ignore[attr-defined]
        ("x1 reader", 1000, 0), ("x2 reader", 500, None),
    ]  # fmt: skip


def test_a_missed_heartbeat_has_the_window_in_which_it_was_allowed() -> None:
    example = next(one for one in examples("HBT-01") if one.bad.profile == "ghostly" and not one.holds)
    outcome = judge_of(GHOSTLY).add(example.bad)["HBT-01"]
    assert isinstance(outcome, list)
    finding = dataclasses.replace(outcome[0], requirement="HBT-01")

    drawn = picture(finding, example.bad, load_profile("ghostly"), is_stream=readable)

    lane = drawn.lanes[0]
    assert lane.window is not None
    start, end = lane.window
    assert start in lane.due
    assert end - start == round(2000 / drawn.duration_ms * WIDTH)  # the tolerance of ghostly
    assert not [beat for beat in lane.beats if start <= beat <= end]
    assert lane.finding is not None
    assert end - 1 <= lane.finding


def test_what_is_no_stream_has_no_events() -> None:
    one = exchange([(1, b"{}")], status=404, media_type="application/json")
    drawn = _drawn(Finding("x1", (0, 0), 104_000, "e", "s"), one)

    (lane,) = drawn.lanes  # type: ignore[attr-defined]
    assert (lane.events, lane.beats, lane.due, lane.chunks != ()) == ((), (), (), True)
