"""Tiny servers that send raw bytes, and the recorder that talks to them. For the tests of this room."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from streamvet.contract.loading import load_profile
from streamvet.contract.route import DIRECT, Route
from streamvet.recorder import LIMITS, Ask, CutPlan, Limits, Live, Recorder, Secrets, Tape

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from streamvet.trace import Exchange

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SOON_S = 5.0  # every wait that must succeed ends long before; a test that fails ends all the same
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def assist(seq: int, text: str = "x") -> bytes:
    """An event that counts as ghostly's history."""
    event = f'{{"kind":"assist","type":"recon","seq":{seq},"at":"2026-01-01T00:00:00Z","payload":{{"note":"{text}"}}}}'
    return f"event: assist\ndata: {event}\nid: {seq}\n\n".encode()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """The head of a request."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial


def sends(*pieces: bytes, reset: bool = False, stay: asyncio.Event | None = None) -> Handler:
    """A server that answers with these bytes and closes: after `stay`, or with a reset."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if stay:
            await stay.wait()
        if reset:
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return handle


@asynccontextmanager
async def serving(
    handle: Handler, *, tls: ssl.SSLContext | None = None, socket_file: Path | None = None
) -> AsyncIterator[str]:
    """The base URL of a server with this handler."""

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    if socket_file is not None:
        server: asyncio.Server = await asyncio.start_unix_server(closing, socket_file, ssl=tls)
    else:
        server = await asyncio.start_server(closing, "127.0.0.1", 0, ssl=tls)
    try:
        where = "unix.example" if socket_file is not None else f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield f"{'https' if tls else 'http'}://{where}"
    finally:
        server.close()
        await server.wait_closed()


@contextmanager
def standing(handle: Handler, **how: Any) -> Iterator[str]:
    """The same server in a thread of its own, for tests whose suite runs in another process."""
    addresses: SimpleQueue[str] = SimpleQueue()
    over = threading.Event()

    async def stand() -> None:
        async with serving(handle, **how) as url:
            addresses.put(url)
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(stand(),))
    thread.start()
    try:
        yield addresses.get()
    finally:
        over.set()
        thread.join()


@asynccontextmanager
async def recording(
    limits: Limits = LIMITS, secrets: Secrets | None = None, route: Route = DIRECT
) -> AsyncIterator[Tape]:
    """A tape on a recorder for ghostly's streams; nothing of ours may have gone wrong at the end."""
    async with Recorder(load_profile("ghostly"), secrets or Secrets(), limits, route) as recorder:
        yield Tape(recorder)
    assert recorder.errors == []


def get(tape: Tape, url: str, *, cut: CutPlan | None = None, stalls: bool = False, role: str = "reader") -> Live:
    """A request for a stream."""
    return tape.send(Ask("attach", role, "GET", url, about={"meant": "stream"}, cut=cut, stalls=stalls))


async def recorded(
    handle: Handler,
    limits: Limits = LIMITS,
    cut: CutPlan | None = None,
    within_s: float = SOON_S,
) -> Exchange:
    """The exchange of one request to a server with this handler, waited for to its end."""
    async with serving(handle) as url, recording(limits) as tape:
        await get(tape, url, cut=cut).ended(within_s)
        (exchange,) = await tape.exchanges()
        return exchange
