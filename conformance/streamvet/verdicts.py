"""Traces in, verdicts out. The fold of the design happens here, and only here.

A requirement's check sees the events that reach the level which the requirement reads. A finding that another
violation explains (see `explaining`) is no verdict of its own. Must not know how a trace was made: no socket, no clock.
"""

from __future__ import annotations

import dataclasses
import re
import traceback
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from streamvet.attempts import Attempts
from streamvet.contract.files import FileError
from streamvet.contract.registry import FIRST_REVISION
from streamvet.decode import bounded_trace, named_coding, opened, unknown_coding, view
from streamvet.explaining import Explanations
from streamvet.outcome import Finding, NotExercised, Verdict, own_findings
from streamvet.strands import firsts_of, joined, placed, strands_of
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streamvet.contract.profile import Profile
    from streamvet.contract.registry import Registry
    from streamvet.contract.requirement import Requirement
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Exchange, Trace

# The verdict on a requirement of this level that has findings.
VIOLATED = {"MUST": Verdict.FAIL, "SHOULD": Verdict.WARN, "NOTE": Verdict.NOTE}
_SILENT = NotExercised("its command says nothing of this trace")
_NAMED = 3  # tries, in a reason
# Families, and ids of others, of what is said of a run as a whole: streams to which their reader came back are joined
# there. What is said of coming back needs the pieces as well; what is said of each answer needs nothing else.
_OF_WHOLE = {
    "events": False, "ordering": False, "terminal": False, "cancellation": False, "catchup": True, "TRN-10": False,
}  # fmt: skip
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
    unjudged: bool = False  # our own error kept its check from judging some trace
    reproduce: str = ""
    # Findings that other violations explain; where it has no others the verdict is INCONCLUSIVE.
    explained: tuple[Finding, ...] = ()
    unread: Mapping[str, int] = field(
        default_factory=dict
    )  # streams with events that were not read, by what they violate
    unkept: int = 0  # findings that were not kept and whose texts no finding has that was

    hindered_by: tuple[str, ...] = ()  # what is violated, where it was never exercised
    left_out: int = 0  # of its findings, by the file from which it was read
    unscored: str = ""  # why its verdict does not count
    places: tuple[str, ...] = ()  # the operations at which it was violated; none where a file does not say

    @property
    def found(self) -> int:
        """How many findings it has."""
        return len(self.findings) + self.left_out

    @property
    def causes(self) -> frozenset[str]:
        """The ids that explain its findings, or kept its check from reading, or it from being exercised."""
        return frozenset((*self.unread, *self.hindered_by)).union(*(one.explained_by for one in self.explained))


@dataclass(slots=True)
class Tally:
    """What has been seen of one requirement so far."""

    exercised: int = 0
    found: list[Finding] = field(default_factory=list)  # but for what `attempts` has
    unread: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, int] = field(default_factory=dict)
    probes: dict[str, int] = field(default_factory=dict)
    error: str = ""  # of a command
    unjudged: Counter[str] = field(default_factory=Counter)  # traces on which its check failed, by why
    untried: list[str] = field(default_factory=list)  # tries that would have exercised it, had there been time
    overlooked: list[str] = field(default_factory=list)  # why what was due was not seen, but for what `attempts` has
    unkept: int = 0
    idle: str = ""  # what did not occur in a trace that has a stream
    attempts: Attempts = field(default_factory=Attempts)  # what they say about time, until all of them are known

    @property
    def findings(self) -> list[Finding]:
        """What counts by what is known so far."""
        return [one for one in (*self.found, *self.attempts.counting()) if not one.explained_by]

    @property
    def explained(self) -> list[Finding]:
        """What would count if no other violation explained it."""
        return [one for one in (*self.found, *self.attempts.counting()) if one.explained_by]


