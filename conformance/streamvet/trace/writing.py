"""Writes a trace as the records of a trace file.

Must not know how they are read again.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from streamvet.trace.format import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet.trace.values import Trace


def _piece(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def records(trace: Trace) -> Iterator[dict[str, Any]]:
    """The records of a trace file, first the trace's own, then exchange by exchange."""
    yield {
        "record": "trace", "format": FORMAT, "profile": trace.profile, "digest": trace.digest,
        "revision": trace.revision, "time_scale": trace.time_scale, "wall_clock": trace.wall_clock,
        "lacks": list(trace.lacks), "accounts": dict(trace.accounts), "probe": trace.probe,
        "stimulus": dict(trace.stimulus), "late": [list(one) for one in trace.late],
        **({"attempt": trace.attempt._asdict()} if trace.attempt else {}),
        **({"spec": trace.spec} if trace.spec else {}),
        **({"with": dict(trace.answers)} if trace.answers else {}),
    }  # fmt: skip
    for exchange in trace.exchanges:
        request = exchange.request
        yield {
            "record": "exchange", "id": exchange.id, "operation": exchange.operation, "role": exchange.role,
            "about": dict(exchange.about), "at_us": exchange.sent_us,
            "request": {"method": request.method, "url": request.url, "headers": [list(h) for h in request.headers],
                        "body": request.body},
        }  # fmt: skip
        if exchange.head is not None:
            head = exchange.head
            yield {
                "record": "head", "exchange": exchange.id, "at_us": head.at_us, "status": head.status,
                "http": head.http, "headers": [list(h) for h in head.headers],
            }  # fmt: skip
        for chunk in exchange.chunks:
            yield {"record": "chunk", "exchange": exchange.id, "at_us": chunk.at_us, **_piece(chunk.data)}
        yield {
            "record": "end", "exchange": exchange.id, "at_us": exchange.ended_us, "ending": exchange.ending.value,
            "detail": exchange.detail, **({"coding": exchange.coding} if exchange.coding else {}),
            "wire_bytes": exchange.wire_bytes,
        }  # fmt: skip


def dump(trace: Trace) -> Iterator[str]:
    """The lines of the trace file, each with its newline."""
    for record in records(trace):
        yield json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
