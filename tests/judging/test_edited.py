"""Verdicts on example traces of which one thing is another: what the rows of `schemas/traces` cannot say by an edit."""

from __future__ import annotations

import dataclasses
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.outcome import NotExercised
from streamvet.systems import judge_of
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.outcome import Outcome
    from streamvet.trace import Exchange, Trace


def example(name: str) -> Trace:
    return base_trace(bases()[name])


def edited(trace: Trace, edit: Callable[[Exchange], Exchange], **stimulus: Any) -> Trace:
    exchanges = tuple(edit(one) for one in trace.exchanges)
    return dataclasses.replace(trace, exchanges=exchanges, stimulus={**trace.stimulus, **stimulus})


def with_body(one: Exchange, body: bytes) -> Exchange:
    """An exchange whose body came at once, when its last byte did."""
    return dataclasses.replace(one, body=body, ends=array("q", [len(body)]), times=array("q", [one.times[-1]]))


def judged(trace: Trace) -> dict[str, Outcome]:
    bench = judge_of(load_profile(trace.profile))
    outcomes = bench.add(trace)
    assert bench.errors == []
    return outcomes


def found(trace: Trace) -> dict[str, list[str]]:
    """What was seen, for each requirement with a finding."""
    return {
        row: [one.seen for one in outcome]
        for row, outcome in judged(trace).items()
        if isinstance(outcome, list) and outcome
    }


# ------------------------------------------------------------------------------------------------ many readers


def test_each_of_many_readers_has_to_have_everything() -> None:
    trace = example("cosma-several")
    last = [one for one in trace.exchanges if one.role == "reader"][-1]

    def one_of_many(one: Exchange) -> Exchange:
        return dataclasses.replace(one, role="many") if one is last else one

    def that_lost_the_last(one: Exchange) -> Exchange:
        one = one_of_many(one)
        return with_body(one, one.body[: one.body.rindex(b"event: update")]) if one.role == "many" else one

    assert judged(edited(trace, one_of_many))["ORD-05"] == []
    assert "ORD-05" in found(edited(trace, that_lost_the_last))


def test_readers_that_were_not_there_at_once_show_nothing() -> None:
    trace = example("ghostly-many")

    assert judged(trace)["TRN-12"] == []
    later = dataclasses.replace(
        trace,
        exchanges=tuple(
            one if one.id != "x3" or one.head is None else dataclasses.replace(
                one, head=one.head._replace(at_us=one.head.at_us + 10_000_000),
                times=array("q", [at + 10_000_000 for at in one.times]), ended_us=one.ended_us + 10_000_000,
            )
            for one in trace.exchanges
        ),
    )  # fmt: skip
    assert judged(later)["TRN-12"] == NotExercised("the run was over before all readers were attached")


@pytest.mark.parametrize("base", ["cosma-churn", "agent-workspace-churn"])
def test_a_last_reader_that_gets_heartbeats_alone_is_not_served(base: str) -> None:
    trace = example(base)
    alive = b": keepalive\n\n" if base.startswith("cosma") else b'event: heartbeat\ndata: {"ts":1784102400000}\n\n'

    def silent(one: Exchange) -> Exchange:
        return with_body(one, alive) if one.role == "last" else one

    assert judged(trace)["TRN-13"] == []
    assert found(edited(trace, silent))["TRN-13"] == ["0 events, 1 heartbeats, then cut"]


# ------------------------------------------------------------------------------------------------ cancellations


def racing(body: Callable[[bytes], bytes] = lambda body: body) -> Trace:
    """A run that succeeds by itself, and whose cancellation at its end was accepted."""

    def edit(one: Exchange) -> Exchange:
        if one.role == "cancel":
            return dataclasses.replace(one, role="cancel-racing")
        return with_body(one, body(one.body)) if one.operation == "attach" else one

    trace = edited(example("ghostly-cancel"), edit, outcome="succeeds")
    kept = tuple(one for one in trace.exchanges if one.role not in ("cancel-again", "record-after"))
    return dataclasses.replace(trace, exchanges=kept)


