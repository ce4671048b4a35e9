"""The server's clock is known by ours and by its Date: either acquits, as a Date is cut and kept for a while."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.checks.heartbeat import close_to_now
from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.systems.ghostly.checks.runs import not_in_the_future
from streamvet.trace.values import Late

if TYPE_CHECKING:
    from streamvet.outcome import Finding, NotExercised
    from streamvet.trace import Trace

GHOSTLY = load_profile("ghostly")
WATCHED = base_trace(bases()["ghostly-watch-idle"])  # its pings are on time; its zero is 08:00:00 by all clocks


def by_clocks(date: str | None, ours_s: float) -> Trace:
    """The trace with another Date on the stream, and with a clock of ours that is so far ahead."""
    start, stream, *_ = WATCHED.exchanges
    assert stream.head is not None
    fields = [(name, value) for name, value in stream.head.headers if name != "Date"]
    if date is not None:
        fields.append(("Date", date))
    stream = replace(stream, head=stream.head._replace(headers=tuple(fields)))
    return replace(WATCHED, exchanges=(start, stream), wall_clock=WATCHED.wall_clock + ours_s)


def found(outcome: NotExercised | list[Finding]) -> list[str]:
    """What is seen, each text once."""
    assert isinstance(outcome, list)
    return list(dict.fromkeys(one.seen for one in outcome))


@pytest.mark.parametrize(
    ("date", "ours_s"),
    [
        ("Wed, 15 Jul 2026 08:00:00 GMT", 0.0),
        ("Wed, 15 Jul 2026 07:59:58 GMT", 0.0),  # made anew two seconds ago
        ("Wed, 15 Jul 2026 07:50:00 GMT", 0.0),  # of a cache: ours acquits
        ("Wed, 15 Jul 2026 08:00:00 GMT", -600.0),  # our clock is wrong, or the server's: its Date acquits
        ("Wed, 15 Jul 2026 08:00:00 GMT", 600.0),
        ("no date", 0.0),
        (None, 0.0),
    ],
)
def test_one_clock_by_which_a_time_is_right_acquits(date: str | None, ours_s: float) -> None:
    trace = by_clocks(date, ours_s)
    assert found(close_to_now(trace, GHOSTLY)) == []
    assert found(not_in_the_future(trace, GHOSTLY)) == []


def test_a_time_that_waited_until_the_harness_looked_is_not_old() -> None:
    trace = by_clocks("Wed, 15 Jul 2026 08:00:09 GMT", 9.0)
    beats_us = [at for at in trace.exchanges[1].times if at > 10_000_000]
    assert found(close_to_now(trace, GHOSTLY))
    late = replace(trace, late=[Late(at - 8_000_000, 8_000_000) for at in beats_us])
    assert found(close_to_now(late, GHOSTLY)) == []


@pytest.mark.parametrize(
    ("date", "ours_s", "off_s"),
    [
        ("Wed, 15 Jul 2026 08:00:09 GMT", 9.0, -9),  # what a heartbeat says was so long ago
        ("Wed, 15 Jul 2026 08:00:09 GMT", 20.0, -9),
        ("Wed, 15 Jul 2026 07:59:50 GMT", -9.0, 9),
        ("Wed, 15 Jul 2026 07:59:48 GMT", -20.0, 11),  # of twelve, one may be the age of the Date
        (None, 9.0, -9),
        (None, -9.0, 9),
    ],
)
def test_a_heartbeat_that_is_off_by_each_clock_is_found(date: str | None, ours_s: float, off_s: int) -> None:
    seen = found(close_to_now(by_clocks(date, ours_s), GHOSTLY))
    assert {round(int(one.split(", ")[1].removesuffix(" ms")) / 1000) for one in seen} == {off_s}
