"""Streams of the kinds that public reports tell of, and the verdicts that are right, on a system of somebody's own.

Its cursor is the id of a block, and it has a control interface. Each case names its report; the streams are our own.
What bytes alone show is in `tests/cli/test_framing_cases.py`.
"""

from __future__ import annotations

import dataclasses
import json
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict
from streamvet.systems import judge_of
from streamvet.trace import Ending, Exchange, Head, Trace

if TYPE_CHECKING:
    from streamvet.verdicts import Ruling

BUILDS = load_profile(str(Path(__file__).parent.parent / "candidates" / "builds"))
START, READER = base_trace(bases()["ghostly-failing"]).exchanges[:2]
CHUNKED = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("Transfer-Encoding", "chunked"))
SHORT = (*CHUNKED[:2], ("Content-Length", "1"))


def block(number: object, kind: str, **members: Any) -> bytes:
    """One event on the wire."""
    value = json.dumps({"type": kind, **members}, ensure_ascii=False)
    return f"id: {number}\nevent: {kind}\ndata: {value}\n\n".encode()


LINE, OVER = block(1, "line", text="one"), block(2, "passed")


def stream(body: bytes, fields: tuple[tuple[str, str], ...] = CHUNKED, status: int = 200, **about: Any) -> Exchange:
    """A reader of the one build, whose answer comes at once and is ended as HTTP says."""
    head = Head(status, "HTTP/1.1", (*fields, ("X-Accel-Buffering", "no")), READER.sent_us + 1000)
    return dataclasses.replace(
        READER, about={"meant": "stream", "run": "r1", "kind": "build", **about}, head=head, body=body,
        ends=array("q", [len(body)]), times=array("q", [READER.sent_us + 2000]), ending=Ending.COMPLETE,
        ended_us=READER.sent_us + 3000,
    )  # fmt: skip


def returned(first: Exchange, cursor: str, status: int) -> Exchange:
    """The same reader, who comes back with a cursor and is answered with JSON."""
    later = stream(
        b'{"error":"bad request"}', (("Content-Type", "application/json"),), status,
        cursor=cursor, cursor_from="seen", after=1,
    )  # fmt: skip
    at_us = first.ended_us
    return dataclasses.replace(
        later, id="x3", operation="resume", role="resumed", sent_us=at_us + 1000, ended_us=at_us + 5000,
        head=later.head and later.head._replace(at_us=at_us + 2000), times=array("q", [at_us + 3000]),
    )  # fmt: skip


def resumed(body: bytes) -> Exchange:
    """The same reader, who comes back behind the first event and is sent the rest."""
    refusal, later = returned(stream(b""), "1", 400), stream(body, cursor="1", cursor_from="seen", after=1)
    return dataclasses.replace(
        later, id="x3", operation="resume", role="resumed", sent_us=refusal.sent_us, ended_us=refusal.ended_us,
        head=later.head and later.head._replace(at_us=refusal.times[0]), times=refusal.times,
    )  # fmt: skip


def tried(*streams: Exchange, script: list[Any] | None = None, outcome: str = "succeeds") -> Trace:
    start = dataclasses.replace(
        START, operation="start:build", about={"meant": "answer", "run": "r1", "kind": "build"},
        body=b'{"buildId":"b1"}', head=START.head and START.head._replace(status=201),
        ends=array("q", [16]), times=array("q", [START.ended_us]),
    )  # fmt: skip
    return dataclasses.replace(
        base_trace(bases()["ghostly-failing"]), profile=BUILDS.name, digest=BUILDS.digest, exchanges=(start, *streams),
        stimulus={"name": "a build", "kind": "build", "outcome": outcome, "script": script or []},
    )  # fmt: skip


def ruled(trace: Trace) -> dict[str, Ruling]:
    bench = judge_of(BUILDS)
    bench.add(trace)
    return {one.requirement.id: one for one in bench.rulings()}


class Case(NamedTuple):
    """A try, what it violates, and what these violations explain."""

    name: str
    trace: Trace
    verdicts: dict[str, str]
    explained: frozenset[str] = frozenset()


