"""ghostly over HTTP: login, runs, and the SSE stream of one run.

It must not know faults, SQLite or how work is simulated. Orders and intervals of the wire stand here: first the status,
then every event of the log, then what comes; a ping every 15 s of a run that is active; the final status, `end`, close.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from typing import TYPE_CHECKING, Any

import jwt

from streamvet_server.log import Mark, Reading, Row, now_ms
from streamvet_server.runs import Lifecycle
from streamvet_server.seams import Answer, Cause, Entry, Refusal, Scene, Why
from streamvet_server.site import Ask, Refused, Route, Site, System, not_found, ok, wait
from streamvet_server.start import plan_of
from streamvet_server.store import Unkept
from streamvet_server.stream import Ended, Stream
from streamvet_server.systems.ghostly.tokens import issue_token, of_token
from streamvet_server.systems.ghostly.users import Users
from streamvet_server.systems.ghostly.work import REDACTED, SETTLED, emitted, ending, problems, record, simulate
from streamvet_server.wire import iso, json_text, sse_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aiohttp import web

    from streamvet_server.accounts import Account
    from streamvet_server.store import Store

PING_S = 15.0
STREAM_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "Connection": "keep-alive",
    "X-Accel-Buffering": "no",
}
UNAUTHORIZED = Refusal(401, "unauthorized", "unauthorized", {"WWW-Authenticate": "Bearer"})
UNSTORED = Refusal(500, "internal_error", "could not create the run", details={"message": "the store failed"})


def _caller(site: Site, scene: Scene, request: web.Request) -> Account:
    """The account of the Bearer token, which wins, or of the query's token."""
    users: Users = site.memory
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else request.query.get("token", "")
    account, refusal = users.first(), None
    try:
        account = of_token(users, token)
    except jwt.ExpiredSignatureError:
        site.check(scene, "expired", UNAUTHORIZED)
        account = of_token(users, token, even_if_expired=True)
    except jwt.InvalidTokenError:
        refusal = UNAUTHORIZED
    site.check(scene, "credentials", refusal)
    return account


def _envelope(refusal: Refusal) -> Any:
    return {"ok": False, "error": refusal.text, **refusal.details}


def _user(account: Account) -> dict[str, str]:
    return {"id": account.id, "email": account.name, "role": account.role}


async def _health(_ask: Ask) -> Answer:
    return ok({"status": "ok"})


async def _login(ask: Ask) -> Answer:
    body, users = await ask.document(), ask.site.memory
    email, password = _strings(ask, body)
    account = users.login(email, password)
    ask.check("credentials", None if account else Refusal(401, "unauthorized", "invalid credentials"))
    account = account or users.first()
    return ok({"ok": True, "token": issue_token(account), "user": _user(account)})


def _strings(ask: Ask, body: Any) -> tuple[str, str]:
    email, password = (body.get(key) if isinstance(body, dict) else None for key in ("email", "password"))
    fine = isinstance(email, str) and isinstance(password, str)
    ask.check("body", None if fine else Refusal(400, "invalid_request", "email and password must be strings"))
    return str(email), str(password)


async def _register(ask: Ask) -> Answer:
    ask.check("role", None if ask.caller.role == "admin" else Refusal(403, "forbidden", "only an admin may do that"))
    body, users = await ask.document(), ask.site.memory
    email, password = _strings(ask, body)
    role = body.get("role", "user") if isinstance(body, dict) else "user"
    fine = "@" in email and bool(password) and role in ("user", "admin")
    ask.check("body", None if fine else Refusal(400, "invalid_request", "an e-mail address, a password, a role"))
    ask.check("taken", Refusal(409, "conflict", "the e-mail address is taken") if users.find(email) else None)
    return ok({"ok": True, "user": _user(await users.register(email, password, role))}, 201)


async def _me(ask: Ask) -> Answer:
    return ok({"ok": True, "user": _user(ask.caller)})


