"""When several campaigns share a process: what they must not do to each other.

What made a wait too late for a verdict is most often the suite itself, so it is repeated when none of them does
anything else. Must not know tries.
"""

from __future__ import annotations

import asyncio

from streamvet.campaign.slots import Gate


class Calm:
    """Calm for `campaigns` of them: each says once that it is through."""

    def __init__(self, campaigns: int = 1) -> None:
        self._campaigns = campaigns
        self._waiting: set[int] = set()
        self._calm = asyncio.Event()
        self.bustle = Gate()  # of what need not be tried now, shut by waits that it would make late

    def waits(self, campaign: object) -> None:
        """This campaign is through, but for what it has to repeat."""
        self._waiting.add(id(campaign))
        if len(self._waiting) >= self._campaigns:
            self._calm.set()

    async def wait(self) -> None:
        """Wait until they all are."""
        await self._calm.wait()
