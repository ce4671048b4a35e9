"""From the bytes of an exchange to its events: framing, JSON, type, schema.

Computed when a check first asks, and kept as long as the exchange lives. Event values are not kept: a stream has
hundreds of thousands of events, and few checks look inside; `Reading.value` reads one again from its bytes. Must not
know what is right or wrong: a problem is noted, not judged.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.profile import PseudoPointer, matches, pointed
from streamvet.framing import json_text, ndjson, sse
from streamvet.framing.frame import MOST_FRAMES, OVER_FRAMES, Flaw, Frame, Kind
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from streamvet.contract.profile import Profile
    from streamvet.framing.json_text import Problem
    from streamvet.trace import Exchange, Trace

# Decoded piece by piece, so that the frames of a long body never exist all at once: of empty lines each byte is one.
PIECE_BYTES = 1 << 16
# Streams of so few events keep the values that were asked for: a dozen checks look at the same ones, and with large
# events reading them again is nearly all that judging costs.
KEPT_EVENTS, KEPT_BYTES = 512, 1 << 24
# Frames of a kind that are kept besides events: as many as there are findings of one exchange, see `outcome.has_room`.
KEPT_FRAMES = 1000
# Of events whose JSON has problems, those that keep their texts; of the others it is known which faults they have.
_KEPT_PROBLEMS = 1000
_KNOWN_SHAPES = 10_000  # a candidate invents types, and names: do not grow with them

# How much of an event a requirement has to be able to read, each level with the ones before it.
LEVELS = ("frames", "json", "type", "schema")


class Shape(NamedTuple):
    """What many events of a stream have in common."""

    kind: str | None  # the type by the profile, None where the data does not say
    name: str  # the SSE event field
    keys: tuple[Any, ...] = ()  # the values at `key_pointers`, in their order
    valid: bool | None = None  # against the schema of its type; None where none is known, or it is not JSON
    problems: tuple[Problem, ...] = ()  # of its JSON
    parsed: bool = False  # whether its data is JSON
    adopted: bool | None = None  # against the schema of its adopted readings; None without these, or if not `valid`
    # The number of the first of LEVELS at which it cannot be read, and the id that it violates; 0 where it can.
    hidden_from: int = 0
    violates: str = ""


class Event(NamedTuple):
    """One event of a stream, without its value; or bytes that become none, in `Reading.unread`.

    A named tuple for the same reason as Frame, and a small one: a million of them take 140 MB.
    """

    shape: Shape
    at_us: int  # arrival of its last byte
    start: int
    end: int
    # Its number; of several sequences a tuple with the number in each, None where it has none. See `numbered`.
    order: Any = None

    @property
    def kind(self) -> str | None:
        """See `Shape`."""
        return self.shape.kind

    @property
    def name(self) -> str:
        """See `Shape`."""
        return self.shape.name

    @property
    def keys(self) -> tuple[Any, ...]:
        """See `Shape`."""
        return self.shape.keys

    @property
    def valid(self) -> bool | None:
        """See `Shape`."""
        return self.shape.valid

    @property
    def problems(self) -> tuple[Problem, ...]:
        """See `Shape`."""
        return self.shape.problems

    @property
    def parsed(self) -> bool:
        """See `Shape`."""
        return self.shape.parsed

    @property
    def adopted(self) -> bool | None:
        """See `Shape`."""
        return self.shape.adopted

    @property
    def violates(self) -> str:
        """See `Shape`."""
        return self.shape.violates


@dataclass(slots=True)
class Reading:
    """A stream as a strict reader sees it. `beats` are the heartbeats, in whichever form the profile says."""

    exchange: Exchange
    profile: Profile
    events: list[Event] = field(default_factory=list)
    beats: list[Event] = field(default_factory=list)
    flawed: list[Frame] = field(default_factory=list)  # the first frames with each flaw, and what was left at the end
    quiet: list[Frame] = field(default_factory=list)  # the first comments and blanks
    others_us: array[int] = field(default_factory=lambda: array("q"))  # when comments and blanks came that are no beats
    spread: list[Frame] = field(default_factory=list)  # the first SSE events whose data is not on exactly one line
    foremost: tuple[float, Event] | None = None  # the event whose own time is most ahead of its arrival, by how many s
    frames: int = 0
    size: int = 0  # of the bytes that were read: the frames after MOST_FRAMES are not
    ids: int = 0  # frames with an id field
    kept: dict[int, Any] = field(default_factory=dict)  # values that were asked for, by the start of their event
    # What requirements of some level cannot read, in the order of the bytes; of a view what it hides.
    unread: list[Event] = field(default_factory=list)

    def value(self, event: Event) -> Any:
        """The JSON value of an event, None where it is not JSON."""
        if not event.parsed:
            return None
        if event.start in self.kept:
            return self.kept[event.start]
        value = json_text.read(self.text(event)).value
        if len(self.events) <= KEPT_EVENTS and len(self.exchange.body) <= KEPT_BYTES:
            self.kept[event.start] = value
        return value

    def text(self, event: Event) -> str:
        """The data of an event as text."""
        piece = self.exchange.body[event.start : event.end]
        decode = sse.decode if self.profile.framing == "sse" else ndjson.decode
        found = sorted(decode(piece), key=lambda frame: frame.kind in _SILENT)  # a comment's text where nothing else is
        return found[0].data if found else ""

    def id_of(self, event: Event) -> str | None:
        """The id field of the SSE block of an event, None where it has none."""
        block = sse.decode(self.exchange.body[event.start : event.end])
        return next((frame.id for frame in block if frame.id is not None), None)

    def values(self, events: Iterable[Event]) -> list[Any]:
        """The JSON values of some events."""
        return [self.value(event) for event in events]

    @property
    def history(self) -> list[Event]:
        """The events that every reader of a run sees alike, by the profile's `catchup.history`."""
        patterns = self.profile.history or ("*",)
        return [event for event in self.events if event.kind is not None and matches(event.kind, patterns)]

    def of(self, kinds: tuple[str, ...]) -> list[Event]:
        """The events of these types."""
        return [event for event in self.events if event.kind is not None and matches(event.kind, kinds)]

    @property
    def has_line(self) -> bool:
        """Whether a line of it is whole; in SSE that may be one of a block that never ended."""
        body = self.exchange.body
        return self.frames > 1 or b"\n" in body or (self.profile.framing == "sse" and b"\r" in body)

    @property
    def head_us(self) -> int:
        """When the head arrived."""
        return self.exchange.head.at_us if self.exchange.head else self.exchange.ended_us


