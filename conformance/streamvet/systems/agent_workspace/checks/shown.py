"""What a fleet was, moment by moment, and what each connection of agent-workspace was told of it.

A poll may fall at any time, also while a state is being replaced: between the request that puts one and its answer both
may be what a poll sees. Values, and what can be computed from them; judges nothing, and must not know traces.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.checks.runs import LIMIT
from streamvet.decode import same
from streamvet.outcome import NotExercised

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.trace import Exchange

Document = dict[str, Any]

SNAPSHOT, UPDATE, LOGS, ERROR = "fleet_snapshot", "fleet_update", "fleet_logs", "error"
# The system's page lists them; a run with another status is not active.
ACTIVE = frozenset(
    {
        *("queued", "researching", "architecting", "designing", "implementing", "testing", "awaiting_approval"),
        *("releasing", "marketing", "documenting", "syncing_branches"),
    }
)
JITTER_SHARE = 4  # the harness may be late by a quarter of the tolerance; beyond that it cannot tell
NEVER_POLLS = 3  # so many polls after it was due, what has not come does not come
_EARLIEST = datetime.min.replace(tzinfo=UTC)


# ------------------------------------------------------------------------------------------------ documents


def moment_of(text: Any) -> datetime:
    """The time of an ISO 8601 text; the earliest of all where it is none."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else _EARLIEST
    except ValueError:
        return _EARLIEST
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def shows(seen: Any, wanted: Any, key: str = "") -> bool:
    """Whether a document shows what was put: all its members, times as times, jobs and interventions in any order.

    Which run these name is not looked at.
    """
    if isinstance(wanted, dict) and isinstance(seen, dict):
        names = wanted.keys() - {"pipelineRunId"}
        return all(name in seen and shows(seen[name], wanted[name], name) for name in names)
    if key in ("jobs", "pendingInterventions"):
        rows = by_id(seen)
        return len(rows) == len(seen) == len(wanted) and all(shows(rows.get(row["id"]), row) for row in wanted)
    if key.endswith("At") and isinstance(wanted, str):
        return isinstance(seen, str) and moment_of(seen) == moment_of(wanted)
    return same(seen, wanted)


def by_id(rows: Iterable[Any]) -> dict[str, Document]:
    """Documents by their ids."""
    return {row["id"]: row for row in rows}


def fingerprint(run: Document) -> Hashable:
    """What has to change for a run to be told again: its status, that of each job, the number of interventions."""
    jobs = tuple(sorted((str(job["id"]), str(job["status"])) for job in run["jobs"]))
    return run["status"], jobs, len(run["pendingInterventions"])


def repeated(values: Iterable[Any]) -> list[Any]:
    """What is there more than once."""
    return [one for one, count in Counter(values).items() if count > 1]


# ------------------------------------------------------------------------------------------------ values


class State(NamedTuple):
    """One state of the fleet: put by a request that was sent at one time and answered at another."""

    number: int
    sent_us: int
    done_us: int
    runs: Mapping[str, Document]  # of any status
    lines: Mapping[str, Document]
    new: frozenset[str]  # the lines that were never there before

    @property
    def active(self) -> set[str]:
        """The runs that are active."""
        return {name for name, run in self.runs.items() if run["status"] in ACTIVE}


class Figures(NamedTuple):
    """The profile's figures, at the time scale of a trace."""

    poll_us: int
    slack_us: int  # what may pass between what a poll sees and the arrival of what it tells
    runs: int
    first_logs: int
    poll_logs: int


class Row(NamedTuple):
    """One run or one log line as a connection was told it, with the event that told it."""

    event: Event
    number: int  # of the event in its stream
    document: Document

    @property
    def id(self) -> str:
        """The id of the run or line, as the stimulus has it."""
        return str(self.document["id"])


@dataclass(frozen=True)
class Connection:
    """One stream of an account whose projects are known. Ids are those of the stimulus."""

    reading: Reading
    projects: frozenset[str]
    jitter_us: int
    until_us: int  # when it ended, or when what was put ceased to be known
    snapshot: Event | None  # where it is the first event
    runs: Sequence[Row]  # of the snapshot and of updates
    lines: Sequence[Row]

    @property
    def exchange(self) -> Exchange:
        """Its exchange."""
        return self.reading.exchange

    @property
    def since_us(self) -> int:
        """When it had its snapshot; when it ended where it had none."""
        return self.snapshot.at_us if self.snapshot else self.until_us

    @property
    def updated(self) -> list[Row]:
        """The runs that updates told."""
        return [row for row in self.runs if row.event.kind == UPDATE]

    @property
    def first_batch(self) -> Event | None:
        """The log lines right behind the snapshot."""
        events = self.reading.events
        return events[1] if self.snapshot and len(events) > 1 and events[1].kind == LOGS else None

    def silence_at(self, at_us: int) -> tuple[int, int]:
        """The span of no bytes at which a stream is at a time: of what is not there."""
        events = (*self.reading.events, *self.reading.beats)
        end = max((event.end for event in events if event.at_us <= at_us), default=0)
        return end, end


