"""One server of 2,000 events that many readers follow, on plain aiohttp or with sse-starlette; as small as it can be.

`GET /replay` sends all events from a list and ends; `GET /live` sends what `POST /go` publishes to all readers at once
and then ends. One write an event. `python -m bench.peers.fan_out aiohttp|starlette PORT EVENTS`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}


def document(number: int) -> dict[str, Any]:
    """An event like those of ghostly's, about 150 bytes as a block."""
    at = "2026-03-14T09:26:53.589Z"
    return {"kind": "assist", "type": "loop_state", "seq": number, "at": at, "payload": {"state": "executing", "n": 7}}


def block(number: int) -> bytes:
    """Its block."""
    return f"event: assist\ndata: {json.dumps(document(number), separators=(',', ':'))}\nid: {number}\n\n".encode()


def aiohttp_app(events: int) -> Any:
    """The server on plain aiohttp: blocks are encoded once, a queue for each reader."""
    from aiohttp import web  # noqa: PLC0415 - only one of the two is loaded

    blocks = [block(number) for number in range(1, events + 1)]
    queues: set[asyncio.Queue[bytes | None]] = set()

    async def replay(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers=HEADERS)
        await answer.prepare(request)
        for number, one in enumerate(blocks):
            await answer.write(one)
            if number % 16 == 15:
                await asyncio.sleep(0)
        await answer.write_eof()
        return answer

    async def live(request: web.Request) -> web.StreamResponse:
        answer, queue = web.StreamResponse(headers=HEADERS), asyncio.Queue[bytes | None]()
        queues.add(queue)
        await answer.prepare(request)
        while (one := await queue.get()) is not None:
            await answer.write(one)
        await answer.write_eof()
        queues.discard(queue)
        return answer

    async def go(_request: web.Request) -> web.Response:
        for number in range(1, events + 1):
            one = block(number)
            for queue in queues:
                queue.put_nowait(one)
            await asyncio.sleep(0)
        for queue in queues:
            queue.put_nowait(None)
        return web.Response()

    app = web.Application()
    app.router.add_get("/replay", replay)
    app.router.add_get("/live", live)
    app.router.add_post("/go", go)
    return app


def starlette_app(events: int) -> Any:
    """The same with sse-starlette, which encodes an event for each reader."""
    from sse_starlette import EventSourceResponse, ServerSentEvent  # noqa: PLC0415 - only one of the two is loaded
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.responses import Response  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    texts = [json.dumps(document(number), separators=(",", ":")) for number in range(1, events + 1)]
    queues: set[asyncio.Queue[Any]] = set()

    async def all_of_them() -> AsyncIterator[ServerSentEvent]:
        for number, one in enumerate(texts, 1):
            yield ServerSentEvent(one, event="assist", id=str(number))

    async def coming() -> AsyncIterator[ServerSentEvent]:
        queue = asyncio.Queue[Any]()
        queues.add(queue)
        while (one := await queue.get()) is not None:
            number, text = one
            yield ServerSentEvent(text, event="assist", id=str(number))
        queues.discard(queue)

    async def replay(_request: Any) -> Any:
        return EventSourceResponse(all_of_them())

    async def live(_request: Any) -> Any:
        return EventSourceResponse(coming())

    async def go(_request: Any) -> Any:
        for one in enumerate(texts, 1):
            for queue in queues:
                queue.put_nowait(one)
            await asyncio.sleep(0)
        for queue in queues:
            queue.put_nowait(None)
        return Response()

    routes = [Route("/replay", replay), Route("/live", live), Route("/go", go, methods=["POST"])]
    return Starlette(routes=routes)


def main() -> None:
    """Serve until killed."""
    which, port, events = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if which == "aiohttp":
        from aiohttp import web  # noqa: PLC0415

        web.run_app(aiohttp_app(events), host="127.0.0.1", port=port, print=None, access_log=None)
    else:
        import uvicorn  # noqa: PLC0415

        uvicorn.run(starlette_app(events), host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
