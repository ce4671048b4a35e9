"""ORD: what follows what - lifecycle tables, sequence numbers, and the order in which a run emitted.

Must not know when anything arrived.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from streamvet.checks.runs import by_run, emitted, ended, from_start, left_alone, scripted, with_role
from streamvet.contract.profile import pointed
from streamvet.decode import key_pointers, same, streams
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from collections.abc import Hashable

    from streamvet.checks.runs import Emitted
    from streamvet.contract.profile import Lifecycle, Profile
    from streamvet.decode import Event, Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Trace

NO_SCRIPT = NotExercised("nothing was emitted by a script, which only a control interface takes")


def lifecycles(trace: Trace, profile: Profile) -> Outcome:
    """ORD-01."""
    if trace.stimulus.get("illegal"):
        return NotExercised("the script itself leaves the lifecycle tables")
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        tables = profile.lifecycles_of(str(one.exchange.about.get("kind", "")))
        if not tables or not from_start(one) or not one.events:
            continue
        exercised = True
        for table in tables:
            found += _walk(one, table)
    return found if exercised else NotExercised("no stream of a known kind of run was read from its beginning")


def _walk(one: Reading, table: Lifecycle) -> list[Finding]:
    """The first event that the table does not allow, for each automaton."""
    index = key_pointers(one.profile).index(table.key) if table.key else None
    states: dict[Hashable, frozenset[str]] = {}
    known: dict[str, bool] = {}
    found = []
    for event in one.events:
        kind = event.kind
        if kind is None:
            continue
        if kind not in known:
            known[kind] = table.knows(kind) and (one.profile.types.get(kind) is not None or _grouped(kind, one.profile))
        if not known[kind]:
            continue
        key = _hashable(event.keys[index]) if index is not None else None
        now = states.get(key, table.at_first)
        if not now:
            continue  # this automaton has had its finding
        following = table.may_be(now, kind)
        if not following:
            place = f"{table.key} {shown(key)} " if table.key else ""
            where = " or ".join(state for state in table.states if state in now)
            allowed = ", ".join(table.allowed(now)) or "nothing"
            found.append(finding(one.exchange, f"{place}in state {where}: {allowed}", kind, (event.start, event.end)))
        states[key] = following
    return found


def _grouped(kind: str, profile: Profile) -> bool:
    """Whether an unknown type belongs to a group for which the tables speak."""
    return kind.partition(".")[0] in profile.fallback


def _hashable(value: Any) -> Hashable:
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(value, sort_keys=True)


def increasing(trace: Trace, profile: Profile) -> Outcome:
    """ORD-02: integers compare as numbers, texts by code point."""
    found, exercised = [], False
    for one in streams(trace, profile):
        last: Event | None = None
        for event in one.events:
            if event.order is None:
                continue
            if last is not None:
                exercised = True
                if not _less(last.order, event.order):
                    want = f"more than {shown(last.order)}, of the event before it"
                    found.append(finding(one.exchange, want, event.order, (event.start, event.end)))
            last = event
    return found if exercised else NotExercised("no stream had two events with the sequence field")


def _less(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one < other
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return bool(numbers and one < other)


def contiguous(trace: Trace, profile: Profile) -> Outcome:
    """ORD-03."""
    rule = profile.sequence or {}
    found, exercised = [], False
    for one in streams(trace, profile):
        if not from_start(one):
            continue
        wanted = rule["first"]
        for event in one.events:
            if event.order is None:
                continue
            exercised = True
            if event.order != wanted:
                found.append(
                    finding(one.exchange, f"{rule['pointer']} {wanted}", event.order, (event.start, event.end))
                )
                break
            wanted += rule["step"]
    return found if exercised else NotExercised("no stream from its beginning had the sequence field")


def _whole_scripts(trace: Trace, profile: Profile) -> list[tuple[Reading, list[Event]]]:
    """Readers that were attached from the beginning to the end, with the events that the script emitted."""
    read = [one for one in streams(trace, profile) if one.exchange.role in ("reader", "stalled", "racer", "many")]
    return [
        (one, scripted(one))
        for one in read
        if from_start(one) and ended(one) and (left_alone(one) or "due_us" in one.exchange.about)
    ]


def emission_order(trace: Trace, profile: Profile) -> Outcome:
    """ORD-04: only where the same events came, so that a loss or a change is not told twice."""
    wanted = emitted(trace, profile)
    if not wanted:
        return NO_SCRIPT
    found, exercised = [], False
    marks = [_mark(want.value) for want in wanted]
    for one, events in _whole_scripts(trace, profile):
        seen = [_mark(_part(one.value(event), want)) for event, want in _matched(one, events, wanted)]
        if Counter(seen) != Counter(marks):
            continue
        exercised = True
        at = next((i for i, (a, b) in enumerate(zip(seen, marks, strict=True)) if a != b), None)
        if at is not None:
            want = f"event {at + 1} of the script, {shown(wanted[at].value)}"
            found.append(
                finding(one.exchange, want, f"event {marks.index(seen[at]) + 1}", (events[at].start, events[at].end))
            )
    return found if exercised else NotExercised("no reader got every event of the script unchanged")


def _matched(one: Reading, events: list[Event], wanted: list[Emitted]) -> list[tuple[Event, dict[str, Any]]]:
    """Each event with an emitted one that has its type's keys: the first of the same type."""
    profile = one.profile
    telling = (profile.discriminator, *profile.then.values())
    # Where no emitted event has a part of the type, the server itself adds it.
    places = [place for place in telling if any(pointed(want.value, place) is not None for want in wanted)]
    named = any(want.name for want in wanted)

    def type_of(name: str, value: Any) -> str:
        return _mark([name if named else "", *(pointed(value, place) for place in places)])

    by_type: dict[str, dict[str, Any]] = {}
    for want in wanted:
        by_type.setdefault(type_of(*want), want.value)
    return [(event, by_type.get(type_of(event.name, one.value(event)), {})) for event in events]


