"""The readers of the five documents, on the reference server: what whoever runs them sees, up to the end.

`published.*` is code of a document, kept to the letter; the other readers are ours, so that each system is read in
Python, in JavaScript and with curl. What a document shows of itself, such as an event, is what they are made to print.
A document whose page offers an SDK shows no code for it, so there is none that cannot be run.
"""

from __future__ import annotations

import json
import queue
from typing import TYPE_CHECKING, Any

import pytest

from streamvet_server.listing import accounts

from .reading import ADDRESSES, DEADLINE_S, HERE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .conftest import Server
    from .reading import Reader

    Serve = Callable[[str], Server]

pytestmark = pytest.mark.live

# With what misleads a reader that takes the stream for another encoding, or ends lines where the stream does not.
ODD = "Grüße, 世界 🎸 \u2028 \u0085 \r\n data: x"


def readers(profile: str) -> list[str]:
    """The names of a system's readers."""
    return sorted(path.name for path in (HERE / profile).iterdir() if path.is_file())


def named(profile: str, *stems: str) -> pytest.MarkDecorator:
    """The readers of a system whose names begin with one of these, one after another."""
    return pytest.mark.parametrize("name", [it for it in readers(profile) if it.partition(".")[0] in stems])


def sse(name: str, lines: Sequence[str]) -> list[tuple[str, Any]]:
    """Name and document of each event that a reader of SSE has printed; curl prints the stream itself."""
    told: list[tuple[str, Any]] = []
    event = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if not name.endswith(".sh"):
            event, _, data = line.partition(" ")
            told.append((event, json.loads(data)))
        elif field == "event":
            event = value
        elif field == "data" and event != "ping":
            told.append((event, json.loads(value)))
    return told


def ndjson(lines: Sequence[str]) -> list[Any]:
    """The documents that a reader of NDJSON has printed, each as a line."""
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("profile", ADDRESSES)
def test_each_system_is_read_in_three_languages(profile: str) -> None:
    kinds = {name.partition(".")[2].replace("ts", "mjs") for name in readers(profile)}
    assert kinds == {"py", "mjs", "sh"}


# ------------------------------------------------------------------------------------------------------------- cosma

# What is published, and what the loops in Python and in JavaScript print of it. The first is the document's example.
UPDATES: tuple[tuple[Any, str, str], ...] = (
    (
        {"opcode": "file_parsing", "data": {"path": "/path/to/file.txt", "filename": "file.txt"}},
        "[file_parsing] {'path': '/path/to/file.txt', 'filename': 'file.txt'}",
        "[file_parsing] { path: '/path/to/file.txt', filename: 'file.txt' }",
    ),
    (
        {"opcode": "watch_started", "data": {"path": "/Grüße 🎸", "recursive": True}},
        "[watch_started] {'path': '/Grüße 🎸', 'recursive': True}",
        "[watch_started] { path: '/Grüße 🎸', recursive: true }",
    ),
    (
        {"opcode": "queue_paused", "data": {"source": "manual"}},
        "[queue_paused] {'source': 'manual'}",
        "[queue_paused] { source: 'manual' }",
    ),
    ({"opcode": "scheduler_paused", "data": {}}, "[scheduler_paused] {}", "[scheduler_paused] {}"),
)
SHUTTING_DOWN = {"opcode": "shutting_down", "data": {}}
LOOK_S = 0.05


def published_until_seen(server: Server, reader: Reader) -> tuple[int, list[str]]:
    """Publish numbers until a reader prints one, as nobody is told of what was before; gives how many, and its line."""
    for number in range(1, int(DEADLINE_S / LOOK_S)):
        server.control(do="publish", events=[{"opcode": "info", "data": {"message": f"number {number}"}}])
        try:
            return number, [reader.line(LOOK_S)]
        except queue.Empty:
            continue
    raise AssertionError("the reader has printed nothing")


@named("cosma", "published")
def test_cosma(serve: Serve, name: str) -> None:
    server = serve("cosma")
    with server.read(name) as reader:
        count, lines = published_until_seen(server, reader)
        server.control(do="publish", events=[update for update, _, _ in UPDATES])
        lines += reader.until(lambda line: "scheduler_paused" in line)
        assert server.stop() == 0
        lines += reader.until(lambda line: "shutting_down" in line)
        if name != "published.mjs":  # an EventSource connects again
            lines += reader.rest()
    if name == "published.sh":
        seen = sse(name, lines)
        assert {event for event, _ in seen} == {"update"}
        documents = [document for _, document in seen]
        numbers = [document["data"]["message"] for document in documents if document["opcode"] == "info"]
        assert documents[len(numbers) :] == [*(update for update, _, _ in UPDATES), SHUTTING_DOWN]
    else:
        numbers = [line[line.index("number") :].rstrip("' }") for line in lines if line.startswith("[info]")]
        column = 1 if name == "published.py" else 2
        assert lines[len(numbers) :] == [*(str(row[column]) for row in UPDATES), "[shutting_down] {}"]
    assert numbers == [f"number {number}" for number in range(count - len(numbers) + 1, count + 1)]


