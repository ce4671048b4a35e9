"""Where two sequences of events part, with what could not be read of either taken into account.

Must not know what the sequences are: two streams of a run, or what was seen of it before and after a restart.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.checks.runs import unread
from streamvet.decode import same

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from streamvet.decode import Reading
    from streamvet.events import Event


class Side(NamedTuple):
    """Some of the events of a stream, in their order."""

    reading: Reading
    events: Sequence[Event]
    since: int = 0  # the offset in the stream from which on they are looked at

    def hides_before(self, index: int) -> bool:
        """Whether something that could not be read lies between two of the events, or behind the last one."""
        start = self.events[index - 1].end if index else self.since
        return unread(self.reading, start, self.events[index].start if index < len(self.events) else None)

    def marks(self) -> list[str]:
        """What each event is equal to."""
        return [_mark(value) for value in self.reading.values(self.events)]


class Part(NamedTuple):
    """A place at which two sequences part: the numbers of the events there, from 0."""

    first: int
    other: int
    # "first" or "other": that one lacks the event of the other one. "": two different events, or an order.
    lacks: str
    hidden: bool = False  # what is lacking may be what could not be read there


def parts(first: Side, other: Side) -> list[Part]:
    """Where something may be what could not be read of a sequence, each side once; and the first other difference."""
    both = zip(first.events, other.events, strict=False)
    at = next((i for i, (a, b) in enumerate(both) if not same(first.reading.value(a), other.reading.value(b))), None)
    if at is None and len(first.events) == len(other.events):
        return []
    found: dict[str, Part] = {}
    x = y = min(len(first.events), len(other.events)) if at is None else at
    xs, ys = _Places(first.marks()), _Places(other.marks())
    while x < len(xs.marks) or y < len(ys.marks):
        if x < len(xs.marks) and y < len(ys.marks) and xs.marks[x] == ys.marks[y]:
            x, y = x + 1, y + 1
            continue
        part, x, y = _next(Part(x, y, ""), (first, xs), (other, ys))
        found.setdefault(part.lacks if part.hidden else "visible", part)
        if not part.hidden:
            break
    return list(found.values())


class _Places:
    """The marks of a sequence, and where each of them is."""

    def __init__(self, marks: list[str]) -> None:
        self.marks = marks
        self._places: dict[str, list[int]] = {}
        for number, mark in enumerate(marks):
            self._places.setdefault(mark, []).append(number)

    def after(self, index: int, mark: str) -> int | None:
        """The first place behind `index` that has this mark."""
        places = self._places.get(mark, [])
        following = bisect_right(places, index)
        return places[following] if following < len(places) else None


def _next(at: Part, first: tuple[Side, _Places], other: tuple[Side, _Places]) -> tuple[Part, int, int]:
    """What is different at a place, and where both go on."""
    (one, xs), (two, ys) = first, other
    x, y = at.first, at.other
    over_x, over_y = x >= len(xs.marks), y >= len(ys.marks)
    later_x = None if over_x or over_y else xs.after(x, ys.marks[y])
    later_y = None if over_x or over_y else ys.after(y, xs.marks[x])
    hides_one, hides_two = one.hides_before(x), two.hides_before(y)
    if over_y or (later_x is not None and (later_y is None or later_x - x <= later_y - y)):
        return Part(x, y, "other", hides_two), len(xs.marks) if later_x is None else later_x, y
    if over_x or later_y is not None:
        return Part(x, y, "first", hides_one), x, len(ys.marks) if later_y is None else later_y
    if hides_two:
        return Part(x, y, "other", hidden=True), x + 1, y
    if hides_one:
        return Part(x, y, "first", hidden=True), x, y + 1
    return at, x, y


def split(wanted: Sequence[Hashable], one: Side, marks: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    """The numbers of the wanted events that are not among those of a stream, which have these marks.

    First those that may be what could not be read between their neighbours there, then those that are not in it at all.
    """
    place: dict[Hashable, int] = {}
    for number, mark in enumerate(marks):
        place.setdefault(mark, number)
    following: list[int] = []  # for each wanted one the place of the next one that is there, from the end on
    after = len(one.events)
    for mark in reversed(wanted):
        after = place.get(mark, after)
        following.append(after)
    hidden: list[int] = []
    gone: list[int] = []
    before = -1
    for number, (mark, after) in enumerate(zip(wanted, reversed(following), strict=True)):
        if mark in place:
            before = place[mark]
        else:
            start = one.events[before].end if before >= 0 else one.since
            end = one.events[after].start if after < len(one.events) else None
            (hidden if unread(one.reading, start, end) else gone).append(number)
    return hidden, gone


def _mark(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    """A value with numbers by value: 1.0 is 1."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
