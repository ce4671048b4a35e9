"""The chat of `profile.yaml`: `server.py PORT [BUG]`.

The bug `silent` leaves out two heartbeats of three, `any` takes every key, `basic` takes HTTP's Basic in place of it.
"""

import asyncio
import base64
import json
import sys

from aiohttp import web

KEY = "chat_key_0123456789"
INTERVAL_S = 1.0
LONG_BEATS = 6  # of an answer that takes long
BUG = sys.argv[2] if len(sys.argv) > 2 else ""
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def refusal(status: int, why: str) -> web.Response:
    """A refusal, in the API's own shape."""
    return web.json_response({"error": why}, status=status)


def is_known(request: web.Request) -> bool:
    """Whether somebody may ask."""
    if BUG == "basic":
        return request.headers.get("Authorization") == "Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()
    return request.headers.get("X-Api-Key") == KEY or (BUG == "any" and "X-Api-Key" in request.headers)


async def answer(request: web.Request) -> web.StreamResponse:
    """The answer to a prompt; one with "long" in it is thought about first."""
    if not is_known(request):
        return refusal(401, "who is that?")
    try:
        prompt = (await request.json())["prompt"]
    except (ValueError, KeyError, TypeError):
        return refusal(400, "no prompt")
    response = web.StreamResponse(headers=HEADERS)
    response.enable_chunked_encoding()
    await response.prepare(request)

    async def say(**event: object) -> None:
        await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

    await say(type="start")
    for beat in range(LONG_BEATS if "long" in str(prompt) else 0):
        await asyncio.sleep(INTERVAL_S)
        if BUG != "silent" or beat % 3 == 2:
            await response.write(b": thinking\n\n")
    await say(type="delta", text="Hi")
    await say(type="done")
    await response.write_eof()
    return response


async def up(_request: web.Request) -> web.Response:
    """Whether it is there."""
    return web.Response(text="up")


app = web.Application()
app.add_routes([web.post("/v1/messages", answer), web.get("/", up)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