# ----------------------------------------------------------------------------------------------------------- ghostly


class Run:
    """A ghostly run that does what it is told, and who watches it."""

    def __init__(self, server: Server, outcome: str) -> None:
        emits = [
            {"type": "recon", "payload": {"title": ODD}},
            {"type": "step_start", "stepIndex": 0, "payload": {}},
            {"type": "step_success", "stepIndex": 0, "payload": {"last": True}},
        ]
        script = server.control(do="script", steps=[{"emit": emit} for emit in emits], outcome=outcome)["script"]
        self.token = server.http.post("/v1/auth/login", json=server.account).json()["token"]
        self.headers = {"Authorization": f"Bearer {self.token}"}
        body, headers = accounts()["ghostly"]["inputs"]["run"]["succeeds"], {"Streamvet-Script": script, **self.headers}
        self.id = server.http.post("/v1/run", json=body, headers=headers).json()["id"]
        self.path = f"/v1/runs/{self.id}"


def ghostly_story(seen: Sequence[tuple[str, Any]]) -> list[str]:
    """The events in short; each names its kind as the event does, and assist events are numbered from 1."""
    assert [event for event, _ in seen] == [document["kind"] for _, document in seen]
    told = [document for event, document in seen if event == "assist"]
    assert [document["seq"] for document in told] == list(range(1, len(told) + 1))
    assert told[0]["payload"] == {"title": ODD}
    return [document.get("status") or document.get("type") or document["kind"] for _, document in seen]


WORK = ["recon", "step_start", "step_success"]


@named("ghostly", "watch")
def test_ghostly_run_that_is_active(serve: Serve, name: str) -> None:
    server = serve("ghostly")
    run = Run(server, "hangs")
    with server.read(name, run_id=run.id, jwt=run.token) as reader:
        lines = reader.until(lambda line: '"last":true' in line)
        assert server.http.post(f"{run.path}/cancel", headers=run.headers).json()["status"] == "cancelling"
        lines += reader.rest()
    seen = sse(name, lines)
    assert ghostly_story(seen) == ["running", *WORK, "run_end", "fail", "end"]
    assert seen[-3][1]["payload"]["cancelled"] is True


@named("ghostly", "watch")
def test_ghostly_run_that_has_finished(serve: Serve, name: str) -> None:
    server = serve("ghostly")
    run = Run(server, "succeeds")
    # Whoever has read a run to the end finds it finished.
    assert server.http.get(f"{run.path}/events/stream?token={run.token}").is_success
    with server.read(name, run_id=run.id, jwt=run.token) as reader:
        lines = reader.rest()
    assert ghostly_story(sse(name, lines)) == ["pass", *WORK, "run_end", "end"]


# -------------------------------------------------------------------------------------------------------- promptfloe


@named("promptfloe", "published", "generate")
def test_promptfloe_build(serve: Serve, name: str) -> None:
    server = serve("promptfloe")
    key = server.account["token"]
    given = {} if name.startswith("published") else {"api_key": key}
    with server.read(name, **given) as reader:
        seen = ndjson(reader.rest())
    assert [event["type"] for event in seen] == ["plan", "file", "file", "file", "review", "ready"]
    assert [event["id"] for event in seen] == list(range(1, 7))
    assert seen[-1].keys() >= {"appId", "previewUrl"}
    replay = server.http.get(f"/v1/runs/{seen[0]['runId']}/events", headers={"Authorization": f"Bearer {key}"})
    assert ndjson(replay.text.split("\n")[:-1]) == seen


@named("promptfloe", "reattach")
def test_promptfloe_build_after_a_lost_connection(serve: Serve, name: str) -> None:
    server = serve("promptfloe")
    key = server.account["token"]
    bearer = {"Authorization": f"Bearer {key}"}
    steps = [{"emit": {"type": "file", "path": f"src/{number}.tsx", "contents": ODD}} for number in range(1, 5)]
    headers = {"Streamvet-Script": server.control(do="script", steps=steps, outcome="hangs")["script"], **bearer}
    with server.http.stream("POST", "/v1/apps/generate", json={"prompt": "pricing page"}, headers=headers) as answer:
        run, had = answer.headers["X-Run-Id"], b""
        for octets in answer.iter_raw():
            had += octets
            if had.count(b"\n") >= 2:
                break
    _, second = ndjson(had.decode().split("\n")[:2])
    with server.read(name, run_id=run, last_event_id=str(second["id"]), api_key=key) as reader:
        lines = [reader.line(), reader.line()]
        assert server.http.post(f"/v1/runs/{run}/cancel", headers=bearer).is_success
        lines += reader.rest()
    seen = ndjson(lines)
    assert [(event["id"], event["type"]) for event in seen] == [(3, "file"), (4, "file"), (5, "cancelled")]
    assert [(event["path"], event["contents"]) for event in seen[:2]] == [("src/3.tsx", ODD), ("src/4.tsx", ODD)]


