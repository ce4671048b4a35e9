"""ORD: what follows what - lifecycle tables, sequence numbers, and the order in which a run emitted.

Must not know when anything arrived.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain, pairwise, zip_longest
from typing import TYPE_CHECKING, Any

from streamvet.checks.aligning import Part, Side, parts, split
from streamvet.checks.runs import (
    NO_SCRIPT,
    by_run,
    emitted,
    ended,
    from_start,
    left_alone,
    scripted,
    succeeded,
    unread,
    with_role,
)
from streamvet.contract.profile import MESSAGE, matches, pointed
from streamvet.decode import numbered, same, streams
from streamvet.outcome import NotExercised, apart, finding, has_room, shown
from streamvet.shapes import key_pointers

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from streamvet.checks.runs import Emitted
    from streamvet.contract.profile import Lifecycle, Profile, Sequence
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

    Key = tuple[Hashable, ...]  # the values at the key of a table


def lifecycles(trace: Trace, profile: Profile) -> Outcome:
    """ORD-01: the tables that a document says, and of the adopted ones what they forbid."""
    return _followed(trace, profile, lambda one, table: _forbidden(one, table) if table.adopted else _walk(one, table))


def adopted_lifecycles(trace: Trace, profile: Profile) -> Outcome:
    """ORD-08: the states of the tables that are adopted readings."""
    return _followed(trace, profile, lambda one, table: _walk(one, table) if table.adopted else None)


def _followed(trace: Trace, profile: Profile, look: Callable[[Reading, Lifecycle], list[Finding] | None]) -> Outcome:
    """What `look` finds of each stream by each of its tables; None where that table is another requirement's."""
    if trace.stimulus.get("illegal"):
        return NotExercised("the script itself violates the lifecycle tables")
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        tables = profile.lifecycles_of(str(one.exchange.about.get("kind", "")))
        if not from_start(one) or not one.events:
            continue
        for table in tables:
            outcome = look(one, table)
            exercised = exercised or outcome is not None
            found += outcome or []
    return found if exercised else NotExercised("no stream of a known kind of run was read from its beginning")


def _forbidden(one: Reading, table: Lifecycle) -> list[Finding] | None:
    """The first event that may not come at all, None where the table forbids none."""
    if not table.forbids:
        return None
    event = next(iter(one.of(table.forbids)), None)
    want = f"none of {', '.join(table.forbids)} where the table {table.name} holds"
    return [finding(one.exchange, want, str(event.kind), (event.start, event.end))] if event else []


def _walk(one: Reading, table: Lifecycle) -> list[Finding]:
    """The first event that the table does not allow, for each automaton."""
    return _followed_through(one, table)[0]


def _followed_through(one: Reading, table: Lifecycle) -> tuple[list[Finding], dict[Key, frozenset[str]]]:
    """The first event that the table does not allow, for each automaton; and where each one is in the end.

    One that has had its finding is nowhere. In an adopted table what is forbidden is of no concern here: that is no
    reading.
    """
    places = [key_pointers(one.profile).index(pointer) for pointer in table.key]
    states: dict[Key, frozenset[str]] = {} if table.key else {(): table.at_first}
    known: dict[str, bool] = {}
    after: dict[tuple[frozenset[str], str], frozenset[str]] = {}  # few of them, however many events there are
    found: list[Finding] = []
    end, at_first = 0, table.at_first
    for event in one.events:
        if unread(one, end, event.start):  # what could not be read may have been any event of any automaton
            states = {name: table.widened(now) for name, now in states.items()}
            at_first = table.widened(at_first)
        end, kind = event.end, event.kind
        if kind is None or (table.adopted and matches(kind, table.forbids)):
            continue
        if kind not in known:
            listed = one.profile.schema_file(kind) is not None or kind in one.profile.unread_kinds
            known[kind] = listed and table.knows(kind)
        if not known[kind]:
            continue
        key = tuple([event.keys[number] for number in places]) if places else ()
        now = states.get(key, at_first)
        if not now:
            continue  # this automaton has had its finding
        following = after.get((now, kind))
        if following is None:
            following = after[now, kind] = table.may_be(now, kind)
        if not following and has_room(found, one.exchange):
            place = "".join(f"{pointer} {shown(value)} " for pointer, value in zip(table.key, key, strict=True))
            where = " or ".join(state for state in table.states if state in now)
            allowed = ", ".join(table.allowed(now)) or "nothing"
            found.append(finding(one.exchange, f"{place}in state {where}: {allowed}", kind, (event.start, event.end)))
        states[key] = following
    return found, states


