"""A server in a thread of its own, which answers any request with given bytes, piece by piece."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Served(NamedTuple):
    """Its address, and the heads of the requests that came."""

    url: str
    requests: list[str]


@contextmanager
def served(answer: Callable[[str], Sequence[bytes | float]]) -> Iterator[Served]:
    """Answer each request by what a function makes of its head: bytes to write, and seconds to wait; then close."""
    requests: list[str] = []
    ports: SimpleQueue[int] = SimpleQueue()
    over = threading.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            requests.append(head)
            for piece in answer(head):
                if isinstance(piece, bytes):
                    writer.write(piece)
                    await writer.drain()
                else:
                    await asyncio.sleep(piece)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # who asked has left, or the test is over
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def serve() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(over.wait)
        server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{ports.get()}/events", requests)
    finally:
        over.set()
        thread.join()


def head(status: str = "200 OK", *fields: str) -> bytes:
    """The head of an answer that ends with the connection."""
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "Connection: close", "", ""]).encode()


SSE = head("200 OK", "Content-Type: text/event-stream", "Cache-Control: no-store", "X-Accel-Buffering: no")
