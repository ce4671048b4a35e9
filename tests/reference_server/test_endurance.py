"""Cycles of starts, cuts and cancellations on several processes, with restarts of the store: nothing is lost or left.

A few cycles in CI; `pytest -m long` does hundreds. Which worker, how many readers and where they are cut go by a seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from streamvet_server.log import EventLog

from .conftest import DEADLINE_S, Served
from .redis_server import RedisServer
from .test_shared_log import needs_redis, worker

if TYPE_CHECKING:
    from pathlib import Path

WORKERS, RUNS, READERS, EVENTS = 3, 3, 4, 12
CYCLES, MANY = 2, 200
SETTLED_TASKS = 40  # of the servers themselves, the feed and the client's pools; not of runs or readers
CYCLE_S = 2 * DEADLINE_S
STEPS = [
    step for number in range(EVENTS) for step in ({"emit": {"type": "chunk", "delta": str(number)}}, {"wait_ms": 500})
]


async def one_run(dice: random.Random, served: list[Served]) -> None:
    """A run at one worker, with readers at any of them; some are cut and resume elsewhere, some runs are cancelled."""

    def somewhere() -> Served:
        return dice.choice(served)

    at = somewhere()
    headers = await at.scripted("promptfloe", STEPS)
    cancelled = dice.random() < 1 / 3
    async with at.build(headers) as (run, events):
        first = [await anext(events)]
        following = [asyncio.create_task(cut_and_back(dice, somewhere(), somewhere(), run)) for _ in range(READERS)]
        if cancelled:
            answer = await somewhere().cancel(run, "promptfloe")
            assert answer.status_code in {200, 409}
        first += [event async for event in events]
    whole = [await somewhere().resumed(run) for _ in range(2)]
    for seen in (first, *await asyncio.gather(*following), *whole):
        assert seen == first
    assert [event["id"] for event in first] == list(range(1, len(first) + 1))
    assert first[-1]["type"] in {"ready", "done", "cancelled"}


async def cut_and_back(dice: random.Random, one: Served, other: Served, run: str) -> list[Any]:
    """All events, read at one worker up to a cut, and at another one from there on."""
    path, bearer, seen = f"/promptfloe/v1/runs/{run}/events", await one.bearer("promptfloe"), []
    leave_after = dice.randrange(1, EVENTS)
    async with one.http.stream("GET", path, headers=bearer) as answer:
        assert answer.status_code == 200, await answer.aread()
        rest = b""
        async for octets in answer.aiter_raw():
            *lines, rest = (rest + octets).split(b"\n")
            seen += lines
            if len(seen) >= leave_after:
                break
    events = [json.loads(line) for line in seen]
    if events[-1]["type"] in {"ready", "done", "cancelled"}:
        return events
    return events + await other.resumed(run, events[-1]["id"])


async def soak(redis: RedisServer, cycles: int, seed: int) -> None:
    dice = random.Random(seed)
    async with contextlib.AsyncExitStack() as stack:
        served = [await stack.enter_async_context(worker(redis, slot, WORKERS)) for slot in range(WORKERS)]
        for cycle in range(cycles):
            async with asyncio.timeout(CYCLE_S):
                runs = [asyncio.create_task(one_run(dice, served)) for _ in range(RUNS)]
                if cycle % 2:
                    await asyncio.sleep(dice.uniform(0.02, 0.2))
                    await asyncio.to_thread(redis.kill)
                    await asyncio.to_thread(redis.start)
                await asyncio.gather(*runs)
        async with asyncio.timeout(DEADLINE_S):
            while len(asyncio.all_tasks()) > SETTLED_TASKS or reading(served):  # noqa: ASYNC110 -- connections close
                await asyncio.sleep(0.02)


def reading(_served: list[Served]) -> int:
    """How many readers the logs of this process have."""
    return sum(len(one._readings) for one in gc.get_objects() if isinstance(one, EventLog))


def lasting(tmp_path: Path, cycles: int, seed: int) -> None:
    pytest.importorskip("redis")
    redis = RedisServer(tmp_path)
    redis.start()
    try:
        asyncio.run(soak(redis, cycles, seed))
    finally:
        redis.kill()


@needs_redis
def test_some_cycles(tmp_path: Path) -> None:
    lasting(tmp_path, CYCLES, 0)


@needs_redis
@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_many_cycles(tmp_path: Path, seed: int) -> None:
    lasting(tmp_path, MANY, seed)
