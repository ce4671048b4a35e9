"""From the bytes of an exchange to its events: framing, JSON, type, schema.

Computed when a check first asks, and kept as long as the exchange lives. Event values are not kept: a stream has
hundreds of thousands of events, and few checks look inside; `Reading.value` reads one again from its bytes. Must not
know what is right or wrong: a problem is noted, not judged.
"""

from __future__ import annotations

import math
import sys
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import matches
from streamvet.events import Events, Shape
from streamvet.framing import json_text, ndjson, sse
from streamvet.framing.frame import MOST_FRAMES, OVER_FRAMES, Flaw, Frame, Kind
from streamvet.framing.lengths import over_long
from streamvet.shapes import JSON, LEVELS, MALFORMED, Shapes
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamvet.contract.profile import Profile
    from streamvet.events import Event
    from streamvet.trace import Exchange, Trace

# Decoded piece by piece, so that the frames of a long body never exist all at once: of empty lines each byte is one.
PIECE_BYTES = 1 << 16
# Streams of so few events keep the values that were asked for: a dozen checks look at the same ones, and with large
# events reading them again is nearly all that judging costs.
KEPT_EVENTS, KEPT_BYTES = 512, 1 << 24
# Frames of a kind that are kept besides events: as many as there are findings of one exchange, see `outcome.has_room`.
KEPT_FRAMES = 1000
# Shapes of one stream's events: each type, and each value at a lifecycle key, makes some. Twenty for each step of a
# run of 10,000 steps; more are a flood, and of a million shapes each is as large as the event that it stands for.
MOST_SHAPES = 200_000
OVER_SHAPES = f"limit: over {MOST_SHAPES} different events"


@dataclass(slots=True)
class Reading:
    """A stream as a strict reader sees it. `beats` are the heartbeats, in whichever form the profile says."""

    exchange: Exchange
    profile: Profile
    events: Events
    beats: Events
    # What requirements of some level cannot read, in the order of the bytes; of a view what it hides.
    unread: Events
    flawed: list[Frame] = field(default_factory=list)  # the first frames with each flaw, and what was left at the end
    quiet: list[Frame] = field(default_factory=list)  # the first comments and blanks
    others_us: array[int] = field(default_factory=lambda: array("q"))  # when comments and blanks came that are no beats
    spread: list[Frame] = field(default_factory=list)  # the first SSE events whose data is not on exactly one line
    foremost: tuple[float, Event] | None = None  # the event whose own time is most ahead of its arrival, by how many s
    frames: int = 0
    size: int = 0  # of the bytes that were read
    over: str = ""  # the limit behind which nothing is read, as the detail of an exchange says it; "" where none was
    ids: int = 0  # frames with an id field
    odd_ids: list[Frame] = field(default_factory=list)  # the first ones with an id that is not printable ASCII alone
    kept: dict[int, Any] = field(default_factory=dict)  # values that were asked for, by the start of their event
    asked: dict[tuple[str, ...], Events] = field(default_factory=dict, init=False)  # what `of` has given

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
    def history(self) -> Events:
        """The events that every reader of a run sees alike, by the profile's `catchup.history`."""
        return self.of(self.profile.history or ("*",))

    def of(self, kinds: tuple[str, ...]) -> Events:
        """The events of these types."""
        if kinds not in self.asked:
            self.asked[kinds] = self.events.where(lambda one: one.kind is not None and matches(one.kind, kinds))
        return self.asked[kinds]

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
    """The exchange, where it is a stream beyond a limit up to there: the rest is not read, as in a run."""
    if not readable(exchange):
        return exchange
    over = over_long(exchange.body, sse=profile.framing == "sse")
    if over:
        exchange = _up_to(exchange, over[0], f"limit: {over[1]}")
    line_ends = exchange.body.count(b"\n") + exchange.body.count(b"\r")  # a frame has one at least
    if line_ends < min(MOST_FRAMES, MOST_SHAPES):
        return exchange
    one = reading(exchange, profile)
    if not one.over:
        return exchange
    other = _up_to(exchange, one.size, one.over)
    other.memo["reading"] = replace(one, exchange=other)
    return other


