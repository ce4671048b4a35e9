"""From traces to a report, one trace at a time: the verdicts, and evidence for the first findings of each requirement.

Must not know how the traces were made. No trace is kept: what the report shows of one is taken while it is at hand.
"""

from __future__ import annotations

import dataclasses
import shlex
import traceback
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from streamvet.commands import Spool, perform
from streamvet.contract.evidence import LACKING
from streamvet.contract.files import schemas_folder
from streamvet.decode import bounded_trace
from streamvet.outcome import Verdict
from streamvet.report.exhibit import Exhibit, exhibit
from streamvet.report.printable import counted
from streamvet.report.report import Report
from streamvet.report.scoring import scored
from streamvet.report.waivers import Waiver, idle, waive
from streamvet.verdicts import Judge, guilty_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.contract.registry import Registry
    from streamvet.contract.requirement import Requirement
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Trace
    from streamvet.verdicts import Ruling

EXHIBITS = 3  # of one requirement: the same defect again tells nothing new
TRACE_SUFFIX = ".trace.ndjson"
NOT_ALLOWED = (
    "its check is a command, which runs only with --allow-commands, or allow_commands: true in the target file"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked of the verdicts. `command` reproduces the run, without `--only`; "" where there is none.

    `probes` are those of which it may perform one alone.
    """

    only: Collection[str] | None = None
    waivers: tuple[Waiver, ...] = ()
    today: date | None = None
    command: str = ""
    probes: Collection[str] = ()


@dataclass(slots=True)
class ReportBuilder:
    """Judges the traces of one candidate one by one, and makes the report on them.

    `withheld`: why the commands that check requirements of the profile's own folder do not run; "" where they do.
    """

    profile: Profile
    registry: Registry
    checks: Mapping[str, Check]
    withheld: str = NOT_ALLOWED
    until_us: int | None = None  # when no command runs any more, by the monotonic clock
    traces: int = 0
    exhibits: dict[str, list[Exhibit]] = field(default_factory=dict)
    judge: Judge = field(init=False)
    spool: Spool | None = field(init=False, default=None)  # for commands, where some are to run

    def __post_init__(self) -> None:
        self.judge = Judge(self.profile, self.registry, self.checks)
        if self._own() and not self.withheld:
            self.spool = Spool()

    def _own(self, only: Collection[str] | None = None) -> list[Requirement]:
        """The requirements that commands check."""
        return [row for row in self.registry.commanded(self.profile) if only is None or row.id in only]

    def add(self, trace: Trace) -> dict[str, Outcome]:
        """Judge one trace; gives its outcomes.

        Raises:
            FileError: where the trace was recorded with another profile, or other rules.
        """
        trace = bounded_trace(trace, self.profile)
        outcomes = self.judge.add(trace)
        self.traces += 1
        try:
            self._show_all(outcomes, trace)
        except Exception:  # noqa: BLE001 - a finding stands without its evidence; our own mistake is reported
            self.judge.errors.append(f"showing what {trace.probe} found\n{traceback.format_exc(limit=-3)}")
        if self.spool is not None:
            self.spool.add(trace, guilty_in(outcomes))
        return outcomes

    def _run_commands(self, spool: Spool, only: Collection[str] | None) -> bool:
        """Have the commands say what they find in all traces, once; gives whether they could say it all."""
        outcomes: dict[int, dict[str, Outcome]] = {}
        try:
            until_s = None if self.until_us is None else self.until_us / 1e6
            commands = {row.command for row in self._own(only)}
            rows = [row for row in self._own() if row.command in commands]  # one command may check several
            answers = list(perform(rows, self.profile.folder, spool, until_s))
        except KeyboardInterrupt:
            for row in self._own():
                self.judge.skipped(row.id, "the run was interrupted while commands checked it")
            return False
        for sharing, answer in answers:
            if answer.is_cut:
                self.judge.untried(answer.error, [row.id for row in sharing])
            elif answer.error:
                for row in sharing:
                    self.judge.failed(row.id, answer.error)
            for (requirement, number), outcome in answer.outcomes.items():
                outcomes.setdefault(number, {})[requirement] = outcome
        for kept in spool.kept:
            said = outcomes.get(kept.number, {})
            folded = self.judge.add_own(kept.brief, said, kept.guilty)
            trace = spool.trace(kept.number) if guilty_in(folded) else kept.brief
            self._show_all(folded, trace)
        return True

    def _show_all(self, outcomes: Mapping[str, Outcome], trace: Trace) -> None:
        for requirement, outcome in outcomes.items():
            for finding in outcome if isinstance(outcome, list) else ():
                self._show(requirement, finding, trace)

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
        for row in self._own() if self.withheld else ():
            self.judge.withheld(row.id, self.withheld)
        if self.spool is not None and self.spool.kept:
            facts["interrupted"] = not self._run_commands(self.spool, asked.only) or facts.get("interrupted", False)
            self.spool = None
        spec, revision = self.judge.spec, self.registry.revision
        rulings = scored(self.judge.rulings(), spec, revision)
        stale: list[str] = []
        # All of them are looked at: what is waived, or not scored, explains nothing.
        if asked.waivers or any(one.unscored for one in rulings):
            rulings, stale = waive(rulings, asked.waivers, asked.today or date.min)
            rulings = scored(rulings, spec, revision)
        if asked.only is not None:
            rulings = [one for one in rulings if one.requirement.id in asked.only]
            stale = [one for one in stale if one.partition(":")[0] in asked.only]
        facts["errors"] = (*facts.get("errors", ()), *self.judge.errors)
        notes = (*facts.pop("notes", ()), *idle(rulings, asked.waivers, self.profile.name))
        if spec < revision:
            notes += (f"scored by revision {spec}: newer requirements are shown and do not count",)
        for limit, count in sorted(self.judge.limits.items()):
            notes += (f"not read to the end, {limit}: {counted(count, 'stream')}",)
        if self.withheld and facts.get("offline") and self._own(asked.only):  # else it is told with each of them
            notes += (f"{', '.join(row.id for row in self._own(asked.only))}: {self.withheld}",)

        def again(ruling: Ruling) -> str:
            """What pinned tries show comes with the same command; what generated ones show, with the replay."""
            return "" if ruling.requirement.id in facts.get("replays", ()) else _reproduce(ruling, asked, self.profile)

        report = Report(
            profile=self.profile.name,
            title=self.profile.title,
            rulings=tuple(dataclasses.replace(one, reproduce=again(one)) for one in rulings),
            families=self.registry.families,
            spec=revision,
            scored_by=spec if spec < revision else 0,
            stale=tuple(stale),
            exhibits={one.requirement.id: self._exhibits(one) for one in rulings},
            traces=self.traces,
            cut_short=self.judge.cut_short,
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


def _reproduce(ruling: Ruling, asked: Asked, profile: Profile) -> str:
    """The commands that show a finding again: on the candidate, by the probe that has found it, and on the trace."""
    only = f"--only {ruling.requirement.id}"
    probe = next((one.probe for one in ruling.findings if one.probe in asked.probes), "")
    alone = f" --probe {shlex.quote(probe)} --budget 0" if probe else ""
    lines = [f"{asked.command} {only}{alone}"] if asked.command else []
    file = ruling.findings[0].trace if ruling.findings else ""
    if file.endswith(TRACE_SUFFIX):
        # A trace names its profile, and only a built-in one is found by its name.
        folder = "" if profile.folder.parent == schemas_folder() else f"--profile {shlex.quote(str(profile.folder))} "
        allowed = " --allow-commands" if ruling.requirement.command else ""
        lines.append(f"streamvet judge {shlex.quote(file)} {folder}{only}{allowed}")
    return "\n".join(lines) if ruling.findings else ""
