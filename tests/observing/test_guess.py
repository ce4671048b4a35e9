"""What is guessed of a stream: how types are told, what numbers events, which heartbeat it has, what ends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.observing.drift import drifts
from streamvet.observing.guess import guess
from streamvet.observing.inferring import schema_of
from streamvet.observing.numbering import EVENT_ID
from streamvet.observing.sample import framing_of, sampled
from streamvet.trace import Ending

from .made import NDJSON, SSE, block, exchange, guessed, line

if TYPE_CHECKING:
    from streamvet.observing.guess import Guess


def of(*pieces: bytes, ended: bool = True) -> Guess:
    """The guess of some pieces that come 100 ms apart."""
    headers = SSE if pieces and pieces[0][:1] != b"{" else NDJSON
    ending = Ending.COMPLETE if ended else Ending.CUT
    return guessed(exchange([(100 * at, one) for at, one in enumerate(pieces)], headers, ending=ending))


STEPS = [{"step": "clone", "detail": "x"}, {"step": "build", "detail": "y"}, {"step": "done", "version": 3}]
TYPES = {
    "the event field": (
        [block({"n": 1}, "progress"), block({"n": 2}, "progress"), block({"ok": True}, "done")],
        [{"from": "event-name"}], ["progress", "progress", "done"], "done",
    ),
    "a member that the event field repeats": (
        [block({"type": "message_start", "n": 1}, "message_start"), block({"type": "message_stop"}, "message_stop")],
        [{"from": "/type"}], ["message_start", "message_stop"], "message_stop",
    ),
    "a member of blocks that all have one name": (
        [block({"opcode": "a", "data": {}}, "update"), block({"opcode": "b", "data": {}}, "update")],
        [{"from": "/opcode"}], ["a", "b"], "b",
    ),
    "a member of blocks without names, and names of others": (
        [block({"type": "a", "x": 1}), block({"type": "b"}), block({"why": "x"}, "error")],
        [{"event": "message", "from": "/type"}, {"from": "event-name"}], ["a", "b", "error"], "error",
    ),
    "a sentinel that is no JSON": (
        [*[block({"id": "c1", "object": "chat.completion.chunk", "n": n}) for n in range(3)], block("[DONE]")],
        [{"text": "[DONE]", "type": "done"}, {"from": "/object"}], ["chat.completion.chunk"] * 3 + ["done"], "done",
    ),
    "plain text": (
        [block("Hello"), block("3"), block("world.")],
        [{"event": "message", "type": "text", "json": False}], ["text"] * 3, None,
    ),
    "a member that tells most, and another one": (
        [block({"jsonrpc": "2.0", "method": "progress"}), block({"jsonrpc": "2.0", "id": 7, "result": {}})],
        [{"from": "/method"}, {"has": ["/result"], "type": "result"}], ["progress", "result"], "result",
    ),
    "the one member of an object that each has": (
        [block({"result": {"task": {"id": "t"}}, "id": 1}), block({"result": {"status": {"of": "t"}}, "id": 1})],
        [{"has": ["/result/task"], "type": "task"}, {"has": ["/result/status"], "type": "status"}],
        ["task", "status"], "status",
    ),
    "a member inside, and a flag of the last one": (
        [block({"result": {"kind": "status", "final": False}}), block({"result": {"kind": "status", "final": True}})],
        [{"is": {"/result/final": True}, "type": "status-final"}, {"from": "/result/kind"}],
        ["status", "status-final"], "status-final",
    ),
    "a member that may be a state": (
        [line(one) for one in STEPS], [{"from": "/step"}], ["clone", "build", "done"], "done",
    ),
    "a state that tells nothing apart": (
        [line({"status": status, "n": n}) for n, status in enumerate(["up", "up", "down", "up"])],
        [{"type": "message"}], ["message"] * 4, None,
    ),
    "a flag": (
        [line({"response": "a", "done": False}), line({"response": "", "done": True})],
        [{"is": {"/done": True}, "type": "done"}, {"type": "message"}], ["message", "done"], "done",
    ),
    "one member each": (
        [line({"text": "a"}), line({"tool": {}}), line({"text": "b"})],
        [{"has": ["/text"], "type": "text"}, {"has": ["/tool"], "type": "tool"}], ["text", "tool", "text"], None,
    ),
    "members of the last one": (
        [*[line({"seq": n, "id": "a", "changes": []}) for n in range(3)], line({"last_seq": 2, "pending": 0})],
        [{"has": ["/last_seq"], "type": "last_seq"}, {"type": "message"}], ["message"] * 3 + ["last_seq"], "last_seq",
    ),
    "an id is no type": (
        [line({"name": f"n{n}", "size": n}) for n in range(6)], [{"type": "message"}], ["message"] * 6, None,
    ),
    "broken JSON is no word": (
        [block({"type": "a"}), block("{'type': 'a'}"), block({"type": "a"})],
        [{"from": "/type"}], ["a", None, "a"], None,
    ),
    "nothing": ([], [{"type": "message"}], [], None),
}  # fmt: skip


@pytest.mark.parametrize("case", TYPES)
def test_types_are_told(case: str) -> None:
    pieces, rows, kinds, last = TYPES[case]
    one = of(*pieces)
    assert (list(one.telling.rows), list(one.kinds), one.last) == (rows, kinds, last)


def test_what_is_open_has_no_end_and_bytes_alone_have_one_by_its_name() -> None:
    pieces = [block({}, "tick"), block({}, "tick"), block({}, "finished")]
    assert [of(*pieces, ended=ended).last for ended in (True, False)] == ["finished", None]
    assert of(*pieces, b": bye\n\n").last is None

    def of_bytes(*all_of_it: bytes) -> str | None:
        return guess(
            sampled(exchange([(0, b"".join(all_of_it))], ending=Ending.CUT), "sse", timed=False), ended=False
        ).last

    assert [of_bytes(*pieces), of_bytes(*pieces[:2], block({}, "summary"))] == ["finished", None]


NUMBERS: dict[str, tuple[list[bytes], list[tuple[str, int, int | None]]]] = {
    "a member": ([line({"type": "a", "seq": n}) for n in range(1, 5)], [("/seq", 1, 1)]),
    "the id": ([block({"x": "y"}, id_=n) for n in (10, 20, 40)], [(EVENT_ID, 10, None)]),
    "a member inside": ([line({"type": "a", "meta": {"offset": n}}) for n in (3, 4, 5)], [("/meta/offset", 3, 1)]),
    "a count of every event": ([line({"type": "a", "n_th": n}) for n in range(6)], [("/n_th", 0, 1)]),
    "a time is none": ([line({"type": "a", "created_at": n}) for n in range(6)], []),
    "a progress is none": ([line({"type": "a", "percent": n}) for n in (1, 20, 50, 60, 80, 100)], []),
    "what falls once is none": ([line({"type": "a", "seq": n}) for n in (1, 2, 2, 3)], []),
    "what some of a type lack is none": ([line({"type": "a", "seq": n} if n else {"type": "a"}) for n in range(4)], []),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_are_found(case: str) -> None:
    pieces, found = NUMBERS[case]
    assert [(one.place, one.first, one.step) for one in of(*pieces).numberings] == found


def test_what_all_events_share() -> None:
    assert of(*[line({"type": "a", "id": "c1", "item_id": f"i{n}"}) for n in range(4)]).shared == ("/id",)


PING, EVENT = b": ping 1700000000\n\n", block({"n": 1}, "progress")


def beats(*rows: tuple[int, bytes], headers: Any = None) -> tuple[str, str | None, int | None, str, str | None] | None:
    """Form, type, interval in ms, timer and pattern of the heartbeat of a stream."""
    beat = guessed(exchange(rows, headers or SSE, ending=Ending.CUT)).beat
    return None if beat is None else (beat.form, beat.kind, beat.interval_ms, beat.timer, beat.pattern)


PATTERN = r"^ ping [0-9]+$"
MEASURED: list[tuple[Any, Any]] = [
    # Each second, whatever else comes.
    ([(1003, PING), (1500, EVENT), (2001, PING), (2400, EVENT), (3004, PING), (4000, PING)],
     ("comment", None, 1000, "fixed", PATTERN)),
    # A second after the last thing that came.
    ([(0, EVENT), (1004, PING), (1700, EVENT), (2701, PING), (3705, PING)], ("comment", None, 1000, "idle", PATTERN)),
    ([(0, EVENT), (14_980, PING), (29_970, PING)], ("comment", None, 15_000, "", PATTERN)),
    ([(0, EVENT), (14_980, PING)], ("comment", None, 15_000, "", PATTERN)),
    ([(0, b": hello\n\n"), (10, EVENT), (700, b": ping\n\n"), (1400, b": ping\n\n")],
     ("comment", None, 700, "", "^ ping$")),
    ([(0, b": hello\n\n"), (10, EVENT)], None),
    ([(2, EVENT)], None),
    # An event of that name; what its data is says nothing.
    ([(0, EVENT), (500, block({}, "heartbeat")), (1000, block({}, "heartbeat"))],
     ("event", "heartbeat", 500, "", None)),
    ([(0, EVENT), (2000, b"\n"), (4000, b"\n"), (6001, b"\n")], ("blank", None, 2000, "", None)),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "found"), MEASURED)
def test_a_heartbeat_is_measured(rows: Any, found: Any) -> None:
    assert beats(*rows) == found


def test_a_heartbeat_of_ndjson_is_an_object_or_an_empty_line() -> None:
    pings = [(at_ms, line({"type": "keepalive"})) for at_ms in (3000, 6000, 9000)]
    assert beats((0, line({"type": "a"})), *pings, headers=NDJSON) == ("object", "keepalive", 3000, "", None)
    assert beats((0, line({"type": "a"})), (3000, b"\n"), (6000, b"\n"), headers=NDJSON) == (
        "blank",
        None,
        3000,
        "",
        None,
    )


def test_types_drift() -> None:
    events = [{"type": "a", "percent": 1, "note": None}, {"type": "a", "percent": "2"}, {"type": "a", "percent": 3}]
    assert list(drifts(of(*map(line, events)))) == [
        "a: /percent is a number, then a text from event 2 on",
        "a: /note in 1 of 3",
    ]
    assert list(drifts(of(*[line({"type": "a", "x": [n]}) for n in range(3)]))) == []


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        ([1, 2.5], {"type": "number"}),
        (["2026-01-01T00:00:00Z"], {"type": "string", "format": "date-time"}),
        ([None, "x"], {"type": ["null", "string"]}),
        ([[1], []], {"type": "array", "items": {"type": "integer"}}),
        ([{"a": 1, "b": "x"}, {"a": 1}],
         {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}),
        ([{"1": "x", "22": "y", "31": "z"}], {"type": "object", "additionalProperties": {"type": "string"}}),
    ],
)  # fmt: skip
def test_a_schema_says_what_values_have_in_common(values: list[Any], schema: dict[str, Any]) -> None:
    assert schema_of(values) == schema


@pytest.mark.parametrize(
    ("media_type", "body", "ended", "framing"),
    [
        ("text/event-stream", b"", True, "sse"),
        ("application/jsonl", b"", True, "ndjson"),
        ("text/plain", b"data: x\n\n", True, "sse"),
        ("application/json", b'{"a":1}\n{"a":2}\n', True, "ndjson"),
        ("application/json", b'{"a":1}\n', False, "ndjson"),
        ("application/json", b'{"a":1}\n', True, None),
        ("text/html", b"<html>\n<p>\n", True, None),
        ("text/plain", b"1\n2\n", True, None),
        ("", b"\xff\xfe\n\0", True, None),
    ],
)
def test_framings_are_known_by_type_then_by_bytes(
    media_type: str, body: bytes, ended: bool, framing: str | None
) -> None:
    assert framing_of(media_type, body, ended=ended) == framing


def test_json_of_any_depth_and_size_is_taken() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"a": deep}
    wide = {f"k{n}": n for n in range(500)}
    one = of(line(deep), line(wide), json.dumps("x" * 100_000).encode() + b"\n")
    assert len(one.kinds) == 3
