"""Pushes are compared only where everything before them is known: what the example traces do not show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.outcome import NotExercised
from streamvet.systems.rockstar.checks import CHECKS
from streamvet.systems.rockstar.checks.pushes import pushes

if TYPE_CHECKING:
    from streamvet.outcome import Outcome
    from streamvet.trace import Exchange, Trace

ROCKSTAR = load_profile("rockstar")


def base(name: str) -> Trace:
    return base_trace(bases()[name])


def without(trace: Trace, *ids: str) -> Trace:
    return replace(trace, exchanges=tuple(one for one in trace.exchanges if one.id not in ids))


def changed(trace: Trace, name: str, old: bytes, new: bytes) -> Trace:
    """The trace with a piece of one body replaced by one that is as long."""

    def one(exchange: Exchange) -> Exchange:
        if exchange.id != name:
            return exchange
        assert (exchange.body.count(old), len(old)) == (1, len(new))
        return replace(exchange, body=exchange.body.replace(old, new))

    return replace(trace, exchanges=tuple(map(one, trace.exchanges)))


def outcome(row: str, trace: Trace) -> Outcome:
    return CHECKS[row](trace, ROCKSTAR)


# What is not compared because of what is missing: the row, the base, the exchanges that are left out.
UNKNOWN = [
    ("RKS-02", "rockstar-sessions", ("x2",)),
    ("RKS-04", "rockstar-plans", ("x2", "x4")),
    ("RKS-06", "rockstar-linked", ("x2",)),
    ("RKS-12", "rockstar-aborted", ("x1",)),
    ("RKS-12", "rockstar-aborted", ("x3",)),
    ("RKS-12", "rockstar-aborted", ("x4",)),
    ("RKS-12", "rockstar-aborted-plan", ("x2",)),
    ("RKS-14", "rockstar-killed", ("x1",)),
    ("RKS-14", "rockstar-killed", ("x3",)),
    ("RKS-14", "rockstar-killed-midway", ("x4",)),
    ("RKS-14", "rockstar-killed", ("x4",)),
]


@pytest.mark.parametrize(("row", "name", "ids"), UNKNOWN)
def test_nothing_is_said_where_a_push_before_is_not_known(row: str, name: str, ids: tuple[str, ...]) -> None:
    assert outcome(row, base(name)) == []
    assert isinstance(outcome(row, without(base(name), *ids)), NotExercised)


def test_a_kill_is_judged_by_its_own_row_only() -> None:
    """The versions before and after it, and a push that it ended, say nothing of the other rows."""
    lost = changed(base("rockstar-killed"), "x4", b'"version":4', b'"version":1')
    assert {row for row in CHECKS if outcome(row, lost) and isinstance(outcome(row, lost), list)} == {"RKS-14"}
    midway = changed(base("rockstar-killed-midway"), "x5", b'"version":4', b'"version":1')
    assert {row for row in CHECKS if outcome(row, midway) and isinstance(outcome(row, midway), list)} == {"RKS-14"}


def test_a_push_that_was_cut_behind_its_done_is_a_push_like_any_other() -> None:
    trace = base("rockstar-sessions")
    cut = replace(trace, exchanges=tuple(replace(x, role="cut") if x.id == "x2" else x for x in trace.exchanges))
    assert [push.version for push in pushes(cut, ROCKSTAR)] == [1, 2, 3]
    assert outcome("RKS-02", cut) == []
    assert isinstance(outcome("RKS-12", cut), NotExercised)


def test_pushes_without_facts_are_not_compared() -> None:
    trace = base("rockstar-sessions")
    bare = [
        replace(x, about={key: value for key, value in x.about.items() if key in ("meant", "account", "run", "kind")})
        for x in trace.exchanges
    ]
    nameless = replace(trace, exchanges=tuple(bare))
    judged = {row for row in CHECKS if isinstance(outcome(row, nameless), list)}
    assert judged == {"RKS-01", "RKS-09"}


def test_a_plan_is_compared_with_the_push_of_its_own_file_before() -> None:
    """That may be the push of another session."""
    trace = base("rockstar-linked")
    wrong = changed(trace, "x3", b'pf5r2k8wq0zj","version":1', b'pf5r2k8wq0zj","version":2')
    found = outcome("RKS-06", wrong)
    assert isinstance(found, list)
    assert [one.exchange for one in found] == ["x3"]
