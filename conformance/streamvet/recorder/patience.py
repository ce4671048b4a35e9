"""How long something is waited for: less where it was waited for often and never came.

A candidate that answers nothing would else take as many times the patience for one answer as there are requests, one
after another. Must not know what is waited for.
"""

from __future__ import annotations

from collections import Counter

# So often it did not come, and never it did: then it does not come.
NEVER = 3
# What is waited then. Several times what anybody waits for who knows that nothing is to be expected.
LITTLE_S = 3.0


class Patience:
    """What is known of a candidate, by the name of what is waited for."""

    def __init__(self) -> None:
        self._came: set[str] = set()
        self._missed: Counter[str] = Counter()

    def seconds(self, name: str, given_s: float) -> float:
        """How long to wait, where `given_s` is the patience with a candidate of which nothing is known."""
        never = name not in self._came and self._missed[name] >= NEVER
        return min(given_s, LITTLE_S) if never else given_s

    def came(self, name: str) -> None:
        """Note that it came."""
        self._came.add(name)

    def missed(self, name: str) -> None:
        """Note that it did not come in time."""
        self._missed[name] += 1
