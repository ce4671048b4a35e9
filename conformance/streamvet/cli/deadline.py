"""When a run has to be over, and how the time until then is shared: tries, what is left to be judged, reports.

Must not know what is tried or judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet.campaign import deadline_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.cli.subjects import Subject

# Behind the last try: five seconds in which a launched candidate may stop, as long again to kill it and to judge what
# is left, and the rest for reports. Of a short run half, and a quarter.
_AFTER_TRIES_S, _FOR_REPORTS_S = 15.0, 6.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline of so many seconds after a moment. Moments are those of `recorder.now_us`."""

    begun_us: int
    seconds: float

    @property
    def tries_us(self) -> int:
        """When the last try is cut short."""
        return self._before(min(_AFTER_TRIES_S, self.seconds / 2))

    @property
    def judged_us(self) -> int:
        """When nothing more is judged."""
        return self._before(min(_FOR_REPORTS_S, self.seconds / 4))

    def _before(self, seconds: float) -> int:
        return self.begun_us + int((self.seconds - seconds) * 1e6)


def deadline_of(
    begun_us: int, seconds: float | None, subjects: Sequence[Subject], budget_s: float | None, seed: int
) -> Deadline:  # fmt: skip
    """The deadline that the user names; else that of the slowest candidate, and the budget for generated tries."""
    if seconds is None:
        seconds = (budget_s or 0.0) + max(
            deadline_s(one.profile, one.scale, one.target.max_active_runs, one.seeded(seed)) for one in subjects
        )
    return Deadline(begun_us, seconds)
