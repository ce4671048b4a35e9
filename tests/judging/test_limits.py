"""Lines and events of a stream that are longer than a reader holds: read up to there, and no finding of anybody."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from streamvet.contract.loading import load_profile
from streamvet.decode import bounded, readable
from streamvet.examples import base_trace, bases
from streamvet.framing.lengths import MOST_EVENT_BYTES, MOST_LINE_BYTES, over_long
from streamvet.recorder.limits import LIMITS, LineWatch
from streamvet.systems import judge_of
from streamvet.trace import Ending, Exchange, Trace

LINE, EVENT = b"x" * MOST_LINE_BYTES, b"data: " + b"x" * (MOST_LINE_BYTES - 7) + b"\n"
OVER_LINE, OVER_EVENT = f"line over {MOST_LINE_BYTES} bytes", f"event over {MOST_EVENT_BYTES} bytes"
SSE = {
    "within": (LINE + b"\n\n" + LINE + b"\r\r", None, ""),
    "a line": (b"a\n\n" + LINE + b"x\n\n", 3 + len(LINE) + 1, OVER_LINE),
    "a line behind many": (b"a\r\n\r\n" * 400_000 + LINE + b"x", 400_000 * 5 + len(LINE) + 1, OVER_LINE),
    "an event": (b"a\n\n" + EVENT * 4 + b"x\n\n", 3 + MOST_EVENT_BYTES + 1, OVER_EVENT),
    "an event without an end": (EVENT * 5, MOST_EVENT_BYTES + 1, OVER_EVENT),
}


@pytest.mark.parametrize("name", SSE)
def test_a_stream_is_read_up_to_what_is_too_long(name: str) -> None:
    body, size, what = SSE[name]
    assert over_long(body, sse=True) == (None if size is None else (size, what))


def test_of_ndjson_a_line_ends_with_lf_alone() -> None:
    assert over_long(b"x\r" * MOST_LINE_BYTES, sse=False) == (MOST_LINE_BYTES + 1, OVER_LINE)
    assert over_long((b"x\n" * 10 + LINE + b"\n") * 6, sse=False) is None
    assert LineWatch(LIMITS, events=False).exceeded(b"x\r" * MOST_LINE_BYTES) == "line"


@pytest.mark.parametrize(("system", "base"), [("ghostly", "ghostly-straight"), ("promptfloe", "promptfloe-build")])
def test_our_limit_is_no_violation(system: str, base: str) -> None:
    good, profile = base_trace(bases()[base]), load_profile(system)
    number = next(at for at, one in enumerate(good.exchanges) if readable(one))
    stream = good.exchanges[number]
    body = stream.body + LINE + b"x" * 100
    stream = replace(stream, body=body, ends=array("q", [len(body)]), times=array("q", [stream.ended_us]))
    short = bounded(stream, profile)
    assert (short.ending, short.detail, len(short.body)) == (
        Ending.CUT, f"limit: {OVER_LINE}", len(good.exchanges[number].body) + MOST_LINE_BYTES + 1,
    )  # fmt: skip
    bench = judge_of(profile)
    outcomes = bench.add(_with(good, number, stream))
    assert bench.limits == {f"limit: {OVER_LINE}": 1}
    ends = ("SSE-01", "NDJ-01", "TRN-04", "TRM-01")
    assert [row for row in ends if isinstance(outcomes.get(row), list) and outcomes[row]] == []


def _with(trace: Trace, number: int, stream: Exchange) -> Trace:
    exchanges = [*trace.exchanges]
    exchanges[number] = stream
    return replace(trace, exchanges=tuple(exchanges))
