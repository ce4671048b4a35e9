"""From traces to a report, one trace at a time: the verdicts, and evidence for the first findings of each requirement.

Must not know how the traces were made. No trace is kept: what the report shows of one is taken while it is at hand.
"""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamvet.contract.evidence import LACKING
from streamvet.contract.files import schemas_folder
from streamvet.judge import Judge
from streamvet.outcome import Verdict
from streamvet.report.exhibit import Exhibit, exhibit
from streamvet.report.report import Report
from streamvet.report.waivers import Waiver, idle, waive

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from streamvet.contract.profile import Profile
    from streamvet.contract.registry import Registry
    from streamvet.judge import Ruling
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Trace

EXHIBITS = 3  # of one requirement: the same defect again tells nothing new
TRACE_SUFFIX = ".trace.ndjson"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked of the verdicts. `command` reproduces the run, without `--only`; "" where there is none."""

    only: Collection[str] | None = None
    waivers: tuple[Waiver, ...] = ()
    today: date | None = None
    command: str = ""


@dataclass(slots=True)
class ReportBuilder:
    """Judges the traces of one candidate one by one, and makes the report on them."""

    profile: Profile
    registry: Registry
    checks: Mapping[str, Check]
    traces: int = 0
    exhibits: dict[str, list[Exhibit]] = field(default_factory=dict)
    explained: dict[str, list[Exhibit]] = field(default_factory=dict)  # of findings that other violations explain
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self.judge = Judge(self.profile, self.registry, self.checks)

    def add(self, trace: Trace) -> dict[str, Outcome]:
        """Judge one trace; gives its outcomes.

        Raises:
            FileError: where the trace was recorded with another profile, or other rules.
        """
        outcomes = self.judge.add(trace)
        self.traces += 1
        for requirement, outcome in outcomes.items():
            if isinstance(outcome, list):
                for finding in outcome:
                    self._show(requirement, finding, trace)
        return outcomes

    def _show(self, requirement: str, finding: Finding, trace: Trace) -> None:
        """Keep the evidence of a finding, of each exchange only that of the first one."""
        shown = self.exhibits.setdefault(requirement, [])
        # What is explained may count after all, where its cause is waived; it takes no place from what counts anyway.
        alike = [one for one in shown if bool(one.finding.explained_by) is bool(finding.explained_by)]
        place = (trace.probe, trace.stimulus.get("name"), finding.exchange)
        if len(alike) >= EXHIBITS or any((one.probe, one.stimulus, one.finding.exchange) == place for one in alike):
            return
        made = exhibit(dataclasses.replace(finding, requirement=requirement, trace=trace.name), trace, self.profile)
        if made:
            shown.append(made)

    def report(self, asked: Asked, **facts: Any) -> Report:
        """The report on everything that was added; `facts` are further fields of `Report`."""
        rulings = self.judge.rulings()
        stale: list[str] = []
        if asked.waivers and asked.today:
            rulings, stale = waive(rulings, asked.waivers, asked.today)  # all of them: what is waived explains nothing
        if asked.only is not None:
            rulings = [one for one in rulings if one.requirement.id in asked.only]
            stale = [one for one in stale if one.partition(":")[0] in asked.only]
        notes = (*facts.pop("notes", ()), *idle(rulings, asked.waivers, self.profile.name))

        def again(ruling: Ruling) -> str:
            """What pinned tries show comes with the same command; what generated ones show, with the replay."""
            return (
                ""
                if ruling.requirement.id in facts.get("replays", ())
                else _reproduce(ruling, asked.command, self.profile)
            )

        report = Report(
            profile=self.profile.name,
            title=self.profile.title,
            rulings=tuple(dataclasses.replace(one, reproduce=again(one)) for one in rulings),
            families=self.registry.families,
            spec=self.registry.revision,
            stale=tuple(stale),
            exhibits={one.requirement.id: self._exhibits(one) for one in rulings},
            traces=self.traces,
            notes=notes,
            adopted=self.profile.adopted,
            partial=asked.only is not None,
            **facts,
        )
        return dataclasses.replace(report, rulings=tuple(_out_of_reach(one, report) for one in report.rulings))

    def _exhibits(self, ruling: Ruling) -> tuple[Exhibit, ...]:
        """The evidence of the findings that count for a ruling: not of those that are explained, or waived."""
        counting = {_place(one) for one in ruling.findings}
        shown = self.exhibits.get(ruling.requirement.id, ())
        return tuple(one for one in shown if _place(one.finding) in counting)[:EXHIBITS]


def _place(finding: Finding) -> tuple[object, ...]:
    """What tells findings of one requirement apart, whoever explains them."""
    return finding.trace, finding.exchange, finding.span, finding.at_us, finding.expected, finding.seen


def _out_of_reach(ruling: Ruling, report: Report) -> Ruling:
    """A ruling with the reason that counts where the run has not the level of evidence which it takes."""
    if ruling.verdict is not Verdict.INCONCLUSIVE or report.within(ruling):
        return ruling
    return dataclasses.replace(ruling, reason=f"needs {LACKING[report.levels[ruling.requirement.id]]}")


def _reproduce(ruling: Ruling, command: str, profile: Profile) -> str:
    """The commands that show a finding again: on the candidate, and on the recorded trace."""
    only = f"--only {ruling.requirement.id}"
    lines = [f"{command} {only}"] if command else []
    file = ruling.findings[0].trace if ruling.findings else ""
    if file.endswith(TRACE_SUFFIX):
        # A trace names its profile, and only a built-in one is found by its name.
        folder = "" if profile.folder.parent == schemas_folder() else f"--profile {shlex.quote(str(profile.folder))} "
        lines.append(f"streamvet judge {shlex.quote(file)} {folder}{only}")
    return "\n".join(lines) if ruling.findings else ""
