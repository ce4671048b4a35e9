"""Bounds in time, where the harness itself was late: its delays add up, and count only within what is judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamvet.checks.terminal import closes, finished_in_time
from streamvet.contract.loading import load_profile
from streamvet.examples import examples
from streamvet.outcome import NotExercised
from streamvet.trace import Late, Trace, TraceError, dump, load

# The replay of a finished run takes 1,500 ms where 1,000 are allowed: from 610 ms of the trace to 2,110 ms.
(SLOW,) = [row.bad for row in examples("TRM-10") if row.base == "ghostly-straight" and not row.holds]
REPLAY = SLOW.exchanges[5]
GHOSTLY = load_profile("ghostly")
LATE_MS = [58, 29, 57, 27, 35, 48, 22, 30, 25, 35, 36, 29, 40, 51, 33, 62]  # a reader that yields again and again


def told(trace: Trace) -> list[str] | str:
    """What TRM-10 sees."""
    outcome = finished_in_time(trace, GHOSTLY)
    return outcome.reason if isinstance(outcome, NotExercised) else [one.seen for one in outcome]


def late(*each_ms: int, begin_us: int = REPLAY.sent_us, apart_us: int = 20_000) -> tuple[Late, ...]:
    """Delays of the harness, with as much time in between."""
    rows: list[Late] = []
    for late_ms in each_ms:
        rows.append(Late((sum(rows[-1]) if rows else begin_us) + apart_us, late_ms * 1000))
    return tuple(rows)


def test_the_trace_is_over_its_time() -> None:
    assert REPLAY.ended_us - REPLAY.sent_us == 1_500_000
    assert told(SLOW) == ["closed after 1500 ms, end last"]


@pytest.mark.parametrize(
    ("times", "seen"),
    [
        (late(*LATE_MS), "harness late by 617 ms"),
        (late(99), ["closed after 1500 ms, end last"]),
        (late(*LATE_MS, begin_us=0, apart_us=0), ["closed after 1500 ms, end last"]),  # it was late before that
        (late(600, begin_us=REPLAY.sent_us - 320_000), ["closed after 1500 ms, end last"]),  # half of it before that
        (late(500), "harness late by 500 ms"),  # what is left is the bound
        (late(499), ["closed after 1500 ms, end last"]),
    ],
)
def test_delays_of_the_harness_within_what_is_judged_add_up(times: tuple[Late, ...], seen: list[str] | str) -> None:
    assert told(replace(SLOW, late=times)) == seen


def test_what_never_comes_is_no_matter_of_time_for_a_harness_that_was_there() -> None:
    (never,) = [row.bad for row in examples("TRM-04") if row.base.startswith("ghostly") and not row.holds][:1]
    outcome = closes(never, GHOSTLY)
    assert isinstance(outcome, list)
    assert [one.exchange for one in outcome] == ["x2"]
    assert isinstance(closes(replace(never, late=(Late(0, never.exchanges[1].ended_us),)), GHOSTLY), NotExercised)


def test_a_trace_keeps_when_the_harness_was_late() -> None:
    assert load(dump(replace(SLOW, late=late(*LATE_MS))), "again").late == late(*LATE_MS)


@pytest.mark.parametrize(
    "rows", [[[5]], [[5, "6"]], [[5, True]], [["5", 6]], [[5, 6, 7]], [[10, 5], [14, 2]], [[5, -1]], [[-5, 1]], [5]]
)
def test_times_that_are_none_are_refused(rows: list[object]) -> None:
    first, *rest = dump(SLOW)
    wrong = first.replace('"late":[]', f'"late":{rows}'.replace("'", '"').replace("True", "true"))
    assert wrong != first
    with pytest.raises(TraceError, match="line 1: expected late to have pairs"):
        load([wrong, *rest], "t")


def test_a_trace_that_knows_the_worst_delay_alone_is_refused() -> None:
    """Format 1 had one figure for each exchange: what the others amount to cannot be known of it."""
    first, *rest = dump(SLOW)
    old = first.replace('"format":2', '"format":1').replace('"late":[]', '"jitter_us":{"x6":87000}')
    with pytest.raises(TraceError, match="expected format 2, got 1; record it again"):
        load([old, *rest], "t")