_SILENT = {Kind.COMMENT: "comment", Kind.BLANK: "blank"}  # and the form of a heartbeat that is one


def reading(exchange: Exchange, profile: Profile) -> Reading:
    """The stream of an exchange as events; computed once."""
    known: Reading | None = exchange.memo.get("reading")
    if known is None or known.profile is not profile:
        whole = exchange.whole
        known = _read(exchange, profile) if whole is None else _seen_at(exchange, reading(whole, profile))
        exchange.memo["reading"] = known
    return known


def bounded(exchange: Exchange, profile: Profile) -> Exchange:
    """The exchange, where it is a stream of more than MOST_FRAMES up to there: the rest is not read, as in a run."""
    line_ends = exchange.body.count(b"\n") + exchange.body.count(b"\r")  # a frame has one at least
    if line_ends < MOST_FRAMES or not readable(exchange):
        return exchange
    one = reading(exchange, profile)
    if one.size == len(exchange.body):
        return exchange
    number = bisect_left(exchange.ends, one.size)
    ends, times = exchange.ends[: number + 1], exchange.times[: number + 1]
    ends[-1] = one.size
    other = replace(
        exchange, body=exchange.body[: one.size], ends=ends, times=times, ending=Ending.CUT, detail=OVER_FRAMES,
        ended_us=times[-1],
    )  # fmt: skip
    other.memo["reading"] = replace(one, exchange=other)
    return other


