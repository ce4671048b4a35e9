"""From a trace of agent-workspace to its fleet: when each state was put, and what each connection was told.

The stimulus has the states, the control exchanges say when each of them was put. Judges nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from streamvet.checks.runs import with_role
from streamvet.decode import streams
from streamvet.outcome import NotExercised
from streamvet.systems.agent_workspace.checks.shown import (
    LOGS,
    SNAPSHOT,
    UPDATE,
    Connection,
    Document,
    Figures,
    Fleet,
    Row,
    State,
    by_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

# What is said of one connection; None: nothing.
Judged = list["Finding"] | NotExercised | None

_OF_A_LINE = ("id", "pipelineRunId", "message", "createdAt")
_TAGGED = ("id", "pipelineRunId", "jobId")  # what a probe makes unique for each try
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


def of_fleet(judge: Callable[[Fleet, Connection], Judged], otherwise: str) -> Check:
    """A check of each connection to a known fleet that has a snapshot; `judge` gives None where it says nothing."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        fleet = fleet_of(trace, profile)
        if isinstance(fleet, NotExercised):
            return fleet
        judged = folded(judge(fleet, one) for one in fleet.connections if one.snapshot is not None)
        return NotExercised(otherwise) if judged is None else judged

    return check


def folded(judged: Iterable[Judged]) -> Judged:
    """One outcome of several: findings, else what was overlooked, else that it held, where any of them says so."""
    outcomes = [one for one in judged if one is not None]
    found = [one for outcome in outcomes if isinstance(outcome, list) for one in outcome]
    overlooked = next((one for one in outcomes if isinstance(one, NotExercised)), None)
    return found or overlooked or (found if outcomes else None)


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
        _connection(one, frozenset(accounts[account]), trace.worst_late_us(one.exchange), over_us, tag)
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
        runs = by_id(map(_pending, given["pipelines"])) if "pipelines" in given else runs
        lines = by_id(given["logs"]) if "logs" in given else lines
        new = frozenset(lines.keys() - known)
        known |= new
        states.append(State(number, put.sent_us, put.head.at_us, runs, lines, new))
    return states, None


def _pending(run: Document) -> Document:
    """A run with what it is asked and is not resolved: the candidate is given all of it, and leaves out the rest."""
    pending = [asked for asked in run["pendingInterventions"] if asked["status"] == "pending"]
    return run | {"pendingInterventions": pending}


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
    """The documents of the valid events of these types, in order; of log lines those that can be read as such."""
    return [
        Row(event, number, _plain(document, tag))
        for number, event in enumerate(one.events)
        if event.kind in kinds and event.valid
        for document in one.value(event)
        if event.kind != LOGS or _is_line(document)
    ]


def _is_line(document: Document) -> bool:
    """Whether a log line has the members by which lines are told apart. Its form is an adopted reading: EVT-12."""
    return all(isinstance(document.get(key), str) for key in _OF_A_LINE)


def _plain(value: Any, tag: str) -> Any:
    """A document with the ids of the stimulus."""
    if isinstance(value, dict):
        return {
            key: one.removeprefix(tag) if key in _TAGGED and isinstance(one, str) else _plain(one, tag)
            for key, one in value.items()
        }
    return [_plain(one, tag) for one in value] if isinstance(value, list) else value


def failures(trace: Trace, what: str) -> list[Exchange]:
    """The control requests that made something fail."""
    return [x for x in with_role(trace, "control") if x.status == 200 and _made_fail(x) == what]


def _made_fail(exchange: Exchange) -> Any:
    try:
        asked = json.loads(exchange.request.body or "")
    except ValueError:
        return None
    return asked.get("what") if isinstance(asked, dict) and asked.get("do") == "fail" else None