def _part(value: Any, want: dict[str, Any]) -> Any:
    return {key: value.get(key) for key in want} if isinstance(value, dict) else value


def _mark(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def complete(trace: Trace, profile: Profile) -> Outcome:
    """ORD-05: as many as were emitted, of each type."""
    wanted = emitted(trace, profile)
    if not wanted:
        return NO_SCRIPT
    # A run that is cancelled while it is read performs a part of its script.
    cancels = [(x.about.get("run"), x.sent_us) for x in trace.exchanges if x.operation == "cancel"]
    read = [
        (one, events)
        for one, events in _whole_scripts(trace, profile)
        if not any(run == one.exchange.about.get("run") and at_us < one.exchange.ended_us for run, at_us in cancels)
    ]
    if not read:
        return NotExercised("no reader was attached to a controlled run from its beginning to its end")
    found = []
    for one, events in read:
        if len(events) != len(wanted):
            want = f"{len(wanted)} events of the script, each once"
            seen = f"{len(events)}: {_difference(one, events, wanted)}"
            found.append(finding(one.exchange, want, seen, (0, len(one.exchange.body))))
    return found


def _difference(one: Reading, events: list[Event], wanted: list[Emitted]) -> str:
    """Where the stream first parts from the script, in a few words."""
    for number, (event, want) in enumerate(zip_longest(events, wanted), start=1):
        if event is None:
            return f"emitted event {number} and what follows is missing"
        if want is None:
            return f"event {number} was never emitted"
        if not same(_part(one.value(event), want.value), want.value):
            return f"emitted event {number}, {shown(want.value)}, is not in its place"
    return "the same events"


def readers_agree(trace: Trace, profile: Profile) -> Outcome:
    """ORD-06: readers from the beginning to the end, event for event; who comes later with no replay, from then on."""
    found, exercised = [], False
    for readings in by_run(trace, profile).values():
        whole = [r for r in readings if r.exchange.role in ("reader", "stalled", "many") and from_start(r) and ended(r)]
        late = [r for r in readings if r.exchange.role == "late" and "due_us" in r.exchange.about]
        if not whole or len(whole) + len(late) < 2:
            continue
        exercised = True
        first = max(whole, key=lambda r: len(r.history))
        found += [it for other in whole if other is not first for it in _disagreement(first, other)]
        found += [it for other in late for it in _no_suffix(first, other)]
    return found if exercised else NotExercised("no two readers followed a run from its beginning to its end")


def _no_suffix(first: Reading, late: Reading) -> list[Finding]:
    """Where a reader who came later has something else than the last events of the first one, from the end on."""
    if first.history and not late.history:  # it was there when the last one was published
        return [finding(late.exchange, f"the last event as exchange {first.exchange.id} has it", "no event")]
    for back, event in enumerate(reversed(late.history), start=1):
        one = first.history[-back] if back <= len(first.history) else None
        if one is None or not same(first.value(one), late.value(event)):
            want = shown(first.value(one)) if one else "nothing"
            place = f"event {back} from the end as exchange {first.exchange.id} has it: {want}"
            return [finding(late.exchange, place, shown(late.value(event)), (event.start, event.end))]
    return []


def _disagreement(first: Reading, other: Reading) -> list[Finding]:
    for number, (one, two) in enumerate(zip_longest(first.history, other.history), start=1):
        if two is None:
            size = len(other.exchange.body)
            want = f"{len(first.history)} events, as exchange {first.exchange.id} has"
            return [finding(other.exchange, want, f"{number - 1} events", (size, size))]
        if one is None or not same(first.value(one), other.value(two)):
            want = shown(first.value(one)) if one else "nothing more"
            place = f"event {number} as exchange {first.exchange.id} has it: {want}"
            return [finding(other.exchange, place, shown(other.value(two)), (two.start, two.end))]
    return []


def record_agrees(trace: Trace, profile: Profile) -> Outcome:
    """ORD-07."""
    rule = profile.field("operations.record.history")
    found, exercised = [], False
    runs = by_run(trace, profile)
    for exchange in with_role(trace, "record-after"):
        whole = [r for r in runs.get(str(exchange.about.get("run")), ()) if from_start(r) and ended(r)]
        if not whole or exchange.status != 200:
            continue
        exercised = True
        streamed = [event.order for event in whole[0].history]
        listed = [pointed(item, rule["order"]) for item in pointed(exchange.json(), rule["pointer"]) or []]
        if streamed != listed:
            found.append(
                finding(exchange, f"events {_brief(streamed)} as streamed", _brief(listed), (0, len(exchange.body)))
            )
    return found if exercised else NotExercised("no record of a run that was read to its end")


def _brief(numbers: list[Any]) -> str:
    return f"{len(numbers)}: {shown(numbers)}"


CHECKS: dict[str, Check] = {
    "ORD-01": lifecycles,
    "ORD-02": increasing,
    "ORD-03": contiguous,
    "ORD-04": emission_order,
    "ORD-05": complete,
    "ORD-06": readers_agree,
    "ORD-07": record_agrees,
}
