"""The process that makes stimuli, a batch ahead of whoever tries them.

Making one takes as long as trying it, and must not hold up the loop that times heartbeats. Must not know what comes of
the stimuli.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from concurrent.futures import Future
    from types import TracebackType

    from streamvet.generation.ground import Ground
    from streamvet.probes.setting import Stimulus

# Small, so that the first ones are there soon; large against what a batch takes by itself, some hundredths of a second.
BATCH = 20
_NICE = 5  # what is tried comes first


class Source:
    """Stimuli of one seed, in their order. Used as a context; the process begins with it and ends with it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, context, initializer=_begin)

    def __enter__(self) -> Self:
        self._pool.submit(_warm_up)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def stimuli(self, ground: Ground) -> AsyncIterator[Stimulus]:
        """One after the other, without end unless there are no more."""
        number = 0
        following = self._batch(ground, number)
        while True:
            made, number = following, number + 1
            following = self._batch(ground, number)
            try:
                found = await asyncio.wrap_future(made)
            except BrokenProcessPool:  # interrupted together with us, or out of memory: nothing more to try
                return
            for stimulus in found:
                yield stimulus
            if not found:
                return

    def _batch(self, ground: Ground, number: int) -> Future[list[Stimulus]]:
        return self._pool.submit(_made, ground, self._seed, number)


# ------------------------------------------------------------------------------------------ in the other process


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent knows when it has enough
    os.nice(_NICE)


def _warm_up() -> None:
    """Load what takes time to load."""
    from streamvet.generation import batches, programs  # noqa: F401, PLC0415 - only this process imports Hypothesis


def _made(ground: Ground, seed: int, number: int) -> list[Stimulus]:
    from streamvet.generation.batches import batch  # noqa: PLC0415 - as above
    from streamvet.generation.programs import stimuli  # noqa: PLC0415 - as above

    return batch(stimuli(ground), seed, number, BATCH)
