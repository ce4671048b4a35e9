"""Trace files made by hand, for the tests of the command line."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry

if TYPE_CHECKING:
    from pathlib import Path

GHOSTLY = load_profile("ghostly")
HEADERS = [
    ["Content-Type", "text/event-stream"], ["Transfer-Encoding", "chunked"], ["Cache-Control", "no-cache"],
    ["X-Accel-Buffering", "no"],
]  # fmt: skip
STATUS = b'event: status\ndata: {"kind":"status","status":"running","at":"2025-11-22T00:00:00.000Z"}\n\n'
HEAD = {"status": 200, "http": "HTTP/1.1", "headers": HEADERS}


def event(seq: int, note: str = "fine") -> bytes:
    """One event of ghostly's history as SSE."""
    at = '"at":"2025-11-22T00:00:00.000Z"'
    data = f'{{"kind":"assist","seq":{seq},{at},"type":"step_start","stepIndex":0,"payload":{{"note":"{note}"}}}}'
    return f"id: {seq}\nevent: assist\ndata: {data}\n\n".encode()


def written(path: Path, *bodies: bytes) -> Path:
    """A trace file with a stream for each body, after a first status, cut by us: little more than bytes is judged."""
    records: list[dict[str, object]] = [
        {
            "record": "trace", "format": 2, "profile": "ghostly", "digest": GHOSTLY.digest,
            "revision": load_registry().revision, "time_scale": 1.0, "wall_clock": 1763769600.0, "lacks": [],
            "accounts": {}, "probe": "straight", "stimulus": {"name": "by hand"}, "late": [],
        }
    ]  # fmt: skip
    for number, body in enumerate(bodies, start=1):
        one = f"x{number}"
        request: dict[str, object] = {
            "method": "GET",
            "url": "http://127.0.0.1:4000/v1/runs/r/events/stream",
            "headers": [],
            "body": None,
        }
        records += [
            {"record": "exchange", "id": one, "operation": "attach", "role": "reader",
             "about": {"meant": "stream", "run": "r1"}, "at_us": 100_000, "request": request},
            {"record": "head", "exchange": one, "at_us": 101_000, **HEAD},
            {"record": "chunk", "exchange": one, "at_us": 105_000, "base64": base64.b64encode(STATUS + body).decode()},
            {"record": "end", "exchange": one, "at_us": 108_000, "ending": "cut", "detail": "enough"},
        ]  # fmt: skip
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
