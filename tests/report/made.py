"""Traces, findings and reports made by hand, for the tests of the report."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.report.exhibit import exhibit
from streamvet.report.report import Report
from streamvet.trace import Ending, Exchange, Head, Request, Trace
from streamvet.verdicts import Ruling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.outcome import Finding, Verdict

GHOSTLY = load_profile("ghostly")
BASE = "http://127.0.0.1:4000"
REGISTRY = load_registry()


def event(seq: int, note: str = "fine") -> bytes:
    """One event of ghostly's history as SSE."""
    at = '"at":"2025-11-22T00:00:00.000Z"'
    data = f'{{"kind":"assist","seq":{seq},{at},"type":"step_start","stepIndex":0,"payload":{{"note":"{note}"}}}}'
    return f"id: {seq}\nevent: assist\ndata: {data}\n\n".encode()


def exchange(
    pieces: Sequence[tuple[int, bytes]], one: str = "x1", *, ending: Ending = Ending.COMPLETE,
    ended_ms: int | None = None, status: int = 200, media_type: str = "text/event-stream",
) -> Exchange:  # fmt: skip
    """A stream whose pieces arrived at these milliseconds after a request at 100 ms."""
    ends, times, size = array("q"), array("q"), 0
    for at_ms, data in pieces:
        size += len(data)
        ends.append(size)
        times.append((100 + at_ms) * 1000)
    last_ms = pieces[-1][0] if pieces else 5
    return Exchange(
        id=one, operation="attach", role="reader", about={"meant": "stream", "run": "r1"},
        request=Request("GET", f"{BASE}/v1/runs/run_1/events/stream?token=xxxx", (("Accept", "*/*"),), None),
        sent_us=100_000,
        head=Head(status, "HTTP/1.1", (("Content-Type", media_type), ("Cache-Control", "no-cache")), 104_000),
        body=b"".join(data for _, data in pieces), ends=ends, times=times, ending=ending,
        ended_us=(100 + (last_ms + 3 if ended_ms is None else ended_ms)) * 1000,
    )  # fmt: skip


def trace(*exchanges: Exchange, name: str = "straight-hostile.trace.ndjson") -> Trace:
    """A trace of ghostly."""
    return Trace(
        "straight", {"name": "hostile"}, exchanges, "ghostly", GHOSTLY.digest, REGISTRY.revision, 0.05, 0.0, name=name
    )


def ruling(
    one: str, verdict: Verdict, *findings: Finding, reason: str = "", exercised: int = 3,
    explained: Sequence[Finding] = (), unread: Mapping[str, int] | None = None, unkept: int = 0,
) -> Ruling:  # fmt: skip
    """A ruling on a requirement of the registry, with its level on ghostly."""
    probes = ("straight", "cuts") if exercised else ()
    return Ruling(
        REGISTRY.rows[one].on(GHOSTLY), verdict, reason, exercised, findings, probes,
        reproduce=f"streamvet run t.yaml --only {one}", explained=tuple(explained), unread=unread or {}, unkept=unkept,
    )  # fmt: skip


def report(*rulings: Ruling, traces: Sequence[Trace] = (), **more: object) -> Report:
    """A report on these rulings, with the evidence of the traces that are given."""
    by_name = {one.name: one for one in traces}
    exhibits = {
        one.requirement.id: tuple(
            shown for finding in one.findings if (shown := exhibit(finding, by_name[finding.trace], GHOSTLY))
        )
        for one in rulings
        if traces
    }
    values: dict[str, object] = {
        "profile": "ghostly", "title": GHOSTLY.title, "target": "http://127.0.0.1:4000", "rulings": rulings,
        "families": REGISTRY.families, "spec": 1, "started_at": "2025-11-22T00:00:00Z", "duration_s": 3.4,
        "mandated_wait_s": 2.25, "time_scale": 0.05, "version": "0.1.0", "exhibits": exhibits, "traces": 3,
        "notes": ("timings were scaled by 0.05",),
    }  # fmt: skip
    return Report(**(values | more))  # type: ignore[arg-type]
