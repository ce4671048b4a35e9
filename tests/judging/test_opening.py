"""The head of a stream that has nothing to say comes by itself, or with a greeting, or within the profile's time."""

from __future__ import annotations

import dataclasses
from array import array
from typing import Any

import pytest

from streamvet.checks.opening import head_at_once
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace, bases
from streamvet.outcome import NotExercised
from streamvet.trace import Ending, Trace

BASE = base_trace(bases()["cosma-plain"])
COSMA = load_profile("cosma")
MS = 1000


def _opened(head_ms: float | None, first_ms: float, body: bytes | None = None, **more: Any) -> Trace:
    """One reader of an ambient stream, its head, its first bytes and nothing else but a quick answer."""
    reader, control = BASE.exchanges[:2]
    assert reader.head is not None
    head = None if head_ms is None else reader.head._replace(at_us=int(head_ms * MS))
    body = reader.body if body is None else body
    came = {"body": body, "ends": array("q", [len(body)]), "times": array("q", [int(first_ms * MS)])}
    one = dataclasses.replace(reader, head=head, ended_us=20_000_000, **{**came, **more})
    return dataclasses.replace(BASE, exchanges=(one, control))


EVENT = b'event: update\ndata: {"opcode": "info", "data": {"message": "x"}}\n\n'
BEAT = b": keepalive\n\n"
# When the head comes, when the first bytes, which, and how many findings there are; None: it was not exercised.
CASES: list[tuple[float, float, bytes, int | None]] = [
    (5, 700, EVENT, 0),
    (700, 701, EVENT, 1),
    (15_000, 15_000, BEAT, 1),
    (90, 91, EVENT, 0),
    (700, 700, b": connected\n\n" + EVENT, 0),
    (700, 1700, EVENT, 0),
]


@pytest.mark.parametrize(("head_ms", "first_ms", "body", "findings"), CASES)
def test_a_head_that_waits(head_ms: float, first_ms: float, body: bytes, findings: int | None) -> None:
    outcome = head_at_once(_opened(head_ms, first_ms, body), COSMA)
    if head_ms == 90:
        assert isinstance(outcome, NotExercised)
        return
    assert isinstance(outcome, list)
    assert len(outcome) == findings


def test_with_a_bound_it_is_a_must_whatever_comes_with_it() -> None:
    strict = dataclasses.replace(COSMA, raw={**COSMA.raw, "transport": {"head_within_ms": 500}})
    row = load_registry().rows["TRN-20"].on(strict)
    assert (row.level, row.basis) == ("MUST", {"profile": "transport.head_within_ms"})
    assert load_registry().rows["TRN-20"].level_on(COSMA) == "SHOULD"
    assert head_at_once(_opened(490, 900), strict) == []
    (late,) = head_at_once(_opened(700, 900), strict)  # type: ignore[misc]
    assert (late.expected, late.seen) == ("the head within 500 ms", "after 700 ms")
    none = _opened(None, 0, b"", ends=array("q"), times=array("q"), ending=Ending.TIMED_OUT, detail="no answer")
    (absent,) = head_at_once(none, strict)  # type: ignore[misc]
    assert absent.seen == "none: no answer"
