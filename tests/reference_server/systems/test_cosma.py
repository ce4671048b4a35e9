"""cosma over real sockets and a real directory: what its chapter promises, held against the honest server."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from streamvet_server.systems.cosma.hub import BOUND_UPDATES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas" / "cosma"
ACCEPT = {"Accept": "text/event-stream"}
UPDATES = "/cosma/api/updates"
SOON_S = 1.0  # the cooldown of most tests, before scaling
STAGES = ["parsing", "parsed", "summarizing", "summarized", "embedding", "embedded", "complete"]


@dataclass
class Reader:
    """One stream of updates, read as far as a test has asked for."""

    blocks: AsyncIterator[bytes]
    seen: list[tuple[str, Any]] = field(default_factory=list)

    async def next(self) -> tuple[str, Any]:
        """The next update: its opcode and its data. Comments are passed over."""
        while True:
            block = await anext(self.blocks)
            if not block.startswith(b":"):
                break
        event, data = block.decode().split("\n")
        assert event == "event: update"
        assert data.startswith("data: {")
        document = json.loads(data.removeprefix("data: "))
        assert set(document) == {"opcode", "data"}
        valid(f"events/{document['opcode']}", document)
        self.seen.append((document["opcode"], document["data"]))
        return self.seen[-1]

    async def until(self, opcode: str, **holds: Any) -> Any:
        """The data of the first update that is so, from here on."""
        while True:
            found, data = await self.next()
            if found == opcode and all(data.get(key) == value for key, value in holds.items()):
                return data

    async def rest(self) -> list[tuple[str, Any]]:
        """What comes up to the end of the stream, which must be a clean one."""
        first = len(self.seen)
        with contextlib.suppress(StopAsyncIteration):
            while True:
                await self.next()
        return self.seen[first:]

    def of(self, path: Path | str) -> list[str]:
        """The opcodes of everything that was told of a path."""
        named = ("path", "file_path", "src_path", "dest_path")
        return [opcode for opcode, data in self.seen if str(path) in [data.get(key) for key in named]]

    def opcodes(self) -> list[str]:
        """The opcodes of everything that was told."""
        return [opcode for opcode, _ in self.seen]


def valid(name: str, document: Any) -> None:
    path = SCHEMAS / f"{name}.schema.json"
    if path.exists():  # what a test publishes may have an opcode of its own
        assert [
            error.message for error in Draft202012Validator(json.loads(path.read_text())).iter_errors(document)
        ] == []


async def blocks(answer: Any) -> AsyncIterator[bytes]:
    """The blocks of a body, without the empty lines behind them; it must not end inside one."""
    rest = b""
    async for octets in answer.aiter_raw():
        *whole, rest = (rest + octets).split(b"\n\n")
        for block in whole:
            yield block
    assert rest == b""


@contextlib.asynccontextmanager
async def reading(served: Any, path: str = UPDATES, **headers: str) -> AsyncIterator[Reader]:
    async with served.http.stream("GET", path, headers={**ACCEPT, **headers}) as answer:
        assert answer.status_code == 200
        yield Reader(blocks(answer))


async def publish(served: Any, *events: tuple[str, Any]) -> None:
    documents = [{"opcode": opcode, "data": data} for opcode, data in events]
    answer = await served.control("cosma", do="publish", events=documents)
    assert answer.status_code == 202, answer.text


async def watched(served: Any, root: Path, cooldown_s: float = SOON_S) -> None:
    await settings(served, **{"queue.cooldown_seconds": cooldown_s})
    answer = await served.http.post("/cosma/api/watch/", json={"directory_path": str(root)})
    assert answer.status_code == 201, answer.text
    valid("responses/watch-added", answer.json())
    assert answer.json()["files_indexed"] == 0


async def settings(served: Any, **given: Any) -> Any:
    answer = await served.http.put("/cosma/api/settings/", json=given)
    assert answer.status_code == 200, answer.text
    valid("responses/settings", answer.json())
    return answer.json()


async def asked(served: Any, path: str, name: str) -> Any:
    answer = await served.http.get(f"/cosma/api/{path}")
    assert answer.status_code == 200
    valid(f"responses/{name}", answer.json())
    return answer.json()


def scenario(test: Callable[..., Any]) -> Callable[[Any, Path], None]:
    """A test with as much as it names of a server, a reader and a directory; a cooldown of 1 s takes 20 ms."""
    names = tuple(inspect.signature(test).parameters)

    def run(serve: Any, tmp_path: Path) -> None:
        async def main() -> None:
            async with serve() as served, reading(served) as reader:
                given = {"served": served, "reader": reader, "root": root}
                await test(**{name: given[name] for name in names})

        root = tmp_path.resolve()
        asyncio.run(main())

    return run


@contextlib.asynccontextmanager
async def socket_of(served: Any, *fields: str) -> AsyncIterator[asyncio.StreamReader]:
    """What a socket gets that asks for the stream with these header fields."""
    host, port = served.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**16)
    try:
        writer.write("\r\n".join((f"GET {UPDATES} HTTP/1.1", f"Host: {host}", *fields, "", "")).encode())
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def until(holds: Callable[[], Any]) -> None:
    """Wait for a condition that nothing announces; the test's deadline bounds it."""
    while not await holds():  # noqa: ASYNC110 -- no event tells it
        await asyncio.sleep(0.005)


