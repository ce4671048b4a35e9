"""From traces to a report, one trace at a time: the verdicts, and evidence for the first findings of each requirement.

Must not know how the traces were made. No trace is kept: what the report shows of one is taken while it is at hand.
"""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import schemas_folder
from streamvet.judge import Judge
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
        shown = (self.explained if finding.explained_by else self.exhibits).setdefault(requirement, [])
        place = (trace.probe, trace.stimulus.get("name"), finding.exchange)
        if len(shown) >= EXHIBITS or any((one.probe, one.stimulus, one.finding.exchange) == place for one in shown):
            return
        made = exhibit(dataclasses.replace(finding, requirement=requirement, trace=trace.name), trace, self.profile)
        if made:
            shown.append(made)

    def _evidence(self, requirement: str) -> tuple[Exhibit, ...]:
        """What is shown of a requirement: first what nothing else explains."""
        return (*self.exhibits.get(requirement, ()), *self.explained.get(requirement, ()))[:EXHIBITS]

    def report(self, asked: Asked, **facts: Any) -> Report:
        """The report on everything that was added; `facts` are further fields of `Report`."""
        rulings = [one for one in self.judge.rulings() if asked.only is None or one.requirement.id in asked.only]
        stale: list[str] = []
        if asked.waivers and asked.today:
            rulings, stale = waive(rulings, asked.waivers, asked.today)
        notes = (*facts.pop("notes", ()), *idle(rulings, asked.waivers, self.profile.name))
        chosen = {one.requirement.id for one in rulings}

        def again(ruling: Ruling) -> str:
            """What pinned tries show comes with the same command; what generated ones show, with the replay."""
            return (
                ""
                if ruling.requirement.id in facts.get("replays", ())
                else _reproduce(ruling, asked.command, self.profile)
            )

        return Report(
            profile=self.profile.name,
            title=self.profile.title,
            rulings=tuple(dataclasses.replace(one, reproduce=again(one)) for one in rulings),
            families=self.registry.families,
            spec=self.registry.revision,
            stale=tuple(stale),
            exhibits={one: shown for one in chosen if (shown := self._evidence(one))},
            traces=self.traces,
            notes=notes,
            **facts,
        )


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
