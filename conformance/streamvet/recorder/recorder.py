"""Sends requests and reads answers, one task each, over HTTP/1.1 or HTTP/2; maps every way to end onto an `Ending`.

It uses httpx's transport without its client: no cookie jar, no redirects, no proxies or netrc from the environment, no
timeouts of its own, and a connection for each exchange, so that nothing of one is in the next. Must not know probes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, cast

import httpcore
import httpx

from streamvet.contract.route import DIRECT, Route
from streamvet.memory import give_back_memory
from streamvet.recorder.broken import BROKEN, ended_by
from streamvet.recorder.clock import JitterMeter, now_us
from streamvet.recorder.dialing import CONNECT_S, context_of
from streamvet.recorder.http2 import Http2Transport
from streamvet.recorder.limits import LIMITS, Limits, LineWatch
from streamvet.recorder.live import CutPlan, Live
from streamvet.recorder.patience import Patience
from streamvet.recorder.upload import LARGE_BYTES, Upload
from streamvet.trace import Ending, Head

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from streamvet.contract.profile import Profile
    from streamvet.masking import Secrets
    from streamvet.recorder.dialing import Options

# The receive buffer of a reader that stalls; Linux doubles it. By itself it would grow to many MiB (tcp_rmem), and a
# much smaller one would take the reader seconds to catch up.
STALLED_RCVBUF_BYTES = 64 * 1024
# A read of 64 KiB may hold hundreds of chunks, each some 60 µs of work: so many at once keep timers within a
# millisecond.
_CHUNKS_AT_ONCE = 16
_EMPTY_BODY = frozenset({204, 304})
_UNSENT = "not sent"  # the detail of an exchange whose request nobody can send
_STREAMS = {"text/event-stream": True, "application/x-ndjson": False}  # and whether lines are parts of an event
# How long a finished stream is watched for bytes behind its end. What a server has written with the end, or in the same
# turn of its loop, is there by then; no probe waits for it, as only the recording needs it.
BEHIND_S = 0.02
_BEHIND_BYTES = 200  # as much as a finding shows


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it will be sent. `role`, `operation` and `about` are the trace's."""

    operation: str
    role: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    about: dict[str, Any] = field(default_factory=dict)
    cut: CutPlan | None = None
    stalls: bool = False  # gets the small receive buffer
    answer_s: float | None = None  # how long to wait for the head; None: whoever sends it sees to that
    whole: bool = False  # a good answer is no stream: the rest has to come within as long a time behind the head
    shown_body: str | None = None  # kept in the trace in place of the body, where that is huge and stands elsewhere
    unsendable: str = ""  # why nobody can send it: what the candidate gave does not fit into a request


