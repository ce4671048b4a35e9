"""promptfloe over HTTP: builds, skills, augmenters and messages that stream NDJSON, and the run to come back to.

It must not know faults, SQLite or how work is simulated. What the wire promises stands here: every line has an id that
counts from 1 in its run, a cursor is exclusive, a run that nobody reads lives five minutes.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from typing import TYPE_CHECKING, Any

from streamvet_server.log import Mark, Row, now_ms
from streamvet_server.runs import Lifecycle
from streamvet_server.seams import Answer, Cause, Entry, Refusal, Scene, Why
from streamvet_server.site import Ask, Route, Site, System, not_found, ok
from streamvet_server.start import plan_of
from streamvet_server.stream import Ended, Stream
from streamvet_server.systems.promptfloe.accounts import EXPIRED_KEY, KEY, KEYS
from streamvet_server.systems.promptfloe.work import SKILLS, TERMINAL, emitted, ending, record, request_id, simulate
from streamvet_server.wire import ndjson_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from streamvet_server.accounts import Account
    from streamvet_server.store import Store

DETACHED_LIFE_S = 300.0
RETRY_AFTER_S = 2
STREAM_HEADERS = {
    "Content-Type": "application/x-ndjson",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_CURSOR = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_CURSOR_DIGITS = 18  # more than any log's number has; such a cursor is well-formed and in no log


def _caller(site: Site, scene: Scene, request: web.Request) -> Account:
    """The workspace of the Bearer key."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip() if scheme.lower() == "bearer" else ""
    if key == EXPIRED_KEY:
        site.check(scene, "expired", Refusal(401, "expired_key", "the key has expired", _CHALLENGE))
    account = KEYS.get(key)
    site.check(scene, "credentials", None if account else Refusal(401, "invalid_key", "invalid key", _CHALLENGE))
    return account or KEYS[KEY]


def _envelope(refusal: Refusal) -> Any:
    kind = "authentication" if refusal.status == 401 else "server" if refusal.status >= 500 else "request"
    told = {"code": refusal.code, "message": refusal.text, "type": f"{kind}_error", "requestId": request_id()}
    return {"error": {**told, "docsUrl": f"https://docs.example.org/errors#{refusal.code}", **refusal.details}}


async def _body(ask: Ask, required: str) -> dict[str, Any]:
    """The request's object, whose required member is a string that is not empty."""
    body = await ask.document()
    fine = isinstance(body, dict) and isinstance(body.get(required), str) and bool(body[required])
    ask.check("body", None if fine else Refusal(400, "invalid_request", f"{required} must be a string"))
    return body if isinstance(body, dict) else {}


def _augmenters(ask: Ask, body: dict[str, Any]) -> Sequence[str]:
    aliases = body.get("augmenters", [])
    fine = isinstance(aliases, list) and all(isinstance(alias, str) and alias for alias in aliases)
    ask.check("body", None if fine else Refusal(400, "invalid_request", "augmenters must be an array of strings"))
    return aliases if fine else []


async def _generate(ask: Ask) -> web.StreamResponse:
    body = await _body(ask, "prompt")
    return await _start(ask, "build", body["prompt"], _augmenters(ask, body))


async def _skill(ask: Ask) -> web.StreamResponse:
    body = await _body(ask, "alias")
    return await _start(ask, "skill", body["alias"])


async def _augmenter(ask: Ask) -> web.StreamResponse:
    body = await _body(ask, "alias")
    wrong = body["alias"] in SKILLS
    ask.check("body", Refusal(400, "invalid_request", "the alias is not an augmenter") if wrong else None)
    return await _start(ask, "augmenter", body["alias"])


async def _message(ask: Ask) -> web.StreamResponse:
    body = await _body(ask, "prompt")
    mode = body.get("mode", "chat")
    fine = mode in ("build", "chat", "skill")
    ask.check("body", None if fine else Refusal(400, "invalid_request", "mode must be build, chat or skill"))
    kind = "build" if mode == "build" else "skill"
    return await _start(ask, kind, body["prompt"], _augmenters(ask, body))


async def _start(ask: Ask, kind: str, said: str, augmenters: Sequence[str] = ()) -> web.StreamResponse:
    """Start a run and stream it from its first event."""
    limited = ask.site.desk is not None and ask.site.desk.take_failure("rate")
    waits = {"Retry-After": str(RETRY_AFTER_S)}
    refusal = Refusal(429, "rate_limited", "too many starts", waits, {"retryAfterMs": RETRY_AFTER_S * 1000})
    ask.check("rate", refusal if limited else None)
    plan = plan_of(ask, lambda: simulate(kind, said, augmenters))
    run = f"run_{secrets.token_hex(12)}"
    ask = ask.on_run(run)
    row = await ask.site.runs.start(ask.scene, kind, ask.caller.name, {}, plan)
    return await _stream(ask, row, 0)


