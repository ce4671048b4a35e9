"""The clock: monotonic microseconds, waits, and a meter of how late the suite itself is.

Must not know what is waited for. The event loop's own clock is the same monotonic one.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left

# Short against the least tolerance (100 ms, of which a quarter counts); 200 wake-ups a second cost under 1 % of a core.
_PERIOD_S = 0.005
# Timers of the loop are late by less than this when nothing is wrong; such samples are not kept.
_NOTEWORTHY_US = 1000


def now_us() -> int:
    """Monotonic time in µs, from an arbitrary zero."""
    return time.monotonic_ns() // 1000


def wall_clock_s() -> float:
    """Unix time in seconds."""
    return time.time()


async def pause(seconds: float) -> None:
    """Let this much time pass. For waits that the profile mandates and for staggering, never for guessing."""
    await asyncio.sleep(max(seconds, 0.0))


async def wait_until(at_us: int) -> None:
    """Wait for a moment of `now_us`."""
    while (left_us := at_us - now_us()) > 0:  # noqa: ASYNC110 - a moment is no event; a sleep may end a little early
        await asyncio.sleep(left_us / 1e6)


class JitterMeter:
    """A timer on the loop that notes whenever it fires late: so late is everything else on the loop."""

    def __init__(self) -> None:
        self._at_us: list[int] = []
        self._late_us: list[int] = []
        self._task: asyncio.Task[None] | None = None
        self._due_us = 0

    def start(self) -> None:
        """Begin to measure, on the running loop."""
        self._task = asyncio.create_task(self._measure(), name="jitter meter")

    async def stop(self) -> None:
        """Stop measuring; the samples stay."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _measure(self) -> None:
        while True:
            self._due_us = now_us() + int(_PERIOD_S * 1e6)
            await asyncio.sleep(_PERIOD_S)
            now = now_us()
            if now - self._due_us > _NOTEWORTHY_US:
                self._at_us.append(now)
                self._late_us.append(now - self._due_us)

    def late(self, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """When it was late within the window, and for how long each time, in µs. Times are those of `now_us`."""
        first = bisect_left(self._at_us, start_us)
        found = [(at - late, late) for at, late in zip(self._at_us[first:], self._late_us[first:], strict=True)]
        if self._due_us and (unnoted := now_us() - self._due_us) > _NOTEWORTHY_US:
            found.append((self._due_us, unnoted))
        inside = ((max(at, start_us), min(at + late, end_us)) for at, late in found)
        return [(since, until - since) for since, until in inside if until > since]
