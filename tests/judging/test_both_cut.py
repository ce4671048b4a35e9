"""Runs that nobody has whole: what two readers had of one that died with its server is compared as far as both go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.checks import CHECKS
from streamvet.contract.loading import load_profile
from streamvet.examples import examples
from streamvet.outcome import NotExercised
from streamvet.trace import Ending

if TYPE_CHECKING:
    from streamvet.examples import Example
    from streamvet.trace import Trace

ROWS = [(row, one) for row in ("CAT-03", "CAT-04") for one in examples(row) if not one.holds]
LATER = ("late", "racer")


def died(trace: Trace) -> Trace:
    """The trace where the server died before anybody had the end: the last bytes are missing, and who came after."""
    kept = []
    for one in trace.exchanges:
        if one.role not in ("reader", *LATER):
            kept += [one] if one.role in ("start", "control", "login") else []
            continue
        body = one.body[: one.body.rstrip().rfind(b"\n\n" if b"\n\n" in one.body else b"\n") + 2]
        ends = one.ends[:0]
        ends.extend(min(end, len(body)) for end in one.ends)
        kept.append(replace(one, role="cut", body=body, ends=ends, ending=Ending.TRUNCATED))
    return replace(trace, exchanges=tuple(kept))


@pytest.mark.parametrize(("row", "example"), ROWS, ids=[f"{row} {one.base}" for row, one in ROWS])
def test_a_later_reader_is_held_to_the_first_one(row: str, example: Example) -> None:
    profile = load_profile(example.bad.profile)
    bad, good = (CHECKS[row](died(one), profile) for one in (example.bad, example.good))
    assert good == []
    assert isinstance(bad, list)
    found = {one.id: one for one in example.bad.exchanges}
    assert {found[one.exchange].role for one in bad} <= set(LATER)
    assert bad


def test_who_comes_first_is_held_to_nobody() -> None:
    _, example = ROWS[0]
    trace = died(example.good)
    first = [one for one in trace.exchanges if one.role == "cut"][:1]
    rest = [one for one in trace.exchanges if one.role != "cut"]
    outcome = CHECKS["CAT-03"](replace(trace, exchanges=(*rest, *first)), load_profile(trace.profile))
    assert isinstance(outcome, NotExercised)