def bounded_trace(trace: Trace, profile: Profile) -> Trace:
    """The trace with each of its streams `bounded`."""
    exchanges = tuple(bounded(one, profile) for one in trace.exchanges)
    return trace if exchanges == trace.exchanges else replace(trace, exchanges=exchanges)


def ended_otherwise(exchange: Exchange, profile: Profile, ending: Ending, detail: str = "") -> Exchange:
    """The exchange with another ending; what was read of it stays."""
    other, one = replace(exchange, ending=ending, detail=detail), reading(exchange, profile)
    left = one.flawed[-1] if one.flawed and one.flawed[-1].kind is Kind.PARTIAL else None
    unread = one.unread
    if left:
        unread = [piece for piece in unread if piece.start < left.start]
        read = replace(one, exchange=other)
        unread += _left(left, _Clock(other).at(left.end), read)
    other.memo["reading"] = replace(one, exchange=other, unread=unread)
    return other


def hidden(exchange: Exchange, profile: Profile, level: str) -> list[Event]:
    """What a requirement that reads this level cannot see of a stream."""
    if not readable(exchange):
        return []
    number, unread = LEVELS.index(level), reading(exchange, profile).unread
    whole = all(one.shape.hidden_from <= number for one in unread)
    return unread if whole else [one for one in unread if one.shape.hidden_from <= number]


def view(trace: Trace, profile: Profile, level: str) -> tuple[Trace, dict[str, frozenset[str]]]:
    """The trace as a requirement that reads this level sees it; by exchange, the ids that what is hidden violates."""
    unread = {
        one.id: frozenset(piece.violates for piece in pieces)
        for one in trace.exchanges
        if (pieces := hidden(one, profile, level))
    }
    if not unread:
        return trace, unread
    exchanges = (replace(one, whole=one, reads=level) if one.id in unread else one for one in trace.exchanges)
    return replace(trace, exchanges=tuple(exchanges)), unread


def _seen_at(exchange: Exchange, whole: Reading) -> Reading:
    """A reading without the events that a level hides."""
    number = LEVELS.index(exchange.reads)

    def seen(events: list[Event]) -> list[Event]:
        whole = not any(0 < one.shape.hidden_from <= number for one in events)
        return events if whole else [one for one in events if not 0 < one.shape.hidden_from <= number]

    ahead = whole.foremost
    return replace(
        whole,
        exchange=exchange,
        events=seen(whole.events),
        beats=seen(whole.beats),
        foremost=ahead if ahead is None or seen([ahead[1]]) else None,
        unread=hidden(whole.exchange, whole.profile, exchange.reads),
    )


def frames(exchange: Exchange, profile: Profile) -> Iterator[Frame]:
    """The frames of an exchange, in order; decoded anew on each call."""
    decoder = sse.SseDecoder() if profile.framing == "sse" else ndjson.NdjsonDecoder()
    body = exchange.body
    for start in range(0, len(body), PIECE_BYTES):
        yield from decoder.feed(body[start : start + PIECE_BYTES])
    yield from decoder.close()


def key_pointers(profile: Profile) -> tuple[str, ...]:
    """The JSON pointers of the keys of lifecycle tables, of what names an event, and of what all events share."""
    name = profile.field("framing.event_name.pointer")
    keys = (place for table in profile.lifecycles.values() for place in table.key)
    return tuple(dict.fromkeys([*keys, *([name] if name else []), *(profile.field("events.same") or ())]))


def _getter(pointer: str) -> Callable[[Any], Any]:
    """`pointed` for one pointer, quick for a pointer of one step."""
    key = pointer[1:]
    if "/" not in key and "~" not in key:
        return lambda value: value.get(key) if type(value) is dict else None
    return lambda value: pointed(value, pointer)


