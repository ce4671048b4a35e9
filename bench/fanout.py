"""What it costs the reference server to show a run to many readers, against plain aiohttp and sse-starlette.

Costs are CPU seconds of the server's process, of the same events to as many readers, in turns. Ours has a durable log:
its live figure includes what keeps the events. Also the memory of a connection that reads and is told nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from bench.turns import Ratio, in_turns, ratio, record, tell

EVENTS, READERS, TURNS = 2000, 100, 3
IDLE = 500  # connections for the memory of one: less than the files that a process may have open
REPLAY, LIVE = 0.9, 0.9  # of plain aiohttp
BESIDE_STARLETTE = 1.6
MEMORY = 1 / 1.3
UP_S, DONE_S = 60.0, 120.0
_TICKS = os.sysconf("SC_CLK_TCK")
_LIMIT = "the writes themselves: a send() for each event and reader, which plain aiohttp makes as well"
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that is running: its process, and how it is asked."""

    process: subprocess.Popen[bytes]
    port: int

    def cpu_s(self) -> float:
        """The CPU seconds that its process has taken, those of its threads included."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_bytes(self) -> int:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    """A port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def launched(*words: str) -> Peer:
    """Start a server; `PORT` stands for a free port."""
    port = free_port()
    line = [sys.executable, "-m", *(str(port) if word == "PORT" else word for word in words)]
    peer = Peer(subprocess.Popen(line, cwd=_ROOT, stdout=subprocess.DEVNULL), port)
    until_s = time.monotonic() + UP_S
    while time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return peer
    peer.stop()
    raise SystemExit(f"{words[0]} does not listen")


def asked(port: int, method: str, path: str, document: Any = None, headers: dict[str, str] | None = None) -> Any:
    """The JSON answer to a request."""
    data = None if document is None else json.dumps(document).encode()
    request = Request(f"http://127.0.0.1:{port}{path}", data, headers or {}, method=method)
    with urlopen(request, timeout=DONE_S) as answer:  # noqa: S310
        body = answer.read()
    return json.loads(body) if body else None


async def follow(port: int, path: str, readers: int, then: Any = None) -> list[int]:
    """The `event: assist` blocks that each of so many readers gets until its stream ends; `then` once all are there."""

    async def one(there: asyncio.Semaphore) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        there.release()
        count, rest = 0, b""
        while octets := await reader.read(1 << 20):
            octets = rest + octets
            count += octets.count(b"event: assist")
            rest = octets[-12:]
            if octets.endswith(b"\r\n0\r\n\r\n"):
                break
        writer.close()
        return count

    there = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(one(there)) for _ in range(readers)]
    for _ in tasks:
        await there.acquire()
    if then is not None:
        await asyncio.to_thread(then)
    async with asyncio.timeout(DONE_S):
        return await asyncio.gather(*tasks)


def cost(peer: Peer, path: str, readers: int, events: int, then: Any = None) -> float:
    """The CPU seconds of a server for all readers of one stream; every reader has to get every event."""
    before = peer.cpu_s()
    counts = asyncio.run(follow(peer.port, path, readers, then))
    if set(counts) != {events}:
        raise SystemExit(f"expected {events} events for each reader, got {min(counts)} to {max(counts)}")
    return peer.cpu_s() - before


@dataclass(slots=True)
class Ours:
    """The reference server under control, with a log in a file."""

    peer: Peer
    events: int
    token: str = ""
    finished: str = ""

    def begin(self, wait_ms: float) -> str:
        """A run that waits first and then emits every event at once."""
        emit = {"emit": {"type": "loop_state", "payload": {"state": "executing", "n": 7}}}
        steps = [{"wait_ms": wait_ms}, *[emit] * (self.events - 1)]  # the server adds the last one, run_end
        script = {"do": "script", "steps": steps, "outcome": "succeeds"}
        told = asked(self.peer.port, "POST", "/_conformance", script)["script"]
        body = {
            "baseUrl": "http://127.0.0.1:9",
            "project": "demo",
            "steps": [{"action": "goto", "url": "http://127.0.0.1:9/"}],
        }
        headers = {"Authorization": f"Bearer {self.token}", "Streamvet-Script": told}
        return str(asked(self.peer.port, "POST", "/v1/run", body, headers)["id"])

    def path(self, run: str) -> str:
        """The stream of a run."""
        return f"/v1/runs/{run}/events/stream?token={self.token}"


