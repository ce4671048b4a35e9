"""What a profile asks for: one message names all that is missing, and an answer changes what it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import streamvet
from streamvet.cli import call
from streamvet.cli.judge_traces import judged, traces_in
from streamvet.contract.asks import asked_of
from streamvet.contract.files import FileError
from streamvet.contract.folders import known_protocols
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.contract.target import target_of
from streamvet.report.building import Asked
from streamvet.trace import Trace, dump

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target

CHAT = {"key": "k-1", "model": "m"}


def made(profile: str, more: dict[str, Any], base_url: str = "http://x") -> tuple[Target, Profile]:
    return target_of({"profile": profile, "base_url": base_url} | more, Path("target.yaml"))


def needed(name: str) -> list[str]:
    return [one for one, row in asked_of(load_profile(name)).items() if "needed" in row]


@pytest.mark.parametrize("name", [one for one in known_protocols() if needed(one)])
def test_all_that_is_missing_is_named_at_once(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["run", "http://127.0.0.1:9", "--profile", name]) == 2
    said = capsys.readouterr().err
    assert "--with NAME=VALUE" in said
    for one, row in asked_of(load_profile(name)).items():
        assert f"{one} (" in said
        assert ("needed" not in row) or row["is"] in " ".join(said.split())


@pytest.mark.parametrize("name", known_protocols())
def test_the_target_file_that_init_prints_answers(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "k-1")
    assert call(["init", "--profile", name]) == 0
    raw = yaml.safe_load(capsys.readouterr().out)
    assert set(raw.get("with") or {}) == set(needed(name))
    raw["with"] = {one: raw["with"][one] for one in raw["with"]} if raw.get("with") else {}
    target, profile = target_of(raw, Path("target.yaml"))
    assert (target.profile, profile.changes) == (name, {})


def test_a_key_and_a_model() -> None:
    target, profile = made("openai-chat", {"with": CHAT})
    assert target.credentials == {"token": "k-1"}
    assert target.inputs["chat"]["succeeds"]["model"] == "m"
    assert target.inputs["chat"]["succeeds"]["stream"] is True
    assert profile.starts[0].body["model"] == "gpt-4o-mini"


def test_a_profile_that_asks_has_bodies_of_its_own() -> None:
    target, _ = made("ag-ui", {"inputs": {"run": {"fails": {"a": 1}}}})
    assert target.inputs["run"]["succeeds"]["messages"][0]["content"] == "Say hello."
    assert target.inputs["run"]["fails"] == {"a": 1}
    target, _ = made("a2a", {"with": {"message": "count"}})
    assert target.inputs["message"]["succeeds"]["params"]["message"]["parts"] == [{"text": "count"}]


def test_who_asks_for_no_key() -> None:
    target, profile = made("openai-chat", {"with": CHAT | {"key": "none"}})
    assert (target.credentials, profile.field("auth")) == (None, {"kind": "none"})
    assert profile.digest == load_profile("openai-chat").digest


def test_another_path() -> None:
    _, profile = made("ollama", {"with": {"model": "m", "path": "/ollama/api"}})
    assert [one.path for one in profile.starts] == ["/ollama/api/generate", "/ollama/api/chat"]


def test_an_answer_that_is_json() -> None:
    target, _ = made("mcp-streamable-http", {"with": {"tool": "t", "arguments": '{"a": 1}'}})
    assert target.inputs["call"]["succeeds"]["params"]["name"] == "t"
    assert target.inputs["call"]["succeeds"]["params"]["arguments"] == {"a": 1}


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://x/v1/chat/completions", "http://x"),
        ("http://x/v1/chat/completions/", "http://x"),
        ("http://x/openai/v1", "http://x/openai"),
        ("http://x/v1x", "http://x/v1x"),
        ("http://x", "http://x"),
    ],
)
def test_the_address_of_the_endpoint_is_meant_as_one(given: str, base: str) -> None:
    target, _ = made("openai-chat", {"with": CHAT}, given)
    assert target.base_url == base


def test_a_target_may_answer_in_its_own_way() -> None:
    body = {"model": "m", "messages": []}
    target, _ = made("openai-chat", {"credentials": {"token": "t"}, "inputs": {"chat": {"succeeds": body}}})
    assert (target.credentials, target.inputs["chat"]["succeeds"]) == ({"token": "t"}, body)


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "nobody asks": ("docker-events", {"with": {"a": 1}}, "/with/a: expected nothing: the profile asks for nothing"),
    "an unknown name": ("ollama", {"with": {"model": "m", "modle": 1}}, "/with/modle: expected one of model, path"),
    "two keys": (
        "openai-chat",
        {"with": CHAT, "credentials": {"token": "t"}},
        "/with/key: expected a key here, or credentials, got both",
    ),
    "no path": ("ollama", {"with": {"model": "m", "path": "api"}}, "/with/path: expected a path, which begins with /"),
    "one of two": (
        "openai-chat",
        {"with": {"key": "k"}},
        "/with: expected model (a model that the server has); optional",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers(name: str) -> None:
    profile, more, said = WRONG[name]
    with pytest.raises(FileError, match=r"^target\.yaml: ") as caught:
        made(profile, more)
    assert said in str(caught.value)


# ---------------------------------------------------------------------------------------------- what a trace keeps


def recorded(folder: Path, **more: Any) -> Path:
    """A trace of one answered start, by the profile as these answers have it, in a file."""
    profile = made("openai-chat", {"with": CHAT | more})[1]
    trace = Trace(
        probe="straight", stimulus={"name": "plain", "kind": "chat", "outcome": "succeeds", "script": None},
        exchanges=(), profile=profile.name, digest=profile.digest, revision=load_registry().revision,
        answers=profile.answers,
    )  # fmt: skip
    path = folder / f"{len(more)}.trace.ndjson"
    path.write_text("".join(dump(trace)), encoding="utf-8")
    return path


def test_a_trace_keeps_what_answers_changed_and_no_key(tmp_path: Path) -> None:
    first = json.loads(recorded(tmp_path, key="none", path="/api").read_text(encoding="utf-8").splitlines()[0])
    assert first["with"] == {"key": "none", "path": "/api"}
    assert "with" not in json.loads(recorded(tmp_path).read_text(encoding="utf-8").splitlines()[0])


def test_a_trace_is_judged_by_what_answers_changed(tmp_path: Path) -> None:
    """A server that asks for no key owes no refusals of wrong ones, offline as in the run."""
    verdicts = [streamvet.judge(recorded(tmp_path, **more)).verdicts for more in ({}, {"key": "none"})]
    assert [one.get("ACC-01") for one in verdicts] == ["INCONCLUSIVE", None]
    both = judged(traces_in([str(recorded(tmp_path)), str(recorded(tmp_path, key="none"))]), Asked(), "two servers")
    assert len(both) == 2


@pytest.mark.parametrize("given", [{"model": "m"}, {"key": "k-1"}, {"modle": "/x"}])
def test_a_trace_with_another_answer_is_refused(given: dict[str, str], tmp_path: Path) -> None:
    path = recorded(tmp_path, key="none")
    path.write_text(path.read_text(encoding="utf-8").replace('{"key":"none"}', json.dumps(given)), encoding="utf-8")
    with pytest.raises(FileError, match="the path or the absent key that profile openai-chat asks for"):
        streamvet.judge(path)
