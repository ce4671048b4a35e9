"""The jobs of `tests/profiles/jobs`: `server.py PORT [BUG,…]`.

The bugs: `endless` never ends a job; `plain` has another media type; `mute` has no heartbeat.
"""

import asyncio
import json
import sys
import uuid

from aiohttp import web

BUGS = set(sys.argv[2].split(",")) if len(sys.argv) > 2 else set()
MEDIA = "text/plain" if "plain" in BUGS else "application/jsonl"
HEADERS = {"Content-Type": MEDIA, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
BEATS = (b"\n", b'{"beat": true}\n')
BEAT_S, LONG_BEATS = 0.5, 5
JOBS: dict[str, str] = {}


async def start(request: web.Request) -> web.Response:
    """A job, by the fields of a form."""
    name = str((await request.post()).get("name", ""))
    if not name.startswith("job "):
        return web.json_response({"error": "no job"}, status=503 if name == "bad" else 400)
    key = uuid.uuid4().hex
    JOBS[key] = name
    return web.Response(status=201, headers={"Location": f"http://{request.host}/jobs/{key}/events"})


async def read(request: web.Request) -> web.StreamResponse:
    """The stream of a job, which is read once."""
    name = JOBS.pop(request.match_info["job"], None)
    if name is None:
        return web.json_response({"error": "gone"}, status=404)
    response = web.StreamResponse(headers=HEADERS)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b'{"step": 1}\n')
    for beat in range(LONG_BEATS if "long" in name else 0):
        await asyncio.sleep(BEAT_S)
        if "mute" not in BUGS:
            await response.write(BEATS[beat % 2])
    while "endless" in BUGS:
        await asyncio.sleep(BEAT_S)
        await response.write(BEATS[0])
    await response.write(json.dumps({"end": name}).encode() + b"\n")
    await response.write_eof()
    return response


app = web.Application()
app.add_routes([web.post("/jobs", start), web.get("/jobs/{job}/events", read)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, shutdown_timeout=0)
