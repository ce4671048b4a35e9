"""Exports of tables, with their progress as Server-Sent Events: starlette, sse-starlette and uvicorn.

An export has a log, a list of events. A reader is a position in that log: it sends what is there, then waits for the
log to grow. So there is no seam between replay and live, and a reader that is slow costs nothing but its position.
Event n of an export has the id n, so Last-Event-ID is a position too. sse-starlette frames the events and sends the
heartbeats.

    PORT=4200 python3 server.py
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import uvicorn
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

HEARTBEAT_S = 1.5
ACCOUNTS = {"exp_key_a": "a", "exp_key_b": "b"}  # key: account


class Table(NamedTuple):
    """A table of the demo: how many parts its export has, and how long each takes."""

    parts: int
    part_s: float
    damaged_part: int | None = None


TABLES = {"orders": Table(4, 0.1), "archive": Table(500, 2.5), "damaged": Table(4, 0.1, damaged_part=3)}


@dataclass
class Export:
    """One export: its log, and what it is doing now."""

    id: str
    account: str
    table: str
    state: str = "running"
    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    grown: asyncio.Event = field(default_factory=asyncio.Event)  # another one for each event
    work: asyncio.Task[None] | None = None

    def emit(self, name: str, **data: Any) -> None:
        """Put an event into the log and wake the readers."""
        self.log.append((name, {"seq": len(self.log) + 1, **data}))
        grown, self.grown = self.grown, asyncio.Event()
        grown.set()

    def finish(self, state: str, **data: Any) -> None:
        """End the export, once; the record is right before a reader sees the event."""
        if self.state == "running":
            self.state = state
            self.emit(state, **data)


exports: dict[str, Export] = {}  # in memory: a restart forgets them


async def perform(export: Export) -> None:
    """Show what an export would do."""
    table = TABLES[export.table]
    for part in range(1, table.parts + 1):
        await asyncio.sleep(table.part_s)
        if part == table.damaged_part:
            export.finish("failed", message=f"Part {part} of {export.table} cannot be read.")
            return
        export.emit("progress", part=part, of=table.parts)
    export.finish("done", url=f"/files/{export.id}.csv")


async def follow(export: Export, position: int) -> AsyncIterator[ServerSentEvent]:
    """The events after the first `position` ones, then what happens, to the end of the export."""
    while True:
        grown = export.grown
        for name, data in export.log[position:]:
            position += 1
            yield ServerSentEvent(data=json.dumps(data), event=name, id=str(position))
        if export.state != "running" and position == len(export.log):
            return
        await grown.wait()


def account_of(request: Request) -> str:
    """The account of the request's key."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    account = ACCOUNTS.get(key.strip()) if scheme.lower() == "bearer" else None
    if account is None:
        raise HTTPException(401, "A valid key is needed.", headers={"WWW-Authenticate": "Bearer"})
    return account


def export_of(request: Request) -> Export:
    """The export that the path names, if it belongs to the account."""
    account = account_of(request)
    export = exports.get(request.path_params["id"])
    if export is None or export.account != account:
        raise HTTPException(404, "There is no such export.")
    return export


def record_of(export: Export) -> dict[str, str]:
    """What the API tells of an export."""
    return {"id": export.id, "table": export.table, "state": export.state}


async def start(request: Request) -> Response:
    """POST /exports."""
    account = account_of(request)
    try:
        body = await request.json()
    except ValueError:
        raise HTTPException(400, "The body is not JSON.") from None
    table = body.get("table") if isinstance(body, dict) else None
    if not isinstance(table, str) or table not in TABLES:
        raise HTTPException(400, "table has to name a table.")
    export = Export(secrets.token_hex(9), account, table)
    exports[export.id] = export
    export.work = asyncio.create_task(perform(export))
    return JSONResponse(record_of(export), 202)


async def record(request: Request) -> Response:
    """GET /exports/{id}."""
    return JSONResponse(record_of(export_of(request)))


async def events(request: Request) -> Response:
    """GET /exports/{id}/events."""
    export = export_of(request)
    cursor = request.headers.get("last-event-id") or "0"
    if not re.fullmatch("[0-9]{1,9}", cursor):
        raise HTTPException(400, "Last-Event-ID is not an id of this API.")
    if int(cursor) > len(export.log):
        raise HTTPException(409, "Last-Event-ID is not an id of this export.")
    return EventSourceResponse(follow(export, int(cursor)), ping=HEARTBEAT_S)


async def cancel(request: Request) -> Response:
    """POST /exports/{id}/cancel."""
    export = export_of(request)
    if export.state != "running" or export.work is None:
        raise HTTPException(409, "The export is over.")
    export.work.cancel()
    export.finish("cancelled")
    return JSONResponse(record_of(export))


async def health(_request: Request) -> Response:
    """GET /health."""
    return JSONResponse({"ok": True})


async def refuse(_request: Request, error: Exception) -> Response:
    """A refusal, in the API's own shape."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


app = Starlette(
    routes=[
        Route("/health", health),
        Route("/exports", start, methods=["POST"]),
        Route("/exports/{id}", record),
        Route("/exports/{id}/events", events),
        Route("/exports/{id}/cancel", cancel, methods=["POST"]),
    ],
    exception_handlers={HTTPException: refuse},
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "4200")), log_level="warning")
