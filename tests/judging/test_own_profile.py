"""Requirements that apply to no built-in system, and what a profile raises: judged by a profile made for it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.files import FileError
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict
from streamvet.trace import Ending

from .variants import rulings, variant, violated, with_body

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Finding
    from streamvet.trace import Trace
    from streamvet.verdicts import Ruling

STRAIGHT = base_trace(bases()["ghostly-straight"])
PLAIN = base_trace(bases()["cosma-plain"])
BUILD = base_trace(bases()["promptfloe-build"])


def own(system: str, **framing: Any) -> Profile:
    """A built-in profile with an open set of types, and more said of its framing."""

    def change(raw: dict[str, Any]) -> None:
        raw |= {"framing": raw["framing"] | framing, "events": raw["events"] | {"set": "open"}}

    return variant(system, change)


LONGEST = max(map(len, STRAIGHT.exchanges[2].body.split(b"\n")))
LARGEST = max(map(len, STRAIGHT.exchanges[2].body.split(b"\n\n"))) + 2


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ({"line_bytes": LONGEST}, Verdict.PASS),
        ({"line_bytes": LONGEST - 1}, Verdict.FAIL),
        ({"event_bytes": LARGEST}, Verdict.PASS),
        ({"event_bytes": LARGEST - 1}, Verdict.FAIL),
        ({"line_bytes": LONGEST, "event_bytes": LARGEST - 1}, Verdict.FAIL),
    ],
)
def test_a_stream_keeps_within_the_limits_of_its_profile(limits: dict[str, int], verdict: Verdict) -> None:
    found = rulings("ghostly", own("ghostly", limits=limits), STRAIGHT)
    assert found["TRN-08"].verdict is verdict
    assert violated(found) == ({} if verdict is Verdict.PASS else {"TRN-08": verdict})


def test_a_limit_of_ndjson_is_that_of_a_line() -> None:
    longest = max(map(len, BUILD.exchanges[0].body.split(b"\n")))
    for name, limit in (("holds", longest), ("fails", longest - 1)):
        found = rulings("promptfloe", own("promptfloe", limits={"line_bytes": limit}), BUILD)
        assert found["TRN-08"].verdict is (Verdict.PASS if name == "holds" else Verdict.FAIL)


def test_a_limit_beyond_what_the_suite_reads_is_refused() -> None:
    with pytest.raises(FileError, match="line_bytes"):
        own("ghostly", limits={"line_bytes": 2**20 + 1})


@pytest.mark.parametrize("base", [STRAIGHT, BUILD, PLAIN], ids=lambda trace: trace.name)
def test_a_limit_of_the_recorder_is_no_violation(base: Trace) -> None:
    profile = load_profile(base.profile)
    number = 2 if base is STRAIGHT else 0
    cut = base.exchanges[number].body[:-20]
    trace = with_body(base, number, cut, ending=Ending.CUT, detail="limit: body over 33554432 bytes")
    found = rulings(base.profile, profile, trace)
    assert found["TRN-08"].verdict is Verdict.NOT_APPLICABLE
    assert violated(found).keys() <= {"TRN-03"}  # the bytes come all at once here


RAISED = {
    "EVT-03": (b'"opcode": "info"', b'"opcode": "info", "opcode": "info"'),
    "EVT-04": (b'"opcode": "info"', b'"row": 9007199254740993, "opcode": "info"'),
    "EVT-05": (b'"opcode": "info"', b'"mood": "\\ud83d", "opcode": "info"'),
}


@pytest.mark.parametrize("name", RAISED)
def test_i_json_raises_what_the_grammar_only_advises_against(name: str) -> None:
    old, new = RAISED[name]
    body = PLAIN.exchanges[0].body
    assert body.count(old) == 1
    trace = with_body(PLAIN, 0, body.replace(old, new))
    seen = {}
    for json in ("json", "i-json"):
        ruling = rulings("cosma", own("cosma", json=json), trace)[name]
        seen[json] = (ruling.verdict, ruling.requirement.level, " MUST " in ruling.requirement.text)
        assert ruling.requirement.basis["standard"].startswith("RFC 7493" if json == "i-json" else "RFC 8259")
    assert seen == {"json": (Verdict.WARN, "SHOULD", False), "i-json": (Verdict.FAIL, "MUST", True)}


@pytest.mark.parametrize(
    ("json", "number", "verdict"),
    [
        ("json", "9007199254740993", Verdict.WARN),
        ("int64", "9007199254740993", Verdict.PASS),
        ("int64", "-9223372036854775808", Verdict.PASS),
        ("int64", "9223372036854775808", Verdict.WARN),
        ("int64", "1e999", Verdict.WARN),
        ("any", "9223372036854775808", Verdict.NOT_APPLICABLE),
    ],
)
def test_numbers_of_64_bits_are_what_a_profile_says(json: str, number: str, verdict: Verdict) -> None:
    body = PLAIN.exchanges[0].body.replace(b'"opcode": "info"', f'"row": {number}, "opcode": "info"'.encode())
    assert rulings("cosma", own("cosma", json=json), with_body(PLAIN, 0, body))["EVT-04"].verdict is verdict


def test_each_row_says_by_its_words_of_which_level_it_is() -> None:
    for row in load_registry().rows.values():
        if row.family in ("transport", "sse", "ndjson", "events"):
            words = {word for word in ("MUST", "SHOULD") if word in row.text.split()}
            assert words == ({row.level} - {"NOTE"}), row.id
            assert bool(row.trips) is (row.level == "NOTE"), row.id
            assert row.raised is None or row.raised.level in row.raised.text.split(), row.id


def test_a_type_with_dots_is_one_name() -> None:
    """SSE-06, as of a stream of OpenAI's Responses: `event: response.created` is what its data says."""
    profile = own("cosma", event_name={"pointer": "/opcode"})
    block = 'event: {0}\ndata: {{"opcode": "{1}", "data": {{}}}}\n\n'
    right = with_body(PLAIN, 0, block.format("response.created", "response.created").encode())
    wrong = with_body(PLAIN, 0, block.format("response", "response.created").encode())
    assert rulings("cosma", profile, right)["SSE-06"].findings == ()
    (finding,) = rulings("cosma", profile, wrong)["SSE-06"].findings
    assert (finding.expected, finding.seen) == ("event: response.created", "event: response")