def nothing_left_open(trace: Trace, profile: Profile) -> Outcome:
    """ORD-09: of a stream that has its terminal event and all before it."""
    if trace.stimulus.get("illegal"):
        return NotExercised("the script itself violates the lifecycle tables")
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        ends = one.of(profile.terminal.events) if profile.terminal else []
        if not from_start(one) or not ends or unread(one):
            continue
        for table in profile.lifecycles_of(str(one.exchange.about.get("kind", ""))):
            accepted = _accepted(table, ends[0].kind or "", profile)
            exercised = exercised or accepted is not None
            found += _open(one, table, accepted, ends[0]) if accepted is not None else []
    return found if exercised else NotExercised("no stream had an end for which a table lists the permitted states")


def _accepted(table: Lifecycle, kind: str, profile: Profile) -> frozenset[str] | None:
    """The states in which a table may be at a terminal event of this type; None where one of its outcomes is open."""
    outcomes = profile.terminal.outcomes if profile.terminal else {}
    meant = [table.accepts.get(name) for name, kinds in outcomes.items() if matches(kind, kinds)]
    said = [states for states in meant if states is not None]
    return frozenset(state for states in said for state in states) if said and len(said) == len(meant) else None


def _open(one: Reading, table: Lifecycle, accepted: frozenset[str], end: Event) -> list[Finding]:
    found: list[Finding] = []
    for key, states in _followed_through(one, table)[1].items():
        if states and not states & accepted and has_room(found, one.exchange):
            place = "".join(f"{pointer} {shown(value)} " for pointer, value in zip(table.key, key, strict=True))
            want = f"{place}in state {' or '.join(sorted(accepted))} at the end, {end.kind}"
            seen = f"in state {' or '.join(sorted(states))}"
            found.append(finding(one.exchange, want, seen, (end.start, end.end)))
    return found


def increasing(trace: Trace, profile: Profile) -> Outcome:
    """ORD-02: integers compare as numbers, texts by code point."""
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        for number in range(len(profile.sequences)):
            for (_, last), (event, value) in pairwise(numbered(one, number)):
                exercised = True
                if not _less(last, value) and has_room(found, one.exchange):
                    want = f"more than {shown(last)}, of the event before it"
                    found.append(finding(one.exchange, want, value, (event.start, event.end)))
    return found if exercised else NotExercised("no stream had two events with the sequence field")