def _found(ask: Ask) -> Row:
    """The run of the path, where it is the caller's. Another's looks like none."""
    row, absent = ask.site.log.row(ask.run), Refusal(404, "not_found", "no such run")
    ask.check("exists", None if row else absent)
    row = row or Row(ask.run, "build", ask.caller.name, 0, now_ms())
    ask.check("owner", None if row.owner == ask.caller.name else absent)
    return row


async def _events(ask: Ask) -> web.StreamResponse:
    row = _found(ask)
    return await _stream(ask, row, _cursor(ask, row))


def _cursor(ask: Ask, row: Row) -> int:
    """The number of the last event that the reader has; 0 where it has none."""
    given = ask.request.query.get("cursor", "") or "0"
    well_formed = _CURSOR.fullmatch(given) is not None
    ask.check("cursor", None if well_formed else Refusal(400, "invalid_request", "malformed cursor"))
    after = int(given) if well_formed and len(given) <= _CURSOR_DIGITS else 0
    known = len(given) <= _CURSOR_DIGITS and after <= ask.site.log.newest(row.id)
    ask.check("cursor", None if known else Refusal(409, "conflict", "the cursor is not of this run"))
    return after if known else 0


async def _stream(ask: Ask, row: Row, after: int) -> web.StreamResponse:
    stream = Stream(ask.site, ask.scene, ask.request, lambda _name, document: ndjson_line(document))
    reading = ask.site.log.read(ask.scene, row.id, after)
    with (
        ask.site.runs.attended(ask.scene, row.id),
        contextlib.closing(reading),
        contextlib.suppress(ConnectionError, Ended),  # the reader has left, or a seam has ended it
    ):
        await stream.open({**STREAM_HEADERS, "X-Run-Id": row.id})
        why = Why.LAST
        # A cursor at the last event of a finished run: there is nothing to wait for.
        finished = row.status != "running" and after >= ask.site.log.newest(row.id)
        while not finished:
            item = await reading.next()
            if item is Mark.STOPPED:
                why = Why.STOP
                break
            if isinstance(item, Entry):
                finished = item.document["type"] in TERMINAL
                await _show(ask, stream, item, replayed=not reading.caught_up, last=finished)
        await stream.close(why)
    return stream.response


async def _show(ask: Ask, stream: Stream, entry: Entry, *, replayed: bool, last: bool) -> None:
    if stream.plain:
        octets = entry.shared.get("")
        if octets is None:
            octets = entry.shared[""] = ndjson_line(_line(ask, entry))
        await stream.show_shared(octets)
        return
    line = _line(ask, entry)
    type_ = line["type"]
    name = f"augmenter.{line.get('status')}" if type_ == "augmenter" else type_
    await stream.show(name, line, number=entry.number, replayed=replayed, last=last)


def _line(ask: Ask, entry: Entry) -> dict[str, Any]:
    body = dict(entry.document)
    type_ = body.pop("type")
    return {"type": type_, "id": ask.site.seams.number(ask.scene, entry.number), "runId": ask.run, **body}


async def _record(ask: Ask) -> Answer:
    row = _found(ask)
    history = await ask.site.log.history(row.id)
    if history and history[-1].document["type"] in TERMINAL:
        row = ask.site.log.row(row.id) or row  # it ended meanwhile: status and events must tell the same
    return ok(record(row, history))


async def _cancel(ask: Ask) -> Answer:
    row, over = _found(ask), Refusal(409, "conflict", "the run has finished")
    ask.check("finished", over if ask.site.runs.ended(row.id) else None)
    ended = not ask.site.seams.reach(ask.scene) or await ask.site.runs.end(row.id, Cause.CANCELLED)
    ask.check("finished", None if ended else over)
    return ok({"runId": row.id, "status": "cancelled"})


def _nothing(_store: Store) -> None:
    return None


SYSTEM = System(
    lifecycle=Lifecycle("promptfloe", ending, detach_s=DETACHED_LIFE_S),
    routes=(
        Route("POST", "/v1/apps/generate", "start:build", _generate),
        Route("POST", "/v1/skills/run", "start:skill", _skill),
        Route("POST", "/v1/augmenters/run", "start:augmenter", _augmenter),
        Route("POST", "/v1/chats/{chat}/messages", "start:message", _message),
        Route("GET", "/v1/runs/{run}", "record", _record),
        Route("GET", "/v1/runs/{run}/events", "resume", _events),
        Route("POST", "/v1/runs/{run}/cancel", "cancel", _cancel),
        Route("*", "/{rest:.*}", "elsewhere", not_found, public=True),
    ),
    caller=_caller,
    envelope=_envelope,
    failures=frozenset({"rate"}),
    step=emitted,
    spreads=True,
    memory=_nothing,
)