def events_of(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def of_builds(change: dict[str, Any], body: bytes) -> dict[str, Any]:
    """The rulings on the stream of a build with this body, by promptfloe's profile with this in it."""

    def more(raw: dict[str, Any]) -> None:
        for part, keys in change.items():
            raw[part] = raw[part] | keys if isinstance(keys, dict) and "pointer" not in keys else keys

    return rulings("promptfloe", variant("promptfloe", more), with_body(BUILD, 0, body))


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (('{"type":"progress","id":1,"runId":"a"}', '{"type":"progress","id":2,"runId":"a"}'), Verdict.PASS),
        (('{"type":"progress","id":1,"runId":"a"}', '{"type":"progress","id":2}'), Verdict.PASS),
        (('{"type":"progress","id":1,"runId":"a"}', '{"type":"progress","id":2,"runId":"b"}'), Verdict.FAIL),
    ],
)
def test_what_all_events_share_is_one_value(lines: tuple[str, ...], verdict: Verdict) -> None:
    found = of_builds({"events": {"same": ["/runId"]}}, events_of(*lines))
    assert found["EVT-13"].verdict is verdict


def said(ruling: Ruling) -> tuple[Finding, ...]:
    """The findings, and those that another violation explains: these bodies are no whole streams."""
    return (*ruling.findings, *ruling.explained)


PARTS = ('{"type":"progress","id":1,"of":{"a":1,"b":1}}', '{"type":"progress","id":2,"of":{"a":1,"b":2}}')


@pytest.mark.parametrize(("key", "fails"), [("/of/a", True), (["/of/a", "/of/b"], False), (["/of/b", "/of/a"], False)])
def test_a_key_of_several_places_has_an_automaton_for_each_of_what_is_there(key: str | list[str], fails: bool) -> None:
    table = {"key": key, "start": "new", "states": {"new": {"progress": "seen"}, "seen": {}}}

    def more(raw: dict[str, Any]) -> None:
        raw["lifecycles"]["once"] = table
        raw["operations"]["start:build"]["lifecycles"].append("once")

    found = rulings("promptfloe", variant("promptfloe", more), with_body(BUILD, 0, events_of(*PARTS)))
    assert [one.expected for one in said(found["ORD-01"])] == (["/of/a 1 in state seen: nothing"] if fails else [])


