"""What no server has to bring about: not applicable where it never occurs, judged as anywhere where it does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict
from streamvet.trace import Ending

from .variants import rulings, variant

if TYPE_CHECKING:
    from streamvet.trace import Trace

ENDLESS = variant("cosma", lambda _raw: None)
PLAIN = base_trace(bases()["cosma-plain"])
REASON = "no stream was ended by the server, and mine does not require it"


def ended(ending: Ending, *, whole: bool = True) -> Trace:
    """The trace with this end of its first exchange; the last block has its empty line, or has not."""
    first = PLAIN.exchanges[0]
    body = first.body if whole else first.body.removesuffix(b"\n")
    ends = first.ends[:]
    ends[-1] = len(body)
    made = dataclasses.replace(first, body=body, ends=ends, ending=ending)
    return dataclasses.replace(PLAIN, exchanges=(made, *PLAIN.exchanges[1:]))


@pytest.mark.parametrize(
    ("trace", "verdicts"),
    [
        (PLAIN, {"TRN-04": (Verdict.NOT_APPLICABLE, REASON), "SSE-01": (Verdict.NOT_APPLICABLE, REASON)}),
        (ended(Ending.COMPLETE), {"TRN-04": (Verdict.PASS, ""), "SSE-01": (Verdict.PASS, "")}),
        (ended(Ending.TRUNCATED), {"TRN-04": (Verdict.FAIL, "")}),
        (ended(Ending.COMPLETE, whole=False), {"TRN-04": (Verdict.PASS, ""), "SSE-01": (Verdict.FAIL, "")}),
    ],
    ids=["never", "well", "truncated", "without its empty line"],
)
def test_how_a_stream_without_an_end_ends(trace: Trace, verdicts: dict[str, tuple[Verdict, str]]) -> None:
    found = rulings("cosma", ENDLESS, trace)
    assert {name: (found[name].verdict, found[name].reason) for name in verdicts} == verdicts


def test_without_a_stream_it_is_not_decided() -> None:
    assert rulings("cosma", ENDLESS)["TRN-04"].verdict is Verdict.INCONCLUSIVE


def test_where_runs_end_it_has_to_occur() -> None:
    trace = base_trace(bases()["ghostly-several"])
    left = [dataclasses.replace(one, ending=Ending.CUT) for one in trace.exchanges]
    whole = variant("ghostly", lambda _raw: None)
    assert rulings("ghostly", whole, dataclasses.replace(trace, exchanges=tuple(left)))["TRN-04"].verdict is (
        Verdict.INCONCLUSIVE
    )


def test_the_rows_are_those_of_an_end() -> None:
    rows = [row for row in load_registry().testable() if row.need_not_occur]
    assert {row.id for row in rows} == {"TRN-04", "SSE-01", "NDJ-01"}
    assert {row.when for row in rows} == {"the server ends a stream"}
