"""One system as it is served: its parts, its routes as rows, and how any of its answers is sent.

It must not know a particular system: a `System` row says what the routes are and what an error looks like.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from streamvet_server.accounts import Account
from streamvet_server.database import Damaged
from streamvet_server.seams import Answer, Refusal, Scene, Seams
from streamvet_server.store import Unkept
from streamvet_server.wire import NotCoded, NotJson, TooLarge, UnknownCoding, inflated, json_text, parse_json

if TYPE_CHECKING:
    from streamvet_server.control import Desk
    from streamvet_server.log import EventLog
    from streamvet_server.runs import Lifecycle, Runs
    from streamvet_server.store import Store
    from streamvet_server.work import Step

_LOGGER = logging.getLogger(__name__)
_JSON = {"Content-Type": "application/json"}
# What a compressed body may become: as much as the largest body that any system takes.
MAX_INFLATED_BYTES = 8 * 1024 * 1024


# The number of each port at which the server can be reached, from 1.
ADDRESSES: web.AppKey[dict[int, int]] = web.AppKey("addresses")

# Why a request is not served at all, whatever it asks for; None where it is.
Admit = Callable[[Scene], Refusal | None]


class Refused(Exception):  # noqa: N818 -- an answer, not an error of the server
    """A check refused the request."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Site:
    """One system as one process serves it."""

    system: System
    scale: float
    seams: Seams
    store: Store
    log: EventLog
    runs: Runs
    memory: Any  # what the system keeps besides runs: its users, say; an `Ambient` where it lives without requests
    desk: Desk | None = None  # only with --control
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    prefix: str = ""  # of its paths
    admit: Admit = lambda _scene: None
    plain: Callable[[Scene], bool] = lambda _scene: (
        False
    )  # whether all seams of a request are those of an honest server

    def check(self, scene: Scene, name: str, refusal: Refusal | None) -> None:
        """Refuse the request where a check did."""
        refusal = self.seams.access(scene, name, refusal)
        if refusal is not None:
            raise Refused(refusal)


class Resettable(ABC):
    """The memory of a system that keeps more than runs and accounts."""

    @abstractmethod
    async def reset(self) -> None:
        """Forget everything but accounts, and end every stream."""


class Spread(ABC):
    """The memory of a system that several processes share: what one of them is told, the others take up."""

    tell: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None  # the others, where there are some

    @abstractmethod
    def take(self, document: Mapping[str, Any]) -> None:
        """Take up what was told, by this process or by another one."""


class Ambient(Resettable):
    """The memory of a system that lives without requests: it works in the background and tells all its readers."""

    @property
    @abstractmethod
    def orders(self) -> Mapping[str, Order]:
        """What the control interface may tell it, by the request's `do`."""

    @abstractmethod
    async def come_up(self, site: Site) -> None:
        """Begin to work, before the server listens."""

    @abstractmethod
    async def farewell(self) -> None:
        """The server stops: say so to the readers that are to be told. `site.stopping` is set afterwards."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop working; the streams have ended."""


