"""The tools of `tests/profiles/session-call`: `server.py PORT [BUG,…]`.

The bugs: `forgetful` loses an event for who comes back; `obliging` calls a tool that it has not; `silent` closes the
stream before the result, without an id by which anybody could come back.
"""

import asyncio
import json
import sys
import uuid

from aiohttp import web

BUGS = set(sys.argv[2].split(",")) if len(sys.argv) > 2 else set()
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
SESSIONS: set[str] = set()
CALLS: dict[str, list[str]] = {}
STEPS, STEP_S = 4, 0.03


def said(**rest: object) -> str:
    """A message."""
    return json.dumps({"jsonrpc": "2.0", **rest})


async def work(call: list[str], name: object) -> None:
    """What a call tells, to whoever reads it."""
    for number in range(1, STEPS + 1):
        await asyncio.sleep(STEP_S)
        call.append(said(method="notifications/progress", params={"progressToken": "t", "progress": number}))
    call.append(said(id=name, result={"content": []}))


async def tell(request: web.Request, key: str, at: int) -> web.StreamResponse:
    """The stream of a call behind so many of its events."""
    response = web.StreamResponse(headers=HEADERS)
    response.enable_chunked_encoding()
    await response.prepare(request)
    call = CALLS[key]
    while at <= STEPS:
        if at < len(call):
            at += 1
            name = "" if "silent" in BUGS else f"id: {key}-{at}\n"
            await response.write(f"{name}event: message\ndata: {call[at - 1]}\n\n".encode())
            if "silent" in BUGS and at == STEPS:
                break
        else:
            await asyncio.sleep(0.005)
    await response.write_eof()
    return response


async def post(request: web.Request) -> web.StreamResponse:
    """A message of the client."""
    message = json.loads(await request.text())
    if message["method"] == "initialize":
        SESSIONS.add(session := uuid.uuid4().hex)
        granted = {"jsonrpc": "2.0", "id": message["id"], "result": {}}
        return web.json_response(granted, headers={"Mcp-Session-Id": session})
    if request.headers.get("Mcp-Session-Id") not in SESSIONS:
        return web.json_response({"jsonrpc": "2.0", "id": None, "error": {"code": -32600}}, status=400)
    if "id" not in message:
        return web.Response(status=202)
    if message["params"]["name"] == "none" and "obliging" not in BUGS:
        error = said(id=message["id"], error={"code": -32602})
        return web.Response(body=f"event: message\ndata: {error}\n\n".encode(), headers=HEADERS)
    key = uuid.uuid4().hex
    CALLS[key] = []
    request.app["work"].append(asyncio.ensure_future(work(CALLS[key], message["id"])))
    return await tell(request, key, 0)


async def get(request: web.Request) -> web.StreamResponse:
    """Whoever comes back."""
    key, _, number = request.headers.get("Last-Event-ID", "").rpartition("-")
    if key not in CALLS or request.headers.get("Mcp-Session-Id") not in SESSIONS:
        return web.json_response({"jsonrpc": "2.0", "id": None, "error": {"code": -32600}}, status=400)
    at = int(number)
    if at > STEPS:
        return web.Response(status=204)
    return await tell(request, key, at + 1 if "forgetful" in BUGS and at < STEPS else at)


app = web.Application()
app["work"] = []
app.add_routes([web.post("/mcp", post), web.get("/mcp", get)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, shutdown_timeout=0)
