"""rockstar over HTTP: sessions and plans that are pushed in one request whose answer is the stream, and their pages.

It must not know faults, SQLite or how work is simulated. What the wire promises stands here and in the other
modules of this room: nobody can join a push, and a push that has not ended with `done` need not have happened.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamvet_server.runs import Lifecycle, no_runs
from streamvet_server.seams import Answer, Refusal
from streamvet_server.site import Ask, Resettable, Route, System, not_found, ok
from streamvet_server.start import plan_of
from streamvet_server.systems.rockstar import work
from streamvet_server.systems.rockstar.account import ACCOUNT_ROUTES, API, body_of, caller, envelope, viewer
from streamvet_server.systems.rockstar.keys import Keys
from streamvet_server.systems.rockstar.push import stream_push, url_of
from streamvet_server.systems.rockstar.versions import Item, Versions
from streamvet_server.systems.rockstar.work import (
    PLAN,
    PRIVACIES,
    SESSION,
    Push,
    emitted,
    plan_work,
    plan_writes,
    redacted,
    session_work,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from aiohttp import web

    from streamvet_server.site import Handler
    from streamvet_server.store import Store
    from streamvet_server.work import Plan

MAX_BODY_BYTES = 8 * 1024 * 1024
_ABSENT = Refusal(404, "not_found", "not found")
_ITEM = "{run:[A-Za-z0-9_-]{1,40}}"
_VERSION = "{version:[0-9]{1,9}}"


@dataclass(frozen=True, slots=True)
class _Held(Resettable):
    """What rockstar keeps: keys, which survive a reset, and what was pushed."""

    keys: Keys
    versions: Versions

    async def reset(self) -> None:
        await self.versions.reset()


async def _asked(ask: Ask, kind: str, name: str, content: str, optional: Collection[str]) -> Push:
    """The push that the request asks for, where it may start one."""
    body = await body_of(ask, MAX_BODY_BYTES, required=(name,), texts=(content,), optional=optional)
    known = body.get("privacy", PRIVACIES[0]) in PRIVACIES
    wrong = Refusal(400, "invalid_request", f"expected privacy to be one of {', '.join(PRIVACIES)}")
    ask.check("body", None if known else wrong)
    limited = ask.site.desk is not None and ask.site.desk.take_failure("rate")
    ask.check("rate", Refusal(429, "rate_limited", "too many pushes") if limited else None)
    title, privacy, project = (body.get(key) for key in ("title", "privacy", "project"))
    return Push(kind, ask.caller.id, body[name], body[content], title, privacy, project or None)


async def _session(ask: Ask) -> web.StreamResponse:
    asked = await _asked(ask, SESSION, "session_id", "data", ("title", "privacy", "project"))
    data = redacted(asked.content, work.REDACTIONS)
    push = replace(asked, content=data, writes=tuple(plan_writes(data)))
    return await _push(ask, push, session_work(push))


async def _plan(ask: Ask) -> web.StreamResponse:
    versions: Versions = ask.site.memory.versions
    push = await _asked(ask, PLAN, "name", "content", ("privacy", "project"))
    return await _push(ask, push, plan_work(push, unchanged=await versions.holds(push)))


async def _push(ask: Ask, push: Push, own: Plan) -> web.StreamResponse:
    plan = plan_of(ask, lambda: own)
    run = f"push_{secrets.token_hex(12)}"  # a name for the seams; the wire has none
    return await stream_push(ask.on_run(run), ask.site.memory.versions, push, plan, scripted=plan is not own)


async def _found(ask: Ask, kind: str, who: str, *, anybody: bool) -> Item:
    """The item of the path, where it may be seen. What may not looks like what is not there."""
    versions: Versions = ask.site.memory.versions
    item = await versions.find(kind, ask.run)
    ask.check("exists", None if item else _ABSENT)
    item = item or Item(ask.run, who, kind, "")
    ask.check("owner", None if item.owner == who or (anybody and item.privacy != "private") else _ABSENT)
    return item


def _page(kind: str) -> Handler:
    """What a URL of a push shows: the version of the path, or the latest."""

    async def answer(ask: Ask) -> Answer:
        versions: Versions = ask.site.memory.versions
        item = await _found(ask, kind, viewer(ask).id, anybody=True)
        asked = ask.request.match_info.get("version")
        found = await versions.content(item.id, None if asked is None else int(asked))
        ask.check("exists", None if found else _ABSENT)
        version, content = found or (0, "")
        told = {"nanoid": item.id, "url": url_of(ask, item), "version": version, "privacy": item.privacy}
        if kind == PLAN:
            return ok({**told, "name": item.name, "content": content})
        return ok({**told, "title": item.title, "plans": list(item.plans), "data": content})

    return answer


async def _drop(ask: Ask) -> Answer:
    versions: Versions = ask.site.memory.versions
    item = await _found(ask, SESSION, ask.caller.id, anybody=False)
    dropped = await versions.drop(item.id, int(ask.request.match_info["version"]))
    ask.check("exists", None if dropped else _ABSENT)
    return Answer(204, {})


def _memory(store: Store) -> _Held:
    return _Held(Keys(store), Versions(store))


SYSTEM = System(
    lifecycle=Lifecycle("rockstar", no_runs),
    routes=(
        *ACCOUNT_ROUTES,
        Route("POST", f"{API}/sessions", "start:session", _session),
        Route("POST", f"{API}/plans", "start:plan", _plan),
        Route("DELETE", f"{API}/sessions/{_ITEM}/versions/{_VERSION}", "drop", _drop),
        Route("GET", f"/s/{_ITEM}", "record", _page(SESSION), public=True),
        Route("GET", f"/s/{_ITEM}/{_VERSION}", "record", _page(SESSION), public=True),
        Route("GET", f"/p/{_ITEM}", "record", _page(PLAN), public=True),
        Route("GET", f"/p/{_ITEM}/{_VERSION}", "record", _page(PLAN), public=True),
        Route("*", "/{rest:.*}", "elsewhere", not_found, public=True),
    ),
    caller=caller,
    envelope=envelope,
    failures=frozenset({"store", "rate"}),
    step=emitted,
    memory=_memory,
)
