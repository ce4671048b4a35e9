"""What the bench saw of a client: what it delivered, what it asked for, how it ended.

Must not know a vector, nor what a client should have done.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its fields by lower-case names, and when it came, in seconds of the loop's clock."""

    at_s: float
    headers: Mapping[str, str]


@dataclass(slots=True)
class Observed:
    """One client on one vector, as it goes on. `changed` is set anew with each thing that happens."""

    delivered: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # what it told its application
    requests: list[Asked] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)  # when each answer was over, as far as it was
    not_in_time: list[int] = field(default_factory=list)  # so many events should have been delivered, and were not
    ended: bool = False  # the event by which the bench knows that all was read
    exit_code: int | None = None  # None: it was still running
    said: str = ""  # the last of what it wrote to stderr
    strange: str = ""  # a line that is no event
    waited_out: bool = False  # something was waited for until its time was over
    over: bool = False  # nobody looks at the client any more
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def left(self) -> bool:
        """Whether the client has ended by itself."""
        return self.exit_code is not None

    def tell(self) -> None:
        """Something has happened."""
        self.changed.set()

    async def until(self, holds: Any, within_s: float) -> bool:
        """Wait until something holds, for so long at most. Returns whether it does."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            return bool(holds())
        return True
