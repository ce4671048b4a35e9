"""TRN-12 where readers stand in a queue: they get their heads when others leave, which is no service."""

from __future__ import annotations

import dataclasses
from array import array
from typing import TYPE_CHECKING

import pytest

from streamvet.checks.transport import many_readers
from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.trace import Ending, Exchange, Head, Late, Request

if TYPE_CHECKING:
    from streamvet.outcome import Finding
    from streamvet.trace import Trace

GHOSTLY = load_profile("ghostly")
TRACE = base_trace(bases()["ghostly-many"])
LEFT_US = 2_100_000  # when the run is cancelled, and the readers leave that are there


def delayed(one: Exchange, by_us: int) -> Exchange:
    """A reader that gets everything so much later, its head too."""
    head = one.head
    assert head
    times = array("q", [at + by_us for at in one.times])
    return dataclasses.replace(
        one, head=head._replace(at_us=head.at_us + by_us), times=times, ended_us=one.ended_us + by_us
    )


def queue(last_by_us: int, *, cancelled: bool = True, late: tuple[Late, ...] = ()) -> list[Finding]:
    """The readers of `ghostly-many`, of whom the last one gets everything so much later."""
    many = [one for one in TRACE.exchanges if one.role == "many"]
    others = [dataclasses.replace(one, ended_us=LEFT_US + 1000) for one in many[:-1]]
    cancel = Exchange(
        "c", "cancel", "cancel", {"meant": "answer", "run": "r1"}, Request("POST", "http://x/", (), None), LEFT_US,
        Head(200, "HTTP/1.1", (), LEFT_US + 500), b"", array("q"), array("q"), Ending.COMPLETE, LEFT_US + 600,
    )  # fmt: skip
    rest = [one for one in TRACE.exchanges if one.role != "many"]
    trace: Trace = dataclasses.replace(
        TRACE, late=late, exchanges=(*rest, *others, delayed(many[-1], last_by_us), *([cancel] if cancelled else []))
    )
    outcome = many_readers(trace, GHOSTLY)
    return outcome if isinstance(outcome, list) else []


def test_who_is_served_when_the_others_have_left_was_in_a_queue() -> None:
    (found,) = queue(LEFT_US)
    assert found.expected == "each of 32 readers served while all are attached"
    assert found.seen == "a head after 2000 ms beside 31, when the run was cancelled"


@pytest.mark.parametrize(
    "found",
    [
        queue(0),
        queue(LEFT_US - 500_000),  # slow, and while all are there
        queue(LEFT_US, cancelled=False),  # nobody knows whether the others had to leave
        queue(LEFT_US, late=(Late(300_000, 1_200_000),)),  # it is the suite that did not read
    ],
)
def test_what_is_no_queue(found: list[Finding]) -> None:
    assert found == []
