"""What a fleet was, moment by moment, and what each connection of agent-workspace was told of it.

The stimulus has the states, the control exchanges say when each of them was put. A poll may fall at any time, also
while a state is being replaced: between the request that puts one and its answer both may be what a poll sees. Judges
nothing; must not know what a connection should have been told.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from streamvet.checks.runs import with_role
from streamvet.decode import same, streams
from streamvet.outcome import NotExercised

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from streamvet.contract.profile import Profile
    from streamvet.decode import Event, Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

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
_TAGGED = ("id", "pipelineRunId", "jobId")  # what a probe makes unique for each try
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
        rows = _by_id(seen)
        return len(rows) == len(seen) == len(wanted) and all(shows(rows.get(row["id"]), row) for row in wanted)
    if key.endswith("At") and isinstance(wanted, str):
        return isinstance(seen, str) and moment_of(seen) == moment_of(wanted)
    return same(seen, wanted)


def _by_id(rows: Iterable[Any]) -> dict[str, Document]:
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
        mine = [run for run in state.runs.values() if run["status"] in ACTIVE and run["projectId"] in one.projects]
        mine.sort(key=lambda run: moment_of(run["startedAt"]), reverse=True)
        return {run["id"]: run for run in mine[: self.figures.runs]}

    def in_force(self, start_us: int, end_us: int) -> list[State]:
        """The states that a poll within this time may have seen."""
        replaced_us = [*(state.done_us for state in self.states[1:]), None]
        pairs = zip(self.states, replaced_us, strict=True)
        return [state for state, us in pairs if state.sent_us <= end_us and (us is None or us >= start_us)]

    def told(self, one: Connection, event: Event) -> list[State]:
        """The states that an event may be about: those since it was asked for, or those of the poll behind it."""
        if event is one.snapshot or event is one.first_batch:
            return self.in_force(one.exchange.sent_us, event.at_us)
        return self.in_force(event.at_us - self.slack_us(one), event.at_us)

    def slack_us(self, one: Connection) -> int:
        """The slack on a connection, widened by what the harness itself was late."""
        return self.figures.slack_us + one.jitter_us

    def due_us(self, one: Connection, since_us: int, polls: int = 1) -> int:
        """When what was put at a time has to be there, so many polls later."""
        return since_us + polls * self.figures.poll_us + self.slack_us(one)

    def has_missed(self, one: Connection, due_us: int) -> bool:
        """Whether what has not come by then was missed: the connection was there, and it is not we who were late."""
        return one.until_us >= due_us and one.jitter_us * JITTER_SHARE <= self.figures.slack_us

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

    def changes(self, one: Connection) -> list[tuple[State, str]]:
        """What has to be told to a connection: with each later state, the runs that are new or have changed."""
        found = []
        for before, after in self.later(one):
            old, new = self.visible(before, one), self.visible(after, one)
            found += [
                (after, name) for name in new if name not in old or fingerprint(old[name]) != fingerprint(new[name])
            ]
        return found


# ------------------------------------------------------------------------------------------------ of a trace


NO_STATES = NotExercised(
    "no known state of the fleet: needs the control interface, and e-mail addresses as credentials"
)
_fleets: WeakKeyDictionary[Trace, Fleet | NotExercised] = WeakKeyDictionary()


def fleet_of(trace: Trace, profile: Profile) -> Fleet | NotExercised:
    """The fleet of a try in which every poll was to succeed; computed once."""
    if failures(trace, "poll"):
        return NotExercised("a poll was made to fail")
    return any_fleet_of(trace, profile)


def any_fleet_of(trace: Trace, profile: Profile) -> Fleet | NotExercised:
    """The fleet of any try; computed once."""
    if trace not in _fleets:
        _fleets[trace] = _fleet(trace, profile)
    return _fleets[trace]


def of_fleet(judge: Callable[[Fleet, Connection], list[Finding] | None], otherwise: str) -> Check:
    """A check of each connection to a known fleet that has a snapshot; `judge` gives None where it says nothing."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        fleet = fleet_of(trace, profile)
        if isinstance(fleet, NotExercised):
            return fleet
        outcomes = [judge(fleet, one) for one in fleet.connections if one.snapshot is not None]
        exercised = [outcome for outcome in outcomes if outcome is not None]
        return [found for outcome in exercised for found in outcome] if exercised else NotExercised(otherwise)

    return check


