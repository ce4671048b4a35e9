"""A disk that fills up in mid-run: every stream ends as its system's streams do, and goes on once there is room."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet_server import app
from streamvet_server.store import Store, Unkept

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

ASSIST = {"emit": {"type": "loop_state", "payload": {"state": "executing"}}}
FILE = {"emit": {"type": "file", "path": "a", "contents": "x"}}
PLAN = {"name": "a.md", "content": "x"}
SOON = [{"wait_ms": 50}] * 4000  # a millisecond each
MANY_PAGES = 1 << 20

# --------------------------------------------------------------------------------- a limit on the files of a process


class Disk:
    """How large a file of a server may get. A write beyond that fails, as on a disk that is full."""

    def __init__(self, process: Any, database: Path) -> None:
        self._pid = process.popen.pid
        self._log = Path(f"{database}-wal")

    def fill(self) -> None:
        """No room from now on: what is committed is appended to the log."""
        self._limit(self._log.stat().st_size)

    def clear(self) -> None:
        """Room again."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size_bytes: int) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


needs_prlimit = pytest.mark.skipif(sys.platform != "linux", reason="prlimit is there on Linux alone")


@needs_prlimit
def test_ghostly(spawn: Any, tmp_path: Path) -> None:
    database = tmp_path / "events.db"

    async def full() -> tuple[str, Any, Any]:
        process = spawn("--db", str(database))
        disk = Disk(process, database)
        async with process.client() as served:
            run = await served.run([step for wait in SOON for step in (ASSIST, wait)])
            blocks = []
            async with served.watch(run) as stream:
                async for block in stream:
                    blocks.append(block)
                    if len(blocks) == 20:
                        disk.fill()
            told = [json.loads(block["data"]) for block in blocks if block["event"] != "ping"]
            assert [it["seq"] for it in told[1:-2]] == list(range(1, len(told) - 2))
            assert (told[-2]["status"], told[-1]["kind"]) == ("fail", "end")
            record = await served.record(run)
            assert (record["status"], record["stopReason"]) == ("fail", "internal error")
            assert record["events"] == [{key: it[key] for key in it if key != "kind"} for it in told[1:-2]]
            late = [json.loads(block["data"]) for block in await served.seen(run)]
            assert late[1:-1] == told[1:-2]
            body = {"baseUrl": "http://127.0.0.1:9", "project": "demo", "steps": [{"action": "snapshot"}]}
            answer = await served.http.post("/ghostly/v1/run", json=body, headers=await served.bearer())
            assert answer.status_code == 500
            said = {"ok": False, "error": "could not create the run", "message": "the store failed"}
            assert answer.json() == said
            disk.clear()
            again = await served.run([ASSIST])
            assert [block["event"] for block in await served.seen(again)][-1] == "end"
            assert await served.record(run) == record
            other = await served.record(again)
        assert await asyncio.to_thread(process.terminate) == 0
        return run, record, other

    async def after(run: str, record: Any, other: Any) -> None:
        async with spawn("--db", str(database)).client() as served:
            assert await served.record(run) == record
            assert await served.record(other["id"]) == other

    asyncio.run(after(*asyncio.run(full())))


