"""A launched candidate, whatever it does: it ends with the run, it fills nothing, and how it died is known."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.files import FileError
from streamvet.contract.target import Launch
from streamvet.probes.process import CandidateProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what leaves its group is found on Linux alone")
SOON_S = 30.0
MARK = "STREAMVET_TEST_MARK"


def _alive(mark: str) -> list[int]:
    """The processes that have come of a command with this mark in their environment, or on their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            state = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0]
        except (OSError, IndexError):
            continue
        if mark.encode() in text and state != b"Z" and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


async def _until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON_S):
        while not holds():  # noqa: ASYNC110 - what ends elsewhere sets no event here
            await asyncio.sleep(0.02)


def _candidate(script: str, mark: str, within_ms: int = 20_000) -> CandidateProcess:
    launch = Launch(("sh", "-c", script), Path("/"), {MARK: mark}, "/", within_ms)
    return CandidateProcess(launch, Path("target.yaml"))


def _up(mark: str) -> Callable[[], Awaitable[bool]]:
    async def is_up() -> bool:
        await asyncio.sleep(0)
        return bool(_alive(f"ready-{mark}"))

    return is_up


# Each leaves a process with `ready-…` on its command line, which is what counts as being up.
READY = "exec sh -c 'while :; do sleep 0.1; done' ready-$STREAMVET_TEST_MARK"
LIVES = {
    "stays": READY,
    "has children": f"sleep 500 & {READY}",
    "does not want to end": f"trap '' TERM INT HUP; {READY}",
    "has daemons": f"setsid sh -c 'trap \"\" TERM; (setsid sleep 500 &); sleep 500' & {READY}",
    "has daemons without an environment": f"(setsid env -i sleep 5{os.getpid():06} &) ; {READY}",
    "floods its output": f"yes & {READY}",
    "dies, and leaves a daemon": f"(setsid {READY.removeprefix('exec ')} &) ; exit 0",
}


@pytest.mark.parametrize("name", LIVES)
def test_nothing_is_left(name: str, tmp_path: Path) -> None:
    mark = f"{tmp_path.name}-{os.getpid()}"

    async def scenario() -> None:
        process = _candidate(LIVES[name], mark)
        if "dies" in name:
            await process.start(_up(mark))
        else:
            assert await process.start(_up(mark))
        await process.stop()

    asyncio.run(asyncio.wait_for(scenario(), SOON_S))
    assert _alive(mark) == []
    assert _alive(f"5{os.getpid():06}") == []


def test_a_kill_is_no_death_of_its_own(tmp_path: Path) -> None:
    mark = f"{tmp_path.name}-{os.getpid()}"

    async def scenario() -> list[str]:
        process = _candidate(READY, mark)
        assert await process.start(_up(mark))
        await process.kill()
        assert _alive(mark) == []
        assert await process.start(_up(mark))
        process.ask_to_stop()
        await _until(lambda: process.has_ended)
        await process.stop()
        return process.deaths

    assert asyncio.run(asyncio.wait_for(scenario(), SOON_S)) == []


ON_ITS_WATCHER = {"KILL": ["it killed the process that watches it, and ended with it; it printed nothing"], "STOP": []}


@pytest.mark.parametrize("name", ON_ITS_WATCHER)
def test_who_signals_the_process_that_watches_it_ends_all_the_same(name: str, tmp_path: Path) -> None:
    mark, gate = f"{tmp_path.name}-{os.getpid()}", tmp_path / "gate"

    async def scenario() -> list[str]:
        script = f": ready-{mark}; while ! [ -e {gate} ]; do sleep 0.02; done; kill -{name} $PPID; touch {gate}.done"
        process = _candidate(f"{script}; {READY}", mark)
        assert await process.start(_up(mark))
        gate.touch()
        await _until(lambda: process.has_ended or (tmp_path / "gate.done").exists())
        await process.stop()
        return process.deaths

    assert asyncio.run(asyncio.wait_for(scenario(), SOON_S)) == ON_ITS_WATCHER[name]
    assert _alive(mark) == []


DEATHS = {
    "echo the last words; exit 3": "it exited with 3; it printed 'the last words'",
    "kill -9 $$": "it exited with -9; it printed nothing",
    "kill -STOP $$": "SIGSTOP stopped it, and it was killed; it printed nothing",
    "echo out; echo err >&2; kill -SEGV $$": "it exited with -11; it printed 'out\\nerr'",
}


