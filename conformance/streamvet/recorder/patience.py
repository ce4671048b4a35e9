"""How long something is waited for: less where it was once waited for to the end, and never came.

A candidate that answers nothing would else take as many times the patience for one answer as there are requests, one
after another. Must not know what is waited for.
"""

from __future__ import annotations

# What is waited for something that never came. Several times what anybody waits for who knows that nothing is to be
# expected.
LITTLE_S = 3.0
_WHOLE = 0.95  # of a wait: timers and the time of a request are not those of the same moment


class Patience:
    """What is known of a candidate, by the name of what is waited for."""

    def __init__(self) -> None:
        self._came: set[str] = set()
        self._missed: dict[str, float] = {}  # the longest wait in vain, in seconds

    def seconds(self, name: str, given_s: float) -> float:
        """How long to wait, where `given_s` is the patience with a candidate of which nothing is known."""
        never = name not in self._came and self._missed.get(name, 0.0) >= _WHOLE * given_s
        return min(given_s, LITTLE_S) if never else given_s

    def is_vain(self, name: str) -> bool:
        """Whether it was waited for, and never came."""
        return name in self._missed and name not in self._came

    def came(self, name: str) -> None:
        """Note that it came."""
        self._came.add(name)

    def missed(self, name: str, waited_s: float) -> None:
        """Note that it did not come within a wait. A shorter one says nothing about those who would wait longer."""
        self._missed[name] = max(self._missed.get(name, 0.0), waited_s)

    @property
    def never(self) -> dict[str, float]:
        """What was waited for and never came, with the longest wait for it in seconds."""
        return {name: waited_s for name, waited_s in self._missed.items() if name not in self._came}
