"""cosma over HTTP: one endless SSE stream that everybody reads, and the requests that make something happen on it.

It must not know faults, files or how work is simulated. What the wire promises stands here: every event is an `update`
on one data line, a reader gets what comes after it, and a comment when there was nothing to write for 15 s.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet_server.accounts import Account
from streamvet_server.log import Mark
from streamvet_server.runs import Lifecycle, no_runs
from streamvet_server.seams import Answer, Refusal, Scene, Update, Why
from streamvet_server.site import Ask, Handler, Route, Site, System, not_found, ok
from streamvet_server.stream import Ended, Stream
from streamvet_server.systems.cosma.queue import Pauser
from streamvet_server.systems.cosma.settings import with_schedule, with_settings
from streamvet_server.systems.cosma.work import PROFILE, SHUTTING_DOWN, Cosma
from streamvet_server.wire import json_text, sse_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiohttp import web

    from streamvet_server.systems.cosma.hub import Listener

KEEPALIVE_S = 15.0
KEEPALIVE = "keepalive"
EVENT = "update"
STREAM_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}
# The media ranges that a stream is in. Parameters and weights are not looked at: `;q=0` excludes nothing.
_ACCEPTED = frozenset({"text/event-stream", "text/*", "*/*"})
_UNREADABLE = Refusal(400, "not_acceptable", "the Accept header must include text/event-stream")


def _caller(_site: Site, _scene: Scene, _request: web.Request) -> Account:
    """Nobody: there are no accounts."""
    return Account("", "")


def _envelope(refusal: Refusal) -> Any:
    return {"success": False, "message": refusal.text, **refusal.details}


def _done(text: str, status: int = 200, **more: Any) -> Answer:
    return ok({"success": True, "message": text, **more}, status)


# ------------------------------------------------------------------------------------------------------ the stream


def _accepts(fields: Iterable[str]) -> bool:
    ranges = (part.partition(";")[0].strip().lower() for field in fields for part in field.split(","))
    return not _ACCEPTED.isdisjoint(ranges)


def _encode(name: str, document: Any) -> bytes:
    return b": keepalive\n\n" if name == KEEPALIVE else sse_block(EVENT, json_text(document))


async def _updates(ask: Ask) -> web.StreamResponse:
    ask.check("accept", None if _accepts(ask.request.headers.getall("Accept", [])) else _UNREADABLE)
    if ask.request.path.endswith("/"):
        ask.check("slash", None)
    memory: Cosma = ask.site.memory
    stream = Stream(ask.site, ask.scene, ask.request, _encode)
    listener = memory.hub.listen(lambda: _cut(ask.request))
    try:
        await stream.open(STREAM_HEADERS)
        await stream.close(await _follow(ask, stream, listener))
    except (ConnectionError, Ended):
        pass  # the reader has left or was cut off, or a seam has ended it
    finally:
        memory.hub.leave(listener)
        ask.site.seams.left(ask.scene)  # there is no run that could end with it
    return stream.response


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _follow(ask: Ask, stream: Stream, listener: Listener) -> Why:
    """Everything that a reader sees."""
    loop = asyncio.get_running_loop()
    while True:
        quiet_s = ask.site.seams.clock(ask.scene, KEEPALIVE, KEEPALIVE_S * ask.site.scale)
        match await listener.next(loop.time() + quiet_s):
            case Update(opcode, data):
                last = opcode == SHUTTING_DOWN.opcode
                await stream.show(opcode, {"opcode": opcode, "data": data}, last=last)
                if last:
                    return Why.LAST
            case Mark.TICK:
                await stream.show(KEEPALIVE, None)
            case _:
                return Why.STOP


# ------------------------------------------------------------------------------------------------------- the queue


def _paused(*, on: bool) -> Handler:
    async def handle(ask: Ask) -> Answer:
        memory: Cosma = ask.site.memory
        memory.pause(ask.scene, Pauser.MANUAL, on=on)
        return _done("Queue paused" if on else "Queue resumed")

    return handle


async def _status(ask: Ask) -> Answer:
    return ok(ask.site.memory.queue.status())


async def _items(ask: Ask) -> Answer:
    return ok({"items": ask.site.memory.queue.documents()})


async def _remove(ask: Ask) -> Answer:
    memory: Cosma = ask.site.memory
    removed = memory.remove(ask.scene, ask.request.match_info["item"])
    ask.check("exists", None if removed else Refusal(404, "not_found", "Item not found"))
    return _done("Item removed")


# ----------------------------------------------------------------------------------------------------- directories


def _resolved(given: str, exists: Callable[[Path], bool]) -> str | None:
    """The resolved path; None where there is nothing of the right kind."""
    try:
        path = Path(given).resolve()
        return str(path) if exists(path) else None
    except (OSError, ValueError, RuntimeError):  # also what is no path at all: it holds a NUL, or has no octets
        return None


async def _path(ask: Ask, member: str, exists: Callable[[Path], bool]) -> str:
    """The resolved path that a member of the body names."""
    body = await ask.document()
    given = body.get(member) if isinstance(body, dict) else None
    fine = isinstance(given, str) and bool(given)
    ask.check("body", None if fine else Refusal(400, "invalid_request", f"{member} must be a string"))
    path = await asyncio.to_thread(_resolved, str(given), exists)
    ask.check("exists", None if path else Refusal(400, "not_found", f"no such {member.partition('_')[0]}"))
    return path or str(given)


async def _watch(ask: Ask) -> Answer:
    memory: Cosma = ask.site.memory
    path = await _path(ask, "directory_path", Path.is_dir)
    taken = Refusal(400, "conflict", "the directory, or one above or below it, is being watched already")
    ask.check("taken", taken if memory.overlapping(path) else None)
    try:
        await memory.watch(ask.scene, path)
    except OSError as reason:
        ask.check("exists", Refusal(400, "not_found", f"it cannot be watched: {reason.strerror}"))
    return _done("Started watching the directory", 201, files_indexed=0)


async def _jobs(ask: Ask) -> Answer:
    memory: Cosma = ask.site.memory
    return ok({"jobs": [job.document() for job in memory.jobs.values()]})


async def _unwatch(ask: Ask) -> Answer:
    memory: Cosma = ask.site.memory
    named = ask.request.match_info["job"]
    job = next((job for job in memory.jobs.values() if str(job.id) == named), None)
    ask.check("exists", None if job else Refusal(404, "not_found", "no directory is watched under this id"))
    if job is not None:
        await memory.unwatch(ask.scene, job)
    return _done("Stopped watching the directory", job_id=job.id if job else 0)


async def _index_directory(ask: Ask) -> Answer:
    memory: Cosma = ask.site.memory
    memory.index_directory(ask.scene, await _path(ask, "directory_path", Path.is_dir))
    return _done("Started indexing the directory", 201, files_indexed=0)


async def _index_file(ask: Ask) -> Answer:
    memory: Cosma = ask.site.memory
    memory.index_file(await _path(ask, "file_path", Path.is_file))
    return _done("Started indexing the file", 201, file_id=None)


# -------------------------------------------------------------------------------------------------------- settings


async def _server(ask: Ask) -> Answer:
    return ok({"jobs": len(ask.site.memory.jobs)})


async def _settings(ask: Ask) -> Answer:
    memory: Cosma = ask.site.memory
    if ask.request.method == "PUT":
        try:
            memory.queue.settings = with_settings(memory.queue.settings, await ask.document())
        except ValueError as reason:
            ask.check("body", Refusal(400, "invalid_request", str(reason)))
    return ok({"queue": memory.queue.settings.document(), "scheduler": memory.schedule.document()})


async def _scheduler(ask: Ask) -> Answer:
    memory: Cosma = ask.site.memory
    if ask.request.method == "PUT":
        try:
            memory.set_schedule(ask.scene, with_schedule(memory.schedule, await ask.document()))
        except ValueError as reason:
            ask.check("body", Refusal(400, "invalid_request", str(reason)))
    return ok({**memory.schedule.document(), "conditions_met": memory.schedule.met})


_ENDPOINTS: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "/api/updates", "attach", _updates),
    ("POST", "/api/queue/pause", "pause", _paused(on=True)),
    ("POST", "/api/queue/resume", "resume-queue", _paused(on=False)),
    ("GET", "/api/queue/status", "queue", _status),
    ("GET", "/api/queue/items", "items", _items),
    ("DELETE", "/api/queue/items/{item}", "remove-item", _remove),
    ("GET", "/api/queue/scheduler", "scheduler", _scheduler),
    ("PUT", "/api/queue/scheduler", "scheduler", _scheduler),
    ("POST", "/api/watch", "watch", _watch),
    ("GET", "/api/watch/jobs", "watches", _jobs),
    ("DELETE", "/api/watch/jobs/{job}", "unwatch", _unwatch),
    ("POST", "/api/index/directory", "index", _index_directory),
    ("POST", "/api/index/file", "index", _index_file),
    ("GET", "/api/settings", "settings", _settings),
    ("PUT", "/api/settings", "settings", _settings),
    ("GET", "/api/status", "status", _server),
)

SYSTEM = System(
    lifecycle=Lifecycle(PROFILE, no_runs),
    # The document has no slash at the end where the published clients have one: both are served, without a redirect.
    routes=(
        *(
            Route(method, path + slash, name, handler)
            for method, path, name, handler in _ENDPOINTS
            for slash in ("", "/")
        ),
        Route("*", "/{rest:.*}", "elsewhere", not_found, public=True),
    ),
    caller=_caller,
    envelope=_envelope,
    failures=frozenset(),
    step=None,
    memory=Cosma,
)
