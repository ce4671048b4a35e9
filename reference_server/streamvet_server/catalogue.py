"""Every fault and every mode there is: those that know no system, and those of each system.

It must not know what one of them does. The faults are in the order of the requirements; of one requirement the generic
ones come first.
"""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from streamvet_server import faults, modes
from streamvet_server.faults.fault import LEGAL
from streamvet_server.seams import HONEST, Seams
from streamvet_server.systems import SYSTEMS, own_faults, traits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet_server.faults.fault import Fault
    from streamvet_server.modes.mode import Mode

    Row = Fault | Mode


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


def find(name: str, kind: str = "fault") -> Row | None:
    """The row of a name, among the faults or the modes."""
    rows: Sequence[Row] = FAULTS if kind == "fault" else modes.MODES
    return next((row for row in rows if row.name == name), None)


def standing(row: Row, profile: str) -> str | None:
    """Why a row is one of the whole server, so that no request can name it; None where one can."""
    shared = traits(profile).at_once
    return row.standing or next((shared[seam] for seam in sorted(replaced(row, profile) & shared.keys())), None)


def seams_of(row: Row | None, profile: str) -> Seams:
    """The seams of one system under a fault or a mode, made anew."""
    return row.seams(traits(profile)) if row is not None and profile in row.profiles else HONEST


def replaced(row: Row, profile: str) -> frozenset[str]:
    """The names of the seams of a system that a row replaces."""
    return _differing(seams_of(row, profile))


def _differing(seams: Seams) -> frozenset[str]:
    return frozenset(one.name for one in fields(Seams) if getattr(seams, one.name) is not getattr(HONEST, one.name))


def clash(chosen: Sequence[Row], profile: str) -> tuple[str, str] | None:
    """What is expected of several rows, and two that replace the same seam of a system; None where each has its own."""
    for one, other in itertools.combinations(chosen, 2):
        both = replaced(one, profile) & replaced(other, profile)
        if both:
            got = f"{one.name} and {other.name}, which both replace {', '.join(sorted(both))} of {profile}"
            return f"{_kinds(chosen)} that replace different seams", got
    return None


def _kinds(rows: Sequence[Row]) -> str:
    """What the rows are."""
    kinds: Mapping[str, Sequence[Row]] = {"faults": FAULTS, "modes": modes.MODES}
    return " and ".join(kind for kind, known in kinds.items() if any(row in known for row in rows))


def seams_together(chosen: Sequence[Row], profile: str) -> Seams:
    """The seams of one system under several rows that replace different ones."""
    seams = HONEST
    for row in chosen:
        own = seams_of(row, profile)
        seams = replace(seams, **{name: getattr(own, name) for name in _differing(own)})
    return seams


def listing() -> list[dict[str, Any]]:
    """The faults for `--list-faults`, without their functions.

    `standing` says for each system why no request can name it; None where one can.
    """
    rows = []
    for fault in FAULTS:
        row = {key: getattr(fault, key) for key in ("name", "id", "note", "honest", "generated", "fixture")}
        seams = {profile: sorted(replaced(fault, profile)) for profile in fault.profiles}
        standing_ = {profile: standing(fault, profile) for profile in fault.profiles}
        row |= {"profiles": list(fault.profiles), "seams": seams, "standing": standing_, "rare": fault.of_rare_events}
        rows.append(row)
    return rows


def modes_listing() -> list[dict[str, Any]]:
    """The modes for `--list-modes`, without their functions."""
    keys = ("name", "note", "standard", "sentence")
    return [
        {key: getattr(mode, key) for key in keys} | {"profiles": list(mode.profiles), "breaks": dict(mode.breaks)}
        for mode in modes.MODES
    ]
