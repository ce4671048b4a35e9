"""Waivers: what a user accepts, with a reason, and when that is no longer true.

A waived requirement is still checked. Must not know what is checked, nor what day it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from streamvet.contract.files import FileError, check_shape, read_yaml
from streamvet.outcome import Verdict
from streamvet.verdicts import VIOLATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from streamvet.contract.registry import Registry
    from streamvet.outcome import Finding
    from streamvet.verdicts import Ruling

_FOUND = frozenset(VIOLATED.values())
# A requirement with one of these verdicts was exercised and decided: nobody has to accept that it is INCONCLUSIVE.
_DECIDED = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.NOTE})
# Within a quarter a run sees what happens once in a hundred runs, where there is more than one a day.
FLAKY_DAYS = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Waiver:
    """One row of the user's file. `expires` is the last day on which it holds."""

    id: str
    reason: str
    expires: date | None = None
    accepts_inconclusive: bool = False
    matching: str = ""  # only findings with this text in what was expected or seen; "" for all
    last_seen: date | None = None  # of what is known to be flaky: when it was last seen violated

    def covers(self, finding: Finding) -> bool:
        """Whether it accepts a finding of its requirement."""
        return not self.accepts_inconclusive and (self.matching in finding.expected or self.matching in finding.seen)


def load_waivers(path: Path, registries: Sequence[Registry]) -> list[Waiver]:
    """Read a waivers file, which is about requirements of these registries.

    Raises:
        FileError: where it is not one, or names an id that there is not, or one twice for the same thing.
    """
    rows = read_yaml(path)
    check_shape(rows, "waivers", path)
    waivers: list[Waiver] = []
    for number, row in enumerate(rows):
        known = [one.rows[row["id"]] for one in registries if row["id"] in one.rows]
        if not any(one.excluded is None for one in known):
            raise FileError(path, f"/{number}/id", "the id of a requirement that is checked", repr(row["id"]))
        expires = date.fromisoformat(row["expires"]) if "expires" in row else None
        last_seen = date.fromisoformat(row["last_seen"]) if "last_seen" in row else None
        accepts = row.get("accepts") == "INCONCLUSIVE"
        waiver = Waiver(row["id"], row["reason"], expires, accepts, row.get("matching", ""), last_seen)
        same = (waiver.id, waiver.accepts_inconclusive, waiver.matching)
        if any((one.id, one.accepts_inconclusive, one.matching) == same for one in waivers):
            raise FileError(path, f"/{number}/id", "one waiver for it", f"a second one for {waiver.id}")
        waivers.append(waiver)
    return waivers


def waive(rulings: Iterable[Ruling], waivers: Sequence[Waiver], today: date) -> tuple[list[Ruling], list[str]]:
    """The rulings with waivers applied, and the waivers that are stale, each with why.

    What a waived violation explained is explained no more: it becomes a violation of its own, which a further waiver
    may accept.
    """
    bench = _Bench({one.requirement.id: one for one in rulings}, waivers, today)
    return [bench.ruled(name) for name in bench.given], bench.stale


class _Bench:
    """Rules on each requirement once, its causes first."""

    def __init__(self, given: dict[str, Ruling], waivers: Sequence[Waiver], today: date) -> None:
        self.given = given
        self.stale: list[str] = []
        self._today = today
        self._waivers = waivers
        self._ruled: dict[str, Ruling] = {}
        self._asked: set[str] = set()  # on which a ruling is under way

    def ruled(self, name: str) -> Ruling:
        """The ruling on a requirement with waivers applied."""
        if name not in self._ruled:
            self._asked.add(name)
            self._ruled[name] = self._applied(self._promoted(self.given[name]))
            self._asked.discard(name)
        return self._ruled[name]

    def _promoted(self, ruling: Ruling) -> Ruling:
        """The ruling without explanations by what is waived."""
        freed = [one for one in ruling.explained if all(map(self._is_waived, one.explained_by))]
        if not freed:
            return ruling
        causes = ", ".join(dict.fromkeys(cause for one in freed for cause in one.explained_by))
        left = tuple(one for one in ruling.explained if one not in freed)
        own = (*ruling.findings, *(replace(one, explained_by=()) for one in freed))
        said = f"no longer explained by {causes}, which is waived"
        reason = said if ruling.verdict is Verdict.INCONCLUSIVE else _joined(ruling.reason, said)
        return replace(ruling, verdict=VIOLATED[ruling.requirement.level], reason=reason, findings=own, explained=left)

    def _is_waived(self, name: str) -> bool:
        if name not in self.given or name in self._asked:  # not of this report, or two that explain each other
            return False
        return self.ruled(name).verdict is Verdict.WAIVED and self.ruled(name).overruled in _FOUND

    def _applied(self, ruling: Ruling) -> Ruling:
        """The ruling with its waivers applied; what is wrong with one of them goes to the stale ones."""
        result, holding = ruling, []
        for waiver in self._waivers:
            if waiver.id != ruling.requirement.id:
                continue
            wrong = _stale(waiver, ruling, self._today)
            if wrong:
                self.stale.append(wrong)
                result = replace(result, reason=_joined(result.reason, f"stale waiver: {wrong}"))
            else:
                holding.append(waiver)
        flaky = [one for one in holding if one.last_seen is not None]
        if flaky and ruling.verdict in _FOUND:
            result = replace(
                result, reason=_joined(result.reason, f"seen again: last_seen is {self._today.isoformat()}")
            )
        if flaky and ruling.verdict is Verdict.PASS:
            return replace(result, reason=_joined(result.reason, f"known to be flaky: {flaky[0].reason}"))
        if ruling.verdict is Verdict.INCONCLUSIVE:
            accepting = [one for one in holding if one.accepts_inconclusive]
            return _waived(result, accepting) if accepting else result
        return _covered(result, holding) if ruling.verdict in _FOUND else result