@dataclass(frozen=True)
class Fleet:
    """All states of a try, and the connections that were opened on them."""

    states: Sequence[State]
    figures: Figures
    connections: Sequence[Connection]
    tag: str  # what ids on the wire begin with

    @cached_property
    def origins(self) -> Mapping[str, State]:
        """The state with which each log line came."""
        return {line: state for state in self.states for line in state.new}

    def visible(self, state: State, one: Connection) -> dict[str, Document]:
        """The runs that a connection is shown of a state: the active ones of its projects, the newest."""
        return dict(list(self.active(state, one).items())[: self.figures.runs])

    def active(self, state: State, one: Connection) -> dict[str, Document]:
        """The active runs of a connection's projects in a state, the newest first, however many."""
        mine = [run for run in state.runs.values() if run["status"] in ACTIVE and run["projectId"] in one.projects]
        mine.sort(key=lambda run: moment_of(run["startedAt"]), reverse=True)
        return {run["id"]: run for run in mine}

    def in_force(self, start_us: int, end_us: int) -> list[State]:
        """The states that a poll within this time may have seen."""
        replaced_us = [*(state.done_us for state in self.states[1:]), None]
        pairs = zip(self.states, replaced_us, strict=True)
        return [state for state, us in pairs if state.sent_us <= end_us and (us is None or us >= start_us)]

    def told(self, one: Connection, event: Event) -> list[State]:
        """The states that an event may be about: those since it was asked for, or those of the poll behind it."""
        if event in (one.snapshot, one.first_batch):
            return self.in_force(one.exchange.sent_us, event.at_us)
        return self.in_force(event.at_us - self.slack_us(one), event.at_us)

    def slack_us(self, one: Connection) -> int:
        """The slack on a connection, widened by what the harness itself was late."""
        return self.figures.slack_us + one.jitter_us

    def due_us(self, one: Connection, since_us: int, polls: int = 1) -> int:
        """When what was put at a time has to be there, so many polls later."""
        return since_us + polls * self.figures.poll_us + self.slack_us(one)

    def has_missed(self, one: Connection, due_us: int, *, came: bool = False) -> bool:
        """Whether what has not come by then was missed: the connection was there, and it is not we who were late.

        What has not come several polls later either was missed however late we were.
        """
        if one.until_us >= due_us and one.jitter_us * JITTER_SHARE <= self.figures.slack_us:
            return True
        return not came and one.until_us >= due_us + NEVER_POLLS * self.figures.poll_us + one.jitter_us

    def overlooks(self, one: Connection, due_us: int) -> NotExercised | None:
        """That nobody can say whether what was due then was in time, although the connection was to be there."""
        if one.until_us >= due_us:
            return NotExercised(f"harness late by {one.jitter_us / 1000:.0f} ms", due=True)
        return NotExercised(one.exchange.detail, due=True) if one.exchange.detail.startswith(LIMIT) else None

    def showing(self, one: Connection, row: Row) -> list[State]:
        """The states, up to the arrival of a told run, in which it is to be shown just so."""
        found = []
        for state in self.states:
            wanted = self.visible(state, one).get(row.id) if state.sent_us <= row.event.at_us else None
            if wanted is not None and shows(row.document, wanted):
                found.append(state)
        return found

    def later(self, one: Connection) -> list[tuple[State, State]]:
        """The states that were put after a connection had its snapshot, each behind the one before it."""
        return [(before, after) for before, after in pairwise(self.states) if after.sent_us > one.since_us]

    def at_the_seam(self, one: Connection) -> list[tuple[State, State]]:
        """The states that were put while a snapshot was asked for and made: it may show them, or a poll after it."""
        pairs = pairwise(self.states)
        return [(a, b) for a, b in pairs if one.exchange.sent_us <= b.done_us and b.sent_us <= one.since_us]

    def changes(self, one: Connection) -> list[tuple[State, str]]:
        """What has to be told to a connection: with each later state, the runs that are new or have changed."""
        return [(after, name) for before, after in self.later(one) for name in self._changed(one, before, after)]

    def unshown(self, one: Connection) -> list[tuple[State, str]]:
        """What has to be told to a connection of the states at the seam: what its snapshot does not show."""
        rows = {row.id: row for row in one.runs if row.event == one.snapshot}
        shown = {name: max((s.number for s in self.showing(one, row)), default=0) for name, row in rows.items()}
        pairs = self.at_the_seam(one)
        changed = [(after, name) for before, after in pairs for name in self._changed(one, before, after)]
        return [(after, name) for after, name in changed if shown.get(name, 0) < after.number]

    def _changed(self, one: Connection, before: State, after: State) -> list[str]:
        """The runs that are new in a state to who sees them, or have changed."""
        old, new = self.visible(before, one), self.visible(after, one)
        return [name for name in new if name not in old or fingerprint(old[name]) != fingerprint(new[name])]


def span(first: Event, last: Event | None = None) -> tuple[int, int]:
    """The bytes of an event, or of all from one to another."""
    return first.start, (last or first).end
