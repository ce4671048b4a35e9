"""What a fault is: a row with a name, the one requirement that it violates, and how its seams are made.

It must not know any fault. Of the systems it knows the names alone: a row says on which of them it can be committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet_server.faults.fitted import Fitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet_server.faults.traits import Traits
    from streamvet_server.seams import Seams

GHOSTLY = ("ghostly",)
PROMPTFLOE = ("promptfloe",)
ROCKSTAR = ("rockstar",)
AGENT_WORKSPACE = ("agent-workspace",)
COSMA = ("cosma",)

# Why a fault is one of the whole server: no request is there when it takes hold.
CRASH = "it shows after a restart of the process"
STOP = "it shows when the server stops"

# An honest variant has the name of its fault and this behind it.
LEGAL = "-but-legal"


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour. `id` is None for an honest variant: legal, but only just.

    A `generated` one is shown by no stimulus that somebody has thought of: only those that are generated hit it. A
    `fixture` violates what no built-in profile asks for: it takes a profile that is made for it. `standing` says why it
    is one of the whole server, where no request can name it. `rare`: it takes hold of the rare events alone.
    """

    name: str
    id: str | None
    profiles: tuple[str, ...]
    note: str
    make: Callable[[], Seams] | Fitted
    generated: bool = False
    fixture: bool = False
    standing: str = ""
    rare: bool = False

    @property
    def of_rare_events(self) -> bool:
        """Whether it takes hold of the rare events of a system alone, which no second fault can change then."""
        return self.rare or (isinstance(self.make, Fitted) and self.make.rare)

    @property
    def honest(self) -> bool:
        """Whether every requirement still holds."""
        return self.id is None

    def seams(self, traits: Traits) -> Seams:
        """Its seams on a system with these traits, made anew: a fault may remember what it has seen."""
        return self.make.make(traits) if isinstance(self.make, Fitted) else self.make()
