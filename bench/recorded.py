"""Long recorded streams for the benchmarks: a run of ghostly as SSE, one of promptfloe as NDJSON, as long as wanted.

The events have 120 to 150 bytes, as the wire has them. One exchange each, in reads of 4 KiB, as a fast stream arrives.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.trace import Ending, Exchange, Head, Request, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = "2026-03-14T09:26:53.589Z"
PROFILES = {"sse": "ghostly", "ndjson": "promptfloe"}
_RUN = "run_0123456789abcdef01234567"
_READ_BYTES, _READ_US = 4096, 1


def body(framing: str, events: int, *, defect: bool = False) -> bytes:
    """The bytes of a run of so many events that is right; with a defect in the last of them where that is wanted."""
    return "".join(_ghostly(events, defect) if framing == "sse" else _promptfloe(events, defect)).encode()


def _ghostly(events: int, defect: bool) -> Iterator[str]:
    yield f'event: status\ndata: {{"kind":"status","status":"running","at":"{AT}"}}\nid: 1\n\n'
    for seq in range(1, events):
        kind = "memory_hit" if seq % 2 else "loop_state"
        data = f'{{"kind":"assist","type":"{kind}","seq":{seq},"at":"{AT}","payload":{{"horizon":{seq % 9}}}}}'
        yield f"event: assist\ndata: {data}\nid: {seq + 1}\n\n"
    payload = "[]" if defect else "{}"
    data = f'{{"kind":"assist","type":"run_end","seq":{events},"at":"{AT}","payload":{payload}}}'
    yield f"event: assist\ndata: {data}\nid: {events + 1}\n\n"
    yield f'event: status\ndata: {{"kind":"status","status":"pass","at":"{AT}"}}\nid: {events + 2}\n\n'
    yield f'event: end\ndata: {{"kind":"end","at":"{AT}"}}\nid: {events + 3}\n\n'


def _promptfloe(events: int, defect: bool) -> Iterator[str]:
    for number in range(1, events):
        delta = f"event {number} of a text that is sent in many small pieces"
        yield f'{{"type":"chunk","id":{number},"runId":"{_RUN}","delta":"{delta}"}}\n'
    tokens = '"many"' if defect else "7"
    yield f'{{"type":"done","id":{events},"runId":"{_RUN}","tokensUsed":{tokens},"durationMs":12}}\n'


def trace(framing: str, data: bytes) -> Trace:
    """The bytes as one exchange."""
    profile, registry = load_profile(PROFILES[framing]), load_registry()
    ends = array("q", [*range(_READ_BYTES, len(data), _READ_BYTES), len(data)])
    times = array("q", range(2000, 2000 + len(ends) * _READ_US, _READ_US))
    media = "text/event-stream" if framing == "sse" else "application/x-ndjson"
    fields = (
        ("content-type", media), ("transfer-encoding", "chunked"), ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"), ("x-run-id", _RUN),
    )  # fmt: skip
    head = Head(200, "HTTP/1.1", fields, 1000)
    kind = "run" if framing == "sse" else "skill"
    about = {"meant": "stream", "account": "primary", "run": "r1", "run_id": _RUN, "kind": kind}
    exchange = Exchange(
        "x1", "attach", "reader", about, Request("GET", f"http://127.0.0.1:1/v1/runs/{_RUN}/events", (), None),
        0, head, data, ends, times, Ending.COMPLETE, times[-1] + 1,
    )  # fmt: skip
    return Trace("bench", {"name": "bench"}, (exchange,), profile.name, profile.digest, registry.revision)
