"""What a report may claim: how many MUSTs were exercised and hold, at which level of evidence, and what is missing.

Must not know in which form it is shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet.contract.evidence import LACKING, Evidence, highest
from streamvet.outcome import Verdict
from streamvet.report.exits import MEANING, Exit
from streamvet.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.report.report import Report


@dataclass(frozen=True, slots=True)
class Claim:
    """Numbers of MUSTs that apply to the candidate."""

    level: Evidence
    musts: int
    hold: int  # exercised, without a violation
    waived: int
    open: int  # within the level, and undecided
    beyond: Mapping[Evidence, int]  # not exercised, as they need a level that the run has not
    unscored: int = 0  # besides these: MUSTs whose verdict does not count

    @property
    def numbers(self) -> str:
        """The numbers as a clause: `58 of 71 MUSTs; 13 need a control interface`."""
        needs = [
            f"{count} need{'s' if count == 1 else ''} {LACKING[level]}"
            for level in Evidence
            if (count := self.beyond.get(level, 0))
        ]
        left = [f"{self.waived} waived"] if self.waived else []
        left += [f"{self.open} undecided"] if self.open else []
        left += [f"{self.unscored} more not scored"] if self.unscored else []
        return "; ".join([f"{self.hold} of {counted(self.musts, 'MUST')}", *left, *needs])


def claim(report: Report) -> Claim:
    """The numbers of a report."""
    applicable = [
        one for one in report.rulings
        if one.requirement.level == "MUST" and one.verdict is not Verdict.NOT_APPLICABLE
    ]  # fmt: skip
    musts = [one for one in applicable if not one.unscored]
    undecided = [one for one in musts if one.verdict is Verdict.INCONCLUSIVE]
    beyond = [one for one in undecided if not report.within(one)]
    return Claim(
        level=highest(report.evidence),
        musts=len(musts),
        hold=sum(one.verdict is Verdict.PASS for one in musts),
        waived=sum(one.verdict is Verdict.WAIVED for one in musts),
        open=len(undecided) - len(beyond),
        beyond=Counter(report.levels[one.requirement.id] for one in beyond),
        unscored=len(applicable) - len(musts),
    )


def outcome(report: Report, code: Exit) -> str:
    """What an exit code says of a candidate, in some words: `conformant at black-box`.

    Conformant is only a candidate of which every MUST within the level was exercised. What is judged of a part of the
    requirements, of recordings that need not hold everything, or with gaps that the user accepts, shows no violation.
    """
    made = claim(report)
    if code is Exit.CONFORMANT:
        whole = not (made.open or report.partial) and made.level is not Evidence.CAPTURE
        return (
            f"conformant at {made.level.value}" if whole else f"no violation in {_judged(report)} ({made.level.value})"
        )
    if code in (Exit.VIOLATED, Exit.INCOMPLETE):
        return f"{MEANING[code]} at {made.level.value}"
    return MEANING[code]


def sentence(report: Report, code: Exit) -> str:
    """The same with the numbers, where these say something."""
    said = outcome(report, code)
    return f"{said}: {claim(report).numbers}" if code in (Exit.CONFORMANT, Exit.INCOMPLETE) else said


def verdict_of(report: Report, code: Exit) -> str:
    """The verdict as a sentence for people, with its level of evidence and what it rests on in numbers."""
    said, made = outcome(report, code), claim(report)
    violated = sum(one.verdict is Verdict.FAIL for one in report.rulings)
    if code is not Exit.VIOLATED:
        told = f"{said}: {made.numbers}" if code in (Exit.CONFORMANT, Exit.INCOMPLETE) else said
    elif violated:
        told = f"{said}: {violated} of {counted(made.musts, 'MUST')} {'is' if violated == 1 else 'are'} violated"
        told += f", {made.hold} hold"
    else:
        told = f"{said}: no MUST is violated, but a SHOULD or a waiver counts; {made.numbers}"
    return f"{told[0].upper()}{told[1:]}."


def _judged(report: Report) -> str:
    """How much was judged, in the unit of the report."""
    if report.events is not None:
        return counted(report.events, "event")
    if report.offline:
        return counted(report.traces, "trace")
    return counted((report.pinned or report.traces) + report.generated, "try", "tries")
