"""HTTP/2 (RFC 9113): one request on a connection of its own, behind the interface of httpx's transports.

Not by httpcore's connections: these share one for all requests to a host, where a reader that stalls is none, and take
the notice that no further request is taken (GOAWAY) for the end of the streams that go on. Must not know exchanges.
"""

from __future__ import annotations

import contextlib
import ssl
from collections import deque
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import httpcore
import httpx

from streamvet.recorder.dialing import CONNECT_S, context_of, dial
from streamvet.recorder.failures import MessageFailure
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from streamvet.contract.route import Route
    from streamvet.recorder.dialing import Options

_STREAM = 1  # the first one of a client, and the only one
_READ_BYTES = 64 * 1024
_HEAD_BYTES, _GOAWAY = 9, 7  # RFC 9113, 4.1 and 6.8
# What may be on its way to a reader that reads: as much as of HTTP/1.1 in the buffers of a kernel, and less than the
# 6 MiB of Chrome. One that stalls has what RFC 9113 begins with.
_WINDOW_BYTES, _SMALL_WINDOW_BYTES = 1024 * 1024, 65_535
_OF_THE_ANSWER = (
    h2.events.ResponseReceived, h2.events.DataReceived, h2.events.StreamEnded, h2.events.StreamReset,
)  # fmt: skip
_FORBIDDEN = frozenset({b"host", b"connection", b"transfer-encoding"})  # RFC 9113, 8.2.2 and 8.3.1


