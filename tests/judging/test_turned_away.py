"""A reader that is turned away beside another one: whether there may be two is TRN-12's, which may be a SHOULD."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamvet.checks import CHECKS
from streamvet.contract.loading import load_profile
from streamvet.examples import examples
from streamvet.outcome import own_findings
from streamvet.trace import Head, Trace

PROFILE = load_profile("promptfloe")
TRACE = next(row.good for row in examples("CAT-03") if row.base == "promptfloe-several")
LATE = next(one for one in TRACE.exchanges if one.role == "late")
SECOND = [one.id for one in TRACE.exchanges if one.role == "reader"][1]


def turned_away(role: str, sent_us: int) -> Trace:
    """The trace where its late reader has another role, and is answered 503."""
    head = Head(503, "HTTP/1.1", (), sent_us + 1000)
    one = replace(LATE, role=role, head=head, sent_us=sent_us, ended_us=sent_us + 2000)
    others = [x for x in TRACE.exchanges if x.id != SECOND]  # two readers are promised, no third one
    return replace(TRACE, exchanges=tuple(one if x is LATE else x for x in others))


@pytest.mark.parametrize("role", ["cut", "stalled", "late"])
def test_it_is_told_once(role: str) -> None:
    trace = turned_away(role, LATE.sent_us)
    found = {row: [one.exchange for one in own_findings(CHECKS[row](trace, PROFILE))] for row in ("TRN-01", "TRN-12")}
    assert found == {"TRN-01": [], "TRN-12": [LATE.id]}


def test_who_is_alone_is_turned_away_for_no_such_reason() -> None:
    trace = turned_away("cut", max(one.ended_us for one in TRACE.exchanges) + 1)
    assert [one.exchange for one in own_findings(CHECKS["TRN-01"](trace, PROFILE))] == [LATE.id]
