"""Undoes the content codings that browsers take, as the bytes come: gzip, deflate, br and zstd.

The last two take packages of the extra `codings`; without these they are codings that are not known. What comes out
comes in pieces of a bounded size, so that a reader who has enough of a bomb can stop. Must not know what is unpacked.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

# From the next bytes of a body to what they say, as much as can be told by now, piece by piece.
Unpack = Callable[[bytes], Iterator[bytes]]


class Undecodable(Exception):  # noqa: N818 - the candidate's mistake, not one of ours
    """Bytes that are not what their coding says."""


# How zlib finds the wrapping of gzip (its manual, inflateInit2): 16 more than the window asks for it.
_GZIP = 16 + zlib.MAX_WBITS
# RFC 9659, 3: a decoder of the coding zstd may refuse a larger window.
_ZSTD_WINDOW_BYTES = 8 * 2**20
# Of a piece. Large against what a stream has between two pauses.
_PIECE_BYTES = 256 * 1024
# RFC 8878, 3.1.1.2: four bytes are a block of at most 128 KiB. The library has no bound for what comes out.
_ZSTD_STEP_BYTES = 8


def unpacking(codings: str) -> Unpack | None:
    """What undoes the codings of a Content-Encoding field; None where there are none, or one that is not known."""
    names = [one.strip().lower() for one in codings.split(",")]
    names = [one for one in names if one not in ("", "identity")]
    if not names or any(one not in _DECODERS for one in names):
        return None
    try:
        first, *others = (_DECODERS[one]() for one in reversed(names))  # RFC 9110, 8.4: in the order of their use
    except ImportError:  # of a package of the extra
        return None
    for one in others:
        first = partial(_both, first, one)
    return first


def _both(first: Unpack, second: Unpack, data: bytes) -> Iterator[bytes]:
    for piece in first(data):
        yield from second(piece)


def _inflating(wrapping: int) -> Unpack:
    """One member after the other (RFC 1952, 2.2)."""
    decoder = zlib.decompressobj(wrapping)

    def unpack(data: bytes) -> Iterator[bytes]:
        nonlocal decoder
        while data:
            if decoder.eof:
                decoder = zlib.decompressobj(wrapping)
            try:
                yield decoder.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise Undecodable(str(error)) from error
            data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail

    return unpack


def _deflate() -> Unpack:
    """With the wrapping of zlib, or without any, which browsers take as well: the first two bytes tell."""
    inflate: Unpack | None = None
    begun = b""

    def unpack(data: bytes) -> Iterator[bytes]:
        nonlocal inflate, begun
        if inflate is None:
            begun += data
            if len(begun) < _ZLIB_HEADER_BYTES:
                return
            inflate, data = _inflating(zlib.MAX_WBITS if _is_zlib(begun) else -zlib.MAX_WBITS), begun
        yield from inflate(data)

    return unpack


_ZLIB_HEADER_BYTES = 2


def _is_zlib(begun: bytes) -> bool:
    """By RFC 1950, 2.2: the method is 8, and the two bytes are a multiple of 31."""
    return begun[0] & 0x0F == 8 and int.from_bytes(begun[:_ZLIB_HEADER_BYTES], "big") % 31 == 0


def _brotli() -> Unpack:
    import brotli  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra; its stubs are somebody else's package

    decoder: Any = brotli.Decompressor()

    def unpack(data: bytes) -> Iterator[bytes]:
        more = bool(data)
        while more:
            try:
                made = decoder.process(data, output_buffer_limit=_PIECE_BYTES)
            except brotli.error as error:
                raise Undecodable(str(error)) from error
            yield made
            data, more = b"", bool(made)  # it may hold some back, although it says that it takes more

    return unpack


def _zstd() -> Unpack:
    import zstandard  # noqa: PLC0415 - an extra

    decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj(read_across_frames=True)

    def unpack(data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_STEP_BYTES):
            try:
                yield decoder.decompress(data[start : start + _ZSTD_STEP_BYTES])
            except zstandard.ZstdError as error:
                raise Undecodable(str(error)) from error

    return unpack


# x-gzip is gzip (RFC 9110, 8.4.1.3); `deflate` is the zlib format (8.4.1.2).
_DECODERS: dict[str, Callable[[], Unpack]] = {
    "gzip": partial(_inflating, _GZIP),
    "x-gzip": partial(_inflating, _GZIP),
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
