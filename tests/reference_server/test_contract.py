"""The honest server, held to the contract: every event and answer of its own work is valid under its schema."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jsonschema import Draft202012Validator

from streamvet_server.listing import accounts

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
INPUTS = {profile: told["inputs"] for profile, told in accounts().items() if "inputs" in told}
HEALED = {"assist": {"v2": True, "goal": "see it"}, "steps": [{"action": "goto", "url": "/heals"}]}
BODIES = [
    INPUTS["ghostly"]["run"]["succeeds"],
    INPUTS["ghostly"]["run"]["fails"],
    {**INPUTS["ghostly"]["run"]["succeeds"], **HEALED},
    {**INPUTS["ghostly"]["run"]["fails"], **HEALED},
]
PATHS = {"build": "apps/generate", "skill": "skills/run", "augmenter": "augmenters/run", "message": "chats/c/messages"}


def valid(profile: str, name: str, document: Any) -> None:
    schema = json.loads((SCHEMAS / profile / f"{name}.schema.json").read_text())
    checker = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for error in checker.iter_errors(document)] == [], (name, document)


def test_every_body_of_the_list_is_a_valid_request() -> None:
    for fate in INPUTS["ghostly"]["run"].values():
        valid("ghostly", "requests/run", fate)
    names = {"build": "generate", "skill": "skill-run", "augmenter": "augmenter-run", "message": "message"}
    for kind, fates in INPUTS["promptfloe"].items():
        for body in fates.values():
            valid("promptfloe", f"requests/{names[kind]}", body)


@pytest.mark.parametrize("body", BODIES, ids=["succeeds", "fails", "healed", "assisted"])
def test_ghostly(serve: Any, body: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = await served.bearer()
            started = await served.http.post("/ghostly/v1/run", json=body, headers=headers)
            valid("ghostly", "responses/run-started", started.json())
            run = started.json()["id"]
            for block in await served.seen(run):
                document = json.loads(block["data"])
                kind = f"assist.{document['type']}" if block["event"] == "assist" else block["event"]
                valid("ghostly", f"events/{kind}", document)
            valid("ghostly", "responses/run-record", await served.record(run))
            valid("ghostly", "responses/run-list", (await served.http.get("/ghostly/v1/runs", headers=headers)).json())
            valid("ghostly", "responses/error", (await served.cancel(run)).json())
            hangs = await served.run([], "hangs")
            valid("ghostly", "responses/run-record", await served.record(hangs))
            valid("ghostly", "responses/cancel", (await served.cancel(hangs)).json())
            for block in await served.seen(hangs):
                document = json.loads(block["data"])
                kind = f"assist.{document['type']}" if block["event"] == "assist" else block["event"]
                valid("ghostly", f"events/{kind}", document)

    asyncio.run(main())


@pytest.mark.parametrize("kind", PATHS)
def test_promptfloe(serve: Any, kind: str) -> None:
    async def main() -> None:
        async with serve() as served:
            path, headers = f"/promptfloe/v1/{PATHS[kind]}", await served.bearer("promptfloe")
            hangs = await served.scripted("promptfloe", [], "hangs")
            for body, asking in (
                (INPUTS["promptfloe"][kind]["succeeds"], headers),
                (INPUTS["promptfloe"][kind]["fails"], headers),
                (INPUTS["promptfloe"][kind]["long"], hangs),
            ):
                async with served.http.stream("POST", path, json=body, headers=asking) as answer:
                    run = answer.headers["X-Run-Id"]
                    if asking is hangs:
                        valid("promptfloe", "responses/run-record", await served.record(run, "promptfloe"))
                        valid("promptfloe", "responses/cancel", (await served.cancel(run, "promptfloe")).json())
                    await answer.aread()
                for event in await served.resumed(run):
                    valid("promptfloe", f"events/{event['type']}", event)
                valid("promptfloe", "responses/run-record", await served.record(run, "promptfloe"))
            refused = await served.http.post(path, json={}, headers=headers)
            valid("promptfloe", "responses/error", refused.json())

    asyncio.run(main())


def test_agent_workspace(serve: Any) -> None:
    """The demo shows every kind of event but the error, which a failure of the load brings."""

    async def main() -> None:
        credentials = accounts()["agent-workspace"]["credentials"]
        valid("agent-workspace", "requests/login", credentials)
        async with serve(control=False, scale=0.005) as served:
            login = "/agent-workspace/api/auth/login"
            valid("agent-workspace", "responses/login", (await served.http.post(login, json=credentials)).json())
            valid("agent-workspace", "responses/error", (await served.http.post(login, json={})).json())
            names = set()
            async with served.workspace() as stream:
                async for name, document in stream:
                    valid("agent-workspace", f"events/{name}", document)
                    names.add(name)
            assert names == {"fleet_snapshot", "fleet_update", "fleet_logs", "heartbeat"}
        async with serve() as served:
            await served.control("agent-workspace", do="fail", what="load")
            async with served.workspace() as stream:
                async for name, document in stream:
                    valid("agent-workspace", f"events/{name}", document)

    asyncio.run(main())


def test_rockstar(serve: Any) -> None:
    wrote = {"type": "tool_use", "name": "Write", "input": {"file_path": "~/.claude/plans/a.md", "content": "# A\n"}}
    session = {"session_id": "s", "data": json.dumps({"message": {"content": [wrote]}}), "project": "demo"}
    key = Ed25519PrivateKey.generate()

    async def main() -> None:
        async with serve() as served:
            for kind, body in (("session", session), ("session", INPUTS["rockstar"]["session"]["succeeds"])):
                valid("rockstar", f"requests/{kind}", body)
                for line in await served.pushed(kind, body):
                    valid("rockstar", f"events/{line['step']}", line)
            plan = INPUTS["rockstar"]["plan"]["succeeds"]
            valid("rockstar", "requests/plan", plan)
            await served.control("rockstar", do="fail", what="store")
            for line in await served.pushed("plan", plan) + await served.pushed("plan", plan):
                valid("rockstar", f"events/{line['step']}", line)
            refused = await served.http.post("/rockstar/api/v1/plans", json=plan)
            valid("rockstar", "responses/error", refused.json())

            async def exchange(name: str, body: Any) -> Any:
                valid("rockstar", f"requests/account-{name}", body)
                answer = (await served.http.post(f"/rockstar/api/v1/account/{name}", json=body)).json()
                valid("rockstar", f"responses/account-{name}", answer)
                return answer

            public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
            named = await exchange("register", {"public_key": public})
            nonce = (await exchange("challenge", named))["challenge"]
            signed = key.sign(f"rockstar.ninja.v1.auth:{nonce}:{named['fingerprint']}".encode())
            await exchange("verify", {**named, "signature": base64.b64encode(signed).decode()})

    asyncio.run(main())
