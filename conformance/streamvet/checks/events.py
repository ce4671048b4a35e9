"""EVT: the encoding, the JSON and the schema of events, and whether they are what the run emitted.

Must not know in which order events come.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from streamvet.checks.assembling import assembled
from streamvet.checks.flaws import without
from streamvet.checks.runs import NO_SCRIPT, emitted, ended, from_start, scripted
from streamvet.decode import same, streams
from streamvet.framing.frame import Flaw
from streamvet.framing.json_text import DEPTH_LIMIT, JsonFault, as_read
from streamvet.outcome import NotExercised, apart, finding, has_room, shown
from streamvet.shapes import key_pointers

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event, Events
    from streamvet.framing.json_text import Problem
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Trace

NO_EVENT = NotExercised("no stream had an event")


def _json(expected: str, *faults: JsonFault, of_parsed: bool = True) -> Check:
    """A check that the JSON of no event has one of these faults."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        found: list[Finding] = []
        exercised = False
        sought, int64 = faults, profile.field("framing.json") == "int64"
        if JsonFault.NOT_JSON in faults and profile.framing == "sse":  # of NDJSON it is another row's
            sought = (*faults, JsonFault.SEVERAL_DOCUMENTS)
        for one in streams(trace, profile):
            for events in (one.events, _told_beats(one)):
                exercised = exercised or any(
                    not shape.problems or shape.parsed or not of_parsed for shape in events.shapes
                )
                for event in events.where(lambda shape: any(problem.fault in sought for problem in shape.problems)):
                    if not has_room(found, one.exchange):
                        break
                    found += [
                        finding(one.exchange, expected, f"{hit.seen} at {hit.where}", (event.start, event.end))
                        for hit in event.problems
                        if hit.fault in sought and not (int64 and _is_int64(hit))
                    ]
        return found if exercised or found else NO_EVENT

    return check


def _is_int64(problem: Problem) -> bool:
    """Whether what is wrong with a number is only that a double does not hold it."""
    digits = problem.seen.removeprefix("-")
    return problem.fault is JsonFault.BIG_INTEGER and digits.isdigit() and -(2**63) <= int(problem.seen) < 2**63


def _told_beats(one: Reading) -> Events:
    """The heartbeats that are JSON: those of a type that the profile lists."""
    return one.beats.where(lambda shape: shape.kind is not None and one.profile.schema_file(shape.kind))


def typed(trace: Trace, profile: Profile) -> Outcome:
    """EVT-07."""
    expected = f"an event with {', or with '.join(str(rule) for rule in profile.rules if rule.reads)}"
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        exercised = exercised or any(shape.parsed for shape in one.events.shapes)
        for event in one.events.where(lambda shape: shape.parsed and shape.kind is None):
            if not has_room(found, one.exchange):
                break
            found.append(finding(one.exchange, expected, shown(one.value(event)), (event.start, event.end)))
    return found if exercised else NO_EVENT


def listed(trace: Trace, profile: Profile) -> Outcome:
    """EVT-11."""
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        told = [
            events.where(lambda shape: shape.kind is not None and shape.parsed) for events in (one.events, one.beats)
        ]
        exercised = exercised or any(told)
        for event in chain(*(events.where(lambda shape: not profile.schema_file(str(shape.kind))) for events in told)):
            if not has_room(found, one.exchange):
                break
            want = "a type that the profile lists"
            found.append(finding(one.exchange, want, str(event.kind), (event.start, event.end)))
    return found if exercised else NO_EVENT


def valid(trace: Trace, profile: Profile) -> Outcome:
    """EVT-08: also of heartbeats that are events or objects, where the profile lists their type."""
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        for events in (one.events, one.beats):
            exercised = exercised or any(shape.valid is not None for shape in events.shapes)
            for event in events.where(lambda shape: shape.valid is False):
                if not has_room(found, one.exchange):
                    break
                file = profile.schema_file(str(event.kind)) or ""
                expected, seen = profile.schemas.explain(file, as_read(one.value(event)))
                found.append(finding(one.exchange, f"{event.kind} {expected}", seen, (event.start, event.end)))
    return found if exercised else NotExercised("no event of a known type")


def read_as_adopted(trace: Trace, profile: Profile) -> Outcome:
    """EVT-12: what does not even fit the schema of its type is EVT-08's."""
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        for events in (one.events, one.beats):
            exercised = exercised or any(shape.adopted is not None for shape in events.shapes)
            for event in events.where(lambda shape: shape.adopted is False):
                if not has_room(found, one.exchange):
                    break
                file = profile.adopted_types[str(event.kind)]
                expected, seen = profile.schemas.explain(file, as_read(one.value(event)))
                found.append(finding(one.exchange, f"{event.kind} {expected}", seen, (event.start, event.end)))
    return found if exercised else NotExercised("no event of a type with adopted readings")


def shared(trace: Trace, profile: Profile) -> Outcome:
    """EVT-13: of each place, what comes first."""
    found: list[Finding] = []
    exercised = False
    places = [(key_pointers(profile).index(place), place) for place in profile.field("events.same")]
    for one in streams(trace, profile):
        first: dict[str, Any] = {}
        for event in one.events:
            for number, place in places:
                value = event.keys[number] if event.keys else None
                if value is None:
                    continue
                exercised = exercised or place in first
                if not same(first.setdefault(place, value), value) and has_room(found, one.exchange):
                    want = f"{shown(first[place])} at {place}, as the events before it have it"
                    found.append(finding(one.exchange, want, shown(value), (event.start, event.end)))
    return found if exercised else NotExercised("no stream had two events with a value that all of them share")


