"""An exchange drawn as a line: when bytes came, the longest silences, and where the finding is.

Numbers only, in thousandths of the exchange's duration. Must not know how the line is painted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamvet.outcome import Finding
    from streamvet.trace import Exchange

WIDTH = 1000
SILENCES = 3  # drawn: the longest ones
# A silence is drawn where it is a good part of the exchange and longer than any scheduling delay.
SILENCE_PART = 0.08
SILENCE_US = 20_000


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch in which nothing came; `guilty` where the finding lies in it or at its end."""

    start: int
    end: int
    duration_ms: float
    guilty: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """Positions from 0 to WIDTH."""

    ticks: tuple[int, ...]  # arrivals, at most WIDTH + 1 of them
    head: int | None
    finding: int
    silences: tuple[Silence, ...]
    duration_ms: float


def draw(exchange: Exchange, finding: Finding) -> Strip:
    """The line of one exchange, from its request to its end."""
    start, end = exchange.sent_us, max(exchange.ended_us, exchange.sent_us + 1)

    def place(at_us: int) -> int:
        return min(max(round((at_us - start) / (end - start) * WIDTH), 0), WIDTH)

    head = exchange.head.at_us if exchange.head else None
    moments = sorted({start, *([head] if head is not None else []), *exchange.times, end})
    least = max(SILENCE_US, int((end - start) * SILENCE_PART))
    pauses = sorted((pair for pair in pairwise(moments) if pair[1] - pair[0] >= least), key=lambda p: p[0] - p[1])
    silences = (
        Silence(place(low), place(high), (high - low) / 1000, low < finding.at_us <= high)
        for low, high in sorted(pauses[:SILENCES])
    )
    return Strip(
        ticks=tuple(sorted({place(at) for at in exchange.times})),
        head=place(head) if head is not None else None,
        finding=place(finding.at_us),
        silences=tuple(silences),
        duration_ms=(end - start) / 1000,
    )
