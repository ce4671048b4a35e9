"""One streaming answer: its head, its frames in order, its end.

It must not know systems or where events come from: a system hands it documents and says how one becomes bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from streamvet_server.seams import Ahead, Answer, Close, Held, Pause, Piece, Raw, Scene, Shown, Why
from streamvet_server.site import Site, wait

# `write` does not yield while the socket takes data, so a burst to one reader would hold up everybody's timers.
# Every 16 frames the worst delay measured was 2.7 ms (2.2 s without), at seven tenths of the throughput.
YIELD_EVERY_FRAMES = 16

# The bytes of one frame, from its name and document.
Encode = Callable[[str, Any], bytes]


class Ended(Exception):  # noqa: N818 -- an order, not an error
    """A seam has ended the stream inside a frame."""


class _Delimited(web.StreamResponse):
    """A message that ends with its connection."""

    _length_check = False  # aiohttp chooses the chunked coding where it checks the length


class Stream:
    """A streaming answer to one request. `response` is what the handler returns in the end."""

    def __init__(self, site: Site, scene: Scene, request: web.Request, encode: Encode) -> None:
        self._site = site
        self._scene = scene
        self._request = request
        self._encode = encode
        self._frames = 0
        self.plain = site.plain(scene)  # nothing is made of its events but what `show_shared` is given
        self._held = b""
        self._overdue: asyncio.Task[None] | None = None
        self.response = web.StreamResponse()

    async def open(self, headers: Mapping[str, str]) -> None:
        """Send the head."""
        answer = Answer(200, {**self._site.system.headers, **headers})
        answer = self._site.seams.head(self._scene, answer)
        await wait(self._site, self._scene, "answer")
        await self._site.seams.turn(self._scene)
        kind = web.StreamResponse if answer.chunked else _Delimited
        self.response = kind(status=answer.status, headers=dict(answer.headers))
        if not answer.chunked:
            self.response.force_close()
        if answer.at_once:
            await self._begin()

    async def _begin(self) -> None:
        """Let the head go out, where it has not."""
        if not self.response.prepared:
            await self.response.prepare(self._request)

    async def show(
        self, name: str, document: Any, *, number: int | None = None, replayed: bool = False, last: bool = False
    ) -> None:
        """Send one event, or whatever the seams make of it."""
        shown = Shown(self._scene, name, self._frames, number, replayed, last)
        for made in self._site.seams.document(shown, document):
            for piece in self._site.seams.frame(shown, self._encode(name, made)):
                await self._put(piece)
        self._frames += 1
        if self._frames % YIELD_EVERY_FRAMES == 0:
            await asyncio.sleep(0)

    async def show_shared(self, octets: bytes) -> None:
        """Send one event that is encoded already; only where the stream is plain."""
        if not self.response.prepared:
            await self._begin()
        await self.response.write(octets)
        self._frames += 1
        if self._frames % YIELD_EVERY_FRAMES == 0:
            await asyncio.sleep(0)

    async def close(self, why: Why) -> None:
        """End the stream."""
        await self._begin()
        await self._release()
        await wait(self._site, self._scene, "close")
        await self._end(self._site.seams.close(self._scene, why))

    async def _put(self, piece: Piece) -> None:
        if not isinstance(piece, Pause | Held):
            await self._begin()
        match piece:
            case bytes():
                await self._release()
                await self.response.write(piece)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Held(octets, at_most_s, alone):
                if alone:
                    await self._release()
                self._held += octets
                self._overdue = self._overdue or asyncio.create_task(self._release_in(at_most_s))
            case Ahead(octets):
                await self.response.write(octets)
            case Raw(octets):
                if self._request.transport is not None:
                    self._request.transport.write(octets)
            case Close():
                await self._end(piece)
                raise Ended

    async def _release_in(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._overdue = None
        with contextlib.suppress(ConnectionError, RuntimeError):  # the stream may be over by now
            await self._release()

    async def _release(self) -> None:
        """Write what is held."""
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        held, self._held = self._held, b""
        if held:
            await self._begin()
            await self.response.write(held)

    async def _end(self, how: Close) -> None:
        transport = self._request.transport
        match how:
            case Close.CLEAN:
                if transport is not None:
                    # Whoever writes waits from now on until all is with the operating system: a process that ends
                    # takes along what is still its own.
                    transport.set_write_buffer_limits(0)
                await self.response.write_eof()
                if transport is not None:
                    transport.set_write_buffer_limits()
            case Close.TALKING if transport is not None:
                await self.response.write_eof()
                transport.write(b": keepalive\n")
            case Close.BARE if transport is not None:
                transport.close()
            case Close.ABORT if transport is not None:
                transport.abort()
            case Close.NEVER:
                await self._site.stopping.wait()
