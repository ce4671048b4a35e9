"""One start of a command: what it prints, within bounds. Must not know what it should print.

Its standard input and both of its outputs are files: no pipe can fill up, whatever it reads or prints first.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from streamvet.commands.spool import Spool

# An interpreter starts within a second, within ten on a busy machine. The scripts of the example, in Python and in
# JavaScript, take 0.1 s for a megabyte of traces.
LEAST_S, BYTES_A_S = 60.0, 1_000_000
# An outcome without findings has 50 bytes, one with a few some hundred: enough for 20 rows and 10,000 traces.
MOST_OUTPUT_BYTES = 64 * 2**20
_LOOK_AGAIN_S = 0.02  # between two looks at a command that runs; nobody notices it beside the start of an interpreter
_STDERR_CHARS = 400  # of what a command that fails said last


class CommandError(Exception):
    """Why a command has no outcomes, in words that follow its name."""


class OutOfTimeError(CommandError):
    """The deadline of the run was over first."""


def output_of(command: Sequence[str], folder: Path, spool: Spool, until_s: float | None = None) -> bytes:
    """What a command prints, by `until_s` of the monotonic clock.

    Raises:
        CommandError: where it cannot be started, fails, prints too much or takes too long.
    """
    limit_s = LEAST_S + spool.size / BYTES_A_S
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said, _interruptible():
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=spool.from_start(), stdout=printed, stderr=said, start_new_session=True
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL among its words
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise CommandError(f"cannot be started in {folder}: {reason}") from error
        try:
            _wait(process, limit_s, until_s, printed, said)
        finally:
            _end(process)
        if process.returncode:
            ended = f"signal {-process.returncode}" if process.returncode < 0 else f"exit code {process.returncode}"
            raise CommandError(f"ended with {ended}{_last_words(said)}")
        printed.seek(0)
        return printed.read()


def _wait(process: subprocess.Popen[bytes], limit_s: float, until_s: float | None, *files: IO[bytes]) -> None:
    """Wait until a command ends, within bounds."""
    deadline = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_AGAIN_S)
        if any(os.fstat(file.fileno()).st_size > MOST_OUTPUT_BYTES for file in files):
            raise CommandError(f"printed more than {MOST_OUTPUT_BYTES // 2**20} MiB")
        if process.returncode is not None:
            return
        if until_s is not None and time.monotonic() > until_s:
            raise OutOfTimeError("had no time to end")
        if time.monotonic() > deadline:
            raise CommandError(f"took longer than {limit_s:.0f} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command, and what it has started and left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the wait for a command, in a worker too, which ignores it otherwise."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would interrupt the ending of the command
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _last_words(said: IO[bytes]) -> str:
    """What a command wrote to its standard error, at last."""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - 4 * _STDERR_CHARS))
    text = said.read().decode("utf-8", "replace").strip()[-_STDERR_CHARS:]
    return f" and said: {text}" if text else ""