async def _run(ask: Ask) -> Answer:
    body = await ask.document()
    wrong = problems(body)
    refusal = Refusal(400, "invalid_request", "invalid run", details={"details": wrong}) if wrong else None
    ask.check("body", refusal)
    project = body.get("project")
    known = isinstance(project, str) and project in ask.caller.projects
    ask.check("project", None if known else Refusal(400, "invalid_request", "project required, one of yours"))
    plan = plan_of(ask, lambda: simulate(body, lambda secret: ask.site.seams.veil(ask.scene, secret, REDACTED)))
    failed = ask.site.desk is not None and ask.site.desk.take_failure("store")
    ask.check("store", UNSTORED if failed else None)
    facts = {key: body[key] for key in ("baseUrl", "project", "contextId", "assisted") if key in body}
    run = f"run_{secrets.token_hex(12)}"
    kind = "assist" if "assist" in body else "manual"
    await wait(ask.site, ask.scene, "start")
    try:
        row = await ask.site.runs.start(ask.on_run(run).scene, kind, ask.caller.name, facts, plan)
    except Unkept as reason:
        raise Refused(UNSTORED) from reason
    return ok({"ok": True, "id": row.id, "status": "running"}, 202)


async def _list(ask: Ask) -> Answer:
    project, sift = ask.request.query.get("project"), ask.site.seams.sift
    rows = ask.site.log.rows()
    mine = sift(ask.scene, "owner", rows, [row for row in rows if row.owner == ask.caller.name])
    wanted = [row for row in mine if project is None or row.facts.get("project") == project]
    return ok([record(row, ()) for row in sift(ask.scene, "project", mine, wanted)])


def _found(ask: Ask) -> Row:
    """The run of the path, where it is the caller's. Another's looks like none."""
    row, absent = ask.site.log.row(ask.run), Refusal(404, "not_found", "run not found")
    ask.check("exists", None if row else absent)
    row = row or Row(ask.run, "manual", ask.caller.name, 0, now_ms())
    ask.check("owner", None if row.owner == ask.caller.name else absent)
    return row


def _shown(ask: Ask, entry: Entry) -> dict[str, Any]:
    """An event of the log as an assist event, without its kind."""
    scoped = {key: value for key, value in entry.document.items() if key == "stepIndex"}
    return {
        "type": entry.document["type"],
        "seq": ask.site.seams.number(ask.scene, entry.number),
        "at": iso(entry.at_ms),
        **scoped,
        "payload": entry.document["payload"],
    }


async def _record(ask: Ask) -> Answer:
    row = _found(ask)
    history = await ask.site.log.history(row.id)
    if any(SETTLED in entry.document for entry in history):
        row = ask.site.log.row(row.id) or row  # it ended meanwhile: status and events must tell the same
    return ok(record(row, [_shown(ask, entry) for entry in history if SETTLED not in entry.document]))


async def _cancel(ask: Ask) -> Answer:
    row, runs = _found(ask), ask.site.runs
    over = Refusal(409, "conflict", "the run has finished")
    ask.check("finished", over if runs.ended(row.id) else None)
    live = runs.executing(row.id)
    reaches = ask.site.seams.reach(ask.scene)
    ended = not reaches or await runs.end(row.id, Cause.CANCELLED if live else Cause.STALE)
    ask.check("finished", None if ended else over)
    if live:
        return ok({"ok": True, "id": row.id, "status": "cancelling"})
    return ok({"ok": True, "id": row.id, "status": "cancelled", "stale": True})


async def _stream(ask: Ask) -> web.StreamResponse:
    row = _found(ask)
    ids = itertools.count(1)  # a counter of this connection, as the original has it; not the seq

    def encode(name: str, document: Any) -> bytes:
        if name == "ping":
            return sse_block("ping", document)
        return sse_block(name.partition(".")[0], json_text(document), str(next(ids)))

    stream = Stream(ask.site, ask.scene, ask.request, encode)
    reading = ask.site.log.read(ask.scene, row.id)
    with (
        ask.site.runs.attended(ask.scene, row.id),
        contextlib.closing(reading),
        contextlib.suppress(ConnectionError, Ended),  # the reader has left, or a seam has ended it
    ):
        await stream.open(STREAM_HEADERS)
        await stream.close(await _follow(ask, stream, reading, ask.site.log.row(row.id) or row, ids))
    return stream.response


