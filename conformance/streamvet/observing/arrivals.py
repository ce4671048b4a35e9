"""When events came: what came together, and what says itself that it happened before it came.

Must not know framings, nor what is right.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.observing.sample import Observed, Sample

TOGETHER_US = 50_000  # what leaves a buffer at once arrives within this
_LEAST_HELD_S = 1.0  # by their own times; a time may be cut to whole seconds
_LEAST = 3
_DATE_S = 2.5  # a Date is in whole seconds, and servers make it anew once in one
_NAME = re.compile(r"(^|_)(at|ts|time|timestamp|date|created|when)(_|$)|[a-z](Time|At|Date)$", re.IGNORECASE)
_MS = 10**11  # a Unix time of so much is in ms


class Picture(NamedTuple):
    """How events came: in how many lots, the largest one, the longest silence on the stream. Times are µs.

    `first_us` counts from the head.
    """

    lots: int
    largest: int
    first_us: int
    spread_us: int
    silent_us: int


def picture(sample: Sample) -> Picture | None:
    """The picture of a stream, None where it has no event."""
    times = [one.at_us for one in sample.events]
    if not times:
        return None
    lots = _lots(times)
    written = sorted([sample.begun_us, *times, *(one.at_us for one in sample.quiet)])
    ended_us = sample.exchange.ended_us
    silent_us = max(other - one for one, other in pairwise([*written, max(ended_us, written[-1])]))
    return Picture(len(lots), max(map(len, lots)), times[0] - sample.begun_us, times[-1] - times[0], silent_us)


def _lots(times: Sequence[int]) -> list[list[int]]:
    """What came at once, one after the other."""
    lots = [[times[0]]]
    for at_us in times[1:]:
        if at_us - lots[-1][0] <= TOGETHER_US:
            lots[-1].append(at_us)
        else:
            lots.append([at_us])
    return lots


class Held(NamedTuple):
    """Events that came together, and how far apart they say that they happened."""

    number: int
    apart_s: float
    place: str


def held(sample: Sample, wall_clock: float) -> Held | None:
    """The worst lot of events that say of themselves that they happened apart, after the stream was asked for.

    None, too, where the server's clock is not ours: nobody knows then what was after the request.
    """
    events = sample.events
    if not _clocks_agree(sample, wall_clock):
        return None
    for key in _time_members(events):
        moments = [_moment(one.value.get(key)) for one in events]
        if any(moment is None for moment in moments):
            continue
        since = wall_clock + sample.exchange.sent_us / 1e6
        rows = [
            (one.at_us, at_s) for one, at_s in zip(events, moments, strict=True) if at_s is not None and at_s >= since
        ]
        lots: list[list[tuple[int, float]]] = []
        for row in rows:
            if lots and row[0] - lots[-1][0][0] <= TOGETHER_US:
                lots[-1].append(row)
            else:
                lots.append([row])
        worst = max(lots, key=_apart, default=[])
        if len(worst) >= _LEAST and _apart(worst) >= _LEAST_HELD_S:
            return Held(len(worst), _apart(worst), f"/{key}")
    return None


def _clocks_agree(sample: Sample, wall_clock: float) -> bool:
    """Whether the Date of the answer is between the request and its arrival: the head may have been held back, too."""
    exchange = sample.exchange
    head = exchange.head
    date = head.get("date") if head else ""
    try:
        told = parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError):
        return False
    if head is None or told is None:
        return True
    return wall_clock + exchange.sent_us / 1e6 - _DATE_S <= told <= wall_clock + head.at_us / 1e6 + _DATE_S


def _apart(lot: Sequence[tuple[int, float]]) -> float:
    return max(at_s for _, at_s in lot) - min(at_s for _, at_s in lot)


def _time_members(events: Sequence[Observed]) -> list[str]:
    values = [one.value for one in events]
    if not values or not all(isinstance(value, dict) for value in values):
        return []
    return [key for key in values[0] if _NAME.search(key) and all(key in value for value in values)]


def _moment(value: Any) -> float | None:
    """A time in Unix seconds, None where it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / 1000 if value > _MS else float(value)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.timestamp() if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