# ------------------------------------------------------------------------------------------------------ the stream


@pytest.mark.parametrize("path", [UPDATES, f"{UPDATES}/"])
def test_the_head_comes_at_once_and_nothing_else(serve: Any, path: str) -> None:
    async def main() -> None:
        async with serve(scale=1.0) as served, served.http.stream("GET", path, headers=ACCEPT) as answer:
            assert answer.status_code == 200
            names = ("content-type", "cache-control", "x-accel-buffering", "transfer-encoding", "content-encoding")
            told = [answer.headers.get(name) for name in names]
            assert told == ["text/event-stream", "no-cache", "no", "chunked", None]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/event-stream", 200),
        ("text/html, Text/Event-Stream;q=0", 200),
        ("text/*", 200),
        ("application/json;q=0.9,*/*", 200),
        ("application/json", 400),
        ("text/html", 400),
        ("application/*, text/event-streams", 400),
        ("", 400),
        (None, 400),
    ],
)
def test_accept(serve: Any, accept: str | None, status: int) -> None:
    async def main() -> None:
        fields = () if accept is None else (f"Accept: {accept}",)
        async with serve() as served, socket_of(served, *fields) as reader:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert int(head.split()[1]) == status
            if status == 400:
                assert "content-type: application/json" in head
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                refusal = json.loads(await reader.readexactly(length))
                valid("responses/error", refusal)
                assert refusal["success"] is False

    asyncio.run(main())


