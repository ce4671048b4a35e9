"""The head of a stream that has nothing to say comes by itself, or with a greeting, or within the profile's time."""

from __future__ import annotations

import dataclasses
from array import array
from typing import Any

import pytest

from streamvet.checks.opening import head_at_once
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace, bases
from streamvet.outcome import NotExercised, own_findings
from streamvet.systems import judge_of
from streamvet.trace import Ending, Trace

BASE = base_trace(bases()["cosma-plain"])
COSMA = load_profile("cosma")
MS = 1000


def _opened(head_ms: float | None, first_ms: float, body: bytes | None = None, **more: Any) -> Trace:
    """One reader of an ambient stream, its head, its first bytes and nothing else but a quick answer."""
    reader, control = BASE.exchanges[:2]
    assert reader.head is not None
    head = None if head_ms is None else reader.head._replace(at_us=int(head_ms * MS))
    body = reader.body if body is None else body
    came = {"body": body, "ends": array("q", [len(body)]), "times": array("q", [int(first_ms * MS)])}
    one = dataclasses.replace(reader, head=head, ended_us=20_000_000, **{**came, **more})
    return dataclasses.replace(BASE, exchanges=(one, control))


EVENT = b'event: update\ndata: {"opcode": "info", "data": {"message": "x"}}\n\n'
BEAT = b": keepalive\n\n"
# When the head comes, when the first bytes, which, and how many findings there are; None: it was not exercised.
CASES: list[tuple[float, float, bytes, int | None]] = [
    (5, 700, EVENT, 0),
    (700, 701, EVENT, 1),
    (15_000, 15_000, BEAT, 1),
    (90, 91, EVENT, 0),
    (700, 700, b": connected\n\n" + EVENT, 0),
    (700, 1700, EVENT, 0),
]


@pytest.mark.parametrize(("head_ms", "first_ms", "body", "findings"), CASES)
def test_a_head_that_waits(head_ms: float, first_ms: float, body: bytes, findings: int | None) -> None:
    outcome = head_at_once(_opened(head_ms, first_ms, body), COSMA)
    if head_ms == 90:
        assert isinstance(outcome, NotExercised)
        return
    assert isinstance(outcome, list)
    assert len(outcome) == findings


WATCH, CURSORS = base_trace(bases()["ghostly-watch-idle"]), base_trace(bases()["promptfloe-cursors"])
SCALE, INTERVAL_MS = 0.05, 750


def _watched(head_ms: float, first_ms: float, beat_ms: float, **stimulus: Any) -> Trace:
    """A run at a small time scale, watched from 10 ms on: its head, its first two events at once, one heartbeat."""
    start, watch = WATCH.exchanges[:2]
    assert watch.head is not None
    start = dataclasses.replace(start, sent_us=0, ended_us=5 * MS)
    body, at_us = watch.body[:406], int(first_ms * MS)
    one = dataclasses.replace(
        watch, body=body, head=watch.head._replace(at_us=int(head_ms * MS)), sent_us=10 * MS, ended_us=2_000 * MS,
        ends=array("q", [96, 373, 406]), times=array("q", [at_us, at_us, int(beat_ms * MS)]),
    )  # fmt: skip
    said = {**WATCH.stimulus, "script": None, **stimulus}
    return dataclasses.replace(WATCH, exchanges=(start, one), time_scale=SCALE, stimulus=said)


def test_a_head_that_waits_for_a_heartbeat_is_late_below_the_interval_too() -> None:
    """Without a script, at a time scale at which a heartbeat comes sooner than any bound that is not scaled."""
    silent = _watched(760, 760, 760)
    (start, watch) = silent.exchanges
    beat = watch.body[373:]
    alone = dataclasses.replace(watch, body=beat, ends=array("q", [33]), times=array("q", [760 * MS]))
    trace = dataclasses.replace(silent, exchanges=(start, alone))
    (late,) = head_at_once(trace, load_profile("ghostly"))  # type: ignore[misc]
    assert late.seen == "it came after 750 ms, with the first bytes"