def test_a_cancellation_that_races_the_end_may_win() -> None:
    assert found(racing()) == {}


def test_a_run_that_lost_the_race_is_marked_as_cancelled() -> None:
    trace = racing(lambda body: body.replace(b'"cancelled":true,', b""))
    assert set(found(trace)) == {"GHO-04"}


def test_a_run_that_lost_the_race_ends_in_one_of_two_ways() -> None:
    trace = edited(racing(), lambda one: one, outcome="fails")
    passed = edited(
        trace,
        lambda one: (
            one
            if one.operation != "attach"
            else with_body(one, one.body.replace(b'"status":"fail"', b'"status":"pass"'))
        ),
    )
    assert set(found(trace)) == set()
    assert "CAN-02" in found(passed)


def test_a_cancellation_that_races_the_end_may_lose() -> None:
    ended = racing(lambda body: body.replace(b'"cancelled":true,', b"").replace(b'"status":"fail"', b'"status":"pass"'))
    assert set(found(ended)) == set()
    assert isinstance(judged(ended)["GHO-04"], NotExercised)


# ------------------------------------------------------------------------------------------------ logins


def login(status: int | None) -> Trace:
    """A trace in which the login with the right password was answered so."""
    trace = example("ghostly-refusals")
    wrong = next(one for one in trace.exchanges if one.role == "login-wrong")
    assert wrong.head is not None
    head = None if status is None else wrong.head._replace(status=status)
    ending = Ending.TIMED_OUT if status is None else Ending.COMPLETE
    about = {**wrong.about, "meant": "answer"}
    right = dataclasses.replace(wrong, id="x99", role="login", about=about, head=head, ending=ending)
    return dataclasses.replace(trace, exchanges=(*trace.exchanges, right))


@pytest.mark.parametrize(("status", "seen"), [(500, ["status 500"]), (503, ["status 503"])])
def test_a_right_login_that_fails_is_a_finding(status: int, seen: list[str]) -> None:
    assert found(login(status))["ACC-08"] == seen


def test_a_login_that_we_did_not_wait_for_any_longer_is_none() -> None:
    assert judged(login(None))["ACC-08"] == NotExercised("login of exchange x99: ", due=True)


@pytest.mark.parametrize("status", [401, 429])
def test_a_right_login_that_is_refused_may_be_wrong_in_the_target_file(status: int) -> None:
    assert "ACC-08" not in found(login(status))


def test_a_right_login_alone_says_nothing_of_wrong_ones() -> None:
    trace = login(500)
    alone = dataclasses.replace(trace, exchanges=tuple(one for one in trace.exchanges if one.id == "x99"))
    assert found(alone)["ACC-08"] == ["status 500"]
    right = dataclasses.replace(alone.exchanges[0], head=alone.exchanges[0].head._replace(status=200))  # type: ignore[union-attr]
    assert isinstance(judged(dataclasses.replace(alone, exchanges=(right,)))["ACC-08"], NotExercised)


# ------------------------------------------------------------------------------------------------ long silences


@pytest.mark.parametrize(("longer_us", "guilty"), [(31_400_000, set()), (31_700_000, {"HBT-01"})])
def test_a_reader_beside_which_a_whole_heartbeat_is_missing_tells_of_it(longer_us: int, guilty: set[str]) -> None:
    """Two intervals of 15 s and the tolerance of 1.5 s."""
    trace = example("cosma-plain")

    def quiet(one: Exchange) -> Exchange:
        ended_us = one.times[-1] + longer_us if one.times else one.ended_us
        return dataclasses.replace(one, ended_us=ended_us) if one.role == "reader" else one

    assert set(found(edited(trace, quiet))) == guilty
    assert isinstance(judged(trace)["HBT-01"], NotExercised)
