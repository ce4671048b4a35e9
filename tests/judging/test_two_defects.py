"""Streams with two defects: both are found, and neither hides the other one.

Hand-written: each is a good example with a few edits of its bytes.
"""

from __future__ import annotations

import dataclasses
from array import array
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.outcome import own_findings
from streamvet.systems import judge_of

if TYPE_CHECKING:
    from streamvet.trace import Exchange, Trace

LATE_US = 5_000_000

# An event of ghostly's failing run, by what comes first in its data.
RECON, STATE, RUN_END = b'"type":"recon"', b'"type":"loop_state"', b'"type":"run_end"'


def edited(edits: dict[bytes, bytes], late_us: int = 0, status: int = 200) -> Trace:
    """Ghostly's failing run with other bytes, each of which is there once; everything on the stream so much later."""
    trace = base_trace(bases()["ghostly-failing"])
    start, stream = trace.exchanges
    body = stream.body
    for old, new in edits.items():
        assert body.count(old) == 1, old
        body = body.replace(old, new)
    return dataclasses.replace(trace, exchanges=(start, moved(answered(stream, status), body, late_us)))


def answered(one: Exchange, status: int) -> Exchange:
    """An exchange that was answered with another status."""
    return dataclasses.replace(one, head=one.head._replace(status=status) if one.head else None)


def moved(one: Exchange, body: bytes, late_us: int) -> Exchange:
    """An exchange with another body, of which each block has come when that of the same number came before."""
    ends = [at + 2 for at in range(len(body)) if body.startswith(b"\n\n", at)]
    times = [*one.times, *[one.times[-1]] * len(ends)][: len(ends)]
    return dataclasses.replace(
        one, body=body, ends=array("q", ends), times=array("q", [at + late_us for at in times]),
        ended_us=one.ended_us + late_us,
    )  # fmt: skip


def block(body: bytes, part: bytes) -> bytes:
    """The block of a stream that has this part."""
    return next(one + b"\n\n" for one in body.split(b"\n\n") if part in one)


GOOD = base_trace(bases()["ghostly-failing"]).exchanges[1].body
TWO_ENDS = {block(GOOD, RUN_END): block(GOOD, RUN_END) + block(GOOD, RUN_END).replace(b'"seq":3', b'"seq":4')}
FAR = {b'"seq":1,': b'"seq":9,', b'"seq":2,': b'"seq":9007199254740991,', b'"seq":3,': b'"seq":10,'}
NO_JSON = {b'"type":"recon",': b'"type":"recon"'}  # a comma less


@pytest.mark.parametrize(
    ("edits", "late_us", "ids"),
    [
        ({}, 0, set()),
        ({}, LATE_US, {"CAT-19"}),
        # A late first event says nothing about the order and the number of the events.
        (FAR, LATE_US, {"CAT-19", "ORD-02"}),
        (TWO_ENDS, LATE_US, {"CAT-19", "ORD-01"}),
        # What cannot be read leaves a gap in the sequence; another gap elsewhere is a loss, and an order is an order.
        (NO_JSON, 0, {"EVT-02"}),
        (NO_JSON | {b'"seq":3,': b'"seq":5,'}, 0, {"EVT-02", "ORD-03"}),
        (NO_JSON | {b'"seq":3,': b'"seq":2,'}, 0, {"EVT-02", "ORD-02"}),
        (NO_JSON | {b'"state":"stalled"': b'"state":"idle"'}, 0, {"EVT-02", "EVT-09"}),
        (NO_JSON | {block(GOOD, STATE): block(GOOD, STATE) * 2}, 0, {"EVT-02", "ORD-02", "ORD-05"}),
        # A flaw of the framing beside a wrong outcome.
        ({b"event: end": b"lost\nevent: end", b'"status":"fail"': b'"status":"pass"'}, 0, {"SSE-02", "TRM-06"}),
    ],
)
def test_both_are_found(edits: dict[bytes, bytes], late_us: int, ids: set[str]) -> None:
    found, errors = judged(edited(edits, late_us))
    assert errors == []
    assert found.keys() == ids, found


def test_a_status_that_is_wrong_is_found_beside_everything_else() -> None:
    found, errors = judged(edited(TWO_ENDS | FAR, LATE_US, status=203))
    assert errors == []
    assert {"TRN-01", "CAT-19", "ORD-02", "ORD-01"} <= found.keys()


@pytest.mark.parametrize(("ending", "also"), [(b'"fail"', set()), (b'"pass"', {"CAN-02"})])
def test_a_cancellation_that_is_accepted_with_another_success_is_judged_all_the_same(
    ending: bytes, also: set[str]
) -> None:
    trace = base_trace(bases()["ghostly-cancel"])
    told = [answered(one, 204) if one.role == "cancel" else one for one in trace.exchanges]
    (place, reader), *_ = [(at, one) for at, one in enumerate(told) if one.role == "reader"]
    told[place] = dataclasses.replace(reader, body=reader.body.replace(b'"fail"', ending))
    found, errors = judged(dataclasses.replace(trace, exchanges=tuple(told)))
    assert errors == []
    assert {"CAN-01", "CAN-02"} & found.keys() == {"CAN-01"} | also, found


def judged(trace: Trace) -> tuple[dict[str, list[str]], list[str]]:
    """What was seen of each requirement that is violated in its own right, and the errors of checks."""
    bench = judge_of(load_profile(trace.profile))
    outcomes = bench.add(trace)
    return {
        row: [one.seen for one in own] for row, outcome in outcomes.items() if (own := own_findings(outcome))
    }, bench.errors
