"""Places that tries take and give back, in the order of asking: a semaphore with weights.

Must not know what the places are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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
