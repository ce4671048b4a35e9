"""Cost grows with what there is to judge, and no faster: the cost of one at two sizes, compared in one run.

A bound in seconds says something about a machine; the ratio of two sizes says something about the judge, on a busy
machine as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from bench import growth
from bench.growth import AXES, LEAST, Axis, cpu_s, grown, most_bytes
from bench.recorded import body, trace

from streamvet.contract.loading import load_profile
from streamvet.contract.profile import Lifecycle
from streamvet.systems import judge_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.trace import Trace

TRIES = 3  # a machine that turns to something else in the middle of one measure is no news of the judge


@pytest.mark.parametrize("axis", AXES, ids=[axis.what for axis in AXES])
def test_time_grows_no_faster(axis: Axis) -> None:
    found = []
    for _ in range(TRIES):
        found.append(grown(axis, cpu_s, "CPU seconds", turns=1).ratio)
        if found[-1] >= LEAST:
            return
    raise AssertionError(f"ten times the {axis.what} take more than ten times the time: {found}")


def test_memory_grows_no_faster() -> None:
    assert grown(AXES[0], most_bytes, "bytes", turns=1).ratio >= LEAST


def test_what_grows_faster_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that looks at every event again for each event."""
    judge = growth.judge

    def quadratic(traces: Sequence[Trace]) -> None:
        judge(traces)
        count = traces[0].exchanges[0].body.count(b"\n\n")
        sum(other * one for one in range(count) for other in range(min(count, 5000)))

    monkeypatch.setattr(growth, "judge", quadratic)
    assert grown(AXES[0], cpu_s, "CPU seconds", turns=1).ratio < LEAST


def test_the_streams_are_right() -> None:
    """What is measured is a stream on which nothing is wrong, and on which the last event shows when it is."""
    for framing in ("sse", "ndjson"):
        for defect in (False, True):
            one = trace(framing, body(framing, 50, defect=defect))
            bench = judge_of(load_profile(one.profile))
            bench.add(replace(one, name="x"))
            found = {ruling.requirement.id for ruling in bench.rulings() if ruling.findings}
            assert ("EVT-08" in found) is defect, (framing, found)
            assert found <= {"EVT-08", "GHO-03"}, (framing, found)  # the events' times are fixed, which GHO-03 sees


def test_a_table_is_asked_once_for_each_state_and_type(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    may_be = Lifecycle.may_be

    def counting(table: Lifecycle, states: frozenset[str], kind: str) -> frozenset[str]:
        asked.append(kind)
        return may_be(table, states, kind)

    monkeypatch.setattr(Lifecycle, "may_be", counting)
    growth.judge([trace("sse", body("sse", 500))])
    assert 0 < len(asked) < 100
