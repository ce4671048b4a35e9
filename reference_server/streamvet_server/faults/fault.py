"""What a fault is: a row with a name, the one requirement that it violates, and how its seams are made.

It must not know any fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet_server.seams import Seams

BOTH = ("ghostly", "promptfloe")
GHOSTLY = ("ghostly",)
PROMPTFLOE = ("promptfloe",)
ROCKSTAR = ("rockstar",)
FLEET = ("agent-workspace",)
COSMA = ("cosma",)


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour. `id` is None for an honest variant: legal, but only just.

    A `generated` one is shown by no stimulus that somebody has thought of: only those that are generated hit it.
    """

    name: str
    id: str | None
    profiles: tuple[str, ...]
    note: str
    make: Callable[[], Seams]  # anew for each server, as a fault may remember what it has seen
    generated: bool = False

    @property
    def honest(self) -> bool:
        """Whether every requirement still holds."""
        return self.id is None
