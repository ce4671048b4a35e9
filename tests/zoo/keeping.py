"""Runs the suite on a candidate of the zoo, and sees what came of it: verdicts, time, memory, what survived.

Must not know the rows' kinds.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from streamvet.contract.files import read_yaml
from streamvet.reference import free_port

from .rows import EVERYWHERE, ROWS
from .tame import Tame
from .wire import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rows import Row
    from .wire import Wire

AT_ONCE = 3  # runs on two cores: each waits for a part of its time
_PROFILE = Path(__file__).parent / "profile"
_ROOT = Path(__file__).resolve().parents[2]
_STARTS = 4  # runs: two that are watched for heartbeats, one with pauses, one that is read to its end
_UP_MS = 5_000  # for a launched candidate to come up, beside others
_LOOK_S = 0.1  # between two looks at the memory of the runner
_GONE_S = 2.0  # for connections that the runner has closed, and processes that it has ended
_OVER_S = 90  # above every deadline: to kill a runner that would stay


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a run."""

    code: int
    seconds: float
    mebibytes: float
    verdicts: dict[str, str]
    said: str
    survivors: list[str]


def wrong(row: Row, seen: Seen) -> list[str]:
    """In what a run is not as its row says; nothing where it is."""
    verdicts = {name: seen.verdicts.get(name) for name in row.verdicts}
    holds = {
        f"exit {row.code}, got {seen.code}": seen.code == row.code,
        f"{row.verdicts}, got {verdicts}": verdicts == row.verdicts,
        f"a report that says {row.says!r}": row.says in seen.said,
        "no traceback": "Traceback" not in seen.said,
        f"no survivors, got {seen.survivors}": not seen.survivors,
        f"an end within {row.deadline_s} s, got {seen.seconds:.1f} s": seen.seconds < row.deadline_s,
        f"less than {row.memory_mib} MiB, got {seen.mebibytes:.0f} MiB": seen.mebibytes < row.memory_mib,
    }
    return [f"expected {what}" for what, is_so in holds.items() if not is_so]


class Zoo:
    """A server of all candidates that are not launched, in a thread."""

    def __init__(self) -> None:
        self._rows = {row.name: row for row in ROWS}
        self._tame: defaultdict[str, Tame] = defaultdict(Tame)
        self.open_now: Counter[str] = Counter()
        self.port = 0

    async def _serve(self, wire: Wire) -> None:
        row = self._rows.get(wire.candidate)
        if row and callable(row.act) and row.at in (wire.place, EVERYWHERE):
            await row.act(wire)
        else:
            await self._tame[wire.candidate].serve(wire)

    @contextmanager
    def open(self) -> Iterator[Zoo]:
        """Serve meanwhile."""
        loop, up = asyncio.new_event_loop(), threading.Event()
        closing = asyncio.Event()

        async def serve() -> None:
            async with serving(self._serve, open_now=self.open_now) as self.port:
                up.set()
                await closing.wait()

        thread = threading.Thread(target=lambda: (loop.run_until_complete(serve()), loop.close()), daemon=True)
        thread.start()
        up.wait()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(closing.set)
            thread.join()


def _target(row: Row, port: int, folder: Path) -> Path:
    """The target file for a row."""
    content: dict[str, Any] = {
        "profile": str(_profile(row, folder)),
        "base_url": f"http://127.0.0.1:{port}/{row.name}",
        "control": "/_conformance",
        "max_starts": _STARTS,
    }
    if row.launch:
        program = [sys.executable, "-m", "tests.zoo.launched", row.launch, str(port)]
        command = [row.launch] if row.launch.startswith("/") else program
        content["launch"] = {"command": command, "ready": {"within_ms": _UP_MS}}
    path = folder / "target.yaml"
    path.write_text(json.dumps(content | dict(row.target)), encoding="utf-8")
    return path


def perform(row: Row, zoo: Zoo, folder: Path) -> Seen:
    """Run the suite on one candidate."""
    folder.mkdir(parents=True)
    report = folder / "report.json"
    target = _target(row, free_port() if row.launch else zoo.port, folder)
    words = ["run", str(target), "--json", str(report), "--budget", "0", *row.options]
    command = [sys.executable, "-m", "streamvet", *words]
    token = f"{row.name}@{zoo.port}"
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path]), "STREAMVET_ZOO": token}
    begun = time.monotonic()
    with (
        (folder / "said").open("w+b") as said,
        subprocess.Popen(command, stdout=said, stderr=said, env=env, start_new_session=True, cwd=folder) as process,
    ):
        peaks: dict[int, int] = {}
        while process.poll() is None and time.monotonic() - begun < _OVER_S:
            peaks |= _peaks(process.pid)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
        seconds = time.monotonic() - begun
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    rows = json.loads(report.read_text(encoding="utf-8"))["verdicts"] if report.exists() else []
    return Seen(
        process.returncode, seconds, sum(peaks.values()) / 1024, {one["id"]: one["verdict"] for one in rows}, text,
        _survivors(row, zoo, token),
    )  # fmt: skip


def _profile(row: Row, folder: Path) -> Path:
    """The profile's folder; for NDJSON a copy that says so."""
    if row.framing == "sse":
        return _PROFILE
    copy = Path(shutil.copytree(_PROFILE, folder / "profile"))
    raw = read_yaml(copy / "profile.yaml")
    raw |= {
        "framing": {"kind": row.framing, "blank_lines": "allowed"},
        "heartbeat": raw["heartbeat"] | {"form": "blank"},
        "catchup": {"kind": "replay-all"},
    }
    del raw["operations"]["resume"]
    (copy / "profile.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return copy


def _peaks(session: int) -> dict[int, int]:
    """The peak of each process of a session, in KiB. A launched candidate has a session of its own."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, StopIteration):
            if int((path / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                lines = (path / "status").read_text().splitlines()
                found[int(path.name)] = int(next(one for one in lines if one.startswith("VmHWM")).split()[1])
    return found


def _survivors(row: Row, zoo: Zoo, token: str) -> list[str]:
    """The processes and connections that are still there some time after a run."""
    deadline = time.monotonic() + _GONE_S
    while True:
        left = [f"{zoo.open_now[row.name]} connections"] if zoo.open_now[row.name] else []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"STREAMVET_ZOO={token}".encode() in (path / "environ").read_bytes().split(b"\0"):
                    left.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(_LOOK_S)
