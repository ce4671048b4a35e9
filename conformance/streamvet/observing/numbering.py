"""What numbers events, what all of them share, and how much of them have an id.

Must not know what a profile promises of a number.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import step
from streamvet.contract.pointer import pointed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamvet.observing.sample import Observed

EVENT_ID = "event-id"
_LEAST = 3  # events: two numbers rise in every second stream
_LEAST_UNNAMED = 5  # of a member whose name does not say that it numbers
_NAMES = ("seq", "sequence", "sequence_number", "sequenceNumber", "seqno", "id", "index", "offset", "number", "n", "i")
_TIMES = re.compile(
    r"(^|_)(ts|time|at|date|timestamp|created|updated)(_|$)|[a-z](Time|At|Date)$|Ms$|_ms$", re.IGNORECASE
)
_DIGITS = re.compile(r"[0-9]{1,15}")
_MOST_NUMBER = 10**11  # a larger one is a time in ms, or an id that is made at random


@dataclass(frozen=True, slots=True)
class Numbering:
    """A numbering of the events of some types: where, the first and the last number, and by how much each rises.

    `step` is None where they rise by different amounts.
    """

    place: str
    kinds: tuple[str, ...]
    first: int
    last: int
    step: int | None


def numberings(events: Sequence[Observed], kinds: Sequence[str | None]) -> list[Numbering]:
    """Each place with a number that rises from event to event, the surest first; of the data, and the SSE id."""
    found = [one for place in _places(events) if (one := _numbering(events, kinds, place))]
    return sorted(found, key=lambda one: (one.step is None, -len(one.kinds), one.place.count("/"), one.place))


def _places(events: Sequence[Observed]) -> Iterator[str]:
    yield EVENT_ID
    found: dict[str, None] = {}
    for one in events[:200]:
        for key, value in one.value.items() if isinstance(one.value, dict) else ():
            inner = value.items() if isinstance(value, dict) else ()
            found |= dict.fromkeys([step(key)] if _is_number(value) else [])
            found |= dict.fromkeys(step(key) + step(name) for name, each in inner if _is_number(each))
    yield from found


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def number_of(one: Observed, place: str) -> int | None:
    """The number of an event at a place, None where it has none."""
    if place == EVENT_ID:
        return int(one.id) if one.id is not None and _DIGITS.fullmatch(one.id) else None
    value = pointed(one.value, place)
    return value if _is_number(value) else None


def _numbering(events: Sequence[Observed], kinds: Sequence[str | None], place: str) -> Numbering | None:
    rows = [(kind, number_of(one, place)) for one, kind in zip(events, kinds, strict=True) if kind is not None]
    having = Counter(kind for kind, number in rows if number is not None)
    whole = Counter(kind for kind, _ in rows)
    if any(having[kind] < whole[kind] for kind in having):
        return None
    numbers = [number for _, number in rows if number is not None]
    rising = all(one < other for one, other in pairwise(numbers))
    if len(numbers) < _LEAST or not rising or max(map(abs, numbers)) > _MOST_NUMBER:
        return None
    steps = {other - one for one, other in pairwise(numbers)}
    each = steps.pop() if len(steps) == 1 else None
    if not _says_so(place, numbers, each, len(rows)):
        return None
    return Numbering(place, tuple(having), numbers[0], numbers[-1], each)


def _says_so(place: str, numbers: Sequence[int], each: int | None, events: int) -> bool:
    """Whether it is a numbering, and no time, size or progress: by its name, or as it counts every event."""
    name = place.rpartition("/")[2]
    if place == EVENT_ID or name in _NAMES:
        return True
    counts = each == 1 and len(numbers) == events >= _LEAST_UNNAMED and numbers[0] in (0, 1)
    return counts and not _TIMES.search(name)


def shared(events: Sequence[Observed]) -> list[str]:
    """The members whose name ends with id, and that have one and the same text in all events."""
    found: dict[str, set[str]] = {}
    many: Counter[str] = Counter()
    for one in events:
        for key, value in one.value.items() if isinstance(one.value, dict) else ():
            if isinstance(value, str) and re.search(r"(^|_)id$|[a-z](Id|ID)$", key):
                found.setdefault(step(key), set()).add(value)
                many[step(key)] += 1
    return [place for place, values in found.items() if len(values) == 1 and many[place] == len(events) >= _LEAST]