@needs_prlimit
def test_promptfloe(spawn: Any, tmp_path: Path) -> None:
    database = tmp_path / "events.db"

    async def full() -> tuple[str, Any, Any]:
        process = spawn("--db", str(database))
        disk = Disk(process, database)
        async with process.client() as served:
            headers = await served.scripted("promptfloe", [step for wait in SOON for step in (FILE, wait)])
            events = []
            async with served.build(headers) as (run, stream):
                async for event in stream:
                    events.append(event)
                    if len(events) == 20:
                        disk.fill()
            assert [event["id"] for event in events] == list(range(1, len(events) + 1))
            assert [event["type"] for event in events] == ["file"] * (len(events) - 1) + ["error"]
            assert events[-1]["code"] == "internal_error"
            record = await served.record(run, "promptfloe")
            assert (record["status"], record["error"]["code"]) == ("failed", "internal_error")
            assert await served.resumed(run) == events
            assert await served.resumed(run, len(events) - 1) == events[-1:]
            answer = await served.http.post("/promptfloe/v1/skills/run", json={"alias": "a"}, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
            disk.clear()
            async with served.build(await served.bearer("promptfloe")) as (_, stream):
                assert [event["type"] async for event in stream][-1] == "ready"
        assert await asyncio.to_thread(process.terminate) == 0
        return run, events, record

    async def after(run: str, events: Any, record: Any) -> None:
        async with spawn("--db", str(database)).client() as served:
            assert await served.resumed(run) == events
            assert await served.record(run, "promptfloe") == record

    asyncio.run(after(*asyncio.run(full())))


@needs_prlimit
def test_a_run_that_ends_or_is_cancelled_meanwhile(spawn: Any, tmp_path: Path) -> None:
    database = tmp_path / "events.db"

    async def main() -> None:
        process = spawn("--db", str(database))
        disk = Disk(process, database)
        async with process.client() as served:
            headers = await served.scripted("promptfloe", [FILE, {"wait_ms": 10_000}])
            hanging = await served.scripted("promptfloe", [FILE], "hangs")
            async with served.build(headers) as (run, stream), served.build(hanging) as (other, rest):
                assert [(await anext(it))["type"] for it in (stream, rest)] == ["file", "file"]
                disk.fill()
                assert (await served.cancel(other, "promptfloe")).json()["status"] == "cancelled"
                assert [event["type"] async for event in rest] == ["cancelled"]
                # All of its work is done and kept, and only its success is not: it must not be told.
                assert [event["type"] async for event in stream] == ["error"]
            statuses = [(await served.record(it, "promptfloe"))["status"] for it in (run, other)]
            assert statuses == ["failed", "cancelled"]
            # Nobody asks for a write any more: what is owed is kept when the server stops.
            disk.clear()
        assert await asyncio.to_thread(process.terminate) == 0
        async with spawn("--db", str(database)).client() as served:
            assert [(await served.record(it, "promptfloe"))["status"] for it in (run, other)] == statuses

    asyncio.run(main())


@needs_prlimit
def test_rockstar(spawn: Any, tmp_path: Path) -> None:
    database = tmp_path / "events.db"

    async def main() -> None:
        process = spawn("--db", str(database))
        disk = Disk(process, database)
        async with process.client() as served:
            disk.fill()
            line = (await served.pushed("plan", PLAN))[-1]
            assert line == {"step": "error", "error": "the push could not be stored"}
            disk.clear()
            done = (await served.pushed("plan", PLAN))[-1]
            assert (done["step"], done["version"], done["changed"]) == ("done", 1, True)
        assert await asyncio.to_thread(process.terminate) == 0

    asyncio.run(main())


@needs_prlimit
def test_what_keeps_nothing_goes_on(spawn: Any, tmp_path: Path) -> None:
    database = tmp_path / "events.db"

    async def main() -> None:
        process = spawn("--db", str(database))
        async with process.client() as served:
            await served.run([ASSIST])
            Disk(process, database).fill()
            async with served.workspace() as events:
                assert (await anext(events))[0] == "fleet_snapshot"
            updates = served.http.stream("GET", "/cosma/api/updates", headers={"Accept": "text/event-stream"})
            async with updates as answer:
                event = {"opcode": "info", "data": {"message": "still here"}}
                assert (await served.control("cosma", do="publish", events=[event])).status_code == 202
                assert "still here" in await anext(answer.aiter_text())
            reset = await served.control("ghostly", do="reset")
            assert (reset.status_code, list(reset.json())) == (500, ["error"])
        assert await asyncio.to_thread(process.terminate) == 0

    asyncio.run(main())


# --------------------------------------------------------------------------------------- a limit of SQLite's own


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> list[Store]:
    """The stores of the servers of this process."""
    made: list[Store] = []

    def make(path: str) -> Store:
        made.append(Store(path))
        return made[-1]

    monkeypatch.setattr(app, "Store", make)
    return made


async def _pages(store: Store, limit: int | None) -> None:
    """How many pages the database may have; None: not one more."""

    def restrict(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages if limit is None else limit}")

    await store.read(restrict)


def test_nobody_is_registered_who_cannot_be_kept(serve: Any, stores: list[Store]) -> None:
    admin = {"email": "admin@example.org", "password": "the keys to the stable"}
    new = {"email": f"{'n' * 9000}@example.org", "password": "pass"}  # more than what is left of any page

    async def main() -> None:
        async with serve() as served:
            login = await served.http.post("/ghostly/v1/auth/login", json=admin)
            headers = {"Authorization": f"Bearer {login.json()['token']}"}
            await _pages(stores[0], None)
            answer = await served.http.post("/ghostly/v1/auth/register", json=new, headers=headers)
            assert (answer.status_code, answer.json()) == (500, {"ok": False, "error": "internal error"})
            assert (await served.http.post("/ghostly/v1/auth/login", json=new)).status_code == 401
            await _pages(stores[0], MANY_PAGES)
            answer = await served.http.post("/ghostly/v1/auth/register", json=new, headers=headers)
            assert answer.status_code == 201
            assert (await served.http.post("/ghostly/v1/auth/login", json=new)).status_code == 200

    asyncio.run(main())


@pytest.fixture
def loop_store() -> Iterator[tuple[asyncio.Runner, Store]]:
    """A store in memory with a table of texts, and the loop that it is used on."""
    with asyncio.Runner() as runner:

        async def make() -> Store:
            store = Store(":memory:")
            await store.write(lambda connection: connection.execute("CREATE TABLE texts (it TEXT)"))
            return store

        store = runner.run(make())
        yield runner, store
        runner.run(store.close())


def _insert(text: str) -> Any:
    return lambda connection: connection.execute("INSERT INTO texts VALUES (?)", (text,)).rowcount


async def _texts(store: Store) -> list[str]:
    return [text for (text,) in await store.read(lambda it: it.execute("SELECT it FROM texts").fetchall())]


LARGE = "x" * 100_000


def test_one_write_costs_no_other_one(loop_store: tuple[asyncio.Runner, Store]) -> None:
    runner, store = loop_store

    async def main() -> None:
        await _pages(store, None)
        asked = [store.write(_insert(text)) for text in ("a", LARGE, "\ud800", "b")]
        made = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(it) for it in made] == [int, Unkept, UnicodeEncodeError, int]
        assert str(made[1]) == "database or disk is full"
        assert await _texts(store) == ["a", "b"]
        assert await asyncio.wait_for(store.write(_insert("c")), 5) == 1

    runner.run(main())


