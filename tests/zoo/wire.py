"""A server of raw bytes for many candidates at once, each below a path of its own: `/NAME/…`.

It says how a request is read and which place of the system it is for. What is answered is up to whoever serves it.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# The head of a stream of the zoo, and of one that is as long as the connection.
FIELDS = b"Content-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\n" + FIELDS + b"Connection: close\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\n" + FIELDS + b"Transfer-Encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
_STREAM, _RUN = re.compile(r"/runs/([^/]*)/events"), re.compile(r"/runs/([^/]*)")
_PLACES = {"GET": "record", "DELETE": "cancel"}


def framed(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@dataclass
class Wire:
    """One request and the connection on which it came."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    candidate: str
    method: str
    path: str
    query: str
    head: str
    body: bytes

    @property
    def place(self) -> str:
        """What the request is for: `control`, `start`, `stream`, `record`, `cancel`, `up`, or nothing that is known."""
        if self.path == "/_conformance":
            return "control"
        if self.path in ("/", ""):
            return "up"
        if self.path == "/runs":
            return "start"
        if _STREAM.fullmatch(self.path):
            return "stream"
        return _PLACES.get(self.method, "") if _RUN.fullmatch(self.path) else ""

    @property
    def run(self) -> str:
        """The run in the path."""
        found = _STREAM.fullmatch(self.path) or _RUN.fullmatch(self.path)
        return found[1] if found else ""

    def field(self, name: str) -> str:
        """The value of a header field, "" without one."""
        found = re.search(rf"^{re.escape(name)}:\s*(.*?)\r?$", self.head, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else ""

    async def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def begin(self) -> None:
        """The head of a stream as it should be."""
        await self.send(CHUNKED)

    async def chunk(self, data: bytes) -> None:
        """One chunk."""
        await self.send(framed(data))

    async def answer(self, status: int, value: Any, more: bytes = b"") -> None:
        """JSON."""
        body = json.dumps(value).encode()
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (status, len(body))
        await self.send(head + more + b"Connection: close\r\n\r\n" + body)

    async def stall(self) -> None:
        """Say nothing more, until the other side has gone."""
        while await self.reader.read(65_536):
            pass

    def reset(self) -> None:
        """Let the connection end with a reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Serve = Callable[[Wire], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve, port: int = 0, open_now: Counter[str] | None = None) -> AsyncIterator[int]:
    """The port of a server, which counts in `open_now` how many connections each candidate has."""
    count: Counter[str] = Counter() if open_now is None else open_now

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = ""
        try:
            wire = await _request(reader, writer)
            name = wire.candidate
            count[name] += 1
            await serve(wire)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the other side has gone, or this one is to
        finally:
            count[name] -= 1 if name else 0
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", port, limit=1 << 20)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Wire:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    method, target, _ = head.split(" ", 2)
    whole, _, query = target.partition("?")
    _, candidate, *rest = whole.split("/", 2)
    wire = Wire(reader, writer, candidate, method, "/" + "".join(rest), query, head, b"")
    wire.body = await reader.readexactly(int(wire.field("content-length") or 0))
    return wire
