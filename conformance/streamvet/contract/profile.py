"""A profile: the parameter values and tables of one system.

Must not know how its folder is read, nor which checks or probes ask it. Every field is
explained in `schemas/meta/profile.schema.json`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from streamvet.contract.discriminator import EVENT_NAME, MESSAGE
from streamvet.contract.patterns import searches
from streamvet.contract.pointer import matches, pointed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from streamvet.contract.discriminator import Rule
    from streamvet.contract.schema import SchemaSet


__all__ = [
    "MEDIA_TYPES", "MESSAGE", "MIN_TOLERANCE_US", "NEVER_TIMES", "Heartbeat", "Lifecycle", "Operation", "Place",
    "Profile", "PseudoPointer", "Sequence", "Terminal", "matches", "place_of", "pointed",
]  # fmt: skip


class PseudoPointer(Enum):
    """Where an event has a value that is not in its JSON. No JSON pointer, so that nobody follows it as one."""

    EVENT_ID = "event-id"  # of an SSE block
    TEXT = "text"  # the data, or the comment, itself


Place = str | PseudoPointer  # where an event has a value: a JSON pointer, or outside of its JSON


def place_of(text: str) -> Place:
    """The place that a profile names."""
    return PseudoPointer(text) if text in {one.value for one in PseudoPointer} else text


def cursor_of(place: Place | None, value: Callable[[], Any], event_id: Callable[[], str | None]) -> str | None:
    """The cursor that an event with this value and SSE id gives, as a request carries it; None where it has none."""
    if place is None:
        return None
    found = event_id() if isinstance(place, PseudoPointer) else pointed(value(), place)
    return found if found is None or isinstance(found, str) else json.dumps(found)


def _members(value: Any, part: str) -> list[Any]:
    """What a part of a path means: a member, `*` for each one, `start:*` for those.

    Of a list `last` is its last item, `*` each one, and any other part is meant of each of its items.
    """
    if isinstance(value, list):
        own = value if part == "*" else value[-1:] if part == "last" else None
        return [one for item in value for one in _members(item, part)] if own is None else own
    members = value.items() if isinstance(value, dict) else ()
    return [one for name, one in members if part in ("*", name) or (part.endswith(":*") and name.startswith(part[:-1]))]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A state table: which event types may follow which; with `key`, one automaton for each of what is there.

    A table that begins `anywhere` is followed as the set of states in which it may be; see `may_be`.
    """

    name: str
    key: tuple[str, ...]  # JSON pointers; without them there is one automaton
    start: str
    states: Mapping[str, Mapping[str, str]]
    anywhere: bool = False
    forbids: tuple[str, ...] = ()
    adopted: str | None = None  # why its order is a reading; what it forbids is none
    accepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # outcome → the states in which it may be then

    def knows(self, kind: str) -> bool:
        """Whether the table says anything about this event type."""
        return matches(kind, self.forbids) or any(matches(kind, tuple(row)) for row in self.states.values())

    @property
    def at_first(self) -> frozenset[str]:
        """The states in which it may be when a stream begins."""
        return frozenset(self.states) if self.anywhere else frozenset({self.start})

    def may_be(self, states: frozenset[str], kind: str) -> frozenset[str]:
        """Where it may be after an event; empty where the event may not come now."""
        return frozenset(target for state in states if (target := self.step(state, kind)) is not None)

    def step(self, state: str, kind: str) -> str | None:
        """The next state, None where the event may not come now. An exact name wins over a pattern."""
        row = self.states[state]
        if kind in row:
            return row[kind]
        return next((target for pattern, target in row.items() if matches(kind, (pattern,))), None)

    def widened(self, states: frozenset[str]) -> frozenset[str]:
        """Where it may be when any number of events, none included, may have come that nobody has seen."""
        found, left = set(states), list(states)
        while left:
            new = set(self.states[left.pop()].values()) - found
            found |= new
            left.extend(new)
        return frozenset(found)

    def allowed(self, states: frozenset[str]) -> list[str]:
        """What may come in one of these states."""
        return list(dict.fromkeys(kind for state in self.states if state in states for kind in self.states[state]))


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb of the profile and the HTTP request that it stands for."""

    name: str
    method: str
    path: str
    status: tuple[int, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    streams: bool
    optional: bool
    form: bool  # the body is a form, not JSON
    bearer: bool  # the credential travels as a Bearer token here, whatever `auth.kind` is
    schema: str | None
    raw: Mapping[str, Any]

    @property
    def makes_id(self) -> bool:
        """Whether the client makes the id of what the request is for: `{new}` stands in it."""
        parts = (self.path, self.query, self.headers, self.body)
        return any("{new}" in json.dumps(part, default=str) for part in parts)

    @property
    def kind(self) -> str:
        """`run` of `start:run`; "" for other verbs."""
        return self.name.partition(":")[2] if self.name.startswith("start:") else ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When a heartbeat is due and what it carries. Times are unscaled."""

    form: str  # event, comment, blank, object or any
    event: str | None  # the event's name or type
    interval_ms: int
    tolerance_ms: int
    timer: str  # fixed or idle
    while_: str  # active or open
    pattern: str | None
    time: Place | None  # where it carries a time
    time_within_ms: int | None
    observe: int

    def has_form(self, form: str) -> bool:
        """Whether what has this form may be one; an event, or an object, by its type as well."""
        return self.form in (form, "any")

    def watched(self, seed: int | None, scale: float) -> int:
        """For how many intervals a run that a script keeps alive is watched: by seed, up to twice `observe`.

        Many a platform cuts a stream after a minute, and three beats of fifteen seconds end before that. So at a time
        scale at which it is short each watch goes beyond a minute. None is for runs of which nobody knows how long
        they last.
        """
        if seed is None:
            return self.observe
        by_seed = self.observe + (self.observe - 1 + seed) % (self.observe + 1)
        beyond = math.ceil(PLATFORM_LIMIT_MS * PAST_LIMIT / self.interval_ms)
        is_short = beyond * self.interval_ms * scale <= SHORT_WATCH_MS and beyond <= MOST_BEATS
        return max(by_seed, beyond) if is_short else by_seed

    def is_like(self, text: str) -> bool:
        """Whether a text is one that a heartbeat has: the pattern matches all of it, where there is one."""
        return self.pattern is None or searches(f"^(?:{self.pattern.removesuffix('$')})$", text)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A numbering of events, which always rises."""

    events: tuple[str, ...]
    place: Place  # a JSON pointer, or the id of a block
    first: int | None  # of a stream from its beginning
    step: int | None  # where there are no gaps

    @property
    def where(self) -> str:
        """The place as profile.yaml has it."""
        return self.place.value if isinstance(self.place, PseudoPointer) else self.place


@dataclass(frozen=True, slots=True)
class Terminal:
    """What ends a run and a stream. Bounds are not scaled."""

    events: tuple[str, ...]
    last: tuple[str, ...]
    close_within_ms: int | None
    finished_within_ms: int | None
    join_within_ms: int | None
    cap_ms: int | None  # an age at which a stream may end without a terminal event; this one is scaled
    outcomes: Mapping[str, tuple[str, ...]]
    silent: tuple[str, ...] = ()  # outcomes of which no event tells
    run_within_ms: int | None = None
    unless_resumable: bool = False  # whether a stream may end before, as its reader can come back
    pauses: tuple[str, ...] = ()  # events behind which a stream may end, or go on


# What has not come in so many times its bound counts as what never comes. A server that is late by half its bound, or
# by all of it, keeps its promise late; three times leaves no doubt, and a try that waits for it ends in seconds.
NEVER_TIMES = 3

MEDIA_TYPES = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}  # where a profile does not say another

# A minute is the commonest limit of platforms and proxies on one answer (nginx, AWS ALB, Heroku); a watch that ends
# exactly there has not seen whether the stream outlives it.
PLATFORM_LIMIT_MS, PAST_LIMIT = 60_000, 1.03
SHORT_WATCH_MS = 10_000  # of real time: what a short campaign takes anyway
MOST_BEATS = 100  # the most that `heartbeat.observe` may be

MIN_TOLERANCE_US = 100_000  # a tolerance is the scaled one, but never less than 100 ms


@dataclass(frozen=True, eq=False, slots=True)
class Profile:
    """One system. `raw` is profile.yaml as it stands; the rest is the same with types."""

    name: str
    title: str
    folder: Path
    digest: str  # of every file that verdicts depend on
    raw: Mapping[str, Any]
    streams: str  # run, push or ambient
    framing: str  # sse or ndjson
    operations: Mapping[str, Operation]
    rules: tuple[Rule, ...]  # which type an event has; the first match wins
    types: Mapping[str, str]  # each known type → its schema
    groups: Mapping[str, str]  # pattern of types → the schema of those of it that are not in `types`
    adopted_types: Mapping[str, str]  # type → the schema of what is only a reading of the published document
    open_set: bool
    lifecycles: Mapping[str, Lifecycle]
    sequences: tuple[Sequence, ...]
    heartbeat: Heartbeat | None
    history: tuple[str, ...]
    cursor: Place | None  # where an event has the cursor by which a reader resumes after it
    cursor_events: tuple[str, ...]  # the events that have one, where these are not those of the history
    terminal: Terminal | None
    schemas: SchemaSet
    adopted: Mapping[str, str]  # requirement -> why: a SHOULD here, since the published document leaves it open
    changes: Mapping[str, Any] = field(default_factory=dict)  # keys that answers in a target file have replaced
    answers: Mapping[str, Any] = field(default_factory=dict)  # those answers

    def field(self, path: str) -> Any:
        """The value at a dotted path of profile.yaml, None where there is none."""
        value: Any = self.raw
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def fields(self, path: str) -> list[Any]:
        """The values at a dotted path; see `_members` for its parts."""
        values: list[Any] = [self.raw]
        for part in path.split("."):
            values = [one for value in values for one in _members(value, part)]
        return values

    def kind_of(self, value: Any, name: str = "", text: str | None = None) -> str | None:
        """The type of an event, None where it has none.

        `name` is the SSE event field, "" where there is none; `text` the data, of which `value` is the JSON value.
        """
        name = name or MESSAGE
        unread = self.unread_kind(name, text)
        return unread or next((kind for rule in self.rules if (kind := rule.of_value(value, name))), None)

    def unread_kind(self, name: str, text: str | None) -> str | None:
        """The type of an event whose data is no JSON by the profile, None where it has to be JSON."""
        return next((kind for rule in self.rules if (kind := rule.of_unread(name or MESSAGE, text))), None)

    @property
    def unread_kinds(self) -> tuple[str, ...]:
        """The types of events whose data is no JSON, as far as the rules say them."""
        return tuple(rule.kind for rule in self.rules if not rule.reads and rule.kind)

    @property
    def telling(self) -> Mapping[str, bool]:
        """Where the data of an event tells its type: JSON pointers, and whether it is the value that tells."""
        found: dict[str, bool] = {}
        for rule in self.rules:
            found |= {place: by_value or found.get(place, False) for place, by_value in rule.pointers.items()}
        return found

    @property
    def by_name(self) -> bool:
        """Whether the name of an SSE event has a part in its type, so that its data alone does not tell it."""
        return any(rule.reads and (rule.event is not None or rule.source == EVENT_NAME) for rule in self.rules)

    def said(self, step: Any) -> tuple[str, Any]:
        """The SSE event name and the value of what a step of a script emits.

        Where names tell types, a step is `{"event": …, "data": …}`; else it is the value.
        """
        if not self.by_name:
            return "", step
        name, value = (step.get("event"), step.get("data")) if isinstance(step, dict) else (None, None)
        return (name if isinstance(name, str) and name else MESSAGE), value

    def schema_file(self, kind: str) -> str | None:
        """The schema of an event type, or of those that begin like it; None where nothing is known of it."""
        return self.types.get(kind) or next((file for one, file in self.groups.items() if matches(kind, (one,))), None)

    def narrow_file(self, kind: str) -> str | None:
        """The narrowest schema of a type, with its adopted readings if it has any: what the suite makes up fits it."""
        return self.adopted_types.get(kind) or self.schema_file(kind)

    @property
    def media_types(self) -> tuple[str, ...]:
        """Which a stream may have."""
        return tuple(self.field("framing.media_types") or (MEDIA_TYPES[self.framing],))

    @property
    def starts(self) -> list[Operation]:
        """The operations that start a run."""
        return [operation for operation in self.operations.values() if operation.kind]

    def fills(self, operation: Operation) -> bool:
        """Whether names in braces are filled in a body of a start that is sent as somebody else has it."""
        return operation.name.startswith("start:") and (bool(self.setups) or operation.makes_id)

    @property
    def setups(self) -> list[Operation]:
        """The requests that are made before all others, in their order."""
        return [operation for name, operation in self.operations.items() if name.startswith("setup:")]

    def lifecycles_of(self, kind: str) -> list[Lifecycle]:
        """The state tables that hold for the stream of a kind of run, or for the ambient stream where that is ""."""
        operation = self.operations.get(f"start:{kind}" if kind else "attach")
        return [self.lifecycles[name] for name in operation.raw.get("lifecycles", ())] if operation else []

    def tolerance_us(self, tolerance_ms: float, scale: float) -> int:
        """A tolerance, scaled but never below the floor."""
        return max(int(tolerance_ms * 1000 * scale), MIN_TOLERANCE_US)

    def mandated_wait_s(self, scale: float, max_active_runs: int | None = None, seed: int | None = None) -> float:
        """The longest observation window of the profile, in seconds; or what those on runs take, so many at once.

        `seed`: that of a run with control, see `Heartbeat.watched`.
        """
        waits, on_runs = [0.0], [0.0]
        if self.heartbeat:
            (waits if self.streams == "ambient" else on_runs).append(
                (self.heartbeat.observe if self.streams == "ambient" else self.heartbeat.watched(seed, scale))
                * self.heartbeat.interval_ms
                * scale
            )
        detached = self.field("catchup.detached")
        if detached:  # of one run until it may end, of another one until it has to have ended
            on_runs += [detached["life_ms"] * scale * detached["alive_at"], detached["life_ms"] * scale]
        stops_ms = self.field("readers.on_disconnect.stops_within_ms")
        if stops_ms:
            on_runs.append(stops_ms * scale)
        if self.field("transport.open.level") == "MUST":
            waits.append(self.field("transport.open.at_least_ms") * scale)
        if self.terminal and self.terminal.cap_ms:
            waits.append(self.terminal.cap_ms * scale)
        return max(*waits, *on_runs, sum(on_runs) / (max_active_runs or len(on_runs))) / 1000
