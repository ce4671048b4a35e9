"""Readers that connect and drop, half of them inside an event: nothing of them is left in the server.

CI has 600 of them; under the marker `long` it is 10,000.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FEW, MANY = 600, 10_000
WARM_UP = 400  # cycles until the server has the memory that it works with: caches, free lists, compiled patterns
AT_ONCE = 20
MOST_GROWN = 1.05
SOON_S = 30.0
CYCLE_S = 1.0  # at most; measured: 0.03 on a busy machine
# An event that fits neither into the buffers between the two nor into what the server lets wait: who drops inside it
# drops while it is being written.
TEXT = "x" * 600_000
RECEIVE_BYTES, INSIDE_BYTES = 4096, 16_384
COUNTED = Path(__file__).with_name("counted.py")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts by /proc, which is there on Linux alone")

Then = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to connect: the request, and what makes the event come in which one drops, where it does not by itself."""

    request: bytes
    event: Then | None = None


def _count(process: Any) -> dict[str, int]:
    """How many tasks, open files and KiB the server has."""
    process.popen.send_signal(signal.SIGUSR1)
    counted: dict[str, int] = json.loads(process.popen.stdout.readline())
    return counted


async def _settled(process: Any, tasks: int) -> dict[str, int]:
    """The counts, once there are no more tasks than so many: a server learns of a drop when it looks."""
    async with asyncio.timeout(SOON_S):
        while (counted := _count(process))["tasks"] > tasks:  # noqa: ASYNC110 -- of another process
            await asyncio.sleep(0.05)
    return counted


def _get(path: str, **fields: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _post(path: str, body: Any, fields: dict[str, str]) -> bytes:
    octets = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {len(octets)}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode() + octets


async def _ways(served: Any) -> list[Way]:
    """Of each system, how to come to a large event."""
    recon = {"type": "recon", "payload": {"text": TEXT}}
    run = await served.run([{"emit": recon}], "hangs")
    file = {"emit": {"type": "file", "path": "a", "contents": TEXT}}
    async with served.build(await served.scripted("promptfloe", [file], "hangs")) as (build, stream):
        await anext(stream)
    push = await served.scripted("rockstar", [{"emit": {"step": "storing", "detail": TEXT}}], "hangs")
    pipeline: dict[str, Any] = {
        "id": "p", "projectId": "storefront", "projectName": "S", "status": "testing", "startedAt": None,
        "trigger": "t", "triggerData": TEXT, "jobs": [], "pendingInterventions": [],
    }  # fmt: skip
    await served.control("agent-workspace", do="state", state={"pipelines": [pipeline]})

    async def publish() -> None:
        answer = await served.control("cosma", do="publish", events=[{"opcode": "info", "data": {"message": TEXT}}])
        assert answer.status_code == 202

    bearer = await served.bearer("promptfloe")
    return [
        Way(_get(f"/ghostly/v1/runs/{run}/events/stream?token={await served.token()}")),
        Way(_get(f"/promptfloe/v1/runs/{build}/events", **bearer)),
        Way(_post("/rockstar/api/v1/plans", {"name": "a.md", "content": "x"}, push)),
        Way(_get("/agent-workspace/api/agent-workspace/stream", **await served.session())),
        Way(_get("/cosma/api/updates", Accept="text/event-stream"), publish),
    ]


@contextlib.asynccontextmanager
async def _connected(port: int, request: bytes) -> AsyncIterator[socket.socket]:
    """A connection that has asked; it is dropped in the end."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, request)
        yield connection


async def _read(connection: socket.socket, least_bytes: int) -> None:
    """Read so much, or a little more."""
    read = 0
    while read < least_bytes:
        octets = await asyncio.get_running_loop().sock_recv(connection, RECEIVE_BYTES)
        assert octets, "the server has closed a stream"
        read += len(octets)


async def _drop_inside(port: int, way: Way) -> None:
    """Come to the middle of an event, several at once, and drop."""
    async with contextlib.AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(_connected(port, way.request)) for _ in range(AT_ONCE)]
        if way.event is not None:
            await asyncio.gather(*(_read(reader, 1) for reader in readers))  # a head: everybody listens
            await way.event()
        await asyncio.gather(*(_read(reader, INSIDE_BYTES) for reader in readers))


async def _drop_between(port: int, way: Way, dice: random.Random) -> None:
    """Drop at once, or after the head, with a reset or without one."""

    async def one(*, read: bool, reset: bool) -> None:
        async with _connected(port, way.request) as connection:
            if read:
                await _read(connection, 1)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    await asyncio.gather(*(one(read=dice.random() < 0.5, reset=dice.random() < 0.5) for _ in range(AT_ONCE)))


async def _churn(port: int, ways: list[Way], cycles: int) -> None:
    dice = random.Random(cycles)
    for number in range(cycles // AT_ONCE):
        way = ways[number // 2 % len(ways)]
        await (_drop_between(port, way, dice) if number % 2 else _drop_inside(port, way))


@pytest.mark.parametrize("cycles", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_nothing_is_left_of_readers_that_drop(spawn: Any, cycles: int) -> None:
    async def main() -> None:
        process = spawn("--time-scale", "20", script=COUNTED)  # nothing comes of its own accord
        async with process.client(cycles * CYCLE_S) as served:
            served.http.headers["Connection"] = "close"  # so that none of its own is counted
            port = int(served.url.rpartition(":")[2])
            ways = await _ways(served)
            idle = _count(process)["tasks"]
            await _churn(port, ways, WARM_UP)
            before = await _settled(process, idle)
            async with contextlib.AsyncExitStack() as stack:
                for way in ways:
                    await _read(await stack.enter_async_context(_connected(port, way.request)), 1)
                there = _count(process)
                assert min(there[what] - before[what] for what in ("tasks", "files")) >= len(ways)
            await _churn(port, ways, cycles)
            after = await _settled(process, before["tasks"])
            print(f"{cycles} cycles: {before} before, {after} after")  # noqa: T201 -- with -s: the figures
            assert after["files"] <= before["files"]
            assert after["memory_kib"] <= MOST_GROWN * before["memory_kib"]

    asyncio.run(main())
