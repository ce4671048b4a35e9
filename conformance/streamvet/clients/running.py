"""Starts a client on a vector, reads the lines that it prints, and ends it when it has seen everything.

Must not know what a client should have delivered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet.clients.bench import UNTIL_S, Bench
from streamvet.clients.observed import Observed
from streamvet.clients.vectors import SENTINEL

if TYPE_CHECKING:
    from streamvet.clients.vectors import Vector

# A line holds what the longest vector has, escaped.
_MOST_LINE_BYTES = 16 * 1024 * 1024
_SAID_CHARS = 400
START_S = 60.0  # until the first request: a browser on a busy machine
QUIET_S = 1.0  # without the sentinel: for so long nothing more comes, a request least of all
_LEAVE_S = 2.0  # what a client may take to leave after SIGTERM; then it is killed


class CommandError(Exception):
    """The command of the client cannot be run."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How clients are started. `{url}` in a word of the command is the address; it is in STREAMVET_URL too."""

    command: str
    deadline_s: float = 5.0  # from the first request to the last event
    patience: float = 1.0  # by which waits for the client are multiplied

    def words(self, url: str) -> list[str]:
        """The command for an address.

        Raises:
            CommandError: it is no command.
        """
        try:
            words = shlex.split(self.command)
        except ValueError as error:
            raise CommandError(f"--command: expected words as a shell takes them, got {error}") from error
        if not words:
            raise CommandError("--command: expected a command, got ''")
        return [word.replace("{url}", url) for word in words]


async def observe(terms: Terms, vector: Vector) -> Observed:
    """One client on one vector, from its start to its end.

    Raises:
        CommandError: the command cannot be started.
    """
    seen = Observed()
    async with Bench(vector, seen, UNTIL_S * terms.patience) as bench:
        words = terms.words(bench.url)
        try:
            process = await asyncio.create_subprocess_exec(
                *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, limit=_MOST_LINE_BYTES, start_new_session=True,
                env={**os.environ, "STREAMVET_URL": bench.url, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        except OSError as error:
            raise CommandError(f"--command: expected a program, got {words[0]!r}: {error.strerror}") from error
        reading = asyncio.gather(_events(process, seen), _complaints(process, seen))
        try:
            await _whole(terms, vector, seen)
        finally:
            await _left(process, seen, reading)
    return seen


async def _whole(terms: Terms, vector: Vector, seen: Observed) -> None:
    """Wait until the client has seen everything, has ended by itself, or its time is over."""
    if not await seen.until(lambda: bool(seen.requests) or seen.left(), START_S):
        return
    within_s = terms.deadline_s * terms.patience
    served = await seen.until(lambda: seen.ended or seen.left() or _served(vector, seen), within_s)
    if served and vector.tells:
        served = await seen.until(lambda: seen.left() or bool(seen.errors), within_s)
    seen.waited_out |= not served
    if served and not seen.ended and not seen.left():
        await seen.until(lambda: seen.left() or len(seen.requests) > len(vector.answers), QUIET_S * terms.patience)


def _served(vector: Vector, seen: Observed) -> bool:
    """Whether a vector without a sentinel has been served to its end."""
    return not vector.sentinel and len(seen.answered_s) >= len(vector.answers)


async def _events(process: asyncio.subprocess.Process, seen: Observed) -> None:
    """Read what the client prints until it ends."""
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    async for line in process.stdout:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        match event:
            case {"error": error}:
                seen.errors.append(str(error))
            case {"data": data} | {"value": data}:
                if data == SENTINEL:
                    seen.ended = True
                elif not seen.ended:
                    seen.delivered.append(event)
            case _:
                seen.strange = seen.strange or line.decode("utf-8", "replace").rstrip("\n")[:_SAID_CHARS]
        seen.tell()
    seen.exit_code = await process.wait()
    seen.tell()


async def _complaints(process: asyncio.subprocess.Process, seen: Observed) -> None:
    assert process.stderr is not None  # noqa: S101 - a pipe was asked for
    while octets := await process.stderr.read(_SAID_CHARS):
        seen.said = (seen.said + octets.decode("utf-8", "replace"))[-_SAID_CHARS:]


async def _left(
    process: asyncio.subprocess.Process, seen: Observed, reading: asyncio.Future[tuple[None, None]]
) -> None:
    """End the client and what it started. An exit code that it did not choose is none."""
    by_itself = seen.exit_code
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reading), _LEAVE_S)
            break
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
    seen.exit_code = by_itself
