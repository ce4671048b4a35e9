"""The candidate as a process: started, waited for, killed, started again, with all that has come of it.

A warden of its own (`probes.warden`) stands in between: it ends the candidate even where this process is killed. Must
not know HTTP: whether it is up is asked of the caller.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from streamvet.contract.files import FileError
from streamvet.probes import warden
from streamvet.recorder import now_us, pause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamvet.contract.target import Launch

_POLL_S = 0.02  # between two looks at whether it is up: small against the start of any server
_SAID_CHARS = 400  # of its output in an error: the last lines of a traceback
_DYING_S = 1.0  # between the closing of its sockets and its end; milliseconds, but on a busy machine
_STOP_S = 5.0  # for a clean end; a server that drains its streams takes as long as they have to be told
# Without a folder of packages and without the user's settings: it needs neither, and starts in half of the time.
_WARDEN = (sys.executable, "-I", "-S", str(Path(warden.__file__)))


class CandidateProcess:
    """One candidate and what has come of it. `launch` says how it is started."""

    def __init__(self, launch: Launch, file: Path) -> None:
        self._launch = launch
        self._file = file
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._ended = asyncio.Event()
        self._code: int | None = None
        self._failed = ""
        self._printed = ""
        self._left = 0  # how many processes it had left behind when it ended
        self._stopped = 0  # the signal that had stopped it, for which it was killed
        self._asked = False  # whether it was to end
        self._is_up: Callable[[], Awaitable[bool]] | None = None
        self.deaths: list[str] = []  # each time that it ended by itself: how, and what it had printed

    async def start(self, is_up: Callable[[], Awaitable[bool]]) -> bool:
        """Start it and wait until it is up; gives whether it is.

        Raises:
            FileError: where the command cannot be run at all, or where somebody else's server answers already: its
                verdicts would be told of the candidate.
        """
        if await is_up():
            wanted, got = "an address where nothing answers before the candidate is launched", "an answer"
            raise FileError(self._file, "/base_url", wanted, got)
        self._is_up = is_up
        await self._launched()
        return await self.comes_up()

    async def comes_up(self) -> bool:
        """Wait until what was started is up, as long as the target file says; gives whether it is."""
        is_up, deadline_us = self._is_up, now_us() + self._launch.ready_within_ms * 1000
        while is_up is not None and now_us() < deadline_us and not self.has_ended:
            if await is_up() and not self.has_ended:
                return True
            await pause(_POLL_S)
        await self._ask(warden.SAY)
        return False

    async def _launched(self) -> None:
        launch = self._launch
        self._begun, self._ended = asyncio.Event(), asyncio.Event()
        self._code, self._failed, self._printed, self._left, self._asked = None, "", "", 0, False
        self._stopped = 0
        try:
            process = await asyncio.create_subprocess_exec(
                *_WARDEN, *launch.command, cwd=launch.cwd, env=dict(os.environ) | dict(launch.env),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            raise self._refused(getattr(error, "strerror", None) or str(error)) from error
        self._process = process
        self._listening = asyncio.create_task(self._listen(process))
        await self._begun.wait()
        if self._failed:
            await process.wait()
            raise self._refused(self._failed)

    def _refused(self, said: str) -> FileError:
        got = f"{self._launch.command[0]!r}: {said}"
        return FileError(self._file, "/launch/command", "a command that can be run", got)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Take what the warden tells, until it ends."""
        assert process.stdout is not None  # noqa: S101 - said for mypy: it is a pipe
        async for line in process.stdout:
            told = json.loads(line)
            self._printed = told.get("said", self._printed)
            self._failed = told.get("failed", self._failed)
            if "ended" in told:
                self._code, self._left, self._stopped = told["ended"], told["left"], told["stopped"]
                self._ended.set()
                if not self._asked:
                    self.deaths.append(self.said())
            self._begun.set()
        if not (self._asked or self._failed or self._ended.is_set()):
            self.deaths.append(f"it killed the process that watches it, and ended with it; {self.said()}")
        self._begun.set()
        self._ended.set()

    @property
    def has_ended(self) -> bool:
        """Whether it was started and has ended since."""
        return self._process is not None and self._ended.is_set()

    def said(self) -> str:
        """The end of what it printed, and how it ended where it has."""
        printed = self._printed.strip()[-_SAID_CHARS:]
        ended = f"it exited with {self._code}; " if self._code is not None else ""
        if self._stopped:
            ended = f"{signal.Signals(self._stopped).name} stopped it, and it was killed; "
        if self._left:
            ended += f"it left {self._left} processes behind, and must stay in the foreground; "
        return f"{ended}it printed {repr(printed) if printed else 'nothing'}"

    def ask_to_stop(self) -> None:
        """SIGTERM, to its group."""
        self._asked = True
        self._send(warden.STOP)

    async def kill(self) -> None:
        """SIGKILL, to all that has come of it, wherever it has gone."""
        if self._process is not None:
            self._asked = True
            self._send(warden.KILL)
            await self._process.wait()
            if self._listening is not None:
                await self._listening

    async def stop(self) -> None:
        """Ask it to end; kill it where it does not, and what it leaves behind."""
        if self._process is not None and self._process.returncode is None:
            await self._died()
            if not self.has_ended:
                self.ask_to_stop()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), _STOP_S)
            await self.kill()
            if sys.platform != "linux" and self._is_up is not None and await self._is_up():
                self.deaths.append(
                    "it still answers after it was ended: one of its processes has left its process group"
                )

    async def _died(self) -> None:
        """Where it answers no more, give its end the time to be told: its sockets close before it is gone."""
        if self._is_up is None or self.has_ended:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_DYING_S):
                if not await self._is_up():
                    await self._ended.wait()

    async def _ask(self, what: bytes) -> None:
        """Ask the warden for what was printed, and wait for the answer."""
        before = self._printed
        self._send(what)
        deadline_us = now_us() + 1_000_000  # it answers at once, unless it was killed
        while now_us() < deadline_us and self._printed == before and not self.has_ended:
            await pause(_POLL_S)

    def _send(self, what: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(ConnectionError, RuntimeError, ProcessLookupError):  # the warden is gone, and all it watched
                self._process.send_signal(signal.SIGCONT)  # the candidate may have stopped it
                self._process.stdin.write(what)
