"""The event log in SQLite and in Redis: the same of both; what several processes share, kills and restarts included."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiohttp import web

from streamvet_server.app import Settings, build
from streamvet_server.log import EventLog, Mark
from streamvet_server.seams import HONEST, Scene
from streamvet_server.store import Store, Unkept

from .conftest import ACCOUNTS, DEADLINE_S, Served, lines
from .redis_server import REDIS, RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from streamvet_server.feed import Feed

needs_redis = pytest.mark.skipif(REDIS is None, reason="redis-server is not installed (Debian: redis-server)")
BOTH = pytest.mark.parametrize("kept", ["sqlite", pytest.param("redis", marks=needs_redis)])
WORK = Scene("ghostly", "work", "run_1")
EVENTS = 60
LIFE_S = 0.3
WAITING = {"emit": {"type": "chunk", "delta": "x"}}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that keeps what it has."""
    pytest.importorskip("redis")
    one = RedisServer(tmp_path)
    one.start()
    yield one
    one.kill()


@contextlib.asynccontextmanager
async def opened(redis: RedisServer, slot: int = 0, workers: int = 1) -> AsyncIterator[tuple[EventLog, Feed]]:
    """The log as one process of several sees it."""
    from streamvet_server.feed import Feed  # noqa: PLC0415 -- skipped where its library is not installed

    store, feed = Store(":memory:"), Feed(redis.url, slot, workers)
    log = EventLog(store, "ghostly", HONEST, feed)
    feed.follow("ghostly", log.take)
    await feed.come_up()
    try:
        yield log, feed
    finally:
        await feed.close()
        await store.close()


@contextlib.asynccontextmanager
async def log_of(kept: str, folder: Path, redis: RedisServer | None) -> AsyncIterator[EventLog]:
    """The log of a process alone."""
    if redis is not None:
        async with opened(redis) as (log, _):
            yield log
        return
    store = Store(str(folder / f"{kept}.db"))
    try:
        yield EventLog(store, "ghostly", HONEST)
    finally:
        await store.close()


@pytest.fixture
def logs(kept: str, tmp_path: Path) -> Iterator[Callable[[], contextlib.AbstractAsyncContextManager[EventLog]]]:
    """Opens the same log, as often as one likes."""
    redis = RedisServer(tmp_path) if kept == "redis" else None
    if redis is not None:
        pytest.importorskip("redis")
        redis.start()
    yield lambda: log_of(kept, tmp_path, redis)
    if redis is not None:
        redis.kill()


def run(work: Any, within_s: float = DEADLINE_S) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(within_s):
            await work

    asyncio.run(bounded())


async def write(log: EventLog, count: int, each: int = 1) -> None:
    """So many events of run_1, some at once, numbered in their documents from 1."""
    for first in range(1, count + 1, each):
        await log.append(WORK, "run_1", [{"n": number} for number in range(first, min(first + each, count + 1))])


async def end(log: EventLog) -> None:
    row = log.row("run_1")
    assert row is not None
    await log.append(WORK, "run_1", [{"end": True}], replace(row, status="pass"))


async def read(log: EventLog, after: int = 0) -> list[int]:
    """The numbers that a reader sees up to the end of run_1; each event says its own."""
    reading, seen = log.read(Scene("ghostly", "attach", "run_1"), "run_1", after), []
    with contextlib.closing(reading):
        while True:
            item = await reading.next()
            assert item is not Mark.STOPPED
            if isinstance(item, Mark):
                continue
            seen.append(item.number)
            if "end" in item.document:
                return seen
            assert item.document == {"n": item.number}


# ------------------------------------------------------------------------------------- the same of both


