"""The small server of the bench: it answers each connection of a client with what the vector has for it.

It speaks HTTP/1.1 by itself, so that every octet and every end is as the vector says. It must not know what a client
should make of it, nor how one is started.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from streamvet.clients.observed import Asked, Observed
from streamvet.clients.vectors import Until, Wait

if TYPE_CHECKING:
    from streamvet.clients.vectors import Answer, Step, Vector

PATH = "/stream"
# A page for browsers, whose scripts are then of the same origin.
_PAGE = b"<!doctype html><title>streamvet</title>"
_MOST_HEAD_BYTES = 64 * 1024
# Between two pieces, so that a client sees each by itself: more than a loopback needs, less than anybody waits.
APART_S = 0.002
UNTIL_S = 3.0  # a client that delivers at all delivers sooner; what is over it is tried again with more patience
_REASONS = {200: "OK", 204: "No Content", 404: "Not Found", 410: "Gone", 500: "Internal Server Error"}


@dataclass(slots=True)
class Bench:
    """One vector as it is served: a server, and what it sees of the client."""

    vector: Vector
    seen: Observed
    until_s: float = UNTIL_S
    url: str = ""
    _server: asyncio.Server | None = None
    _open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        """Listen on a free port of the loopback address."""
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=_MOST_HEAD_BYTES)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}{PATH}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop listening, and let the answers that are open end."""
        if self._server is not None:
            self._server.close()
        self.seen.over = True
        self.seen.tell()
        if self._open:
            await asyncio.wait(self._open, timeout=10 * APART_S)
        for writer in self._open.values():  # a browser keeps connections in store, on which it asks for nothing
            writer.transport.abort()
        if self._open:
            await asyncio.wait(self._open)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._open[task] = writer
        task.add_done_callback(self._open.pop)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            try:
                await self._serve(await reader.readuntil(b"\r\n\r\n"), writer)
            finally:
                writer.close()

    async def _serve(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        first, *lines = head.decode("utf-8", "replace").split("\r\n")
        method, path, *_ = [*first.split(" "), "", ""]
        if path != PATH or method not in ("GET", "POST"):
            await _plain(writer, 200 if path == "/" else 404, _PAGE)
            return
        fields = {name.strip().lower(): value.strip(" \t") for name, _, value in (one.partition(":") for one in lines)}
        number = len(self.seen.requests)
        self.seen.requests.append(Asked(asyncio.get_running_loop().time(), fields))
        self.seen.tell()
        if number < len(self.vector.answers):
            await self._answer(self.vector.answers[number], writer)
        else:  # more than anybody expected: nothing is to come
            await _plain(writer, 204, b"")
        self.seen.answered_s.append(asyncio.get_running_loop().time())
        self.seen.tell()

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(answer.head_after_ms / 1000)
        if answer.status == 204:
            await _plain(writer, 204, b"")
            return
        coding = "Transfer-Encoding: chunked\r\n" if answer.chunked else ""
        coding += "" if answer.persistent else "Connection: close\r\n"
        writer.write(
            f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}\r\nContent-Type: {answer.type}\r\n"
            f"Cache-Control: no-store\r\n{coding}\r\n".encode()
        )
        await writer.drain()
        for step in answer.steps:
            await self._step(step, answer, writer)
        await self._end(answer, writer)

    async def _step(self, step: Step, answer: Answer, writer: asyncio.StreamWriter) -> None:
        match step:
            case Wait(ms):
                await asyncio.sleep(ms / 1000)
            case Until(count):
                if not await self.seen.until(lambda: self.seen.over or len(self.seen.delivered) >= count, self.until_s):
                    self.seen.not_in_time.append(count)
                    self.seen.waited_out = True
            case bytes():
                writer.write(b"%x\r\n%b\r\n" % (len(step), step) if answer.chunked else step)
                await writer.drain()
                await asyncio.sleep(APART_S)

    async def _end(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        match answer.end:
            case "complete":
                writer.write(b"0\r\n\r\n" if answer.chunked else b"")
                await writer.drain()
            case "reset":
                await asyncio.sleep(10 * APART_S)  # what was sent is read: a reset may take it along
                writer.transport.abort()
            case "open":
                await self.seen.until(lambda: self.seen.over or self.seen.left(), 3600)
            case _:
                pass


async def _plain(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    """A whole answer with its length."""
    length = b"" if status == 204 else f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\n".encode()
    writer.write(f"HTTP/1.1 {status} {_REASONS[status]}\r\nConnection: close\r\n".encode() + length + b"\r\n" + body)
    await writer.drain()
