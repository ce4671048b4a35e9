"""Large bodies: who refuses one without having read it is heard, who reads it all gets all of it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.loading import load_profile
from streamvet.recorder import Ask, Recorder, Secrets, Tape
from streamvet.recorder.upload import LARGE_BYTES
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamvet.trace import Exchange

    Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
WITHIN_S = 30.0


async def posted(handle: Handle, body: bytes) -> Exchange:
    """The exchange of a POST of this body."""
    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handle(reader, writer)
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, Recorder(load_profile("rockstar"), Secrets()) as recorder:
        tape = Tape(recorder)
        live = tape.send(Ask("start:session", "start", "POST", url, body=body))
        await live.ended(WITHIN_S)
        await asyncio.wait_for(served.wait(), WITHIN_S)
        (one,) = await tape.exchanges()
        return one


@pytest.mark.parametrize("size", [1000, LARGE_BYTES, LARGE_BYTES + 1, 20 * LARGE_BYTES])
@pytest.mark.parametrize("after_s", [0, 0.02])
def test_a_refusal_of_a_body_that_nobody_reads_is_heard(size: int, after_s: float) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSAL)
        await writer.drain()
        await asyncio.sleep(after_s)
        writer.close()
        with contextlib.suppress(OSError):  # it was reset, as it has not read everything
            await writer.wait_closed()

    one = asyncio.run(posted(handle, b"x" * size))
    assert (one.status, one.ending, one.body) == (413, Ending.COMPLETE, b"{}")


@pytest.mark.parametrize("size", [LARGE_BYTES + 1, 20 * LARGE_BYTES])
def test_who_reads_it_gets_all_of_it(size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    read: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert f"content-length: {len(body)}\r\n".encode() in head.lower()
        read.append(hashlib.sha256(await reader.readexactly(len(body))).hexdigest())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    one = asyncio.run(posted(handle, body))
    assert (one.status, read) == (200, [hashlib.sha256(body).hexdigest()])