def _covered(ruling: Ruling, waivers: Sequence[Waiver]) -> Ruling:
    """A violated requirement without the findings that waivers cover; waived where they cover all."""
    using = [waiver for waiver in waivers if any(map(waiver.covers, ruling.findings))]
    if not using:
        return ruling
    left = tuple(one for one in ruling.findings if not any(waiver.covers(one) for waiver in using))
    # Findings with a text of their own that were not kept may be of any kind: only a waiver without a text covers them.
    if not left and (ruling.unkept == 0 or any(not one.matching for one in using)):
        return _waived(ruling, using)
    covered = len(ruling.findings) - len(left)
    said = f"{covered} finding{'s' if covered > 1 else ''} waived ({_joined(*(one.reason for one in using))})"
    if not left:
        said = _joined(said, f"{ruling.unkept} more were not kept and may be of another kind")
    return replace(ruling, findings=left or ruling.findings, reason=_joined(ruling.reason, said))


def _waived(ruling: Ruling, waivers: Sequence[Waiver]) -> Ruling:
    reason = _joined(*(one.reason for one in waivers), ruling.reason)
    return replace(ruling, verdict=Verdict.WAIVED, overruled=ruling.verdict, reason=reason)


def idle(rulings: Iterable[Ruling], waivers: Sequence[Waiver], profile: str) -> list[str]:
    """The waivers that have nothing to accept, as they are about what is not asked of this profile."""
    apart = {one.requirement.id for one in rulings if one.verdict is Verdict.NOT_APPLICABLE}
    return [f"waiver {one.id}: not applicable to {profile}" for one in waivers if one.id in apart]


def _stale(waiver: Waiver, ruling: Ruling, today: date) -> str:
    """Why a waiver no longer holds; "" where it does."""
    if waiver.expires is not None and today > waiver.expires:
        return f"{waiver.id}: the waiver expired after {waiver.expires.isoformat()}"
    if waiver.last_seen is not None and ruling.verdict is not Verdict.NOT_APPLICABLE:
        return _no_longer_flaky(waiver, ruling, today)
    if ruling.verdict is Verdict.NOT_APPLICABLE:  # `idle` tells of it: a file of waivers may be for several profiles
        return ""
    if waiver.accepts_inconclusive:
        return (
            f"{waiver.id}: the waiver accepts INCONCLUSIVE, but it was exercised" if ruling.verdict in _DECIDED else ""
        )
    if ruling.verdict is Verdict.PASS:
        return f"{waiver.id}: the waiver is not needed, the requirement holds"
    if ruling.verdict in _FOUND and not ruling.unkept and not any(map(waiver.covers, ruling.findings)):
        return f"{waiver.id}: the waiver is not needed, no finding has the text {waiver.matching!r}"
    return ""


def _no_longer_flaky(waiver: Waiver, ruling: Ruling, today: date) -> str:
    """Why nobody calls it flaky any more; "" while it was seen violated some time ago, or is now."""
    if waiver.last_seen is None or ruling.verdict in _FOUND or today <= waiver.last_seen + FLAKY_DAYS:
        return ""
    return f"{waiver.id}: not seen violated since {waiver.last_seen.isoformat()}, which is more than 90 days"


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