CONTROL, DOT = block("1\x01", "line", text="one"), block("1·", "line", text="one")
EMITTED = [{"emit": {"type": "line", "text": "one\ntwo"}}]
CASES = [
    Case("an honest build", tried(stream(LINE + OVER)), {}),
    Case(
        "a control character in an id, which cannot be sent back (undici#5746)",
        tried(stream(CONTROL + OVER), returned(stream(b""), "1\x01", 400)),
        {"SSE-15": "FAIL"},
        frozenset({"TRN-01"}),
    ),
    Case(
        "an own cursor that is refused for no reason",
        tried(stream(LINE + OVER), returned(stream(b""), "1", 400)),
        {"TRN-01": "FAIL"},
    ),
    Case(
        "no cursors at all (r3labs/sse#52)",
        tried(stream(LINE.partition(b"\n")[2] + OVER.partition(b"\n")[2])),
        {"CAT-21": "FAIL"},
    ),
    Case("a reader that comes back", tried(stream(LINE + OVER), resumed(OVER)), {}),
    Case(
        "two events with one cursor (quickfeed#1662)",
        tried(stream(LINE + block(1, "line", text="two") + OVER), resumed(OVER)),
        {"CAT-21": "FAIL"},
    ),
    Case(
        "no cursors where the reader has come back (r3labs/sse#52)",
        tried(stream(LINE + OVER), resumed(OVER.partition(b"\n")[2])),
        {"CAT-21": "FAIL"},
        frozenset({"CAT-05"}),
    ),
    Case(
        "an id that is not ASCII (undici#5746, simonx1/ruby-mcp-client#200, whatwg/html#689)",
        tried(stream(DOT + OVER)),
        {"SSE-16": "WARN"},
    ),
    Case(
        "the length of the first byte (fuzion#6146, servest#130, tornado#301)",
        tried(stream(b"i", SHORT, behind="d: 1\nevent: line\n")),
        {"TRN-05": "FAIL"},
        frozenset({"TRN-04", "SSE-01", "TRM-01"}),
    ),
    Case(
        "a heartbeat behind the last chunk (kubestellar/console#6953)",
        tried(stream(LINE + OVER, behind=": ping\n")),
        {"TRN-04": "FAIL"},
    ),
    Case(
        "newlines taken out of what is emitted (pgbus#392)",
        tried(stream(block(1, "line", text="onetwo") + OVER), script=EMITTED),
        {"EVT-09": "FAIL"},
    ),
    Case("newlines that stay", tried(stream(block(1, "line", text="one\ntwo") + OVER), script=EMITTED), {}),
    Case(
        "an unframed error in the place of the ending (gestalt#1749)",
        tried(stream(LINE + b'{"error":"store unavailable"}'), outcome="fails"),
        {"SSE-01": "FAIL"},
        frozenset({"TRM-01"}),
    ),
    Case(
        "an unframed error behind an empty line, too",
        tried(stream(LINE + b'{"error":"store unavailable"}\n\n'), outcome="fails"),
        {"SSE-02": "FAIL", "TRM-01": "FAIL"},
    ),
    Case("closed before the last event (lilbee#133)", tried(stream(LINE)), {"TRM-01": "FAIL"}),
    Case(
        "blocks without their empty lines (sseclient#18)",
        tried(stream((LINE + OVER).replace(b"\n\n", b"\n"))),
        {"SSE-01": "FAIL"},
        frozenset({"TRM-01"}),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_try_has_the_verdicts_that_are_right(case: Case) -> None:
    found = ruled(case.trace)
    judged = {name: one.verdict for name, one in found.items() if one.findings or one.verdict is Verdict.ERROR}
    assert {name: verdict.value for name, verdict in judged.items()} == case.verdicts
    assert {name for name, one in found.items() if one.explained and not one.findings} == case.explained


def test_the_refusal_of_a_cursor_names_it_as_the_servers_own() -> None:
    (finding,) = ruled(CASES[2].trace)["TRN-01"].findings
    assert finding.seen == 'status 400, to the server\'s own cursor "1"'


def test_what_the_suite_has_asked_for_is_no_long_line_of_the_server() -> None:
    long = "x" * 70_000
    trace = tried(stream(block(1, "line", text=long) + OVER))
    assert ruled(trace)["TRN-18"].verdict is Verdict.NOTE
    asked = tried(stream(block(1, "line", text=long) + OVER), script=[{"emit": {"type": "line", "text": long}}])
    assert ruled(asked)["TRN-18"].verdict is Verdict.INCONCLUSIVE
