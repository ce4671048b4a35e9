"""What the docs print of the faults that the reference server can commit: the rows of the kill matrix.

Must not know how a fault is committed, nor where a block stands. Links are relative to `docs/spec/`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from requirement_blocks import link
from schema_table import code, table
from streamvet.reference import Fault, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HEADS = ["Fault", "What the server does", "Systems", "Caught as"]


def _pinned(row: Fault) -> bool:
    return not (row.honest or row.generated or row.fixture)


# Which faults a list has, by what has to find them.
_KINDS: Mapping[str, Callable[[Fault], bool]] = {
    "pinned": _pinned,
    "legal": lambda row: row.honest,
    "generated": lambda row: row.generated,
    "fixture": lambda row: row.fixture,
}


@cache
def _rows() -> tuple[Fault, ...]:
    return tuple(faults())


def kill_matrix(kind: str) -> list[str]:
    """The faults of one kind, in the order of the requirements."""
    return table(
        _HEADS,
        [
            [code(row.name), row.note, ", ".join(row.profiles), link(row.id) if row.id else "nothing"]
            for row in _rows()
            if _KINDS[kind](row)
        ],
    )


def killed() -> list[str]:
    """How many there are of each kind, and what has to find them."""
    said = {
        "pinned": "`streamvet prove`: the named requirement alone fails",
        "legal": "`streamvet prove`: every requirement keeps its verdict",
        "generated": "`streamvet prove --generated`: generated tries find it; all fixed tries pass",
        "fixture": "a test, on a profile made for it, because no built-in profile has the requirement",
    }
    rows = []
    for kind, by in said.items():
        found = [row for row in _rows() if _KINDS[kind](row)]
        rows.append([kind, str(len(found)), str(sum(len(row.profiles) for row in found)), by])
    return table(["Kind", "Faults", "Faults on systems", "Held by"], rows)
