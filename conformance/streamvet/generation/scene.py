"""What the parts of a generated stimulus depend on: the candidate, and when its events are due.

Must not know Hypothesis, nor what is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Profile
    from streamvet.generation.ground import Ground

NAME = "generated"  # of every stimulus
_UNKNOWN_MS = (0.0, 50.0, 200.0, 1000.0)  # moments of a run of which nobody said what it does


@dataclass(frozen=True, slots=True)
class Scene:
    """What the parts of a stimulus depend on. `moments_ms`: when each event is due, then the end of the script."""

    ground: Ground
    profile: Profile
    moments_ms: Sequence[float] = _UNKNOWN_MS

    @property
    def events(self) -> int:
        """How many events there are."""
        return len(self.moments_ms) - 1

    def unscaled(self, real_ms: float) -> float:
        """A time as a stimulus has it."""
        return round(max(real_ms, 0.0) / self.ground.scale, 3)

    def time(self, name: str, real_ms: float) -> dict[str, float]:
        """A member with a time, none where that is 0."""
        return {name: self.unscaled(real_ms)} if real_ms else {}
