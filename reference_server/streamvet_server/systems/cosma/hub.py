"""Everybody's stream: what is published goes to every listener, in one order, and waits for none of them.

It must not know what is published, HTTP or files. Nothing is kept for those who come later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from streamvet_server.log import Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamvet_server.seams import Scene, Seams, Update

# Updates that one listener may have waiting. There is no log from which it could read on, so past it the listener is
# cut off. A thousand in one burst are usual; publishers of many pause in between, so that only who stalls gets here.
BOUND_UPDATES = 1024


class Listener:
    """One reader's place: what was published since it came, and has not been taken yet."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self._cut = cut
        self._queue: deque[Update] = deque()
        self._stopped = False
        self._wake = asyncio.Event()

    def push(self, update: Update) -> bool:
        """Something was published. Returns False where the listener had to be cut off."""
        if len(self._queue) >= BOUND_UPDATES:
            self._queue.clear()
            self._cut()
            return False
        self._queue.append(update)
        self._wake.set()
        return True

    def stop(self) -> None:
        """Tell the reader that nothing will come any more, without what waits."""
        self._stopped = True
        self._wake.set()

    async def next(self, until: float) -> Update | Mark:
        """What was published next, or `TICK` at a time of the event loop's clock, or `STOPPED`."""
        while not self._stopped:
            if self._queue:
                return self._queue.popleft()
            self._wake.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._wake.wait()
            except TimeoutError:
                return Mark.TICK
        return Mark.STOPPED


class Hub:
    """All listeners."""

    def __init__(self, seams: Seams) -> None:
        self._seams = seams
        self._listeners: set[Listener] = set()
        self._last: Update | None = None

    def publish(self, scene: Scene, updates: Sequence[Update]) -> None:
        """Give updates to every listener. To be called with none, too, where somebody could expect one."""
        if self._last is None:
            for update in self._seams.publish(scene, updates):
                self._give(update)

    def close(self, last: Update) -> None:
        """Give the last update to every listener, and to whoever comes after it."""
        self._give(last)
        self._last = last

    def listen(self, cut: Callable[[], None]) -> Listener:
        """A new listener. `cut` ends its connection at once. To be left by the caller."""
        listener = Listener(cut)
        self._listeners.add(listener)
        if self._last is not None:
            listener.push(self._last)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        self._listeners.discard(listener)

    def clear(self) -> None:
        """End every listener."""
        for listener in self._listeners:
            listener.stop()

    def _give(self, update: Update) -> None:
        for listener in tuple(self._listeners):
            if not listener.push(update):
                self._listeners.discard(listener)
