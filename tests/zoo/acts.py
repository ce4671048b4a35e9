"""The ways to misbehave: what a row says is put together of these. Each makes an answer to one request.

Must not know the rows.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .tame import DESCRIBED
from .wire import CHUNKED, LAST_CHUNK, framed

if TYPE_CHECKING:
    from .wire import Wire

Act = Callable[["Wire"], Awaitable[None]]
Then = Callable[["Wire"], Awaitable[None]]

DONE = b'data: {"type":"done"}\n\n'


def step(number: int, text: str = "x") -> bytes:
    """An event as it should be."""
    return b'id: %d\ndata: {"type":"step","text":"%s"}\n\n' % (number, text.encode())


async def close(_wire: Wire) -> None:
    """What the server does by itself."""


async def end(wire: Wire) -> None:
    """The end of a chunked body."""
    await wire.send(LAST_CHUNK)


async def stall(wire: Wire) -> None:
    """Silence."""
    await wire.stall()


async def reset(wire: Wire) -> None:
    """A reset."""
    wire.reset()


async def _raw(pieces: tuple[bytes, ...], then: Then, wire: Wire) -> None:
    for piece in pieces:
        await wire.send(piece)
    await then(wire)


def raw(*pieces: bytes, then: Then = close) -> Act:
    """These bytes, as they are."""
    return partial(_raw, pieces, then)


def stream(*blocks: bytes, then: Then = end) -> Act:
    """A stream of these blocks, a chunk each."""
    return partial(_raw, (CHUNKED, *map(framed, blocks)), then)


async def _endless(before: bytes, piece: bytes, every_s: float, wire: Wire) -> None:
    await wire.send(before)
    while True:
        await wire.send(piece)
        await asyncio.sleep(every_s)


def endless(piece: bytes, *before: bytes, every_s: float = 0) -> Act:
    """These bytes again and again, without end."""
    return partial(_endless, b"".join(before), piece, every_s)


def flood(block: bytes, *, every_s: float = 0) -> Act:
    """A stream of this block, a chunk each time, without end."""
    return endless(framed(block), CHUNKED, every_s=every_s)


def floods_with(byte: bytes, status: bytes = b"200 OK") -> Act:
    """An answer without end, as JSON."""
    return endless(byte * 65_536, b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n\r\n" % status)


def ndjson(piece: bytes, *, forever: bool = False) -> Act:
    """A stream of NDJSON with these bytes, once or without end."""
    head = CHUNKED.replace(b"text/event-stream", b"application/x-ndjson")
    return endless(framed(piece), head) if forever else raw(head, framed(piece), LAST_CHUNK)


async def _answers(status: int, value: Any, more: bytes, wire: Wire) -> None:
    await wire.answer(status, value, more)


def answers(value: Any, status: int = 200, more: bytes = b"") -> Act:
    """JSON."""
    return partial(_answers, status, value, more)


def describes(**other: Any) -> Act:
    """The answer to describe with other values, to all that is asked of the control interface."""
    return answers(DESCRIBED | other)


async def _scripts(act: Act, wire: Wire) -> None:
    await (act if b'"script"' in wire.body else answers(DESCRIBED))(wire)


def scripts(act: Act) -> Act:
    """The control interface that answers so to a script."""
    return partial(_scripts, act)


async def _byte_by_byte(data: bytes, every_s: float, wire: Wire) -> None:
    for at in range(len(data)):
        await wire.send(data[at : at + 1])
        await asyncio.sleep(every_s)
    await wire.stall()


def drips(data: bytes, every_s: float) -> Act:
    """A byte at a time."""
    return partial(_byte_by_byte, data, every_s)


def bomb(mebibytes: int) -> bytes:
    """So much of spaces in a comment, behind an event, in gzip; it has no end."""
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    before = coder.compress(step(1) + b": ") + coder.flush(zlib.Z_FULL_FLUSH)
    # What follows a full flush looks back at nothing before it, so that it can be repeated as it is.
    return before + (coder.compress(b" " * 2**20) + coder.flush(zlib.Z_FULL_FLUSH)) * mebibytes


def coded(coding: bytes, data: bytes) -> Act:
    """A stream of which the head says that it has a content coding."""
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: %s\r\n\r\n" % coding)
    return raw(head, framed(data), LAST_CHUNK)


PLAIN = step(1) + step(2) + DONE


def nested(depth: int) -> str:
    """JSON that nests so deep."""
    return "[" * depth + "]" * depth


def event(number: int, data: str) -> bytes:
    """An event with these data, whatever they are."""
    return b"id: %d\ndata: %s\n\n" % (number, data.encode())


def with_text(text: str) -> str:
    """The JSON of an event with this text in it as it is."""
    return f'{{"type":"step","text":{text}}}'


def body(value: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer with these bytes, as JSON."""
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(value))
    return head + value


def starts(run: Any) -> Act:
    """A start that gives the run this id."""
    return answers({"run": run}, 201)
