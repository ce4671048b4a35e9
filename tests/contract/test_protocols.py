"""Protocols that people have, as profiles: each fits, a stream of it holds, and the smallest wrong edit is found.

The profiles are in `tests/profiles/`; the streams are written by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from streamvet.cli import call
from streamvet.contract.loading import load_profile

PROFILES = Path(__file__).resolve().parents[1] / "profiles"
PROTOCOLS = sorted({path.parent.name for path in PROFILES.glob("*/profile.yaml")} - {"house", "orders"})


class Stream(NamedTuple):
    """A stream as it should be: its types, and edits (old, new) of which each violates one requirement."""

    text: str
    types: list[str]
    wrong: list[tuple[str, str, str]]  # the id, and what is put in the place of what


def sse(*data: str, name: str = "") -> str:
    return "".join(f"{f'event: {name}' + chr(10) if name else ''}data: {one}\n\n" for one in data)


def ndjson(*lines: str) -> str:
    return "".join(f"{one}\n" for one in lines)


def rpc(rest: str) -> str:
    return f'{{"jsonrpc":"2.0",{rest}}}'


CHUNK = '{"id":"a","created":1,"choices":[{"index":0,"delta":{"content":"he"},"finish_reason":null}]}'
LAST = '{"id":"a","created":1,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
PROGRESS = '"method":"notifications/progress","params":{"progressToken":"t","progress":'
TASK = '"id":1,"result":'


def named(*events: tuple[str, str]) -> str:
    return "".join(sse(data, name=name) for name, data in events)


def responses(*rest: str) -> str:
    rows = [f'{{"sequence_number":{number},{one}}}' for number, one in enumerate(rest)]
    return named(*((json.loads(row)["type"], row) for row in rows))


TEXT = '"type":"response.output_text'
STREAMS = {
    "chat": Stream(
        sse(CHUNK, CHUNK, LAST, '{"id":"a","created":1,"choices":[],"usage":{}}', "[DONE]"),
        ["chunk", "chunk", "last", "usage", "done"],
        [
            ("ORD-01", sse(LAST), sse(CHUNK)),
            ("TRM-02", sse("[DONE]"), sse("[DONE]", "[DONE]")),
            ("EVT-02", sse("[DONE]"), sse("[END]", "[DONE]")),
            ("EVT-13", LAST, LAST.replace('"a"', '"b"')),
            ("TRM-01", sse("[DONE]"), ""),
        ],
    ),
    "generate": Stream(
        ndjson('{"model":"m","response":"a","done":false}', '{"model":"m","done":true,"eval_count":1}'),
        ["part", "last"],
        [
            ("EVT-07", '"done":false', '"done":"no"'),
            ("EVT-08", ',"eval_count":1', ""),
            ("TRM-01", '"done":true,"eval_count":1', '"done":false,"response":"b"'),
        ],
    ),
    "tool-call": Stream(
        "id: 1\ndata:\n\n" + named(*(("message", rpc(one)) for one in (
            PROGRESS + "1}", PROGRESS + "2}", '"method":"notifications/message","params":{}', '"id":7,"result":{}'
        ))),
        ["priming", "notifications/progress", "notifications/progress", "notifications/message", "result"],
        [
            ("ORD-02", '"progress":2', '"progress":1'),
            ("SSE-06", "event: message", "event: progress"),
            ("TRM-01", '"id":7,"result":{}', '"method":"notifications/end"'),
        ],
    ),
    "responses": Stream(
        responses(
            '"type":"response.created","response":{"id":"r"}',
            '"type":"response.output_item.added","output_index":0',
            f'{TEXT}.delta","output_index":0,"content_index":0',
            f'{TEXT}.delta","output_index":0,"content_index":1',
            f'{TEXT}.done","output_index":0,"content_index":0',
            f'{TEXT}.done","output_index":0,"content_index":1',
            '"type":"response.output_item.done","output_index":0',
            '"type":"response.completed","response":{"id":"r"}',
        ),
        ["response.created", "response.output_item.added", *["response.output_text.delta"] * 2,
         *["response.output_text.done"] * 2, "response.output_item.done", "response.completed"],
        [
            ("ORD-01", '.done","output_index":0,"content_index":1', '.done","output_index":0,"content_index":0'),
            ("ORD-03", '"sequence_number":7', '"sequence_number":8'),
            ("EVT-13", 'completed","response":{"id":"r"}', 'completed","response":{"id":"s"}'),
        ],
    ),
    "tasks": Stream(
        sse(*(rpc(TASK + one) for one in (
            '{"task":{"id":"t"}}', '{"statusUpdate":{"status":{"state":"TASK_STATE_WORKING"}}}',
            '{"artifactUpdate":{}}', '{"statusUpdate":{"status":{"state":"TASK_STATE_COMPLETED"}}}',
        ))),
        ["task", "status.TASK_STATE_WORKING", "artifact", "status.TASK_STATE_COMPLETED"],
        [("ORD-01", '{"task":{"id":"t"}}', '{"artifactUpdate":{}}'), ("EVT-07", '{"artifactUpdate":{}}', "{}")],
    ),
    "interface": Stream(
        sse('{"type":"start"}', '{"type":"text-start","id":"1"}', '{"type":"text-delta","id":"1"}',
            '{"type":"data-weather"}', '{"type":"text-end","id":"1"}', '{"type":"finish"}', "[DONE]"),
        ["start", "text-start", "text-delta", "data-weather", "text-end", "finish", "over"],
        [
            ("ORD-01", '{"type":"text-delta","id":"1"}', '{"type":"text-delta","id":"2"}'),
            ("EVT-11", '"data-weather"', '"weather"'),
            ("ORD-09", '{"type":"text-end","id":"1"}', '{"type":"data-end"}'),
        ],
    ),
    "engine": Stream(
        ndjson('{"Type":"volume","Action":"create","Actor":{"ID":"v"}}',
               '{"Type":"container","Action":"start","Actor":{"ID":"c"}}',
               '{"Type":"volume","Action":"destroy","Actor":{"ID":"v"}}'),
        ["volume.create", "start", "volume.destroy"],
        [("ORD-01", '"container","Action":"start","Actor":{"ID":"c"}', '"volume","Action":"create","Actor":{"ID":"v"}'),
         ("EVT-07", '"Type":"container"', '"Type":"plugin"')],
    ),
    "watch": Stream(
        ndjson('{"result":{"created":true}}', '{"result":{"events":[{}]}}', '{"result":{}}'),
        ["created", "change", "progress"],
        [("ORD-01", '{"result":{"created":true}}\n', ""), ("EVT-07", '{"result":{}}', '{"header":{}}')],
    ),
    "changes": Stream(
        "\n" + ndjson('{"seq":1,"id":"a"}', "", '{"seq":2,"id":"a","deleted":true}', '{"last_seq":2}'),
        ["change", "deleted", "last"],
        [("EVT-08", '"id":"a"}', '"of":"a"}'), ("EVT-07", '{"last_seq":2}', '[{"last_seq":2}]')],
    ),
    "predict": Stream(
        named(("generating", "[1]"), ("heartbeat", "null"), ("heartbeat", ""), ("complete", "[3]")),
        ["generating", "heartbeat", "heartbeat", "complete"],
        [("EVT-11", "event: generating", "event: generated"), ("EVT-02", "[1]", "[1,]")],
    ),
}  # fmt: skip

STREAMS |= {
    "session-call": Stream(
        STREAMS["tool-call"].text.replace('"id":7', '"id":"7"'),
        STREAMS["tool-call"].types,
        [
            ("EVT-08", '"id":"7"', '"id":7'),
            ("TRM-01", '"id":"7","result":{}', '"method":"notifications/end"'),
        ],
    ),
    "jobs": Stream(
        ndjson('{"step":1}', "", '{"beat":true}', '{"end":"a"}'),
        ["step", "beat", "end"],
        [("EVT-08", '{"step":1}', '{"step":"1"}'), ("TRM-03", '{"end":"a"}', '{"end":"a"}\n{"step":2}')],
    ),
    "log": Stream(
        'id: 1\ndata: {"type":"line","text":"a"}\n\nid: 2\ndata: {"type":"line","text":"b"}\n\n',
        ["line", "line"],
        [("EVT-08", '"text":"a"', '"txt":"a"'), ("EVT-07", '"type":"line"', '"of":"line"')],
    ),
}

TOPIC = '"id":"a","time":1,"topic":"one"'
VERSION = '"object":{"kind":"ConfigMap","metadata":{"resourceVersion":'
STREAMS |= {
    "queue": Stream(
        sse('{"msg":"estimation"}', '{"msg":"process_starts"}', '{"msg":"heartbeat"}',
            '{"msg":"process_completed","success":true,"output":{}}', '{"msg":"close_stream"}'),
        ["estimation", "process_starts", "heartbeat", "process_completed", "close_stream"],
        [("ORD-01", sse('{"msg":"process_starts"}'), ""), ("EVT-08", '"success":true,', ""),
         ("TRM-01", sse('{"msg":"close_stream"}'), "")],
    ),
    "offsets": Stream(
        named(("control", '{"streamNextOffset":"1"}'), ("data", '[{"type":"line"}]'),
              ("control", '{"streamNextOffset":"2"}')),
        ["control", "data", "control"],
        [("EVT-08", '"streamNextOffset":"2"', '"streamNextOffset":2'), ("EVT-11", "event: data", "event: datum")],
    ),
    "hub": Stream(
        "id: a\ndata: any text\n\nid: b\ndata: {\n\nevent: retracted\nid: c\ndata: {}\n\n",
        ["update", "update", "retracted"],
        [("EVT-08", "data: {}", "data: []"), ("EVT-02", "data: {}", "data: gone")],
    ),
    "topics": Stream(
        ndjson(f'{{{TOPIC},"event":"open"}}', f'{{{TOPIC},"event":"keepalive"}}',
               f'{{{TOPIC},"event":"message","message":"m"}}'),
        ["open", "keepalive", "message"],
        [("ORD-01", f'{{{TOPIC},"event":"open"}}\n', ""), ("EVT-08", ',"message":"m"', "")],
    ),
    "resources": Stream(
        ndjson(f'{{"type":"ADDED",{VERSION}"7"}}}}}}', f'{{"type":"BOOKMARK",{VERSION}"9"}}}}}}',
               '{"type":"ERROR","object":{"kind":"Status","code":410}}'),
        ["ADDED", "BOOKMARK", "ERROR"],
        [("EVT-08", '"resourceVersion":"7"', '"resourceVersion":7'), ("EVT-11", '"BOOKMARK"', '"MARK"')],
    ),
    "edits": Stream(
        ": ok\n\n" + 'id: [{"offset":1}]\n' + sse('{"meta":{"id":"a","dt":"2026-07-30T08:00:00Z"}}'),
        ["edit"],
        [("EVT-08", '"id":"a",', ""), ("EVT-07", '"meta"', '"of"')],
    ),
    "handlers": Stream(
        sse('{"type":"Progress","value":{"n":0}}', '{"type":"Progress","value":{"n":1}}',
            '{"type":"StopEvent","value":{}}'),
        ["Progress", "Progress", "StopEvent"],
        [("ORD-03", '"n":1', '"n":2'), ("TRM-01", '"StopEvent"', '"Progress"'), ("EVT-08", '"value":{}', '"value":0')],
    ),
}  # fmt: skip


PART = '{"candidates":[{"content":{"parts":[{"text":"he"}]},"index":0}],"modelVersion":"small","responseId":"r"}'
ENDED = '{"candidates":[{"content":{},"finishReason":"STOP"}],"modelVersion":"small","responseId":"r"}'
LINE = '"created":1,"payload":{}'
POST = '{"data":{"id":"1","text":"a"},"matching_rules":[]}'
LEDGER = '"paging_token":"{0}","sequence":{0}'


def replies(*rest: str) -> str:
    return named(*((json.loads(f"{{{one}}}")["type"], f"{{{one}}}") for one in rest))


def tokens(*rest: str) -> str:
    rows = (
        f'{{"index":{number},"token":{{"id":7,"text":"a","special":false}},{one}}}'
        for number, one in enumerate(rest, 1)
    )
    return sse(*rows)


STREAMS |= {
    "contents": Stream(
        sse(PART, PART, ENDED), ["part", "part", "last"],
        [("EVT-13", ENDED, ENDED.replace('"r"', '"s"')), ("TRM-01", sse(ENDED), "")],
    ),
    "replies": Stream(
        replies(
            '"type":"message-start","id":"m"', '"type":"content-start","index":0', '"type":"content-delta","index":0',
            '"type":"content-end","index":0', '"type":"message-end","delta":{"finish_reason":"COMPLETE"}',
        ),
        ["message-start", "content-start", "content-delta", "content-end", "message-end"],
        [("ORD-01", '"content-delta","index":0', '"content-delta","index":1'),
         ("SSE-06", "event: message-end", "event: end")],
    ),
    "predictions": Stream(
        named(("output", "any text"), ("output", "{"), ("done", "{}")),
        ["output", "output", "done"],
        [("EVT-08", "data: {}", 'data: {"reason":"none"}'), ("TRM-01", named(("done", "{}")), "")],
    ),
    "assistants": Stream(
        named(("thread.run.created", '{"id":"r","object":"thread.run"}'),
              ("thread.message.delta", '{"id":"m","object":"thread.message.delta"}'),
              ("thread.run.completed", '{"id":"r","object":"thread.run"}'), ("done", "[DONE]")),
        ["thread.run.created", "thread.message.delta", "thread.run.completed", "done"],
        [("TRM-01", named(("done", "[DONE]")), ""),
         ("ORD-01", "event: thread.run.created", "event: thread.message.created")],
    ),
    "deployments": Stream(
        ndjson(f'{{"type":"command",{LINE}}}', f'{{"type":"stdout",{LINE}}}', "",
               '{"type":"deployment-state","created":2,"payload":{"info":{"readyState":"READY"}}}'),
        ["command", "stdout", "state.READY"],
        [("TRM-01", '"READY"', '"BUILDING"'), ("EVT-08", '"created":1', '"created":"1"')],
    ),
    "allocations": Stream(
        ndjson('{"Index":7,"Events":[{"Topic":"Job","Type":"JobRegistered"}]}', "{}",
               '{"Index":9,"Events":[{"Topic":"Job","Type":"JobDeregistered"}]}'),
        ["events", "beat", "events"],
        [("ORD-02", '"Index":9', '"Index":6'), ("EVT-08", "{}", '{"Index":8}')],
    ),
    "home": Stream(
        sse("ping", '{"event_type":"streamvet","data":{},"origin":"REMOTE","time_fired":"2026-07-30T08:00:00Z"}'),
        ["ping", "streamvet"],
        [("EVT-08", '"REMOTE"', '"remote"'), ("EVT-02", sse("ping"), sse("pong"))],
    ),
    "ledgers": Stream(
        named(("open", '"hello"'))
        + "".join(f'id: {one}\ndata: {{"id":"l",{LEDGER.replace("{0}", str(one))}}}\n\n' for one in (4, 5))
        + named(("close", '"byebye"')),
        ["hello", "ledger", "ledger", "byebye"],
        [("ORD-01", named(("open", '"hello"')), ""), ("ORD-03", '"sequence":5', '"sequence":6')],
    ),
    "filtered": Stream(
        ndjson(POST, "", '{"errors":[{"title":"operational-disconnect","type":"t"}]}'),
        ["post", "errors"],
        [("EVT-08", ',"matching_rules":[]', ""), ("TRM-02", POST, '{"errors":[{"title":"a","type":"t"}]}')],
    ),
    "tokens": Stream(
        tokens('"generated_text":null', '"generated_text":"aa"'), ["token", "last"],
        [("ORD-03", '"index":2', '"index":3'), ("TRM-01", '"generated_text":"aa"', '"generated_text":null')],
    ),
}  # fmt: skip


def test_each_of_them_has_a_stream() -> None:
    assert list(STREAMS) == sorted(STREAMS, key=list(STREAMS).index)
    assert sorted(STREAMS) == PROTOCOLS


def violated(name: str, text: str, folder: Path) -> set[str]:
    """The ids with findings, of a whole stream."""
    body, report = folder / "body", folder / "report.json"
    body.write_bytes(text.encode())
    profile = load_profile(str(PROFILES / name))
    start = ["--start", profile.starts[0].kind] if profile.starts else []
    ended = [] if profile.streams == "ambient" else ["--ended"]
    code = call(["judge", "--raw", profile.framing, "--profile", str(PROFILES / name), *start, *ended, str(body),
                 "--json", str(report)])  # fmt: skip
    assert code in (0, 1)
    verdicts = json.loads(report.read_text(encoding="utf-8"))["verdicts"]
    return {row["id"] for row in verdicts if row["findings"] and row["verdict"] == "FAIL"}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_stream_of_a_protocol_holds(name: str, tmp_path: Path) -> None:
    assert call(["check-profile", str(PROFILES / name)]) == 0
    assert violated(name, STREAMS[name].text, tmp_path) == set()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_its_events_have_types(name: str) -> None:
    profile = load_profile(str(PROFILES / name))
    found = []
    blocks = STREAMS[name].text.split("\n\n") if profile.framing == "sse" else STREAMS[name].text.split("\n")
    for block in filter(None, blocks):
        if block.startswith(":"):
            continue
        fields = dict(line.partition(":")[::2] for line in block.split("\n"))
        text = fields["data"].strip() if profile.framing == "sse" else block
        event = fields.get("event", "").strip() if profile.framing == "sse" else ""
        unread = profile.unread_kind(event, text)
        found.append(unread or profile.kind_of(json.loads(text), event, text))
    assert found == STREAMS[name].types


CASES = [(name, number) for name in STREAMS for number in range(len(STREAMS[name].wrong))]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_stream_with_one_wrong_place_is_found(name: str, number: int, tmp_path: Path) -> None:
    requirement, old, new = STREAMS[name].wrong[number]
    assert old in STREAMS[name].text
    assert requirement in violated(name, STREAMS[name].text.replace(old, new, 1), tmp_path)
