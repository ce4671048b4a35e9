"""What every candidate of the zoo does where its row says nothing else: a small conformant system, with control.

Must not know the rows.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .wire import LAST_CHUNK

if TYPE_CHECKING:
    from .wire import Wire

BEAT_S = 0.3  # as the profile has it
_OWN = [{"emit": {"type": "step", "text": str(number)}} for number in range(3)]  # of a run without a script
DESCRIBED = {"control": 1, "profile": "zoo", "time_scale": 1, "can": ["script", "reset"]}


@dataclass
class Run:
    """One run: what it has emitted, and whether it is over."""

    events: list[bytes] = field(default_factory=list)
    over: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Task[None] | None = None

    def emit(self, value: Any) -> None:
        """One more event, for every reader."""
        data = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        self.events.append(b"id: %d\ndata: %s\n\n" % (len(self.events) + 1, data))
        self.over = value["type"] == "done"
        self.changed.set()
        self.changed = asyncio.Event()

    async def perform(self, steps: list[Any], outcome: str) -> None:
        """What a script says, and the ending."""
        for step in steps:
            if "emit" in step:
                self.emit(step["emit"])
            else:
                await asyncio.sleep(step["wait_ms"] / 1000)
        if outcome != "hangs":
            self.emit({"type": "done"})

    def cancel(self) -> None:
        """End it, where it has not ended."""
        if self.work is not None:
            self.work.cancel()
        if not self.over:
            self.emit({"type": "done"})


@dataclass
class Tame:
    """The state of one candidate."""

    runs: dict[str, Run] = field(default_factory=dict)
    scripts: dict[str, Any] = field(default_factory=dict)

    async def serve(self, wire: Wire) -> None:
        """Answer a request."""
        match (wire.place, self.runs.get(wire.run)):
            case ("control", _):
                await self._control(wire)
            case ("start", _):
                await self._start(wire)
            case ("stream", Run() as run):
                await self._stream(wire, run)
            case ("record", Run() as run):
                await wire.answer(200, {"state": "over" if run.over else "running"})
            case ("cancel", Run() as run):
                run.cancel()
                await wire.answer(200, {})
            case ("up", _):
                await wire.answer(200, {})
            case _:
                await wire.answer(404, {"error": "there is no such thing"})

    async def _control(self, wire: Wire) -> None:
        asked = json.loads(wire.body)
        if asked["do"] == "script":
            name = f"s{len(self.scripts)}"
            self.scripts[name] = asked
            await wire.answer(201, {"script": name})
        else:
            await wire.answer(200, DESCRIBED if asked["do"] == "describe" else {})

    async def _start(self, wire: Wire) -> None:
        name, run = f"r{len(self.runs)}", Run()
        script = self.scripts.get(wire.field("streamvet-script"), {"steps": _OWN, "outcome": "succeeds"})
        self.runs[name] = run
        run.work = asyncio.create_task(run.perform(script["steps"], script["outcome"]))
        await wire.answer(201, {"run": name})

    async def _stream(self, wire: Wire, run: Run) -> None:
        """Everything behind the cursor, then what comes, with a heartbeat while nothing does."""
        seen = int(parse_qs(wire.query, keep_blank_values=True).get("after", ["0"])[0] or 0)
        await wire.begin()
        beat_at = asyncio.get_running_loop().time() + BEAT_S
        while not (run.over and seen >= len(run.events)):
            changed = run.changed
            if seen < len(run.events):
                await wire.chunk(run.events[seen])
                seen += 1
                continue
            try:
                async with asyncio.timeout_at(beat_at):
                    await changed.wait()
            except TimeoutError:
                beat_at += BEAT_S
                await wire.chunk(b": beat\n\n")
        await wire.send(LAST_CHUNK)
