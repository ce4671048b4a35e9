"""What a mode is: a row with a name, the sentence of the standard that makes it legal, and how its seams are made.

It must not know any mode. Of the systems it knows the names alone: a row says on which of them it can be served.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamvet_server.faults.fault import AGENT_WORKSPACE, COSMA, GHOSTLY, PROMPTFLOE, ROCKSTAR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamvet_server.faults.traits import Traits
    from streamvet_server.seams import Seams

SSE = GHOSTLY + AGENT_WORKSPACE + COSMA
NDJSON = PROMPTFLOE + ROCKSTAR


@dataclass(frozen=True, slots=True)
class Mode:
    """One form of a stream that is legal and hard to read.

    `standard` names the section, `sentence` says what of it allows the form. `breaks` has, for a system that promises
    more than the standard asks for, the requirement that the form violates there.
    """

    name: str
    profiles: tuple[str, ...]
    note: str
    standard: str
    sentence: str
    make: Callable[[], Seams]
    breaks: Mapping[str, str] = field(default_factory=dict)
    standing: str = ""

    def seams(self, _traits: Traits) -> Seams:
        """Its seams, made anew: no mode goes by the traits of a system."""
        return self.make()
