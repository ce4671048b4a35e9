"""What was observed, a line each: what it is about, and what was seen. Verdicts are none of it.

Must not know requirements, nor how lines are shown.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from streamvet.checks.suspects import suspects
from streamvet.observing.arrivals import held, picture
from streamvet.observing.drift import drifts
from streamvet.observing.numbering import EVENT_ID, number_of
from streamvet.observing.sample import NDJSON, NDJSON_TYPES, SSE, sampled
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet.observing.asking import Heard
    from streamvet.observing.guess import Guess
    from streamvet.trace import Head

# Fields by which somebody on the way says that he was there.
_BETWEEN = (
    "Server", "Via", "X-Powered-By", "X-Cache", "Age", "X-Served-By", "CF-RAY", "X-Amz-Cf-Id", "X-Vercel-Id",
    "Fly-Request-Id", "X-Envoy-Upstream-Service-Time",
)  # fmt: skip
_SHOWN_TYPES, _SHOWN_CHARS = 8, 60
_LONG_US = 1_000_000
_FASTER = 3  # so many times sooner without a coding: the coder held it back


class Remark(NamedTuple):
    """A line: what it is about, in a word, and what was observed."""

    about: str
    text: str


def remarks(heard: Heard, guess: Guess) -> list[Remark]:
    """The lines on a stream."""
    rows = {
        "answer": _answer(heard), "arrival": _arrival(heard, guess), "coding": _coding(heard, guess),
        "types": _types(guess), "drift": drifts(guess), "numbers": _numbers(guess), "ids": _ids(heard, guess),
        "heartbeat": _heartbeat(guess), "end": _end(heard, guess),
    }  # fmt: skip
    return [Remark(about, text) for about, texts in rows.items() for text in texts]


def _answer(heard: Heard) -> Iterator[str]:
    head = heard.main.head
    if head is None:
        return
    what, after = head.get("content-type") or "without a media type", _seconds(head.at_us - heard.main.sent_us)
    yield f"{head.status} {what}, {head.http}, {_delimited(head)}, head after {after}"
    if heard.framing == NDJSON and head.media_type not in NDJSON_TYPES:
        yield "it is one JSON document per line, but the media type does not say so"
    said = [f"{name}: {head.get(name)[:_SHOWN_CHARS]}" for name in _BETWEEN if head.get(name)]
    yield ", ".join(said) or f"no sign of an intermediary: no {' or '.join(_BETWEEN[:2])}"


def _delimited(head: Head) -> str:
    """How it is said where the message ends."""
    if not head.http.startswith("HTTP/1"):
        return "ended by a frame"
    if head.get("transfer-encoding"):
        return head.get("transfer-encoding")
    if head.get("content-length"):
        return f"Content-Length {head.get('content-length')}"
    return "delimited by the end of the connection, so a cut looks like the end"


def _arrival(heard: Heard, guess: Guess) -> Iterator[str]:
    seen = picture(guess.sample)
    if seen is None:
        yield f"no event arrived in {_seconds(heard.main.ended_us - guess.sample.begun_us)}"
        return
    count, main = len(guess.sample.events), heard.main
    first_us = main.sent_us if main.head is None else main.head.at_us
    at_once = seen.lots == 1 and count > 1
    late = seen.first_us + first_us - main.sent_us
    if at_once and late > _LONG_US and main.head is not None:
        yield f"all {count} events arrived at once, {_seconds(late)} after the request: written together, or held back"
    else:
        many = "at once" if seen.lots == 1 else f"in {seen.lots} groups, at most {seen.largest} together"
        lots = "each alone" if seen.lots == count else many
        yield (f"{count} events, {lots}; the first {_seconds(seen.first_us)} after the head, "
               f"the longest silence {_seconds(seen.silent_us)}")  # fmt: skip
    together = held(guess.sample, heard.wall_clock)
    if together and main.head:
        yield (f"held back: {together.number} events whose times at {together.place} are "
               f"{together.apart_s:.1f} s apart arrived together; {suspects(main.head)}")  # fmt: skip


def _seconds(us: float) -> str:
    return f"{us / 1000:.0f} ms" if us < _LONG_US else f"{us / 1e6:.1f} s"


def _groups(lots: int) -> str:
    return f"{lots} group{'' if lots == 1 else 's'} of events"


def _coding(heard: Heard, guess: Guess) -> Iterator[str]:
    """What a content coding does to the stream, against the same one without."""
    coded = heard.coded
    if coded is None or coded.head is None:
        return
    if not coded.head.get("content-encoding"):
        yield "none, when gzip, deflate, br and zstd are offered"
        return
    name = coded.head.get("content-encoding")
    other, plain = picture(sampled(coded, heard.framing)), picture(guess.sample)
    if plain is None:
        return
    if other is None:
        waited = _seconds(coded.ended_us - coded.sent_us)
        yield f"{name} holds back: no event in {waited}, {_groups(plain.lots)} without"
        return
    slow = other.first_us > max(_FASTER * plain.first_us, _LONG_US) or (
        plain.lots > 2 and other.lots * _FASTER <= plain.lots
    )
    seen = f"the first event after {_seconds(other.first_us)}, {_groups(other.lots)}"
    without = f"without it {_seconds(plain.first_us)}, {_groups(plain.lots)}"
    yield f"{name} {'holds back' if slow else 'passes events on'}: {seen}; {without}"


def _types(guess: Guess) -> Iterator[str]:
    if not guess.sample.events:
        return
    counted = [f"{kind} {count}" for kind, count in Counter(guess.counts).most_common(_SHOWN_TYPES)]
    more = len(guess.counts) - _SHOWN_TYPES
    untyped = sum(kind is None for kind in guess.kinds)
    counted += [f"{more} more types"] if more > 0 else []
    counted += [f"without a type {untyped}"] if untyped else []
    yield f"{guess.telling.how}: {', '.join(counted)}"


def _numbers(guess: Guess) -> Iterator[str]:
    for one in guess.numberings:
        if one.place != EVENT_ID:
            by = f"by {one.step}" if one.step else "by different steps"
            yield f"{one.place} increases {by}, {one.first} to {one.last}"
            return


def _ids(heard: Heard, guess: Guess) -> Iterator[str]:
    """Whether events have ids, and what a reader gets that comes back with one."""
    events, count = guess.sample.events, guess.with_ids
    if guess.framing != SSE or not events:
        return
    if not count:
        yield "none: an EventSource that reconnects cannot name its position"
        return
    rising = next((one for one in guess.numberings if one.place == EVENT_ID), None)
    shown = f", {rising.first} to {rising.last}" if rising else ""
    yield f"{'each event has one' if count == len(events) else f'{count} of {len(events)} events have one'}{shown}"
    yield f"Last-Event-ID {_resumption(heard, guess)}"


def _resumption(heard: Heard, guess: Guess) -> str:
    """What came back to a reader that had named an id."""
    again = heard.again
    if again is None:
        return "was not tried" + ("" if len(guess.sample.events) > 1 else ": too few events")
    if again.head is None or not 200 <= again.head.status < 300:
        return f"{heard.cursor} is answered {again.head.status if again.head else again.detail}"
    ids = list(dict.fromkeys(one.id for one in guess.sample.events if one.id))
    came = [one.id for one in sampled(again, heard.framing).events if one.id]
    if not came:
        over = "the stream ended" if again.by_server else f"nothing in {_seconds(again.ended_us - again.sent_us)}"
        return f"{heard.cursor}: no event arrived, {over}"
    place = ids.index(heard.cursor) if heard.cursor in ids else -1
    following = ids[place + 1] if 0 <= place < len(ids) - 1 else None
    if came[0] == following:
        return f"is honoured: after {heard.cursor} came {came[0]}"
    if came[0] == ids[0]:
        return f"is ignored: after {heard.cursor} the stream began again with {came[0]}"
    if came[0] == heard.cursor:
        return f"is honoured, but {heard.cursor} itself came again"
    passed = _passed(heard.cursor, came[0], guess)
    return f"is ignored: after {heard.cursor} came {came[0]}, {passed}"


def _passed(cursor: str, first: str, guess: Guess) -> str:
    events = [one for one in guess.sample.events if one.id in (cursor, first)]
    numbers = [number_of(one, EVENT_ID) for one in events]
    if len(numbers) == 2 and None not in numbers:
        return f"the events between them were not sent ({abs((numbers[1] or 0) - (numbers[0] or 0)) - 1} events)"
    return "which the first reader did not have"


def _heartbeat(guess: Guess) -> Iterator[str]:
    beat, seen = guess.beat, picture(guess.sample)
    if beat is None:
        silent = f"; the longest silence was {_seconds(seen.silent_us)}" if seen else ""
        yield f"none was seen{silent}"
    elif beat.interval_us is not None:
        often = f"{beat.count} seen" if beat.count > 1 else "seen once"
        timers = {"fixed": ", events do not postpone it", "idle": ", events postpone it", "": ""}
        yield f"{beat.shown}, every {beat.interval_us / 1e6:.1f} s ({often}{timers[beat.timer]})"


def _end(heard: Heard, guess: Guess) -> Iterator[str]:
    main = heard.main
    after = f"after {_seconds(main.ended_us - main.sent_us)}"
    behind = (
        f", {_seconds(main.ended_us - guess.sample.events[-1].at_us)} after {_shown_last(guess)}"
        if guess.sample.events
        else ""
    )
    if main.by_server:
        clean = "" if main.clean else f", not as HTTP says: {main.detail or main.ending.value}"
        yield f"the server ended it {after}{behind}{clean}"
    elif main.ending is Ending.CUT and main.detail.startswith("limit: "):
        yield f"a flood: stopped {after} by the {main.detail}"
    else:
        yield f"it was still open when the check left, {after}"


def _shown_last(guess: Guess) -> str:
    kind = guess.kinds[-1]
    return f"the last event, {kind}" if kind else "the last event"
