"""What has to have happened so that a silence says something: small runs, and readers that nobody left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet.checks import CHECKS, transport
from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.outcome import NotExercised
from streamvet.trace import Ending

if TYPE_CHECKING:
    import pytest

    from streamvet.outcome import Outcome
    from streamvet.trace import Trace

PROMPTFLOE = load_profile("promptfloe")


def base(name: str) -> Trace:
    return base_trace(bases()[name])


def outcome(row: str, trace: Trace) -> Outcome:
    return CHECKS[row](trace, PROMPTFLOE)


def test_without_a_script_a_run_that_fits_into_buffers_shows_nothing_of_a_stalled_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted = base("promptfloe-stalled")
    bare = replace(scripted, stimulus={**scripted.stimulus, "script": None})
    assert outcome("TRN-10", scripted) == []
    assert isinstance(outcome("TRN-10", bare), NotExercised)
    monkeypatch.setattr(transport, "BUFFERED_BYTES", 1)
    assert outcome("TRN-10", bare) == []


def left(*, cancelled: bool) -> Trace:
    """A run that hangs, with two readers of which the first one leaves; it ends with its cancellation, or by itself."""
    trace = base("promptfloe-cancel")
    made = []
    for one in trace.exchanges:
        if one.operation == "cancel" and not cancelled:
            continue
        first = one.id == trace.exchanges[0].id
        made.append(replace(one, role="cut", ending=Ending.CUT, ended_us=one.ended_us - 1) if first else one)
    return replace(trace, exchanges=tuple(made), stimulus={**trace.stimulus, "outcome": "hangs", "script": []})


def test_a_run_goes_on_for_the_reader_that_stays() -> None:
    assert outcome("TRN-11", left(cancelled=True)) == []
    found = outcome("TRN-11", left(cancelled=False))
    assert isinstance(found, list)
    assert [(one.expected, one.seen) for one in found] == [
        ("a run that continues until it is cancelled, for its remaining readers", "cancelled")
    ]
