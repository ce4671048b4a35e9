"""Captured bytes of the kinds that public reports tell of, and conforming ones: each with the verdicts that are right.

The inputs are edits of our own good streams; each case names the report that it was made from.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from streamvet.examples import base_trace, bases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.commands import Ended


def _body(base: str, number: int) -> bytes:
    return base_trace(bases()[base]).exchanges[number].body


RUN, FLEET, QUEUE = _body("ghostly-straight", 2), _body("agent-workspace-changes", 1), _body("cosma-plain", 0)
BUILD, FAILED_BUILD = _body("promptfloe-build", 0), _body("promptfloe-failing", 0)
BLOCKS = RUN.split(b"\n\n")
BEGUN = b"".join(BUILD.splitlines(keepends=True)[:2])


def _only(old: bytes, new: bytes, body: bytes = RUN) -> bytes:
    """The body with the first `old` replaced."""
    assert old in body
    return body.replace(old, new, 1)


def _pretty(body: bytes) -> bytes:
    return b"".join(json.dumps(json.loads(line), indent=2).encode() + b"\n" for line in body.splitlines())


class Case(NamedTuple):
    """Some bytes, and the ids that they violate with the verdicts, of the four families of framing and JSON."""

    name: str
    profile: str
    body: bytes
    verdicts: dict[str, str]


HONEST = [
    Case("a whole run", "ghostly", RUN, {}),
    Case("a whole build", "promptfloe", BUILD, {}),
    Case(
        "a comment of one line between events (verifiers#2056)",
        "ghostly",
        _only(b"event: assist", b": keepalive\nevent: assist"),
        {},
    ),
    Case(
        "empty lines between documents (etcd#11372, cucumber/common#1181)",
        "promptfloe",
        BUILD.replace(b"}\n", b"}\n\n"),
        {},
    ),
    Case("the same event field twice", "ghostly", _only(b"event: assist", b"event: assist\nevent: assist"), {}),
    Case(
        "blocks that a client drops, of empty lines alone", "ghostly", _only(b"event: assist", b"\n\nevent: assist"), {}
    ),
]

# Conforming by the standard's grammar; the note says who trips over it.
NOTED = [
    Case("CRLF", "ghostly", RUN.replace(b"\n", b"\r\n"), {"SSE-08": "NOTE"}),
    Case("CR", "ghostly", RUN.replace(b"\n", b"\r"), {"SSE-08": "NOTE"}),
    Case("a byte order mark", "ghostly", b"\xef\xbb\xbf" + RUN, {"SSE-09": "NOTE"}),
    Case(
        "a comment and an empty line, as sse-starlette and FastAPI write it",
        "ghostly",
        _only(b"event: assist", b": ping\n\nevent: assist"),
        {"SSE-11": "NOTE"},
    ),
    Case(
        "a field of one's own", "ghostly", _only(b"event: assist", b"kind: assist\nevent: assist"), {"SSE-13": "NOTE"}
    ),
    Case(
        "a field of one's own behind whole data",
        "agent-workspace",
        _only(b"\n\n", b"\npart: 1\n\n", FLEET),
        {"SSE-13": "NOTE"},
    ),
    Case("retry in a block of its own", "ghostly", b"retry: 3000\n\n" + RUN, {"SSE-14": "NOTE"}),
    Case("an id in a block of its own", "ghostly", _only(b"id: 2\n", b"\nid: 2\n"), {"SSE-14": "NOTE"}),
    Case(
        "retry of 24 days (modelcontextprotocol/ruby-sdk#504, typescript-sdk#2673)",
        "ghostly",
        _only(b"id: 1\n", b"id: 1\nretry: 2147483647\n"),
        {"SSE-17": "NOTE"},
    ),
    Case("retry of 0", "cosma", b"retry: 0\n" + QUEUE, {"SSE-17": "NOTE"}),
    Case(
        "retry of more digits than a number has", "ghostly", b"retry: " + b"9" * 5000 + b"\n" + RUN, {"SSE-17": "NOTE"}
    ),
    Case(
        "a data line of 70 kB (ragflow#15381, hertz#1441, openai-go#368, mcp-go#61)",
        "ghostly",
        _only(b'"seq":1,', b'"seq":1,' + b" " * 70_000),
        {"TRN-18": "NOTE"},
    ),
    Case("a document of 70 kB", "promptfloe", _only(b'"type"', b" " * 70_000 + b'"type"', BUILD), {"TRN-18": "NOTE"}),
    Case(
        "a control character in an id (undici#5746)",
        "ghostly",
        _only(b"id: 2\n", b"id: 2\x01\n"),
        {"SSE-15": "NOTE"},
    ),
    Case(
        "an id that is not ASCII (undici#5746, simonx1/ruby-mcp-client#200, whatwg/html#689)",
        "ghostly",
        _only(b"id: 2\n", "id: 2·\n".encode()),
        {"SSE-16": "NOTE"},
    ),
    Case("CRLF between documents", "promptfloe", BUILD.replace(b"}\n", b"}\r\n"), {"NDJ-05": "NOTE"}),
    Case(
        "65 levels",
        "cosma",
        _only(b'{"opcode": "info"', b'{"x": ' + b"[" * 64 + b"]" * 64 + b', "opcode": "info"', QUEUE),
        {"EVT-06": "NOTE"},
    ),
]

LOST = [
    Case(
        "a JSON error behind the events (gestalt#1749, eventsource-parser)",
        "ghostly",
        b"\n\n".join(BLOCKS[:3]) + b'\n\n{"error":"store unavailable"}\n',
        {"SSE-02": "FAIL"},
    ),
    Case(
        "an HTML page behind the events (laravel/framework#59291, EventSource#6)",
        "cosma",
        QUEUE + b"<!DOCTYPE html>\n<html>\n<body>Server Error</body>\n</html>\n",
        {"SSE-02": "FAIL"},
    ),
    Case(
        "a heartbeat in the middle of a data line (bifrost#5905)",
        "ghostly",
        _only(b'"seq":1,', b'"seq":1,: heartbeat\n\n'),
        {"SSE-02": "FAIL"},
    ),
    Case("a raw newline in a payload", "ghostly", _only(b'"seq":1,', b'"seq":1,\nnote: '), {"SSE-02": "FAIL"}),
    Case(
        "the last line of an error lacks its newline (grpc-gateway#2591)",
        "promptfloe",
        FAILED_BUILD.removesuffix(b"\n"),
        {"NDJ-01": "FAIL"},
    ),
    Case("a line that the capture cut", "promptfloe", BEGUN + BUILD[:40], {}),
    Case(
        "octets that are no UTF-8 in a line that the capture cut",
        "promptfloe",
        BEGUN + b'{"type":"caf\xe9 ',
        {"EVT-01": "FAIL"},
    ),
    Case("a character that the capture cut", "promptfloe", BEGUN + '{"type":"é'.encode()[:-1], {}),
    Case(
        "a whole line of a block that the capture cut",
        "ghostly",
        b"\n\n".join(BLOCKS[:3]) + b"\n\nretry: +3000\nid: x",
        {"SSE-03": "WARN"},
    ),
    Case(
        "a wrong form beside a number that no double holds",
        "promptfloe",
        _only(b'"summary":"', b'"cost":1e999,"summary":5,"was":"', BUILD),
        {"EVT-04": "WARN", "EVT-08": "FAIL"},
    ),
    Case(
        "200 levels",
        "promptfloe",
        _only(b'"summary"', b'"tree":' + b"[" * 200 + b"]" * 200 + b',"summary"', BUILD),
        {"EVT-06": "NOTE"},
    ),
    Case(
        "200 levels, and a comma too many",
        "promptfloe",
        _only(b'"summary"', b'"tree":' + b"[" * 200 + b"]" * 200 + b',,"summary"', BUILD),
        {"EVT-02": "FAIL", "EVT-06": "NOTE"},
    ),
    Case(
        "a document that is cut at U+2028 into two data lines (fastapi#16055)",
        "ghostly",
        _only(b'"payload"', b'"a":"before\ndata: after","payload"'),
        {"SSE-07": "FAIL"},
    ),
    # The sizes are numbers, so JSON; their lines end with CRLF, as those of the documents do not.
    Case(
        "the sizes of chunks in the body (dusty#193, nginx-push-stream-module#45)",
        "promptfloe",
        b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in BUILD.splitlines(keepends=True)),
        {"EVT-02": "FAIL", "EVT-07": "FAIL", "NDJ-05": "NOTE"},
    ),
    Case(
        "a name without data (graphql-sse#71, rn-eventsource-reborn#1, deno#23135)",
        "ghostly",
        RUN + b"event: closed\n\n",
        {"SSE-10": "WARN"},
    ),
    Case(
        "empty data (openclaw#52679)",
        "ghostly",
        _only(b"event: assist\n", b"event: assist\ndata:\n\nevent: assist\n"),
        {"EVT-02": "FAIL"},
    ),
    Case(
        "the repr of a Python dict (sseclient#21)",
        "cosma",
        b"event: update\ndata: {'opcode': 'info', 'data': {'message': 'one'}}\n\n",
        {"EVT-02": "FAIL"},
    ),
    Case("NaN", "promptfloe", _only(b'"summary"', b'"progress":NaN,"summary"', BUILD), {"EVT-02": "FAIL"}),
    # By the name that counts, `end`, the event is also not what its data says.
    Case(
        "a field injected by the event's name (symfony#65020)",
        "ghostly",
        _only(b"event: assist\n", b"event: assist\nevent: end\n"),
        {"SSE-05": "WARN", "SSE-06": "WARN"},
    ),
    Case(
        "documents over several lines (grpc-gateway#2438, datahelix#1650)",
        "promptfloe",
        _pretty(BUILD),
        {"NDJ-03": "FAIL"},
    ),
    Case(
        "a name twice in an object", "promptfloe", _only(b'"type"', b'"type":"plan","type"', BUILD), {"EVT-03": "WARN"}
    ),
    Case(
        "an integer that a double rounds",
        "promptfloe",
        _only(b'"summary"', b'"row":9007199254740993,"summary"', BUILD),
        {"EVT-04": "WARN"},
    ),
    Case("half an emoji", "promptfloe", _only(b'"summary"', b'"mood":"\\ud83d","summary"', BUILD), {"EVT-05": "WARN"}),
    Case("a sign before the digits of retry", "ghostly", b"retry: +3000\n" + RUN, {"SSE-03": "WARN"}),
    Case("NUL in an id", "ghostly", _only(b"id: 2\n", b"id: 2\0\n"), {"SSE-04": "WARN"}),
]


@pytest.mark.parametrize("case", [*HONEST, *NOTED, *LOST], ids=lambda case: case.name)
def test_a_capture_has_the_verdicts_that_are_right(case: Case, streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    file, report = tmp_path / "captured", tmp_path / "report.json"
    file.write_bytes(case.body)
    framing = "ndjson" if case.profile == "promptfloe" else "sse"
    only = "TRN,SSE,NDJ,EVT"
    ended = streamvet("judge", "--raw", framing, "--profile", case.profile, file, "--only", only, "--json", report)
    verdicts = {one["id"]: one["verdict"] for one in json.loads(report.read_text())["verdicts"]}
    assert {one: it for one, it in verdicts.items() if it in ("FAIL", "WARN", "NOTE", "ERROR")} == case.verdicts
    assert ended.code == (1 if "FAIL" in case.verdicts.values() else 0)


def test_bytes_of_a_line_that_never_ended_show_nothing_of_its_encoding(
    streamvet: Callable[..., Ended], tmp_path: Path
) -> None:
    file, report = tmp_path / "captured", tmp_path / "report.json"
    file.write_bytes(BUILD[:40])
    ended = streamvet("judge", "--raw", "ndjson", "--profile", "promptfloe", file, "--json", report)
    verdicts = {one["id"]: one["verdict"] for one in json.loads(report.read_text())["verdicts"]}
    assert (verdicts["EVT-01"], ended.code) == ("INCONCLUSIVE", 3)


class Known(NamedTuple):
    """Bytes of which something is known, the options that say it, and the ids that they violate with the code."""

    name: str
    profile: str
    body: bytes
    options: tuple[str, ...]
    violated: set[str]
    code: int


CHUNK = BUILD.replace(b'"type":"file"', b'"type":"chunk","delta":""', 1)
KNOWN = [
    Known("a run that just stops", "ghostly", b"\n\n".join(BLOCKS[:3]) + b"\n\n", (), set(), 0),
    Known(
        "a run that the server closed too early",
        "ghostly",
        b"\n\n".join(BLOCKS[:3]) + b"\n\n",
        ("--ended",),
        {"TRM-01"},
        1,
    ),
    Known("a line that the server left without its end", "promptfloe", BUILD[:40], ("--ended",), {"NDJ-01"}, 1),
    Known("a terminal event without its end", "promptfloe", BUILD.removesuffix(b"\n"), (), {"NDJ-01"}, 1),
    Known("a last block without its end", "ghostly", RUN.removesuffix(b"\n"), (), {"SSE-01"}, 1),
    Known("nothing", "ghostly", b"", (), set(), 3),
    Known("nothing of a server that closed", "ghostly", b"", ("--ended",), {"TRM-01"}, 1),
    Known("comments alone", "cosma", b": keepalive\n\n", (), set(), 3),
    Known("an order of the one kind of run", "ghostly", RUN.replace(BLOCKS[0] + b"\n\n", b"", 1), (), {"ORD-01"}, 1),
    Known("a piece of text in a build", "promptfloe", CHUNK, ("--start", "build"), {"ORD-01"}, 1),
    Known("the same of whatever kind", "promptfloe", CHUNK, (), set(), 0),
    Known("a build", "promptfloe", BUILD, ("--start", "build"), set(), 0),
]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_what_is_known_of_a_capture_is_judged(known: Known, streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    file, report = tmp_path / "captured", tmp_path / "report.json"
    file.write_bytes(known.body)
    framing = "ndjson" if known.profile == "promptfloe" else "sse"
    ended = streamvet("judge", "--raw", framing, "--profile", known.profile, *known.options, file, "--json", report)
    verdicts = {one["id"]: one["verdict"] for one in json.loads(report.read_text())["verdicts"]}
    assert ({one for one, it in verdicts.items() if it in ("FAIL", "ERROR")}, ended.code) == (
        known.violated,
        known.code,
    )
    if ended.code == 3:
        assert f"no event in {file}" in ended.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--raw", "ndjson", "--profile", "promptfloe", "--start", "plan"), "one of build, skill, augmenter, message"),
        (("--raw", "sse", "--profile", "cosma", "--start", "build"), "cosma starts no runs"),
        (("--start", "build"), "a trace says so itself"),
        (("--ended",), "a trace says so itself"),
    ],
)
def test_what_a_capture_cannot_be_is_refused(
    options: tuple[str, ...], said: str, streamvet: Callable[..., Ended], tmp_path: Path
) -> None:
    file = tmp_path / "captured"
    file.write_bytes(BUILD)
    ended = streamvet("judge", *options, file)
    assert (ended.code, said in " ".join(ended.err.split())) == (2, True)
