"""The target file: what it says, and what is wrong with one that cannot be used."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from streamvet.contract.evidence import Evidence
from streamvet.contract.files import FileError
from streamvet.contract.folders import builtin_profiles, known_protocols
from streamvet.contract.registry import FIRST_REVISION
from streamvet.contract.route import Tls
from streamvet.contract.target import Launch, load_target, placeholders, target_of
from streamvet.masking import veiled
from streamvet.probes.setting import Setting

CHAT = Path(__file__).parents[1] / "candidates" / "chat"
MINIMAL = {"profile": "ghostly", "base_url": "http://127.0.0.1:4000"}
LOGIN = {"email": "a@example.org", "password": "${GHOSTLY_PASSWORD}"}


def read(tmp_path: Path, **more: Any) -> Any:
    return target_of(MINIMAL | more, tmp_path / "target.yaml")[0]


def test_minimal(tmp_path: Path) -> None:
    target = read(tmp_path)
    assert (target.base_url, target.max_starts, target.max_concurrency) == ("http://127.0.0.1:4000", 50, 33)
    assert (target.control, target.time_scale, target.lacks, target.launch) == (None, 1.0, (), None)
    assert read(tmp_path, profile="rockstar").max_concurrency == 20


def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHOSTLY_PASSWORD", "secret: {yes}")
    path = tmp_path / "target.yaml"
    (tmp_path / "server").mkdir()
    lines = [
        "profile: ghostly",
        "base_url: http://127.0.0.1:4000/api/",
        f"credentials: {json.dumps(LOGIN)}",
        "control: /_conformance",
        "time_scale: 0.05",
        "inputs: {run: {succeeds: {project: demo}}}",
        "launch: {command: [node, server.js], cwd: ./server, env: {PORT: '4000'}, ready: {path: /health}}",
    ]
    path.write_text("\n".join(lines))
    target, profile = load_target(path)
    assert (target.base_url, target.max_starts, profile.name) == ("http://127.0.0.1:4000/api", None, "ghostly")
    assert target.max_active_runs is None
    assert target.credentials == {"email": "a@example.org", "password": "secret: {yes}"}
    assert target.launch == Launch(("node", "server.js"), tmp_path / "server", {"PORT": "4000"}, "/health", 10_000)


LAUNCH = {"command": ["true"]}
_, BLACK_BOX, LAUNCHED, CONTROLLED = Evidence
EVIDENCE: dict[str, tuple[dict[str, Any], set[Evidence]]] = {
    "nothing": ({}, {BLACK_BOX}),
    "launch": ({"launch": LAUNCH}, {BLACK_BOX, LAUNCHED}),
    "control": ({"control": "/c"}, {BLACK_BOX, CONTROLLED}),
    "both": ({"control": "/c", "launch": LAUNCH}, {BLACK_BOX, LAUNCHED, CONTROLLED}),
    "said and there": ({"control": "/c", "evidence": "controlled"}, {BLACK_BOX, CONTROLLED}),
    "less than control": ({"control": "/c", "launch": LAUNCH, "evidence": "launched"}, {BLACK_BOX, LAUNCHED}),
    "less than both": ({"control": "/c", "launch": LAUNCH, "evidence": "black-box"}, {BLACK_BOX}),
}


@pytest.mark.parametrize(("keys", "levels"), EVIDENCE.values(), ids=EVIDENCE)
def test_the_evidence_that_a_target_allows(keys: dict[str, Any], levels: set[Evidence], tmp_path: Path) -> None:
    assert read(tmp_path, **keys).allows == levels


def test_a_target_names_the_revision_that_scores_it(tmp_path: Path) -> None:
    assert (read(tmp_path).spec, read(tmp_path, spec=FIRST_REVISION).spec) == (0, FIRST_REVISION)


def test_below_controlled_there_is_no_control_interface(tmp_path: Path) -> None:
    target = read(tmp_path, control="/c", launch=LAUNCH, evidence="black-box")
    assert (target.control, target.max_starts, target.max_active_runs) == (None, 50, 2)
    assert target.launch is not None  # it is started all the same, but not killed


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a typing error": ({"credential": {}}, "the file: expected only known keys, got 'credential'"),
    "no control for the evidence": (
        {"evidence": "controlled"},
        "/evidence: expected a level that the target has: this one needs the key control, got controlled",
    ),
    "no launch for the evidence": (
        {"control": "/c", "evidence": "launched"},
        "/evidence: expected a level that the target has: this one needs the key launch, got launched",
    ),
    "evidence that no target gives": ({"evidence": "capture"}, "/evidence: expected "),
    "a revision that was not released": (
        {"spec": FIRST_REVISION - 1},
        f"/spec: expected a revision that this version knows: {FIRST_REVISION}, got {FIRST_REVISION - 1}",
    ),
    "a revision to come": ({"spec": 99}, "/spec: expected a revision that this version knows: "),
    "no URL": ({"base_url": "localhost:4000"}, "/base_url: expected a match"),
    "a URL with a query": ({"base_url": "http://a/?x=1"}, "/base_url: expected a match"),
    "no such profile": ({"profile": "ghostley"}, "/profile: expected one of agent-workspace, "),
    "an operation that is not optional": (
        {"lacks": ["cancel"]},
        "/lacks/0: expected nothing, because no operation is optional",
    ),
    "an unknown kind": ({"inputs": {"skill": {}}}, "/inputs/skill: expected one of the kinds run"),
    "an unknown outcome": ({"inputs": {"run": {"suceeds": {}}}}, "/inputs/run: expected only known keys"),
    "a failure that succeeds": (
        {"inputs": {"run": {"succeeds": {"a": 1}, "fails": {"a": 1}}}},
        "/inputs/run/fails: expected a body other than that of succeeds, or none, got {'a': 1}",
    ),
    "a long run like any": (
        {"inputs": {"run": {"succeeds": {"a": 1}, "long": {"a": 1.0}}}},
        "/inputs/run/long: expected a body other than that of succeeds, or none",
    ),
    "a failure by the body that the profile has for a success": (
        {"profile": "rockstar", "inputs": {"plan": {"fails": {"name": "my-plan.md", "content": "# A plan\n"}}}},
        "/inputs/plan/fails: expected a body other than that of start:plan in the profile, or none, got {'name': 'my-",
    ),
    "no such directory": ({"directory": "watched"}, "/directory: expected an existing directory, got 'watched'"),
    "no such folder": (
        {"launch": {"command": ["node"], "cwd": "server"}},
        "/launch/cwd: expected an existing folder, got 'server'",
    ),
    "a file for a folder": (
        {"launch": {"command": ["node"], "cwd": "/dev/null"}},
        "/launch/cwd: expected an existing folder, got '/dev/null'",
    ),
    "half a login": ({"credentials": {"email": "a"}}, "/credentials: expected token or cookie, or email and password"),
    "two credentials": ({"credentials": {"token": "a", "cookie": "b=c"}}, "/credentials: expected token or cookie"),
    "a token with a line end": ({"credentials": {"token": "a\nb"}}, "/credentials/token: expected a match"),
    "a cookie without a name": ({"other_credentials": {"cookie": "a"}}, "/other_credentials/cookie: expected a match"),
    "a variable that is not set": ({"credentials": {"token": "${STREAMVET_UNSET}"}}, "variable STREAMVET_UNSET to be"),
    "a variable that is not closed": ({"credentials": {"token": "${NOPE"}}, "/credentials/token: expected ${NAME}, "),
    "a variable without a name": ({"credentials": {"token": "a${}b"}}, "/credentials/token: expected ${NAME}, "),
    "a variable of a shell": ({"inputs": {"run": {"long": ["${A:-b}"]}}}, "/inputs/run/long/0: expected ${NAME}, "),
    "a trigger where there is none": (
        {"triggers": {"change": {"command": ["x"]}}},
        "/triggers/change: expected nothing, because the profile has none, got 'change'",
    ),
    "no such trigger": (
        {"profile": "agent-workspace", "triggers": {"chnge": {"command": ["x"]}}},
        "/triggers/chnge: expected one of the profile's triggers change, got 'chnge'",
    ),
    "a trigger without anything": ({"triggers": {"change": {}}}, "/triggers/change"),
    "a field that the suite sets": (
        {"headers": {"accept": "*/*"}},
        "/headers/accept: expected a field that the suite does not set itself, got accept",
    ),
    "a field that carries credentials": (
        {"headers": {"Cookie": "a=b"}},
        "/headers/Cookie: expected a field that carries no credentials: they go into credentials, got Cookie",
    ),
    "a field of a bearer": (
        {"profile": "promptfloe", "headers": {"authorization": "Bearer a"}},
        "/headers/authorization: expected a field that carries no credentials",
    ),
    "the field of a key": (
        {"profile": str(CHAT), "headers": {"x-api-key": "a"}},
        "/headers/x-api-key: expected a field that carries no credentials",
    ),
    "a name that no field has": ({"headers": {"X Tenant": "a"}}, "/headers: expected a match of "),
    "a value with a line end": ({"headers": {"X-Tenant": "a\nb"}}, "/headers/X-Tenant: expected a match of "),
    "TLS without https": ({"tls": {"verify": False}}, "/tls: expected a base_url with https://, got 'http://127"),
    "no such authority": (
        {"base_url": "https://a", "tls": {"ca": "nowhere.pem"}},
        "/tls/ca: expected an existing file, got 'nowhere.pem'",
    ),
    "a key without its certificate": (
        {"base_url": "https://a", "tls": {"key": "target.key"}},
        "/tls: expected cert beside key",
    ),
    "an authority that nobody asks": (
        {"base_url": "https://a", "tls": {"ca": __file__, "verify": False}},
        "/tls/ca: expected the trusted authorities, or verify: false, got both",
    ),
    "a proxy without a host": ({"proxy": "http://:3128"}, "/proxy: expected http:// or https://, a host"),
    "a proxy by TLS": ({"proxy": "https://a:3128"}, "/proxy: expected a match of ^http://"),
    "a proxy and a socket": (
        {"proxy": "http://a:3128", "socket": "s"},
        "/socket: expected a socket or a proxy, got both",
    ),
    "HTTP/2 by a proxy without a tunnel": (
        {"proxy": "http://a:3128", "http2": True},
        "/http2: expected a base_url with https:// behind a proxy",
    ),
    "a replica with a query": ({"replicas": ["http://a/?x=1"]}, "/replicas/0: expected a match"),
    "no replica": ({"replicas": []}, "/replicas: expected "),
    "a replica without a port": ({"replicas": ["http://a:0"]}, "/replicas/0: expected http:// or https://, a host"),
    "a replica by another scheme": (
        {"base_url": "https://a", "replicas": ["https://b", "http://c"]},
        "/replicas/1: expected https://, as in base_url, got 'http://c'",
    ),
    "a replica with a password": ({"replicas": ["http://u:p@a"]}, "/replicas/0: expected a URL without user"),
    "replicas on one socket": ({"replicas": ["http://a"], "socket": "s"}, "/replicas: expected a socket or replicas"),
    "a long socket": ({"socket": "s" * 120}, "/socket: expected a path of at most 107 bytes"),
    "a request with two bodies": (
        {"prepare": [{"method": "PUT", "path": "/a", "json": 1, "text": "1"}]},
        "/prepare/0: expected json or text, got both",
    ),
    "an existing run of no kind that there is": (
        {"existing": {"finished": "r", "kind": "skill"}},
        "/existing/kind: expected one of the kinds run, got 'skill'",
    ),
    "a kind of nothing": (
        {"existing": {"kind": "run"}},
        "/existing: expected finished or active beside kind, got kind",
    ),
    "a scale of zero": ({"time_scale": 0}, "/time_scale"),
    "a command that is a text": ({"launch": {"command": "node server.js"}}, "/launch/command: expected array"),
    "a file that is none": ({"launch": []}, "/launch: expected object"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name: str, tmp_path: Path) -> None:
    more, text = WRONG[name]
    with pytest.raises(FileError) as raised:
        read(tmp_path, **more)
    assert text in str(raised.value)
    assert str(raised.value).startswith(f"{tmp_path / 'target.yaml'}: ")


@pytest.mark.parametrize(
    ("profile", "existing", "kind"),
    [
        ("ghostly", {"finished": "r"}, "run"),
        ("promptfloe", {"finished": "r"}, ""),
        ("promptfloe", {"finished": "r", "kind": "skill"}, "skill"),
    ],
)
def test_the_kind_of_an_existing_run(profile: str, existing: dict[str, str], kind: str, tmp_path: Path) -> None:
    target, loaded = target_of(MINIMAL | {"profile": profile, "existing": existing}, tmp_path / "target.yaml")
    assert Setting(loaded, target, 1.0, frozenset(), None).kind_of_existing == kind


def test_header_fields_on_every_request(tmp_path: Path) -> None:
    target = read(tmp_path, profile="cosma", headers={"X-Tenant": "acme", "Authorization": "Basic YTpi"})
    assert target.route.headers == (("X-Tenant", "acme"), ("Authorization", "Basic YTpi"))
    assert target.secrets == ("Basic YTpi",)


def test_the_way_to_the_candidate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    (tmp_path / "me.pem").touch()
    tls = {"ca": "ca.pem", "cert": "me.pem"}
    route = read(tmp_path, base_url="https://a", tls=tls, proxy="http://b:3128").route
    wanted = Tls(tmp_path / "target.yaml", tmp_path / "ca.pem", tmp_path / "me.pem", None, verify=True)
    assert (route.tls, route.proxy, route.socket) == (wanted, "http://b:3128", None)
    assert read(tmp_path, socket="run/it").route.socket == tmp_path / "run" / "it"


def test_the_password_of_a_proxy_is_masked(tmp_path: Path) -> None:
    read(tmp_path, proxy="http://me:pass%20wording@b:3128")
    assert veiled("pass wording, pass%20wording") == "xxxx xxxxxxx, xxxx%78xxxxxxx"


WRONG_URLS = {
    "http://127.0.0.1:abc": "'http://127.0.0.1:abc': Port could not be cast to integer value as 'abc'",
    "http://[::1:24310": "'http://[::1:24310': Invalid IPv6 URL",
    "http://127.0.0.1:0": "'http://127.0.0.1:0'",
    "http://127.0.0.1:99999": "'http://127.0.0.1:99999': Port out of range 0-65535",
    "http://127.0.0.1:": "'http://127.0.0.1:'",
    "http://:4000": "'http://:4000'",
    "http://a..b": "'http://a..b': ",
}


@pytest.mark.parametrize(("url", "got"), WRONG_URLS.items())
def test_a_url_where_nobody_can_be(url: str, got: str, tmp_path: Path) -> None:
    with pytest.raises(FileError) as raised:
        read(tmp_path, base_url=url)
    wanted = "http:// or https://, a host, and a port from 1 to 65535 where there is one"
    assert f"/base_url: expected {wanted}, got {got}" in str(raised.value)


def test_credentials_in_the_url_are_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(FileError) as raised:
        read(tmp_path, base_url="http://me:secret@127.0.0.1:4000")
    assert "which go into credentials" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://[::1]:4000", "https://example.org/api", "http://bücher.example:1"])
def test_a_url_that_can_be_one(url: str, tmp_path: Path) -> None:
    assert read(tmp_path, base_url=url).base_url == url


LINES = "".join(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("abcdefgh"))
ENDLESS = {
    "an alias that holds itself": ("a: &a [*a]", "at most 100 levels, aliases expanded, got more"),
    "an alias that holds itself in a mapping": ("a: &a {b: *a}", "at most 100 levels, aliases expanded, got more"),
    "a bomb": ("a: &a [x, x, x, x, x, x, x, x, x]\n" + LINES, "at most 200000 values, aliases expanded, got more"),
    "no number": ("time_scale: .nan", "/time_scale: expected a number as JSON has them, got nan"),
    "an infinite number": ("max_starts: [.inf]", "/max_starts/0: expected a number as JSON has them, got inf"),
}


@pytest.mark.parametrize(("text", "said"), ENDLESS.values(), ids=ENDLESS)
def test_a_file_without_an_end(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "target.yaml"
    path.write_text(text)
    with pytest.raises(FileError) as raised:
        load_target(path)
    assert said in str(raised.value)


def told(raw: dict[str, Any]) -> str:
    """What is said of a target file that cannot be used."""
    with pytest.raises(FileError) as raised:
        target_of(raw, Path("target.yaml"))
    return str(raised.value)


def test_a_typing_error_in_a_required_key_is_named() -> None:
    said = told({"profile": "ghostly", "baseurl": MINIMAL["base_url"]})
    assert said == ("target.yaml: /baseurl: expected the key base_url, which is missing, got 'baseurl', an unknown key")


def test_typing_errors_in_all_required_keys_name_the_first_one() -> None:
    said = told({"Profile": "ghostly", "base/url": MINIMAL["base_url"]})
    assert said.startswith(
        "target.yaml: /Profile: expected the keys profile, base_url, which is missing, got 'Profile'"
    )


def test_a_typing_error_deeper_in_the_file_is_named() -> None:
    said = told(MINIMAL | {"launch": {"comand": ["node"]}})
    assert said.startswith("target.yaml: /launch/comand: expected the key command, which is missing, got 'comand'")


def test_a_typing_error_in_one_of_several_forms_is_named() -> None:
    said = told(MINIMAL | {"triggers": {"change": {"comand": ["touch"]}}})
    assert said.startswith(
        "target.yaml: /triggers/change/comand: expected the key command, which is missing, got 'comand'"
    )


def test_an_unknown_profile_is_told_with_the_file_and_the_built_in_ones() -> None:
    known = ", ".join([*builtin_profiles(), *known_protocols()])
    assert told(MINIMAL | {"profile": "rockstr"}) == (
        f"target.yaml: /profile: expected one of {known}, or a folder with a profile.yaml, got 'rockstr'"
    )


def test_an_optional_operation_may_be_lacking(tmp_path: Path) -> None:
    assert read(tmp_path, profile="promptfloe", lacks=["start:message"]).lacks == ("start:message",)


def test_variables_are_expanded_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMVET_PROJECT", "demo")
    body = {"project": "${STREAMVET_PROJECT}", "steps": ["${STREAMVET_PROJECT}", 1]}
    target = read(tmp_path, inputs={"run": {"succeeds": body}})
    assert target.inputs["run"]["succeeds"] == {"project": "demo", "steps": ["demo", 1]}


def test_placeholders() -> None:
    assert placeholders({"email": "{email}", "more": ["{password}!", 7, None]}) == {"email", "password"}
