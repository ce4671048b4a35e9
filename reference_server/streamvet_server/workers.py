"""Several processes of the server behind one address, and each at one of its own.

It must not know what they serve. The sockets are opened here and handed on, so that a process which dies is replaced at
the same addresses, and who connects meanwhile waits. A process that loses its parent ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_STOP_S = 8.0  # for a process to end its streams, which takes it 4.8 s at most
_AGAIN_S = 0.2  # before a process that died is replaced
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Place:
    """One process: its slot, from 0, and its listening sockets: of the shared address, and of its own."""

    slot: int
    shared: socket.socket
    own: socket.socket

    @property
    def words(self) -> list[str]:
        """What its command line says of it."""
        return ["--slot", str(self.slot), "--sockets", f"{self.shared.fileno()},{self.own.fileno()}"]


def places(host: str, port: int, own: Sequence[int]) -> list[Place]:
    """The places of as many processes as there are ports of their own.

    Raises:
        OSError: one cannot listen there.
    """
    made: list[Place] = []
    for slot, one in enumerate(own):
        shared = _listening(host, port)
        port = shared.getsockname()[1]
        made.append(Place(slot, shared, _listening(host, one)))
    return made


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # the system spreads connections over the processes
    made.bind(address)
    made.listen(_BACKLOG)
    return made


async def supervise(words: Sequence[str], taken: Sequence[Place]) -> int:
    """Keep a process at each place until SIGTERM or SIGINT; gives the exit code, that of one that cannot come up."""
    stop, ready = asyncio.Event(), [asyncio.Event() for _ in taken]
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    keeping = [asyncio.create_task(_keep(words, place, up, stop)) for place, up in zip(taken, ready, strict=True)]
    coming = asyncio.create_task(_tell(taken, ready))
    code = max(await asyncio.gather(*keeping))
    coming.cancel()
    return code


async def _tell(taken: Sequence[Place], ready: Sequence[asyncio.Event]) -> None:
    for up in ready:
        await up.wait()
    for bound in (taken[0].shared.getsockname(), *(place.own.getsockname() for place in taken)):
        print(f"streamvet_server listening on {url(bound)}", flush=True)  # noqa: T201 -- its interface


def url(bound: tuple[str, int]) -> str:
    """The URL of a socket's address."""
    return f"http://[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"http://{bound[0]}:{bound[1]}"


async def _keep(words: Sequence[str], place: Place, up: asyncio.Event, stop: asyncio.Event) -> int:
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streamvet_server", *words, *place.words, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, pass_fds=(place.shared.fileno(), place.own.fileno()),
        )  # fmt: skip
        ended, stopped = asyncio.create_task(_run(process, up)), asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                return await asyncio.wait_for(asyncio.shield(ended), _STOP_S)
            except TimeoutError:
                process.kill()
                return await ended
        stopped.cancel()
        if not up.is_set():  # it has never come up, and has said why
            stop.set()
            return ended.result()
        await asyncio.sleep(_AGAIN_S)


async def _run(process: asyncio.subprocess.Process, up: asyncio.Event) -> int:
    """The exit code of a process; `up` is set once it listens."""
    assert process.stdout is not None  # noqa: S101 -- said for mypy: it is a pipe
    async for _line in process.stdout:
        up.set()
    code = await process.wait()
    return code if code >= 0 else 128 - code