def test_what_is_owed_comes_before_what_is_asked_later(loop_store: tuple[asyncio.Runner, Store]) -> None:
    runner, store = loop_store
    kept: list[str] = []

    async def main() -> None:
        await _pages(store, None)
        for text in (LARGE, LARGE.upper()):
            store.owe(_insert(text), partial(kept.append, text[0]))
        await store.write(_insert("a"))
        assert (kept, await _texts(store)) == ([], ["a"])
        await _pages(store, MANY_PAGES)
        await store.write(_insert("b"))
        assert (kept, [text[0] for text in await _texts(store)]) == (["x", "X"], ["a", "x", "X", "b"])

    runner.run(main())


def test_what_is_never_kept_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        store = Store(":memory:")
        store.owe(_insert(LARGE), lambda: None)  # there is no such table, nor will there be one
        await store.close()

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert [it.getMessage() for it in caplog.records] == ["the database could not take the ends of 1 runs"]


def test_a_reset_forgets_what_is_owed(serve: Any, stores: list[Store]) -> None:
    refuse = "CREATE TEMP TRIGGER refuse BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'full'); END"

    async def main() -> None:
        async with serve() as served:
            await stores[0].read(lambda it: it.execute(refuse))
            run = await served.run([ASSIST])
            assert json.loads((await served.seen(run))[-2]["data"])["status"] == "fail"
            assert (await served.control("ghostly", do="reset")).status_code == 200
            await stores[0].read(lambda it: it.execute("DROP TRIGGER refuse"))
            other = await served.run([ASSIST])
            kept = await stores[0].read(lambda it: it.execute("SELECT id FROM runs").fetchall())
            assert kept == [(other,)]

    asyncio.run(main())


def test_a_damaged_row_ends_a_stream_without_its_last_chunk(serve: Any, stores: list[Store]) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = await served.scripted("promptfloe", [FILE] * 100)
            async with served.build(headers) as (run, stream):
                assert len([event async for event in stream]) == 101
            await stores[0].read(lambda it: it.execute("UPDATE entries SET at_ms = at_ms + 1 WHERE number = 90"))
            bearer, path = await served.bearer("promptfloe"), f"/promptfloe/v1/runs/{run}"
            reader, writer = await asyncio.open_connection("127.0.0.1", int(served.url.rpartition(":")[2]))
            asked = f"GET {path}/events HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer['Authorization']}\r\n\r\n"
            writer.write(asked.encode())
            read = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            assert read.count(b"HTTP/1.1") == 1
            assert b'"id":64,' in read
            assert b'"id":90,' not in read
            assert not read.endswith(b"\r\n0\r\n\r\n")
            answer = await served.http.get(path, headers=bearer)
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")

    asyncio.run(main())