OPEN, SHUT = '{"type":"file","id":1,"path":"a","contents":"a"}', '{"type":"review","id":2,"path":"a","notes":""}'
END, ERROR = '{"type":"ready","id":3,"appId":"a","previewUrl":"https://a/"}', '{"type":"error","id":3,"message":"a"}'


@pytest.mark.parametrize(
    ("lines", "accepts", "verdict"),
    [
        ((OPEN, SHUT, END), {"succeeds": ["shut"]}, Verdict.PASS),
        ((OPEN, END), {"succeeds": ["shut", "open"]}, Verdict.PASS),
        ((OPEN, END), {"succeeds": ["shut"]}, Verdict.FAIL),
        ((END,), {"succeeds": ["shut"]}, Verdict.PASS),
        ((OPEN, END), {"fails": ["shut"]}, Verdict.INCONCLUSIVE),
        ((OPEN, ERROR), {"fails": ["shut"]}, Verdict.FAIL),
        ((OPEN,), {"succeeds": ["shut"]}, Verdict.INCONCLUSIVE),
    ],
)
def test_nothing_is_left_open_at_an_end(lines: tuple[str, ...], accepts: dict[str, Any], verdict: Verdict) -> None:
    states = {"shut": {"file": "open"}, "open": {"review": "shut"}}

    def more(raw: dict[str, Any]) -> None:
        raw["lifecycles"]["files"] = {"key": "/path", "start": "shut", "accepts": accepts, "states": states}
        raw["operations"]["start:build"]["lifecycles"].append("files")

    profile = variant("promptfloe", more)
    trace = with_body(BUILD, 0, events_of(*lines))
    trace = dataclasses.replace(trace, exchanges=trace.exchanges[:1])
    found = rulings("promptfloe", profile, dataclasses.replace(trace, stimulus={}))["ORD-09"]
    assert (found.verdict, len(found.findings)) == (verdict, int(verdict is Verdict.FAIL))


WHOLE = {"pieces": ["progress"], "at": "/message", "key": ["/of"], "whole": ["review"], "in": "/notes"}


def piece(of: str, text: str, *, whole: bool = False) -> str:
    head = '"type":"review","id":9,"path":"a","notes"' if whole else '"type":"progress","id":1,"stage":"a","message"'
    return f'{{{head}:"{text}","of":"{of}"}}'


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ((piece("a", "Gr"), piece("a", "üße"), piece("a", "Grüße", whole=True)), Verdict.PASS),
        ((piece("a", "Gr"), piece("b", "x"), piece("b", "x", whole=True), piece("a", "Gr", whole=True)), Verdict.PASS),
        ((piece("a", "Gr"), piece("a", "Grüße", whole=True)), Verdict.FAIL),
        (
            (piece("a", "Gr"), piece("a", "Gr", whole=True), piece("a", "b"), piece("a", "Grb", whole=True)),
            Verdict.FAIL,
        ),
        ((piece("a", "Gr"), piece("b", "Gr", whole=True)), Verdict.INCONCLUSIVE),
        ((piece("a", "Gr"),), Verdict.INCONCLUSIVE),
    ],
)
def test_pieces_make_the_whole(lines: tuple[str, ...], verdict: Verdict) -> None:
    def more(raw: dict[str, Any]) -> None:
        raw["events"]["assembles"] = [WHOLE]
        del raw["adopted"]["EVT-14"]

    trace = with_body(BUILD, 0, events_of(*lines))
    trace = dataclasses.replace(trace, exchanges=trace.exchanges[:1], stimulus={})
    assert rulings("promptfloe", variant("promptfloe", more), trace)["EVT-14"].verdict is verdict


