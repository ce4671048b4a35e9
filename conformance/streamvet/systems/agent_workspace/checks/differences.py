"""In which words a finding says what changed of a run, and what of it is told otherwise than it was put.

Texts of values; must not know events, states or what is right.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from streamvet.outcome import shown
from streamvet.systems.agent_workspace.checks.shown import by_id, shows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.systems.agent_workspace.checks.shown import Document

_ROWS = ("jobs", "pendingInterventions")  # told in any order, by their ids
_BEFORE_CHARS, _AFTER_CHARS = 10, 20  # of two texts, around the place where they part
_NOTHING = object()


def change_of(before: Document | None, after: Document) -> str:
    """What of a run has changed that has to be told: from what, to what."""
    if before is None:
        return f"it was absent, then it is {shown(after['status'])}"
    if before["status"] != after["status"]:
        return f"its status was {shown(before['status'])}, then {shown(after['status'])}"
    old, new = (by_id(run["jobs"]) for run in (before, after))
    if old.keys() != new.keys():
        return f"its jobs were {len(old)}, then {len(new)}: {shown(min(old.keys() ^ new.keys()))}"
    job = next((name for name in new if old[name]["status"] != new[name]["status"]), None)
    if job is not None:
        return f"the status of its job {shown(job)} was {shown(old[job]['status'])}, then {shown(new[job]['status'])}"
    counts = [len(run["pendingInterventions"]) for run in (before, after)]
    return f"its pending interventions were {counts[0]}, then {counts[1]}"


def first_other(wanted: Document, seen: Document) -> tuple[str, str]:
    """The first member that is told otherwise than it was put: with its place as it should be, and as it is."""
    place, want, got = _first_other("", wanted, seen)
    return f"{place} {_said(want)}", _said(got)


def _said(value: Any) -> str:
    return "absent" if value is _NOTHING else shown(value)


def _first_other(place: str, wanted: Any, seen: Any) -> tuple[str, Any, Any]:
    if isinstance(wanted, dict) and isinstance(seen, dict):
        for name, one in wanted.items():
            other = seen.get(name, _NOTHING)
            if name != "pipelineRunId" and not shows({name: other}, {name: one}):
                within = _first_row if name in _ROWS and isinstance(other, list) else _first_other
                return within(f"{place}/{name}", one, other)
    if isinstance(wanted, list) and isinstance(seen, list):
        for index, (one, other) in enumerate(zip_longest(wanted, seen, fillvalue=_NOTHING)):
            if not shows(other, one):
                return _first_other(f"{place}/{index}", one, other)
    if isinstance(wanted, str) and isinstance(seen, str):
        return _parted(place, wanted, seen)
    return place, wanted, seen


def _first_row(place: str, wanted: Sequence[Document], seen: Sequence[Document]) -> tuple[str, Any, Any]:
    """As above, of jobs or interventions: one that lacks, is too much or there twice, or is another."""
    put, told = by_id(wanted), by_id(seen)
    for name in (*put, *(told.keys() - put.keys())):
        one, other = put.get(name, _NOTHING), told.get(name, _NOTHING)
        if not shows(other, one):
            return _first_other(f"{place}/{name}", one, other)
    return f"{place} of {len(wanted)} rows:", [row["id"] for row in wanted], [row["id"] for row in seen]


def _parted(place: str, wanted: str, seen: str) -> tuple[str, str, str]:
    """Two texts, from a little before the place where they part."""
    pairs = enumerate(zip(wanted, seen, strict=False))
    at = next((index for index, (a, b) in pairs if a != b), min(len(wanted), len(seen)))
    begin = max(at - _BEFORE_CHARS, 0)
    where = f"{place} from character {begin}" if begin else place
    return where, wanted[begin : at + _AFTER_CHARS], seen[begin : at + _AFTER_CHARS]