# From a control request's document to the status and the document of its answer; raises ValueError.
Order = Callable[[Mapping[str, Any]], Awaitable[tuple[int, Any]]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: the scene for the seams, who asks, and the request itself."""

    site: Site
    scene: Scene
    caller: Account
    request: web.Request

    @property
    def run(self) -> str:
        """The run that the path names."""
        return self.scene.run or ""

    def check(self, name: str, refusal: Refusal | None) -> None:
        """Refuse the request where a check did."""
        self.site.check(self.scene, name, refusal)

    def on_run(self, run: str) -> Ask:
        """The same request, now about a run that it started."""
        return replace(self, scene=replace(self.scene, run=run))

    async def body(self) -> bytes:
        """The request's body without its content coding; nothing where it cannot be had."""
        body = await body_of(self.request)
        if isinstance(body, Refusal):
            self.check("coding", body)
            return b""
        return body

    async def document(self) -> Any:
        """The request's JSON document; None where it has none."""
        try:
            return parse_json(await self.body())
        except NotJson:
            self.check("body", Refusal(400, "invalid_request", "the body is not JSON"))
            return None


Handler = Callable[[Ask], Awaitable[web.StreamResponse | Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. A public one asks for no credentials."""

    method: str
    path: str
    operation: str
    handler: Handler
    public: bool = False


@dataclass(frozen=True, slots=True)
class System:
    """What makes a system: its routes, its error answers, who may ask, and what the control interface may give it."""

    lifecycle: Lifecycle
    routes: tuple[Route, ...]
    caller: Callable[[Site, Scene, web.Request], Account]  # raises Refused
    envelope: Callable[[Refusal], Any]  # the document of an error answer
    failures: frozenset[str]  # what `fail` can make fail here
    step: Callable[[Any], Step] | None  # a script's `emit`; raises ValueError. None: nothing here has a script
    memory: Callable[[Store], Any]
    headers: Mapping[str, str] = field(default_factory=dict)  # on every answer
    spreads: bool = False  # whether several processes can serve it

    @property
    def profile(self) -> str:
        """The system's name."""
        return self.lifecycle.profile


def ok(document: Any, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, _JSON, document)


async def send(site: Site, scene: Scene, answer: Answer) -> web.Response:
    """Put a JSON answer on its way, through the seams."""
    answer = replace(answer, headers={**site.system.headers, **answer.headers})
    answer = site.seams.head(scene, answer)
    await wait(site, scene, "answer")
    body = b"" if answer.document is None else json_text(answer.document).encode()
    return web.Response(status=answer.status, headers=dict(answer.headers), body=body)


async def wait(site: Site, scene: Scene, name: str) -> None:
    """A wait that an honest server does not make."""
    seconds = site.seams.clock(scene, name, 0.0)
    if seconds > 0:
        await asyncio.sleep(seconds)


async def body_of(request: web.Request) -> bytes | Refusal:
    """A request's body without its content coding, or why it cannot be had."""
    coding = ", ".join(request.headers.getall("Content-Encoding", ())).strip().lower() or "identity"
    try:
        octets = await request.read()
        return inflated(octets, coding, MAX_INFLATED_BYTES) if octets and coding != "identity" else octets
    except (web.HTTPRequestEntityTooLarge, TooLarge):
        return Refusal(413, "invalid_request", "the body is too large")
    except UnknownCoding:
        readable = {"Accept-Encoding": "gzip, deflate"}  # RFC 9110, 15.5.16
        return Refusal(415, "invalid_request", "the body has an unknown content coding", readable)
    except NotCoded:
        return Refusal(400, "invalid_request", f"the body is not {coding}")
    except web.RequestPayloadError:
        return Refusal(400, "invalid_request", "the body cannot be read")


def endpoint(site: Site, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a route."""

    async def handle(request: web.Request) -> web.StreamResponse:
        scene = Scene(
            site.system.profile, route.operation, request.match_info.get("run"), dict(request.query), request.headers,
            address=_address(request),
        )  # fmt: skip
        try:
            refusal = site.admit(scene)
            if refusal is not None:
                raise Refused(refusal)  # noqa: TRY301 -- answered below like every refusal
            await site.log.current()
            caller = Account("", "") if route.public else site.system.caller(site, scene, request)
            answer = await route.handler(Ask(site, scene, caller, request))
        except Refused as refused:
            answer = _refusal(site, refused.refusal)
        except ConnectionError:  # the client left; nobody is there to answer to
            raise
        except Exception as reason:
            if isinstance(reason, Unkept | Damaged):
                _LOGGER.error("%s %s: %s", request.method, request.path, reason)  # noqa: TRY400 -- one line is enough
            else:
                _LOGGER.exception("%s %s", request.method, request.path)
            if request.writer.output_size > 0:  # inside a stream; without its last chunk, its reader knows
                raise ConnectionAbortedError from reason
            answer = _refusal(site, Refusal(500, "internal_error", "internal error"))
        return await send(site, scene, answer) if isinstance(answer, Answer) else answer

    return handle


def _address(request: web.Request) -> int:
    """Which of the server's addresses the request came to."""
    numbers = request.app[ADDRESSES]
    if len(numbers) < 2 or request.transport is None:
        return 1
    return numbers.get(request.transport.get_extra_info("sockname")[1], 1)


def _refusal(site: Site, refusal: Refusal) -> Answer:
    return Answer(refusal.status, {**_JSON, **refusal.headers}, site.system.envelope(refusal))


async def not_found(ask: Ask) -> Answer:
    """The answer for a path that is not served."""
    ask.check("route", Refusal(404, "not_found", "no such endpoint"))
    return ok({})