def ours(folder: Path, events: int) -> Ours:
    """Start the reference server, and let a run finish."""
    words = ("streamvet_server", "--profile", "ghostly", "--port", "PORT", "--control", "--db", str(folder / "log.db"))
    one = Ours(launched(*words), events)
    account = {"email": "a@example.org", "password": "correct horse battery staple"}
    one.token = asked(one.peer.port, "POST", "/v1/auth/login", account)["token"]
    one.finished = one.begin(1)
    asyncio.run(follow(one.peer.port, one.path(one.finished), 1))
    return one


def idle_bytes(peer: Peer, path: str, connections: int) -> float:
    """What one more connection costs, that waits for the first event."""

    async def hold() -> float:
        async def opened() -> asyncio.StreamWriter:
            reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            return writer

        few = [await opened() for _ in range(50)]  # what the first ones cost once for all
        before = peer.resident_bytes()
        more = [await opened() for _ in range(connections)]
        grown = (peer.resident_bytes() - before) / connections
        for writer in (*few, *more):
            writer.close()
        return grown

    return asyncio.run(hold())


def measured(events: int, readers: int, turns: int, idle: int) -> list[Ratio]:
    """Every ratio."""
    with tempfile.TemporaryDirectory() as name:
        mine = ours(Path(name), events)
        raw = launched("bench.peers.fan_out", "aiohttp", "PORT", str(events))
        starlette = launched("bench.peers.fan_out", "starlette", "PORT", str(events))
        try:
            replay = in_turns(
                {
                    "ours": lambda: cost(mine.peer, mine.path(mine.finished), readers, events),
                    "aiohttp": lambda: cost(raw, "/replay", readers, events),
                    "starlette": lambda: cost(starlette, "/replay", readers, events),
                },
                turns,
            )

            def live_ours() -> float:
                run = mine.begin(4000 * max(1, readers / 100))  # all readers are there by then
                return cost(mine.peer, mine.path(run), readers, events)

            live = in_turns(
                {
                    "ours": live_ours,
                    "aiohttp": lambda: cost(raw, "/live", readers, events, lambda: asked(raw.port, "POST", "/go")),
                    "starlette": lambda: cost(
                        starlette, "/live", readers, events, lambda: asked(starlette.port, "POST", "/go")
                    ),
                },
                turns,
            )
            waiting = mine.begin(3_600_000)
            held = in_turns(
                {
                    "ours": lambda: idle_bytes(mine.peer, mine.path(waiting), idle),
                    "aiohttp": lambda: idle_bytes(raw, "/live", idle),
                },
                1,
            )
        finally:
            for peer in (mine.peer, raw, starlette):
                peer.stop()
    found = []
    for name, costs, aim in (("replay", replay, REPLAY), ("live", live, LIVE)):
        what, unit = f"fan-out, {name}, {readers} readers", "CPU seconds"
        found += [
            ratio(what, "plain aiohttp", costs["ours"], costs["aiohttp"], unit, target=aim, limit=_LIMIT),
            ratio(
                what, "sse-starlette", costs["ours"], costs["starlette"], unit, target=BESIDE_STARLETTE, limit=_LIMIT
            ),
        ]
    what = "memory of an idle connection"
    found.append(
        ratio(what, "plain aiohttp", held["ours"], held["aiohttp"], "bytes", target=round(MEMORY, 2),
              limit="the buffers and the parser of a connection, which plain aiohttp has as well")
    )  # fmt: skip
    return found


def main() -> int:
    """Measure, and record where that is wanted; exit 0 whatever comes out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--idle", type=int, default=IDLE)
    parser.add_argument("--record", action="store_true", help="write bench/results.json")
    given = parser.parse_args()
    ratios = measured(given.events, given.readers, given.turns, given.idle)
    tell(ratios)
    if given.record:
        record("fan-out", {"events": given.events, "readers": given.readers}, ratios)
    return 0


if __name__ == "__main__":
    sys.exit(main())