class _Type(NamedTuple):
    """An event type, and the deciders of its schema and of that of its adopted readings."""

    kind: str | None
    decide: Callable[[Any], bool] | None = None
    decide_adopted: Callable[[Any], bool] | None = None


@lru_cache(maxsize=16)
def _classifier(profile: Profile) -> Callable[[Any, str], _Type]:
    """A function from a value and its event name to its type."""
    known: dict[str, _Type] = {}

    def classify(value: Any, name: str) -> _Type:
        kind = profile.kind_of(value, name)
        if kind is None:
            return _Type(None)
        if kind not in known:
            files = profile.schema_file(kind), profile.adopted_types.get(kind)
            found = _Type(kind, *(profile.schemas.decider(file) if file else None for file in files))
            if len(known) > 1000:  # a candidate invents types: do not grow with it
                return found
            known[kind] = found
        return known[kind]

    return classify


def _read(exchange: Exchange, profile: Profile) -> Reading:  # noqa: PLR0915 - the one loop over all bytes
    found = Reading(exchange, profile)
    classify = _classifier(profile)
    keys = [_getter(pointer) for pointer in key_pointers(profile)]
    keyless = (None,) * len(keys)  # shared: most events have none of the keys
    time_of = _getter(profile.field("events.time")) if profile.field("events.time") else None
    order_of = _numbering(profile)
    beat = profile.heartbeat
    beat_name = beat.event if beat and beat.form in ("event", "object") else ""
    clock, shapes, kept = _Clock(exchange), _Shapes(profile), _Kept(found)
    some_unread, is_sse = not all(rule.reads for rule in profile.rules), profile.framing == "sse"
    end = 0
    for frame in islice(frames(exchange, profile), MOST_FRAMES):
        found.frames += 1
        if frame.violations:
            kept.flawed(frame)
        if frame.id is not None:
            found.ids += 1
        start, end = end, frame.end  # frames tile a body: no second number for the same place
        at_us = clock.at(end)
        if frame.kind in _SILENT:
            if len(found.quiet) < KEPT_FRAMES:
                found.quiet.append(frame)
            if beat and beat.form == _SILENT[frame.kind] and beat.is_like(frame.data):
                found.beats.append(Event(shapes.like(Shape("", frame.event)), at_us, start, end))
            else:  # a greeting, or padding
                found.others_us.append(at_us)
            continue
        if frame.kind not in (Kind.EVENT, Kind.LINE):
            malformed = frame.kind is Kind.MALFORMED
            found.unread += [Event(_MALFORMED, at_us, start, end)] if malformed else _left(frame, at_us, found)
            continue
        if is_sse and frame.data_lines != 1 and len(found.spread) < KEPT_FRAMES:
            found.spread.append(frame)
        unread_kind = profile.unread_kind(frame.event, frame.data) if some_unread else None
        if unread_kind:
            event = Event(shapes.like(Shape(unread_kind, frame.event)), at_us, start, end)
        else:
            value, problems = json_text.read(frame.data)
            parsed = value is not None or not problems
            kind, decide, decide_adopted = classify(value, frame.event)
            order = order_of(kind, value, frame.id) if order_of and kind is not None else None
            here = tuple([get(value) for get in keys])
            form = json_text.as_read(value) if problems and parsed else value
            valid = decide(form) if decide and parsed else None
            shape = Shape(
                kind, frame.event, keyless if here == keyless else here, valid, kept.problems(problems), parsed,
                decide_adopted(form) if valid and decide_adopted else None,
            )  # fmt: skip
            event = Event(shapes.like(shape), at_us, start, end, order)
            ahead_s = _ahead_s(time_of(value), at_us) if time_of else None
            if ahead_s is not None and (found.foremost is None or ahead_s > found.foremost[0]):
                found.foremost = (ahead_s, event)
            if event.shape.hidden_from:
                found.unread.append(event)
        if event.kind == beat_name:
            found.beats.append(event)
        else:
            found.events.append(event)
    found.size = end
    return found


