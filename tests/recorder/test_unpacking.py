"""Content codings are undone as the bytes come, each event with the chunk that completes it; bombs in part."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import zlib
from typing import TYPE_CHECKING, Any

import brotli  # type: ignore[import-untyped]  # its stubs are a package of somebody else's
import pytest
import zstandard

from streamvet.decode import readable
from streamvet.recorder import LIMITS
from streamvet.recorder.unpacking import Undecodable, unpacking
from streamvet.trace import Ending

from .servers import LAST_CHUNK, assist, chunk, recorded, sends

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 2**20
EVENTS = [assist(number) for number in range(1, 4)]
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def _by_zlib(wbits: int) -> Callable[[list[bytes]], list[bytes]]:
    def packed(pieces: list[bytes]) -> list[bytes]:
        coder = zlib.compressobj(9, zlib.DEFLATED, wbits)
        return [*(coder.compress(one) + coder.flush(zlib.Z_SYNC_FLUSH) for one in pieces), coder.flush()]

    return packed


def _by_brotli(pieces: list[bytes]) -> list[bytes]:
    coder: Any = brotli.Compressor(quality=5)
    return [*(coder.process(one) + coder.flush() for one in pieces), coder.finish()]


def _by_zstd(pieces: list[bytes]) -> list[bytes]:
    coder = zstandard.ZstdCompressor().compressobj()
    flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
    return [*(coder.compress(one) + coder.flush(flush) for one in pieces), coder.flush()]


def _twice(pieces: list[bytes]) -> list[bytes]:
    return _by_brotli(_by_zlib(31)(pieces))


CODINGS: dict[str, tuple[str, Callable[[list[bytes]], list[bytes]]]] = {
    "gzip": ("gzip", _by_zlib(31)),
    "x-gzip": ("X-Gzip", _by_zlib(31)),
    "deflate": ("deflate", _by_zlib(15)),
    "deflate without its wrapping": ("deflate", _by_zlib(-15)),
    "br": ("br", _by_brotli),
    "zstd": ("zstd", _by_zstd),
    "two of them": ("gzip, br", _twice),
}


@pytest.mark.parametrize("name", CODINGS)
def test_each_event_is_there_when_it_can_be_decoded(name: str) -> None:
    coding, packed = CODINGS[name]
    pieces = packed(EVENTS)
    exchange = asyncio.run(recorded(sends(HEAD % coding.encode(), *map(chunk, filter(None, pieces)), LAST_CHUNK)))
    assert (exchange.ending, exchange.coding) == (Ending.COMPLETE, coding.lower())
    assert exchange.body == b"".join(EVENTS)
    assert exchange.wire_bytes == sum(map(len, pieces))
    assert readable(exchange)
    ends = [sum(map(len, EVENTS[:count])) for count in range(1, 4)]
    assert list(dict.fromkeys(exchange.ends)) == ends


@pytest.mark.parametrize("name", CODINGS)
def test_a_body_in_single_bytes(name: str) -> None:
    coding, packed = CODINGS[name]
    unpack = unpacking(coding)
    assert unpack is not None
    data = b"".join(packed(EVENTS))
    assert b"".join(piece for byte in data for piece in unpack(bytes([byte]))) == b"".join(EVENTS)


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_what_is_not_what_it_says_ends_there(name: str, after: int) -> None:
    coding, packed = CODINGS[name]
    pieces = packed(EVENTS)[:after]
    rest = (*pieces, b"\xff no coding at all, but plain text" * 9)
    exchange = asyncio.run(recorded(sends(HEAD % coding.encode(), *map(chunk, rest), LAST_CHUNK)))
    assert exchange.ending is Ending.MALFORMED
    assert exchange.detail.startswith(f"the content is not {coding.lower()}: ")
    assert exchange.body.startswith(b"".join(EVENTS[:after]))


def test_an_unknown_coding_stays() -> None:
    for coding in (b"zoo", b"gzip, zoo"):
        exchange = asyncio.run(recorded(sends(HEAD % coding, chunk(b"abc"), LAST_CHUNK)))
        assert (exchange.body, exchange.coding, exchange.wire_bytes) == (b"abc", "", 3)
        assert not readable(exchange)


def test_identity_is_none() -> None:
    exchange = asyncio.run(recorded(sends(HEAD % b"identity", chunk(b"abc"), LAST_CHUNK)))
    assert (exchange.body, exchange.coding) == (b"abc", "")
    assert readable(exchange)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_decoded_in_part_alone(name: str) -> None:
    coding, packed = CODINGS[name]
    bomb = b"".join(packed([b": " + bytes(16 * MIB)]))
    limits = dataclasses.replace(LIMITS, line_bytes=MIB)
    exchange = asyncio.run(recorded(sends(HEAD % coding.encode(), chunk(bomb), LAST_CHUNK), limits=limits))
    assert (exchange.ending, exchange.detail) == (Ending.CUT, f"limit: line over {MIB} bytes")
    assert MIB < len(exchange.body) < 4 * MIB
    assert exchange.wire_bytes <= len(bomb)


@pytest.mark.parametrize("name", ["gzip", "br", "zstd"])
def test_what_comes_out_at_once_is_bounded(name: str) -> None:
    coding, packed = CODINGS[name]
    unpack = unpacking(coding)
    assert unpack is not None
    sizes = [len(piece) for piece in unpack(b"".join(packed([bytes(64 * MIB)])))]
    assert max(sizes) <= MIB
    assert sum(sizes) == 64 * MIB


def test_the_error_is_one_of_ours() -> None:
    unpack = unpacking("zstd")
    assert unpack is not None
    with pytest.raises(Undecodable):
        list(unpack(b"data: plain text\n\n"))


@pytest.mark.parametrize(("coding", "module"), [("br", "brotli"), ("zstd", "zstandard"), ("gzip, br", "brotli")])
def test_a_coding_whose_package_is_not_installed_is_not_known(
    coding: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unpacking(coding) is not None
    monkeypatch.setitem(sys.modules, module, None)
    assert unpacking(coding) is None
    assert unpacking("gzip") is not None