def intact(trace: Trace, profile: Profile) -> Outcome:
    """EVT-09: event for event, what was emitted is a part of what arrived. Loss, order and replay are other rows'."""
    wanted = emitted(trace, profile)
    if not wanted:
        return NO_SCRIPT
    found, exercised = [], False
    for one in streams(trace, profile):
        events = _in_their_places(one)
        live = one.exchange.role in ("reader", "stalled") and from_start(one) and ended(one)
        if not live or len(events) != len(wanted):
            continue
        if _only_out_of_order(one, [want for _, want in wanted], events):
            continue
        for (_, want), event in zip(wanted, events, strict=True):
            if event is None or event.problems:
                continue  # hidden, or read by readers in more than one way, which is another row's
            exercised = True
            seen = one.value(event)
            wrong = next(
                (key for key in want if not isinstance(seen, dict) or not same(seen.get(key), want[key])), None
            )
            if wrong is not None:
                found.append(_altered(one, event, wrong, want[wrong], seen))
    return found if exercised else NotExercised("no reader got every event of the script")


def _in_their_places(one: Reading) -> list[Event | None]:
    """The events that a script has emitted, with None in the place of each piece that could not be read."""
    events: list[Event | None] = list(scripted(one))
    if one.exchange.whole is None:
        return events
    gaps = [(piece.start, None) for piece in one.unread]
    both = [*gaps, *((event.start, event) for event in events if event is not None)]
    return [event for _, event in sorted(both, key=lambda pair: pair[0])]


def _only_out_of_order(one: Reading, wanted: list[dict[str, Any]], events: list[Event | None]) -> bool:
    """Whether each emitted event arrived as it is, only not in its place: that is ORD-04's."""
    values = [None if event is None else one.value(event) for event in events]
    left = [(want, seen) for want, seen in zip(wanted, values, strict=True) if not _holds(want, seen)]
    if not 2 <= len(left) <= MOST_MISPLACED:
        return False
    seen = [value for _, value in left]
    return all(any(_holds(want, value) for value in seen) for want, _ in left)


MOST_MISPLACED = 200  # events that are compared with each other; more of them are no mere change of places


def _holds(want: dict[str, Any], seen: Any) -> bool:
    """Whether what was emitted is a part of what arrived."""
    return isinstance(seen, dict) and all(same(seen.get(key), one) for key, one in want.items())


def _altered(one: Reading, event: Event, key: str, want: Any, seen: Any) -> Finding:
    """A finding that shows the first place where two texts part, when both are texts."""
    got = seen.get(key) if isinstance(seen, dict) else seen
    place, left, right = _first_difference(key, want, got)
    wanted, came = apart(left, right)
    return finding(one.exchange, f"{place} as emitted: {wanted}", came, (event.start, event.end))


def _first_difference(place: str, want: Any, got: Any) -> tuple[str, Any, Any]:
    if isinstance(want, dict) and isinstance(got, dict):
        for key in want:
            if not same(want[key], got.get(key)):
                return _first_difference(f"{place}/{key}", want[key], got.get(key))
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for index, (one, other) in enumerate(zip(want, got, strict=True)):
            if not same(one, other):
                return _first_difference(f"{place}/{index}", one, other)
    if isinstance(want, str) and isinstance(got, str):
        at = next((i for i, (a, b) in enumerate(zip(want, got, strict=False)) if a != b), min(len(want), len(got)))
        begin = max(at - 10, 0)
        return f"{place} from character {begin}", want[begin : at + 20], got[begin : at + 20]
    return place, want, got


def answers(trace: Trace, profile: Profile) -> Outcome:
    """EVT-10."""
    found, exercised = [], False
    for exchange in trace.exchanges:
        operation = profile.operations.get(exchange.operation)
        if operation is None or not operation.schema or exchange.about.get("meant") != "answer" or not exchange.clean:
            continue
        if exchange.status not in operation.status:
            continue  # whether it should have succeeded is another row's
        exercised = True
        value = exchange.json()
        if not profile.schemas.decider(operation.schema)(value):
            expected, seen = profile.schemas.explain(operation.schema, value, f"the answer to {operation.name}")
            found.append(finding(exchange, expected, seen, (0, len(exchange.body))))
    return found if exercised else NotExercised("no operation with a schema succeeded")


CHECKS: dict[str, Check] = {
    "EVT-01": without(Flaw.NOT_UTF8, "UTF-8"),
    "EVT-02": _json("a JSON text", JsonFault.NOT_JSON, of_parsed=False),
    "EVT-03": _json("each key once in an object", JsonFault.DUPLICATE_KEY),
    "EVT-04": _json("numbers that a double holds exactly", JsonFault.BIG_INTEGER, JsonFault.NOT_FINITE),
    "EVT-05": _json("no lone surrogate", JsonFault.LONE_SURROGATE),
    "EVT-06": _json(f"at most {DEPTH_LIMIT} levels of nesting", JsonFault.TOO_DEEP),
    "EVT-07": typed,
    "EVT-08": valid,
    "EVT-09": intact,
    "EVT-10": answers,
    "EVT-11": listed,
    "EVT-12": read_as_adopted,
    "EVT-13": shared,
    "EVT-14": assembled,
}
