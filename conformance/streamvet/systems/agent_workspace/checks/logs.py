"""FLT-08 to FLT-13, FLT-18: the log lines that a connection is told, against those that were added.

Must not know how the states of a fleet were put (`recorded` does), nor what updates are about.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from streamvet.decode import streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.systems.agent_workspace.checks.recorded import Judged, figures_of, of_fleet, rows
from streamvet.systems.agent_workspace.checks.shown import LOGS, moment_of, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.systems.agent_workspace.checks.shown import Connection, Document, Fleet, Row, State
    from streamvet.trace import Trace

_POLLS_WATCHED = 2  # after the first lines: by then a cursor that stands still has told them again


class Due(NamedTuple):
    """A new log line that a connection has to be told, and until when."""

    line: Document
    since_us: int
    due_us: int
    fits: bool  # a poll may carry it and all those that are new with it


def each_line(fleet: Fleet, one: Connection) -> Judged:
    """FLT-08: also that a line, whenever it comes, is told as it was logged."""
    return _each_line(fleet, one, fitting=True)


def the_rest(fleet: Fleet, one: Connection) -> Judged:
    """FLT-18."""
    return _each_line(fleet, one, fitting=False)


def _each_line(fleet: Fleet, one: Connection, *, fitting: bool) -> Judged:
    first: dict[str, Row] = {}
    for row in one.lines:
        first.setdefault(row.id, row)
    found, exercised, overlooked = [], False, None
    for new in _due_lines(fleet, one):
        lines = [due for due in new if due.fits is fitting]
        late = [due for due in lines if not _in_time(first, due)]
        missed = [due for due in late if fleet.has_missed(one, due.due_us, came=due.line["id"] in first)]
        if len(missed) < len(late):
            unsure = next(due for due in late if due not in missed)
            overlooked = overlooked or fleet.overlooks(one, unsure.due_us)
        came = [due for due in new if fitting and due.line["id"] in first]
        altered = [due for due in came if not _is(first[due.line["id"]], due.line)]
        exercised = exercised or bool(missed or altered) or any(_in_time(first, due) for due in lines)
        never = [due for due in missed if due.line["id"] not in first]
        tardy = [due for due in missed if due.line["id"] in first]
        found += [_missed(one, first, some, f"{len(missed)} of {len(lines)}") for some in (never, tardy) if some]
        if altered and not tardy:
            row = first[altered[0].line["id"]]
            want = f"the line {shown(row.id)} with the message {shown(altered[0].line['message'])}"
            found.append(finding(one.exchange, want, shown(row.document["message"]), span(row.event)))
    return found or overlooked or (found if exercised else None)


def _due_lines(fleet: Fleet, one: Connection) -> list[list[Due]]:
    """For each state, the lines that it adds to a run that is to be shown until they are due."""
    found = []
    before: dict[str, list[Due]] = defaultdict(list)
    for state in (*_all_told_at_first(fleet, one), *(state for _, state in fleet.later(one))):
        since_us = max(state.done_us, one.since_us)
        for run, lines in _added(fleet, one, state).items():
            # Those of before that may not have been told yet are told first; of one time, each may be the last.
            waiting = sum(due.due_us > state.sent_us for due in before[run])
            times = [moment_of(line["createdAt"]) for line in lines]
            polls = [(waiting + bisect_right(times, at) - 1) // fleet.figures.poll_logs + 1 for at in times]
            due = [
                Due(line, since_us, fleet.due_us(one, since_us, count), fits=polls[-1] == 1)
                for line, count in zip(lines, polls, strict=True)
            ]
            before[run] += due
            found.append([one_due for one_due in due if _stays(fleet, one, run, state, one_due.due_us)])
    return found


def _all_told_at_first(fleet: Fleet, one: Connection) -> list[State]:
    """The states at the seam whose lines the first batch has room for: what it lacks comes later."""
    states = [state for _, state in fleet.at_the_seam(one)]
    runs = [fleet.visible(state, one) for state in states]
    pairs = zip(states, runs, strict=True)
    counts = [sum(line["pipelineRunId"] in shown for line in state.lines.values()) for state, shown in pairs]
    return states if max(counts, default=0) <= fleet.figures.first_logs else []


def _added(fleet: Fleet, one: Connection, state: State) -> dict[str, list[Document]]:
    """The new lines of each run that is shown in a state, in the order of their time."""
    found: dict[str, list[Document]] = defaultdict(list)
    visible = fleet.visible(state, one)
    for line in sorted((state.lines[name] for name in state.new), key=lambda line: moment_of(line["createdAt"])):
        if line["pipelineRunId"] in visible:
            found[line["pipelineRunId"]].append(line)
    return found


def _stays(fleet: Fleet, one: Connection, run: str, state: State, until_us: int) -> bool:
    """Whether a run is shown from a state on until a time."""
    later = [other for other in fleet.states[state.number :] if other.sent_us <= until_us]
    return all(run in fleet.visible(other, one) for other in later)


def _in_time(first: Mapping[str, Row], due: Due) -> bool:
    row = first.get(due.line["id"])
    return row is not None and row.event.at_us <= due.due_us


def _is(row: Row, line: Document) -> bool:
    """Whether a line is told as it was logged, by the members that every line has.

    One whose JSON two readers read in two ways has no text to compare: that is another row's.
    """
    return bool(row.event.problems) or all(row.document[key] == line[key] for key in ("pipelineRunId", "message"))


def _missed(one: Connection, first: Mapping[str, Row], missed: Sequence[Due], of: str) -> Finding:
    """The finding of lines that never came, or of some that came late; `of` is how many of both there are."""
    due = missed[0]
    row = first.get(due.line["id"])
    within_ms = (due.due_us - due.since_us) / 1000
    want = f"the line {shown(due.line['id'])} of {shown(due.line['pipelineRunId'])} within {within_ms:.0f} ms"
    came = f"it after {(row.event.at_us - due.since_us) / 1000:.0f} ms" if row else "no such line"
    seen = f"{came}; {of} are missing or late"
    where = span(row.event) if row else one.silence_at(due.due_us)
    return finding(one.exchange, want, seen, where, due.due_us, absent=row is None, timed=row is not None)


def once(trace: Trace, profile: Profile) -> Outcome:
    """FLT-09."""
    watched_us = _POLLS_WATCHED * figures_of(trace, profile).poll_us
    found, exercised = [], False
    for one in streams(trace, profile):
        first: dict[str, Row] = {}
        for row in rows(one, (LOGS,)):
            if row.id in first:
                later_ms = (row.event.at_us - first[row.id].event.at_us) / 1000
                seen = f"the line {shown(row.id)} again, {later_ms:.0f} ms later"
                found.append(finding(one.exchange, "each log line once", seen, span(row.event)))
                break
            first[row.id] = row
            exercised = exercised or one.exchange.ended_us - row.event.at_us >= watched_us
    return found if exercised or found else NotExercised("no stream with log lines was open for some polls")


def in_order(trace: Trace, profile: Profile) -> Outcome:
    """FLT-10."""
    found, exercised = [], False
    for one in streams(trace, profile):
        told: dict[str, list[Row]] = defaultdict(list)
        for row in rows(one, (LOGS,)):
            told[row.document["pipelineRunId"]].append(row)
        pairs = [pair for lines in told.values() for pair in pairwise(lines)]
        exercised = exercised or bool(pairs)
        back = next((b for a, b in pairs if _at(a) > _at(b)), None)
        if back is not None:
            run = back.document["pipelineRunId"]
            seen = f"{shown(back.id)} of {back.document['createdAt']} after a later one"
            found.append(
                finding(one.exchange, f"the lines of {shown(run)} in the order of their time", seen, span(back.event))
            )
    return found if exercised else NotExercised("no stream had two log lines of a run")


def _at(row: Row) -> datetime:
    return moment_of(row.document["createdAt"])


def within_limit(fleet: Fleet, one: Connection) -> list[Finding] | None:
    """FLT-11: lines that were added since the snapshot; those of one poll arrive together, give or take the slack."""
    limit, later = fleet.figures.poll_logs, [state for _, state in fleet.later(one)]
    told: dict[str, list[Row]] = defaultdict(list)
    for row in one.lines:
        if row.event is not one.first_batch and fleet.origins.get(row.id) in later:
            told[row.document["pipelineRunId"]].append(row)
    found = []
    for run, lines in told.items():
        for row, over in zip(lines, lines[limit:], strict=False):
            apart_us = over.event.at_us - row.event.at_us
            if over.event is row.event or apart_us < fleet.figures.poll_us - fleet.slack_us(one):
                want = f"at most {limit} log lines of {shown(run)} in a poll"
                seen = f"more than that within {apart_us / 1000:.0f} ms"
                found.append(finding(one.exchange, want, seen, span(row.event, over.event)))
                break
    crowded = {run for state in later for run, lines in _added(fleet, one, state).items() if len(lines) > limit}
    return found if found or crowded & told.keys() else None


def there_at_first(fleet: Fleet, one: Connection) -> list[Document]:
    """The log lines of the runs that a stream begins with, in the order of their time; none where that is not known."""
    until_us = one.first_batch.at_us if one.first_batch else one.since_us + fleet.figures.slack_us
    states = fleet.in_force(one.exchange.sent_us, until_us)
    if len(states) != 1:
        return []
    visible = fleet.visible(states[0], one)
    there = [line for line in states[0].lines.values() if line["pipelineRunId"] in visible]
    return sorted(there, key=lambda line: moment_of(line["createdAt"]))


def newest_first_batch(fleet: Fleet, one: Connection) -> Judged:
    """FLT-12."""
    there = there_at_first(fleet, one)
    newest = [line["id"] for line in there[-fleet.figures.first_logs :]]
    if len(there) == len(newest):
        return None
    old = {line["id"] for line in there} - set(newest)
    want = f"the newest {len(newest)} of {len(there)} log lines"
    early = next((row for row in one.lines if row.id in old), None)
    if early is not None:
        return [finding(one.exchange, want, f"{shown(early.id)}, which is older", span(early.event))]
    first = {row.id: row for row in reversed(one.lines)}
    added = next((row for row in one.lines if row.id not in newest), None)
    missing = [name for name in newest if name not in first or (added and first[name].number > added.number)]
    due_us = fleet.due_us(one, one.since_us)
    if not missing:
        return []
    if added is None and not fleet.has_missed(one, due_us):
        return fleet.overlooks(one, due_us)
    before = f"before {shown(added.id)}" if added else f"within {(due_us - one.since_us) / 1000:.0f} ms"
    seen = f"{len(newest) - len(missing)} of them, without {shown(missing[0])}"
    where = span(added.event) if added else (0, len(one.exchange.body))
    absent = not any(name in first for name in missing)
    return [finding(one.exchange, f"{want}, {before}", seen, where, absent=absent)]


def of_active_runs(fleet: Fleet, one: Connection) -> list[Finding] | None:
    """FLT-13. That nothing comes says something only where lines of an active run came later than at first."""
    for row in one.lines:
        run = row.document["pipelineRunId"]
        if not any(run in state.active for state in fleet.told(one, row.event)):
            return [
                finding(
                    one.exchange, f"no log line of {shown(run)}, which is not active", repr(row.id), span(row.event)
                )
            ]
    for _, state in fleet.later(one):
        silent = [name for name in state.new if state.lines[name]["pipelineRunId"] not in state.active]
        told = any(row.event is not one.first_batch for row in one.lines)
        if silent and told and fleet.due_us(one, state.done_us) <= one.until_us:
            return []
    return None


CHECKS: dict[str, Check] = {
    "FLT-08": of_fleet(each_line, "no log lines were added while a stream was open for long enough"),
    "FLT-09": once,
    "FLT-10": in_order,
    "FLT-11": of_fleet(within_limit, "no stream had more new log lines of a run than a poll may send"),
    "FLT-12": of_fleet(newest_first_batch, "no stream was opened on more log lines than a first batch has"),
    "FLT-13": of_fleet(of_active_runs, "no log lines were added to a run that is not active"),
    "FLT-18": of_fleet(the_rest, "no stream had more new log lines of a run than a poll may send, for long enough"),
}
