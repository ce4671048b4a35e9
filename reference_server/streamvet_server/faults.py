"""The faults: one deliberate misbehaviour a row, each naming the one requirement that it violates.

It must not know sockets, routes or the database: a row swaps seam functions, and a seam function sees values only.
A family's heading is its chapter in the specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamvet_server.seams import HONEST, Seams


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour. `id` is None for an honest variant: legal, but only just."""

    name: str
    id: str | None
    profiles: tuple[str, ...]
    note: str
    seams: Seams

    @property
    def honest(self) -> bool:
        """Whether every requirement still holds."""
        return self.id is None


FAULTS: tuple[Fault, ...] = ()


def find(name: str) -> Fault | None:
    """The fault of a name."""
    return next((fault for fault in FAULTS if fault.name == name), None)


def seams_of(fault: Fault | None, profile: str) -> Seams:
    """The seams of one system under a fault."""
    return fault.seams if fault is not None and profile in fault.profiles else HONEST


def listing() -> list[dict[str, Any]]:
    """The rows for `--list-faults`, without their functions."""
    rows = []
    for fault in FAULTS:
        row = {key: getattr(fault, key) for key in ("name", "id", "note", "honest")}
        rows.append(row | {"profiles": list(fault.profiles)})
    return rows