class Recorder:
    """The sockets of one campaign. Use as an async context manager."""

    def __init__(self, profile: Profile, secrets: Secrets, limits: Limits = LIMITS, route: Route = DIRECT) -> None:
        self.profile = profile
        self.route = route
        self.secrets = secrets
        self.limits = limits
        self.jitter = JitterMeter()
        self.patience = Patience()
        self.errors: list[BaseException] = []  # our own mistakes; a candidate's never raise
        self._held_bytes = 0  # of tries that are not handed out
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = _transport(route)
        options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_RCVBUF_BYTES)]
        self._small = _transport(route, options)

    async def __aenter__(self) -> Self:
        give_back_memory()
        self.jitter.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.jitter.stop()
        await self._open.aclose()
        await self._small.aclose()

    def dressed(self, ask: Ask) -> Ask:
        """The same request with the header fields that are on every one, but where it has its own of that name."""
        own = {name.lower() for name, _ in ask.headers}
        more = tuple(field for field in self.route.headers if field[0].lower() not in own)
        return replace(ask, headers=(*more, *ask.headers)) if more else ask

    def send(self, ask: Ask) -> Live:
        """Send a request; the answer is read in a task of its own."""
        fields = list(ask.headers)
        if not self.route.http2:  # RFC 9113, 8.2.2: there a field about the connection makes a request malformed
            fields.insert(0, ("Connection", "keep-alive"))
        if not any(name.lower() == "user-agent" for name, _ in fields):
            fields.insert(0, ("User-Agent", "streamvet"))
        # As an EventSource does it: an id in a header field may have any character.
        headers = [(name.encode(), value.encode("utf-8", "surrogatepass")) for name, value in fields]
        live = Live(self.profile, self.limits, ask.cut, ask.role, ask.about)
        try:
            request = httpx.Request(ask.method, ask.url, headers=headers, content=ask.body)
        except httpx.InvalidURL as error:
            ask = replace(ask, unsendable=str(error))
        if ask.unsendable:
            live.cannot_send(ask.operation, ask.unsendable)
            live.finish(Ending.CUT, _UNSENT)
            return live
        request.extensions["timeout"] = {"connect": CONNECT_S}
        if ask.body is not None and len(ask.body) > LARGE_BYTES:
            Upload(ask.body).take_over(request)
        transport = self._small if ask.stalls else self._open
        task = asyncio.create_task(self._read(live, request, transport, ask))
        live.read_by(task)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return live

    def let_go(self, live: Live) -> None:
        """Note that what was received is handed over, and counts no longer."""
        self._held_bytes -= live.received

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error:
            self.errors.append(error)

    async def _read(self, live: Live, request: httpx.Request, transport: httpx.AsyncBaseTransport, ask: Ask) -> None:
        ending, detail = Ending.CUT, "interrupted"
        response: httpx.Response | None = None
        live.sent_us = now_us()
        head_s, rest_s = self._patient(ask.operation, ask.answer_s), None
        try:
            with live.awaiting("an answer", head_s):
                async with asyncio.timeout(head_s):
                    response = await transport.handle_async_request(request)
            self.patience.came(ask.operation)
            head = _head(response)
            live.take_head(head, self._line_watch(head, ask))
            rest_s = self._patient(_rest_of(ask), ask.answer_s) if _is_whole(ask, head) else None
            with live.awaiting("the rest of an answer", rest_s):
                async with asyncio.timeout(rest_s):
                    whole = await self._read_body(live, response)
            if whole:
                if rest_s is not None:
                    self.patience.came(_rest_of(ask))
                ending, detail = _natural_end(head), ""
                if ending is Ending.COMPLETE and self._line_watch(head, ask) and head.http.startswith("HTTP/1"):
                    live.finish(ending, detail)
                    await _watch_behind(live, response)
        except asyncio.CancelledError:
            pass  # by `Live.stop`, which has said why, or at the end of everything
        except TimeoutError:
            late = f"no answer within {head_s or 0:.1f} s"
            ending, detail = Ending.TIMED_OUT, f"the end not within {rest_s:.1f} s" if rest_s else late
        except httpx.LocalProtocolError:  # of our own side: nothing was sent that is no HTTP
            live.cannot_send(ask.operation, "a header field would have forbidden characters")
            ending, detail = Ending.CUT, _UNSENT
        except BROKEN as error:
            ending, detail = ended_by(
                error, live.head_now, self.limits.head_bytes, proxied=self.route.proxy is not None
            )
        finally:
            if response is not None:
                await _close(response)
            if live.ending is None:
                live.finish(ending, detail)
            if live.ending is Ending.TIMED_OUT:
                self._missed(live, ask)

    def _patient(self, name: str, given_s: float | None) -> float | None:
        return None if given_s is None else self.patience.seconds(name, given_s)

    def _missed(self, live: Live, ask: Ask) -> None:
        """Note what did not come of an answer, and for how long it was waited for."""
        if live.head_now is None:
            self.patience.missed(ask.operation, (live.ended_us - live.sent_us) / 1e6)
        elif _is_whole(ask, live.head_now):
            self.patience.missed(_rest_of(ask), (live.ended_us - live.head_now.at_us) / 1e6)

    async def _read_body(self, live: Live, response: httpx.Response) -> bool:
        """Read to the end; gives False where we stopped before it."""
        if live.stopped:
            return False
        # Not `aiter_raw`, which closes the connection at the end of the message. The declared type hides that it is a
        # generator, which wants to be closed where it is left early.
        stream = cast("httpx.AsyncByteStream", response.stream)
        async with contextlib.aclosing(cast("AsyncGenerator[bytes, None]", aiter(stream))) as chunks:
            await live.gate()
            taken = 0
            async for data in chunks:
                before = live.received
                goes_on = live.take(data, now_us())
                self._held_bytes += live.received - before
                if self._held_bytes > self.limits.held_bytes:
                    live.too_much(f"all tries under way over {self.limits.held_bytes} bytes")
                    return False
                if not goes_on:
                    return False
                await live.gate()
                taken += 1
                if taken % _CHUNKS_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return True

    def _line_watch(self, head: Head, ask: Ask) -> LineWatch | None:
        """Lines and events have limits on streams only; another answer is one line of any length."""
        is_sse = _STREAMS.get(head.media_type)
        if is_sse is None and not ask.whole and head.media_type in self.profile.media_types:
            is_sse = self.profile.framing == "sse"
        return None if is_sse is None else LineWatch(self.limits, events=is_sse)