# ---------------------------------------------------------------------------------------------------------- rockstar

SESSION = ["redacting", "compressing", "generating_preview", "storing", "done"]  # the document's example
PLAN = ["checking", "generating_preview", "storing", "done"]


@named("rockstar", "push")
def test_rockstar_pushes(serve: Serve, name: str) -> None:
    server = serve("rockstar")
    with server.read(name, jwt=server.account["token"]) as reader:
        seen = ndjson(reader.rest())
    assert [event["step"] for event in seen] == SESSION + PLAN
    for done, page in ((seen[len(SESSION) - 1], "s"), (seen[-1], "p")):
        url = f"{server.url}/{page}/{done['nanoid']}"
        assert done == {"step": "done", "nanoid": done["nanoid"], "url": url, "version": 1, "changed": True}
        assert len(done["nanoid"]) == 12
    assert all(isinstance(event["detail"], str) for event in seen if event["step"] != "done")


@named("rockstar", "push")
def test_rockstar_push_that_fails(serve: Serve, name: str) -> None:
    server = serve("rockstar")
    server.control(do="fail", what="store", times=1)
    with server.read(name, jwt=server.account["token"]) as reader:
        seen = ndjson(reader.rest())
    assert [event["step"] for event in seen] == [*SESSION[:-1], "error", *PLAN]
    error = seen[len(SESSION) - 1]
    assert error == {"step": "error", "error": error["error"]}
    assert error["error"]


# --------------------------------------------------------------------------------------------------- agent-workspace

AT = "2026-01-01T00:00:00.000Z"
PIPELINE: dict[str, Any] = {
    "id": "run-1", "projectId": "storefront", "projectName": ODD, "status": "testing", "startedAt": AT,
    "trigger": "push", "triggerData": None, "jobs": [], "pendingInterventions": [],
}  # fmt: skip


def logged(name: str) -> dict[str, Any]:
    """A log line of the pipeline."""
    given = {"id": name, "pipelineRunId": "run-1", "jobId": None, "agentType": None, "level": "info", "message": name}
    return {**given, "metadata": None, "createdAt": AT}


def session_of(server: Server) -> str:
    """The value of a session cookie."""
    server.http.post("/api/auth/login", json=server.account).raise_for_status()
    return server.http.cookies["session"]


@named("agent-workspace", "watch")
def test_agent_workspace(serve: Serve, name: str) -> None:
    server = serve("agent-workspace")
    first, second, changed = logged("first"), logged("second"), {**PIPELINE, "status": "releasing"}
    server.control(do="state", state={"pipelines": [PIPELINE], "logs": [first]})
    with server.read(name, session=session_of(server)) as reader:
        lines = reader.until(lambda line: '"first"' in line)
        server.control(do="state", state={"pipelines": [changed], "logs": [first, second]})
        lines += reader.until(lambda line: '"second"' in line)
        lines += reader.until(lambda line: '"ts"' in line)
        assert server.stop() == 0
        lines += reader.rest()
    seen = sse(name, lines)
    beats = [document for event, document in seen if event == "heartbeat"]
    assert beats
    assert all(document.keys() == {"ts"} and isinstance(document["ts"], int) for document in beats)
    assert [pair for pair in seen if pair[0] != "heartbeat"] == [
        ("fleet_snapshot", [PIPELINE]),
        ("fleet_logs", [first]),
        ("fleet_update", [changed]),
        ("fleet_logs", [second]),
    ]


@named("agent-workspace", "watch")
def test_agent_workspace_without_active_runs(serve: Serve, name: str) -> None:
    server = serve("agent-workspace")
    server.control(do="state", state={"pipelines": [{**PIPELINE, "status": "completed"}], "logs": [logged("first")]})
    with server.read(name, session=session_of(server)) as reader:
        lines = reader.until(lambda line: line.endswith("[]"))
        assert server.stop() == 0
        lines += reader.rest()
    assert [pair for pair in sse(name, lines) if pair[0] != "heartbeat"] == [("fleet_snapshot", [])]


@named("agent-workspace", "watch")
def test_agent_workspace_that_cannot_load(serve: Serve, name: str) -> None:
    server = serve("agent-workspace")
    server.control(do="fail", what="load", times=1)
    with server.read(name, session=session_of(server)) as reader:
        lines = reader.rest()
    assert sse(name, lines) == [("error", {"message": "Failed to load initial state"})]
