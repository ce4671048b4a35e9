"""rockstar over real sockets: what its chapter promises, held against the honest server."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from streamvet_server import tokens as shared
from streamvet_server.seams import Cause, Seams
from streamvet_server.systems.ghostly.tokens import issue_token
from streamvet_server.systems.ghostly.users import ACCOUNTS as GHOSTLY_ACCOUNTS
from streamvet_server.systems.rockstar import tokens, work
from streamvet_server.systems.rockstar.routes import MAX_BODY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

API = "/rockstar/api/v1"
PROGRESS = ["redacting", "compressing", "generating_preview", "storing"]
STEP = {"emit": {"step": "compressing", "detail": "x"}}


def session(data: str = "one\n", name: str = "s-1", **more: Any) -> dict[str, Any]:
    return {"session_id": name, "data": data, **more}


def plan(content: str = "# One\n", name: str = "my-plan.md", **more: Any) -> dict[str, Any]:
    return {"name": name, "content": content, **more}


def write(path: str, content: str, tool: str = "Write") -> str:
    """A record of a session in which a file was written."""
    used = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": {"file_path": path, "content": content}}
    return json.dumps({"type": "assistant", "message": {"role": "assistant", "content": [used]}}) + "\n"


def steps(lines: list[Any]) -> list[str]:
    return [line["step"] for line in lines]


async def page(served: Any, url: str, headers: dict[str, str] | None = None) -> Any:
    answer = await served.http.get(url, headers=headers or {})
    return answer.json() if answer.status_code == 200 else answer.status_code


@pytest.mark.parametrize(
    ("kind", "body", "told", "where"),
    [("session", session(), PROGRESS, "s"), ("plan", plan(), ["checking", "generating_preview", "storing"], "p")],
)
def test_a_push(serve: Any, kind: str, body: Any, told: list[str], where: str) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = await served.bearer("rockstar")
            async with served.http.stream("POST", f"{API}/{kind}s", json=body, headers=headers) as answer:
                assert answer.status_code == 200
                assert answer.headers["content-type"] == "application/x-ndjson"
                assert answer.headers["cache-control"] == "no-cache"
                assert answer.headers["x-accel-buffering"] == "no"
                assert answer.headers["transfer-encoding"] == "chunked"
                octets = b"".join([piece async for piece in answer.aiter_raw()])
            assert octets.endswith(b"}\n")
            *progress, done = [json.loads(line) for line in octets.split(b"\n")[:-1]]
            assert steps(progress) == told
            assert all(set(line) == {"step", "detail"} and line["detail"] for line in progress)
            assert re.fullmatch("[a-z0-9]{12}", done["nanoid"])
            url = f"{served.url}/rockstar/{where}/{done['nanoid']}"
            assert done == {"step": "done", "nanoid": done["nanoid"], "url": url, "version": 1, "changed": True}
            shown = await page(served, url)
            assert (shown["version"], shown["url"], shown["privacy"]) == (1, url, "secret")
            assert shown.get("data", shown.get("content")) == body.get("data", body.get("content"))

    asyncio.run(main())


def test_lines_come_one_by_one(serve: Any) -> None:
    """The first line is read while the push is still waiting: nothing is kept back for the end."""

    async def main() -> None:
        async with serve() as served:
            headers = await served.scripted("rockstar", [STEP], "hangs")
            async with served.pushing("session", session(), headers) as stream:
                assert await anext(stream) == STEP["emit"]

    asyncio.run(main())


def test_versions_of_a_session(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            dones = [(await served.pushed("session", session(data)))[-1] for data in ("one\n", "one\n", "two\n")]
            assert [(done["version"], done["changed"]) for done in dones] == [(1, True), (2, False), (3, True)]
            assert len({(done["nanoid"], done["url"]) for done in dones}) == 1
            url = dones[0]["url"]
            assert [(await page(served, f"{url}/{n}"))["data"] for n in (1, 2, 3)] == ["one\n", "one\n", "two\n"]
            assert (await page(served, url))["version"] == 3
            assert await page(served, f"{url}/4") == 404
            other = (await served.pushed("session", session(name="s-2")))[-1]
            assert (other["version"], other["nanoid"] != dones[0]["nanoid"]) == (1, True)
            theirs = await served.bearer("rockstar", "other_credentials")
            foreign = (await served.pushed("session", session(), theirs))[-1]
            assert (foreign["version"], foreign["nanoid"] != dones[0]["nanoid"]) == (1, True)

    asyncio.run(main())


def test_versions_of_a_plan(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            pushes = [await served.pushed("plan", plan(content)) for content in ("a", "a", "b", "a")]
            assert [(told[-1]["version"], told[-1]["changed"]) for told in pushes] == [
                *((1, True), (1, False), (2, True), (3, True)),
            ]
            assert steps(pushes[1]) == ["checking", "done"]
            assert len({told[-1]["nanoid"] for told in pushes}) == 1
            url = pushes[0][-1]["url"]
            assert [(await page(served, f"{url}/{n}"))["content"] for n in (1, 2, 3)] == ["a", "b", "a"]

    asyncio.run(main())


def test_equal_plans_at_once_give_one_version(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            pushes = await asyncio.gather(*(served.pushed("plan", plan()) for _ in range(8)))
            assert {(told[-1]["nanoid"], told[-1]["version"]) for told in pushes} == {(pushes[0][-1]["nanoid"], 1)}
            assert sum(told[-1]["changed"] for told in pushes) == 1

    asyncio.run(main())


def test_pushes_of_one_session_at_once_give_a_version_each(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            pushes = await asyncio.gather(*(served.pushed("session", session()) for _ in range(8)))
            assert sorted(told[-1]["version"] for told in pushes) == list(range(1, 9))
            assert len({told[-1]["nanoid"] for told in pushes}) == 1

    asyncio.run(main())


def test_linked_plans(serve: Any) -> None:
    first = write("/home/x/.claude/plans/a.md", "draft") + write("~/.claude/plans/b.md", "b")
    first += write("/Users/y/.claude/plans/a.md", "final")
    second = write("/root/.claude/plans/a.md", "final") + write("~/.claude/plans/b.md", "b, again")

    async def main() -> None:
        async with serve() as served:
            told = await served.pushed("session", session(first, privacy="public"))
            assert steps(told) == [*PROGRESS, "linking_plans", "done"]
            assert "2" in told[-2]["detail"]
            a, b = told[-1]["plans"]
            assert [(it["name"], it["version"], it["created"]) for it in (a, b)] == [
                *(("a.md", 1, True), ("b.md", 1, True)),
            ]
            assert set(a) == {"nanoid", "name", "url", "version", "created"}
            shown = await page(served, a["url"])
            assert (shown["content"], shown["privacy"], shown["name"]) == ("final", "public", "a.md")
            assert (await page(served, told[-1]["url"]))["plans"] == [a["nanoid"], b["nanoid"]]

            again = (await served.pushed("session", session(second)))[-1]["plans"]
            assert again == [{**a, "created": False}, {**b, "version": 2, "created": False}]
            # A plan that is pushed by its name is the same plan.
            assert (await served.pushed("plan", plan("b, again", "b.md")))[-1]["changed"] is False
            none = await served.pushed("session", session("no plans\n"))
            assert steps(none) == [*PROGRESS, "done"]
            assert "plans" not in none[-1]

    asyncio.run(main())


NO_PLANS = {
    "another tool": write("~/.claude/plans/a.md", "x", "Edit"),
    "another folder": write("/home/x/.claude/notes/a.md", "x"),
    "a folder below": write("~/.claude/plans/old/a.md", "x"),
    "another ending": write("~/.claude/plans/a.txt", "x"),
    "a project's own folder": write("/home/x/project/.claude/plans/a.md", "x"),
    "not JSON": write("~/.claude/plans/a.md", "x")[:-3] + "\n",
    "another shape": '{"message":{"content":"Write"},"name":"Write"}\n["Write"]\n{"message":"Write"}\n"Write"\n',
    "content of another type": write("~/.claude/plans/a.md", "x").replace('"x"', "7"),
}


@pytest.mark.parametrize("data", NO_PLANS.values(), ids=NO_PLANS)
def test_what_is_no_plan_file(data: str) -> None:
    assert list(work.plan_writes(data)) == []


def test_hostile_names_and_contents(serve: Any) -> None:
    name = "plän “x”\u2028\u0085\x00\ud83d 🚀\n.md"
    content = 'a\r\nb\x00\x1b"\u2028\ufeff' + "🚀" * 1000

    async def main() -> None:
        async with serve() as served:
            data = write(f"~/.claude/plans/{name}", content)
            # JSON escapes all that is not ASCII here: httpx cannot send half an emoji otherwise.
            raw = json.dumps(session(data, title=name, project=name)).encode()
            headers = await served.bearer("rockstar")
            answer = await served.http.post(f"{API}/sessions", content=raw, headers=headers)
            done = [json.loads(line) for line in answer.content.split(b"\n")[:-1]][-1]
            assert done["plans"][0]["name"] == name
            assert done["project_label"] == name
            shown = await page(served, done["url"])
            assert (shown["title"], shown["data"]) == (name, data)
            assert (await page(served, done["plans"][0]["url"]))["content"] == content

    asyncio.run(main())


def test_projects(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            linked = (await served.pushed("session", session(project="demo")))[-1]
            assert (linked["project_label"], len(linked["project_nanoid"])) == ("demo", 12)
            same = (await served.pushed("plan", plan(project="demo")))[-1]
            assert same["project_nanoid"] == linked["project_nanoid"]
            other = (await served.pushed("session", session(project="other")))[-1]
            assert (other["project_label"], other["nanoid"]) == ("other", linked["nanoid"])
            assert other["project_nanoid"] != linked["project_nanoid"]
            for told in (
                await served.pushed("session", session(name="s-2")),
                await served.pushed("session", session(name="s-3", project="")),
            ):
                assert {"project_nanoid", "project_label"} & told[-1].keys() == set()

    asyncio.run(main())


def test_privacy(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            mine, theirs = [await served.bearer("rockstar", who) for who in ("credentials", "other_credentials")]
            url = (await served.pushed("session", session(privacy="private")))[-1]["url"]
            assert (await page(served, url, mine))["privacy"] == "private"
            hidden = [await served.http.get(url, headers=who) for who in ({}, theirs, {"Authorization": "Bearer x"})]
            missing = await served.http.get(f"{served.url}/rockstar/s/{'0' * 12}")
            assert {(it.status_code, it.text) for it in hidden} == {(404, missing.text)} == {(404, missing.text)}
            # What is not said stays as it was; what is said holds for every version.
            assert (await served.pushed("session", session()))[-1]["version"] == 2
            assert await page(served, url) == 404
            await served.pushed("session", session(privacy="public"))
            assert (await page(served, f"{url}/1"))["privacy"] == "public"

            unchanged = plan(privacy="private")
            url = (await served.pushed("plan", plan()))[-1]["url"]
            assert (await served.pushed("plan", unchanged))[-1]["changed"] is False
            assert await page(served, url) == 404
            assert steps(await served.pushed("plan", unchanged)) == ["checking", "done"]

    asyncio.run(main())


def test_a_version_can_be_deleted(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            mine, theirs = [await served.bearer("rockstar", who) for who in ("credentials", "other_credentials")]
            for data in ("one", "two"):
                done = (await served.pushed("session", session(data)))[-1]
            path = f"{API}/sessions/{done['nanoid']}/versions"

            async def delete(version: str, headers: dict[str, str]) -> int:
                answer = await served.http.delete(f"{path}/{version}", headers=headers)
                assert answer.status_code == 204 or set(answer.json()) == {"error"}
                return int(answer.status_code)

            for version, headers, status in (
                *(("2", {}, 401), ("2", theirs, 404), ("3", mine, 404), ("x", mine, 404), ("9" * 30, mine, 404)),
                *(("2", mine, 204), ("2", mine, 404)),
            ):
                assert await delete(version, headers) == status, version
            assert (await page(served, done["url"]))["data"] == "one"
            assert await page(served, f"{done['url']}/2") == 404
            # Its number is not given again, and "changed" compares with what is left.
            again = (await served.pushed("session", session("one")))[-1]
            assert (again["version"], again["changed"]) == (3, False)
            assert [await delete(version, mine) for version in ("1", "3")] == [204, 204]
            assert await page(served, done["url"]) == 404
            again = (await served.pushed("session", session("one")))[-1]
            assert (again["version"], again["changed"]) == (4, True)

    asyncio.run(main())


def test_redaction(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "REDACTIONS", (re.compile("hunter[0-9]"), re.compile("tok_[a-z]+")))

    async def main() -> None:
        async with serve() as served:
            data = "hunter2 tok_abc\n" + write("~/.claude/plans/a.md", "use hunter3")
            done = (await served.pushed("session", session(data)))[-1]
            assert (await page(served, done["url"]))["data"].startswith("[REDACTED] [REDACTED]\n")
            assert (await page(served, done["plans"][0]["url"]))["content"] == "use [REDACTED]"

    asyncio.run(main())


REFUSED: list[tuple[str, bytes, int]] = [
    ("sessions", b"", 400),
    ("sessions", b'{"session_id":', 400),
    ("sessions", b"[]", 400),
    ("sessions", b'{"data":"x"}', 400),
    ("sessions", b'{"session_id":"","data":"x"}', 400),
    ("sessions", b'{"session_id":7,"data":"x"}', 400),
    ("sessions", b'{"session_id":"a"}', 400),
    ("sessions", b'{"session_id":"a","data":["x"]}', 400),
    ("sessions", b'{"session_id":"a","data":"x","title":7}', 400),
    ("sessions", b'{"session_id":"a","data":"x","title":null}', 400),
    ("sessions", b'{"session_id":"a","data":"x","privacy":"open"}', 400),
    ("sessions", b'{"session_id":"a","data":"x","project":{}}', 400),
    ("plans", b'{"content":"x"}', 400),
    ("plans", b'{"name":"a.md"}', 400),
    ("plans", b'{"name":"","content":"x"}', 400),
    ("plans", b'{"name":"a.md","content":7}', 400),
    ("plans", b'{"name":"a.md","content":"x","privacy":7}', 400),
    ("sessions", b" " * (MAX_BODY_BYTES + 1), 413),
    ("plans", b" " * (MAX_BODY_BYTES + 1), 413),
    ("skills", b"{}", 404),
]


@pytest.mark.parametrize(("path", "body", "status"), REFUSED)
def test_refuses(serve: Any, path: str, body: bytes, status: int) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = await served.bearer("rockstar")
            answer = await served.http.post(f"{API}/{path}", content=body, headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
            assert list(answer.json()) == ["error"]

    asyncio.run(main())


def test_a_push_of_exactly_the_limit_is_taken(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            empty = json.dumps(session("")).encode()
            body = json.dumps(session("x" * (MAX_BODY_BYTES - len(empty)))).encode()
            assert len(body) == MAX_BODY_BYTES
            answer = await served.http.post(f"{API}/sessions", content=body, headers=await served.bearer("rockstar"))
            assert json.loads(answer.text.splitlines()[-1])["step"] == "done"

    asyncio.run(main())


def _forged(key: str, **more: Any) -> str:
    return jwt.encode({"sub": "rks_a", "exp": 4_102_444_800, **more}, key, algorithm="HS256" if key else "none")


TOKENS = {
    "none": None,
    "garbage": "nope",
    "expired": tokens.EXPIRED_TOKEN,
    "unsigned": _forged(""),
    "another key": _forged("k" * 32),
    "another signature": tokens.TOKEN[:-4] + "AAAA",
    "nobody": _forged(tokens.SIGNING_KEY, sub="rks_nobody"),
    "a number for a name": jwt.encode({"exp": 4_102_444_800}, tokens.SIGNING_KEY),
    "ghostly's": issue_token(GHOSTLY_ACCOUNTS[0][0]),
    "ghostly's, with our claims": _forged(shared.SIGNING_KEY),
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_refuses_tokens(serve: Any, token: str | None) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            for path, body in (("sessions", session()), ("plans", plan())):
                answer = await served.http.post(f"{API}/{path}", json=body, headers=headers)
                assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json")
                assert list(answer.json()) == ["error"]

    asyncio.run(main())


def test_our_token_is_none_of_ghostly(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            answer = await served.http.get("/ghostly/v1/runs", headers=await served.bearer("rockstar"))
            assert answer.status_code == 401

    asyncio.run(main())


def _public(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def test_a_key_becomes_a_token(serve: Any) -> None:
    key = Ed25519PrivateKey.generate()

    async def main() -> None:
        async with serve() as served:

            async def post(name: str, **body: str) -> Any:
                answer = await served.http.post(f"{API}/account/{name}", json=body)
                return answer.status_code, answer.json()

            status, told = await post("register", public_key=f"{_public(key)} someone@example.org")
            assert (status, told["fingerprint"][:7]) == (201, "SHA256:")
            assert await post("register", public_key=_public(key)) == (200, told)
            asked = {"fingerprint": told["fingerprint"]}
            status, challenge = await post("challenge", **asked)
            assert (status, set(challenge)) == (200, {"challenge", "expires_at"})
            signed = key.sign(f"rockstar.ninja.v1.auth:{challenge['challenge']}:{told['fingerprint']}".encode())
            wrong = base64.b64encode(key.sign(b"something else")).decode()
            for signature in (wrong, "nope", "é", "A"):
                assert (await post("verify", **asked, signature=signature))[0] == 401
            right = base64.urlsafe_b64encode(signed).decode().rstrip("=")
            status, verified = await post("verify", **asked, signature=right)
            assert (status, set(verified)) == (200, {"token", "expires_at"})
            assert (await post("verify", **asked, signature=right))[0] == 401  # a challenge serves once

            headers = {"Authorization": f"Bearer {verified['token']}"}
            done = (await served.pushed("session", session(privacy="private"), headers))[-1]
            assert (await page(served, done["url"], headers))["data"] == "one\n"
            assert await page(served, done["url"], await served.bearer("rockstar")) == 404
            await served.control("rockstar", do="reset")
            assert (await served.pushed("session", session(), headers))[-1]["version"] == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("register", {}, 400),
        ("register", {"public_key": "ssh-ed25519 nope"}, 400),
        ("register", {"public_key": _public(generate_private_key(65537, 2048))}, 400),
        ("register", {"public_key": "x" * 9000}, 413),
        ("challenge", {"fingerprint": "SHA256:nobody"}, 404),
        ("challenge", {"fingerprint": 7}, 400),
        ("verify", {"fingerprint": "SHA256:nobody", "signature": "AAAA"}, 401),
        ("verify", {"fingerprint": "SHA256:nobody"}, 400),
    ],
)
def test_account_refuses(serve: Any, name: str, body: Any, status: int) -> None:
    async def main() -> None:
        async with serve() as served:
            answer = await served.http.post(f"{API}/account/{name}", json=body)
            assert (answer.status_code, list(answer.json())) == (status, ["error"])

    asyncio.run(main())


def test_lives_of_challenges_and_tokens_are_scaled(serve: Any) -> None:
    asked: dict[str, float] = {}

    def clock(_scene: Any, name: str, seconds: float) -> float:
        asked[name] = round(seconds, 6)
        return 0.0 if name == "challenge" and "late" in asked else seconds

    key = Ed25519PrivateKey.generate()

    async def main() -> None:
        async with serve(scale=0.02, seams=lambda _profile: Seams(clock=clock)) as served:

            async def post(name: str, **body: str) -> Any:
                return (await served.http.post(f"{API}/account/{name}", json=body)).json()

            async def verified() -> Any:
                nonce = (await post("challenge", fingerprint=told["fingerprint"]))["challenge"]
                signed = key.sign(f"rockstar.ninja.v1.auth:{nonce}:{told['fingerprint']}".encode())
                return await post("verify", **told, signature=base64.b64encode(signed).decode())

            told = await post("register", public_key=_public(key))
            assert "token" in await verified()
            assert {name: asked[name] for name in ("challenge", "token")} == {"challenge": 6.0, "token": 1728.0}
            asked["late"] = 1.0  # from here on a challenge has expired at once
            assert "token" not in await verified()

    asyncio.run(main())


def test_scripts_replace_the_progress_only(serve: Any) -> None:
    data = write("~/.claude/plans/a.md", "x")

    async def main() -> None:
        async with serve() as served:
            emits = [{"emit": {"step": "redacting"}}, {"wait_ms": 10}, STEP, STEP]
            headers = await served.scripted("rockstar", emits)
            for version in (1, 2):
                told = await served.pushed("session", session(data), headers)
                assert told[:-1] == [{"step": "redacting"}, STEP["emit"], STEP["emit"]]
                assert (told[-1]["version"], told[-1]["changed"]) == (version, version == 1)
                assert [it["created"] for it in told[-1]["plans"]] == [version == 1]
            told = [await served.pushed("plan", plan(), headers) for _ in range(2)]
            assert [(it[-1]["version"], it[-1]["changed"]) for it in told] == [(1, True), (1, False)]

    asyncio.run(main())


@pytest.mark.parametrize(
    "step",
    [
        {"emit": {"detail": "x"}},
        {"emit": {"step": "done"}},
        {"emit": {"step": "error", "error": "x"}},
        {"emit": {"step": 7}},
        {"emit": {"step": "storing", "detail": 7}},
        {"emit": {"step": "storing", "version": 7}},
    ],
)
def test_refuses_steps(serve: Any, step: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            answer = await served.control("rockstar", do="script", steps=[step], outcome="succeeds")
            assert (answer.status_code, answer.json()["error"][:8]) == (400, "steps[0]")

    asyncio.run(main())


def test_an_unknown_script_is_refused(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = {"Streamvet-Script": "nope", **await served.bearer("rockstar")}
            answer = await served.http.post(f"{API}/sessions", json=session(), headers=headers)
            assert (answer.status_code, list(answer.json())) == (400, ["error"])

    asyncio.run(main())


def test_control(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            told = (await served.control("rockstar", do="describe")).json()
            assert (told["profile"], told["can"]) == ("rockstar", ["script", "fail", "reset"])
            url = (await served.pushed("session", session()))[-1]["url"]
            failing = await served.scripted("rockstar", [STEP], "fails")
            told = await served.pushed("session", session(), failing)
            assert steps(told) == ["compressing", "error"]
            assert set(told[-1]) == {"step", "error"}

            assert (await served.control("rockstar", do="fail", what="store", times=2)).status_code == 200
            data = write("~/.claude/plans/a.md", "x")
            assert steps(await served.pushed("session", session(data))) == [*PROGRESS, "error"]
            assert steps(await served.pushed("plan", plan()))[-1] == "error"
            done = (await served.pushed("session", session(data)))[-1]
            assert (done["version"], done["plans"][0]["created"]) == (2, True)

            assert (await served.control("rockstar", do="fail", what="rate")).status_code == 200
            headers = await served.bearer("rockstar")
            statuses = [
                (await served.http.post(f"{API}/plans", json=plan(), headers=headers)).status_code for _ in range(2)
            ]
            assert statuses == [429, 200]

            assert (await served.control("rockstar", do="reset")).status_code == 200
            assert await page(served, url) == 404
            assert (await served.pushed("session", session()))[-1]["version"] == 1

    asyncio.run(main())


def test_reset_ends_open_streams(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = await served.scripted("rockstar", [STEP], "hangs")
            async with served.pushing("session", session(), headers) as stream:
                await anext(stream)
                await served.control("rockstar", do="reset")
                assert [line async for line in stream] == []
            assert (await served.pushed("session", session()))[-1]["version"] == 1

    asyncio.run(main())


@pytest.mark.parametrize("outcome", ["hangs", "succeeds"])
def test_a_client_that_leaves_leaves_a_whole_version_or_none(serve: Any, outcome: str) -> None:
    """One that hangs, and one that is about to be kept; what remains is what the next push of the same data tells."""
    gone = asyncio.Event()

    def left(_scene: Any) -> None:
        gone.set()

    async def main() -> None:
        async with serve(seams=lambda _profile: Seams(left=left)) as served:
            await served.pushed("session", session())
            headers = await served.scripted("rockstar", [STEP], outcome)
            gone.clear()
            async with served.pushing("session", session("two\n"), headers) as stream:
                await anext(stream)
            await gone.wait()
            done = (await served.pushed("session", session("two\n")))[-1]
            whole = [(2, True)] if outcome == "hangs" else [(2, True), (3, False)]
            assert (done["version"], done["changed"]) in whole
            assert (await page(served, done["url"]))["data"] == "two\n"

    asyncio.run(main())


def test_left_may_decide_that_what_there_is_is_kept(serve: Any) -> None:
    """The seam by which a fault keeps half a version: the honest server keeps nothing."""
    seams = Seams(
        left=lambda scene: Cause.DETACHED if scene.operation == "start:session" else None,
        append=lambda _scene, batch: (
            replace(batch, facts={**batch.facts, "content": "half"}) if batch.cause is Cause.DETACHED else batch
        ),
    )

    async def main() -> None:
        async with serve(seams=lambda _profile: seams) as served:
            done = (await served.pushed("session", session()))[-1]
            headers = await served.scripted("rockstar", [STEP], "hangs")
            async with served.pushing("session", session("two\n"), headers) as stream:
                await anext(stream)
            async with asyncio.timeout(10):
                while (await page(served, done["url"]))["version"] == 1:  # noqa: ASYNC110 -- the server tells nobody
                    await asyncio.sleep(0.01)
            assert (await page(served, f"{done['url']}/2"))["data"] == "half"
            assert (await page(served, f"{done['url']}/1"))["data"] == "one\n"

    asyncio.run(main())


def test_a_broken_push_ends_for_its_client(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    def append(_scene: Any, batch: Any) -> Any:
        if batch.cause is Cause.WORK:
            raise RuntimeError("the worker broke")
        return batch

    async def main() -> None:
        async with serve(seams=lambda _profile: Seams(append=append)) as served:
            assert steps(await served.pushed("session", session())) == ["error"]

    asyncio.run(main())
    assert "broke" in caplog.text


def test_sigterm_ends_a_push_cleanly(spawn: Any) -> None:
    async def main() -> None:
        process = spawn()
        async with process.client() as served:
            headers = await served.scripted("rockstar", [STEP], "hangs")
            async with served.pushing("session", session(), headers) as stream:
                await anext(stream)
                process.popen.terminate()
                # A body cut short would raise here: httpx checks the last chunk.
                assert [line async for line in stream] == []
        assert await asyncio.to_thread(process.popen.wait, 10) == 0

    asyncio.run(main())


def test_kill_loses_no_version_that_a_client_saw(spawn: Any, tmp_path: Path) -> None:
    database = str(tmp_path / "pushes.db")
    key = Ed25519PrivateKey.generate()
    data = write("~/.claude/plans/a.md", "x")

    async def before() -> Any:
        process = spawn("--db", database)
        async with process.client() as served:
            registered = await served.http.post(f"{API}/account/register", json={"public_key": _public(key)})
            assert registered.status_code == 201
            done = (await served.pushed("session", session(data)))[-1]
            headers = await served.scripted("rockstar", [STEP], "hangs")
            async with served.pushing("session", session("half\n"), headers) as stream:
                await anext(stream)
                process.kill()
            return done

    async def after(done: Any) -> None:
        async with spawn("--db", database).client() as served:
            registered = await served.http.post(f"{API}/account/register", json={"public_key": _public(key)})
            assert registered.status_code == 200
            shown = await page(served, f"/rockstar/s/{done['nanoid']}")
            assert (shown["version"], shown["data"]) == (1, data)
            again = (await served.pushed("session", session(data)))[-1]
            assert (again["nanoid"], again["version"], again["changed"]) == (done["nanoid"], 2, False)
            assert (again["plans"][0]["nanoid"], again["plans"][0]["created"]) == (done["plans"][0]["nanoid"], False)

    asyncio.run(after(asyncio.run(before())))


def test_alone_it_is_at_the_root(serve: Any) -> None:
    async def main() -> None:
        async with serve(profiles=("rockstar",)) as served:
            headers = await served.bearer("rockstar")
            answer = await served.http.post("/api/v1/plans", json=plan(), headers=headers)
            done = json.loads(answer.text.splitlines()[-1])
            assert done["url"] == f"{served.url}/p/{done['nanoid']}"
            assert (await page(served, done["url"]))["content"] == "# One\n"

    asyncio.run(main())
