"""Waivers: what a user accepts, with a reason, and when that is no longer true.

A waived requirement is still checked. Must not know what is checked, nor what day it is.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, check_shape, read_yaml
from streamvet.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from streamvet.contract.registry import Registry
    from streamvet.judge import Ruling


@dataclass(frozen=True, slots=True)
class Waiver:
    """One row of the user's file. `expires` is the last day on which it holds."""

    id: str
    reason: str
    expires: date | None = None
    accepts_inconclusive: bool = False

    @property
    def covers(self) -> frozenset[Verdict]:
        """The verdicts that it accepts."""
        return frozenset({Verdict.INCONCLUSIVE} if self.accepts_inconclusive else {Verdict.FAIL, Verdict.WARN})


def load_waivers(path: Path, registry: Registry) -> list[Waiver]:
    """Read a waivers file.

    Raises:
        FileError: where it is not one, or names an id that there is not, or one twice for the same thing.
    """
    rows = _plain_dates(read_yaml(path))
    check_shape(rows, "waivers", path)
    waivers: list[Waiver] = []
    for number, row in enumerate(rows):
        known = registry.rows.get(row["id"])
        if known is None or known.excluded is not None:
            raise FileError(path, f"/{number}/id", "the id of a requirement that is checked", repr(row["id"]))
        expires = date.fromisoformat(row["expires"]) if "expires" in row else None
        waiver = Waiver(row["id"], row["reason"], expires, "accepts" in row)
        if any(one.id == waiver.id and one.covers == waiver.covers for one in waivers):
            raise FileError(path, f"/{number}/id", "one waiver for it", f"a second one for {waiver.id}")
        waivers.append(waiver)
    return waivers


def _plain_dates(rows: Any) -> Any:
    """The rows with YAML's own dates as text: YAML reads 2026-01-31 without quotes as a date."""
    if not isinstance(rows, list):
        return rows
    return [
        {key: value.isoformat() if isinstance(value, date) else value for key, value in row.items()}
        if isinstance(row, dict)
        else row
        for row in rows
    ]


def waive(rulings: Iterable[Ruling], waivers: Sequence[Waiver], today: date) -> tuple[list[Ruling], list[str]]:
    """The rulings with waivers applied, and the waivers that are stale, each with why."""
    by_id: dict[str, list[Waiver]] = {}
    for waiver in waivers:
        by_id.setdefault(waiver.id, []).append(waiver)
    ruled: list[Ruling] = []
    stale: list[str] = []
    for ruling in rulings:
        result = ruling
        for waiver in by_id.get(ruling.requirement.id, ()):
            wrong = _stale(waiver, ruling, today)
            if wrong:
                stale.append(wrong)
                result = dataclasses.replace(result, reason=_joined(result.reason, f"stale waiver: {wrong}"))
            elif ruling.verdict in waiver.covers:
                reason = _joined(waiver.reason, ruling.reason)
                result = dataclasses.replace(result, verdict=Verdict.WAIVED, overruled=ruling.verdict, reason=reason)
        ruled.append(result)
    return ruled, stale


def idle(rulings: Iterable[Ruling], waivers: Sequence[Waiver], profile: str) -> list[str]:
    """The waivers that have nothing to accept, as they are about what is not asked of this profile."""
    apart = {one.requirement.id for one in rulings if one.verdict is Verdict.NOT_APPLICABLE}
    return [f"waiver {one.id}: not applicable to {profile}" for one in waivers if one.id in apart]


def _stale(waiver: Waiver, ruling: Ruling, today: date) -> str:
    """Why a waiver no longer holds; "" where it does."""
    if waiver.expires is not None and today > waiver.expires:
        return f"{waiver.id}: the waiver expired after {waiver.expires.isoformat()}"
    if ruling.verdict is Verdict.NOT_APPLICABLE:  # `idle` tells of it: a file of waivers may be for several profiles
        return ""
    if waiver.accepts_inconclusive:
        return f"{waiver.id}: the waiver accepts INCONCLUSIVE, but it was exercised" if ruling.exercised else ""
    return f"{waiver.id}: the waiver is not needed, the requirement holds" if ruling.verdict is Verdict.PASS else ""


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
