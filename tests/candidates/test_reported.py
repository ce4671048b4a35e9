"""Faults from public reports, in what fakes of further known protocols send: each is found by its id alone.

No server: a fake's bytes are judged as captures, and what bytes alone do not show as traces. The honest twin, which is
what the fault is an edit of, is green. `fakes.py` has the protocols whose fakes are servers.
"""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING, NamedTuple

import pytest

import streamvet
from streamvet.contract.files import schemas_folder
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.systems import judge_of
from streamvet.trace import Ending, Exchange, Head, Request, Trace

from .fakes import FAKES, Fake, again, swapped, without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

KNOWN = schemas_folder() / "known"
LEAST = 5  # reported faults of each protocol here


class Sent(NamedTuple):
    """What a fake sends: a right capture, and an edit of its blocks. `found`: by which id; `report`: where it was."""

    protocol: str
    name: str
    capture: str
    found: str
    report: str
    edit: Callable[[list[str]], list[str]]
    tail: str = "\n\n"  # behind the last block


def put(number: int, block: str) -> Callable[[list[str]], list[str]]:
    """The blocks with one more before another."""
    return lambda blocks: [*blocks[:number], block, *blocks[number:]]


def doubled(*numbers: int) -> Callable[[list[str]], list[str]]:
    """The blocks with some of them twice in a row."""

    def edit(blocks: list[str]) -> list[str]:
        twice = {number % len(blocks) for number in numbers}
        return [one for number, block in enumerate(blocks) for one in [block] * (1 + (number in twice))]

    return edit


def fresh_ids(blocks: list[str]) -> list[str]:
    """The deltas of a text, each as of a text of its own, and nothing that begins or ends one."""
    kept = [one for one in blocks if "text-start" not in one and "text-end" not in one]
    return [one.replace('"id":"t1"', f'"id":"t{number}"') for number, one in enumerate(kept)]


OVER_TIME = 'data: {"jsonrpc":"2.0","id":"1","result":{"error":"task timed out"}}'
FINISH_STEP = 'data: {"type":"finish-step"}'