def _less(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one < other
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return bool(numbers and one < other)


def contiguous(trace: Trace, profile: Profile) -> Outcome:
    """ORD-03."""
    found, exercised = [], False
    for one in streams(trace, profile):
        for number, rule in enumerate(profile.sequences):
            if rule.step is not None and (rule.first is None or from_start(one)):
                events = numbered(one, number)
                first = next(events, None)
                exercised = exercised or first is not None
                found += _breaks(one, chain([first], events), rule) if first else []
    return found if exercised else NotExercised("no stream from its beginning had the sequence field")


def _breaks(one: Reading, numbered: Iterable[tuple[Event, Any]], rule: Sequence) -> list[Finding]:
    """The first jump forward over what could not be read, and the first other break of the sequence."""
    found: dict[bool, Finding] = {}
    wanted: int | float | None = rule.first
    end = 0
    for event, value in numbered:
        if wanted is None and isinstance(value, int | float) and not isinstance(value, bool):
            wanted = value
        if wanted is None:
            continue
        if not same(value, wanted):
            absent = _less(wanted, value) and unread(one, end, event.start)
            span = (event.start, event.end)
            found.setdefault(absent, finding(one.exchange, f"{rule.where} {wanted}", value, span, absent=absent))
            if not absent:
                break
            wanted = value
        wanted, end = wanted + (rule.step or 0), event.end
    return list(found.values())


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
        if not Counter(seen) <= Counter(marks) or (len(seen) < len(marks) and not unread(one)):
            continue
        exercised = True
        # What could not be read is passed over: the rest is in its order all the same.
        at = _out_of_order(seen, marks)
        if at is not None:
            place, number = at
            want = f"event {number + 1} of the script, {shown(wanted[number].value)}"
            span = (events[place].start, events[place].end)
            found.append(finding(one.exchange, want, f"event {marks.index(seen[place]) + 1}", span))
    return found if exercised else NotExercised("no reader got every event of the script unchanged")


def _out_of_order(seen: list[str], marks: list[str]) -> tuple[int, int] | None:
    """The first that does not follow the one before it, and the number of the emitted one that was due."""
    lacking = Counter(marks)
    lacking.subtract(seen)
    number = 0
    for place, mark in enumerate(seen):
        due = number
        while number < len(marks) and marks[number] != mark and lacking[marks[number]] > 0:
            lacking[marks[number]] -= 1
            number += 1
        if number >= len(marks) or marks[number] != mark:
            return place, min(due, len(marks) - 1)
        number += 1
    return None


def _matched(one: Reading, events: list[Event], wanted: list[Emitted]) -> list[tuple[Event, dict[str, Any]]]:
    """Each event with an emitted one that has its type's keys: the first of the same type."""
    telling = one.profile.telling
    # Where no emitted event has a part of the type, the server itself adds it.
    places = [place for place in telling if any(pointed(want.value, place) is not None for want in wanted)]
    named = any(want.name for want in wanted)

    def type_of(name: str, value: Any) -> str:
        parts = ((pointed(value, place), telling[place]) for place in places)
        seen = [part if by_value else part is not None for part, by_value in parts]
        return _mark([(name or MESSAGE) if named else "", *seen])

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
        seen = _in_part(one, events, wanted) if unread(one) else _in_whole(one, events, wanted)
        want, span = f"{len(wanted)} events of the script, each once", (0, len(one.exchange.body))
        found += [finding(one.exchange, want, f"{len(events)}: {how}", span, absent=absent) for how, absent in seen]
    return found


def _in_whole(one: Reading, events: list[Event], wanted: list[Emitted]) -> list[tuple[str, bool]]:
    """What is wrong with the number of events of a stream that could be read in whole."""
    return [] if len(events) == len(wanted) else [(_difference(one, events, wanted), False)]


def _in_part(one: Reading, events: list[Event], wanted: list[Emitted]) -> list[tuple[str, bool]]:
    """What is missing where something could not be read, what is missing elsewhere, and what is there too often."""
    marks = [_mark(want.value) for want in wanted]
    seen = [_mark(_part(one.value(event), want)) for event, want in _matched(one, events, wanted)]
    often, came = Counter(marks), Counter(seen)
    emitted_once = [number for number, mark in enumerate(marks) if often[mark] == 1]
    hidden, gone = split([marks[number] for number in emitted_once], Side(one, events), seen)
    rare = [mark for mark, count in (often - came).items() if often[mark] > 1]  # any one of several
    altered = sum(mark not in often for mark in seen)  # EVT-09 says so
    twice = next((mark for mark in seen if 0 < often[mark] < came[mark]), None)
    found = []
    if hidden or rare:
        number = emitted_once[hidden[0]] if hidden else marks.index(rare[0])
        found.append((f"emitted event {number + 1} is missing, where something could not be read", True))
    if len(gone) > altered:
        found.append((f"emitted event {emitted_once[gone[0]] + 1} is missing", False))
    if twice is not None:
        found.append((f"emitted event {marks.index(twice) + 1} comes again", False))
    return found


def _difference(one: Reading, events: list[Event], wanted: list[Emitted]) -> str:
    """Where the stream first parts from the script, in a few words."""
    for number, (event, want) in enumerate(zip_longest(events, wanted), start=1):
        if event is None:
            return f"emitted event {number} and all later ones are missing"
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
    beside = [first.exchange.id]
    if first.history and not late.history:  # it was there when the last one was published
        want = f"the last event as exchange {first.exchange.id} has it"
        return [finding(late.exchange, want, "no event", beside=beside, absent=True)]
    if unread(first) or unread(late):
        return _no_readable_suffix(first, late)
    for back, event in enumerate(reversed(late.history), start=1):
        one = first.history[-back] if back <= len(first.history) else None
        if one is None or not same(first.value(one), late.value(event)):
            want, seen = _told_apart(first, one, late.value(event), "nothing")
            place = f"event {back} from the end as exchange {first.exchange.id} has it: {want}"
            span, witness = (event.start, event.end), _witness(first, one)
            return [finding(late.exchange, place, seen, span, beside=beside, witness=witness)]
    return []


def _no_readable_suffix(first: Reading, late: Reading) -> list[Finding]:
    """The same where not everything could be read: from the first event on that both have."""
    begin = Side(late, late.history[:1]).marks()
    marks = Side(first, first.history).marks()
    at = marks.index(begin[0]) if begin and begin[0] in marks else len(marks)
    since = first.history[at - 1].end if at else 0
    return _apart(Side(first, first.history[at:], since), Side(late, late.history))


def _disagreement(first: Reading, other: Reading) -> list[Finding]:
    return _apart(Side(first, first.history), Side(other, other.history))


def _apart(first: Side, other: Side) -> list[Finding]:
    """The findings of a stream that has not the events of the first one, in the stream that lacks them."""
    return [_of_part(part, first, other) for part in parts(first, other)]


def _of_part(part: Part, first: Side, other: Side) -> Finding:
    if part.lacks == "first" and part.hidden:
        return _of_part(Part(part.other, part.first, "other", hidden=True), other, first)
    here, there = first.reading, other.reading
    beside = [here.exchange.id]
    if part.other >= len(other.events):
        size, missed = len(there.exchange.body), first.events[part.first]
        want = f"{len(first.events)} events, as exchange {here.exchange.id} has"
        return finding(
            there.exchange, want, f"{len(other.events)} events", (size, size), beside=beside, absent=part.hidden,
            witness=_witness(here, missed),
        )  # fmt: skip
    one = first.events[part.first] if part.first < len(first.events) else None
    two = other.events[part.other]
    want, seen = _told_apart(here, one, there.value(two), "nothing more")
    place = f"event {part.other + 1} as exchange {here.exchange.id} has it: {want}"
    span, witness = (two.start, two.end), _witness(here, one)
    return finding(there.exchange, place, seen, span, beside=beside, absent=part.hidden, witness=witness)


def _witness(first: Reading, one: Event | None) -> tuple[str, tuple[int, int]] | None:
    """Where a stream has an event that another one has not."""
    return (first.exchange.id, (one.start, one.end)) if one else None


def _told_apart(first: Reading, one: Event | None, got: Any, otherwise: str) -> tuple[str, str]:
    """An event of the first stream and what another one has in its place, as a finding quotes them."""
    return apart(first.value(one), got) if one else (otherwise, shown(got))


def record_agrees(trace: Trace, profile: Profile) -> Outcome:
    """ORD-07."""
    rule = profile.field("operations.record.history")
    found, exercised = [], False
    runs = by_run(trace, profile)
    for exchange in with_role(trace, "record-after"):
        whole = [r for r in runs.get(str(exchange.about.get("run")), ()) if from_start(r) and ended(r)]
        if not whole or not succeeded(exchange, profile):
            continue
        exercised = True
        listed = [pointed(item, rule["order"]) for item in pointed(exchange.json(), rule["pointer"]) or []]
        found += _unlisted(exchange, listed, whole[0])
    return found if exercised else NotExercised("no record of a run that was read to its end")


def _unlisted(exchange: Exchange, listed: list[Any], one: Reading) -> list[Finding]:
    """What of a stream is not in the record of its run; or the other way round, where the stream could not be read."""
    history = {event.start for event in one.history}
    streamed = [value for event, value in numbered(one, 0) if event.start in history]
    if streamed == listed:
        return []
    there = {repr(order) for order in streamed}
    hidden, gone = split([*map(repr, listed)], Side(one, one.history), [*map(repr, streamed)])
    if hidden and not gone and [order for order in listed if repr(order) in there] == streamed:
        want = f"events {_brief(listed)} as recorded"
        span = (0, len(one.exchange.body))
        return [finding(one.exchange, want, _brief(streamed), span, beside=[exchange.id], absent=True)]
    want, span = f"events {_brief(streamed)} as streamed", (0, len(exchange.body))
    return [finding(exchange, want, _brief(listed), span, beside=[one.exchange.id])]


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
    "ORD-08": adopted_lifecycles,
    "ORD-09": nothing_left_open,
}
