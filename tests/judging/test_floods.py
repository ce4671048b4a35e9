"""Streams of very many frames: what is read of them, what they cost, and that our limit is blamed on no server."""

from __future__ import annotations

import tracemalloc
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet import decode
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.decode import bounded, ended_otherwise, reading
from streamvet.examples import base_trace, bases
from streamvet.outcome import MOST_FINDINGS
from streamvet.report.building import Asked, ReportBuilder
from streamvet.systems import judge_of, system_of
from streamvet.trace import Ending

if TYPE_CHECKING:
    from streamvet.trace import Exchange, Trace

MANY = 8_000
# A million of them leave 100 MB: with what else the process holds, and a body, that is under 250 MiB. Of so few a part
# is the first frames of each kind.
MOST_BYTES_EACH = {"no JSON": 200, "lines that are no JSON": 200, "no UTF-8": 200, "events with CR LF": 200}
FLOODS = {
    "tiny events": ("ghostly", b"data: {}\n\n"),
    "events of a type": ("ghostly", b'event: status\ndata: {"kind":"status"}\n\n'),
    "events with CR LF": ("ghostly", b"data: {}\r\n\r\n"),
    "empty lines": ("ghostly", b"\n"),
    "CR alone": ("ghostly", b"\r"),
    "comments": ("ghostly", b":\n"),
    "heartbeats": ("cosma", b": x\n\n"),
    "no UTF-8": ("ghostly", b"data: \xff\n\n"),
    "no JSON": ("ghostly", b"data: {\n\n"),
    "objects": ("promptfloe", b"{}\n"),
    "lines that are no JSON": ("promptfloe", b"x\n"),
    "retry": ("ghostly", b"retry: 0\ndata: {}\n\n"),
    "ids that are no ASCII": ("ghostly", b"id: \xc3\xa9\ndata: {}\n\n"),
    "ids with a control character": ("ghostly", b"id: \x01\ndata: {}\n\n"),
}


def flood(name: str, count: int) -> tuple[Trace, Exchange]:
    """A good trace in which one stream is a flood of so many units, and that stream."""
    system, unit = FLOODS[name]
    base = {"ghostly": "ghostly-straight", "cosma": "cosma-plain", "promptfloe": "promptfloe-build"}[system]
    good = base_trace(bases()[base])
    profile = load_profile(system)
    number = next(at for at, one in enumerate(good.exchanges) if decode.readable(one))
    stream, body = good.exchanges[number], unit * count
    stream = replace(stream, body=body, ends=array("q", [len(body)]), times=array("q", [stream.ended_us]))
    assert reading(replace(stream), profile).frames >= count
    return replace(good, exchanges=(*good.exchanges[:number], stream, *good.exchanges[number + 1 :])), stream


@pytest.mark.parametrize("name", FLOODS)
def test_a_frame_leaves_little(name: str) -> None:
    trace, stream = flood(name, MANY)
    profile = load_profile(trace.profile)
    tracemalloc.start()
    try:
        read = reading(stream, profile)
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left / read.frames < MOST_BYTES_EACH.get(name, 120)


@pytest.mark.parametrize("name", FLOODS)
def test_of_a_flood_some_findings_are_kept_and_no_check_fails(name: str) -> None:
    trace, stream = flood(name, 2 * MOST_FINDINGS)
    bench = judge_of(load_profile(trace.profile))
    outcomes = bench.add(trace)
    assert bench.errors == []
    counts = {
        row: sum(one.exchange == stream.id for one in outcome)
        for row, outcome in outcomes.items()
        if isinstance(outcome, list)
    }
    assert max(counts.values()) <= MOST_FINDINGS + 1


@pytest.mark.parametrize("name", FLOODS)
def test_behind_the_limit_nothing_is_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trace, stream = flood(name, 30)
    profile = load_profile(trace.profile)
    monkeypatch.setattr(decode, "MOST_FRAMES", 10)
    short = bounded(stream, profile)
    assert (short.ending, short.detail) == (Ending.CUT, "limit: over 1000000 frames")
    assert stream.body.startswith(short.body)
    assert (reading(short, profile).frames, list(short.ends)) == (10, [len(short.body)])
    builder = ReportBuilder(profile, load_registry(profile), system_of(profile).checks)
    found = {row for row, outcome in builder.add(trace).items() if isinstance(outcome, list) and outcome}
    assert not found & {"TRM-01", "TRN-04", "SSE-01", "NDJ-01"}
    facts = {"target": "x", "started_at": "x", "duration_s": 0.0, "mandated_wait_s": 0.0}
    assert "not read to the end, limit: over 1000000 frames: 1 stream" in builder.report(Asked(), **facts).notes


@pytest.mark.parametrize(
    "unit", [b'{"kind":"assist","type":"t%d"}', b'{"kind":"assist","type":"step_start","stepIndex":[%d]}']
)
def test_behind_many_different_events_nothing_is_read(unit: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    _, stream = flood("tiny events", 1)
    body = b"".join(b"event: assist\ndata: %b\n\n" % (unit % number) for number in range(30))
    monkeypatch.setattr(decode, "MOST_SHAPES", 10)
    profile = load_profile("ghostly")
    short = bounded(replace(stream, body=body, ends=array("q", [len(body)])), profile)
    assert (short.ending, short.detail) == (Ending.CUT, "limit: over 200000 different events")
    assert len(reading(short, profile).events) == 11


def test_a_value_at_a_key_is_kept_short() -> None:
    _, stream = flood("tiny events", 1)
    values = [b'"%b"' % (b"x" * 10_000), b'"%by"' % (b"x" * 9_999), b"[1]", b"[true]", b'"[1]"']
    body = b"".join(
        b'event: assist\ndata: {"kind":"assist","type":"step_start","stepIndex":%b}\n\n' % one for one in values
    )
    stream = replace(stream, body=body, ends=array("q", [len(body)]))
    keys = [event.keys for event in reading(stream, load_profile("ghostly")).events]
    assert len(set(map(repr, keys))) == len(values)
    assert max(map(len, map(repr, keys))) < 500


def test_a_stream_within_the_limit_is_as_it_was() -> None:
    trace, stream = flood("tiny events", 30)
    assert bounded(stream, load_profile(trace.profile)) is stream


@pytest.mark.parametrize("body", [b"data: {}\n\ndata: {}", b"data: {}\n\n"])
def test_an_ending_is_changed_without_reading_again(body: bytes) -> None:
    trace, stream = flood("tiny events", 1)
    profile = load_profile(trace.profile)
    stream = replace(stream, body=body, ends=array("q", [len(body)]))
    for ending in (Ending.CUT, Ending.TRUNCATED, Ending.COMPLETE):
        other = ended_otherwise(stream, profile, ending, "x")
        anew = reading(replace(other), profile)
        assert (reading(other, profile).unread, other.detail) == (anew.unread, "x")


def test_to_share_a_shape_one_and_true_are_not_equal() -> None:
    trace, stream = flood("tiny events", 1)
    body = b"".join(
        b'event: assist\ndata: {"kind":"assist","type":"step_start","stepIndex":%s}\n\n' % one
        for one in (b"1", b"true")
    )
    stream = replace(stream, body=body, ends=array("q", [len(body)]))
    first, second = (event.keys for event in reading(stream, load_profile(trace.profile)).events)
    assert [one for one in map(repr, first) if one in ("1", "True")] == ["1"]
    assert [one for one in map(repr, second) if one in ("1", "True")] == ["True"]
