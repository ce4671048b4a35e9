"""Which faults are committed together: pairs that take hold at different places of the server, by a fixed rule.

Two defects of one server must both be found. Must not know what a fault does, nor how runs are performed.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.registry import Registry
    from streamvet.reference import Fault

PAIRS = 12  # of each profile: 60 on the five, which the time of a proof bears beside its 420 single faults


def pairs_of(
    faults: Sequence[Fault], profile: str, registry: Registry, count: int = PAIRS
) -> list[tuple[Fault, Fault]]:
    """Pairs of faults of two families with disjoint seams on a profile, not both of the same rare events.

    One after the other that whose faults, then whose families, were taken least often before; the first in the order of
    the faults where several are equal.
    """
    able = [one for one in faults if one.id is not None and not one.generated and one.seams.get(profile)]
    families = {one.name: registry.rows[one.id].family for one in able if one.id is not None}
    left = [
        (one, other)
        for one, other in combinations(able, 2)
        if families[one.name] != families[other.name]
        and one.seams[profile].isdisjoint(other.seams[profile])
        and not (one.rare and other.rare)
    ]
    taken: Counter[str] = Counter()
    found: list[tuple[Fault, Fault]] = []
    while left and len(found) < count:
        best = min(left, key=lambda pair: _often(pair, taken, families))
        left.remove(best)
        found.append(best)
        taken.update(name for one in best for name in (one.name, families[one.name]))
    return found


def _often(pair: tuple[Fault, Fault], taken: Counter[str], families: dict[str, str]) -> tuple[int, int]:
    """How often the faults of a pair were taken before, and how often their families were."""
    return sum(taken[one.name] for one in pair), sum(taken[families[one.name]] for one in pair)
