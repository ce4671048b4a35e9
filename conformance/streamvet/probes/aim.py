"""When a short run ends, learnt from the runs before it, so that somebody can join or cancel one just then.

Must not know what is done at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

# Of the moments half are spread over this time before and after the end: a request takes some milliseconds to get
# there, and a server some to end a run. The other half is as near as a loopback round trip can be aimed.
_WIDE_MS, _NARROW_MS = 30.0, 4.0
_LEARNT = 9  # runs: a machine that becomes slower in the middle of a try is followed


@dataclass(slots=True)
class Aim:
    """The ends of runs. `first_ms`: how long one takes as far as its script says."""

    first_ms: float
    _ends_ms: list[float] = field(default_factory=list)

    def ended(self, after_ms: float) -> None:
        """Note how long a run took, from its request to its ending at a reader."""
        self._ends_ms.append(after_ms)

    def moment_ms(self, random: Random) -> float:
        """When to act, from the request for the run."""
        end_ms = median(self._ends_ms[-_LEARNT:]) if self._ends_ms else self.first_ms
        spread_ms = random.choice((_WIDE_MS, _NARROW_MS))
        return max(end_ms + random.uniform(-spread_ms, spread_ms), 0.0)
