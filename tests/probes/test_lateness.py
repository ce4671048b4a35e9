"""In which exchanges it matters that the harness was late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamvet.campaign.lateness import late_us
from streamvet.examples import base_trace, bases
from streamvet.trace import Late

TRACE = base_trace(bases()["ghostly-failing"])
LATE_US = 40_000


@pytest.mark.parametrize(
    ("change", "late"),
    [
        ({}, 0),
        ({"role": "watch"}, LATE_US),
        ({"role": "record-detached"}, LATE_US),
        ({"about": {"observe_us": 1}}, LATE_US),
        ({"about": {"triggered": {"name": "change", "at_us": 0, "done_us": 1}}}, LATE_US),
    ],
)
def test_it_matters_where_a_try_waits(change: dict[str, object], late: int) -> None:
    one = replace(TRACE.exchanges[1], **change)  # type: ignore[arg-type]
    assert late_us(replace(TRACE, exchanges=(one,), late=(Late(one.sent_us, LATE_US),))) == late
