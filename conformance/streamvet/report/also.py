"""Explained findings under their root cause: the violation that a reader has to look at instead.

Must not know in which form they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.outcome import Finding
    from streamvet.verdicts import Ruling


@dataclass(frozen=True, slots=True)
class Also:
    """What one requirement has of explained findings under one root."""

    id: str
    count: int
    first: Finding

    @property
    def place(self) -> str:
        """Where the first one is."""
        start, end = self.first.span
        span = f", bytes {start}-{end}" if start < end else ""
        return f"exchange {self.first.exchange}{span}" + (f" of {self.first.trace}" if self.first.trace else "")


def also(rulings: Sequence[Ruling]) -> Mapping[str, tuple[Also, ...]]:
    """By the id of a root cause, what it explains, directly or over others.

    A root is a cause whose ruling has findings of its own. An explained finding has one root: the first that its
    causes lead to. Where they lead to none (the report is about a part of the requirements) it is under no root.
    """
    by_id = {one.requirement.id: one for one in rulings}
    under: dict[str, dict[str, list[Finding]]] = {}
    for ruling in rulings:
        for one in ruling.explained:
            root = _root(one.explained_by, by_id, {ruling.requirement.id})
            if root is not None:
                under.setdefault(root, {}).setdefault(ruling.requirement.id, []).append(one)
    return {
        root: tuple(Also(name, len(found), found[0]) for name, found in by_name.items())
        for root, by_name in under.items()
    }


def _root(causes: Sequence[str], by_id: Mapping[str, Ruling], seen: set[str]) -> str | None:
    """The first root to which causes lead, nearest first."""
    near = [name for name in causes if name in by_id and name not in seen]
    for name in near:
        if by_id[name].findings:
            return name
    for name in near:
        further = tuple(dict.fromkeys(cause for one in by_id[name].explained for cause in one.explained_by))
        found = _root(further, by_id, seen | {*near})
        if found is not None:
            return found
    return None