# When the head, the first event and the heartbeat come, and for how long the first event was held back.
OPENINGS: list[tuple[float, float, float, int | None]] = [
    (15, 16, 766, None),
    (15, 760, 761, 745),
    (760, 760, 760, 675),
    (15, 300, 1050, None),
    (15, 760, 1510, None),
    (15, 100, 101, None),
]


@pytest.mark.parametrize(("head_ms", "first_ms", "beat_ms", "held_ms"), OPENINGS)
def test_a_first_event_that_waits_for_the_heartbeat(
    head_ms: float, first_ms: float, beat_ms: float, held_ms: int | None
) -> None:
    outcomes = judge_of(load_profile("ghostly")).add(_watched(head_ms, first_ms, beat_ms))
    found = own_findings(outcomes["TRN-03"])
    assert [one.expected for one in found] == [
        "status.running when the stream is opened, not with the first heartbeat"
    ] * bool(held_ms)
    assert all(one.seen.startswith(f"held back for {held_ms} ms: 2 came together, ") for one in found)


@pytest.mark.parametrize(
    ("wait_ms", "first_ms", "is_held"), [(500, 500, True), (500, 16, False), (500, 300, False), (60, 60, False)]
)
def test_a_first_event_that_waits_for_the_script(wait_ms: float, first_ms: float, *, is_held: bool) -> None:
    script = [{"wait_ms": wait_ms / SCALE}, *WATCH.stimulus["script"][1:2], {"wait_ms": 20_000}]
    trace = _watched(15, first_ms, 1300, script=script, outcome="hangs")
    (start, watch) = trace.exchanges
    ends, times = array("q", [96, 236, 406]), array("q", [int(first_ms * MS), int(wait_ms * MS), 1300 * MS])
    late = dataclasses.replace(watch, ends=ends, times=times)
    outcomes = judge_of(load_profile("ghostly")).add(dataclasses.replace(trace, exchanges=(start, late)))
    assert bool(own_findings(outcomes["TRN-03"])) is is_held


def test_who_resumes_behind_everything_finds_a_silence() -> None:
    promptfloe, resumed = load_profile("promptfloe"), CURSORS.exchanges[2]
    assert resumed.head is not None
    script = [*CURSORS.stimulus["script"][:4], {"wait_ms": 600}, *CURSORS.stimulus["script"][5:]]
    for head_ms, is_late in ((204, False), (760, True)):
        times = array("q", [760 * MS, 860 * MS, 861 * MS])
        one = dataclasses.replace(resumed, head=resumed.head._replace(at_us=head_ms * MS), times=times)
        exchanges = (CURSORS.exchanges[0], one)
        trace = dataclasses.replace(CURSORS, exchanges=exchanges, stimulus={**CURSORS.stimulus, "script": script})
        outcome = head_at_once(trace, promptfloe)
        assert isinstance(outcome, list)
        assert [found.exchange for found in outcome] == [resumed.id] * is_late


def test_with_a_bound_it_is_a_must_whatever_comes_with_it() -> None:
    strict = dataclasses.replace(COSMA, raw={**COSMA.raw, "transport": {"head_within_ms": 500}})
    row = load_registry().rows["TRN-20"].on(strict)
    assert (row.level, row.basis) == ("MUST", {"profile": "transport.head_within_ms"})
    assert load_registry().rows["TRN-20"].level_on(COSMA) == "SHOULD"
    assert head_at_once(_opened(490, 900), strict) == []
    (late,) = head_at_once(_opened(700, 900), strict)  # type: ignore[misc]
    assert (late.expected, late.seen) == ("the head within 500 ms", "after 700 ms")
    none = _opened(None, 0, b"", ends=array("q"), times=array("q"), ending=Ending.TIMED_OUT, detail="no answer")
    (absent,) = head_at_once(none, strict)  # type: ignore[misc]
    assert absent.seen == "none: no answer"
