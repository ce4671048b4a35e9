"""Bytes of a body as text with a part of them marked, bounded on all sides.

Must not know frames, times or findings.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamvet.report.printable import runs

# A page that holds three findings of each of a hundred requirements stays below some megabytes with these.
FRAME_BYTES = 320  # of a frame that is only context: about three lines of a page
AROUND_BYTES = 160  # on either side of the mark, inside its frame
MARK_BYTES = 640  # of the mark itself

Mark = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a frame's text: `escaped` stands for characters without a shape, `omitted` tells what was left out."""

    text: str
    marked: bool = False
    escaped: bool = False
    omitted: bool = False


def marked(span: tuple[int, int], length: int) -> Mark:
    """The bytes to mark; None where the span has none: a finding about an exchange as a whole, or about a silence."""
    start, end = span[0], min(span[1], length)
    return (start, end) if start < end else None


def pieces(body: bytes, start: int, end: int, mark: Mark) -> tuple[Piece, ...]:
    """The bytes of a frame as text, with the part that overlaps the mark marked, bounded on all sides."""
    low, high = (max(start, mark[0]), min(end, mark[1])) if mark else (0, 0)
    if low >= high:
        return (*_run(body, start, end, FRAME_BYTES),)
    before = _whole(body, max(start, low - AROUND_BYTES), low)
    after = _whole(body, min(end, high + AROUND_BYTES), end)
    return (
        *_left_out(before - start),
        *_run(body, before, low, low - before),
        *_run(body, low, high, MARK_BYTES, marked=True),
        *_run(body, high, after, after - high),
        *_left_out(end - after),
    )


def _whole(body: bytes, offset: int, limit: int) -> int:
    """The next offset, not after `limit`, that is not inside a UTF-8 character (at most three bytes on)."""
    for _ in range(3):
        if offset < limit and body[offset] & 0xC0 == 0x80:
            offset += 1
    return offset


def _run(body: bytes, start: int, end: int, limit: int, *, marked: bool = False) -> list[Piece]:
    """Some bytes, with the middle left out where there are too many."""
    if end - start <= limit:
        return [Piece(text, marked, escaped) for text, escaped in runs(body[start:end])]
    first = _whole(body, start + limit * 3 // 4, end)
    last = _whole(body, end - limit // 4, end)
    left_out = [Piece(one.text, marked, omitted=True) for one in _left_out(last - first)]
    return [
        *_run(body, start, first, first - start, marked=marked),
        *left_out,
        *_run(body, last, end, end - last, marked=marked),
    ]


def _left_out(count: int) -> list[Piece]:
    return [Piece(f"… {count} bytes …", omitted=True)] if count > 0 else []
