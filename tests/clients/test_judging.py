"""What is judged: each vector holds for what it expects, and for nothing else; each requirement has vectors."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from streamvet.clients.judging import EARLY_MS, Finding, not_applicable, result, ruled
from streamvet.clients.observed import Asked, Observed
from streamvet.clients.report import document, exit_code, text
from streamvet.clients.vectors import FRAMINGS, Vector, requirements, vectors
from streamvet.contract.files import check_shape
from streamvet.contract.registry import load_registry
from streamvet.outcome import Verdict

VECTORS = {one.id: one for one in vectors()}


def _ideal(vector: Vector) -> Observed:
    """What a client by the letter shows."""
    sends = vector.sends or ({},) * len(vector.answers)
    fields = [{name.lower(): value for name, value in want.items() if value is not None} for want in sends]
    gap_s = vector.apart_ms / 1000
    return Observed(
        delivered=[dict(one) for one in vector.delivered],
        errors=["cut"] if vector.tells == "error" else [],
        requests=[Asked(number * (1 + gap_s), own) for number, own in enumerate(fields)],
        answered_s=[1.0],
        ended=vector.sentinel,
    )


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_each_vector_holds_for_what_it_expects_alone(vector: Vector) -> None:
    assert result(vector, _ideal(vector)).findings == ()
    wrong = _wrong(vector)
    assert wrong
    for name, seen in wrong.items():
        bad = result(vector, seen)
        level = requirements()[vector.requirement].level
        assert (name, bad.verdict) == (name, Verdict.FAIL if level == "MUST" else Verdict.WARN)


def _wrong(vector: Vector) -> dict[str, Observed]:
    """Each way in which a client can be wrong on this vector."""
    made = {"one too many": dataclasses.replace(_ideal(vector), delivered=[*_ideal(vector).delivered, {"data": "z"}])}
    if vector.delivered:
        made["one too few"] = dataclasses.replace(_ideal(vector), delivered=_ideal(vector).delivered[1:])
        other = {"type": "message", "data": "another"} if vector.framing == "sse" else {"value": "another"}
        made["another"] = dataclasses.replace(_ideal(vector), delivered=[other, *_ideal(vector).delivered[1:]])
    if vector.sentinel and ("reconnect" in vector.needs or len(vector.answers) == 1):
        made["stuck"] = dataclasses.replace(_ideal(vector), ended=False)
    if vector.sends:
        made["a request less"] = dataclasses.replace(_ideal(vector), requests=_ideal(vector).requests[:-1] or [])
        extra = [*_ideal(vector).requests, Asked(99.0, {})]
        made["a request more"] = dataclasses.replace(_ideal(vector), requests=extra)
        if len(vector.sends) == 1:  # without any request nothing was exercised
            del made["a request less"]
    if any(value for want in vector.sends or () for value in want.values()):
        bare = [Asked(one.at_s, {}) for one in _ideal(vector).requests]
        made["no field"] = dataclasses.replace(_ideal(vector), requests=bare)
    if vector.apart_ms:
        soon = [Asked(1.0, {}), Asked(1.0 + (vector.apart_ms - EARLY_MS - 1) / 1000, {})]
        made["too soon"] = dataclasses.replace(_ideal(vector), requests=soon)
    if vector.tells == "error":
        made["untold"] = dataclasses.replace(_ideal(vector), errors=[])
    if vector.tells == "end":
        made["an error"] = dataclasses.replace(_ideal(vector), errors=["x"])
        made["an exit code"] = dataclasses.replace(_ideal(vector), exit_code=1)
    return made


def test_each_requirement_has_vectors_and_each_framing_some_sixty() -> None:
    assert {one.requirement for one in vectors()} == set(requirements())
    framings = [one.framing for one in vectors()]
    assert framings.count("sse") >= 60
    assert framings.count("ndjson") >= 20
    for one in vectors():
        assert requirements()[one.requirement].framing in (one.framing, "any")


def test_the_ids_are_of_no_family_of_servers() -> None:
    registry = load_registry()
    assert set(requirements()).isdisjoint(registry.rows)
    assert not any(one.startswith("CLI-") for one in registry.rows)
    documents = [row.basis["document"] for row in requirements().values() if "document" in row.basis]
    covered = {line for row in registry.rows.values() for line in row.covers}
    assert set(documents) <= covered


def test_events_that_nobody_listens_for_are_the_clients_own_affair() -> None:
    vector = VECTORS["unknown-type"]
    seen = _ideal(vector)
    seen.delivered.insert(0, {"type": "x-unknown", "data": "{}"})
    assert result(vector, seen).verdict is Verdict.PASS


def test_a_key_that_a_client_does_not_tell_is_not_compared() -> None:
    seen = _ideal(VECTORS["id-stays"])
    seen.delivered = [{key: one[key] for key in ("type", "data")} for one in seen.delivered]
    assert result(VECTORS["id-stays"], seen).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("want", "got", "alike"),
    [(1, 1.0, True), (True, 1, False), (0, False, False), ({"a": [1]}, {"a": [True]}, False), (None, None, True)],
)
def test_values(want: Any, got: Any, alike: bool) -> None:
    vector = dataclasses.replace(VECTORS["one-line"], delivered=({"value": want},))
    seen = dataclasses.replace(_ideal(vector), delivered=[{"value": got}])
    assert (result(vector, seen).verdict is Verdict.PASS) == alike


def test_an_event_that_waits_for_more_is_late_even_where_it_comes() -> None:
    seen = _ideal(VECTORS["delivered-before-more-comes"])
    seen.not_in_time = [1, 2]
    assert result(VECTORS["delivered-before-more-comes"], seen).findings == (
        Finding("event 1", "delivered before more was sent", "not delivered in time"),
    )


def test_verdicts_codes_and_reports_agree() -> None:
    good, bad = VECTORS["one-event"], VECTORS["crlf"]
    passed, failed = result(good, _ideal(good)), result(bad, Observed(requests=[Asked(0, {})]))
    skipped = not_applicable(VECTORS["retry"], ["reconnect"])
    assert skipped is not None
    silent = result(good, Observed(exit_code=3, said="Traceback\nboom\n"))
    assert silent.reason == "the command sent no request; it ended with 3: Traceback\nboom"
    assert [exit_code(one) for one in ([passed], [passed, failed], [passed, silent], [skipped], [])] == [0, 1, 3, 3, 3]
    weak = result(VECTORS["line-that-is-no-json"], Observed(requests=[Asked(0, {})], delivered=[{"value": 1}]))
    assert weak.verdict is Verdict.WARN
    assert (exit_code([weak]), exit_code([weak], strict=True)) == (0, 1)
    shown = text([passed, failed, skipped], 1)
    assert "FAIL  CLI-02  A client MUST end a line at LF" in shown
    assert "not exercised: the client lacks reconnect (1 vectors)" in shown
    assert [(one.requirement.id, one.verdict.name, one.exercised) for one in ruled([passed, failed, skipped])] == [
        ("CLI-02", "FAIL", 1), ("CLI-13", "PASS", 1), ("CLI-21", "NOT_APPLICABLE", 0),
    ]  # fmt: skip
    report = document([passed, failed, skipped, silent], 1, "x {url}", FRAMINGS[0], ["reconnect"])
    check_shape(report, "client-report", "the report")
    assert report["counts"] == {"PASS": 1, "FAIL": 1, "NOT_APPLICABLE": 1, "INCONCLUSIVE": 1}
