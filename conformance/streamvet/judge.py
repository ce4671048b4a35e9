"""Traces in, verdicts out. The fold of the design happens here, and only here.

A requirement's check sees a trace without the exchanges in which something that it depends on has a finding, so
that one defect gives one finding. Must not know how a trace was made: no socket, no clock.
"""

from __future__ import annotations

import dataclasses
import traceback
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from streamvet.contract.files import FileError
from streamvet.outcome import Finding, NotExercised, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.contract.registry import Registry, Requirement
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace

_SILENT = NotExercised("its command says nothing of this trace")
_LEFT_OUT = " (an exchange was left out for "
MAX_FINDINGS = 20  # kept for one requirement and trace: the first ones tell, and a broken stream has one for each event


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict on one requirement, with its witnesses."""

    requirement: Requirement
    verdict: Verdict
    reason: str = ""
    exercised: int = 0  # number of traces
    findings: tuple[Finding, ...] = ()
    probes: tuple[str, ...] = ()  # the probes whose traces exercised it
    overruled: Verdict | None = None  # what a waiver covers
    reproduce: str = ""


@dataclass(slots=True)
class Tally:
    """What has been seen of one requirement so far."""

    exercised: int = 0
    findings: list[Finding] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    probes: dict[str, int] = field(default_factory=dict)
    error: str = ""


class Judge:
    """Folds traces of one profile into rulings, one trace at a time, so that no trace has to be kept.

    `checks` are those of the profile's system: a check for each requirement.
    """

    def __init__(self, profile: Profile, registry: Registry, checks: Mapping[str, Check]) -> None:
        self.profile = profile
        self.registry = registry
        self._checks = checks
        self._rows = registry.testable(profile)
        order = TopologicalSorter({row.id: row.depends_on for row in registry.rows.values()}).static_order()
        applicable = {row.id: row for row in self._rows}
        self._order = [applicable[one] for one in order if one in applicable and not applicable[one].command]
        self._own = [row for row in self._rows if row.command]
        self._ancestors = {row.id: registry.ancestors(row.id) for row in self._rows}
        self.tallies = {row.id: Tally() for row in self._rows}

    def add(self, trace: Trace) -> dict[str, Outcome]:
        """Judge one trace and fold it in; gives the outcome of each requirement for this trace.

        Raises:
            FileError: where the trace was recorded with another profile, or other rules.
        """
        self._same_contract(trace)
        outcomes: dict[str, Outcome] = {}
        guilty: dict[str, frozenset[str]] = {}  # id -> exchanges in which it has a finding
        for row in self._order:
            bad = frozenset[str]().union(*(guilty[one] for one in self._ancestors[row.id] if one in guilty))
            outcome = self._run(row, trace.without(bad))
            if isinstance(outcome, list) and outcome:
                guilty[row.id] = frozenset(one.exchange for one in outcome)
            elif bad and isinstance(outcome, NotExercised):
                outcome = NotExercised(f"{outcome.reason}{_LEFT_OUT}{_culprits(guilty, bad)})")
            outcomes[row.id] = outcome
            self._fold(row, trace, outcome)
        return outcomes

    def add_own(
        self, trace: Trace, outcomes: Mapping[str, Outcome], guilty: Mapping[str, frozenset[str]]
    ) -> dict[str, Outcome]:
        """Fold in what commands say of one trace, by requirement, after `add`; gives what counts of it.

        `guilty`: the exchanges in which other requirements have findings. A command saw these too: its findings there
        are left out where its requirement depends on one of those.
        """
        known = dict(guilty) | guilty_in(outcomes)
        counting: dict[str, Outcome] = {}
        for row in self._own:
            outcome = outcomes.get(row.id, _SILENT)
            causes = {one: known[one] for one in self._ancestors[row.id] if one in known}
            bad = frozenset[str]().union(*causes.values())
            if isinstance(outcome, list) and outcome:
                kept = [one for one in outcome if one.exchange not in bad]
                outcome = kept or NotExercised(f"its findings are left out for {_culprits(causes, bad)}")
            counting[row.id] = outcome
            self._fold(row, trace, outcome)
        return counting

    def failed(self, requirement: str, reason: str) -> None:
        """Note that nobody knows about a requirement, as what checks it failed."""
        self.tallies[requirement].error = reason

    def _same_contract(self, trace: Trace) -> None:
        if trace.digest != self.profile.digest:
            want = f"the digest of profile {self.profile.name}, {self.profile.digest[:12]}…"
            raise FileError(trace.name or "trace", "/digest", want, f"{trace.digest[:12]}… of {trace.profile}")
        if trace.revision != self.registry.revision:
            raise FileError(trace.name or "trace", "/revision", f"{self.registry.revision}", f"{trace.revision}")

    def _run(self, row: Requirement, trace: Trace) -> Outcome:
        check = self._checks.get(row.id)
        if check is None:
            return NotExercised("no check in this version")
        try:
            return check(trace, self.profile)
        except Exception:  # noqa: BLE001 - our own mistake must not hide the other verdicts; it is reported as ERROR
            self.tallies[row.id].error = traceback.format_exc(limit=-3)
            return NotExercised("the check failed, see the error")

    def _fold(self, row: Requirement, trace: Trace, outcome: Outcome) -> None:
        tally = self.tallies[row.id]
        if isinstance(outcome, NotExercised):
            reason = _nameless(trace) or outcome.reason
            tally.reasons[reason] = tally.reasons.get(reason, 0) + 1
            return
        tally.exercised += 1
        tally.probes[trace.probe] = tally.probes.get(trace.probe, 0) + 1
        name = trace.name
        tally.findings += [dataclasses.replace(one, requirement=row.id, trace=name) for one in outcome[:MAX_FINDINGS]]

    def skipped(self, requirement: str, reason: str) -> None:
        """Note why a try that would have exercised a requirement did not happen."""
        if requirement in self.tallies:
            reasons = self.tallies[requirement].reasons
            reasons[reason] = reasons.get(reason, 0) + 1

    def rulings(self) -> list[Ruling]:
        """The verdict on each requirement that is not excluded, in the order of the registry."""
        return [self._rule(row) for row in self.registry.testable()]

    def _rule(self, row: Requirement) -> Ruling:
        tally = self.tallies.get(row.id)
        if tally is None:
            return Ruling(row, Verdict.NOT_APPLICABLE, reason=_why_not(row, self.profile))
        probes = tuple(tally.probes)
        if tally.error:
            return Ruling(row, Verdict.ERROR, tally.error, tally.exercised, tuple(tally.findings), probes)
        if tally.findings:
            verdict = Verdict.FAIL if row.level == "MUST" else Verdict.WARN
            return Ruling(row, verdict, "", tally.exercised, tuple(tally.findings), probes)
        if tally.exercised:
            return Ruling(row, Verdict.PASS, "", tally.exercised, (), probes)
        return Ruling(row, Verdict.INCONCLUSIVE, _reasons(tally.reasons))


def judge(
    traces: Iterable[Trace],
    profile: Profile,
    registry: Registry,
    checks: Mapping[str, Check],
    progress: Callable[[Trace], None] | None = None,
) -> list[Ruling]:
    """The rulings over all traces."""
    bench = Judge(profile, registry, checks)
    for trace in traces:
        bench.add(trace)
        if progress:
            progress(trace)
    return bench.rulings()


def guilty_in(outcomes: Mapping[str, Outcome]) -> dict[str, frozenset[str]]:
    """The exchanges in which requirements have findings, by requirement."""
    return {
        row: frozenset(one.exchange for one in found)
        for row, found in outcomes.items()
        if isinstance(found, list) and found
    }


def _nameless(trace: Trace) -> str | None:
    """Why nothing could be asked of the run of a trace: nobody knows its id. None where that is not so.

    Whether the profile or the candidate has the wrong place nobody can tell, so that it is no finding.
    """
    starts = (one for one in trace.exchanges if "no_id" in one.about)
    return next((f"the answer to {one.operation} has no id at {one.about['no_id']}" for one in starts), None)


def _culprits(guilty: Mapping[str, frozenset[str]], bad: frozenset[str]) -> str:
    return ", ".join(sorted(one for one, exchanges in guilty.items() if exchanges & bad))


def _reasons(reasons: Mapping[str, int]) -> str:
    """The reasons, the most telling first: the longest, as short ones are 'nothing of the kind in this trace'."""
    if not reasons:
        return "no try reached it"
    longer = {reason.partition(_LEFT_OUT)[0] for reason in reasons if _LEFT_OUT in reason}
    told = [reason for reason in reasons if reason not in longer]  # the same, with why
    ordered = sorted(told, key=lambda reason: (not reason.startswith("not tried"), -reasons[reason], reason))
    return "; ".join(ordered[:3])


def _why_not(row: Requirement, profile: Profile) -> str:
    unmet = [f"{path}: {wanted}" for path, wanted in row.applies_to.items()]
    return f"applies to {', '.join(unmet)}; not to {profile.name}"
