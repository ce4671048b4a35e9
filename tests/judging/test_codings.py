"""A stream with a content coding: judged by what was decoded; where nobody decodes it, the reason names it."""

from __future__ import annotations

import dataclasses

import pytest

from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict
from streamvet.systems import judge_of
from streamvet.trace import Trace, dump, load

BASE = base_trace(bases()["ghostly-failing"])


def _coded(named: str, undone: str) -> Trace:
    """The base with the coding that the head names in every stream, and the one that was undone."""
    exchanges = []
    for one in BASE.exchanges:
        if one.head is None or one.about.get("meant") != "stream":
            exchanges.append(one)
            continue
        head = one.head._replace(headers=(*one.head.headers, ("Content-Encoding", named)))
        exchanges.append(dataclasses.replace(one, head=head, coding=undone, wire_bytes=100))
    return dataclasses.replace(BASE, exchanges=tuple(exchanges))


def _verdicts(trace: Trace) -> dict[str, tuple[Verdict, str]]:
    bench = judge_of(load_profile(trace.profile))
    bench.add(trace)
    assert bench.errors == []
    return {one.requirement.id: (one.verdict, one.reason) for one in bench.rulings()}


def test_what_was_decoded_is_judged_like_what_was_not_coded() -> None:
    assert _verdicts(_coded("Gzip", "gzip")) == _verdicts(BASE)


@pytest.mark.parametrize("row", ["SSE-01", "ORD-01", "TRM-01", "EVT-02"])
def test_an_unknown_coding_is_named(row: str) -> None:
    verdict, reason = _verdicts(_coded("zoo", ""))[row]
    assert (verdict, reason) == (Verdict.INCONCLUSIVE, "not read: a stream has the content coding zoo")


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br"])
def test_a_coding_that_takes_the_extra_names_it(coding: str) -> None:
    _, reason = _verdicts(_coded(coding, ""))["SSE-01"]
    assert reason == f"not read: a stream has the content coding {coding} (pip install 'streamvet[codings]')"


def test_the_coding_is_in_the_file() -> None:
    trace = _coded("gzip", "gzip")
    assert [(one.coding, one.wire_bytes) for one in load(dump(trace), "x").exchanges] == [
        (one.coding, one.wire_bytes) for one in trace.exchanges
    ]
