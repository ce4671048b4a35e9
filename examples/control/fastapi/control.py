"""The control interface of streamvet for FastAPI and Starlette: copy this file, and mount it in tests alone.

scripts = control(app, profile="jobs", time_scale=0.05, terminal={"done", "failed"})
script = scripts.of(request)         # None: no script, do your own work; UNKNOWN: answer 400
async for event in scripts.perform(script): ...
script.outcome                       # "succeeds" or "fails": emit your own ending
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

OUTCOMES = {"succeeds", "fails", "hangs"}


@dataclass(frozen=True)
class Script:
    """What a run does in place of its work."""

    steps: list[dict[str, Any]]
    outcome: str


UNKNOWN = Script([], "")


@dataclass
class Scripts:
    """The scripts that were deposited."""

    time_scale: float
    known: dict[str, Script] = field(default_factory=dict)

    def of(self, request: Request) -> Script | None:
        """The script that a start is to perform."""
        name = request.headers.get("streamvet-script")
        return None if name is None else self.known.get(name, UNKNOWN)

    async def perform(self, script: Script) -> AsyncIterator[dict[str, Any]]:
        """Each event, when it is due. Waits are measured from the start, so that many short ones add up as they are."""
        begun, due = time.monotonic(), 0.0
        for step in script.steps:
            if "emit" in step:
                yield step["emit"]
            else:
                due = max(due, time.monotonic() - begun) + step["wait_ms"] / 1000 * self.time_scale
                await asyncio.sleep(max(due - (time.monotonic() - begun), 0.0))
        if script.outcome == "hangs":
            await asyncio.Event().wait()  # until the reader leaves


def control(
    app: Starlette, *, profile: str, time_scale: float = 1.0, terminal: Collection[str] = (),
    path: str = "/_conformance",
) -> Scripts:  # fmt: skip
    """Mount the control interface."""
    if os.environ.get("STREAMVET_CONTROL") != "allow":
        raise RuntimeError(
            "the control interface lets anybody invent events: set STREAMVET_CONTROL=allow, in tests alone"
        )
    scripts = Scripts(time_scale)

    def is_step(step: Any) -> bool:
        if not isinstance(step, dict):
            return False
        emit = step.get("emit")
        return isinstance(step.get("wait_ms"), int | float) or (
            isinstance(emit, dict) and emit.get("type") not in terminal
        )

    async def endpoint(request: Request) -> JSONResponse:
        try:
            asked = json.loads(await request.body())
            do = asked.get("do")
        except (ValueError, AttributeError):
            do = None
        if do == "describe":
            described = {"control": 1, "profile": profile, "time_scale": time_scale, "can": ["script", "reset"]}
            return JSONResponse(described)
        if do == "reset":
            scripts.known.clear()
            return JSONResponse({})
        if do == "script":
            steps, outcome = asked.get("steps"), asked.get("outcome")
            if outcome in OUTCOMES and isinstance(steps, list) and all(map(is_step, steps)):
                name = uuid.uuid4().hex
                scripts.known[name] = Script(steps, outcome)
                return JSONResponse({"script": name}, 201)
        return JSONResponse({"error": "unknown request"}, 400)

    app.add_route(path, endpoint, methods=["POST"])
    return scripts