@BOTH
def test_readers_that_join_at_any_moment_lose_nothing(logs: Any) -> None:
    async def scenario() -> None:
        async with logs() as log:
            await log.create("run_1", "manual", "a", {})
            joined = [asyncio.create_task(read(log))]
            for number in range(1, EVENTS + 1):
                await log.append(WORK, "run_1", [{"n": number}])
                if number % 7 == 0:
                    joined += [asyncio.create_task(read(log)), asyncio.create_task(read(log, number // 2))]
                    await asyncio.sleep(0)
            await end(log)
            seen = await asyncio.gather(*joined, asyncio.create_task(read(log)))
            for numbers in seen:
                assert numbers == list(range(numbers[0], EVENTS + 2))
            assert [numbers[0] for numbers in seen[:2]] == [1, 1]

    run(scenario())


@BOTH
def test_what_was_logged_is_found_again(logs: Any) -> None:
    async def scenario() -> None:
        async with logs() as log:
            await log.create("run_1", "manual", "a", {"project": "demo"})
            await write(log, EVENTS, each=8)
            await end(log)
        async with logs() as log:
            row = log.row("run_1")
            assert row is not None
            assert (row.status, row.owner, row.facts) == ("pass", "a", {"project": "demo"})
            assert log.newest("run_1") == EVENTS + 1
            assert await read(log) == list(range(1, EVENTS + 2))
            assert [entry.number for entry in await log.page("run_1", 10, 5)] == [11, 12, 13, 14, 15]

    run(scenario())


@BOTH
def test_a_document_without_a_text_costs_its_run_alone(logs: Any) -> None:
    async def scenario() -> None:
        async with logs() as log:
            await log.create("run_1", "manual", "a", {})
            with pytest.raises(ValueError, match="Out of range float values"):
                await log.append(WORK, "run_1", [{"n": float("nan")}])
            await write(log, 3)
            await end(log)
            assert await read(log) == [1, 2, 3, 4]

    run(scenario())


# ------------------------------------------------------------------------------------- several processes


@needs_redis
def test_what_one_process_logs_the_others_show(redis: RedisServer) -> None:
    async def scenario() -> None:
        async with opened(redis, 0, 2) as (log, _), opened(redis, 1, 2) as (other, _):
            await log.create("run_1", "manual", "a", {})
            await other.current()
            assert other.row("run_1") is not None
            reading = asyncio.create_task(read(other))
            await write(log, EVENTS, each=3)
            await end(log)
            assert await reading == list(range(1, EVENTS + 2))
            await other.current()
            assert other.row("run_1") == log.row("run_1")

    run(scenario())


@needs_redis
def test_of_two_that_go_on_with_one_run_one_is_refused(redis: RedisServer) -> None:
    async def scenario() -> None:
        async with opened(redis, 0, 2) as (log, _), opened(redis, 1, 2) as (other, _):
            await log.create("run_1", "manual", "a", {})
            await other.current()
            both = [one.append(WORK, "run_1", [{"n": 1}]) for one in (log, other)]
            made = await asyncio.gather(*both, return_exceptions=True)
            assert [type(one) for one in made if one is not None] == [Unkept]
            await end(log)
            with pytest.raises(Unkept):
                await log.append(WORK, "run_1", [{"n": 3}])
            await other.current()
            assert await read(log) == await read(other) == [1, 2]

    run(scenario())


@needs_redis
def test_a_restart_of_the_store_under_load_loses_nothing(redis: RedisServer) -> None:
    async def scenario() -> None:
        async with opened(redis, 0, 2) as (log, feed), opened(redis, 1, 2) as (other, _):
            await log.create("run_1", "manual", "a", {})
            await other.current()
            readers = [asyncio.create_task(read(one)) for one in (log, other)]
            writing = asyncio.create_task(write(log, 3 * EVENTS))
            for _ in range(2):
                await asyncio.sleep(0.05)
                await asyncio.to_thread(redis.kill)
                await asyncio.sleep(0.05)  # something is on its way while nobody answers
                await asyncio.to_thread(redis.start)
                await feed.fence()
            await writing
            await end(log)
            assert await asyncio.gather(*readers) == [list(range(1, 3 * EVENTS + 2))] * 2
        async with opened(redis) as (log, _):
            assert await read(log) == list(range(1, 3 * EVENTS + 2))

    run(scenario(), 3 * DEADLINE_S)


@needs_redis
def test_a_start_is_refused_while_the_store_is_away(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with opened(redis) as (log, feed):
            monkeypatch.setattr(type(feed).within, "__defaults__", (0.2,))
            redis.kill()
            with pytest.raises(Unkept, match="does not answer"):
                await log.create("run_1", "manual", "a", {})

    run(scenario())


# ------------------------------------------------------------------------------------- over HTTP


@contextlib.asynccontextmanager
async def worker(redis: RedisServer, slot: int, workers: int, **settings: Any) -> AsyncIterator[Served]:
    """One of several servers, in this process."""
    from streamvet_server.feed import Feed  # noqa: PLC0415 -- skipped where its library is not installed

    runner = build(
        Settings(
            profiles=("ghostly", "promptfloe"), control=True, feed=lambda: Feed(redis.url, slot, workers),
            **{"scale": 0.02, **settings},
        )
    )  # fmt: skip
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with httpx.AsyncClient(base_url=url, timeout=DEADLINE_S) as http:
            yield Served(url, http, runner)
    finally:
        await runner.cleanup()


@needs_redis
def test_started_here_resumed_there_cancelled_elsewhere(redis: RedisServer) -> None:
    async def scenario() -> None:
        async with worker(redis, 0, 3) as one, worker(redis, 1, 3) as two, worker(redis, 2, 3) as three:
            headers = await one.scripted("promptfloe", [WAITING] * 3, "hangs")
            async with one.build(headers) as (run_id, events):
                first = [await anext(events) for _ in range(2)]
                resuming = asyncio.create_task(two.resumed(run_id, first[-1]["id"]))
                answer = await three.cancel(run_id, "promptfloe")
                assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
                rest = [event async for event in events]
            assert await resuming == rest
            assert [event["id"] for event in first + rest] == [1, 2, 3, 4]
            assert [(await each.cancel(run_id, "promptfloe")).status_code for each in (one, two, three)] == [409] * 3
            assert await one.record(run_id, "promptfloe") == await two.record(run_id, "promptfloe")

    run(scenario())


@needs_redis
def test_a_request_waits_for_a_store_that_restarts(redis: RedisServer) -> None:
    async def scenario() -> None:
        async with worker(redis, 0, 1) as one:
            bearer = await one.bearer()
            redis.kill()
            asking = asyncio.create_task(one.http.get("/ghostly/v1/runs", headers=bearer))
            done, _ = await asyncio.wait({asking}, timeout=0.3)
            assert not done
            redis.start()
            assert (await asking).status_code == 200

    run(scenario())


@needs_redis
def test_a_script_a_failure_and_an_account_are_known_to_all(redis: RedisServer) -> None:
    async def scenario() -> None:
        async with worker(redis, 0, 2) as one, worker(redis, 1, 2) as two:
            script = await one.scripted("ghostly", [{"emit": {"type": "loop_state", "payload": {}}}])
            body = ACCOUNTS["ghostly"]["inputs"]["run"]["succeeds"]
            assert (await two.http.post("/ghostly/v1/run", json=body, headers=script)).status_code == 202
            assert (await one.control("ghostly", do="fail", what="store")).status_code == 200
            answers = [
                (await each.http.post("/ghostly/v1/run", json=body, headers=script)).status_code
                for each in (two, one, two)
            ]
            assert answers == [500, 202, 202]
            login = {"email": "admin@example.org", "password": "the keys to the stable"}
            token = (await one.http.post("/ghostly/v1/auth/login", json=login)).json()["token"]
            new = {"email": "c@example.org", "password": "long enough"}
            bearer = {"Authorization": f"Bearer {token}"}
            assert (await one.http.post("/ghostly/v1/auth/register", json=new, headers=bearer)).status_code == 201
            assert (await two.http.post("/ghostly/v1/auth/login", json=new)).status_code == 200
            assert (await two.control("ghostly", do="reset")).status_code == 200
            assert (await one.http.get("/ghostly/v1/runs", headers=await one.bearer())).json() == []

    run(scenario())


@needs_redis
def test_a_reader_elsewhere_keeps_a_run_alive(redis: RedisServer) -> None:
    """Without readers a run is kept for 300 s, here 0.3 s."""

    async def scenario() -> None:
        async with worker(redis, 0, 2, scale=0.001) as one, worker(redis, 1, 2, scale=0.001) as two:
            headers = await one.scripted("promptfloe", [WAITING], "hangs")
            path = "/promptfloe/v1/runs/{}/events"
            async with contextlib.AsyncExitStack() as elsewhere:
                async with one.build(headers) as (run_id, events):
                    await anext(events)
                    stream = two.http.stream("GET", path.format(run_id), headers=await two.bearer("promptfloe"))
                    assert (await elsewhere.enter_async_context(stream)).status_code == 200
                await asyncio.sleep(3 * LIFE_S)
                assert (await one.record(run_id, "promptfloe"))["status"] == "running"
            while (await one.record(run_id, "promptfloe"))["status"] == "running":  # noqa: ASYNC110 -- over HTTP
                await asyncio.sleep(0.02)

    run(scenario())


# ------------------------------------------------------------------------------------- processes


def children(of: int) -> list[int]:
    """The processes that a process has started."""
    return [int(one) for one in Path(f"/proc/{of}/task/{of}/children").read_text().split()]


@needs_redis
@pytest.mark.live
def test_a_worker_that_is_killed(redis: RedisServer, environment: dict[str, str], command: Any) -> None:
    words = ("--workers", "3", "--log", redis.url, "--profile", "promptfloe", "--port", "0", "--control")
    popen = subprocess.Popen(
        command(*words, "--time-scale", "0.02"), stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert popen.stdout is not None
        shared, *own = [popen.stdout.readline().split()[-1] for _ in range(4)]
        workers = children(popen.pid)
        assert len(workers) == 3

        async def scenario() -> None:
            bearer = {"Authorization": f"Bearer {ACCOUNTS['promptfloe']['credentials']['token']}"}
            async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
                script = {"do": "script", "steps": [WAITING] * 2, "outcome": "hangs"}
                told = (await http.post(f"{shared}/_conformance", json=script)).json()["script"]
                headers = {**bearer, "Streamvet-Script": told}
                with contextlib.suppress(httpx.RemoteProtocolError):
                    async with http.stream(
                        "POST", f"{own[0]}/v1/apps/generate", json={"prompt": "x"}, headers=headers
                    ) as answer:
                        run_id = answer.headers["X-Run-Id"]
                        watching = asyncio.create_task(_seen(http, f"{own[1]}/v1/runs/{run_id}/events", bearer))
                        events = lines(answer)
                        await anext(events)
                        os.kill(workers[0], signal.SIGKILL)
                        await anext(events)  # the second one was on its way, or is not
                        await anext(events)
                ids = [event["id"] for event in await watching]
                again = await _seen(http, f"{own[0]}/v1/runs/{run_id}/events", bearer)  # who connects meanwhile waits
                assert ids == [event["id"] for event in again] == [1, 2, 3]
                assert again[-1]["type"] == "error"

        run(scenario())
        assert len(children(popen.pid)) == 3
        popen.send_signal(signal.SIGTERM)
        assert popen.wait(DEADLINE_S) == 0
        deadline_s = time.monotonic() + DEADLINE_S
        while any(Path(f"/proc/{one}").exists() for one in workers) and time.monotonic() < deadline_s:
            time.sleep(0.02)
    finally:
        popen.kill()
        popen.wait(DEADLINE_S)
        assert popen.stdout is not None
        popen.stdout.close()


async def _seen(http: httpx.AsyncClient, url: str, headers: dict[str, str]) -> list[Any]:
    async with http.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        return [event async for event in lines(answer)]


WRONG = {
    "several without a log": (("--workers", "2"), "--workers 2: expected --log redis://… beside it, got none"),
    "a log of another kind": (("--log", "postgres://a"), "expected redis://HOST:PORT/DB, got 'postgres://a'"),
    "a log and a database": (("--log", "redis://a", "--db", "x.db"), "--log: expected no --db beside it"),
    "a system of one process": (
        ("--log", "redis://a", "--profile", "cosma"),
        "--log: expected --profile ghostly or promptfloe, whose runs anybody can attach to, got cosma",
    ),
    "ports for fewer workers": (
        ("--workers", "3", "--log", "redis://a", "--also-at", "0"),
        "--also-at: expected 3 of them, one for each worker, or none, got 1",
    ),
    "nobody there": (("--log", "redis://127.0.0.1:1"), "--log: expected a Redis that answers, got "),
}


@pytest.mark.parametrize("words", [pytest.param(row[0], id=name) for name, row in WRONG.items()])
def test_what_cannot_be_served(words: tuple[str, ...], command: Any, environment: dict[str, str]) -> None:
    pytest.importorskip("redis")
    ran = subprocess.run(
        command("--port", "0", *words), capture_output=True, check=False, env=environment, text=True, timeout=30
    )
    wanted = next(said for given, said in WRONG.values() if given == words)
    assert (ran.returncode, wanted in ran.stderr) == (2, True), ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