def _numbering(profile: Profile) -> Callable[[str, Any, str | None], Any] | None:
    """A function from the type, the value and the id of an event to its `order`; None without sequences."""
    getters = [None if isinstance(one.place, PseudoPointer) else _getter(one.place) for one in profile.sequences]
    known: dict[str, list[int]] = {}

    def numbers(kind: str, value: Any, block_id: str | None) -> list[Any]:
        if kind not in known:
            known[kind] = [i for i, one in enumerate(profile.sequences) if matches(kind, one.events)]
        found: list[Any] = [None] * len(getters)
        for number in known[kind]:
            get = getters[number]
            found[number] = get(value) if get else _number(block_id)
        return found

    def of_one(kind: str, value: Any, block_id: str | None) -> Any:
        return numbers(kind, value, block_id)[0]

    def of_several(kind: str, value: Any, block_id: str | None) -> Any:
        found = numbers(kind, value, block_id)
        return None if all(one is None for one in found) else tuple(found)

    return (of_one if len(getters) == 1 else of_several) if getters else None


def _number(block_id: str | None) -> int | str | None:
    """What an id says as a number: a whole one where it is decimal digits that a double holds."""
    is_number = block_id is not None and block_id.isascii() and block_id.isdigit() and len(block_id) <= _SAFE_DIGITS
    return int(block_id) if is_number and block_id is not None else block_id


_SAFE_DIGITS = 300  # fewer than a double can hold, and than Python reads


def numbered(one: Reading, number: int) -> list[tuple[Event, Any]]:
    """The events that have a number of one of the profile's sequences, and that number."""
    several = len(one.profile.sequences) > 1
    found = (
        (event, event.order[number] if several and event.order is not None else event.order) for event in one.events
    )
    return [(event, value) for event, value in found if value is not None]


class _Shapes:
    """The shapes of the events of one stream, each once, with what they violate."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._known: dict[tuple[Any, ...], Shape] = {}

    def like(self, shape: Shape) -> Shape:
        """The shape as the other events have it."""
        same = (shape, *map(type, shape.keys))  # to Python 1 and true are equal
        try:
            known = self._known.get(same)
        except TypeError:  # a list or an object at a key
            return _defective(shape, self._profile)
        if known is None:
            known = _defective(shape, self._profile)
            if len(self._known) < _KNOWN_SHAPES:
                self._known[same] = known
        return known


class _Kept:
    """What is kept of frames and problems: of each kind the first ones, as a flood of them says nothing more."""

    def __init__(self, found: Reading) -> None:
        self._found = found
        self._flaws: dict[Flaw, int] = {}
        self._problems = 0

    def flawed(self, frame: Frame) -> None:
        """Keep a frame while one of its flaws is rare, and what was left unended."""
        rare = frame.kind is Kind.PARTIAL
        for one in frame.violations:
            count = self._flaws[one.flaw] = self._flaws.get(one.flaw, 0) + 1
            rare = rare or count <= KEPT_FRAMES
        if rare:
            self._found.flawed.append(frame)

    def problems(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        """The problems of an event; without their texts once there were many."""
        if not problems:
            return problems
        self._problems += 1
        if self._problems <= _KEPT_PROBLEMS:
            return problems
        return tuple(json_text.Problem(fault, "", "") for fault in dict.fromkeys(one.fault for one in problems))


def _left(frame: Frame, at_us: int, one: Reading) -> list[Event]:
    """The bytes of a PARTIAL frame, which never ended, where it was the server that broke off."""
    if not one.exchange.by_server or one.exchange.role == "cut":
        return []
    unended = "SSE-01" if one.profile.framing == "sse" else "NDJ-01"
    violates = unended if one.exchange.clean else "TRN-04"
    return [Event(Shape(None, "", hidden_from=_JSON, violates=violates), at_us, frame.start, frame.end)]


_JSON = LEVELS.index("json")
# Of what is no UTF-8 two readers make two texts.
_MALFORMED = Shape(None, "", hidden_from=_JSON, violates="EVT-01")


def _defective(shape: Shape, profile: Profile) -> Shape:
    """A shape of events with the level at which it can no longer be read, and the id that it violates.

    An unknown type of an open set is no violation, and neither is what is no JSON by the profile.
    """
    if not shape.parsed:
        if not shape.problems:
            return shape
        level, violates = "json", _unparsed({problem.fault for problem in shape.problems}, profile)
    elif shape.kind is None:
        level, violates = "type", "EVT-07"
    elif not profile.open_set and profile.schema_file(shape.kind) is None:
        level, violates = "type", "EVT-11"
    elif shape.valid is False:
        level, violates = "schema", "EVT-08"
    else:
        return shape
    return shape._replace(hidden_from=LEVELS.index(level), violates=violates)


def _unparsed(faults: set[json_text.JsonFault], profile: Profile) -> str:
    """The id that data without a JSON value violates."""
    if faults == {json_text.JsonFault.TOO_DEEP}:
        return "EVT-06"
    several = json_text.JsonFault.SEVERAL_DOCUMENTS in faults and profile.framing == "ndjson"
    return "NDJ-02" if several else "EVT-02"


def _ahead_s(text: Any, at_us: int) -> float | None:
    """By how many seconds a timestamp is ahead of an arrival on the trace's clock, whose zero is Unix time 0 here."""
    try:
        return datetime.fromisoformat(text).timestamp() - at_us / 1e6 if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None  # the schema's format says so


