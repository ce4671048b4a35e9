"""How long a head is waited for: less where the same was asked for often and never answered.

A candidate that answers nothing would else take as many times the patience for one answer as there are requests, one
after another. Must not know what is asked for.
"""

from __future__ import annotations

from collections import Counter

# So many requests of one operation without an answer, and none with one: then it does not answer.
NEVER = 3
# What those get that come after that. Several times what anybody waits for who knows that nothing is to be expected.
LITTLE_S = 3.0


class Patience:
    """What is known of a candidate's answers, by operation."""

    def __init__(self) -> None:
        self._answered: set[str] = set()
        self._missing: Counter[str] = Counter()

    def seconds(self, operation: str, given_s: float) -> float:
        """How long to wait, where `given_s` is the patience with a candidate of which nothing is known."""
        never = operation not in self._answered and self._missing[operation] >= NEVER
        return min(given_s, LITTLE_S) if never else given_s

    def has_answered(self, operation: str) -> None:
        """Note that a head came."""
        self._answered.add(operation)

    def was_missed(self, operation: str) -> None:
        """Note that none came in time."""
        self._missing[operation] += 1