def _up_to(exchange: Exchange, size: int, limit: str) -> Exchange:
    """The exchange as if it had been cut off there, at a limit."""
    number = bisect_left(exchange.ends, size)
    ends, times = exchange.ends[: number + 1], exchange.times[: number + 1]
    ends[-1] = size
    return replace(
        exchange, body=exchange.body[:size], ends=ends, times=times, ending=Ending.CUT, detail=limit,
        ended_us=times[-1],
    )  # fmt: skip


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
        unread, shape = unread.until(left.start), _left(replace(one, exchange=other))
        if shape:
            unread.add(unread.number(shape), _Clock(other).at(left.end), left.start, left.end)
    other.memo["reading"] = replace(one, exchange=other, unread=unread)
    return other


def hidden(exchange: Exchange, profile: Profile, level: str) -> Events:
    """What a requirement that reads this level cannot see of a stream."""
    if not readable(exchange):
        return Events([])
    number = LEVELS.index(level)
    return reading(exchange, profile).unread.where(lambda one: one.hidden_from <= number)


def view(trace: Trace, profile: Profile, level: str) -> tuple[Trace, dict[str, frozenset[str]]]:
    """The trace as a requirement that reads this level sees it; by exchange, the ids that what is hidden violates."""
    unread = {
        one.id: frozenset(shape.violates for shape in pieces.shapes)
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

    def is_seen(shape: Shape) -> bool:
        return not 0 < shape.hidden_from <= number

    ahead = whole.foremost
    return replace(
        whole,
        exchange=exchange,
        events=whole.events.where(is_seen),
        beats=whole.beats.where(is_seen),
        foremost=ahead if ahead is None or is_seen(ahead[1].shape) else None,
        unread=hidden(whole.exchange, whole.profile, exchange.reads),
    )


def frames(exchange: Exchange, profile: Profile) -> Iterator[Frame]:
    """The frames of an exchange, in order; decoded anew on each call."""
    decoder = sse.SseDecoder() if profile.framing == "sse" else ndjson.NdjsonDecoder()
    body = exchange.body
    for start in range(0, len(body), PIECE_BYTES):
        yield from decoder.feed(body[start : start + PIECE_BYTES])
    yield from decoder.close()


def _read(exchange: Exchange, profile: Profile) -> Reading:
    shapes = Shapes(profile)
    found = Reading(exchange, profile, Events(shapes.listed), Events(shapes.listed), Events(shapes.listed))
    beat = profile.heartbeat
    beat_name = (beat.event or "") if beat and (beat.has_form("event") or beat.has_form("object")) else ""
    clock, kept, listed = _Clock(exchange), _Kept(found), shapes.listed
    event_kind, line_kind, is_sse = Kind.EVENT, Kind.LINE, profile.framing == "sse"
    most_ahead_s = -math.inf
    blank_kind, blank_beats = Kind.BLANK, beat is not None and beat.has_form("blank")
    for frame in islice(frames(exchange, profile), MOST_FRAMES):
        kind, start, end, _, _, id_, data_lines, violations = frame
        at_us = clock.at(end)
        found.frames += 1
        found.size = end
        if violations:
            kept.flawed(frame)
        if kind is blank_kind and not blank_beats and len(found.quiet) >= KEPT_FRAMES:
            found.others_us.append(at_us)  # as `_note` does: of empty lines there may be a million
            continue
        if id_ is not None:
            found.ids += 1
            if not (id_.isascii() and id_.isprintable()):
                kept.odd_id(frame)
        if kind is not event_kind and kind is not line_kind:
            _note(frame, at_us, found, shapes)
            continue
        if is_sse and data_lines != 1 and len(found.spread) < KEPT_FRAMES:
            found.spread.append(frame)
        number, order, unix_s = shapes.look(frame)
        shape = listed[number]
        if shape.hidden_from:
            found.unread.add(number, at_us, start, end, order)
        among = found.beats if shape.kind == beat_name else found.events
        among.add(number, at_us, start, end, order)
        # Of a trace's clock the zero is Unix time 0 here.
        if unix_s is not None and unix_s - at_us / 1e6 > most_ahead_s:
            most_ahead_s = unix_s - at_us / 1e6
            found.foremost = most_ahead_s, among[-1]
        if number >= MOST_SHAPES:
            found.over = OVER_SHAPES
            break
    if found.size < len(exchange.body) and not found.over:
        found.over = OVER_FRAMES
    return found


def numbered(one: Reading, number: int) -> Iterator[tuple[Event, Any]]:
    """The events that have a number of one of the profile's sequences, and that number."""
    several = len(one.profile.sequences) > 1
    for event in one.events.numbered():
        value = event.order[number] if several else event.order
        if value is not None:
            yield event, value


def _note(frame: Frame, at_us: int, found: Reading, shapes: Shapes) -> None:
    """Note a comment or a blank, a malformed frame, or what is left at the end."""
    beat, form = found.profile.heartbeat, _SILENT.get(frame.kind)
    if form is None:
        shape = MALFORMED if frame.kind is Kind.MALFORMED else _left(found)
        if shape:
            found.unread.add(shapes.number(shape), at_us, frame.start, frame.end)
        return
    if len(found.quiet) < KEPT_FRAMES:
        found.quiet.append(frame)
    if beat and beat.has_form(form) and beat.is_like(frame.data):
        found.beats.add(shapes.number(Shape("", frame.event)), at_us, frame.start, frame.end)
    else:  # a greeting, or padding
        found.others_us.append(at_us)


class _Kept:
    """What is kept of frames with flaws: of each flaw the first ones, as a flood of them says nothing more."""

    def __init__(self, found: Reading) -> None:
        self._found = found
        self._flaws: dict[Flaw, int] = {}
        self._odd_ids = {True: 0, False: 0}

    def flawed(self, frame: Frame) -> None:
        """Keep a frame while one of its flaws is rare, and what was left unended."""
        rare = frame.kind is Kind.PARTIAL
        for one in frame.violations:
            count = self._flaws[one.flaw] = self._flaws.get(one.flaw, 0) + 1
            rare = rare or count <= KEPT_FRAMES
        if rare:
            self._found.flawed.append(frame)

    def odd_id(self, frame: Frame) -> None:
        """Keep a frame while ids that are as odd as its own are rare: with other characters than ASCII, or without."""
        is_ascii = str(frame.id).isascii()
        self._odd_ids[is_ascii] += 1
        if self._odd_ids[is_ascii] <= KEPT_FRAMES:
            self._found.odd_ids.append(frame)


def _left(one: Reading) -> Shape | None:
    """The shape of the bytes of a PARTIAL frame, which never ended, where it was the server that broke off."""
    if not one.exchange.by_server or one.exchange.role == "cut":
        return None
    unended = "SSE-01" if one.profile.framing == "sse" else "NDJ-01"
    return Shape(None, "", hidden_from=JSON, violates=unended if one.exchange.clean else "TRN-04")


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
        and exchange.status not in exchange.about.get("over", ())
    )


def readable(exchange: Exchange) -> bool:
    """Whether a stream's bytes are what the server wrote: without a content coding, or with one that was undone."""
    return opened(exchange) and not unknown_coding(exchange)


def unknown_coding(exchange: Exchange) -> str:
    """The content coding of an answer that nobody has undone, "" where there is none."""
    return "" if exchange.coding else coding(exchange)


# Codings that take a package of the extra `codings`.
_OF_EXTRA = frozenset({"br", "zstd"})


def named_coding(name: str) -> str:
    """A coding that could not be undone, with how to make it one that can."""
    return f"{name} (pip install 'streamvet[codings]')" if _OF_EXTRA & set(name.replace(" ", "").split(",")) else name


def coding(exchange: Exchange) -> str:
    """The content coding of an answer in lower case, "" where it has none; several are joined by a comma."""
    known: str | None = exchange.memo.get("coding")  # each check asks of each stream
    if known is None:
        named = exchange.head.get("content-encoding").lower() if exchange.head else ""
        known = exchange.memo["coding"] = "" if named == "identity" else named
    return known


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
