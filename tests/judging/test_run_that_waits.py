"""A run that waits for something from outside: its stream may end there, stay open, or go on."""

from __future__ import annotations

import json
from array import array

import pytest

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.systems import judge_of
from streamvet.trace import Ending, Exchange, Head, Request, Trace

A2A = load_profile("a2a")
TASK = {"task": {"id": "t1", "contextId": "c1", "status": {"state": "TASK_STATE_SUBMITTED"}}}


def violated(last: str, ending: Ending) -> set[str]:
    """What is violated where a task stands in this state at the end of its stream."""
    status = {"statusUpdate": {"taskId": "t1", "contextId": "c1", "status": {"state": f"TASK_STATE_{last}"}}}
    events = [json.dumps({"jsonrpc": "2.0", "id": "1", "result": one}) for one in (TASK, status)]
    body = "".join(f"data: {one}\n\n" for one in events).encode()
    head = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))
    about = {"meant": "stream", "account": "primary", "run": "r1", "kind": "message"}
    if ending is Ending.CUT:
        about["silent_ms"] = 60_000  # type: ignore[assignment]
    one = Exchange(
        id="x1", operation="start:message", role="reader", about=about,
        request=Request("POST", "http://127.0.0.1/", (), "{}"), sent_us=0, head=Head(200, "HTTP/1.1", head, 1000),
        body=body, ends=array("q", [len(body)]), times=array("q", [2000]), ending=ending, ended_us=60_003_000,
    )  # fmt: skip
    bench = judge_of(A2A)
    bench.add(Trace(
        probe="straight", stimulus={"name": "plain", "kind": "message", "outcome": "succeeds", "script": None},
        exchanges=(one,), profile="a2a", digest=A2A.digest, revision=load_registry().revision,
    ))  # fmt: skip
    assert bench.errors == []
    return {it.requirement.id for it in bench.rulings() if it.findings}


@pytest.mark.parametrize("ending", [Ending.COMPLETE, Ending.CUT])
def test_a_task_that_asks_back_need_not_end(ending: Ending) -> None:
    assert violated("INPUT_REQUIRED", ending) == set()


@pytest.mark.parametrize(("ending", "found"), [(Ending.COMPLETE, "TRM-01"), (Ending.CUT, "TRM-06")])
def test_a_task_that_works_has_to(ending: Ending, found: str) -> None:
    assert violated("WORKING", ending) == {found}
