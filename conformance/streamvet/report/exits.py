"""From reports to the exit code, by the design's precedence: 130, 4, 1, 3, 0. Wrong usage, 2, never gets here.

Must not know how a report is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from streamvet.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.report.report import Report
    from streamvet.verdicts import Ruling


class Exit(IntEnum):
    """What a script can rely on."""

    CONFORMANT = 0
    VIOLATED = 1
    USAGE = 2
    INCOMPLETE = 3
    OURS = 4
    INTERRUPTED = 130


MEANING = {
    Exit.CONFORMANT: "conformant",
    Exit.VIOLATED: "not conformant",
    Exit.USAGE: "wrong usage",
    Exit.INCOMPLETE: "incomplete",
    Exit.OURS: "an error of the suite itself",
    Exit.INTERRUPTED: "interrupted",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user asked to count: SHOULDs as MUSTs (never a NOTE), and what was not exercised as if it were."""

    strict: bool = False
    accept_incomplete: bool = False


def exit_code(reports: Sequence[Report], policy: Policy) -> Exit:
    """The exit code for these reports together."""
    verdicts = [ruling for report in reports for ruling in report.rulings]
    if any(report.interrupted for report in reports):
        return Exit.INTERRUPTED
    if any(ruling.verdict is Verdict.ERROR for ruling in verdicts):
        return Exit.OURS
    bad = {Verdict.FAIL, Verdict.WARN} if policy.strict else {Verdict.FAIL}
    if any(ruling.verdict in bad for ruling in verdicts) or any(report.stale for report in reports):
        return Exit.VIOLATED
    if any(report.cut_short for report in reports):
        return Exit.INCOMPLETE  # also where that would be accepted: nobody knows what was still to come
    if any(report.eventless for report in reports):
        return Exit.INCOMPLETE  # who has captured no event shows nothing of the stream, whatever else is in the bytes
    if not any(report.exercised for report in reports) or any(report.errors for report in reports):
        return Exit.INCOMPLETE  # what an error of ours has cost is in the report; the rest holds
    if any(is_incomplete(ruling, report, policy) for report in reports for ruling in report.rulings):
        return Exit.INCOMPLETE
    return Exit.CONFORMANT


def is_incomplete(ruling: Ruling, report: Report, policy: Policy) -> bool:
    """Whether a MUST is undecided that the run should have decided.

    What only explained findings speak about is violated, and nobody's to accept: it counts whatever its causes are,
    which may be left out of the report. What was not exercised counts within the level of evidence of the run, unless
    that is accepted; traces from elsewhere need not exercise all.
    """
    if ruling.verdict is not Verdict.INCONCLUSIVE or ruling.requirement.level != "MUST":
        return False
    if ruling.explained:
        return True
    return not policy.accept_incomplete and not report.offline and report.within(ruling)
