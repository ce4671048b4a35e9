"""Verdicts on what a published original does, and on streams that were not read for long enough to say anything.

Each was a false verdict on a recording of somebody's server; the streams here say the same in few events.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from tests.judging.test_edited import edited, example, judged, with_body

from streamvet.outcome import NotExercised, own_findings
from streamvet.trace import Ending

if TYPE_CHECKING:
    from streamvet.outcome import Outcome
    from streamvet.trace import Exchange, Trace

STATUS = 'event: status\ndata: {{"kind":"status","status":"{}","at":"2026-07-15T08:00:00Z"}}\n\n'
END = 'event: end\ndata: {"kind":"end","at":"2026-07-15T08:00:00Z"}\n\n'


def ghostly_run(*steps: tuple[str, int, int | None]) -> Trace:
    """A run of its own work, whose assist events have these types, numbers and steps."""
    events = []
    for kind, seq, step in steps:
        scope = "" if step is None else f'"stepIndex":{step},'
        events.append(
            f'event: assist\ndata: {{"kind":"assist","type":"{kind}","seq":{seq},"at":"2026-07-15T08:00:00Z",{scope}'
            '"payload":{}}\n\n'
        )
    body = STATUS.format("running") + "".join(events) + STATUS.format("pass") + END

    def edit(one: Exchange) -> Exchange:
        return with_body(one, body.encode()) if one.operation == "attach" else one

    return edited(example("ghostly-failing"), edit, script=None, outcome=None)


def own(outcomes: dict[str, Outcome], *families: str) -> set[str]:
    return {row for row, outcome in outcomes.items() if row.startswith(families) and own_findings(outcome)}


def test_a_healed_step_succeeds_as_the_original_says_it() -> None:
    healed = ("step_start", "step_failure", "heal_start", "heal_success", "step_success")
    trace = ghostly_run(*((kind, seq, 0) for seq, kind in enumerate(healed, start=1)), ("run_end", 6, None))
    assert own(judged(trace), "ORD") == set()


def test_a_step_that_cannot_be_healed_fails_once_more() -> None:
    tried = ("step_start", "step_failure", "heal_start", "heal_action", "heal_start", "heal_failure", "step_failure")
    trace = ghostly_run(*((kind, seq, 0) for seq, kind in enumerate(tried, start=1)), ("run_end", 8, None))
    assert own(judged(trace), "ORD") == set()


def test_numbers_in_tens_are_a_warning() -> None:
    trace = ghostly_run(("step_start", 10, 0), ("step_success", 50, 0), ("run_end", 60, None))
    assert own(judged(trace), "ORD") == {"ORD-03"}


@pytest.mark.parametrize(
    ("events", "ids"),
    [
        ((("run_end", 1, None), ("run_end", 2, None)), {"ORD-01"}),
        ((("run_end", 1, None), ("recon", 2, None)), {"ORD-08"}),
        ((("run_end", 1, None), ("judge_verdict", 2, None)), set()),
        ((("step_success", 1, 0), ("run_end", 2, None)), {"ORD-08"}),
    ],
)
def test_a_document_ends_a_run_once_and_the_rest_of_the_order_is_adopted(
    events: tuple[tuple[str, int, int | None], ...], ids: set[str]
) -> None:
    assert own(judged(ghostly_run(*events)), "ORD") == ids


def waited(ms: int, ending: Ending) -> Trace:
    """The stream of `ghostly-failing`, left open after its last event, and so long later given up."""

    def edit(one: Exchange) -> Exchange:
        if one.operation != "attach":
            return one
        return dataclasses.replace(one, ending=ending, ended_us=one.times[-1] + ms * 1000)

    return edited(example("ghostly-failing"), edit)


@pytest.mark.parametrize("ending", [Ending.TIMED_OUT, Ending.CUT])
@pytest.mark.parametrize(
    ("ms", "verdicts"),
    [
        (157, {"TRM-04": None, "TRM-11": None}),  # given up before anything was due
        (1500, {"TRM-04": None, "TRM-11": 1}),  # late for sure, and perhaps closed a moment later
        (3100, {"TRM-04": 1, "TRM-11": 1}),
    ],
)
def test_a_stream_that_was_given_up_was_not_left_open(ending: Ending, ms: int, verdicts: dict[str, int | None]) -> None:
    outcomes = judged(waited(ms, ending))
    seen = {row: outcomes[row] for row in verdicts}
    assert {row: None if isinstance(one, NotExercised) else len(one) for row, one in seen.items()} == verdicts
    assert own(outcomes, "TRM") == {row for row, number in verdicts.items() if number} - (
        {"TRM-11"} if verdicts["TRM-04"] else set()
    )


@pytest.mark.parametrize(("late_ms", "ids"), [(0, {"TRN-03"}), (300, set())])
def test_a_start_that_is_slow_in_answering_takes_of_its_pauses(late_ms: int, ids: set[str]) -> None:
    """The run goes on meanwhile: a pause of 400 ms that is nearly over when the reader comes shows nothing."""
    trace = example("ghostly-straight")
    start = next(one for one in trace.exchanges if one.operation.startswith("start:"))
    stream = next(one for one in trace.exchanges if one.role == "reader")

    def edit(one: Exchange) -> Exchange:
        if one is start and one.head:
            return dataclasses.replace(one, sent_us=one.sent_us - late_ms * 1000)
        return with_body(one, one.body) if one is stream else one  # all of it at once

    assert own(judged(edited(trace, edit)), "TRN-03") == ids


@pytest.mark.parametrize(("clock_s", "ids"), [(4.5, set()), (0.0, {"GHO-03"})])
def test_an_old_date_does_not_put_an_event_into_the_future(clock_s: float, ids: set[str]) -> None:
    """A Date that a server keeps for some seconds, of which our clock knows better."""
    trace = example("ghostly-failing")
    ahead = trace.exchanges[1].body.replace(b"2026-07-15T08:00:00", b"2026-07-15T08:00:04")

    def edit(one: Exchange) -> Exchange:
        return with_body(one, ahead) if one.operation == "attach" else one

    dated = dataclasses.replace(edited(trace, edit), wall_clock=trace.wall_clock + clock_s)
    assert own(judged(dated), "GHO-03") == ids


def test_a_replay_of_a_finished_run_joins_nothing() -> None:
    """A reader that comes late, to a run that has ended by then, and that lacks an event."""

    def edit(one: Exchange) -> Exchange:
        if one.role not in ("late", "racer", "resumed"):
            return one
        return with_body(one, one.body.replace(b'"status":"running"', b'"status":"pass"', 1))

    before = judged(example("ghostly-several"))["CAT-03"]
    assert before == []
    assert isinstance(judged(edited(example("ghostly-several"), edit))["CAT-03"], NotExercised)
