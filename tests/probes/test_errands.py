"""Requests that the target file asks for: triggers and what prepares a candidate; and what its inputs have in them."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.campaign.reaching import make_ready
from streamvet.contract.files import FileError
from streamvet.contract.target import target_of
from streamvet.probes import triggers
from streamvet.probes.candidate import Candidate
from streamvet.probes.driver import Driver
from streamvet.probes.preparing import prepare
from streamvet.probes.setting import Setting
from streamvet.recorder import Recorder, Secrets, Tape
from streamvet.reference import free_port

from .test_misbehaving import answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STIMULUS = {"name": "test", "kind": "run", "outcome": "succeeds", "script": None, "input": "succeeds"}


class Served:
    """A server that notes requests, whole, and answers with these statuses, the last one again and again."""

    def __init__(self, *statuses: int) -> None:
        self.requests: list[bytes] = []
        self._statuses = list(statuses or (200,))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        self.requests.append(head + await reader.readexactly(int(length[1]) if length else 0))
        writer.write(answer({"id": "7"}, self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]))
        writer.close()


@asynccontextmanager
async def driving(served: Served, **more: Any) -> AsyncIterator[Driver]:
    """A driver on it, as the target says."""
    server = await asyncio.start_server(served.handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    target, profile = target_of({"profile": "ghostly", "base_url": url} | more, Path("target.yaml"))
    async with server, Recorder(profile, Secrets(), route=target.route) as recorder:
        candidate, tape = Candidate(target, profile, 1.0, recorder), Tape(recorder)
        yield Driver(candidate, Setting(profile, target, 1.0, frozenset(), None), tape, dict(STIMULUS))


def lines(request: bytes) -> list[str]:
    return request.decode().split("\r\n")


def test_a_trigger_has_header_fields_and_something_new_each_time() -> None:
    row = {
        "method": "POST",
        "path": "/topics/{unique}",
        "headers": {"X-Title": "a {unique}", "Content-Type": "application/x-www-form-urlencoded"},
        "text": "topic=1&data={unique}",
    }
    served = Served(202, 500)

    async def scenario() -> list[dict[str, Any]]:
        more = {"profile": "agent-workspace", "credentials": {"cookie": "a=longenough"}}
        async with driving(served, **more, triggers={"change": {"http": row}}) as driver:
            return [await triggers.pull(driver, "change") for _ in range(2)]

    done, failed = asyncio.run(scenario())
    first, second = map(lines, served.requests)
    mark = first[0].split(" ")[1].removeprefix("/topics/")
    assert re.fullmatch("[0-9a-f]{32}", mark)
    assert {f"X-Title: a {mark}", "Content-Type: application/x-www-form-urlencoded", "Cookie: a=longenough"} < set(
        first
    )
    assert first[-1] == f"topic=1&data={mark}"
    assert second[0] != first[0]
    assert "failed" not in done
    assert re.fullmatch("POST /topics/[0-9a-f]{32} is answered 500", failed["failed"])


def test_a_command_has_something_new_each_time(tmp_path: Path) -> None:
    async def scenario() -> dict[str, Any]:
        more = {"profile": "agent-workspace", "triggers": {"change": {"command": ["mkdir", f"{tmp_path}/{{unique}}"]}}}
        async with driving(Served(), **more) as driver:
            await triggers.pull(driver, "change")
            return await triggers.pull(driver, "change")

    assert "failed" not in asyncio.run(scenario())
    assert len(list(tmp_path.iterdir())) == 2


def test_each_start_has_a_uuid_of_its_own() -> None:
    served = Served(202)

    async def scenario() -> None:
        body = {"project": "demo", "keys": ["{uuid}", "again {uuid}"]}
        more = {"credentials": {"cookie": "a=longenough"}, "inputs": {"run": {"succeeds": body}}}
        async with driving(served, **more) as driver:
            await driver.start()
            await driver.start()

    asyncio.run(scenario())
    bodies = [json.loads(lines(request)[-1]) for request in served.requests]
    keys = [body["keys"][0] for body in bodies]
    assert [str(uuid.UUID(key)) for key in keys] == keys
    assert [body["keys"][1] for body in bodies] == [f"again {key}" for key in keys]
    assert len(set(keys)) == 2


PREPARE: list[dict[str, Any]] = [
    {"method": "PUT", "path": "/bucket", "json": {"size": 1}},
    {"method": "POST", "path": "/topic", "text": "a line", "status": [201, 409]},
]
PREPARED: dict[str, tuple[tuple[int, ...], bool, tuple[int, str] | None]] = {
    "all is well": ((200, 201), False, None),
    "the first one fails": ((404,), False, (0, "PUT /bucket is answered 404")),
    "the second one fails": ((200, 200), False, (1, "POST /topic is answered 200")),
    "it is there already, as is said": ((200, 409), False, None),
    "it is there after a restart": ((409, 400), True, None),
    "it fails after a restart": ((409, 503), True, (1, "POST /topic is answered 503")),
}


@pytest.mark.parametrize("name", PREPARED)
def test_a_candidate_is_prepared(name: str) -> None:
    statuses, again, wanted = PREPARED[name]
    served = Served(*statuses)

    async def scenario() -> tuple[int, str] | None:
        async with driving(served, prepare=PREPARE, credentials={"cookie": "a=longenough"}) as driver:
            return await prepare(driver.candidate, again=again)

    assert asyncio.run(scenario()) == wanted
    assert [lines(request)[0] for request in served.requests] == [
        f"{row['method']} {row['path']} HTTP/1.1" for row in PREPARE[: 1 if wanted and wanted[0] == 0 else 2]
    ]
    assert {"Cookie: a=longenough", "Content-Type: application/json"} < set(lines(served.requests[0]))
    assert lines(served.requests[0])[-1] == '{"size": 1}'


def test_a_candidate_that_cannot_be_prepared_ends_the_run() -> None:
    async def scenario() -> None:
        async with driving(Served(500), prepare=PREPARE) as driver:
            await make_ready(driver.candidate)

    with pytest.raises(FileError) as raised:
        asyncio.run(scenario())
    wanted = "/prepare/0: expected a request with an answer of status 200 to 299, got PUT /bucket is answered 500"
    assert wanted in str(raised.value)


SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def do_PUT(self):
        print(self.path, file=open(sys.argv[2], "a"), flush=True)
        self.do_GET()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_candidate_is_prepared_after_a_restart_too(tmp_path: Path) -> None:
    port = free_port()
    done = tmp_path / "done"
    launch = {"command": [sys.executable, "-c", SERVER, str(port), str(done)], "cwd": str(tmp_path)}
    raw = {"profile": "cosma", "base_url": f"http://127.0.0.1:{port}", "launch": launch}
    target, profile = target_of(raw | {"prepare": [{"method": "PUT", "path": "/topic"}]}, tmp_path / "target.yaml")

    async def scenario() -> bool:
        async with Recorder(profile, Secrets()) as recorder:
            candidate = Candidate(target, profile, 1.0, recorder)
            assert candidate.process is not None
            try:
                assert await candidate.launch()
                await make_ready(candidate)
                return await candidate.restart_after_kill()
            finally:
                await candidate.process.stop()

    assert asyncio.run(scenario())
    assert done.read_text() == "/topic\n/topic\n"
