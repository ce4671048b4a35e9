"""Places that tries take and give back, in the order of asking; a gate that is shut while others need the place.

And a watch for how long who came to one had to wait. Must not know
what the places are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from streamvet.recorder import now_us

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Slots:
    """`total` places. Who asks first is served first, so that a large request is not starved by small ones."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def taken(self, count: int) -> AsyncIterator[None]:
        """Take `count` places for the length of the block."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((count, turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # served and cancelled in the same moment
                self._free += count
            self._serve()
            raise
        try:
            yield
        finally:
            self._free += count
            self._serve()

    def _serve(self) -> None:
        while self._queue and self._queue[0][0] <= self._free:
            count, turn = self._queue.popleft()
            if not turn.done():  # cancelled while it waited
                self._free -= count
                turn.set_result(None)


class Gate:
    """Lets pass whoever comes, unless somebody holds it shut; several may do so at once."""

    def __init__(self) -> None:
        self._holders = 0
        self._inside = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """Wait until nobody holds it shut, and be inside for the length of the block."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._holders == 0)
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            await self._tell()

    @asynccontextmanager
    async def shut(self) -> AsyncIterator[None]:
        """Hold it shut for the length of the block, which begins when nobody is inside any more."""
        self._holders += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self._inside == 0)
            yield
        finally:
            self._holders -= 1
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Queue:
    """Knows for how long there was somebody waiting."""

    def __init__(self) -> None:
        self._waiting = 0
        self._since_us = 0
        self._waited_us = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for the length of the block."""
        if not self._waiting:
            self._since_us = now_us()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._waited_us += now_us() - self._since_us

    def waited_us(self) -> int:
        """The time in which at least one was waiting."""
        return self._waited_us + (now_us() - self._since_us if self._waiting else 0)
