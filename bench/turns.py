"""Sides measured in turns, A B A B, in one run: what a machine and its other work do to one of them they do to all.

Only ratios mean anything. Each is that of medians, with the smallest and the largest of the turns beside it.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Ratio:
    """How a side compares with ours: above 1, ours is that many times as good.

    `least` and `most` are the ratios of single turns. `target` is what was aimed at, None where nothing was; `limit`
    says what bounds ours physically.
    """

    what: str
    beside: str
    ratio: float
    least: float
    most: float
    turns: int
    unit: str
    ours: float
    theirs: float
    target: float | None = None
    limit: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met; True where there is none."""
        return self.target is None or self.ratio >= self.target


def in_turns(sides: Mapping[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """The costs of each side, by turns; each side is measured once in each of them."""
    costs: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, measure in sides.items():
            costs[name].append(measure())
    return costs


def ratio(
    what: str, beside: str, ours: list[float], theirs: list[float], unit: str, *, target: float | None = None,
    limit: str = "",
) -> Ratio:  # fmt: skip
    """Theirs over ours, of costs."""
    each = [b / a for a, b in zip(ours, theirs, strict=True)]
    mine, other = statistics.median(ours), statistics.median(theirs)
    return Ratio(
        what, beside, round(other / mine, 3), round(min(each), 3), round(max(each), 3), len(each), unit,
        round(mine, 6), round(other, 6), target, limit,
    )  # fmt: skip


def record(part: str, facts: Mapping[str, object], ratios: list[Ratio]) -> None:
    """Write a part of the results, in the place of what it was before."""
    held = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    held[part] = {**facts, "ratios": [asdict(one) for one in ratios]}
    RESULTS.write_text(json.dumps(dict(sorted(held.items())), indent=2) + "\n", encoding="utf-8")


def tell(ratios: list[Ratio]) -> None:
    """Print ratios, a line each."""
    for one in ratios:
        aim = "" if one.target is None else f", aimed at {one.target:g}{'' if one.met else ': MISSED'}"
        print(f"{one.what}: {one.ratio:.2f} x {one.beside} ({one.least:.2f} to {one.most:.2f} in {one.turns}{aim})")
