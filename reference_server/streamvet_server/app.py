"""The server as a whole: every system under its prefix, one store below, a clean end.

It must not know what a system's routes do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from streamvet_server.control import Desk, Malformed
from streamvet_server.log import EventLog
from streamvet_server.runs import Runs
from streamvet_server.seams import HONEST, Refusal, Scene, Seams
from streamvet_server.site import ADDRESSES, Admit, Ambient, Resettable, Site, Spread, System, body_of, endpoint
from streamvet_server.store import Store, Unkept
from streamvet_server.systems import SYSTEMS, system
from streamvet_server.wire import NotJson, json_text, parse_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from streamvet_server.feed import Feed, Message

CONTROL_PATH = "/_conformance"

# A script with many large strings; far beyond any body of the systems themselves.
MAX_BODY_BYTES = 64 * 1024 * 1024
# How long a stream may take to end when the server stops; then its connection is closed. More than one and a half of
# the 3 s that the slowest have, and less than the 5 s after which who stops a server often kills it.
SHUTDOWN_S = 4.8

# To be awaited when the server is told to stop, before its listening socket is closed.
PARTING: web.AppKey[Callable[[], Awaitable[None]]] = web.AppKey("parting")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says."""

    profiles: Sequence[str] = tuple(SYSTEMS)
    scale: float = 1.0
    db: str = ":memory:"
    feed: Callable[[], Feed] | None = None  # where several processes share their log
    control: bool = False
    seams: Callable[[str], Seams] = lambda _profile: HONEST
    admit: Callable[[str], Admit] = lambda _profile: lambda _scene: None  # with --control: what a request may name
    plain: Callable[[str, Scene], bool] | None = None  # as of `Site`; None: as the seams are
    lists: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)  # with --control: what can be read there


def build(settings: Settings) -> web.AppRunner:
    """The server, ready to be set up and given an address."""
    store = Store(settings.db)
    feed = settings.feed() if settings.feed is not None else None
    sites = [_site(system(profile), store, settings, feed) for profile in settings.profiles]
    ambients = [(site, site.memory) for site in sites if isinstance(site.memory, Ambient)]
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app[ADDRESSES] = {}
    for site in sites:
        if site.desk is not None:
            app.router.add_post(site.prefix + CONTROL_PATH, _control(site.desk))
            for name, rows in settings.lists.items():
                app.router.add_get(f"{site.prefix}{CONTROL_PATH}/{name}", _listed(partial(rows, site.system.profile)))
        for route in site.system.routes:
            app.router.add_route(route.method, site.prefix + route.path, endpoint(site, route))

    async def come_up(_app: web.Application) -> None:
        if feed is not None:
            await feed.come_up()
        for site in sites:
            await site.runs.come_up()
        for site, ambient in ambients:
            await ambient.come_up(site)

    async def part() -> None:
        for site, ambient in ambients:
            linger_s = site.seams.clock(Scene(site.system.profile, "stop"), "linger", 0.0)
            if linger_s > 0:  # an honest server does not
                await ambient.farewell()
                await asyncio.sleep(linger_s)

    async def stop(_app: web.Application) -> None:
        for _site, ambient in ambients:
            await ambient.farewell()
        for site in sites:
            site.stopping.set()
            site.log.stop()

    async def go_down(_app: web.Application) -> None:
        for site in sites:
            await site.runs.stop()
        for _site, ambient in ambients:
            await ambient.stop()
        if feed is not None:
            await feed.close()
        await store.close()

    app[PARTING] = part
    app.on_startup.append(come_up)
    app.on_shutdown.append(stop)
    app.on_cleanup.append(go_down)
    # Bodies are inflated by `site.body_of`, which has a bound for that and answers in a system's own shape.
    return web.AppRunner(
        app, handler_cancellation=True, auto_decompress=False, access_log=None, shutdown_timeout=SHUTDOWN_S
    )


def _site(served: System, store: Store, settings: Settings, feed: Feed | None) -> Site:
    seams = settings.seams(served.profile)
    log = EventLog(store, served.profile, seams, feed)
    runs = Runs(served.lifecycle, log, seams, settings.scale, feed)
    memory = served.memory(store)
    orders = memory.orders if isinstance(memory, Ambient) else {}

    async def forget() -> None:
        await runs.reset()
        if isinstance(memory, Resettable):
            await memory.reset()

    desk = Desk(served.profile, settings.scale, served.step, served.failures, forget, orders)
    if feed is not None:
        desk = _shared(desk, log, memory, forget, feed)
    prefix = "" if len(settings.profiles) == 1 else f"/{served.profile}"
    return Site(
        served, settings.scale, seams, store, log, runs, memory, desk if settings.control else None, prefix=prefix,
        admit=settings.admit(served.profile), plain=_plain(settings, seams, served.profile),
    )  # fmt: skip


def _plain(settings: Settings, seams: Seams, profile: str) -> Callable[[Scene], bool]:
    if settings.plain is not None:
        return partial(settings.plain, profile)
    is_honest = seams == HONEST
    return lambda _scene: is_honest


def _shared(
    desk: Desk, log: EventLog, memory: Any, forget: Callable[[], Coroutine[Any, Any, None]], feed: Feed
) -> Desk:
    """The desk of a system that several processes serve; what one of them is told, all of them take up."""
    profile, tasks = desk.profile, set[asyncio.Task[None]]()

    async def tell(document: Mapping[str, Any]) -> None:
        await feed.within(feed.append(profile, {"told": document}))

    def reset(_message: Message) -> None:
        desk.scripts.clear()
        desk.failing.clear()
        task = asyncio.create_task(forget())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def forget_all() -> None:
        await feed.within(feed.append(profile, {"reset": True}))
        await asyncio.gather(*tasks)

    def told(message: Message) -> None:
        document = message.body["told"]
        if message.by != feed.me or document.get("times", 0) > 0:  # what this process did not take up at once
            (memory if "user" in document else desk).take(document)

    desk = replace(
        desk, forget=forget_all, tell=tell,
        spent=lambda what: feed.append(profile, {"told": {"fail": what, "times": -1}}),
    )  # fmt: skip

    log.messages.update(told=told, reset=reset)
    feed.follow(profile, log.take)
    if isinstance(memory, Spread):
        memory.tell = tell
    return desk


def _listed(rows: Callable[[], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=json_text(rows()).encode(), content_type="application/json")

    return handle


def _control(desk: Desk) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body = await body_of(request)
            if isinstance(body, Refusal):
                status, document = body.status, {"error": body.text}
            else:
                status, document = await desk.answer(parse_json(body))
        except (NotJson, Malformed) as reason:
            status, document = 400, {"error": str(reason)}
        except Unkept as reason:
            status, document = 500, {"error": f"the database cannot be written: {reason}"}
        return web.Response(status=status, body=json_text(document).encode(), content_type="application/json")

    return handle