LINE = '{"type":"progress","id":1,"stage":"a","message":"a"}'
SILENT = {"events": ["error"], "last": ["error"], "close_within_ms": 1000, "outcomes": {"fails": ["error"]}}


@pytest.mark.parametrize(
    ("lines", "outcome", "verdict"),
    [
        ((LINE,), "succeeds", Verdict.PASS),
        ((LINE, ERROR), "succeeds", Verdict.FAIL),
        ((LINE, ERROR), "fails", Verdict.PASS),
        ((LINE,), "fails", Verdict.FAIL),
        ((LINE,), None, Verdict.INCONCLUSIVE),
    ],
)
def test_a_silent_end_is_the_one_that_the_profile_says(
    lines: tuple[str, ...], outcome: str | None, verdict: Verdict
) -> None:
    profile = variant("promptfloe", lambda raw: raw.update(terminal=SILENT | {"silent": ["succeeds"]}))
    trace = with_body(BUILD, 0, events_of(*lines))
    stimulus = {"outcome": outcome} if outcome else {}
    found = rulings("promptfloe", profile, dataclasses.replace(trace, exchanges=trace.exchanges[:1], stimulus=stimulus))
    assert (found["TRM-06"].verdict, found["TRM-01"].verdict) == (verdict, Verdict.NOT_APPLICABLE)


NUMBERED = [
    {"events": ["*"], "pointer": "/id", "first": 1, "step": 1},
    {"events": ["progress"], "pointer": "/part"},
]


@pytest.mark.parametrize(
    ("numbers", "violations"),
    [
        (((1, 5), (2, 7)), {}),
        (((1, 5), (2, 5)), {"ORD-02": "more than 5, of the event before it"}),
        (((1, 5), (3, 7)), {"ORD-03": "/id 2"}),
        (((2, 5), (1, 7)), {"ORD-02": "more than 2, of the event before it", "ORD-03": "/id 1"}),
    ],
)
def test_each_of_several_numberings_rises(numbers: Any, violations: dict[str, str]) -> None:
    body = events_of(*(f'{{"type":"progress","id":{one},"part":{part}}}' for one, part in numbers))
    found = of_builds({"sequence": NUMBERED}, body)
    assert {one: said(found[one])[0].expected for one in ("ORD-02", "ORD-03") if said(found[one])} == violations


@pytest.mark.parametrize(("ids", "verdict"), [(("9", "10"), Verdict.PASS), (("10", "9"), Verdict.FAIL)])
def test_ids_of_blocks_are_numbers(ids: tuple[str, ...], verdict: Verdict) -> None:
    numbering = {"events": ["*"], "pointer": "event-id"}
    profile = variant("cosma", lambda raw: raw.update(sequence=numbering))
    block = 'id: {0}\nevent: update\ndata: {{"opcode": "info", "data": {{"message": "a"}}}}\n\n'
    trace = with_body(PLAIN, 0, "".join(map(block.format, ids)).encode())
    assert rulings("cosma", profile, trace)["ORD-02"].verdict is verdict


@pytest.mark.parametrize(("without_cursor", "verdict"), [("plan", Verdict.PASS), ("ready", Verdict.FAIL)])
def test_only_events_that_have_a_cursor_need_one(without_cursor: str, verdict: Verdict) -> None:
    """CAT-21, by `catchup.cursor.events`; nobody came back, and one event of them has a cursor at most."""

    def more(raw: dict[str, Any]) -> None:
        raw["catchup"]["cursor"]["events"] = ["ready", "file"]
        del raw["sequence"]

    lines = [f'{{"id":{number},"type":"{kind}"}}' for number, kind in enumerate(("plan", "file", "ready"), 1)]
    lines = [one.partition(",")[0] and f"{{{one.partition(',')[2]}" if without_cursor in one else one for one in lines]
    base = base_trace(bases()["promptfloe-cursors"])
    trace = with_body(base, 0, events_of(*lines))
    profile = variant("promptfloe", more)
    found = rulings("promptfloe", profile, trace)["CAT-21"]
    assert {one.exchange for one in found.findings if one.exchange == trace.exchanges[0].id} == (
        {trace.exchanges[0].id} if verdict is Verdict.FAIL else set()
    )
