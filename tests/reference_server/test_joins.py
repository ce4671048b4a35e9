"""A thousand short runs of ghostly, each joined by one more reader at any moment: nobody misses anything, or waits.

The moments are drawn: before the first event, between two, while the run ends, or after that.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from streamvet_server.listing import accounts

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.live

RUNS = 1000
AT_ONCE = 20  # runs under way, each with two readers
DEADLINE_S = 120.0  # for all of them; two idle cores take a tenth of it
WORK = 5  # events of a run's own
STEP_MS = 500  # between two of them, before scaling
STEP_S = STEP_MS / 1000 * 0.02  # as `spawn` scales it
ASSIST = [*range(1, WORK + 1), "run_end"]
WHOLE = ("running", *ASSIST, "pass", "end")  # for who came while the run was active
REPLAY = ("pass", *ASSIST, "end")
EACH_AT_LEAST = (
    RUNS // 20
)  # came while it was active, and after it: else the moments were not what they are meant to be


class Reader:
    """One reader of a run, and what it has seen; `wanted` tells that it has seen a number of events, or its end."""

    def __init__(self, wanted: int = 0) -> None:
        self.seen: list[Any] = []
        self.wanted = wanted
        self.reached = asyncio.Event()

    async def follow(self, http: aiohttp.ClientSession, path: str) -> None:
        """Read a stream to its end. A body that is cut short raises."""
        async with http.get(path) as answer:
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "data" and value.startswith("{"):  # a ping is a number
                    self.seen.append(json.loads(value))
                if len(self.seen) >= self.wanted:
                    self.reached.set()
        self.reached.set()

    def story(self) -> tuple[Any, ...]:
        """Its events in short: a script's by their number, which must be their `seq` as well."""
        return tuple(_short(event) for event in self.seen)


def _short(event: Any) -> Any:
    if event["kind"] != "assist":
        return event.get("status", event["kind"])
    number = event["payload"].get("n", len(ASSIST))
    assert event["seq"] == number
    return number if event["type"] == "loop_state" else event["type"]


async def joined(
    http: aiohttp.ClientSession, token: str, headers: dict[str, str], dice: random.Random
) -> Sequence[Any]:
    """The stories of two readers of a new run: one from its start, and one that comes at any moment."""
    first, second = Reader(dice.randint(0, len(WHOLE))), Reader()
    pause_s = dice.random() * STEP_S
    async with http.post("/v1/run", json=accounts()["ghostly"]["inputs"]["run"]["succeeds"], headers=headers) as answer:
        path = f"/v1/runs/{(await answer.json())['id']}/events/stream?token={token}"

    async def come() -> None:
        await first.reached.wait()
        await asyncio.sleep(pause_s)
        await second.follow(http, path)

    async with asyncio.TaskGroup() as both:
        both.create_task(first.follow(http, path))
        both.create_task(come())
    return first.story(), second.story()


async def stories(url: str) -> list[Sequence[Any]]:
    """What the two readers of each run have seen."""
    dice, places = random.Random(20240229), asyncio.Semaphore(AT_ONCE)
    emits = [{"emit": {"type": "loop_state", "payload": {"n": number}}} for number in range(1, WORK + 1)]
    steps = [step for emit in emits for step in (emit, {"wait_ms": STEP_MS})]
    connector = aiohttp.TCPConnector(limit=0)
    async with asyncio.timeout(DEADLINE_S), aiohttp.ClientSession(url, connector=connector) as http:
        async with http.post("/_conformance", json={"do": "script", "steps": steps, "outcome": "succeeds"}) as answer:
            script = (await answer.json())["script"]
        async with http.post("/v1/auth/login", json=accounts()["ghostly"]["credentials"]) as answer:
            token = (await answer.json())["token"]
        headers = {"Authorization": f"Bearer {token}", "Streamvet-Script": script}

        async def one(own: random.Random) -> Sequence[Any]:
            async with places:
                return await joined(http, token, headers, own)

        async with asyncio.TaskGroup() as runs:
            tasks = [runs.create_task(one(random.Random(dice.random()))) for _ in range(RUNS)]
    return [task.result() for task in tasks]


def test_a_reader_may_join_at_any_moment(spawn: Any) -> None:
    seen = asyncio.run(stories(spawn("--profile", "ghostly").url))
    assert len(seen) == RUNS
    first, second = (Counter(story) for story in zip(*seen, strict=True))
    assert set(first) | set(second) <= {WHOLE, REPLAY}
    assert min(second[WHOLE], second[REPLAY]) >= EACH_AT_LEAST
