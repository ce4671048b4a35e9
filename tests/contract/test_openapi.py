"""The OpenAPI documents: they are what OpenAPI 3.2 asks for, and have each operation of their profile.

Knows the generated documents and the profiles, and how to start Node; it must not know how a document is made.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "schemas" / "openapi"
PEERS = ROOT / "tests" / "peers"
STREAMS = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}
TIMEOUT_S = 120  # it takes two seconds; a machine under load ten times as long


def _read(system: str) -> Any:
    return json.loads((DOCUMENTS / f"{system}.openapi.json").read_text(encoding="utf-8"))


def _checked(*paths: Path) -> dict[str, list[str] | None]:
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules" / "@hyperjump" / "json-schema").is_dir():
        pytest.fail(f"run `npm ci --prefix {PEERS.relative_to(ROOT)}` at the repository's root", pytrace=False)
    command = [node, str(PEERS / "openapi.mjs"), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, list[str] | None] = json.loads(done.stdout)
    return {Path(path).name: errors for path, errors in found.items()}


def _broken(document: Any) -> Iterator[tuple[str, Any]]:
    """The smallest edits that make a document wrong, by their names."""
    text = json.dumps(document)
    stream = next(media for media in STREAMS.values() if media in text)
    edits = {
        "an-item-schema-that-is-a-text": re.sub(
            rf'"{stream}": {{"itemSchema": {{', f'"{stream}": {{"itemSchema": "", "x-": {{', text
        ),
        "a-parameter-that-is-nowhere": text.replace('"in": "path"', '"in": "body"'),
        "a-description-that-is-a-number": text.replace('"description": "Refused."', '"description": 7'),
        "a-schema-of-no-type": text.replace('"type": "string", "const"', '"type": "text", "const"'),
        "another-version": text.replace('"openapi": "3.2.0"', '"openapi": "3.1.0"'),
    }
    for name, edited in edits.items():
        assert edited != text, name
        yield name, json.loads(edited)


def test_each_document_is_one_of_openapi_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    wrong = []
    for name, edited in _broken(_read("ghostly")):
        wrong.append(tmp_path / name)
        wrong[-1].write_text(json.dumps(edited), encoding="utf-8")
    documents = [DOCUMENTS / f"{system}.openapi.json" for system in builtin_profiles()]
    found = _checked(*documents, *wrong)
    assert {path.name: found[path.name] for path in documents} == {path.name: None for path in documents}
    assert [path.name for path in wrong if not found[path.name]] == []


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)


@pytest.mark.parametrize("system", builtin_profiles())
def test_a_document_refers_to_all_its_schemas_and_to_nothing_else(system: str) -> None:
    document = _read(system)
    schemas = {f"#/components/schemas/{title}" for title in document["components"]["schemas"]}
    assert set(_references(document)) == schemas


@pytest.mark.parametrize("system", builtin_profiles())
def test_a_document_has_each_operation_of_the_profile(system: str) -> None:
    profile, document = load_profile(system), _read(system)
    found = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert found == {(one.path, one.method.lower()) for one in profile.operations.values()}
    ids = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(set(ids)) == len(ids)
    for operation in profile.operations.values():
        made = document["paths"][operation.path][operation.method.lower()]
        assert {str(status) for status in operation.status} <= set(made["responses"])
        assert ("requestBody" in made) == (operation.body is not None)
        named = {row["name"] for row in made.get("parameters", ()) if row["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", operation.path))
        content = [made["responses"][str(status)].get("content", {}) for status in operation.status]
        media = STREAMS[profile.framing] if operation.streams else "application/json"
        assert [set(one) for one in content] == [{media}] * len(content)
        assert all(("itemSchema" in one[media]) is operation.streams for one in content)


@pytest.mark.parametrize("system", builtin_profiles())
def test_the_body_of_an_operation_fits_the_schema_of_its_request(system: str) -> None:
    profile = load_profile(system)
    bodies = {name: one for name, one in profile.operations.items() if one.body is not None}
    assert {name: "request" in one.raw for name, one in bodies.items()} == dict.fromkeys(bodies, True)
    wrong = [name for name, one in bodies.items() if not profile.schemas.decider(one.raw["request"])(one.body)]
    assert wrong == []