def _transport(route: Route, options: Options | None = None) -> httpx.AsyncBaseTransport:
    """What sends requests on connections with these socket options, one each.

    Raises:
        FileError: where a certificate or a key of the target cannot be used.
    """
    if route.http2:
        return Http2Transport(route, options)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(
        verify=context_of(route.tls), trust_env=False, http1=True, http2=False, limits=limits,
        proxy=route.proxy, uds=None if route.socket is None else str(route.socket), socket_options=options,
    )  # fmt: skip


def _head(response: httpx.Response) -> Head:
    version: bytes = response.extensions.get("http_version", b"HTTP/1.1")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    return Head(response.status_code, version.decode("latin-1"), headers, now_us())


def _natural_end(head: Head) -> Ending:
    """RFC 9112, 6.3: a body without a length of its own is as long as the connection; HTTP/2 has frames for the end."""
    if not head.http.startswith("HTTP/1"):
        return Ending.COMPLETE
    delimited = head.status in _EMPTY_BODY or head.all("transfer-encoding") or head.all("content-length")
    return Ending.COMPLETE if delimited else Ending.CLOSED


async def _watch_behind(live: Live, response: httpx.Response) -> None:
    """Note what comes on the connection behind the end of a message, which is no part of it (RFC 9112, 6.3)."""
    stray = _left_by_parser(response)
    if not stray:
        with contextlib.suppress(TimeoutError, httpcore.NetworkError, ssl.SSLError):
            async with asyncio.timeout(BEHIND_S):
                stray = await response.extensions["network_stream"].read(_BEHIND_BYTES)
    if stray:
        live.about["behind"] = stray[:_BEHIND_BYTES].decode("utf-8", "backslashreplace")


def _left_by_parser(response: httpx.Response) -> bytes:
    """What h11 has read behind the message. httpcore has no public way to ask; the tests notice where this one goes."""
    connection: Any = response.stream
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state"):
        connection = getattr(connection, name, None)
    return bytes(connection.trailing_data[0]) if connection is not None else b""


def _is_whole(ask: Ask, head: Head) -> bool:
    """Whether an answer is no stream, and ends by itself: what refuses a stream is none either."""
    return ask.whole or head.status >= 300


def _rest_of(ask: Ask) -> str:
    """The name by which is known whether answers to an operation get to their end."""
    return f"{ask.operation}, whole"


async def _close(response: httpx.Response) -> None:
    with contextlib.suppress(*BROKEN, OSError):  # the connection is gone, which is what was wanted
        await response.aclose()