def _fleet(trace: Trace, profile: Profile) -> Fleet | NotExercised:
    puts = {x.about["moment"]: x for x in with_role(trace, "control") if "moment" in x.about}
    timeline = trace.stimulus.get("timeline")
    if not timeline or 0 not in puts:
        return NO_STATES
    states, over_us = _states(timeline, puts)
    if not states:
        return NotExercised(f"the control interface answers a state with {puts[0].status}")
    tag, accounts = str(puts[0].about.get("tag", "")), trace.stimulus["projects"]
    opened = [
        _connection(one, frozenset(accounts[account]), trace.jitter_us.get(one.exchange.id, 0), over_us, tag)
        for one in streams(trace, profile)
        if (account := one.exchange.about.get("account")) in accounts and one.exchange.sent_us >= states[0].done_us
    ]
    return Fleet(states, figures_of(trace, profile), opened, tag)


def figures_of(trace: Trace, profile: Profile) -> Figures:
    """The profile's figures at the scale of a trace."""
    given = profile.raw["figures"]
    return Figures(
        poll_us=int(given["poll_ms"] * 1000 * trace.time_scale),
        slack_us=profile.tolerance_us(given["change_within_ms"] - given["poll_ms"], trace.time_scale),
        runs=given["snapshot_runs"],
        first_logs=given["first_logs"],
        poll_logs=given["poll_logs"],
    )


def _states(timeline: Sequence[Any], puts: Mapping[Any, Exchange]) -> tuple[list[State], int | None]:
    """The states up to the first that was not taken, and when that one was put."""
    states: list[State] = []
    runs: dict[str, Document] = {}
    lines: dict[str, Document] = {}
    known: set[str] = set()
    for number, row in enumerate(timeline):
        put = puts.get(number)
        if put is None:
            return states, None
        if put.status != 200 or put.head is None:
            return states, put.sent_us
        given = row["state"]
        runs = _by_id(given["pipelines"]) if "pipelines" in given else runs
        lines = _by_id(given["logs"]) if "logs" in given else lines
        new = frozenset(lines.keys() - known)
        known |= new
        states.append(State(number, put.sent_us, put.head.at_us, runs, lines, new))
    return states, None


def _connection(one: Reading, projects: frozenset[str], jitter_us: int, over_us: int | None, tag: str) -> Connection:
    first = one.events[0] if one.events else None
    return Connection(
        reading=one,
        projects=projects,
        jitter_us=jitter_us,
        until_us=one.exchange.ended_us if over_us is None else min(over_us, one.exchange.ended_us),
        snapshot=first if first is not None and first.kind == SNAPSHOT else None,
        runs=rows(one, (SNAPSHOT, UPDATE), tag),
        lines=rows(one, (LOGS,), tag),
    )


def rows(one: Reading, kinds: tuple[str, ...], tag: str = "") -> list[Row]:
    """The documents of the valid events of these types, in order."""
    return [
        Row(event, number, _plain(document, tag))
        for number, event in enumerate(one.events)
        if event.kind in kinds and _valid(one, event)
        for document in one.value(event)
    ]


def _valid(one: Reading, event: Event) -> bool:
    """Whether an event fits its schema, also where its JSON has a flaw that leaves it a value."""
    file = one.profile.schema_file(event.kind or "")
    if event.valid is None and event.parsed and file is not None:
        return one.profile.schemas.decider(file)(one.value(event))
    return bool(event.valid)


def _plain(value: Any, tag: str) -> Any:
    """A document with the ids of the stimulus."""
    if isinstance(value, dict):
        return {
            key: one.removeprefix(tag) if key in _TAGGED and isinstance(one, str) else _plain(one, tag)
            for key, one in value.items()
        }
    return [_plain(one, tag) for one in value] if isinstance(value, list) else value


def span(first: Event, last: Event | None = None) -> tuple[int, int]:
    """The bytes of an event, or of all from one to another."""
    return first.start, (last or first).end


def failures(trace: Trace, what: str) -> list[Exchange]:
    """The control requests that made something fail."""
    return [x for x in with_role(trace, "control") if x.status == 200 and _made_fail(x) == what]


def _made_fail(exchange: Exchange) -> Any:
    try:
        asked = json.loads(exchange.request.body or "")
    except ValueError:
        return None
    return asked.get("what") if isinstance(asked, dict) and asked.get("do") == "fail" else None
