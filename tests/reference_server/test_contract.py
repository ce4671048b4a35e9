"""The honest server, held to the contract: every event and answer of its own work is valid under its schema."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streamvet_server.listing import accounts

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
INPUTS = {profile: told["inputs"] for profile, told in accounts().items()}
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
