"""`kill -9` in the middle of everything: no event that a reader saw is lost or changed, and none comes twice.

CI kills 20 times; under the marker `long` it is 500 times. Each kill meets 20 readers: some from the first event on,
some that come later or come back, and clients that push. What each of them saw, cut off wherever it is, is compared
with what the next process serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

FEW, MANY = 20, 500
READERS_OF_RUN, PUSHERS = 9, 2  # of a run of each of two systems: 20 readers
KILLS_PER_FILE = 25  # a server reads the whole file when it comes up
PROFILES = ("ghostly", "promptfloe", "rockstar")  # the others keep nothing
TERMINAL = {"ready", "done", "error", "cancelled"}
TEXTS = ("x", "Grüße, 世界 🚀", "y" * 3000)


@dataclass
class Reader:
    """What one reader has seen whole: documents, in order. `after`: the cursor that it came with."""

    profile: str
    run: str
    after: int = 0
    seen: list[Any] = field(default_factory=list)

    async def read(
        self, http: httpx.AsyncClient, path: str, headers: dict[str, str], enough: int | None = None
    ) -> None:
        """Read until the stream ends, there are so many events, or the server is no more."""
        mark = b"\n\n" if self.profile == "ghostly" else b"\n"
        with contextlib.suppress(httpx.TransportError):
            async with http.stream("GET", path, headers=headers) as answer:
                assert answer.status_code == 200
                async for piece in _whole(answer, mark):
                    self.seen.append(_document(piece) if self.profile == "ghostly" else json.loads(piece))
                    if enough is not None and len(self.events) >= enough:
                        return

    @property
    def events(self) -> list[Any]:
        """The events of the log among it."""
        return [it for it in self.seen if it is not None and it.get("kind", "assist") == "assist"]


async def _whole(answer: httpx.Response, mark: bytes) -> AsyncIterator[bytes]:
    """The whole pieces of a body; what comes behind the last mark was cut off."""
    rest = b""
    async for octets in answer.aiter_raw():
        *pieces, rest = (rest + octets).split(mark)
        for piece in pieces:
            yield piece


def _document(block: bytes) -> Any:
    """The document of a block; None for a ping."""
    lines = dict(line.split(": ", 1) for line in block.decode().split("\n"))
    return None if lines["event"] == "ping" else json.loads(lines["data"])


@dataclass
class Round:
    """One life of the server: who read, and what was pushed and acknowledged."""

    readers: list[Reader] = field(default_factory=list)
    pushed: list[tuple[Any, str]] = field(default_factory=list)


class Kills:
    """Lives of a server, one after another."""

    def __init__(self, spawn: Callable[..., Any], folder: Path, *arguments: str) -> None:
        self._spawn = spawn
        self._folder = folder
        self._arguments = [*(word for profile in PROFILES for word in ("--profile", profile)), *arguments]
        self.events = 0  # how many were seen and compared

    async def perform(self, kills: int) -> None:
        """So many kills; behind each one everything is compared."""
        process, file = None, self._folder
        for number in range(kills):
            if process is None or number % KILLS_PER_FILE == 0:
                if process is not None:
                    process.kill()
                file = self._folder / f"{number}.db"
                process = self._start(file)
            async with process.client() as served:
                last = await self._live(served, process, random.Random(number))
            process = self._start(file)
            async with process.client() as served:
                await self._compare(served, last)

    def _start(self, file: Path) -> Any:
        return self._spawn("--db", str(file), *self._arguments)

    async def _live(self, served: Any, process: Any, dice: random.Random) -> Round:
        round_ = Round()
        runs = {
            "ghostly": await served.run(_script(dice, _assist), dice.choice(("succeeds", "fails", "hangs"))),
            "promptfloe": await self._build(served, dice),
        }
        reading = []
        for profile, run in runs.items():
            headers = await served.bearer(profile)
            for number in range(READERS_OF_RUN):
                after = dice.randrange(4) if profile == "promptfloe" and number % 3 == 2 else 0
                reader = Reader(profile, run, after)
                round_.readers.append(reader)
                path = f"/ghostly/v1/runs/{run}/events/stream"
                path = path if profile == "ghostly" else f"/promptfloe/v1/runs/{run}/events?cursor={after}"
                reading.append(_later(dice.choice((0, 0, 0.05, 0.2)), reader.read(served.http, path, headers)))
        reading += [self._push(served, round_, f"{number}.md") for number in range(PUSHERS)]
        tasks = [asyncio.create_task(one) for one in reading]
        await asyncio.sleep(dice.choice((0, 0.02, 0.1, 0.3, 0.5)) + dice.random() * 0.2)
        process.kill()
        await asyncio.gather(*tasks)
        return round_

    async def _build(self, served: Any, dice: random.Random) -> str:
        """Start a build and leave it: it goes on, and others read it."""
        headers = await served.scripted("promptfloe", _script(dice, _file), dice.choice(("succeeds", "fails", "hangs")))
        async with served.build(headers) as (run, stream):
            while (await anext(stream))["id"] < 3:  # so that a cursor of the readers is one of this run
                pass
        return str(run)

    async def _push(self, served: Any, round_: Round, name: str) -> None:
        with contextlib.suppress(httpx.TransportError):
            for number in range(1000):
                content = f"{name} {number} {'x' * 2000}"
                line = (await served.pushed("plan", {"name": name, "content": content}))[-1]
                assert line["step"] == "done"
                round_.pushed.append((line, content))

    async def _compare(self, served: Any, before: Round) -> None:
        histories: dict[str, list[Any]] = {}
        for reader in before.readers:
            if reader.run not in histories:
                history = await (_of_ghostly if reader.profile == "ghostly" else _of_promptfloe)(served, reader.run)
                histories[reader.run] = history
            kept = histories[reader.run][reader.after :]
            assert reader.events == kept[: len(reader.events)], (reader.profile, reader.run)
            self.events += len(reader.events)
            ends = [it for it in reader.seen if it is not None and it.get("kind") in ("status", "end")]
            if len(ends) == 3:  # the end of a ghostly run, in which nothing comes any more
                record = await served.record(reader.run)
                assert (record["status"], reader.events) == (ends[1]["status"], kept)
            if reader.profile == "promptfloe" and reader.events:  # who comes back gets the rest, and nothing again
                rest = await served.resumed(reader.run, reader.events[-1]["id"])
                assert reader.events + rest == kept
        headers = await served.bearer("rockstar")
        for line, content in before.pushed:
            answer = await served.http.get(f"/rockstar/p/{line['nanoid']}/{line['version']}", headers=headers)
            assert (answer.status_code, answer.json()["content"]) == (200, content)
            self.events += 1


async def _later(seconds: float, work: Any) -> None:
    await asyncio.sleep(seconds)
    await work


def _script(dice: random.Random, emit: Callable[[str], Any]) -> list[Any]:
    """Bursts and pauses, for some tenths of a second."""
    steps: list[Any] = [emit("first")] * 3
    for _ in range(dice.choice((5, 30, 60))):
        steps += [emit(dice.choice(TEXTS)) for _ in range(dice.choice((1, 2, 12)))]
        steps.append({"wait_ms": dice.choice((0, 50, 500, 1000))})
    return steps


def _assist(text: str) -> Any:
    return {"emit": {"type": "loop_state", "payload": {"state": "executing", "text": text}}}


def _file(text: str) -> Any:
    return {"emit": {"type": "file", "path": "a", "contents": text}}


async def _of_ghostly(served: Any, run: str) -> list[Any]:
    """The events of a run as its record has them, and as a stream shows them; a run without a process does not end."""
    record = await served.record(run)
    kept = [{"kind": "assist", **event} for event in record.get("events", ())]
    reader = Reader("ghostly", run)
    enough = len(kept) if record["status"] == "running" else None
    await reader.read(served.http, f"/ghostly/v1/runs/{run}/events/stream", await served.bearer(), enough)
    assert reader.events == kept
    assert [event["seq"] for event in kept] == list(range(1, len(kept) + 1))
    return kept


async def _of_promptfloe(served: Any, run: str) -> list[Any]:
    """The events of a run: it has ended, by itself or with the process."""
    events: list[Any] = await served.resumed(run)
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] in TERMINAL for event in events] == [False] * (len(events) - 1) + [True]
    return events


@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_nothing_that_a_reader_saw_is_lost(spawn: Any, tmp_path: Path, kills: int) -> None:
    lives = Kills(spawn, tmp_path)
    asyncio.run(lives.perform(kills))
    assert lives.events > 20 * kills
    print(f"{kills} kills, {lives.events} events compared")  # noqa: T201 -- with -s: the figure


@pytest.mark.parametrize("fault", ["last-event-lost-in-crash", "history-told-anew", "runs-lost-in-crash"])
def test_what_is_lost_is_found(spawn: Any, tmp_path: Path, fault: str) -> None:
    """By one of the first kills, mostly: a run may have ended before, or nobody have read its last event."""
    with pytest.raises(AssertionError):
        asyncio.run(Kills(spawn, tmp_path, "--fault", fault).perform(FEW))
