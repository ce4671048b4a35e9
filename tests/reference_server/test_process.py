"""The server as a process: its command line, its end, and what a `kill -9` leaves behind."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from streamvet_server.systems import SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

ASSIST = {"emit": {"type": "loop_state", "payload": {"state": "executing"}}}
FILE = {"emit": {"type": "file", "path": "a", "contents": "x"}}


def test_lists(command: Any, environment: dict[str, str]) -> None:
    def listed(what: str) -> Any:
        ran = subprocess.run(
            command(what, "--json"), capture_output=True, check=True, env=environment, text=True, timeout=30
        )
        return json.loads(ran.stdout)

    accounts = listed("--list-accounts")
    assert set(accounts) == set(SYSTEMS)
    for told in accounts.values():
        assert set(told) <= {"credentials", "other_credentials", "expired_credentials", "inputs"}
        for bodies in told.get("inputs", {}).values():
            assert {"succeeds"} <= set(bodies) <= {"succeeds", "fails", "long"}
    for row in listed("--list-faults"):
        assert set(row) == {
            "name",
            "id",
            "profiles",
            "note",
            "honest",
            "generated",
            "seams",
            "fixture",
            "standing",
            "rare",
        }
        assert set(row["seams"]) == set(row["profiles"])


WRONG = {
    ("--fault", "no-such"): "--fault: expected the name of a fault, got 'no-such'",
    (
        "--fault",
        "cursor-inclusive",
        "--profile",
        "rockstar",
    ): "--fault: expected a fault of rockstar, got cursor-inclusive, which is",
    ("--profile", "no-such"): "--profile: expected one of agent-workspace, cosma, ghostly, promptfloe, rockstar, got",
    ("--time-scale", "0"): "expected a number above 0, at most 1000",
    ("--port", "99999"): "expected a port, 0 to 65535",
    ("--host", "a..b", "--port", "0"): "--host a..b --port 0: expected an address where one can listen, got ",
    (
        "--db",
        "no/such/folder.db",
    ): "--db no/such/folder.db: expected a database that can be opened, or made, got unable",
    ("--db", "."): "--db .: expected a regular file, got something else",
    ("--db", ""): "--db: expected the path of a file, or :memory:, got ''",
    ("--db", "/dev/zero"): "--db /dev/zero: expected a regular file, got something else",
    ("--db", "x" * 5000): "expected a database that can be opened, or made, got unable to open database file",
    ("--db", __file__): f"--db {__file__}: expected a database that can be opened, or made, got file is not a database",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_refuses_wrong_usage(command: Any, environment: dict[str, str], arguments: tuple[str, ...]) -> None:
    ran = subprocess.run(command(*arguments), capture_output=True, check=False, env=environment, text=True, timeout=30)
    last = ran.stderr.splitlines()[-1]
    assert (ran.returncode, WRONG[arguments] in last, "Traceback" in ran.stderr) == (2, True, False)


def test_a_port_that_is_taken_is_told_of(command: Any, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        ran = subprocess.run(
            command("--port", port), capture_output=True, check=False, env=environment, text=True, timeout=30
        )
    said = f"streamvet_server: --host 127.0.0.1 --port {port}: expected an address where one can listen, got "
    assert (ran.returncode, len(ran.stderr.splitlines()), ran.stderr.startswith(said)) == (2, 1, True)


def test_one_profile_is_served_at_the_root(spawn: Any) -> None:
    async def main() -> None:
        async with spawn("--profile", "ghostly").client() as served:
            assert (await served.http.get("/health")).json() == {"status": "ok"}
            answer = await served.http.post("/_conformance", json={"do": "describe"})
            assert answer.json()["profile"] == "ghostly"

    asyncio.run(main())


def test_sigterm_ends_streams_cleanly(spawn: Any) -> None:
    async def main() -> None:
        process = spawn()
        async with process.client() as served:
            run = await served.run([ASSIST], "hangs")
            build = served.build(await served.scripted("promptfloe", [FILE], "hangs"))
            async with served.watch(run) as blocks, build as (_, events):
                assert [(await anext(blocks))["event"] for _ in range(2)] == ["status", "assist"]
                assert (await anext(events))["type"] == "file"
                process.popen.send_signal(signal.SIGTERM)
                # A body cut short would raise here: httpx checks the last chunk.
                assert [block async for block in blocks] == []
                assert [event async for event in events] == []
        assert await asyncio.to_thread(process.popen.wait, 10) == 0

    asyncio.run(main())


def test_kill_loses_no_event_that_a_reader_saw(spawn: Any, tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")
    steps = [ASSIST, ASSIST, ASSIST, {"wait_ms": 50}] * 2000

    async def before() -> tuple[str, list[Any]]:
        process = spawn("--db", database)
        async with process.client() as served:
            run = await served.run(steps)
            seen = []
            async with served.watch(run) as stream:
                async for block in stream:
                    if block["event"] == "assist":
                        seen.append(block)
                    if len(seen) == 200:
                        process.kill()
                        return run, seen
        raise AssertionError

    async def after(run: str, seen: list[Any]) -> None:
        process = spawn("--db", database)
        async with process.client() as served:
            record = await served.record(run)
            assert record["status"] == "running"
            last = record["events"][-1]["seq"]
            async with served.watch(run) as stream:
                assert json.loads((await anext(stream))["data"])["status"] == "running"
                assert [await anext(stream) for _ in seen] == seen
                answer = await served.cancel(run)
                assert answer.json() == {"ok": True, "id": run, "status": "cancelled", "stale": True}
                *_, end, status, closing = [json.loads(block["data"]) async for block in stream]
            assert (end["type"], end["seq"]) == ("run_end", last + 1)
            assert end["payload"] == {"cancelled": True, "source": "user", "staleAfterRestart": True}
            assert (status["status"], closing["kind"]) == ("fail", "end")
            assert (await served.cancel(run)).status_code == 409
            assert (await served.record(run))["events"][-1]["payload"] == end["payload"]
        assert await asyncio.to_thread(process.terminate) == 0

    run, seen = asyncio.run(before())
    asyncio.run(after(run, seen))


def test_a_build_that_was_active_at_a_kill_is_ended(spawn: Any, tmp_path: Path) -> None:
    database = str(tmp_path / "events.db")

    async def before() -> tuple[str, Any]:
        process = spawn("--db", database)
        async with process.client() as served:
            async with served.build(await served.scripted("promptfloe", [FILE] * 3, "hangs")) as (run, stream):
                seen = [await anext(stream) for _ in range(3)]
                process.kill()
            return run, seen

    async def after(run: str, seen: list[Any]) -> None:
        async with spawn("--db", database).client() as served:
            whole = await served.resumed(run)
            assert whole[:3] == seen
            assert [(event["id"], event["type"], event.get("code")) for event in whole[3:]] == [
                (4, "error", "internal_error")
            ]
            assert await served.resumed(run, 2) == whole[2:]
            assert (await served.record(run, "promptfloe"))["status"] == "failed"

    run, seen = asyncio.run(before())
    asyncio.run(after(run, seen))