class Http2Transport(httpx.AsyncBaseTransport):
    """Sends requests by HTTP/2: what ALPN agrees on with TLS, by prior knowledge without."""

    def __init__(self, route: Route, options: Options | None) -> None:
        self._route = route
        self._options = options
        self._context = context_of(route.tls, "h2")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one; the head of its answer has come."""
        wire = await self._connected(request.url)
        exchange = _Exchange(wire, _WINDOW_BYTES if self._options is None else _SMALL_WINDOW_BYTES)
        try:
            status, fields = await exchange.answered(request)
        except BaseException:
            await exchange.aclose()
            raise
        return httpx.Response(status, headers=fields, stream=exchange, extensions={"http_version": b"HTTP/2"})

    async def _connected(self, url: httpx.URL) -> httpcore.AsyncNetworkStream:
        wire = await dial(self._route, url, self._options)
        if url.scheme == "http":
            return wire
        wire = await wire.start_tls(self._context, url.raw_host.decode(), CONNECT_S)
        tls: ssl.SSLObject = wire.get_extra_info("ssl_object")
        if tls.selected_alpn_protocol() != "h2":
            await wire.aclose()
            raise MessageFailure(Ending.MALFORMED, "it does not agree to speak HTTP/2")
        return wire


class _Exchange(httpx.AsyncByteStream):
    """The request and its answer; iterating gives the bytes of the body, frame by frame."""

    def __init__(self, wire: httpcore.AsyncNetworkStream, window_bytes: int) -> None:
        self._wire = wire
        self._window_bytes = window_bytes
        self._state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
        self._events: deque[h2.events.Event] = deque()
        self._unread = b""  # of a frame that is not whole
        self._failure: MessageFailure | None = None  # behind the events
        self._heard = False
        self._over = False

    async def answered(self, request: httpx.Request) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Send a request; gives status and fields of the answer's head."""
        host = next(value for name, value in request.headers.raw if name.lower() == b"host")
        fields = [(name.lower(), value) for name, value in request.headers.raw if name.lower() not in _FORBIDDEN]
        pseudo = [
            (b":method", request.method.encode()),
            (b":scheme", request.url.raw_scheme),
            (b":authority", host),
            (b":path", request.url.raw_path),
        ]
        has_body = any(name == b"content-length" and value != b"0" for name, value in fields)
        settings = h2.settings.SettingCodes
        self._state.local_settings = h2.settings.Settings(
            client=True, initial_values={settings.ENABLE_PUSH: 0, settings.INITIAL_WINDOW_SIZE: self._window_bytes}
        )
        self._state.initiate_connection()
        if self._window_bytes > _SMALL_WINDOW_BYTES:
            self._state.increment_flow_control_window(self._window_bytes - _SMALL_WINDOW_BYTES)
        try:
            self._state.send_headers(_STREAM, [*pseudo, *fields], end_stream=not has_body)
        except h2.exceptions.ProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        await self._flush()
        if has_body:
            await self._send(request)
        while not isinstance(event := await self._next(), h2.events.ResponseReceived):
            pass
        head = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
        return int(dict(head)[b":status"]), [field for field in head if not field[0].startswith(b":")]

    async def _send(self, request: httpx.Request) -> None:
        """Send the body, as fast as it is taken, until it is answered."""
        assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - said for mypy: requests are async
        with contextlib.suppress(h2.exceptions.StreamClosedError):  # by the other side, which has not waited for all
            async for piece in request.stream:
                rest = piece
                while rest:
                    room = min(self._state.local_flow_control_window(_STREAM), self._state.max_outbound_frame_size)
                    if self._events:
                        return
                    if room == 0:
                        await self._receive()
                        continue
                    self._state.send_data(_STREAM, rest[:room])
                    await self._flush()
                    rest = rest[room:]
            self._state.end_stream(_STREAM)
            await self._flush()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            event = await self._next()
            if isinstance(event, h2.events.DataReceived):
                with contextlib.suppress(h2.exceptions.StreamClosedError):  # it has ended in the same read
                    self._state.acknowledge_received_data(event.flow_controlled_length or 0, _STREAM)
                await self._flush()
                if event.data:
                    yield bytes(event.data)
            elif isinstance(event, h2.events.StreamEnded):
                self._over = True
                return

    async def aclose(self) -> None:
        """Leave the stream, where it has not ended, and close the connection."""
        if not self._over:
            self._over = True
            with contextlib.suppress(h2.exceptions.H2Error, httpcore.NetworkError, ssl.SSLError):
                self._state.reset_stream(_STREAM, h2.errors.ErrorCodes.CANCEL)
                await self._flush()
        await self._wire.aclose()

    async def _next(self) -> h2.events.Event:
        """The next event of the stream."""
        while not self._events:
            if self._failure is not None:
                raise self._failure
            await self._receive()
        event = self._events.popleft()
        if isinstance(event, h2.events.StreamReset):
            self._over = True
            raise MessageFailure(Ending.RESET, f"the stream was reset: {_code(event.error_code)}")
        return event

    async def _receive(self) -> None:
        """Read what has come, and answer what the protocol wants answered."""
        data = await self._wire.read(_READ_BYTES)
        if not data:
            before = "before the end of the stream" if self._heard else "without an answer"
            raise MessageFailure(Ending.TRUNCATED, f"the connection ended {before}")
        if not self._heard and data.startswith(b"HTTP/1"):
            raise MessageFailure(Ending.MALFORMED, "it speaks HTTP/1.1 there, and no HTTP/2")
        self._heard = True
        try:
            for frame in self._frames(data):
                for event in self._state.receive_data(frame):
                    self._take(event)
        except h2.exceptions.InvalidBodyLengthError as error:
            why = f"the stream ended after {error.actual_length} of {error.expected_length} bytes"
            self._failure = MessageFailure(Ending.MALFORMED, why)
        except h2.exceptions.ProtocolError as error:
            self._failure = MessageFailure(Ending.MALFORMED, f"the answer is not HTTP/2: {error}")
        await self._flush()  # which says why, where that was an error

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            self._failure = MessageFailure(Ending.RESET, f"the connection was ended: {_code(event.error_code)}")
        elif isinstance(event, _OF_THE_ANSWER):
            self._events.append(event)

    def _frames(self, data: bytes) -> Iterator[bytes]:
        """The whole frames, but for a notice that the connection takes no further stream: this one goes on (6.8)."""
        self._unread += data
        while len(self._unread) >= _HEAD_BYTES:
            end = _HEAD_BYTES + int.from_bytes(self._unread[:3])
            if end > len(self._unread):
                break
            frame, self._unread = self._unread[:end], self._unread[end:]
            body = frame[_HEAD_BYTES:]
            goes_on = int.from_bytes(body[:4]) >= _STREAM and body[4:8] == bytes(4)
            if frame[3] != _GOAWAY or not goes_on:
                yield frame

    async def _flush(self) -> None:
        if waiting := self._state.data_to_send():
            await self._wire.write(waiting, CONNECT_S)


def _code(code: int | h2.errors.ErrorCodes | None) -> str:
    """The name of an error of RFC 9113, 7."""
    return getattr(code, "name", None) or str(code)
