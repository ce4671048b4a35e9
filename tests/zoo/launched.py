"""Candidates that are processes: `python -m tests.zoo.launched NAME PORT`. Each is tame on the wire, and nowhere else.

Must not know who launches it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from .tame import Tame
from .wire import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from .wire import Wire

_LONG_S = 600  # for what is to be ended by whoever launched it
_MANY = 30  # processes, of those who make many


def _serve(port: int, in_stream: Callable[[], None] = lambda: None) -> None:
    tame = Tame()

    async def serve(wire: Wire) -> None:
        if wire.place == "stream":
            in_stream()
        await tame.serve(wire)

    async def stay() -> None:
        async with serving(serve, port):
            await asyncio.sleep(_LONG_S)

    asyncio.run(stay())


def _dies(_port: int) -> None:
    sys.exit("no licence")


def _says_bytes(_port: int) -> None:
    os.write(2, bytes(range(256)) * 1_000)
    os._exit(7)


def _never_listens(_port: int) -> None:
    time.sleep(_LONG_S)


def _elsewhere(_port: int) -> None:
    _serve(0)


def _signals_itself(number: signal.Signals, port: int) -> None:
    _serve(port, lambda: os.kill(os.getpid(), number))


def _signals_parent(number: signal.Signals, port: int) -> None:
    _serve(port, lambda: os.kill(os.getppid(), number))


def _leaves(port: int) -> None:
    """As a daemon does it: twice a child, in a session of its own."""
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    _serve(port)


def _sleeper() -> None:
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({_LONG_S})"], start_new_session=True)


def _forks(port: int) -> None:
    for _ in range(_MANY):
        _sleeper()
    _serve(port)


def _forks_and_dies(port: int) -> None:
    _sleeper()
    _serve(port, lambda: os._exit(1))


def _prints(port: int) -> None:
    """More than any disk takes, from a child."""
    subprocess.Popen(["yes", "x" * 1_000])
    _serve(port)


def _prints_a_line(port: int) -> None:
    subprocess.Popen(["cat", "/dev/zero"])
    _serve(port)


def _stays(port: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _serve(port)


def _closes_output(port: int) -> None:
    for number in (0, 1, 2):
        os.close(number)
    _serve(port)


PROGRAMS: dict[str, Callable[[int], None]] = {
    "dies": _dies,
    "says-bytes": _says_bytes,
    "never-listens": _never_listens,
    "elsewhere": _elsewhere,
    "segfault": lambda port: _signals_itself(signal.SIGSEGV, port),
    "stops": lambda port: _signals_itself(signal.SIGSTOP, port),
    "kills-launcher": lambda port: _signals_parent(signal.SIGKILL, port),
    "stops-launcher": lambda port: _signals_parent(signal.SIGSTOP, port),
    "exits-in-stream": lambda port: _serve(port, lambda: os._exit(3)),
    "daemon": _leaves,
    "forks": _forks,
    "forks-and-dies": _forks_and_dies,
    "prints": _prints,
    "prints-a-line": _prints_a_line,
    "stays": _stays,
    "closes-output": _closes_output,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](int(sys.argv[2]))
