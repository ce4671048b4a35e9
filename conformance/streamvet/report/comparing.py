"""Two runs side by side: what is new, what is mended, and what else changed. One may be a baseline of the other.

Must not know in which form it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamvet.outcome import Verdict
from streamvet.verdicts import VIOLATED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamvet.report.report import Report
    from streamvet.verdicts import Ruling

_FOUND = frozenset(VIOLATED.values())
# What a baseline covers: what it says itself of the requirement. A NOTE fails nothing, and an ERROR is never covered.
_COVERED = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE})


@dataclass(frozen=True, slots=True)
class Change:
    """One requirement whose verdict is another one. `kind`: new, mended, lost, decided, or other."""

    id: str
    level: str
    text: str
    before: Verdict | None  # None: it was not there
    after: Verdict | None
    kind: str
    told: str  # the first finding, or the reason


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two reports on what is the same candidate, and what changed between them."""

    before: Report
    after: Report
    changes: tuple[Change, ...]

    def of(self, kind: str) -> list[Change]:
        """The changes of one kind."""
        return [one for one in self.changes if one.kind == kind]


def compare(before: Report, after: Report) -> Comparison:
    """What changed between two reports, in the order of the specification."""
    old = {one.requirement.id: one for one in before.rulings}
    new = {one.requirement.id: one for one in after.rulings}
    changes = tuple(_changes(old, new))
    return Comparison(before, after, changes)


def pairs(before: Sequence[Report], after: Sequence[Report]) -> Iterator[tuple[Report | None, Report | None]]:
    """Which reports are on the same candidate: by profile and target, else by the profile where only one has it."""
    left = list(before)
    for one in after:
        other = counterpart(one, left) if len(before) > 1 or len(after) > 1 else before[0]
        if other in left:
            left.remove(other)
        yield other, one
    for rest in left:
        yield rest, None


def counterpart(one: Report, others: Sequence[Report]) -> Report | None:
    """The report among others that is on the same candidate."""
    of_profile = [other for other in others if other.profile == one.profile]
    exact = [other for other in of_profile if other.target == one.target]
    if exact:
        return exact[0]
    return of_profile[0] if len(of_profile) == 1 else None


def _changes(old: dict[str, Ruling], new: dict[str, Ruling]) -> Iterator[Change]:
    for name in [*new, *(one for one in old if one not in new)]:
        before, after = old.get(name), new.get(name)
        was, now = _verdict(before), _verdict(after)
        if before and after and was is now and now in _FOUND and (places := _new_places(before, after)):
            yield Change(
                name, after.requirement.level, after.requirement.text, was, now, "new", _elsewhere(after, places)
            )
        if was is now or {was, now} <= {None, Verdict.NOT_APPLICABLE}:
            continue
        row = (after or before).requirement  # type: ignore[union-attr]
        yield Change(name, row.level, row.text, was, now, _kind(was, now), _told(after))


def _new_places(before: Ruling, after: Ruling) -> list[str]:
    """The operations at which a requirement is violated now and was not then; none where one report does not say."""
    return [one for one in after.places if one not in before.places] if before.places else []


def _elsewhere(ruling: Ruling, places: Sequence[str]) -> str:
    """What a violation at new operations says: the first finding at one of them."""
    first = next((one for one in ruling.findings if one.operation in places), None)
    seen = f": expected {first.expected}; seen {first.seen}" if first else ""
    return f"violated at {', '.join(places)} too{seen}"


def _kind(was: Verdict | None, now: Verdict | None) -> str:
    if now in (Verdict.FAIL, Verdict.WARN, Verdict.ERROR):
        return "other" if was in (Verdict.FAIL, Verdict.WARN) and now is not Verdict.ERROR else "new"
    if was in (Verdict.FAIL, Verdict.WARN):
        return "mended" if now is Verdict.PASS else "other"
    if was is Verdict.PASS:
        return "lost" if now is Verdict.INCONCLUSIVE else "other"
    return "decided" if was is Verdict.INCONCLUSIVE and now is Verdict.PASS else "other"


def _verdict(ruling: Ruling | None) -> Verdict | None:
    """What was seen, whatever a waiver or a baseline made of it."""
    return None if ruling is None else ruling.overruled or ruling.verdict


def _told(ruling: Ruling | None) -> str:
    if ruling is None:
        return ""
    if ruling.findings:
        first = ruling.findings[0]
        return f"expected {first.expected}; seen {first.seen}"
    return ruling.reason


def against(report: Report, baseline: Sequence[Report], name: str) -> Report:
    """A report in which what is as in the baseline, and was accepted by that, counts no more; `name` is its file.

    A requirement has to have the same verdict in both: what is violated now and was not exercised then is new. So is a
    violation at an operation at which the baseline has none. Nothing that a baseline covers explains less than before.
    """
    then = counterpart(report, baseline) if len(baseline) > 1 else baseline[0]
    if then is None:
        return replace(report, notes=(*report.notes, f"the baseline, {name}, has no report on {report.profile}"))
    old = {one.requirement.id: one for one in then.rulings}
    rulings = tuple(_covered(one, old.get(one.requirement.id), name) for one in report.rulings)
    changes = compare(then, report)
    notes = [f"baseline {name}, of {then.started_at}"]
    for kind, said in (("mended", "fixed since"), ("lost", "no longer exercised")):
        if found := changes.of(kind):
            notes.append(f"{said}: {', '.join(one.id for one in found)}")
    return replace(report, rulings=rulings, notes=(*report.notes, *notes))


def _covered(ruling: Ruling, then: Ruling | None, name: str) -> Ruling:
    if then is None or ruling.verdict not in _COVERED or ruling.verdict is not _verdict(then):
        return ruling
    before = f"; {ruling.reason}" if ruling.reason else ""
    if ruling.verdict in _FOUND and (new := _new_places(then, ruling)):
        known = [one for one in ruling.places if one not in new]
        said = f"new at {', '.join(new)}" + (f"; known at {', '.join(known)}, by the baseline, {name}" if known else "")
        kept = tuple(one for one in ruling.findings if one.operation in new)
        return replace(ruling, findings=kept or ruling.findings, reason=f"{said}{before}")
    reason = f"known: {ruling.verdict.value} in the baseline, {name}, as well{before}"
    return replace(ruling, verdict=Verdict.WAIVED, overruled=ruling.verdict, reason=reason)


def worse(comparisons: Sequence[Comparison], *, strict: bool) -> tuple[bool, bool]:
    """Whether a MUST (or, if strict, a SHOULD) is newly violated, and whether one is no longer exercised."""
    changes = [one for each in comparisons for one in each.changes]
    counting = ("MUST", "SHOULD") if strict else ("MUST",)
    new = any(one.kind == "new" and (one.level in counting or one.after is Verdict.ERROR) for one in changes)
    return new, any(one.kind == "lost" and one.level == "MUST" for one in changes)
