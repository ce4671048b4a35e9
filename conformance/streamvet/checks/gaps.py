"""The times on a stream in which no heartbeat came, or nothing at all; measured, not judged.

Must not know how long such a time may be.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from heapq import merge
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamvet.decode import Reading
    from streamvet.events import Event


class Gap(NamedTuple):
    """A time without a heartbeat, and the silence with which it begins."""

    start_us: int
    silent_until_us: int  # the first other event, or the end of the gap
    end_us: int
    beaten: bool  # ended by a heartbeat, not by the end of the observation
    span: tuple[int, int]  # the bytes that arrived within it


def gaps(one: Reading) -> Iterator[Gap]:
    """The gaps of a watched stream: from its last catch-up byte, or else its head, to the end of the observation."""
    marks = marked(one)
    over_us, size = _watched_until(one), len(one.exchange.body)
    begin_us, offset, live = _after_catchup(one, marks)
    silent_until_us: int | None = None
    for event, is_beat in live:
        if not is_beat:
            silent_until_us = silent_until_us or event.at_us
            continue
        yield Gap(begin_us, silent_until_us or event.at_us, event.at_us, True, (offset, event.start))
        begin_us, offset, silent_until_us = event.at_us, event.end, None
    if over_us > begin_us:
        yield Gap(begin_us, min(silent_until_us or over_us, over_us), over_us, False, (offset, size))


def marked(one: Reading) -> Iterator[tuple[Event, bool]]:
    """Heartbeats and events in the order of the bytes, with which of the two it is."""
    beats, events = ((beat, True) for beat in one.beats), ((event, False) for event in one.events)
    return merge(beats, events, key=_offset) if one.beats else events


def _offset(mark: tuple[Event, bool]) -> int:
    return mark[0].start


def _after_catchup(one: Reading, marks: Iterator[tuple[Event, bool]]) -> tuple[int, int, Iterator[tuple[Event, bool]]]:
    """When the catch-up was over, its last offset, and what came after it.

    The catch-up is the start state, and what comes in one go after it or after the head.
    """
    first = tuple((one.profile.field("catchup.first") or {}).get("events", ()))
    last_us, offset = one.head_us, 0
    for index, (event, is_beat) in enumerate(marks):
        start_state = index == 0 and event.kind in first
        if is_beat and index == 0:
            return _silent_since_us(one, event), offset, chain([(event, is_beat)], marks)
        if is_beat or (event.at_us - last_us > CATCHUP_PAUSE_US and not start_state):
            return last_us, offset, chain([(event, is_beat)], marks)
        last_us, offset = event.at_us, event.end
    return last_us, offset, marks


def _silent_since_us(one: Reading, beat: Event) -> int:
    """When the silence before the first heartbeat began: with the request, where the head came with it."""
    with_head = beat.at_us - one.head_us <= CATCHUP_PAUSE_US
    return one.exchange.sent_us if with_head else one.head_us


CATCHUP_PAUSE_US = 50_000  # a replay is written in one go; events that are further apart are live


def _watched_until(one: Reading) -> int:
    """The end of the observation: the terminal event, or when the exchange ended."""
    terminal = one.of(one.profile.terminal.events) if one.profile.terminal else []
    later = [event.at_us for event in terminal if event.at_us > one.head_us]
    return min([*later[:1], one.exchange.ended_us])


class Silence(NamedTuple):
    """A time in which no event and no heartbeat arrived on a stream."""

    start_us: int
    end_us: int
    longest_us: int  # of it, without any write: a comment that is no heartbeat is one
    after_event: bool  # begun by an event, not by a heartbeat or the head
    beaten: bool  # ended by a heartbeat
    span: tuple[int, int]


def silences(one: Reading) -> Iterator[Silence]:
    """The times between events and heartbeats of a watched stream, from its beginning to the end of the observation."""
    begin_us, offset, after_event = one.head_us, 0, False
    for event, is_beat in marked(one):
        if is_beat and not offset:
            begin_us = _silent_since_us(one, event)
        longest_us = _longest(one.others_us, begin_us, event.at_us)
        yield Silence(begin_us, event.at_us, longest_us, after_event, is_beat, (offset, event.end))
        begin_us, offset, after_event = event.at_us, event.end, not is_beat
    over_us, size = _watched_until(one), len(one.exchange.body)
    if over_us > begin_us:
        longest_us = _longest(one.others_us, begin_us, over_us)
        yield Silence(begin_us, over_us, longest_us, after_event, False, (offset, size))


def _longest(moments: Sequence[int], begin_us: int, end_us: int) -> int:
    """The longest time between two of these moments, within a beginning and an end."""
    if not moments:
        return end_us - begin_us
    inside = moments[bisect_left(moments, begin_us) : bisect_right(moments, end_us)]
    return max(later - earlier for earlier, later in pairwise([begin_us, *inside, end_us]))
