"""Variants of a stimulus that are more likely to show a finding again: more readers, a little apart, and more runs.

What depends on a moment is seldom met again by one reader. Pure functions; must not know what is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.generation.lawful import emits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet.generation.form import Form
    from streamvet.probes.setting import Stimulus

_APART_MS = 1.5  # real time between two readers; some of them cover what a loopback round trip varies
_MOMENTS = 6  # events of a script at which they come: a search for each of them would take too long
_BEFORE = 2  # of the readers come before the moment, the others after it


def likelier_variants(
    stimulus: Stimulus, connections: int, scale: float, form: Form | None = None
) -> Iterator[Stimulus]:  # fmt: skip
    """With its readers again and again, around their moments and at its events; with as many runs as there may be."""
    rows = stimulus.get("readers") or []
    count = len(emits(stimulus))
    events = sorted({1 + count * part // _MOMENTS for part in range(_MOMENTS)}) if count else []
    for moved in [rows, *([_at(row, event) for row in rows] for event in events)] if rows else ():
        crowd = [_apart(row, place, scale) for place in range(connections) for row in moved]
        yield _crowded(stimulus, crowd, connections)
    most = connections // (1 + len(rows))
    if "kind" in stimulus and not (form and stimulus in form) and most > int(stimulus.get("runs", 1)):
        yield stimulus | {"runs": most}


def _crowded(stimulus: Stimulus, rows: list[dict[str, Any]], connections: int) -> Stimulus:
    kept = {key: one for key, one in stimulus.items() if key != "runs"}
    return kept | {"readers": rows[: connections - 1]}


def _at(row: dict[str, Any], event: int) -> dict[str, Any]:
    return row | {"join_after": event, "join_ms": 0}


def _apart(row: dict[str, Any], place: int, scale: float) -> dict[str, Any]:
    """The same reader, so many places later."""
    at_ms = float(row.get("join_ms", 0)) + (place - _BEFORE) * _APART_MS / scale
    return row | {"join_ms": round(max(at_ms, 0.0), 3)}
