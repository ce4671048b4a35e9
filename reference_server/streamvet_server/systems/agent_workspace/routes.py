"""agent-workspace over HTTP: login, and one endless SSE stream for each reader of the pipelines.

It must not know faults, or what of its state a reader is shown. Orders and intervals of the wire stand here: the
snapshot, the newest log lines, then a poll every 3 s of the connection - what has changed, what was logged, and with
every fifth one a heartbeat - for at most 300 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import jwt

from streamvet_server.log import now_ms
from streamvet_server.runs import Lifecycle, no_runs
from streamvet_server.seams import Answer, Refusal, Scene, Why
from streamvet_server.site import Ask, Route, Site, System, not_found, ok
from streamvet_server.stream import Ended, Stream
from streamvet_server.systems.agent_workspace.accounts import ACCOUNTS, login
from streamvet_server.systems.agent_workspace.demo import demonstrate
from streamvet_server.systems.agent_workspace.state import State
from streamvet_server.systems.agent_workspace.tokens import SESSION_LIFE_S, issue_session, of_session
from streamvet_server.systems.agent_workspace.view import View
from streamvet_server.wire import json_text, sse_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from streamvet_server.accounts import Account
    from streamvet_server.store import Store

POLL_S = 3.0
POLLS_PER_HEARTBEAT = 5
LIFE_S = 300.0
RETRY_MS = 3000  # for the client, so not scaled
# What is due within this time is done together: a heartbeat belongs to its poll, whatever the rounding of floats.
TOGETHER_S = 0.001
COOKIE = "session"
STREAM_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "Connection": "keep-alive",
    "X-Accel-Buffering": "no",
}
UNAUTHORIZED = Refusal(401, "unauthorized", "Unauthorized")
UNLOADED = Refusal(500, "internal_error", "Failed to load initial state")
UNPOLLED = Refusal(500, "internal_error", "a poll failed")


def _caller(site: Site, scene: Scene, request: web.Request) -> Account:
    """The account of the session cookie."""
    value = request.cookies.get(COOKIE, "")
    account, refusal = ACCOUNTS[0][0], None
    try:
        account = of_session(value)
    except jwt.ExpiredSignatureError:
        site.check(scene, "expired", UNAUTHORIZED)
        account = of_session(value, even_if_expired=True)
    except jwt.InvalidTokenError:
        refusal = UNAUTHORIZED
    site.check(scene, "credentials", refusal)
    return account


def _envelope(refusal: Refusal) -> Any:
    return {"error": refusal.text}


async def _login(ask: Ask) -> Answer:
    body = await ask.document()
    email, password = (body.get(key) if isinstance(body, dict) else None for key in ("email", "password"))
    fine = isinstance(email, str) and isinstance(password, str)
    ask.check("body", None if fine else Refusal(400, "invalid_request", "email and password must be strings"))
    account = login(str(email), str(password))
    ask.check("credentials", None if account else Refusal(401, "unauthorized", "Invalid credentials"))
    account = account or ACCOUNTS[0][0]
    cookie = f"{COOKIE}={issue_session(account)}; HttpOnly; Path=/; SameSite=Lax; Max-Age={SESSION_LIFE_S}"
    answer = ok({"user": {"id": account.id, "email": account.name}})
    return Answer(answer.status, {**answer.headers, "Set-Cookie": cookie}, answer.document)


async def _attach(ask: Ask) -> web.StreamResponse:
    retries = itertools.chain((RETRY_MS,), itertools.repeat(None))  # in the first block, whatever it is

    def encode(name: str, document: Any) -> bytes:
        return sse_block(name, json_text(document), retry_ms=next(retries))

    state: State = ask.site.memory
    stream, over = Stream(ask.site, ask.scene, ask.request, encode), state.over

    def sift(by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        return ask.site.seams.sift(ask.scene, by, rows, chosen)

    try:
        await stream.open(STREAM_HEADERS)
        await stream.close(await _Watch(ask, stream, View(state, ask.caller.name, sift), over).run())
    except (ConnectionError, Ended):
        pass  # the reader has left, or a seam has ended it
    finally:
        ask.site.seams.left(ask.scene)  # there is no run that could end with it
    return stream.response


class _Watch:
    """One connection after its head: the initial state, then polls and heartbeats on a fixed grid."""

    def __init__(self, ask: Ask, stream: Stream, view: View, over: asyncio.Event) -> None:
        self._ask = ask
        self._stream = stream
        self._view = view
        self._over = over
        self._ping_at = 0.0

    async def run(self) -> Why:
        """Show everything until the stream is to end."""
        refusal = self._failure("load", UNLOADED)
        if refusal is not None:
            await self._stream.show("error", {"message": refusal.text}, last=True)
            return Why.LAST
        pipelines, lines = self._view.load()
        await self._stream.show("fleet_snapshot", pipelines, replayed=True)
        if lines:
            await self._stream.show("fleet_logs", lines, replayed=True)
        return await self._watch()

    async def _watch(self) -> Why:
        loop = asyncio.get_running_loop()
        begin, poll_s = loop.time(), self._clock("poll", POLL_S)
        first_s, ping_s = (self._clock(name, POLL_S * POLLS_PER_HEARTBEAT) for name in ("first-ping", "ping"))
        poll_at, self._ping_at, end_at = begin + poll_s, begin + first_s, begin + self._clock("cap", LIFE_S)
        while not await self._is_over_by(min(poll_at, self._ping_at, end_at)):
            now = loop.time() + TOGETHER_S
            # On the grids of the fixed intervals; a reader that was slow gets no burst of late ones.
            if now >= poll_at:
                await self._poll()
                poll_at += poll_s * (1 + (now - poll_at) // poll_s)
            if now >= self._ping_at:
                await self._stream.show("heartbeat", {"ts": now_ms()})
                self._ping_at += ping_s * (1 + (now - self._ping_at) // ping_s)
            if now >= end_at:
                return Why.CAP
        return Why.STOP

    async def _is_over_by(self, until: float) -> bool:
        """Wait for the end of every stream. Returns False when it has not come by a time of the loop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                return await self._over.wait()
        return False

    async def _poll(self) -> None:
        """Show what has changed and what is new. A poll that fails is left out; the next one finds it all."""
        if self._failure("poll", UNPOLLED) is not None:
            return
        pipelines, lines = self._view.poll()
        for name, found in (("fleet_update", pipelines), ("fleet_logs", lines)):
            if found:
                await self._stream.show(name, found)
                quiet_s = self._ask.site.seams.clock(self._ask.scene, "quiet", 0.0)  # a heartbeat waits for no silence
                if quiet_s > 0:
                    self._ping_at = max(self._ping_at, asyncio.get_running_loop().time() + quiet_s)

    def _clock(self, name: str, seconds: float) -> float:
        return self._ask.site.seams.clock(self._ask.scene, name, seconds * self._ask.site.scale)

    def _failure(self, what: str, refusal: Refusal) -> Refusal | None:
        desk = self._ask.site.desk
        failed = desk is not None and desk.take_failure(what)
        return self._ask.site.seams.access(self._ask.scene, what, refusal if failed else None)


def _memory(_store: Store) -> State:
    return State(demonstrate)


SYSTEM = System(
    lifecycle=Lifecycle("agent-workspace", no_runs),
    routes=(
        Route("POST", "/api/auth/login", "login", _login, public=True),
        Route("GET", "/api/agent-workspace/stream", "attach", _attach),
        Route("*", "/{rest:.*}", "elsewhere", not_found, public=True),
    ),
    caller=_caller,
    envelope=_envelope,
    failures=frozenset({"load", "poll"}),
    step=None,
    memory=_memory,
)