class Judge:
    """Folds traces of one profile into rulings, one trace at a time, so that no trace has to be kept.

    `checks` are those of the profile's system: a check for each requirement.
    """

    def __init__(self, profile: Profile, registry: Registry, checks: Mapping[str, Check]) -> None:
        self.profile = profile
        self.registry = registry
        self._checks = checks
        on = registry.on(profile)
        self._rows = [on[row.id] for row in registry.testable(profile) if not row.command]
        self._own = [on[row.id] for row in registry.commanded(profile)]
        self.tallies = {row.id: Tally() for row in (*self._rows, *self._own)}
        self.errors: list[str] = []  # our own mistakes, as text
        self.spec = registry.revision  # the revision by which verdicts count: the earliest that any trace says
        self.limits: Counter[str] = Counter()  # exchanges whose rest was not read, by the limit that they reached

    def add(self, trace: Trace) -> dict[str, Outcome]:
        """Judge one trace and fold it in; gives the outcome of each requirement for this trace.

        An error of ours costs this trace alone: nothing of it counts then.

        Raises:
            FileError: where the trace was recorded with another profile, or by rules that this version does not know.
        """
        self._same_contract(trace)
        self.spec = min(self.spec, trace.revision, trace.spec or trace.revision)
        try:
            return self._add(bounded_trace(trace, self.profile))
        except Exception as error:  # noqa: BLE001 - our own mistake must not hide what other traces show; it is reported
            self.lose(trace, error)
            return {}

    def lose(self, trace: Trace, error: Exception) -> None:
        """Note that an error of ours, which is being handled, cost us this trace."""
        self.errors.append(_mistake(f"judging {_called(trace)}"))
        for row in self._rows:
            self.skipped(row.id, f"not judged: {_in_short(error)}, in {_called(trace)}")

    def _add(self, trace: Trace) -> dict[str, Outcome]:
        self.limits.update(one.detail for one in trace.exchanges if one.detail.startswith("limit: "))
        strands = strands_of(trace, self.profile)
        wholes = {keeps: joined(trace, strands, keeps=keeps) for keeps in set(_OF_WHOLE.values())} if strands else {}
        views = {
            (of, level): view(one, self.profile, level) if level else (one, {})
            for of, one in ((None, trace), *wholes.items())
            for level in {row.reads or "" for row in self._rows}
        }
        of = {row.id: _OF_WHOLE.get(row.id, _OF_WHOLE.get(row.family)) if strands else None for row in self._rows}
        chosen = {row.id: views[of[row.id], row.reads or ""] for row in self._rows}
        outcomes = {row.id: self._run(row, chosen[row.id][0]) for row in self._rows}
        unread = {row.id: chosen[row.id][1] for row in self._rows}
        explained = Explanations({row.id: row.level for row in self._rows}, outcomes, unread, firsts_of(strands))
        for row in self._rows:
            outcome = outcomes[row.id]
            if isinstance(outcome, list):
                outcome = outcomes[row.id] = placed([explained(row, one) for one in outcome], strands)
        for row in self._rows:
            self._fold(row, trace, outcomes[row.id], unread[row.id])
        return outcomes

    def add_own(
        self, trace: Trace, outcomes: Mapping[str, Outcome], guilty: Mapping[str, frozenset[str]]
    ) -> dict[str, Outcome]:
        """Fold in what commands say of one trace, by requirement, after `add`; gives the same with explanations.

        `guilty`: the exchanges in which other requirements have findings. A command saw these too: where one of them
        explains its requirement, a finding in such an exchange is no verdict of its own.
        """
        known = dict(guilty) | guilty_in(outcomes)
        counting: dict[str, Outcome] = {}
        for row in self._own:
            outcome = outcomes.get(row.id, _SILENT)
            if isinstance(outcome, list):
                outcome = [dataclasses.replace(one, explained_by=_causes(row, one, known)) for one in outcome]
            counting[row.id] = outcome
            self._fold(row, trace, outcome, {})
        return counting

    def withheld(self, requirement: str, reason: str) -> None:
        """Note why nothing checks a requirement; no other reason counts then."""
        self.tallies[requirement].reasons = {reason: 1}

    def failed(self, requirement: str, reason: str) -> None:
        """Note that nobody knows about a requirement, as what checks it failed."""
        self.tallies[requirement].error = reason

    def _same_contract(self, trace: Trace) -> None:
        if trace.digest != self.profile.digest:
            want = f"the digest of profile {self.profile.name}, {self.profile.digest[:12]}…"
            got = f"{trace.digest[:12]}… of {trace.profile}: its folder has changed since, or it is another profile"
            raise FileError(trace.name or "trace", "/digest", want, f"{got}; record it again")
        current = self.registry.revision
        if not FIRST_REVISION <= trace.revision <= current:
            known = f"{current}" if current == FIRST_REVISION else f"a revision from {FIRST_REVISION} to {current}"
            raise FileError(trace.name or "trace", "/revision", known, f"{trace.revision}")

    def _run(self, row: Requirement, trace: Trace) -> Outcome:
        check = self._checks.get(row.id)
        if check is None:
            return NotExercised("no check in this version")
        try:
            return check(trace, self.profile)
        except Exception as error:  # noqa: BLE001 - our own mistake must not hide the other verdicts; it is reported
            self.errors.append(_mistake(f"{row.id} in {_called(trace)}"))
            self.tallies[row.id].unjudged[_in_short(error)] += 1
            return NotExercised("its check failed")

    def _fold(
        self, row: Requirement, trace: Trace, outcome: Outcome, unread: Mapping[str, frozenset[str]]
    ) -> None:  # fmt: skip
        tally = self.tallies[row.id]
        for names in unread.values():
            tally.unread.update(names)
        if isinstance(outcome, NotExercised):
            reason = _hindrance(trace) or (_coded(trace) if row.reads else None) or outcome.reason
            tally.reasons[reason] = tally.reasons.get(reason, 0) + 1
            if reason == outcome.reason and any(map(opened, trace.exchanges)):
                tally.idle = reason
            if outcome.due and trace.attempt:
                tally.attempts.overlook(trace.attempt, reason)
            elif outcome.due:
                tally.overlooked.append(reason)
            return
        tally.exercised += 1
        tally.probes[trace.probe] = tally.probes.get(trace.probe, 0) + 1
        operations = {one.id: one.operation for one in trace.exchanges}
        placed = [dataclasses.replace(one, operation=operations.get(one.exchange, "")) for one in outcome]
        kept, unkept = _kept(own_findings(placed))
        explained, _ = _kept([one for one in placed if one.explained_by])
        tally.unkept += unkept
        found = [_named(one, row, trace) for one in (*kept, *explained)]
        if trace.attempt:
            tally.attempts.add(trace.attempt, [one for one in found if _is_about_time(one, trace)])
            found = [one for one in found if not _is_about_time(one, trace)]
        tally.found += found

    def skipped(self, requirement: str, reason: str) -> None:
        """Note why a try that would have exercised a requirement did not happen."""
        if requirement in self.tallies:
            reasons = self.tallies[requirement].reasons
            reasons[reason] = reasons.get(reason, 0) + 1

    def untried(self, what: str, serves: Iterable[str]) -> None:
        """Note that a try was not made, not finished or not judged, as the deadline of the run was over.

        Then the requirements that it serves do not hold by what else was tried: they were not tried as they should be.
        """
        for requirement in serves:
            if requirement in self.tallies:
                self.tallies[requirement].untried.append(what)

    @property
    def cut_short(self) -> bool:
        """Whether the deadline kept anything from being tried."""
        return any(tally.untried for tally in self.tallies.values())

    def doubtful(self) -> list[int]:
        """The numbers of the tries that are to be performed again, see `attempts`, in their order."""
        return sorted({of for tally in self.tallies.values() for of in tally.attempts.doubtful})

    def rulings(self) -> list[Ruling]:
        """The verdict on each requirement that is not excluded, in the order of the registry."""
        return [self._rule(row) for row in self.registry.on(self.profile).values()]

    def _rule(self, row: Requirement) -> Ruling:
        tally = self.tallies.get(row.id)
        if tally is None:
            return Ruling(row, Verdict.NOT_APPLICABLE, reason=_why_not(self.registry, self.profile)[row.id])
        probes = tuple(tally.probes)
        if tally.error:
            return Ruling(row, Verdict.ERROR, tally.error, tally.exercised, tuple(tally.findings), probes)
        hindering = self._hindering(row)
        verdict, reason = self._verdict(row, tally, hindering)
        return Ruling(
            row, verdict, reason, tally.exercised, tuple(tally.findings), probes,
            explained=tuple(tally.explained), unread=dict(tally.unread), unkept=tally.unkept,
            unjudged=bool(tally.unjudged), hindered_by=hindering, places=_places(tally.findings),
        )  # fmt: skip

    def _verdict(self, row: Requirement, tally: Tally, hindering: Sequence[str]) -> tuple[Verdict, str]:
        if tally.findings:
            return VIOLATED[row.level], ""
        if tally.unjudged:
            return Verdict.INCONCLUSIVE, _not_judged(tally.unjudged)
        if tally.explained:
            return Verdict.INCONCLUSIVE, _explanation(tally)
        if tally.untried:
            return Verdict.INCONCLUSIVE, _out_of_time(tally.untried)
        if overlooked := [*tally.overlooked, *tally.attempts.overlooked]:
            return Verdict.INCONCLUSIVE, f"what was due could not be observed: {_worst_of(overlooked)}"
        if tally.exercised:
            return Verdict.PASS, "; ".join(filter(None, (tally.attempts.acquitted(), _not_read(tally.unread))))
        if tally.idle and not hindering and row.may_never_occur(self.profile):
            return Verdict.NOT_APPLICABLE, f"{tally.idle}, and {self.profile.name} does not require it"
        reasons = (_hindered(hindering), _reasons(tally.reasons), _not_read(tally.unread))
        return Verdict.INCONCLUSIVE, "; ".join(filter(None, reasons))

    def _hindering(self, row: Requirement) -> tuple[str, ...]:
        """What explains a requirement that was never exercised: what is violated may keep it from that."""
        tally = self.tallies[row.id]
        if tally.exercised or tally.findings or tally.explained:
            return ()
        return tuple(one for one in row.explained_by if one in self.tallies and self.tallies[one].findings)


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


