"""The rules that give an event its type: what each condition asks for, and that the first match wins."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from streamvet.contract.discriminator import rule_of
from streamvet.contract.files import FileError, read_yaml, schemas_folder
from streamvet.contract.loading import load_profile, profile_of
from streamvet.contract.pointer import matches, pointed

CHAT = [
    {"text": "[DONE]", "type": "[DONE]"},
    {"has": ["/error"], "type": "error"},
    {"has": ["/choices/0/finish_reason"], "type": "last"},
    {"has": ["/usage"], "is": {"/choices/0/index": 0}, "type": "usage"},
    {"type": "chunk"},
]
GENERATE = [
    {"is": {"/done": True}, "from": "/done_reason", "prefix": "done."},
    {"is": {"/done": [False, 0]}, "type": "part"},
]
GHOSTLY = schemas_folder() / "ghostly" / "profile.yaml"
RPC = [
    {"text": "", "type": "priming"},
    {"has": ["/result"], "type": "result"},
    {"event": "message", "from": "/method", "prefix": "call "},
    {"from": "event-name", "prefix": "named "},
]
PLAIN = [{"event": "tick", "from": "event-name", "prefix": "plain.", "json": False}, {"from": "/type"}]


def told(rules: list[dict[str, Any]], value: Any, name: str, text: str | None) -> str | None:
    profile = dataclasses.replace(load_profile("ghostly"), rules=tuple(map(rule_of, rules)))
    return profile.kind_of(value, name, text)


@pytest.mark.parametrize(
    ("rules", "value", "name", "text", "kind"),
    [
        (CHAT, None, "", "[DONE]", "[DONE]"),
        (CHAT, None, "", "[DONE] ", "chunk"),
        (CHAT, {"error": {"code": 1}}, "", None, "error"),
        (CHAT, {"error": None}, "", None, "chunk"),
        (CHAT, {"choices": [{"finish_reason": "stop"}]}, "", None, "last"),
        (CHAT, {"choices": [{"finish_reason": None}]}, "", None, "chunk"),
        (CHAT, {"choices": [{"index": 0}], "usage": {}}, "", None, "usage"),
        (CHAT, {"choices": [{"index": False}], "usage": {}}, "", None, "chunk"),
        (CHAT, {"choices": [{"index": 0.0}], "usage": {}}, "", None, "usage"),
        (CHAT, {"choices": [], "usage": {}}, "", None, "chunk"),
        (CHAT, [1], "", None, "chunk"),
        (GENERATE, {"done": True, "done_reason": "stop"}, "", None, "done.stop"),
        (GENERATE, {"done": True, "done_reason": ""}, "", None, None),
        (GENERATE, {"done": True, "done_reason": 1}, "", None, None),
        (GENERATE, {"done": 1, "done_reason": "stop"}, "", None, None),
        (GENERATE, {"done": False}, "", None, "part"),
        (GENERATE, {"done": 0}, "", None, "part"),
        (GENERATE, {"done": "false"}, "", None, None),
        (GENERATE, {}, "", None, None),
        (RPC, None, "", "", "priming"),
        (RPC, None, "message", "", "priming"),
        (RPC, {"result": 0, "method": "x"}, "", None, "result"),
        (RPC, {"method": "x"}, "", None, "call x"),
        (RPC, {"method": "x"}, "other", None, "named other"),
        (RPC, {}, "", None, "named message"),
        (PLAIN, None, "tick", "12", "plain.tick"),
        (PLAIN, {"type": "a"}, "tick", '{"type":"a"}', "plain.tick"),
        (PLAIN, {"type": "a"}, "tock", '{"type":"a"}', "a"),
        (PLAIN, {"type": "a.b"}, "", None, "a.b"),
        (PLAIN, None, "", "12", None),
    ],
)  # fmt: skip
def test_the_first_rule_that_matches_gives_the_type(
    rules: list[dict[str, Any]], value: Any, name: str, text: str | None, kind: str | None
) -> None:
    assert told(rules, value, name, text) == kind


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"type": "a"}, "anything"),
        ({"from": "/kind"}, "a text at /kind"),
        ({"is": {"/kind": ["a", 1]}, "from": "/type", "prefix": "a."}, '"a" or 1 at /kind and a text at /type'),
        ({"event": "x", "has": ["/a", "/b"], "type": "x"}, "the name x and a value at /a and a value at /b"),
        ({"text": "", "type": "x"}, 'the data ""'),
    ],
)
def test_a_rule_in_words(rule: dict[str, Any], said: str) -> None:
    assert str(rule_of(rule)) == said


@pytest.mark.parametrize(
    ("rule", "kind", "marks"),
    [
        ({"is": {"/done": [True, 1]}, "type": "last"}, "last", {"/done": True}),
        ({"type": "last"}, "first", None),
        ({"is": {"/kind": "a"}, "from": "/type", "prefix": "a."}, "a.b", {"/kind": "a", "/type": "b"}),
        ({"is": {"/kind": "a"}, "from": "/type", "prefix": "a."}, "a.", None),
        ({"is": {"/kind": ["a", "b"]}, "from": "/kind"}, "b", {"/kind": "b"}),
        ({"is": {"/kind": ["a", "b"]}, "from": "/kind"}, "c", None),
        ({"event": "x", "from": "event-name"}, "y", None),
    ],
)
def test_what_a_rule_compares_said_backwards(rule: dict[str, Any], kind: str, marks: Any) -> None:
    assert rule_of(rule).marks(kind) == marks
    if marks is not None:
        value: dict[str, Any] = {place[1:]: one for place, one in marks.items()}
        assert rule_of(rule).of_value(value, "") == kind


@pytest.mark.parametrize(
    "rule",
    [
        {}, {"has": ["/a"]}, {"type": "a", "from": "/a"}, {"type": "a", "prefix": "b"}, {"type": "a*"}, {"type": ""},
        {"from": "event"}, {"from": ""}, {"from": "/a", "json": False}, {"from": "/a", "text": "x"},
        {"type": "a", "has": ["/a"], "json": False}, {"type": "a", "is": {"/a": 1}, "text": "x"},
        {"type": "a", "json": True}, {"type": "a", "is": {"/a": None}}, {"type": "a", "is": {"a": 1}},
        {"type": "a", "is": {"/a": []}}, {"type": "a", "is": {"/a": {"b": 1}}}, {"type": "a", "event": ""},
        {"type": "a", "not": {"event": "b"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_rule_that_means_nothing_is_refused(rule: dict[str, Any]) -> None:
    raw = read_yaml(GHOSTLY) | {"profile": "mine"}
    raw["events"]["discriminator"].append(rule)
    with pytest.raises(FileError, match="/events/discriminator/4"):
        profile_of(raw, GHOSTLY)


def test_a_pattern_is_the_beginning_of_names() -> None:
    patterns = ("assist.*", "note*", "end")
    assert all(matches(kind, patterns) for kind in ("assist.x", "notes", "note", "end"))
    assert not any(matches(kind, patterns) for kind in ("assist", "ends", "not"))
    assert matches("anything", ("*",))
    assert pointed({"a/b": [{"~": 1}]}, "/a~1b/0/~0") == 1


def test_the_profile_says_what_tells() -> None:
    ghostly, workspace = load_profile("ghostly"), load_profile("agent-workspace")
    assert ghostly.telling == {"/kind": True, "/type": True, "/status": True}
    assert (ghostly.by_name, workspace.by_name) == (False, True)
    assert (ghostly.unread_kinds, workspace.unread_kinds) == (("ping",), ())
    assert (ghostly.unread_kind("ping", "1"), ghostly.unread_kind("end", "1")) == ("ping", None)