async def _follow(ask: Ask, stream: Stream, reading: Reading, row: Row, ids: Iterator[int]) -> Why:
    """Everything that a reader sees. `row` is the run as it stands at the connection."""
    loop = asyncio.get_running_loop()
    first_s, period_s = (ask.site.seams.clock(ask.scene, it, PING_S * ask.site.scale) for it in ("first-ping", "ping"))
    ping_at: float | None = None
    await stream.show(f"status.{row.status}", _status(row.status, row.ended_ms or row.started_ms))
    while True:
        item = await reading.next(ping_at)
        if ping_at is not None and loop.time() >= ping_at:
            await stream.show("ping", str(now_ms()))
            # On the grid of the fixed interval; a reader that was slow gets no burst of late ones.
            ping_at += period_s * (1 + (loop.time() - ping_at) // period_s)
        if isinstance(item, Entry):
            replayed = not reading.caught_up
            if SETTLED in item.document:
                await _finish(stream, row, item, replayed=replayed)
                return Why.LAST
            if stream.plain:
                await stream.show_shared(_shared(ask, item, next(ids)))
                continue
            event = {"kind": "assist", **_shown(ask, item)}
            await stream.show(f"assist.{event['type']}", event, number=item.number, replayed=replayed)
            quiet_s = ask.site.seams.clock(ask.scene, "quiet", 0.0)  # our pings wait for no silence
            if ping_at is not None and quiet_s > 0:
                ping_at = max(ping_at, loop.time() + quiet_s)
        elif item is Mark.CAUGHT_UP and row.status == "running":
            ping_at = loop.time() + first_s
        elif item is Mark.STOPPED:
            return Why.STOP


def _shared(ask: Ask, entry: Entry, id_: int) -> bytes:
    """The block of an event, which is the same for all readers that have had as many before."""
    octets = entry.shared.get(id_)
    if octets is None:
        if not entry.shared:
            entry.shared[0] = json_text({"kind": "assist", **_shown(ask, entry)}).encode()
        octets = entry.shared[id_] = b"event: assist\ndata: %b\nid: %d\n\n" % (entry.shared[0], id_)
    return octets


async def _finish(stream: Stream, row: Row, settled: Entry, *, replayed: bool) -> None:
    """The final status, for a reader who was told that the run is active; then `end`."""
    if row.status == "running":
        final = settled.document[SETTLED]
        await stream.show(f"status.{final}", _status(final, settled.at_ms), replayed=replayed)
    await stream.show("end", {"kind": "end", "at": iso(now_ms())}, last=True)


def _status(status: str, at_ms: int) -> Mapping[str, Any]:
    return {"kind": "status", "status": status, "at": iso(at_ms)}


async def _elsewhere(ask: Ask) -> web.StreamResponse | Answer:
    if ask.request.method == "OPTIONS":  # the browser's question before it asks with a header
        return Answer(204, {"Access-Control-Allow-Methods": "GET, POST, OPTIONS", "Access-Control-Max-Age": "600"})
    return await not_found(ask)


def _users(store: Store) -> Users:
    return Users(store, "ghostly")


SYSTEM = System(
    lifecycle=Lifecycle("ghostly", ending, survives_restart=True),
    routes=(
        Route("GET", "/health", "health", _health, public=True),
        Route("POST", "/v1/auth/login", "login", _login, public=True),
        Route("POST", "/v1/auth/register", "register", _register),
        Route("GET", "/v1/auth/me", "me", _me),
        Route("POST", "/v1/run", "start:run", _run),
        Route("GET", "/v1/runs", "list", _list),
        Route("GET", "/v1/runs/{run}", "record", _record),
        Route("POST", "/v1/runs/{run}/cancel", "cancel", _cancel),
        Route("GET", "/v1/runs/{run}/events/stream", "attach", _stream),
        Route("*", "/{rest:.*}", "elsewhere", _elsewhere, public=True),
    ),
    caller=_caller,
    envelope=_envelope,
    failures=frozenset({"store"}),
    step=emitted,
    spreads=True,
    memory=_users,
    headers={
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Api-Key",
    },
)
