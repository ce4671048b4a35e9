"""A recording served again: each request gets what its like was answered with, with the same octets at the same times.

It must not know systems. A request is like a recorded one by method, path and query; the second one gets the second
recording, and so on, the last one again and again. `GET /_exchanges` lists them, `/_exchanges/ID` is each by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from aiohttp import web

from streamvet_server.wire import json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet_server.recording import Recorded

INDEX = "/_exchanges"
# Fields of a recorded head that say how that message was framed and coded, and what this server says itself.
_FRAMING = frozenset({"transfer-encoding", "content-length", "connection", "keep-alive", "content-encoding", "date"})
# No chunk has this size: what a client makes of it is an error in the message.
_NO_CHUNK = b"no chunk\r\n"
# A reader that did not wait for the end saw a stream that was open: so it stays.
_OPEN = frozenset({"cut", "timed-out"})


class _Delimited(web.StreamResponse):
    """A message that ends with its connection."""

    _length_check = False  # aiohttp chooses the chunked coding where it checks the length


def replayed(exchanges: Sequence[Recorded], scale: float) -> web.AppRunner:
    """The server of a recording, ready to be set up. `scale` multiplies its times."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    stopping = asyncio.Event()
    asked: Counter[tuple[str, str, str]] = Counter()

    async def index(_request: web.Request) -> web.Response:
        rows = [_row(one) for one in exchanges]
        return web.Response(body=json_text(rows).encode(), content_type="application/json")

    async def single(request: web.Request) -> web.StreamResponse:
        found = next((one for one in exchanges if one.id == request.match_info["id"]), None)
        return _absent("no such exchange") if found is None else await _answer(request, found, scale, stopping)

    async def again(request: web.Request) -> web.StreamResponse:
        await request.read()
        alike = [one for one in exchanges if (one.method, one.path) == (request.method, request.path)]
        alike = [one for one in alike if one.asked_by(request.query)] or alike
        if not alike:
            return _absent("the recording has no such request")
        key = (request.method, request.path, request.query_string)
        asked[key] += 1
        return await _answer(request, alike[min(asked[key], len(alike)) - 1], scale, stopping)

    async def stop(_app: web.Application) -> None:
        stopping.set()

    app.router.add_get(INDEX, index)
    app.router.add_route("*", INDEX + "/{id}", single)
    app.router.add_route("*", "/{rest:.*}", again)
    app.on_shutdown.append(stop)
    return web.AppRunner(app, handler_cancellation=True, auto_decompress=False, access_log=None, shutdown_timeout=1.0)


def _row(one: Recorded) -> dict[str, Any]:
    return {
        "id": one.id, "path": f"{INDEX}/{one.id}", "role": one.role, "method": one.method, "url": one.url,
        "status": one.status, "ending": one.ending, "bytes": sum(len(octets) for _, octets in one.chunks),
    }  # fmt: skip


def _absent(text: str) -> web.Response:
    return web.Response(status=404, body=json_text({"error": text}).encode(), content_type="application/json")


async def _answer(request: web.Request, one: Recorded, scale: float, stopping: asyncio.Event) -> web.StreamResponse:
    begin = asyncio.get_running_loop().time()
    kind = _Delimited if one.ending == "closed" else web.StreamResponse
    response = kind(status=one.status or 200)
    for name, value in one.headers:
        if name.lower() not in _FRAMING:
            response.headers.add(name, value)
    with contextlib.suppress(ConnectionError):  # the reader has left
        if one.status is not None:
            await _until(begin + one.head_us / 1e6 * scale)
            await response.prepare(request)
        for at_us, octets in one.chunks:
            await _until(begin + at_us / 1e6 * scale)
            await response.write(octets)
        if one.ending in _OPEN:
            await stopping.wait()
        await _until(begin + one.ended_us / 1e6 * scale)
        await _end(request, response, one.ending)
    return response


async def _end(request: web.Request, response: web.StreamResponse, ending: str) -> None:
    transport = request.transport
    if transport is None:
        return
    match ending:
        case "reset":
            transport.abort()
        case "closed" | "truncated":
            transport.close()
        case "malformed":
            transport.write(_NO_CHUNK)
            transport.close()
        case _ if response.prepared:
            await response.write_eof()
        case _:  # no head ever came
            transport.close()


async def _until(at: float) -> None:
    seconds = at - asyncio.get_running_loop().time()
    if seconds > 0:
        await asyncio.sleep(seconds)
