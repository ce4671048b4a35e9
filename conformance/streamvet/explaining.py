"""Which findings of a trace other violations explain, so that one defect gives one finding and hides no second one.

Must not know how a verdict is folded from findings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamvet.contract.requirement import Requirement
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
    """The explanations that the outcomes of one trace give for each other.

    `unread` has for each requirement, by exchange, the ids that events violate which were hidden from its check. These
    explain only that something is absent, and only in the exchange in which it is. What they explain explains nothing
    else: else they would explain a wrong value by way of something absent. `firsts` has the exchange for which others
    stand as well, as they are pieces of one stream.
    """

    def __init__(
        self,
        levels: Mapping[str, str],
        outcomes: Mapping[str, Outcome],
        unread: Mapping[str, Mapping[str, frozenset[str]]],
        firsts: Mapping[str, str],
    ) -> None:
        self._firsts = firsts
        self._levels = levels
        self._unread = unread
        visible = {
            name: [one for one in outcome if not self._hidden(name, one)]
            for name, outcome in outcomes.items()
            if isinstance(outcome, list)
        }
        self._guilt = {
            name: _Guilt(
                self._streams(one.exchange for one in findings),
                self._streams(one.exchange for one in findings if not one.timed),
            )
            for name, findings in visible.items()
        }

    def __call__(self, row: Requirement, finding: Finding) -> Finding:
        """A finding of a row with the ids that explain it, none where it is a violation of its own."""
        places = self._streams((finding.exchange, *finding.beside))
        causes = [
            name for name in row.explained_by if name in self._guilt and self._guilt[name].explains(finding, places)
        ]
        causes = self._weighty(row.id, causes) + self._hidden(row.id, finding)
        return replace(finding, explained_by=tuple(dict.fromkeys(causes)))

    def _streams(self, exchanges: Iterable[str]) -> frozenset[str]:
        """Exchanges, those of one stream as its first one."""
        return frozenset(self._firsts.get(one, one) for one in exchanges)

    def _hidden(self, requirement: str, finding: Finding) -> list[str]:
        """The ids that what may be hidden violates, where a finding says that something is absent."""
        unread = self._unread.get(requirement, {}).get(finding.exchange, frozenset()) if finding.absent else frozenset()
        return self._weighty(requirement, sorted(unread))

    def _weighty(self, requirement: str, causes: list[str]) -> list[str]:
        """What weighs less explains nothing that weighs more: a SHOULD no MUST, a NOTE neither."""
        weight = _WEIGHT[self._levels[requirement]]
        return [name for name in causes if _WEIGHT[self._levels.get(name, "MUST")] >= weight]