def _named(one: Finding, row: Requirement, trace: Trace) -> Finding:
    seen = one.seen + _replicas(one, trace)
    return dataclasses.replace(one, requirement=row.id, trace=trace.name, probe=trace.probe, seen=seen)


def _replicas(one: Finding, trace: Trace) -> str:
    """Which process of the candidate said what a finding is about, and which what it is compared with; "" for one."""
    named = [each for each in trace.exchanges if each.id in (one.exchange, *one.beside) and "replica" in each.about]
    return "".join(f"; {each.id} is of replica {each.about['replica']}" for each in named)


def _is_about_time(one: Finding, trace: Trace) -> bool:
    """Whether a finding says that something was over its time, or was waited for no longer."""
    return one.timed or any(x.id == one.exchange and x.ending is Ending.TIMED_OUT for x in trace.exchanges)


def _places(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The operations at which a requirement is violated."""
    return tuple(sorted({one.operation for one in findings if one.operation}))


def _kept(findings: list[Finding]) -> tuple[list[Finding], int]:
    """The findings of one requirement and trace that are kept, and how many others say what none of these says.

    Of the rest the first with each text and operation is kept too, as many again: a waiver goes by the text, and a
    baseline by the operation.
    """
    first, rest = findings[:MAX_FINDINGS], findings[MAX_FINDINGS:]
    texts = {(one.expected, one.seen, one.operation) for one in first}
    unkept = 0
    for one in rest:
        text = (one.expected, one.seen, one.operation)
        if text in texts:
            continue
        if len(first) < 2 * MAX_FINDINGS:
            texts.add(text)
            first.append(one)
        else:
            unkept += 1
    return first, unkept


def _causes(row: Requirement, finding: Finding, guilty: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The ids that explain a finding of a command."""
    return tuple(name for name in row.explained_by if finding.exchange in guilty.get(name, ()))


def guilty_in(outcomes: Mapping[str, Outcome]) -> dict[str, frozenset[str]]:
    """The exchanges in which requirements have findings, by requirement."""
    return {
        row: frozenset(one.exchange for one in found)
        for row, found in outcomes.items()
        if isinstance(found, list) and found
    }


def _hindrance(trace: Trace) -> str | None:
    """Why a try could not go on, such as that nobody knows the id of its run. None where that is not so.

    Whether the profile or the candidate has the wrong place for an id nobody can tell, so that it is no finding.
    """
    for one in trace.exchanges:
        if "no_id" in one.about:
            return f"the answer to {one.operation} has no id at {one.about['no_id']}"
        if "hindrance" in one.about:
            return f"not tried: {one.about['hindrance']}"
        if one.about.get("meant") in {"stream", "answer"} and (place := _led_away(one)):
            return f"not tried: {one.operation} is answered with a redirect to {place}"
    return None


def _led_away(exchange: Exchange) -> str:
    """Where a redirect leads that is the answer, "" where it is none: the suite follows none, as it has credentials."""
    head = exchange.head
    return head.get("location") if head and 300 <= head.status < 400 else ""


def _coded(trace: Trace) -> str | None:
    """Why a stream could not be read, where nobody knows its content coding."""
    unknown = sorted({unknown_coding(one) for one in trace.exchanges if opened(one) and unknown_coding(one)})
    return f"not read: a stream has the content coding {', '.join(map(named_coding, unknown))}" if unknown else None


def _called(trace: Trace) -> str:
    """A trace for people."""
    return trace.name or f"{trace.probe}: {trace.stimulus.get('name', '')}"


def _in_short(error: Exception) -> str:
    """An error of ours, for a reason."""
    return f"an error of the suite itself, {type(error).__name__}"


def _mistake(where: str) -> str:
    """The error that is handled now, with where it was raised."""
    return f"{where}\n{traceback.format_exc(limit=-3)}"


def _not_judged(errors: Mapping[str, int]) -> str:
    """On how many traces a check failed, and how."""
    traces = sum(errors.values())
    return f"not judged in {traces} trace{'s' if traces > 1 else ''}: {', '.join(errors)}"


def _explanation(tally: Tally) -> str:
    """Why there is nothing but findings that are explained."""
    causes = dict.fromkeys(name for one in tally.explained for name in one.explained_by)
    return f"violated only where {', '.join(causes)} is violated too"


def _hindered(causes: Sequence[str]) -> str:
    """What is violated, and may have kept a requirement from being exercised; "" where nothing is."""
    return f"{', '.join(causes)} {'is' if len(causes) == 1 else 'are'} violated" if causes else ""


def _not_read(unread: Mapping[str, int]) -> str:
    """How many streams had events that were not read, and what these violate; "" where there were none."""
    if not unread:
        return ""
    streams = max(unread.values())
    return f"{streams} stream{'s' if streams > 1 else ''} not read to the end because of {', '.join(sorted(unread))}"


def _reasons(reasons: Mapping[str, int]) -> str:
    """The reasons, the most telling first: the longest, as short ones are 'nothing of the kind in this trace'."""
    if not reasons:
        return "no try exercised it"
    ordered = sorted(reasons, key=lambda reason: (not reason.startswith("not tried"), -reasons[reason], reason))
    return "; ".join(ordered[:3])


def _worst_of(reasons: list[str]) -> str:
    """Reasons that differ in a number alone once, by the largest one."""
    alike: dict[str, str] = {}
    for reason in sorted(reasons, key=lambda one: [int(number) for number in re.findall(r"\d+", one)]):
        alike[re.sub(r"\d+", "", reason)] = reason
    return ", ".join(list(alike.values())[-_NAMED:])


def _out_of_time(untried: list[str]) -> str:
    """What the deadline kept from being tried, by name as long as that is short."""
    names = list(dict.fromkeys(untried))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"the deadline was over before these were tried: {', '.join(names[:_NAMED])}{more}"


@lru_cache(maxsize=32)
def _why_not(registry: Registry, profile: Profile) -> Mapping[str, str]:
    """Where each requirement applies, for those that do not apply to a profile."""
    return {
        row.id: f"applies to {', or '.join(', '.join(one) for one in row.conditions)}; not to {profile.name}"
        for row in registry.testable()
    }