@pytest.mark.parametrize("end", DEATHS)
def test_a_death_is_known_though_nothing_is_started_after_it(end: str, tmp_path: Path) -> None:
    mark = f"{tmp_path.name}-{os.getpid()}"
    gate = tmp_path / "gate"
    script = f"sh -c 'while ! [ -e {gate} ]; do sleep 0.05; done' ready-{mark}; {end}"

    async def scenario() -> list[str]:
        process = _candidate(script, mark)
        assert await process.start(_up(mark))
        gate.touch()
        await _until(lambda: process.has_ended)
        await process.stop()
        return process.deaths

    assert asyncio.run(asyncio.wait_for(scenario(), SOON_S)) == [DEATHS[end]]


def test_a_death_is_known_that_is_not_over_when_all_else_is(tmp_path: Path) -> None:
    up, over = tmp_path / "up", tmp_path / "over"
    script = f"touch {up}; while ! [ -e {over} ]; do sleep 0.02; done; sleep 0.2; exit 3"

    async def is_up() -> bool:
        await asyncio.sleep(0)
        return up.exists() and not over.exists()

    async def scenario() -> list[str]:
        process = _candidate(script, tmp_path.name)
        assert await process.start(is_up)
        over.touch()
        await process.stop()
        return process.deaths

    assert asyncio.run(asyncio.wait_for(scenario(), SOON_S)) == ["it exited with 3; it printed nothing"]


def test_of_a_flood_the_end_is_kept(tmp_path: Path) -> None:
    mark = f"{tmp_path.name}-{os.getpid()}"

    async def scenario() -> str:
        process = _candidate("head -c 300000000 /dev/zero | tr '\\0' x; echo the end; exit 1", mark)
        assert not await process.start(_up(mark))
        await process.stop()
        return process.said()

    said = asyncio.run(asyncio.wait_for(scenario(), SOON_S))
    assert said.startswith("it exited with 1; it printed 'xxx")
    assert said.endswith("the end'")
    assert len(said) < 1000


def test_what_is_silent_until_its_time_is_over(tmp_path: Path) -> None:
    mark = f"{tmp_path.name}-{os.getpid()}"

    async def scenario() -> str:
        process = _candidate("echo starting; exec sleep 500", mark, within_ms=700)
        assert not await process.start(_up(mark))
        said = process.said()
        await process.stop()
        return said

    assert asyncio.run(asyncio.wait_for(scenario(), SOON_S)) == "it printed 'starting'"
    assert _alive(mark) == []


def test_what_is_slow_in_starting_can_be_waited_for_again(tmp_path: Path) -> None:
    mark = f"{tmp_path.name}-{os.getpid()}"
    goes_on = tmp_path / "goes-on"

    async def scenario() -> list[bool]:
        process = _candidate(f"until test -e {goes_on}; do sleep 0.1; done; {READY}", mark, within_ms=200)
        found = [await process.start(_up(mark)), await process.comes_up()]
        goes_on.touch()
        await _until(lambda: _alive(f"ready-{mark}"))
        found.append(await process.comes_up())
        await process.stop()
        return found

    assert asyncio.run(asyncio.wait_for(scenario(), SOON_S)) == [False, False, True]


def test_a_command_that_there_is_not(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    for command, cwd in ((("no-such-command",), tmp_path), (("sh",), tmp_path / "nowhere"), (("a\0b",), tmp_path)):
        process = CandidateProcess(Launch(command, cwd, {}, "/", 1000), Path("target.yaml"))
        with pytest.raises(FileError, match="/launch/command: expected a command that can be run, got "):
            asyncio.run(process.start(never))


def test_where_the_suite_is_killed_nothing_is_left(tmp_path: Path) -> None:
    """As `prove` is: SIGKILL leaves nobody time to end what they started."""
    mark = f"{tmp_path.name}-{os.getpid()}"
    code = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
from tests.probes.test_process import _candidate, _up, LIVES
async def scenario():
    process = _candidate(LIVES["has daemons"], {mark!r})
    assert await process.start(_up({mark!r}))
    print("up", flush=True)
    await asyncio.sleep(500)
asyncio.run(scenario())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as suite:
        assert suite.stdout is not None
        assert suite.stdout.readline() == b"up\n"
        assert len(_alive(mark)) >= 3
        suite.send_signal(signal.SIGKILL)
        suite.wait()
    asyncio.run(_until(lambda: not _alive(mark)))


@pytest.mark.live
def test_a_proof_that_is_killed_leaves_no_servers(tmp_path: Path) -> None:
    def servers() -> list[int]:
        return [pid for pid in _alive(str(tmp_path)) if b"streamvet_server" in _cmdline(pid)]

    command = [sys.executable, "-m", "streamvet", "prove", "--profile", "rockstar"]
    env = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as proof:
        asyncio.run(_until(servers))
        proof.send_signal(signal.SIGKILL)
        proof.wait()
    deadline = time.monotonic() + SOON_S
    while servers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert servers() == []


def _cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
