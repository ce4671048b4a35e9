"""A profile from an OpenAPI document: what it says of a stream is in the draft, and the draft is a profile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.contract.files import FileError
from streamvet.contract.loading import load_profile
from streamvet.observing.described import base_of, folder_of
from streamvet.observing.openapi import chosen, document_of

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.contract.profile import Profile

A_JOB = {"$ref": "#/components/schemas/Job"}
PROGRESS = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}, "of": A_JOB}}
JOB = {"type": "object", "properties": {"id": {"type": "string"}, "parent": {"$ref": "#/components/schemas/Job"}}}
OK = {"type": "object", "properties": {"ok": {"type": "boolean"}}}


def typed(kind: str) -> dict[str, Any]:
    return {"allOf": [{"type": "object", "properties": {"type": {"const": kind}}}, PROGRESS]}


def document(media: dict[str, Any], *, method: str = "get", path: str = "/events", **more: Any) -> dict[str, Any]:
    operation = {"responses": {"200": {"description": "a stream", "content": media}}, **more.pop("operation", {})}
    paths = {path: {method: operation}, **more.pop("paths", {})}
    schemas = {"Progress": PROGRESS, "Job": JOB, "Started": typed("started"), "Done": typed("done")}
    components = {"schemas": schemas, **more.pop("components", {})}
    return {"openapi": "3.2.0", "info": {"title": "An API"}, "paths": paths, "components": components, **more}


def drafted(raw: dict[str, Any], folder: Path, operation: str | None = None) -> Profile:
    """The profile of a document; the folder is made from the text of a file, as a user has it."""
    folder.mkdir(exist_ok=True)
    path = folder / "openapi.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    made = document_of(raw, path)
    stream, others = chosen(made, operation)
    for file, text in folder_of(made, stream, others, path.name).files.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    return load_profile(str(folder))


REF = {"$ref": "#/components/schemas/Progress"}
ENDED = {"oneOf": [{"$ref": "#/components/schemas/Started"}, {"$ref": "#/components/schemas/Done"}]}
CONTENT = {"type": "string", "contentMediaType": "application/json", "contentSchema": REF}
MEDIA: dict[str, tuple[dict[str, Any], list[Any], set[str]]] = {
    "3.1, the schema of the data": ({"text/event-stream": {"schema": REF}}, [{"type": "message"}], {"message"}),
    "3.1, a list of lines": (
        {"application/x-ndjson": {"schema": {"type": "array", "items": ENDED}}},
        [{"from": "/type"}], {"started", "done"},
    ),
    "3.2, lines": ({"application/jsonl": {"itemSchema": ENDED}}, [{"from": "/type"}], {"started", "done"}),
    "3.2, blocks whose data is a value": (
        {"text/event-stream": {"itemSchema": {"properties": {"event": {"enum": ["a", "b"]}, "data": REF}}}},
        [{"from": "event-name"}], {"a", "b"},
    ),
    "3.2, blocks whose data says what it contains": (
        {"text/event-stream; charset=utf-8": {"itemSchema": {"type": "object", "properties": {"data": CONTENT}}}},
        [{"type": "message"}], {"message"},
    ),
    "3.2, a union of blocks": (
        {"text/event-stream": {"itemSchema": {"oneOf": [
            {"properties": {"event": {"const": "progress"}, "data": CONTENT}},
            {"properties": {"event": {"const": "log"}, "data": {"type": "string"}}},
        ]}}},
        [{"event": "log", "type": "log", "json": False}, {"from": "event-name"}], {"progress", "log"},
    ),
    "3.2, a union inside the data": (
        {"text/event-stream": {"itemSchema": {"properties": {"data": {**CONTENT, "contentSchema": ENDED}}}}},
        [{"from": "/type"}], {"started", "done"},
    ),
    "3.2, texts": (
        {"text/event-stream": {"itemSchema": {"properties": {"data": {"type": "string"}}}}},
        [{"event": "message", "type": "text", "json": False}], {"text"},
    ),
    "3.2, a block of its own, and an open union of the rest": (
        {"text/event-stream": {"itemSchema": {"oneOf": [
            {"properties": {"event": {"const": "ping"}, "data": {"type": "string"}}},
            {"properties": {"data": {**CONTENT, "contentSchema": {"anyOf": [ENDED, {"type": "object"}]}}}},
        ]}}},
        [{"event": "ping", "type": "ping", "json": False}, {"from": "/type"}], {"ping", "started", "done"},
    ),
    "nothing is said": ({"text/event-stream": {}}, [{"type": "message"}], {"message"}),
}  # fmt: skip


@pytest.mark.parametrize("case", MEDIA)
def test_what_is_on_a_stream_is_in_the_draft(case: str, tmp_path: Path) -> None:
    media, rows, types = MEDIA[case]
    profile = drafted(document(media), tmp_path)
    assert profile.field("events.discriminator") == rows
    assert set(profile.types) == types
    assert profile.framing == ("sse" if "event-stream" in next(iter(media)) else "ndjson")


def test_schemas_judge_as_the_document_says(tmp_path: Path) -> None:
    profile = drafted(document({"application/jsonl": {"itemSchema": ENDED}}), tmp_path)
    decide = profile.schemas.decider(profile.types["done"])
    assert decide({"type": "done", "n": 1, "of": {"id": "a", "parent": {"id": "b"}}})
    assert not decide({"type": "done", "n": "1"})
    assert not decide({"type": "done", "n": 1, "of": {"parent": {"id": 3}}})


RUNS = {
    "/jobs": {"post": {
        "requestBody": {"content": {"application/json": {"schema": {
            "required": ["table"], "properties": {"table": {"type": "string"}, "stream": {"type": "boolean"}},
        }}}},
        "responses": {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}}},
    }},
    "/jobs/{job_id}": {"get": {"responses": {"200": {}}}},
    "/jobs/{job_id}/cancel": {"post": {"responses": {"202": {}}}},
}  # fmt: skip


def test_the_operations_of_a_run_are_found(tmp_path: Path) -> None:
    raw = document({"application/jsonl": {"itemSchema": ENDED}}, path="/jobs/{job_id}/events", paths=RUNS)
    profile = drafted(raw, tmp_path)
    assert profile.streams == "run"
    assert {name: (one.method, one.path) for name, one in profile.operations.items()} == {
        "start:stream": ("POST", "/jobs"), "attach": ("GET", "/jobs/{run}/events"), "record": ("GET", "/jobs/{run}"),
        "cancel": ("POST", "/jobs/{run}/cancel"),
    }  # fmt: skip
    assert profile.field("operations.start:stream.run_id") == {"pointer": "/id"}
    assert profile.operations["start:stream"].body == {"table": "text", "stream": True}
    assert profile.operations["cancel"].status == (202,)
    assert profile.terminal is not None
    assert (profile.terminal.events, profile.terminal.outcomes) == (("done",), {"succeeds": ("done",)})


def test_a_request_with_an_answer_is_a_push(tmp_path: Path) -> None:
    body = {"content": {"application/json": {"example": {"prompt": "x"}}}}
    raw = document({"application/jsonl": {"itemSchema": ENDED}}, method="post", operation={"requestBody": body})
    profile = drafted(raw, tmp_path)
    assert (profile.streams, profile.operations["start:stream"].body) == ("push", {"prompt": "x"})


@pytest.mark.parametrize(
    ("scheme", "auth"),
    [
        ({"type": "http", "scheme": "bearer"}, {"kind": "bearer"}),
        ({"type": "http", "scheme": "basic"}, {"kind": "basic"}),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, {"kind": "header", "parameter": "X-Key"}),
        ({"type": "oauth2", "flows": {}}, {"kind": "bearer"}),
    ],
)
def test_security_is_access(scheme: dict[str, Any], auth: dict[str, Any], tmp_path: Path) -> None:
    answers = {"responses": {"200": {"content": {"application/jsonl": {"itemSchema": REF}}}, "401": {}}}
    raw = document({}, operation=answers, components={"securitySchemes": {"s": scheme}}, security=[{"s": []}])
    raw["components"]["schemas"] = {"Progress": PROGRESS, "Job": JOB}
    assert drafted(raw, tmp_path).field("auth") == {**auth, "missing": [401], "invalid": [401]}


def test_of_several_streams_one_is_chosen(tmp_path: Path) -> None:
    other: dict[str, Any] = {"/logs": {"get": {"responses": {"200": {"content": {"text/event-stream": {}}}}}}}
    raw = document({"application/jsonl": {"itemSchema": REF}}, paths=other)
    assert drafted(raw, tmp_path / "one").name == "events"
    assert (
        "Other streams of the document, see --operation: GET /logs" in (tmp_path / "one" / "profile.yaml").read_text()
    )
    assert drafted(raw, tmp_path / "other", "GET /logs").name == "logs"


def test_what_nobody_can_take_over_is_named(tmp_path: Path) -> None:
    schema = {"properties": {"a": {"pattern": "^(?=x)"}, "b": {"$ref": "other.yaml#/B"}}}
    drafted(document({"application/jsonl": {"itemSchema": schema}}), tmp_path)
    text = (tmp_path / "profile.yaml").read_text(encoding="utf-8")
    assert "# LEFT OUT: the pattern ^(?=x)" in text
    assert "# LEFT OUT: what other.yaml#/B refers to" in text
    assert yaml.safe_load(text)["profile"] == "events"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"openapi": "3.0.3", "paths": {}}, "/openapi: expected 3.1 or 3.2, got '3.0.3'"),
        ({"swagger": "2.0"}, "/openapi: expected 3.1 or 3.2, got no such key"),
        ([], "/openapi: expected 3.1 or 3.2"),
        ({"openapi": "3.1.0"}, "/paths: expected paths with operations"),
        (
            document({"application/json": {"schema": REF}}),
            "expected an operation that is answered with text/event-stream",
        ),
    ],
)
def test_what_is_no_such_document_is_refused(raw: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        chosen(document_of(raw, tmp_path / "x.json"), None)
    assert said in str(caught.value)
    with pytest.raises(FileError, match="--operation"):
        chosen(document_of(document({"text/event-stream": {}}), tmp_path / "x.json"), "GET /nothing")


@pytest.mark.parametrize(
    ("url", "base"),
    [("https://api.example.org/v1/", "https://api.example.org/v1"), ("/v1", None), ("https://{host}/", None)],
)
def test_the_first_server_is_the_target(url: str, base: str | None, tmp_path: Path) -> None:
    assert base_of(document_of(document({}, servers=[{"url": url}]), tmp_path)) == base
