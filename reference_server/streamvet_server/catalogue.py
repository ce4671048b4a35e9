"""Every fault there is: those that know no system, and those of each system.

It must not know what a fault does. The list is in the order of the requirements; of one requirement the generic faults
come first.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from streamvet_server import faults
from streamvet_server.faults.fault import LEGAL
from streamvet_server.seams import HONEST, Seams
from streamvet_server.systems import SYSTEMS, own_faults, traits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet_server.faults.fault import Fault


def _in_order(rows: Sequence[Fault]) -> tuple[Fault, ...]:
    """The rows by requirement, honest variants beside what they are variants of; last those that are generated."""
    ids = {row.name: row.id or "" for row in rows}
    prefixes = list(dict.fromkeys([*faults.FAMILIES, *(id_.partition("-")[0] for id_ in ids.values() if id_)]))

    def place(row: Fault) -> tuple[int, int]:
        prefix, _, number = (row.id or ids[row.name.removesuffix(LEGAL)]).partition("-")
        return prefixes.index(prefix), int(number)

    pinned = sorted((row for row in rows if not row.generated), key=place)
    return (*pinned, *(row for row in rows if row.generated))


FAULTS: tuple[Fault, ...] = _in_order([*faults.FAULTS, *(row for profile in SYSTEMS for row in own_faults(profile))])


def find(name: str) -> Fault | None:
    """The fault of a name."""
    return next((fault for fault in FAULTS if fault.name == name), None)


def seams_of(fault: Fault | None, profile: str) -> Seams:
    """The seams of one system under a fault, made anew."""
    return fault.seams(traits(profile)) if fault is not None and profile in fault.profiles else HONEST


def replaced(fault: Fault, profile: str) -> frozenset[str]:
    """The names of the seams of a system that a fault replaces."""
    seams = seams_of(fault, profile)
    return frozenset(one.name for one in fields(Seams) if getattr(seams, one.name) is not getattr(HONEST, one.name))


def seams_together(chosen: Sequence[Fault], profile: str) -> Seams:
    """The seams of one system under several faults that replace different ones."""
    seams = HONEST
    for fault in chosen:
        own = seams_of(fault, profile)
        seams = replace(seams, **{name: getattr(own, name) for name in replaced(fault, profile)})
    return seams


def listing() -> list[dict[str, Any]]:
    """The rows for `--list-faults`, without their functions."""
    rows = []
    for fault in FAULTS:
        row = {key: getattr(fault, key) for key in ("name", "id", "note", "honest", "generated", "fixture")}
        seams = {profile: sorted(replaced(fault, profile)) for profile in fault.profiles}
        rows.append(row | {"profiles": list(fault.profiles), "seams": seams})
    return rows
