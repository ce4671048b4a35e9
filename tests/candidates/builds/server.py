"""A server with the API of the profile beside it, and the control interface. It knows nothing of streamvet.

`python server.py PORT SCALE [named]`. With `named`, only the event field of a block tells its type.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDINGS = {"succeeds": "passed", "fails": "failed"}
PING_S = 15.0
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(eq=False)
class Build:
    """One build: its log, and who wants to know of news."""

    log: list[bytes] = field(default_factory=list)
    over: bool = False
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    work: asyncio.Task[None] | None = None

    async def emit(self, name: str, value: Any, *, last: bool = False) -> None:
        """Append an event, unless the build is over."""
        if self.over:
            return
        text = json.dumps(value, ensure_ascii=False)
        self.log.append(f"id: {len(self.log) + 1}\nevent: {name}\ndata: {text}\n\n".encode())
        self.over = last
        async with self.news:
            self.news.notify_all()


class Builds:
    """All builds of a process, and the scripts that it was given."""

    def __init__(self, scale: float, *, named: bool) -> None:
        self.scale = scale
        self.named = named
        self.builds: dict[str, Build] = {}
        self.scripts: dict[str, tuple[Sequence[Any], str]] = {}

    async def start(self, request: web.Request) -> web.Response:
        """`POST /builds`."""
        try:
            body = await request.json()
        except ValueError:
            body = None
        name = request.headers.get("Streamvet-Script")
        if not isinstance(body, dict) or "repository" not in body or (name and name not in self.scripts):
            return web.json_response({"error": "a repository is missing"}, status=400)
        steps, outcome = self.scripts[name] if name else ((), "succeeds")
        build, build_id = Build(), uuid4().hex
        self.builds[build_id] = build
        build.work = asyncio.create_task(self._perform(build, steps, outcome))
        return web.json_response({"buildId": build_id}, status=201)

    async def _perform(self, build: Build, steps: Sequence[Any], outcome: str) -> None:
        for step in steps:
            if "wait_ms" in step:
                await asyncio.sleep(step["wait_ms"] / 1000 * self.scale)
            else:
                emit = step["emit"]
                await (build.emit(emit["event"], emit["data"]) if self.named else build.emit(emit["type"], emit))
        if outcome != "hangs":
            await self._end(build, ENDINGS[outcome])

    async def _end(self, build: Build, name: str) -> None:
        await build.emit(name, {} if self.named else {"type": name}, last=True)

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """`GET /builds/{id}/log`."""
        build = self.builds.get(request.match_info["id"])
        if build is None:
            return web.json_response({"error": "no such build"}, status=404)
        cursor = request.headers.get("Last-Event-ID") or "0"
        if not (cursor.isascii() and cursor.isdigit() and int(cursor) <= len(build.log)):
            return web.json_response({"error": "no such event"}, status=400)
        answer = web.StreamResponse(headers=HEADERS)
        await answer.prepare(request)
        sent = int(cursor)
        while sent < len(build.log) or not build.over:
            if sent == len(build.log):
                await self._wait(build, sent, answer)
                continue
            news, sent = build.log[sent:], len(build.log)
            await answer.write(b"".join(news))
        return answer

    async def _wait(self, build: Build, sent: int, answer: web.StreamResponse) -> None:
        """Until there is news, or a ping is due."""
        try:
            async with asyncio.timeout(PING_S * self.scale), build.news:
                await build.news.wait_for(lambda: len(build.log) > sent)
        except TimeoutError:
            await answer.write(b": ping\n")

    async def cancel(self, request: web.Request) -> web.Response:
        """`DELETE /builds/{id}`."""
        build = self.builds.get(request.match_info["id"])
        if build is None:
            return web.json_response({"error": "no such build"}, status=404)
        if build.work and not build.over:
            build.work.cancel()
            await self._end(build, "stopped")
        return web.Response(status=204)

    async def control(self, request: web.Request) -> web.Response:
        """`POST /control`."""
        match await request.json():
            case {"do": "describe"}:
                can = ["script", "reset"]
                return web.json_response({"control": 1, "profile": "builds", "time_scale": self.scale, "can": can})
            case {"do": "script", "steps": list(steps), "outcome": str(outcome)}:
                name = uuid4().hex
                self.scripts[name] = (steps, outcome)
                return web.json_response({"script": name}, status=201)
            case {"do": "reset"}:
                self.scripts.clear()
                return web.json_response({})
        return web.json_response({"error": "expected a request of the control interface"}, status=400)


def main() -> None:
    """Serve on the loopback address."""
    builds = Builds(float(sys.argv[2]), named="named" in sys.argv)
    app = web.Application(client_max_size=1 << 26)  # a script may hold several strings of 64 KiB
    app.add_routes([
        web.post("/builds", builds.start),
        web.get("/builds/{id}/log", builds.follow, allow_head=False),
        web.delete("/builds/{id}", builds.cancel),
        web.post("/control", builds.control),
    ])  # fmt: skip
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, handler_cancellation=True)


if __name__ == "__main__":
    main()
