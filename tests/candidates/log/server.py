"""The log of `tests/profiles/log`: `server.py PORT BUG,… FILE`; what is written stands in the file.

The bugs: `inclusive` sends the event of the cursor again; `lossy` loses what is written while a reader is away;
`rewritten` replays other events than it sent live; `nameless` gives some events no id; `lenient` takes what is no
cursor for none; `silent` starts anywhere for a cursor that it never gave, and does not say so; `eager` begins at the
start for who has no cursor; `late` begins with what is new for an empty one; `forgetful` begins with nothing when it is
started again.
"""

import asyncio
import json
import sys
from pathlib import Path

from aiohttp import web

BUGS, FILE = set(sys.argv[2].split(",")), Path(sys.argv[3])
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LOG: list[str] = ["kept from before"]
if FILE.exists() and "forgetful" not in BUGS:
    LOG += FILE.read_text(encoding="utf-8").splitlines()
GREW = asyncio.Condition()


def block(number: int, text: str) -> bytes:
    """An event, whose id is its number from 1."""
    name = "" if "nameless" in BUGS and number % 2 else f"id: {number}\n"
    return f"{name}data: {json.dumps({'type': 'line', 'text': text})}\n\n".encode()


async def write(request: web.Request) -> web.Response:
    """Add to the log."""
    async with GREW:
        LOG.append(str((await request.json())["text"]))
        FILE.write_text("".join(f"{line}\n" for line in LOG[1:]), encoding="utf-8")  # noqa: ASYNC240 - some bytes
        GREW.notify_all()
    return web.json_response({}, status=201)


def place(after: str | None) -> int | None:
    """Behind how many events a stream begins; None where the cursor is none."""
    if after is None:
        return 0 if "eager" in BUGS else len(LOG)
    if after == "":
        return len(LOG) if "late" in BUGS else 0
    if not (after.isascii() and after.isdigit()):
        return 0 if "lenient" in BUGS else None
    return int(after)


async def read(request: web.Request) -> web.StreamResponse:
    """Everything behind a cursor, and what comes."""
    at = place(request.query.get("after"))
    if at is None:
        return web.json_response({"error": "no cursor"}, status=400)
    fields = dict(HEADERS)
    if at > len(LOG):
        at = 0
        if "silent" not in BUGS:
            fields["Last-Event-ID"] = "earliest"
    elif "lossy" in BUGS and request.query.get("after"):
        at = max(at, len(LOG) - 1)
    elif "inclusive" in BUGS and at and request.query.get("after"):
        at -= 1
    replayed = len(LOG)
    response = web.StreamResponse(headers=fields)
    response.enable_chunked_encoding()
    await response.prepare(request)
    while True:
        async with GREW:
            while len(LOG) <= at:
                await GREW.wait()
            new = LOG[at:]
        for text in new:
            at += 1
            changed = "rewritten" in BUGS and request.query.get("after") and at <= replayed
            await response.write(block(at, text.upper() if changed else text))


app = web.Application()
app.add_routes([web.post("/log", write), web.get("/log", read)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, shutdown_timeout=0)
