"""How the tests of the reference server reach it: over real sockets, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiohttp import web

from streamvet_server.app import Settings, build
from streamvet_server.listing import accounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 20.0  # no single wait of these tests is mandated to be longer than a few seconds
ACCOUNTS = accounts()


@dataclass
class Served:
    """A server that answers, and a client of it."""

    url: str
    http: httpx.AsyncClient
    runner: web.AppRunner | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, who: str = "credentials") -> str:
        """A token of a ghostly account."""
        if who not in self.tokens:
            answer = await self.http.post("/ghostly/v1/auth/login", json=ACCOUNTS["ghostly"][who])
            self.tokens[who] = answer.json()["token"]
        return self.tokens[who]

    async def bearer(self, profile: str = "ghostly", who: str = "credentials") -> dict[str, str]:
        """The header that says who asks."""
        token = await self.token(who) if profile == "ghostly" else ACCOUNTS[profile][who]["token"]
        return {"Authorization": f"Bearer {token}"}

    async def session(self, who: str = "credentials") -> dict[str, str]:
        """The cookie of an agent-workspace account, as a header; the client itself keeps none."""
        answer = await self.http.post("/agent-workspace/api/auth/login", json=ACCOUNTS["agent-workspace"][who])
        self.http.cookies.clear()
        return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}

    @contextlib.asynccontextmanager
    async def workspace(self, who: str = "credentials") -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        """The events of an agent-workspace stream, each as its name and its document."""
        path, headers = "/agent-workspace/api/agent-workspace/stream", await self.session(who)
        async with self.http.stream("GET", path, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield ((block["event"], json.loads(block["data"])) async for block in blocks(answer))

    async def control(self, profile: str, **document: Any) -> httpx.Response:
        """A request to the control interface."""
        return await self.http.post(f"/{profile}/_conformance", json=document)

    async def scripted(self, profile: str, steps: list[Any], outcome: str = "succeeds") -> dict[str, str]:
        """The headers of a start that performs these steps."""
        answer = await self.control(profile, do="script", steps=steps, outcome=outcome)
        assert answer.status_code == 201, answer.text
        return {"Streamvet-Script": answer.json()["script"], **await self.bearer(profile)}

    async def run(self, steps: list[Any] | None = None, outcome: str = "succeeds", body: Any = None) -> str:
        """The id of a new ghostly run."""
        headers = await self.bearer() if steps is None else await self.scripted("ghostly", steps, outcome)
        body = body or ACCOUNTS["ghostly"]["inputs"]["run"]["succeeds"]
        answer = await self.http.post("/ghostly/v1/run", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def record(self, run: str, profile: str = "ghostly") -> Any:
        """A run's record."""
        answer = await self.http.get(f"/{profile}/v1/runs/{run}", headers=await self.bearer(profile))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def cancel(self, run: str, profile: str = "ghostly") -> httpx.Response:
        """Cancel a run."""
        return await self.http.post(f"/{profile}/v1/runs/{run}/cancel", headers=await self.bearer(profile))

    @contextlib.asynccontextmanager
    async def watch(self, run: str) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
        """The blocks of a ghostly stream, each as its fields."""
        path = f"/ghostly/v1/runs/{run}/events/stream?token={await self.token()}"
        async with self.http.stream("GET", path) as answer:
            assert answer.status_code == 200
            yield blocks(answer)

    async def seen(self, run: str) -> list[dict[str, str]]:
        """All blocks of a ghostly stream up to its end."""
        async with self.watch(run) as stream:
            return [block async for block in stream]

    @contextlib.asynccontextmanager
    async def build(self, headers: dict[str, str], **body: Any) -> AsyncIterator[tuple[str, AsyncIterator[Any]]]:
        """A new promptfloe build: its id and its events."""
        sent = {"prompt": "pricing page", **body}
        async with self.http.stream("POST", "/promptfloe/v1/apps/generate", json=sent, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield answer.headers["X-Run-Id"], lines(answer)

    @contextlib.asynccontextmanager
    async def pushing(
        self, kind: str, body: Any, headers: dict[str, str] | None = None
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """The lines of a rockstar push."""
        asking = headers or await self.bearer("rockstar")
        async with self.http.stream("POST", f"/rockstar/api/v1/{kind}s", json=body, headers=asking) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield lines(answer)

    async def pushed(self, kind: str, body: Any, headers: dict[str, str] | None = None) -> list[Any]:
        """All lines of a rockstar push."""
        async with self.pushing(kind, body, headers) as stream:
            return [line async for line in stream]

    async def resumed(self, run: str, cursor: int | str | None = None) -> list[Any]:
        """All events of a promptfloe run after a cursor, up to the end."""
        query = {} if cursor is None else {"cursor": str(cursor)}
        path, headers = f"/promptfloe/v1/runs/{run}/events", await self.bearer("promptfloe")
        async with self.http.stream("GET", path, params=query, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            return [event async for event in lines(answer)]


async def pieces(answer: httpx.Response, separator: bytes) -> AsyncIterator[bytes]:
    """The parts of a body that end with the separator; the body must not end inside one."""
    rest = b""
    async for octets in answer.aiter_raw():
        *whole, rest = (rest + octets).split(separator)
        for piece in whole:
            yield piece
    assert rest == b""


async def blocks(answer: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """The blocks of an SSE body, each as its fields in order."""
    async for piece in pieces(answer, b"\n\n"):
        yield dict(line.split(": ", 1) for line in piece.decode().split("\n"))


async def lines(answer: httpx.Response) -> AsyncIterator[Any]:
    """The lines of an NDJSON body as documents."""
    async for piece in pieces(answer, b"\n"):
        yield json.loads(piece)


@contextlib.asynccontextmanager
async def _serve(**settings: Any) -> AsyncIterator[Served]:
    runner = build(Settings(**{"control": True, "scale": 0.02, **settings}))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        async with (
            asyncio.timeout(DEADLINE_S),
            httpx.AsyncClient(base_url=url, timeout=DEADLINE_S, limits=limits) as http,
        ):
            yield Served(url, http, runner)
    finally:
        await runner.cleanup()


@pytest.fixture
def serve() -> Callable[..., contextlib.AbstractAsyncContextManager[Served]]:
    """Serve in this process; keyword arguments are those of `Settings`. Both systems, under their prefixes."""
    return _serve


@dataclass
class Process:
    """A server in a process of its own."""

    popen: subprocess.Popen[str]
    url: str

    @contextlib.asynccontextmanager
    async def client(self, deadline_s: float = DEADLINE_S) -> AsyncIterator[Served]:
        """A client of it."""
        async with asyncio.timeout(deadline_s), httpx.AsyncClient(base_url=self.url, timeout=DEADLINE_S) as http:
            yield Served(self.url, http)

    def kill(self) -> None:
        """Kill -9."""
        self.popen.kill()
        self.popen.wait(DEADLINE_S)

    def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(DEADLINE_S)


@pytest.fixture
def command() -> Callable[..., list[str]]:
    """The command line with these arguments, of the server or of a script that starts it."""
    return lambda *arguments, script=None: [
        sys.executable, *(["-m", "streamvet_server"] if script is None else [str(script)]), *arguments
    ]  # fmt: skip


@pytest.fixture
def environment() -> dict[str, str]:
    """An environment in which the package is found, installed or not."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "reference_server")}


@pytest.fixture
def spawn(command: Callable[..., list[str]], environment: dict[str, str]) -> Iterator[Callable[..., Process]]:
    """Start a server process with these arguments and wait until it listens. Killed after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, script: Path | None = None) -> Process:
        line = command("--port", "0", "--control", "--time-scale", "0.02", *arguments, script=script)
        popen = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment)
        started.append(popen)
        assert popen.stdout is not None
        return Process(popen, popen.stdout.readline().split()[-1])

    yield start
    for popen in started:
        popen.kill()
        popen.wait(DEADLINE_S)
        assert popen.stdout is not None
        popen.stdout.close()
