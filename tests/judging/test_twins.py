"""That something is refused, or does not come, says nothing where the same is not granted to whom it is due."""

from __future__ import annotations

import dataclasses
from array import array
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.loading import load_profile
from streamvet.examples import all_examples, base_trace, bases
from streamvet.outcome import NotExercised, own_findings
from streamvet.systems import judge_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.outcome import Outcome
    from streamvet.trace import Exchange, Trace

STREAMS, STARTS = ("reader", "cut", "resumed"), ("start", "reader")
# A negative requirement, a base on which it holds, and the roles of what is granted beside it.
TWINS: list[tuple[str, str, tuple[str, ...]]] = [
    *((f"ACC-0{number}", "ghostly-refusals", ("reader",)) for number in range(1, 7)),
    ("ACC-01", "rockstar-refusals", ("reader",)),
    ("ACC-01", "agent-workspace-refusals", ("reader",)),
    ("ACC-08", "ghostly-refusals", ("login",)),
    ("ACC-09", "ghostly-refusals", ("login",)),
    ("ACC-10", "ghostly-refusals", STARTS),
    ("ACC-10", "rockstar-refusals", STARTS),
    ("ACC-11", "promptfloe-refusals", STARTS),
    ("ACC-12", "ghostly-refusals", ("record-after",)),
    ("ACC-13", "cosma-refusals", ("reader",)),
    ("ACC-15", "ghostly-refusals", ("cancel-finished",)),
    ("ACC-15", "promptfloe-refusals", ("cancel-finished",)),
    ("ACC-16", "promptfloe-refusals", ("record-after", "cancel-finished")),
    ("CAN-04", "promptfloe-refusals", ("cancel-finished",)),
    ("CAT-08", "promptfloe-cursors", STREAMS),
    ("CAT-09", "promptfloe-cursors", STREAMS),
]


def _judged(trace: Trace) -> dict[str, Outcome]:
    bench = judge_of(load_profile(trace.profile))
    outcomes = bench.add(trace)
    assert bench.errors == []
    return outcomes


def _refused(one: Exchange) -> Exchange:
    """The same request, and everybody is turned away."""
    assert one.head is not None
    body = b"{}"
    head = one.head._replace(status=401, headers=(("Content-Type", "application/json"),))
    return dataclasses.replace(one, head=head, body=body, ends=array("q", [2]), times=array("q", [one.head.at_us]))


def _with(trace: Trace, edit: Callable[[Exchange], Exchange], *roles: str) -> Trace:
    return dataclasses.replace(trace, exchanges=tuple(edit(x) if x.role in roles else x for x in trace.exchanges))


@pytest.mark.parametrize(("row", "base", "roles"), TWINS)
def test_who_turns_everybody_away_has_not_shown_that_it_turns_the_right_ones_away(
    row: str, base: str, roles: tuple[str, ...]
) -> None:
    trace = base_trace(bases()[base])
    assert _judged(trace)[row] == []
    outcome = _judged(_with(trace, _refused, *roles))[row]
    assert isinstance(outcome, NotExercised)
    assert outcome.reason.endswith(", so a refusal proves nothing")


@pytest.mark.parametrize("row", sorted({row for row, _, _ in TWINS}))
def test_what_is_let_in_is_found_without_a_twin(row: str) -> None:
    roles = {role for one, _, roles in TWINS for role in roles if one == row}
    bad = next(one.bad for one in all_examples() if one.requirement == row and not one.holds)
    assert own_findings(_judged(_with(bad, _refused, *roles))[row])


def _silent(one: Exchange) -> Exchange:
    return dataclasses.replace(one, body=b"", ends=array("q"), times=array("q"))


def test_a_finished_run_without_an_event_has_no_heartbeat_either() -> None:
    trace = base_trace(bases()["ghostly-straight"])
    assert _judged(trace)["HBT-05"] == []
    outcome = _judged(_with(trace, _silent, "after"))["HBT-05"]
    assert outcome == NotExercised("no finished run was read that has an event")


def test_a_newcomer_that_gets_nothing_at_all_does_not_get_what_is_old() -> None:
    trace = base_trace(bases()["rockstar-following"])
    assert _judged(trace)["CAT-17"] == []
    assert isinstance(_judged(_with(trace, _silent, "newcomer"))["CAT-17"], NotExercised)


def test_who_resumes_and_gets_nothing_gets_nothing_twice() -> None:
    trace = base_trace(bases()["promptfloe-cursors"])
    assert _judged(trace)["CAT-06"] == []
    assert isinstance(_judged(_with(trace, _silent, "resumed"))["CAT-06"], NotExercised)