SENT = [
    Sent("a2a", "a status before the task", "a-task", "ORD-01", "a2aproject/a2a-python#409", without(0)),
    Sent("a2a", "no context in a status", "a-task", "EVT-08", "a2aproject/a2a-dotnet#347",
         swapped('"contextId":"c1","status":{"state":"TASK_STATE_W', '"contextId":"","status":{"state":"TASK_STATE_W')),
    Sent("a2a", "an error as a result", "a-task", "EVT-07", "topcheer/ggcode#73", put(2, OVER_TIME)),
    Sent("a2a", "the end twice", "a-task", "TRM-02", "a2aproject/a2a-java#1082", doubled(-1)),
    Sent("a2a", "no empty line behind the last event", "a-task", "SSE-01", "a2aproject/a2a-python#1213",
         without(), tail="\n"),
    Sent("a2a", "an event of version 0.3", "a-task", "EVT-07", "a2aproject/a2a-inspector#104",
         put(2, 'data: {"jsonrpc":"2.0","id":"1","result":{"kind":"status-update","taskId":"t1"}}')),
    Sent("ai-sdk-ui", "the end of a text without its start", "text", "ORD-01", "ctxpipe-ai/ctxpipe#151",
         without(2, 3, 4)),
    Sent("ai-sdk-ui", "another text in each delta", "text", "ORD-01", "neuron-core/neuron-ai#610", fresh_ids),
    Sent("ai-sdk-ui", "cut off where the model fails", "text", "TRM-01", "laravel/ai#906", without(-1, -2, -3, -4)),
    Sent("ai-sdk-ui", "a result of undefined", "tool-call", "EVT-08", "vercel/ai#15854",
         swapped(',"output":{"sun":true}', "")),
    Sent("ai-sdk-ui", "a second start", "text", "ORD-01", "grafana/ai-sdk#180", again(0, 1)),
    Sent("ai-sdk-ui", "a step that ends twice", "text", "ORD-01", "redpanda-data/ai-sdk-go#132", put(-2, FINISH_STEP)),
    Sent("ai-sdk-ui", "no start", "text", "ORD-01", "mastra-ai/mastra#12069", without(0)),
    Sent("ai-sdk-ui", "reasoning that ends behind its step", "reasoning", "ORD-01", "vercel/ai#13837",
         lambda blocks: [*blocks[:4], FINISH_STEP, blocks[4], *blocks[-2:]]),
    Sent("docker-events", "two events on one line", "an-image-and-the-engine", "NDJ-02", "moby/moby#40840",
         lambda blocks: ["".join(blocks)]),
    Sent("docker-events", "a volume that is created twice", "a-volume", "ORD-01", "moby/moby#40047", again(0, 1)),
    Sent("docker-events", "died in place of die", "a-container", "ORD-01", "podman-container-tools/podman#10168",
         swapped('"Action":"die"', '"Action":"died"')),
    Sent("docker-events", "times for people", "a-volume", "EVT-08", "podman-container-tools/podman#14993",
         swapped('"time":1753900001', '"time":"2025-07-30 18:26:41 +0000 UTC"')),
    Sent("docker-events", "events without a type", "a-volume", "EVT-07", "moby/moby#18164",
         swapped('"Type":"volume","Action":"mount",', '"status":"mount",')),
    Sent("langgraph", "no metadata", "updates", "ORD-01", "aegra/aegra#45", without(0)),
    Sent("langgraph", "a number that is none", "updates", "EVT-02", "yeongseon/azure-functions-langgraph-python#188",
         swapped('["Gr"]', "[NaN]")),
    Sent("nchan", "a greeting inside a message", "messages", "EVT-02", "slact/nchan#637",
         swapped('"text":"üße 🚀"}', '"text":"üß: hi')),
    Sent("couchdb-changes", "all changes in one object", "changes", "NDJ-03", "apache/pouchdb#685",
         lambda lines: ['{"results":[', ",\n".join(lines), '],"last_seq":"4-g1AAAA"}']),
    Sent("ag-ui", "no end", "text", "TRM-01", "ag-ui-protocol/ag-ui#2531", without(-1)),
    Sent("mcp-streamable-http", "a response of no JSON-RPC", "a-call", "EVT-08", "upstash/context7#787",
         lambda blocks: [*blocks[:-1], blocks[-1].replace('"jsonrpc":"2.0",', "")]),
]  # fmt: skip


def body_of(sent: Sent, *, honest: bool = False) -> str:
    """The bytes of a fake, or of its honest twin."""
    framing = load_profile(sent.protocol).framing
    path = KNOWN / sent.protocol / "captures" / "right" / f"{sent.capture}.{framing}"
    parted, tail = ("\n\n", sent.tail) if framing == "sse" else ("\n", "\n")
    blocks = path.read_text(encoding="utf-8").rstrip("\n").split(parted)
    return parted.join(blocks if honest else sent.edit(blocks)) + ("\n\n" if honest and framing == "sse" else tail)


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: f"{sent.protocol}: {sent.name}")
def test_bytes_of_a_fake_are_found_by_one_id(sent: Sent, tmp_path: Path) -> None:
    profile = load_profile(sent.protocol)
    ended = profile.streams != "ambient"
    for honest in (True, False):
        path = tmp_path / f"{honest}.{profile.framing}"
        path.write_text(body_of(sent, honest=honest), encoding="utf-8")
        report = streamvet.judge(path, raw=profile.framing, profile=profile, ended=ended)  # type: ignore[arg-type]
        failed = {one for one, verdict in report.verdicts.items() if verdict in ("FAIL", "WARN")}
        assert failed == (set() if honest else {sent.found})
        assert "PASS" in report.verdicts.values()


# ---------------------------------------------------------------------------------------------- traces