class _Clock:
    """The arrival time of offsets that only grow."""

    def __init__(self, exchange: Exchange) -> None:
        self._ends, self._times, self._last = exchange.ends, exchange.times, exchange.ended_us
        self._index = -1
        self._until = -1  # up to here the answer is the same
        self._at = 0

    def at(self, end: int) -> int:
        if end > self._until:
            ends, index = self._ends, self._index + 1
            while index < len(ends) and ends[index] < end:
                index += 1
            self._index = index
            there = index < len(ends)
            self._until, self._at = (ends[index], self._times[index]) if there else (sys.maxsize, self._last)
        return self._at


def unended_kind(one: Reading) -> str | None:
    """The type of the event with which the bytes end and which lacks only its own end; None where there is none."""
    last = one.flawed[-1:]
    if not last or last[0].kind is not Kind.PARTIAL:
        return None
    return one.profile.kind_of(json_text.read(last[0].data).value, last[0].event, last[0].data)


def opened(exchange: Exchange) -> bool:
    """Whether a stream could be meant and was answered: then its bytes are a stream's."""
    return (
        exchange.about.get("meant") in ("stream", "either")
        and exchange.status is not None
        and 200 <= exchange.status < 300
    )


def readable(exchange: Exchange) -> bool:
    """Whether a stream's bytes are what the server wrote: without a content coding, or with one that was undone."""
    return opened(exchange) and not unknown_coding(exchange)


def unknown_coding(exchange: Exchange) -> str:
    """The content coding of an answer that nobody has undone, "" where there is none."""
    return "" if exchange.coding else coding(exchange)


def coding(exchange: Exchange) -> str:
    """The content coding of an answer in lower case, "" where it has none; several are joined by a comma."""
    named = exchange.head.get("content-encoding").lower() if exchange.head else ""
    return "" if named == "identity" else named


def streams(trace: Trace, profile: Profile) -> list[Reading]:
    """Every stream of a trace that was answered and can be read."""
    return [reading(exchange, profile) for exchange in trace.exchanges if readable(exchange)]


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: numbers by value, objects without order, true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
