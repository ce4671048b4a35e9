"""What becomes of a run whose last reader has left, by `readers.on_disconnect`: TRN-11 and CAN-06 on edited traces."""

from __future__ import annotations

import dataclasses
import json
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict
from streamvet.trace import Ending

from .variants import rulings, variant, violated, with_body

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.trace import Trace

# At a twentieth of the times.
LEFT = base_trace(bases()["promptfloe-detached"])
STOPS = {"stops_within_ms": 6000}


def says(on_disconnect: Any) -> Profile:
    def change(raw: dict[str, Any]) -> None:
        del raw["catchup"]["detached"]
        raw["readers"] = {**raw["readers"], "on_disconnect": on_disconnect}
        raw["adopted"] = {key: why for key, why in raw["adopted"].items() if key not in ("CAT-11", "CAT-12")}

    return variant("promptfloe", change)


def asked(*records: tuple[int, str], sees: bool = True) -> Trace:
    """The reader leaves, or the server ends its stream; so many ms later the record is requested, and shows this."""
    first, record = LEFT.exchanges[:2]
    assert record.head is not None
    trace = dataclasses.replace(
        LEFT,
        exchanges=(first if sees else dataclasses.replace(first, ending=Ending.COMPLETE),),
        stimulus={**LEFT.stimulus, "outcome": "hangs"},
    )
    for number, (after_ms, state) in enumerate(records, 1):
        sent_us = first.ended_us + after_ms * 1000
        one = dataclasses.replace(
            record, id=f"x{number + 1}", role="record-left", sent_us=sent_us, ended_us=sent_us + 2000,
            about={key: value for key, value in record.about.items() if key != "life"},
            head=record.head._replace(at_us=sent_us + 1000),
        )  # fmt: skip
        trace = dataclasses.replace(trace, exchanges=(*trace.exchanges, one))
        trace = with_body(trace, number, json.dumps({"runId": "run_d1", "status": state}).encode())
    return trace


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        (((310, "cancelled"),), Verdict.PASS),
        (((299, "running"), (310, "failed")), Verdict.PASS),
        (((310, "running"),), Verdict.FAIL),
        (((310, "running"), (900, "failed")), Verdict.FAIL),
        (((299, "running"),), Verdict.INCONCLUSIVE),
        ((), Verdict.INCONCLUSIVE),
    ],
)
def test_a_run_that_nobody_reads_stops_in_time(records: tuple[tuple[int, str], ...], verdict: Verdict) -> None:
    found = rulings("promptfloe", says(STOPS), asked(*records))
    assert found["CAN-06"].verdict is verdict
    assert violated(found) == ({"CAN-06": verdict} if verdict is Verdict.FAIL else {})
    assert found["TRN-11"].verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        (((50, "running"), (440, "running")), Verdict.PASS),
        (((50, "running"), (440, "cancelled")), Verdict.FAIL),
        (((50, "failed"),), Verdict.FAIL),
        ((), Verdict.INCONCLUSIVE),
    ],
)
def test_a_run_that_nobody_reads_goes_on(records: tuple[tuple[int, str], ...], verdict: Verdict) -> None:
    found = rulings("promptfloe", says("continues"), asked(*records))
    assert found["TRN-11"].verdict is verdict
    assert violated(found) == ({"TRN-11": verdict} if verdict is Verdict.FAIL else {})
    assert found["CAN-06"].verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(("says_so", "requirement"), [(STOPS, "CAN-06"), ("continues", "TRN-11")])
def test_who_is_not_cut_has_not_left(says_so: Any, requirement: str) -> None:
    found = rulings("promptfloe", says(says_so), asked((310, "running"), (320, "failed"), sees=False))
    assert found[requirement].verdict is Verdict.INCONCLUSIVE


def test_a_run_that_never_ends_once_its_reader_has_left_has_not_been_seen_to_go_on() -> None:
    first, record, *_, again = LEFT.exchanges
    about = {key: value for key, value in again.about.items() if key != "finished"}
    body = again.body[: again.body.index(b'{"id":3')]
    waits = dataclasses.replace(
        again, role="resumed", about={**about, "silent_ms": 10_000}, body=body, ending=Ending.CUT,
        ends=array("q", [len(body)]), times=again.times[:1], ended_us=again.ended_us + 10_000_000,
    )  # fmt: skip
    own = {**LEFT.stimulus, "script": None, "outcome": "succeeds"}
    without, with_it = (
        rulings("promptfloe", load_profile("promptfloe"), dataclasses.replace(LEFT, stimulus=own, exchanges=exchanges))
        for exchanges in ((first, record), (first, record, waits))
    )
    assert without["TRN-11"].verdict is Verdict.PASS
    assert (with_it["TRN-11"].verdict, with_it["TRM-06"].verdict) == (Verdict.INCONCLUSIVE, Verdict.FAIL)
