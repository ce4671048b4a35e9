"""Findings about time count where a second attempt of the same try has some, too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace, bases, examples
from streamvet.outcome import Finding, NotExercised, Verdict
from streamvet.systems import judge_of
from streamvet.trace import Attempt, Ending, dump, load
from streamvet.verdicts import Judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace

GHOSTLY = load_profile("ghostly")
TRACE = base_trace(bases()["ghostly-failing"])
GIVEN_UP = replace(TRACE, exchanges=tuple(replace(one, ending=Ending.TIMED_OUT) for one in TRACE.exchanges))
LATE = Finding("x2", (0, 0), 0, "the end within 1000 ms", "the end after 1268 ms", timed=True)
LOST = Finding("x2", (0, 0), 0, "7 events", "6 events")
NOTHING = NotExercised("no run has ended")
OVERLOOKED = NotExercised("harness late by 60 ms", due=True)
FAIL, PASS, INCONCLUSIVE = Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE


def bench_of(outcomes: Sequence[tuple[Attempt | None, Outcome]], trace: Trace = TRACE) -> Judge:
    """A judge that was given these outcomes of TRM-05, one trace after the other."""
    said = iter([outcome for _, outcome in outcomes])
    check: Check = lambda _trace, _profile: next(said)  # noqa: E731 - a check that says what it is told to
    bench = Judge(GHOSTLY, load_registry(), {"TRM-05": check})
    for attempt, _ in outcomes:
        bench.add(replace(trace, attempt=attempt))
    return bench


def tries(*attempts: Sequence[Outcome]) -> list[tuple[Attempt | None, Outcome]]:
    """The outcomes of all attempts of some tries."""
    return [
        (Attempt(of, number), outcome)
        for of, made in enumerate(attempts)
        for number, outcome in enumerate(made, start=1)
    ]


@pytest.mark.parametrize(
    ("outcomes", "verdict", "again"),
    [
        (tries([[]]), PASS, []),
        (tries([[LATE]]), FAIL, [0]),  # and it stays one where nothing is tried again
        (tries([[LATE], []]), PASS, [0]),
        (tries([[LATE], [], [LATE]]), FAIL, []),
        (tries([[LATE], [LATE]]), FAIL, []),
        (tries([[LATE], [], [], []]), PASS, []),  # four attempts are enough
        (tries([[LATE], NOTHING]), FAIL, [0]),  # what did not come about acquits nobody
        (tries([[]], [[LATE]], [[LATE]]), FAIL, [1, 2]),  # each may be chance
        (tries([[LATE], [LATE]], [[LATE]]), FAIL, []),  # it is known for certain
        (tries([[LATE], [], [], []], [[LATE]]), FAIL, [1]),
        (tries([[LATE], []], [[LATE], []]), PASS, [0, 1]),
        (tries([[LOST], []]), FAIL, []),  # what is lost is no matter of time
        (tries([[LOST, LATE], [], [], []]), FAIL, []),
        (tries([[]], [OVERLOOKED]), INCONCLUSIVE, [1]),  # what was due is not kept because something else was
        (tries([[]], [OVERLOOKED, []]), PASS, []),  # another attempt saw it
        (tries([[]], [OVERLOOKED, NOTHING]), INCONCLUSIVE, [1]),
        (tries([[], OVERLOOKED]), PASS, []),  # an earlier attempt saw it
        (tries([[]], [OVERLOOKED] * 4), INCONCLUSIVE, []),
        (tries([[]], [OVERLOOKED] * 4, [OVERLOOKED]), INCONCLUSIVE, []),  # nobody will know any more
        (tries([[LOST]], [OVERLOOKED]), FAIL, [1]),
        ([(None, []), (None, OVERLOOKED)], INCONCLUSIVE, []),
        ([(None, [LATE]), (None, [])], FAIL, []),  # recordings of which nobody says that they belong together
    ],
)
def test_what_counts(outcomes: list[tuple[Attempt | None, Outcome]], verdict: Verdict, again: list[int]) -> None:
    bench = bench_of(outcomes)
    assert bench.doubtful() == again
    (ruling,) = [one for one in bench.rulings() if one.requirement.id == "TRM-05"]
    assert ruling.verdict is verdict


@pytest.mark.parametrize(("second", "verdict"), [([], PASS), ([LOST], FAIL)])
def test_what_was_waited_for_no_longer_is_about_time_too(second: Outcome, verdict: Verdict) -> None:
    """How long the suite waits is no bound of the contract."""
    bench = bench_of(tries([[LOST], second]), GIVEN_UP)
    (ruling,) = [one for one in bench.rulings() if one.requirement.id == "TRM-05"]
    assert ruling.verdict is verdict


def test_what_does_not_count_is_told() -> None:
    bench = bench_of(tries([[LATE], [], [], []], [[]], [[LATE, LATE], []]))
    (ruling,) = [one for one in bench.rulings() if one.requirement.id == "TRM-05"]
    assert (ruling.verdict, ruling.findings) == (PASS, ())
    assert ruling.reason == (
        "1 of 4 attempts was over its time: the end after 1268 ms, not the end within 1000 ms; and 1 more such"
    )


def test_what_was_due_and_not_looked_at_is_told() -> None:
    bench = bench_of([*tries([[]], [OVERLOOKED]), (None, OVERLOOKED)])
    (ruling,) = [one for one in bench.rulings() if one.requirement.id == "TRM-05"]
    assert ruling.reason == "what was due could not be observed: harness late by 60 ms"


def test_rulings_can_be_asked_for_twice() -> None:
    bench = bench_of(tries([[LATE], [LATE]]))
    first = [len(one.findings) for one in bench.rulings()]
    assert [len(one.findings) for one in bench.rulings()] == first
    assert sum(first) == 2


def test_what_a_chance_explains_is_chance_too() -> None:
    """CAT-19, the time of the first event, explains other findings about time; both are of one attempt."""
    late = next(one for one in examples("TRM-12") if one.bad.profile == "ghostly")
    bench = judge_of(GHOSTLY)
    for number, trace in enumerate((late.bad, late.good), start=1):
        bench.add(replace(trace, attempt=Attempt(0, number)))
    verdicts = {one.requirement.id: one.verdict for one in bench.rulings()}
    assert not {FAIL, Verdict.WARN} & set(verdicts.values())


@pytest.mark.parametrize("attempt", [None, Attempt(7, 2)])
def test_a_trace_file_says_which_attempt_it_is(attempt: Attempt | None) -> None:
    assert load(list(dump(replace(TRACE, attempt=attempt))), "a file").attempt == attempt
