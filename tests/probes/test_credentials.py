"""Wrong credentials are wrong, and of the shape of right ones."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from streamvet.contract.loading import load_profile
from streamvet.probes import credentials
from streamvet.probes.refusals import _wrong_body

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl-_x9"


def test_dress() -> None:
    ghostly, promptfloe = load_profile("ghostly"), load_profile("promptfloe")
    token, cookie = {"token": "abc"}, {"cookie": "a=b"}
    bearer = [("Authorization", "Bearer abc")]
    assert credentials.dressed(ghostly, ghostly.operations["attach"], token) == ([], {"token": "abc"})
    assert credentials.dressed(ghostly, ghostly.operations["cancel"], token) == (bearer, {})
    assert credentials.dressed(promptfloe, promptfloe.operations["attach"], token) == (bearer, {})
    assert credentials.dressed(ghostly, ghostly.operations["attach"], cookie) == ([("Cookie", "a=b")], {})
    assert credentials.dressed(ghostly, ghostly.operations["cancel"], {}) == ([], {})


def test_a_cookie_has_the_name_that_the_profile_says() -> None:
    agents = load_profile("agent-workspace")
    mine = replace(agents, raw={**agents.raw, "auth": {"kind": "cookie", "parameter": "sid"}})
    attach = mine.operations["attach"]
    assert credentials.dressed(mine, attach, {"token": "abc"}) == ([("Cookie", "sid=abc")], {})
    assert credentials.malformed(mine) == {"cookie": "sid=not-a-credential"}
    assert credentials.malformed(agents) == {"cookie": "session=not-a-credential"}


def test_forged_changes_the_signature_only() -> None:
    forged = credentials.forged({"token": JWT})["token"]
    assert len(forged) == len(JWT)
    assert forged.split(".")[:2] == JWT.split(".")[:2]
    one, other = (base64.urlsafe_b64decode(token.split(".")[2] + "==") for token in (JWT, forged))
    assert one != other


def test_unsigned_keeps_the_claims() -> None:
    header, claims, signature = (credentials.unsigned({"token": JWT}) or {})["token"].split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "none"
    assert (claims, signature) == (JWT.split(".")[1], "")
    assert credentials.unsigned({"token": "pf_live_abc"}) is None


@pytest.mark.parametrize(
    ("account", "token", "cookie"),
    [
        ("forged", "abcdef-ghijk123".replace("ijk123", "jkl234"), "a=2; session=bcd"),
        ("shortened", "abcdef-ghijk12", "a=; session=ab"),
        ("lengthened", "abcdef-ghijk123AAAA", "a=1AAAA; session=abcAAAA"),
        ("halved", "abcdef-", "a=; session=a"),
        ("empty", "", "a=; session="),
    ],
)
def test_what_nearly_fits(account: str, token: str, cookie: str) -> None:
    """Of a cookie each value is another: nobody knows which of them counts."""
    assert credentials.altered(account, {"token": "abcdef-ghijk123"}) == {"token": token}
    assert credentials.altered(account, {"cookie": "a=1; session=abc"}) == {"cookie": cookie}


def test_a_bare_token_has_an_empty_signature() -> None:
    assert credentials.altered("bare", {"token": JWT}) == {"token": JWT.rpartition(".")[0] + "."}
    assert credentials.altered("bare", {"token": "pf_live_abc"}) == {}


def test_an_empty_token_is_sent_as_none_can_be() -> None:
    ghostly = load_profile("ghostly")
    cancel = credentials.dressed(ghostly, ghostly.operations["cancel"], {"token": ""})
    assert cancel == ([("Authorization", "Bearer")], {})
    assert credentials.dressed(ghostly, ghostly.operations["attach"], {"token": ""}) == ([], {"token": ""})


@pytest.mark.parametrize("run_id", ["run_0f9a", "7", "1234", "5f0c7a9e-1b2d-4c3e-8f4a-9b8c7d6e5f40"])
def test_another_id_is_none_that_exists(run_id: str) -> None:
    other = credentials.other_id(run_id)
    assert other != run_id
    assert other != str(int(run_id) + 1) if run_id.isdigit() else len(other) == len(run_id)


RIGHT = {"project": "demo", "steps": [{"action": "goto"}, {"action": "click"}]}
BODIES: dict[str, tuple[dict[str, Any], bytes | dict[str, Any]]] = {
    "without": ({"without": "/project"}, {"steps": RIGHT["steps"]}),
    "with": ({"with": {"/project": 7}}, RIGHT | {"project": 7}),
    "with, inside a list": ({"with": {"/steps/0": 1}}, RIGHT | {"steps": [1, {"action": "click"}]}),
    "repeat": ({"repeat": {"/steps": 3}}, RIGHT | {"steps": [{"action": "goto"}] * 3}),
    "another body": ({"body": [1]}, [1]),  # type: ignore[dict-item]
    "raw": ({"raw": '{"a":'}, b'{"a":'),
    "a place that is not there": ({"with": {"/a/b": 1}}, RIGHT),
}


@pytest.mark.parametrize("name", BODIES)
def test_wrong_bodies(name: str) -> None:
    row, wanted = BODIES[name]
    body = _wrong_body(RIGHT, {"name": name, "status": [400], **row})
    assert body == wanted if isinstance(wanted, bytes) else json.loads(body) == wanted
    assert RIGHT["project"] == "demo"


def test_filled() -> None:
    template = {"email": "{email}", "more": ["{password}", 1]}
    assert credentials.filled(template, {"email": "a@b", "password": "{email}"}) == {
        "email": "a@b",
        "more": ["{email}", 1],
    }
