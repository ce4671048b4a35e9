"""Which findings of a trace other violations explain, so that one defect gives one finding and hides no second one.

Must not know how a verdict is folded from findings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamvet.contract.registry import Requirement
    from streamvet.outcome import Finding, Outcome


_WEIGHT = {"NOTE": 0, "SHOULD": 1, "MUST": 2}


@dataclass(frozen=True, slots=True)
class _Guilt:
    """The exchanges in which a requirement has findings, and those in which it has some that are not about time."""

    any: frozenset[str]
    untimed: frozenset[str]

    def explains(self, finding: Finding, places: Iterable[str]) -> bool:
        """Whether it explains a finding about one of these exchanges. Time explains time alone."""
        return not (self.any if finding.timed else self.untimed).isdisjoint(places)


class Explanations:
    """The explanations that the outcomes of one trace give for each other."""

    def __init__(self, levels: Mapping[str, str], outcomes: Mapping[str, Outcome]) -> None:
        self._levels = levels
        self._guilt = {
            name: _Guilt(
                frozenset(one.exchange for one in outcome),
                frozenset(one.exchange for one in outcome if not one.timed),
            )
            for name, outcome in outcomes.items()
            if isinstance(outcome, list) and outcome
        }

    def __call__(self, row: Requirement, finding: Finding, unread: Mapping[str, frozenset[str]]) -> Finding:
        """A finding of a row with the ids that explain it, none where it is a violation of its own.

        `unread` has, by exchange, the ids that events violate which were hidden from the check: these explain only that
        something is absent, and only in the exchange in which it is. What weighs less explains nothing that weighs
        more: a SHOULD no MUST, a NOTE neither.
        """
        places = {finding.exchange, *finding.beside}
        causes = [
            name for name in row.explained_by if name in self._guilt and self._guilt[name].explains(finding, places)
        ]
        if finding.absent:
            causes += sorted(unread.get(finding.exchange, ()))
        heavy = [name for name in causes if _WEIGHT[self._levels.get(name, "MUST")] >= _WEIGHT[row.level]]
        return replace(finding, explained_by=tuple(dict.fromkeys(heavy)))
