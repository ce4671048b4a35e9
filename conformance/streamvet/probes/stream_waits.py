"""Waits on the streams of a try: until one has begun, until its run has ended, until it is over. All are bounded.

Must not know how a stream is requested, nor what follows from what comes or does not.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.contract.profile import matches
from streamvet.probes.bounds import patience_s
from streamvet.trace import Ending

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.probes.bounds import Bounds
    from streamvet.probes.candidate import Candidate
    from streamvet.probes.setting import Stimulus
    from streamvet.recorder import Live, Seen


class StreamWaits:
    """The waits of one try."""

    def __init__(self, candidate: Candidate, profile: Profile, stimulus: Stimulus, bounds: Bounds) -> None:
        self._candidate = candidate
        self._profile = profile
        self._stimulus = stimulus
        self._bounds = bounds

    def is_terminal(self, event: Seen) -> bool:
        """Whether an event ends its run."""
        terminal = self._profile.terminal
        return terminal is not None and event.kind is not None and matches(event.kind, terminal.events)

    async def has_begun(self, live: Live) -> bool:
        """Whether a stream has its head, and the first event where the profile says that there is one at once."""
        if await live.head(self._bounds.answer_s) is None:
            return False
        first = self._profile.field("catchup.first")
        if not first:
            return True
        return await live.until(lambda _event: True, patience_s(first["within_ms"]), "the first event") is not None

    async def sees_some(self, live: Live, count: int) -> bool:
        """Wait for so many events of any kind, no longer than for an answer; the stream goes on either way."""
        try:
            async with asyncio.timeout(self._bounds.answer_s):
                return await live.until(lambda _seen: len(live.seen) >= count, self._bounds.run_s) is not None
        except TimeoutError:
            return False

    async def terminal(self, live: Live, within_s: float | None = None) -> bool:
        """Wait until a reader has seen that the run has ended."""
        if within_s is not None or self._stimulus.get("script") is not None:
            limit_s = self._bounds.run_s if within_s is None else within_s
            return await live.until(self.is_terminal, limit_s, "the terminal event") is not None
        # Nobody knows how long a run takes that is not told what to do; but not each of them is waited for in vain.
        patience, name = self._candidate.endings, f"{self._stimulus.get('kind')}: {self._stimulus.get('input')}"
        over = await live.until(self.is_terminal, patience.seconds(name, self._bounds.run_s), "the terminal event")
        if over is None and live.ending is Ending.TIMED_OUT:
            patience.missed(name)
        elif over is not None:
            patience.came(name)
        return over is not None

    async def to_end(self, live: Live, within_s: float | None = None) -> bool:
        """Read a stream to its end; gives whether it had the terminal event."""
        seen = await self.terminal(live, within_s)
        await live.ended(self._bounds.close_s)
        return seen

    async def observe(self, live: Live, for_s: float) -> None:
        """Look at a stream for so long from its head, then leave it."""
        if await live.head(self._bounds.answer_s) is not None and not await live.over(for_s):
            await live.cut("observed for long enough")