def test_frames(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served, served.http.stream("GET", UPDATES, headers=ACCEPT) as answer:
            await publish(served, ("info", {"message": "é\n\u2028"}))
            body = b""
            async for octets in answer.aiter_raw():
                body += octets
                if body.endswith(b": keepalive\n\n"):
                    break
            told = 'event: update\ndata: {"opcode":"info","data":{"message":"é\\n\\u2028"}}\n\n: keepalive\n\n'
            assert body == told.encode()

    asyncio.run(main())


def test_an_idle_stream_is_kept_alive_and_an_event_begins_the_wait_anew(serve: Any) -> None:
    """15 s at a fiftieth are 0.3 s, and the event comes in the middle of the second wait."""

    async def main() -> None:
        async with serve() as served, served.http.stream("GET", UPDATES, headers=ACCEPT) as answer:
            loop = asyncio.get_running_loop()
            begin, beats, told = loop.time(), [], 0.0
            async for block in blocks(answer):
                if block == b": keepalive":
                    beats.append(loop.time() - begin)
                else:
                    told = loop.time() - begin
                if len(beats) == 1 and not told:
                    await asyncio.sleep(0.15)
                    await publish(served, ("info", {"message": "x"}))
                    told = -1.0
                if len(beats) == 3:
                    break
            assert beats[0] >= 0.3
            assert beats[1] - told == pytest.approx(0.3, abs=0.1)
            assert beats[1] - beats[0] >= 0.4
            assert beats[2] - beats[1] >= 0.29

    asyncio.run(main())


def test_everybody_gets_everything_in_order(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served, contextlib.AsyncExitStack() as stack:
            readers = [await stack.enter_async_context(reading(served)) for _ in range(10)]
            await publish(served, *(("info", {"message": str(number)}) for number in range(1000)))
            await publish(served, ("status_update", {"n": 1000}))
            await asyncio.gather(*(reader.until("status_update") for reader in readers))
            assert [data["message"] for _, data in readers[0].seen[:-1]] == [str(number) for number in range(1000)]
            assert all(reader.seen == readers[0].seen for reader in readers)

    asyncio.run(main())


def test_nothing_is_replayed(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served, reading(served) as first:
            await publish(served, ("info", {"message": "before"}))
            await first.until("info")
            async with reading(served, **{"Last-Event-ID": "0"}) as second:
                await publish(served, ("info", {"message": "after"}))
                await second.until("info")
                assert second.seen == [("info", {"message": "after"})]

    asyncio.run(main())


def test_published_data_arrive_intact(serve: Any) -> None:
    data = {
        "texts": ["a\r\nb\rc\nd", "\u2028\u2029\u0085\x0b\x0c", "\ufeffdata: x\n\n", "👩‍🚀é\u0301\x00", "x" * 65536],
        "numbers": [2**53 - 1, -0.0, 1e300, None, True],
        "deep": json.loads("[" * 300 + "]" * 300),
    }

    async def main() -> None:
        async with serve() as served, reading(served) as reader:
            await publish(served, ("status_update", data), ("not of the document", {}))
            assert await reader.next() == ("status_update", data)
            assert await reader.next() == ("not of the document", {})

    asyncio.run(main())


@pytest.mark.parametrize(
    "events",
    [
        None,
        {},
        [[]],
        [{"opcode": "info"}],
        [{"data": {}}],
        [{"opcode": 7, "data": {}}],
        [{"opcode": "info", "data": []}],
        [{"opcode": "info", "data": {}, "id": 1}],
        [{"opcode": "shutting_down", "data": {}}],
        [{"opcode": "info", "data": {}}, {"opcode": "info"}],
    ],
)
def test_publish_refuses_and_nothing_is_published(serve: Any, events: Any) -> None:
    async def main() -> None:
        async with serve() as served, reading(served) as reader:
            answer = await served.control("cosma", do="publish", events=events)
            assert answer.status_code == 400
            assert "events" in answer.json()["error"]
            await publish(served, ("error", {"message": "after"}))
            assert await reader.next() == ("error", {"message": "after"})

    asyncio.run(main())


def test_describe(serve: Any) -> None:
    async def main() -> None:
        async with serve(scale=0.05) as served:
            answer = await served.control("cosma", do="describe")
            told = {"control": 1, "profile": "cosma", "time_scale": 0.05, "can": ["publish", "reset"]}
            assert (answer.status_code, answer.json()) == (200, told)

    asyncio.run(main())


def test_a_stalled_reader_is_cut_off_and_holds_up_nobody(serve: Any) -> None:
    """More than the bound, and more than all buffers on the way of a reader that does not read."""

    async def main() -> None:
        async with serve() as served, reading(served) as other, socket_of(served, "Accept: */*") as reader:
            await reader.readuntil(b"\r\n\r\n")  # it reads so far, and no further
            count = 2 * BOUND_UPDATES
            for first in range(0, count, 256):
                texts = [("info", {"message": "x" * 8192, "n": number}) for number in range(first, first + 256)]
                await publish(served, *texts)
                await other.until("info", n=first + 255)
            assert [data["n"] for _, data in other.seen] == list(range(count))
            with contextlib.suppress(ConnectionResetError):
                body = await reader.read(-1)
                assert not body.endswith(b"\r\n0\r\n\r\n")
                assert body.count(b"event: update") < count

    asyncio.run(main())


def test_readers_that_leave_are_forgotten(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served, reading(served) as reader:
            before = len(asyncio.all_tasks())
            for _ in range(25):
                async with contextlib.AsyncExitStack() as stack:
                    for _ in range(20):
                        await stack.enter_async_context(reading(served))

            async def forgotten() -> bool:
                return len(asyncio.all_tasks()) <= before + 20  # idle connections that are kept

            await until(forgotten)
            await publish(served, ("info", {"message": "still here"}))
            await reader.until("info")

    asyncio.run(main())


def test_the_end_of_the_server_is_told_behind_everything_else(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served, reading(served) as reader, reading(served) as second:
            await publish(served, *(("info", {"message": str(number)}) for number in range(300)))
            await served.runner.shutdown()
            told = [*(("info", {"message": str(number)}) for number in range(300)), ("shutting_down", {})]
            assert await reader.rest() == told
            assert await second.rest() == told
            async with reading(served) as late:  # it was on its way when the listening socket was closed
                assert await late.rest() == [("shutting_down", {})]

    asyncio.run(main())


def test_sigterm(spawn: Any) -> None:
    """A reader that has seen something, an idle one, and one that has just come."""

    async def main() -> None:
        process = spawn()
        async with process.client() as served, contextlib.AsyncExitStack() as stack:
            readers = [await stack.enter_async_context(reading(served)) for _ in range(2)]
            await publish(served, ("info", {"message": "x"}))
            await readers[0].until("info")
            readers.append(await stack.enter_async_context(reading(served)))
            process.popen.send_signal(signal.SIGTERM)
            for reader in readers:
                assert (await reader.rest())[-1] == ("shutting_down", {})
            host, port = process.url.removeprefix("http://").split(":")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(host, int(port))
        assert await asyncio.to_thread(process.popen.wait, 10) == 0

    asyncio.run(main())


def test_sigterm_loses_nothing_of_a_slow_reader(spawn: Any) -> None:
    """More than the buffers of the operating system take at once, read in small pieces after the signal."""

    async def main() -> None:
        process = spawn()
        async with process.client() as served, socket_of(served, "Accept: */*") as reader:
            await reader.readuntil(b"\r\n\r\n")
            await publish(served, *(("info", {"message": "x" * 65536}) for _ in range(100)))
            process.popen.send_signal(signal.SIGTERM)
            body = b""
            while piece := await reader.read(16384):
                body += piece
                await asyncio.sleep(0)
            assert body.count(b"event: update") == 101
            assert body.endswith(b"}}\n\n\r\n0\r\n\r\n")
        assert await asyncio.to_thread(process.popen.wait, 10) == 0

    asyncio.run(main())


def test_a_process_that_watches_ends(spawn: Any, tmp_path: Path) -> None:
    async def main() -> None:
        process = spawn("--profile", "cosma")
        async with process.client() as served:
            answer = await served.http.post("/api/watch", json={"directory_path": str(tmp_path)})
            assert answer.status_code == 201
            async with reading(served, "/api/updates") as reader:
                (tmp_path / "a").write_text("x")
                await reader.until("file_created")
                assert process.popen.send_signal(signal.SIGTERM) is None
                assert (await reader.rest())[-1] == ("shutting_down", {})
        assert await asyncio.to_thread(process.popen.wait, 10) == 0

    asyncio.run(main())


@scenario
async def test_reset_forgets_everything_and_ends_the_streams(served: Any, reader: Reader, root: Path) -> None:
    (root / "a").write_text("x")
    await watched(served, root, cooldown_s=3600)
    await served.http.post("/cosma/api/queue/pause")
    await reader.until("queue_paused")
    assert (await served.control("cosma", do="reset")).status_code == 200
    assert await reader.rest() == []
    assert await asked(served, "queue/items", "queue-items") == {"items": []}
    assert (await asked(served, "queue/status", "queue-status"))["paused"] is False
    assert await asked(served, "watch/jobs", "watch-jobs") == {"jobs": []}
    assert (await asked(served, "settings", "settings"))["queue"]["cooldown_seconds"] == 60
    async with reading(served) as again:
        (root / "b").write_text("x")
        await publish(served, ("info", {"message": "x"}))
        await again.until("info")
        await watched(served, root)  # it is not being watched, so it can be
        await again.until("queue_item_completed", file_path=str(root / "b"))
        assert again.of(root / "b")[:2] == ["queue_item_added", "queue_item_processing"]


# ------------------------------------------------------------------------------------------------------- the queue


@scenario
async def test_pausing_is_told_once(served: Any, reader: Reader) -> None:
    for path in ("pause", "pause/", "resume", "resume/", "pause"):
        answer = await served.http.post(f"/cosma/api/queue/{path}")
        assert answer.status_code == 200
        valid("responses/queue-changed", answer.json())
        status = await asked(served, "queue/status", "queue-status")
        paused = path.startswith("pause")
        assert (status["paused"], status["manually_paused"], status["scheduler_paused"]) == (paused, paused, False)
    await publish(served, ("info", {"message": "x"}))
    await reader.until("info")
    told = [("queue_paused", {"source": "manual"}), ("queue_resumed", {"source": "manual"})]
    assert reader.seen[:-1] == [*told, told[0]]


@scenario
async def test_a_file_from_its_creation_to_its_completion(served: Any, reader: Reader, root: Path) -> None:
    await watched(served, root)
    assert reader.seen == []
    path = root / "a.txt"
    path.write_text("some text")
    done = await reader.until("queue_item_completed")
    started = {"path": str(root), "recursive": True, "file_pattern": None}
    assert reader.seen[:3] == [
        ("watch_started", started),
        ("directory_processing_started", {"path": str(root)}),
        ("directory_processing_completed", {"path": str(root)}),
    ]
    told = [opcode for opcode in reader.of(path) if opcode not in ("file_modified", "queue_item_updated")]
    stages = [f"file_{stage}" for stage in STAGES]
    assert told == ["file_created", "queue_item_added", "queue_item_processing", *stages, "queue_item_completed"]
    items = [data for opcode, data in reader.seen if opcode.startswith("queue_item_")]
    assert {item["id"] for item in items} == {done["id"]}
    assert set(done) == {
        "id", "file_path", "action", "status", "enqueued_at", "cooldown_expires_at", "dest_path", "retry_count",
    }  # fmt: skip
    assert (items[0]["status"], items[0]["action"], items[0]["dest_path"]) == ("cooling_down", "index", None)
    assert items[0]["cooldown_expires_at"] - items[0]["enqueued_at"] == pytest.approx(0.02, abs=0.01)
    assert (done["status"], done["retry_count"]) == ("processing", 0)
    assert all(data["filename"] == "a.txt" for opcode, data in reader.seen if opcode in stages)
    assert await asked(served, "queue/items", "queue-items") == {"items": []}


@scenario
async def test_files_that_are_there_already_are_queued(served: Any, reader: Reader, root: Path) -> None:
    (root / "sub").mkdir()
    paths = [root / "a", root / "b", root / "sub" / "c"]
    for path in (*paths, root / ".hidden", root / "backup~"):
        path.write_text(path.name)
    await watched(served, root, cooldown_s=3600)
    await reader.until("directory_processing_completed")
    added = [data["file_path"] for opcode, data in reader.seen if opcode == "queue_item_added"]
    assert added == [str(path) for path in paths]
    assert len((await asked(served, "queue/items", "queue-items"))["items"]) == 3
    status = await asked(served, "queue/status", "queue-status")
    assert (status["total_items"], status["cooling_down"]) == (3, 3)


@scenario
async def test_a_change_during_the_cooldown(served: Any, reader: Reader, root: Path) -> None:
    (root / "a").write_text("x")
    await watched(served, root, cooldown_s=3600)
    added = await reader.until("queue_item_added")
    (root / "a").write_text("xy")
    updated = await reader.until("queue_item_updated")
    assert (updated["id"], updated["action"], updated["status"]) == (added["id"], "index", "cooling_down")
    assert updated["cooldown_expires_at"] > added["cooldown_expires_at"]
    assert reader.opcodes().count("queue_item_added") == 1


@scenario
async def test_a_deletion_during_the_cooldown(served: Any, reader: Reader, root: Path) -> None:
    (root / "a").write_text("x")
    await watched(served, root, cooldown_s=3600)
    added = await reader.until("queue_item_added")
    (root / "a").unlink()
    done = await reader.until("queue_item_completed")
    assert (done["id"], done["action"]) == (added["id"], "delete")
    told = ["queue_item_added", "file_deleted", "queue_item_updated", "queue_item_processing", "queue_item_completed"]
    assert reader.of(root / "a") == told


@scenario
async def test_what_is_unchanged_is_skipped(served: Any, reader: Reader, root: Path) -> None:
    path = root / "a"
    path.write_text("x")
    await watched(served, root)
    await reader.until("queue_item_completed")
    reader.seen.clear()
    path.write_text("x")
    assert (await reader.until("file_skipped"))["reason"] == "content not changed"
    await reader.until("queue_item_completed")
    assert [it for it in reader.opcodes() if it.startswith("file_")][-3:] == [
        "file_parsing",
        "file_parsed",
        "file_skipped",
    ]
    reader.seen.clear()
    answer = await served.http.post("/cosma/api/index/file", json={"file_path": str(path)})
    assert answer.status_code == 201
    valid("responses/index-file", answer.json())
    assert (await reader.until("file_skipped"))["reason"] == "already processed"
    assert reader.opcodes() == ["file_skipped"]


@scenario
async def test_renames(served: Any, reader: Reader, root: Path) -> None:
    (root / "a").write_text("x")
    await watched(served, root)
    await reader.until("queue_item_completed")
    (root / "a").rename(root / "b")
    assert (await reader.until("file_moved"))["dest_path"] == str(root / "b")
    added = await reader.until("queue_item_added")
    assert (added["action"], added["file_path"], added["dest_path"]) == ("move", str(root / "a"), str(root / "b"))
    done = await reader.until("queue_item_completed")
    assert (done["id"], reader.of(root / "b")[-2:]) == (added["id"], ["file_skipped", "queue_item_completed"])
    (root / "d").mkdir()
    (root / "d" / "c").write_text("y")
    await reader.until("queue_item_completed")
    (root / "d").rename(root / "e")
    assert await reader.until("directory_moved") == {"src_path": str(root / "d"), "dest_path": str(root / "e")}
    await reader.until("file_moved", src_path=str(root / "d" / "c"), dest_path=str(root / "e" / "c"))
    await reader.until("queue_item_completed")
    shutil.rmtree(root / "e")
    assert await reader.until("directory_deleted") == {"path": str(root / "e")}
    await reader.until("queue_item_completed", action="delete", file_path=str(root / "e" / "c"))


@scenario
async def test_what_leaves_the_directory_is_deleted(served: Any, reader: Reader, root: Path) -> None:
    inside, outside = root / "in", root / "out"
    for folder in (inside / "d", outside):
        folder.mkdir(parents=True)
    (inside / "d" / "a").write_text("x")
    await watched(served, inside)
    await reader.until("queue_item_completed")
    (inside / "d").rename(outside / "d")
    await reader.until("directory_deleted", path=str(inside / "d"))
    await reader.until("queue_item_completed", action="delete", file_path=str(inside / "d" / "a"))
    (outside / "d").rename(inside / "e")
    await reader.until("file_created", path=str(inside / "e" / "a"))
    await reader.until("file_complete", path=str(inside / "e" / "a"))


@scenario
async def test_hidden_files_are_silent(served: Any, reader: Reader, root: Path) -> None:
    await watched(served, root)
    (root / "node_modules").mkdir()
    for path in (root / ".hidden", root / "a~", root / "node_modules" / "b"):
        path.write_text("x")
    (root / ".hidden").rename(root / "seen")  # written beside, then put in place
    assert await reader.until("file_created") == {"path": str(root / "seen")}
    (root / "seen").rename(root / ".seen")
    assert await reader.until("file_deleted") == {"path": str(root / "seen")}
    await reader.until("queue_item_completed", action="delete")
    assert {data["path"] for opcode, data in reader.seen if opcode.startswith("file_")} == {str(root / "seen")}


@scenario
async def test_a_file_that_fails_is_given_up_after_its_retries(served: Any, reader: Reader, root: Path) -> None:
    (root / "bad").write_bytes(b"good \xff bad")
    (root / "good").write_text("good")
    await watched(served, root)
    failed = await reader.until("queue_item_failed")
    assert (failed["error"], failed["retry_count"], failed["status"]) == ("not UTF-8 text", 3, "processing")
    once = ["queue_item_processing", "file_parsing", "file_failed"]
    told = ["queue_item_added", *once, "queue_item_updated", *once, "queue_item_updated", *once, "queue_item_failed"]
    assert reader.of(root / "bad") == told
    updated = [data for opcode, data in reader.seen if opcode == "queue_item_updated"]
    assert [(item["status"], item["retry_count"]) for item in updated] == [("cooling_down", 1), ("cooling_down", 2)]
    assert "queue_item_completed" in reader.of(root / "good")


@scenario
async def test_a_pipe_and_a_lost_link_fail(served: Any, reader: Reader, root: Path) -> None:
    await settings(served, **{"queue.max_retries": 1})
    await watched(served, root)
    os.mkfifo(root / "pipe")
    assert (await reader.until("queue_item_failed"))["error"] == "not a regular file"
    (root / "link").symlink_to(root / "nowhere")
    assert (await reader.until("queue_item_failed"))["error"] == "No such file or directory"


@scenario
async def test_removing_an_item(served: Any, reader: Reader, root: Path) -> None:
    (root / "a").write_text("x")
    await watched(served, root, cooldown_s=3600)
    added = await reader.until("queue_item_added")
    path = f"/cosma/api/queue/items/{added['id']}"
    answer = await served.http.delete(path)
    assert answer.status_code == 200
    valid("responses/queue-changed", answer.json())
    assert await reader.until("queue_item_removed") == added
    refused = await served.http.delete(path)
    assert (refused.status_code, refused.json()) == (404, {"success": False, "message": "Item not found"})
    await publish(served, ("info", {"message": "x"}))
    await reader.until("info")
    assert reader.opcodes()[-2:] == ["queue_item_removed", "info"]


@scenario
async def test_nothing_is_processed_while_the_queue_is_paused(served: Any, reader: Reader, root: Path) -> None:
    await served.http.post("/cosma/api/queue/pause")
    (root / "a").write_text("x")
    await watched(served, root, cooldown_s=0)
    await reader.until("queue_item_added")

    async def ripe() -> bool:
        return bool((await asked(served, "queue/status", "queue-status"))["ready"])

    await until(ripe)
    await asyncio.sleep(0.1)  # five looks at a paused queue, and ten at one that is not
    assert (await asked(served, "queue/status", "queue-status"))["processing"] == 0
    await served.http.post("/cosma/api/queue/resume")
    await reader.until("queue_item_completed")
    assert reader.opcodes().index("queue_resumed") < reader.opcodes().index("queue_item_processing")


@pytest.mark.parametrize(
    "name", ["emoji 👩‍🚀 é.txt", "line\nbreak", "quotes \" ' \\ data: x", "\u2028\u0085\ufeff", " a "]
)
def test_names_arrive_as_they_are(serve: Any, tmp_path: Path, name: str) -> None:
    async def test(served: Any, reader: Reader, root: Path) -> None:
        await watched(served, root)
        (root / name).write_text("x")
        done = await reader.until("queue_item_completed")
        assert done["file_path"] == str(root / name)
        parsed = next(data for opcode, data in reader.seen if opcode == "file_parsed")
        assert parsed == {"path": str(root / name), "filename": name}

    scenario(test)(serve, tmp_path)


@scenario
async def test_a_name_that_is_no_utf_8_is_replaced(served: Any, reader: Reader, root: Path) -> None:
    await watched(served, root)
    (root / os.fsdecode(b"\xff.txt")).write_text("x")
    await reader.until("file_complete", filename="\ufffd.txt", path=f"{root}/\ufffd.txt")


# ----------------------------------------------------------------------------------------------------- directories


@scenario
async def test_jobs(served: Any, reader: Reader, root: Path) -> None:
    (root / "sub").mkdir()
    (root / "other").mkdir()
    (root / "sub" / "a").write_text("x")
    await watched(served, root / "sub", cooldown_s=3600)
    await watched(served, root / "other")
    for taken in (root / "sub", root, root / "sub" / "..", root / "sub" / "a" / ".."):
        answer = await served.http.post("/cosma/api/watch", json={"directory_path": str(taken)})
        assert (answer.status_code, answer.json()["success"]) == (400, False)
    jobs = (await asked(served, "watch/jobs/", "watch-jobs"))["jobs"]
    assert [(job["id"], job["path"], job["is_active"]) for job in jobs] == [
        (1, str(root / "sub"), True), (2, str(root / "other"), True),
    ]  # fmt: skip
    assert await asked(served, "status/", "status") == {"jobs": 2}
    answer = await served.http.delete("/cosma/api/watch/jobs/1")
    assert answer.status_code == 200
    valid("responses/watch-removed", answer.json())
    await reader.until("queue_item_removed", file_path=str(root / "sub" / "a"))
    assert await reader.until("watch_removed") == {"path": str(root / "sub")}
    assert (await served.http.delete("/cosma/api/watch/jobs/1")).status_code == 404
    assert (await served.http.delete("/cosma/api/watch/jobs/x")).status_code == 404
    (root / "sub" / "b").write_text("x")
    (root / "other" / "c").write_text("x")
    await reader.until("queue_item_completed")
    assert reader.of(root / "sub" / "b") == []


@scenario
async def test_a_watched_directory_that_is_removed_is_watched_no_more(served: Any, reader: Reader, root: Path) -> None:
    (root / "sub").mkdir()
    await watched(served, root / "sub")
    (root / "sub").rmdir()
    await reader.until("directory_deleted", path=str(root / "sub"))
    await reader.until("watch_removed", path=str(root / "sub"))
    assert await asked(served, "watch/jobs", "watch-jobs") == {"jobs": []}
    (root / "sub").mkdir()
    await watched(served, root / "sub")


@scenario
async def test_indexing_at_once(served: Any, reader: Reader, root: Path) -> None:
    await served.http.post("/cosma/api/queue/pause")  # it is past the queue
    (root / "a").write_text("x")
    (root / "bad").write_bytes(b"\xff")
    (root / "c").write_text("x")
    answer = await served.http.post("/cosma/api/index/directory", json={"directory_path": str(root)})
    assert answer.status_code == 201
    valid("responses/index-directory", answer.json())
    await reader.until("directory_processing_completed", path=str(root))
    stages = [f"file_{stage}" for stage in STAGES]
    told = ["queue_paused", "directory_processing_started", *stages, "file_parsing", "file_failed", *stages]
    assert reader.opcodes() == [*told, "directory_processing_completed"]


BAD = [
    ("POST", "watch", b"{", "JSON"),
    ("POST", "watch", b"[]", "directory_path"),
    ("POST", "watch", b'{"directory_path": 7}', "directory_path"),
    ("POST", "watch", b'{"directory_path": ""}', "directory_path"),
    ("POST", "watch", b'{"directory_path": "/no/such/directory"}', "directory"),
    ("POST", "watch", b'{"directory_path": "/etc/passwd"}', "directory"),
    ("POST", "watch", b'{"directory_path": "/\\u0000"}', "directory"),
    ("POST", "watch", b'{"directory_path": "/\\ud800"}', "directory"),
    ("POST", "index/directory", b"{}", "directory_path"),
    ("POST", "index/file", b'{"file_path": "/no/such/file"}', "file"),
    ("POST", "index/file", b'{"file_path": "/"}', "file"),
    ("PUT", "settings", b"[]", "object"),
    ("PUT", "settings", b'{"queue.cooldown_seconds": -1}', "cooldown_seconds"),
    ("PUT", "settings", b'{"queue.cooldown_seconds": true}', "cooldown_seconds"),
    ("PUT", "settings", b'{"queue.max_concurrency": 0}', "max_concurrency"),
    ("PUT", "settings", b'{"queue.max_retries": 1.5}', "max_retries"),
    ("PUT", "settings", b'{"queue.colour": "red"}', "queue.colour"),
    ("PUT", "settings", b'{"colour": "red"}', "colour"),
    ("PUT", "queue/scheduler", b"7", "object"),
    ("PUT", "queue/scheduler", b'{"enabled": 1}', "enabled"),
    ("PUT", "queue/scheduler", b'{"combine_mode": "SOME"}', "combine_mode"),
    ("PUT", "queue/scheduler", b'{"check_interval_seconds": 0}', "check_interval_seconds"),
    ("PUT", "queue/scheduler", b'{"rules": [{"rule": "moon", "operator": "==", "value": 1}]}', "rules"),
    ("PUT", "queue/scheduler", b'{"rules": [{"rule": "fan_speed", "operator": ">", "value": 1}]}', "rules"),
    ("PUT", "queue/scheduler", b'{"rules": [{"rule": "power_source", "operator": "==", "value": 1}]}', "rules"),
]


@pytest.mark.parametrize(("method", "path", "body", "named"), BAD)
def test_refusals(serve: Any, method: str, path: str, body: bytes, named: str) -> None:
    async def main() -> None:
        async with serve() as served, reading(served) as reader:
            answer = await served.http.request(method, f"/cosma/api/{path}", content=body)
            assert answer.status_code == 400
            valid("responses/error", answer.json())
            assert answer.json()["success"] is False
            assert named in answer.json()["message"]
            await publish(served, ("info", {"message": "x"}))
            assert (await reader.next())[0] == "info"

    asyncio.run(main())


def test_unknown_paths(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            for method, path in (("GET", "/api/search"), ("POST", "/api/updates"), ("GET", "/"), ("GET", "/api/queue")):
                answer = await served.http.request(method, f"/cosma{path}")
                assert (answer.status_code, answer.json()["success"]) == (404, False)

    asyncio.run(main())


@scenario
async def test_settings_change_one_by_one(served: Any) -> None:
    queue = {"cooldown_seconds": 60, "max_concurrency": 2, "max_retries": 3}
    assert (await asked(served, "settings", "settings"))["queue"] == queue
    assert (await settings(served, **{"queue.cooldown_seconds": 0.5}))["queue"] == {**queue, "cooldown_seconds": 0.5}
    changed = await settings(served, **{"queue.max_concurrency": 4, "queue.max_retries": 0})
    assert changed["queue"] == {"cooldown_seconds": 0.5, "max_concurrency": 4, "max_retries": 0}


@scenario
async def test_the_scheduler_pauses_and_resumes(served: Any, reader: Reader) -> None:
    rule = {"rule": "battery_level", "operator": ">", "value": 100}
    for given, met, paused in (
        ({"rules": [rule]}, False, False),
        ({"enabled": True}, False, True),
        ({"check_interval_seconds": 60}, False, True),
        ({"rules": [{**rule, "enabled": False}]}, True, False),
        ({"combine_mode": "ANY", "rules": [rule, {**rule, "operator": "=="}]}, True, False),
        ({"combine_mode": "ALL"}, False, True),
        ({"enabled": False}, False, False),
    ):
        answer = await served.http.put("/cosma/api/queue/scheduler", json=given)
        assert answer.status_code == 200
        valid("responses/scheduler", answer.json())
        assert answer.json()["conditions_met"] is met
        assert answer.json() == await asked(served, "queue/scheduler/", "scheduler")
        status = await asked(served, "queue/status", "queue-status")
        assert (status["paused"], status["manually_paused"], status["scheduler_paused"]) == (paused, False, paused)
    await publish(served, ("info", {"message": "x"}))
    await reader.until("info")
    assert reader.seen[:-1] == [("scheduler_paused", {}), ("scheduler_resumed", {})] * 2