SSE = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))
RUN = {"run": "r1", "run_id": "1f0c", "account": "primary"}
FIRST, SECOND, THIRD = (
    f'id: 1753900000:{number}\ndata: {{"type":"line","text":"{number}"}}\n\n' for number in range(3)
)
METADATA = 'id: 1753900000000-0\nevent: metadata\ndata: {"run_id":"1f0c","attempt":1}\n\n'
UPDATE = 'id: 1753900000000-1\nevent: updates\ndata: {"a":{"log":["Gr"]}}\n\n'
LATER = 'id: 1753900000000-2\nevent: updates\ndata: {"b":{"log":["r"]}}\n\n'
ERROR = 'id: 1753900000000-3\nevent: error\ndata: {"error":"ValueError","message":"it broke"}\n\n'
END = 'id: 1753900000000-3\nevent: end\ndata: {"status":"error"}\n\n'


def told(
    number: int, role: str, *blocks: str, status: int = 200, head: Sequence[tuple[str, str]] = SSE, cut: bool = False,
    late_us: int = 1000, **about: object,
) -> Exchange:  # fmt: skip
    """A stream as its reader has it; the readers of a trace come one after the other. `late_us`: the head."""
    begun_us, head_us = number * 100_000, number * 100_000 + late_us
    body = "".join(blocks).encode()
    return Exchange(
        id=f"x{number}", operation="resume" if "cursor" in about else "attach", role=role,
        about={"meant": "stream", "account": "primary", **about}, request=Request("GET", "http://fake/", (), None),
        sent_us=begun_us, head=Head(status, "HTTP/1.1", tuple(head), head_us), body=body,
        ends=array("q", [len(body)] if body else []), times=array("q", [head_us + 1000] if body else []),
        ending=Ending.CUT if cut else Ending.COMPLETE, ended_us=head_us + 49_000, detail="it has what was due",
    )  # fmt: skip


class Recorded(NamedTuple):
    """What readers of a fake have, and what those of its honest twin have."""

    protocol: str
    name: str
    found: str
    report: str
    good: tuple[Exchange, ...]
    bad: tuple[Exchange, ...]
    outcome: str | None = None


def everybody(number: int, role: str, *blocks: str, **more: object) -> Exchange:
    """A reader of a channel, cut when it has what was due."""
    due = {"run": "ambient", "due_us": number * 100_000 + 40_000, "until": "1753900000:2"}
    return told(number, role, *blocks, cut=True, **(due | more))  # type: ignore[arg-type]


def of_changes(number: int, role: str, *lines: str, **more: object) -> Exchange:
    """A reader of the changes of a database, cut when it has what was due."""
    json = (("Content-Type", "application/json"), *SSE[1:])
    return everybody(number, role, *lines, **({"head": json, "until": "3-g1AAAA"} | more))


def of_run(number: int, role: str, *blocks: str, **more: object) -> Exchange:
    """A reader of a run, to its end."""
    return told(number, role, *blocks, **(RUN | more))  # type: ignore[arg-type]


WITNESS = everybody(1, "reader", FIRST, SECOND, THIRD)
BACK = {"cursor": "1753900000:0", "cursor_from": "seen", "after": 1}
GOOD_CHANNEL = (WITNESS, everybody(2, "resumed", SECOND, THIRD, **BACK))
CHANGES = [f'{{"seq":"{number}-g1AAAA","id":"d{number}","changes":[{{"rev":"1-a"}}]}}\n' for number in (1, 2, 3)]
CHANGED = of_changes(1, "reader", *CHANGES)
SINCE = {"cursor": "1-g1AAAA", "cursor_from": "seen", "after": 1}
GOOD_FEED = (CHANGED, of_changes(2, "resumed", *CHANGES[1:], **SINCE))
GOOD_RUN = (of_run(1, "reader", METADATA, UPDATE, LATER), of_run(2, "after", METADATA, UPDATE, LATER, finished=True))
GOOD_FAILURE = (
    of_run(1, "reader", METADATA, UPDATE, ERROR), of_run(2, "after", METADATA, UPDATE, ERROR, finished=True),
)  # fmt: skip
RESUMED = {"cursor": "1753900000000-1", "cursor_from": "seen", "after": 2}
GOOD_RESUME = (GOOD_RUN[0], of_run(2, "resumed", LATER, finished=True, **RESUMED))
SAME_ID = LATER.replace("0000-2", "0000-1")

