"""Bounds in time, where the harness itself was late: its delays add up, and count only within what is judged."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from streamvet.checks.heartbeat import silent_gaps
from streamvet.checks.terminal import closes, finished_in_time
from streamvet.checks.transport import stream_status
from streamvet.contract.loading import load_profile
from streamvet.examples import examples
from streamvet.outcome import NotExercised
from streamvet.systems.ghostly.checks.runs import started_at_once
from streamvet.trace import Ending, Head, Late, Trace, TraceError, dump, load

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


def waited_for(trace: Trace, number: int, for_us: int) -> Trace:
    """The trace where nothing of an answer had come when we had enough."""
    one = trace.exchanges[number]
    gave_up = replace(one, head=None, body=b"", ends=array("q"), times=array("q"), ending=Ending.TIMED_OUT,
                      ended_us=one.sent_us + for_us, detail="the head not within 10.0 s")  # fmt: skip
    rows = trace.exchanges
    return replace(trace, exchanges=(*rows[:number], gave_up, *rows[number + 1 :]))


def test_how_long_we_wait_for_an_answer_is_no_verdict() -> None:
    waited = waited_for(SLOW, 2, 10_000_000)
    why = f"attach of exchange {waited.exchanges[2].id}: the head not within 10.0 s"
    assert stream_status(waited, GHOSTLY) == NotExercised(why, due=True)
    refused = replace(REPLAY, id="x99", head=Head(500, "HTTP/1.1", (), REPLAY.sent_us))
    outcome = stream_status(replace(waited, exchanges=(*waited.exchanges, refused)), GHOSTLY)
    assert isinstance(outcome, list)
    assert [(one.exchange, one.seen) for one in outcome] == [("x99", "status 500")]


@pytest.mark.parametrize(
    ("for_us", "late_us", "seen"),
    [
        (3_000_000, 0, ["none in 3000 ms"]),
        (3_000_000, 1_900_000, ["none in 3000 ms"]),
        (3_000_000, 2_100_000, "harness late by 2100 ms"),
        (900_000, 0, "no request for a run was answered"),  # who gave up before the bound is no witness
    ],
)
def test_an_answer_that_does_not_come_within_a_bound_of_the_profile_is(
    for_us: int, late_us: int, seen: list[str] | str
) -> None:
    (number,) = [at for at, one in enumerate(SLOW.exchanges) if one.role == "start"]
    waited = waited_for(SLOW, number, for_us)
    outcome = started_at_once(replace(waited, late=late(late_us // 1000, begin_us=200_000)), GHOSTLY)
    assert seen == (outcome.reason if isinstance(outcome, NotExercised) else [one.seen for one in outcome])


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


# ------------------------------------------------------------------------------------------------ heartbeats

MISSED, HARDLY, *_ = [row.bad for row in examples("HBT-01") if row.base == "ghostly-watch-idle" and not row.holds]
WATCHED = next(row.good for row in examples("HBT-01") if row.base == "ghostly-watch-idle")
CAME_US = 17_120_000  # in HARDLY the first heartbeat, 17,014 ms after the last byte of the catch-up, of 17,000


def watched(trace: Trace, *times: Late) -> list[str] | str:
    """What HBT-01 says."""
    outcome = silent_gaps(replace(trace, late=times), GHOSTLY)
    return outcome.reason if isinstance(outcome, NotExercised) else [one.seen.partition(",")[0] for one in outcome]


def up_to(at_us: int, for_us: int) -> list[Late]:
    """A harness that is hardly ever idle for so long: it is late for nine of ten milliseconds."""
    return [Late(at_us - before, 9_000) for before in range(for_us, 0, -10_000)]


@pytest.mark.parametrize(
    ("trace", "times", "seen"),
    [
        (WATCHED, [], []),
        (WATCHED, [Late(11_000_000, 4_000_000), Late(26_000_000, 4_000_000)], []),  # it was there when they came
        (MISSED, [Late(5_000_000, 900_000)], ["none for 30000 ms"]),
        (HARDLY, [], ["none for 17014 ms"]),
        (HARDLY, [Late(CAME_US - 5_000, 10_000)], ["none for 17014 ms"]),  # what is left is over the bound
        (HARDLY, [Late(CAME_US - 20_000, 25_000)], []),  # up to a quarter of the tolerance the bound is wider
        (HARDLY, up_to(CAME_US, 500_000), []),
        (HARDLY, up_to(CAME_US, 600_000), "harness late by 540 ms"),
        (HARDLY, up_to(CAME_US - 50_000, 600_000), ["none for 17014 ms"]),  # then it had read all that was there
    ],
)
def test_the_harness_has_to_be_there_when_a_heartbeat_may_come(
    trace: Trace, times: list[Late], seen: list[str] | str
) -> None:
    assert watched(trace, *times) == seen


def test_a_gap_that_is_hardly_within_its_bound_may_have_begun_earlier() -> None:
    """Gaps are of 15 s, and 17 are allowed: a heartbeat that was read 2.5 s late hides one of 17.5."""
    beat_us = next(one for one in WATCHED.exchanges[1].times if one > 10_000_000)
    assert watched(WATCHED, Late(beat_us - 2_500_000, 2_500_000)) == "harness late by 2500 ms"
    assert watched(WATCHED, Late(beat_us - 1_500_000, 1_500_000)) == []


def test_a_harness_that_was_late_cannot_tell_never_from_late() -> None:
    (never,) = [row.bad for row in examples("TRM-04") if row.base.startswith("ghostly") and not row.holds][:1]
    x2 = never.exchanges[1]
    outcome = closes(replace(never, late=(Late(x2.ended_us - 900_000, 900_000),)), GHOSTLY)
    assert outcome == NotExercised("harness late by 900 ms", due=True)
