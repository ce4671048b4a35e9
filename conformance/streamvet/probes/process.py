"""The candidate as a process: started, waited for, killed, started again. Only ours, and by its process group.

Must not know HTTP: whether it is up is asked of the caller.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from streamvet.contract.files import FileError
from streamvet.recorder import now_us, pause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from streamvet.contract.target import Launch

_POLL_S = 0.02  # between two looks at whether it is up: small against the start of any server
_SAID_BYTES = 400  # of its output in an error: the last lines of a traceback
_STOP_S = 5.0  # for a clean end; a server that drains its streams takes as long as they have to be told


class CandidateProcess:
    """One process group. `launch` says how it is started."""

    def __init__(self, launch: Launch, file: Path) -> None:
        self._launch = launch
        self._file = file
        self._process: asyncio.subprocess.Process | None = None
        self._output = TemporaryFile()  # noqa: SIM115 - closed by `stop`

    async def start(self, is_up: Callable[[], Awaitable[bool]]) -> bool:
        """Start it and wait until it is up; gives whether it is.

        Raises:
            FileError: where the command cannot be run at all, or where somebody else's server answers already: its
                verdicts would be told of the candidate.
        """
        launch = self._launch
        if await is_up():
            wanted, got = "an address where nothing answers before the candidate is launched", "an answer"
            raise FileError(self._file, "/base_url", wanted, got)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *launch.command,
                cwd=launch.cwd,
                env=dict(os.environ) | dict(launch.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=self._output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            wanted, got = "a command that can be run", f"{launch.command[0]!r}: {error.strerror}"
            raise FileError(self._file, "/launch/command", wanted, got) from error
        deadline_us = now_us() + launch.ready_within_ms * 1000
        while now_us() < deadline_us and self._process.returncode is None:
            if await is_up() and self._process.returncode is None:
                return True
            await pause(_POLL_S)
        return False

    @property
    def has_ended(self) -> bool:
        """Whether it was started and has ended since."""
        return self._process is not None and self._process.returncode is not None

    def said(self) -> str:
        """The end of what it printed, and how it ended where it has."""
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(self._output.tell() - _SAID_BYTES, 0))
        printed = self._output.read().decode("utf-8", "replace").strip()
        code = self._process.returncode if self._process else None
        ended = f"it exited with {code}; " if code is not None else ""
        return f"{ended}it printed {repr(printed) if printed else 'nothing'}"

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        self._send(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL, to its children too."""
        await self._signal(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end; kill it where it does not. It is not started again after this."""
        if self._process is not None and self._process.returncode is None:
            self._send(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _STOP_S)
            await self._signal(signal.SIGKILL)
        self._output.close()

    async def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._send(number)
            await self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        """To the whole group: a wrapper such as npm has the server as a child."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
