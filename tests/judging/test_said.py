"""Verdicts rest on what the profile says: which statuses are a success, what a type is, which event has none."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.files import schemas_folder
from streamvet.contract.fitting import RULES
from streamvet.contract.loading import load_profile, profile_of
from streamvet.contract.profile import PseudoPointer, pointed
from streamvet.examples import base_trace, bases, examples
from streamvet.outcome import Verdict

from .variants import raw_of, rulings, variant, violated, with_body

if TYPE_CHECKING:
    from streamvet.trace import Trace

CHANGES = base_trace(bases()["agent-workspace-changes"])
STRAIGHT = base_trace(bases()["ghostly-straight"])
CREATED = 201


# ---------------------------------------------------------------------------------------------- statuses


def answered(trace: Trace, operation: str, status: int) -> Trace:
    """The trace with another status in the answers to an operation that succeeded."""
    exchanges = tuple(
        dataclasses.replace(x, head=x.head._replace(status=status)) if x.operation == operation and x.head else x
        for x in trace.exchanges
    )
    return dataclasses.replace(trace, exchanges=exchanges)


def says(system: str, operation: str) -> Any:
    return variant(system, lambda raw: raw["operations"][operation].update(status=[CREATED]))


RECORDED = [
    (requirement, number)
    for requirement in ("TRM-07", "TRM-09", "ORD-07", "CAT-11", "CAT-12")
    for number, row in enumerate(examples(requirement))
    if not row.holds
]


@pytest.mark.parametrize(("requirement", "number"), RECORDED)
def test_a_record_is_read_where_its_status_is_the_profiles(requirement: str, number: int) -> None:
    row = examples(requirement)[number]
    system = row.bad.profile
    profile = says(system, "record")
    for trace, verdict in ((row.good, Verdict.PASS), (row.bad, Verdict.FAIL)):
        found = rulings(system, profile, answered(trace, "record", CREATED))[requirement]
        assert found.verdict in (verdict, {Verdict.FAIL: Verdict.WARN}.get(verdict))
        assert rulings(system, profile, trace)[requirement].verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("requirement", ["CAT-05", "CAT-06", "CAT-07"])
def test_a_stream_that_is_resumed_is_read_where_its_status_is_the_profiles(requirement: str) -> None:
    row = next(row for row in examples(requirement) if not row.holds and row.bad.profile == "promptfloe")
    profile = says("promptfloe", "resume")
    for trace, findings in ((row.good, False), (row.bad, True)):
        found = rulings("promptfloe", profile, answered(trace, "resume", CREATED))
        assert bool(found[requirement].findings) is findings
        assert found[requirement].exercised == 1
        assert "TRN-01" not in violated(found)


def test_a_cancellation_that_races_the_end_is_in_time_by_a_status_of_the_profile() -> None:
    """CAN-03: 303, say, where that is how the system answers."""
    base = base_trace(bases()["ghostly-cancel"])
    racing = dataclasses.replace(
        base,
        exchanges=tuple(
            dataclasses.replace(x, role="cancel-racing", head=x.head._replace(status=303)) if x.role == "cancel" else x
            for x in base.exchanges
            if x.head and x.role != "cancel-again"
        ),
    )
    profile = variant("ghostly", lambda raw: raw["operations"]["cancel"].update(status=[303]))
    assert rulings("ghostly", profile, racing)["CAN-03"].verdict is Verdict.PASS
    other = variant("ghostly", lambda raw: raw["operations"]["cancel"].update(status=[200]))
    assert rulings("ghostly", other, racing)["CAN-03"].verdict is Verdict.FAIL


# ------------------------------------------------------------------------------------------------- types


def test_a_dot_in_a_type_makes_no_group() -> None:
    """A type is a name; what is said of those that begin alike holds however they came to their name."""
    ghostly = load_profile("ghostly")
    assert ghostly.kind_of({"kind": "assist", "type": "recon"}) == "assist.recon"
    assert ghostly.kind_of({"kind": "assist"}) == "assist"
    assert ghostly.kind_of({"kind": "a.b"}) == "a.b"
    assert ghostly.schema_file("assist.later") == "events/assist.schema.json"
    assert ghostly.schema_file("response.created") is None

    profile = dataclasses.replace(
        ghostly, groups={"a.b": "events/a.schema.json", "*": "events/b.schema.json"}, types={}
    )
    assert profile.schema_file("a.b.c.d") == "events/b.schema.json"


def test_no_json_pointer_leads_outside_of_the_json() -> None:
    for place in PseudoPointer:
        with pytest.raises(AttributeError):
            pointed({"a": 1}, place)  # type: ignore[arg-type]


# -------------------------------------------------------------------------------------------- heartbeats


def test_a_comment_that_is_no_heartbeat_is_not_judged_as_one() -> None:
    """Greetings and padding: the first event comes first, and a finished run has no heartbeats (field reports below).

    NousResearch/hermes-agent#80871, fullstackhero/dotnet-starter-kit#1295.
    """

    def comments(raw: dict[str, Any]) -> None:
        raw["heartbeat"] = {
            "form": "comment", "interval_ms": 15000, "tolerance_ms": 2000, "timer": "fixed", "while": "active",
            "pattern": " hb [0-9]+",
        }  # fmt: skip

    def any_comment(raw: dict[str, Any]) -> None:
        comments(raw)
        del raw["heartbeat"]["pattern"]

    for greeting in (b": connected\n\n", b": " + b"." * 2048 + b"\n\n", b": hb 1 of 9\n\n"):
        trace = greeted(greeting)
        for change, none_when_finished in ((comments, Verdict.PASS), (any_comment, Verdict.NOT_APPLICABLE)):
            found = rulings("ghostly", variant("ghostly", change), trace)
            assert found["HBT-05"].verdict is none_when_finished
            assert (found["CAT-01"].verdict, found["HBT-03"].verdict) == (Verdict.PASS, Verdict.NOT_APPLICABLE)
    beaten = rulings("ghostly", variant("ghostly", comments), greeted(b": hb 17\n\n"))
    assert beaten["HBT-05"].findings
    assert not beaten["CAT-01"].findings


def greeted(greeting: bytes) -> Trace:
    """A run and its replay whose streams begin with these bytes."""
    trace = STRAIGHT
    for number, x in enumerate(STRAIGHT.exchanges):
        if x.operation == "attach":
            trace = with_body(trace, number, greeting + x.body)
    return trace


@pytest.mark.parametrize("key", ["time_within_ms", "rising"])
def test_a_time_that_the_profile_does_not_place_is_refused(key: str) -> None:
    raw = raw_of("agent-workspace") | {"profile": "mine"}
    kept = {"time_within_ms": 2000, "rising": True}[key]
    beat = {one: raw["heartbeat"][one] for one in raw["heartbeat"] if one not in ("time", "time_within_ms", "rising")}
    profile = profile_of(raw | {"heartbeat": beat | {key: kept}}, schemas_folder() / "agent-workspace" / "profile.yaml")
    (misfit,) = RULES["a heartbeat fits the framing"](profile)
    assert (misfit.place, misfit.expected) == ("/heartbeat/time", f"the place of the time that {key} bounds")


# -------------------------------------------------------------------------------- a block without a name


UNNAMED = CHANGES.exchanges[1].body.replace(b"event: fleet_logs\n", b"", 1)


def test_a_block_without_an_event_field_is_a_message() -> None:
    trace = with_body(CHANGES, 1, UNNAMED)
    closed = rulings("agent-workspace", variant("agent-workspace", lambda _raw: None), trace)
    (finding,) = closed["EVT-11"].findings
    assert finding.seen == "message"
    assert closed["EVT-07"].verdict is Verdict.NOT_APPLICABLE

    def listed(raw: dict[str, Any]) -> None:
        raw["events"]["types"]["message"] = raw["events"]["types"]["fleet_logs"]

    known = rulings("agent-workspace", variant("agent-workspace", listed), trace)
    assert known["EVT-11"].verdict is Verdict.PASS
    assert known["EVT-08"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("named", "verdict"), [(b"event: message\n", Verdict.PASS), (b"", Verdict.PASS), (b"event: update\n", Verdict.FAIL)]
)
def test_a_block_that_is_to_be_a_message_may_leave_its_name_out(named: bytes, verdict: Verdict) -> None:
    """SSE-06."""
    plain = base_trace(bases()["cosma-plain"])
    profile = variant("cosma", lambda raw: raw["framing"].update(event_name={"equals": "message"}))
    trace = with_body(plain, 0, plain.exchanges[0].body.replace(b"event: update\n", named))
    assert rulings("cosma", profile, trace)["SSE-06"].verdict is verdict


def test_a_message_can_be_no_json() -> None:
    """EVT-02, EVT-07."""
    rule = {"event": "message", "type": "message", "json": False}
    profile = variant("ghostly", lambda raw: raw["events"]["discriminator"].insert(0, rule))
    number = next(i for i, x in enumerate(STRAIGHT.exchanges) if x.operation == "attach")
    trace = with_body(STRAIGHT, number, b"data: hello\n\n" + STRAIGHT.exchanges[number].body)
    assert {"EVT-02", "EVT-07"}.isdisjoint(violated(rulings("ghostly", profile, trace)))
    assert "EVT-02" in violated(rulings("ghostly", variant("ghostly", lambda _raw: None), trace))