RECORDED = [
    Recorded("nchan", "no stream over HTTP/2", "TRN-01", "slact/nchan#576", GOOD_CHANNEL,
             (everybody(1, "reader", status=204),)),
    Recorded("nchan", "another media type", "TRN-02", "slact/nchan#148", GOOD_CHANNEL,
             (everybody(1, "reader", FIRST, SECOND, THIRD, head=(("Content-Type", "text/plain"), *SSE[1:])),)),
    Recorded("nchan", "nothing after a reconnection", "CAT-05", "slact/nchan#418", GOOD_CHANNEL,
             (WITNESS, everybody(2, "resumed", **BACK))),
    Recorded("nchan", "everything again", "CAT-06", "slact/nchan.js#5", GOOD_CHANNEL,
             (WITNESS, everybody(2, "resumed", FIRST, SECOND, THIRD, **BACK))),
    Recorded("couchdb-changes", "a request that is refused", "TRN-01", "couchbase/couchbase-lite-java-core#1102",
             GOOD_FEED, (of_changes(1, "reader", '{"error":"bad_request"}', status=400),)),
    Recorded("couchdb-changes", "a head that waits for a heartbeat", "TRN-20", "apache/couchdb#985", GOOD_FEED,
             (of_changes(1, "reader", "\n", *CHANGES, late_us=1_000_000),)),
    Recorded("couchdb-changes", "a change that is missed", "CAT-05", "couchbase/sync_gateway#3721", GOOD_FEED,
             (CHANGED, of_changes(2, "resumed", CHANGES[2], **SINCE))),
    Recorded("couchdb-changes", "all changes again", "CAT-06", "couchbase/sync_gateway#621", GOOD_FEED,
             (CHANGED, of_changes(2, "resumed", *CHANGES, **SINCE))),
    Recorded("langgraph", "one id for two events", "CAT-21", "langchain-ai/langgraph#8112", GOOD_RESUME,
             (of_run(1, "reader", METADATA, UPDATE, SAME_ID), of_run(2, "resumed", finished=True, **RESUMED))),
    Recorded("langgraph", "a failure without an error", "TRM-06", "aegra/aegra#156", GOOD_FAILURE,
             (of_run(1, "reader", METADATA, UPDATE, END), of_run(2, "after", METADATA, UPDATE, END, finished=True)),
             outcome="fails"),
    Recorded("langgraph", "an error that nobody gets again", "CAT-02", "aegra/aegra#156", GOOD_FAILURE,
             (GOOD_FAILURE[0], of_run(2, "after", METADATA, UPDATE, finished=True))),
]  # fmt: skip


def rulings(one: Recorded, exchanges: tuple[Exchange, ...]) -> dict[str, str]:
    """The verdicts on what was recorded."""
    profile = load_profile(one.protocol)
    trace = Trace(
        probe="straight", stimulus={"name": one.name, "outcome": one.outcome, "script": None}, exchanges=exchanges,
        profile=profile.name, digest=profile.digest, revision=load_registry().revision,
    )  # fmt: skip
    bench = judge_of(profile)
    bench.add(trace)
    assert bench.errors == []
    return {it.requirement.id: it.verdict.value for it in bench.rulings()}


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: f"{one.protocol}: {one.name}")
def test_what_readers_have_of_a_fake_is_found_by_one_id(one: Recorded) -> None:
    for exchanges, expected in ((one.good, set()), (one.bad, {one.found})):
        verdicts = rulings(one, exchanges)
        assert {it for it, verdict in verdicts.items() if verdict in ("FAIL", "WARN")} == expected
        assert "PASS" in verdicts.values() or expected


def test_each_protocol_has_enough_of_them_and_each_says_where_it_was_reported() -> None:
    rows: list[Sent | Recorded | Fake] = [*SENT, *RECORDED, *(fake for fake in FAKES if fake.found)]
    for row in rows:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", row.report)
    for protocol in {row.protocol for row in rows}:
        assert len([row for row in rows if row.protocol == protocol]) >= LEAST, protocol
