"""How long a line and an event may be, and where the first one of a whole stream that is longer begins to be too long.

Readers hold a whole line, or a whole event, in memory. Must not know what is in them, nor how they came.
"""

from __future__ import annotations

from typing import Final

# Readers that go line by line hold a whole line: Go's bufio.Scanner stops at 64 KiB, Node's readline has no bound.
MOST_LINE_BYTES: Final = 1024 * 1024
# An SSE event may have several data lines; a reader holds all of them until the empty line.
MOST_EVENT_BYTES: Final = 4 * 1024 * 1024

_SSE_LINE_ENDS: Final = (b"\n", b"\r")
_NDJSON_LINE_ENDS: Final = (b"\n",)
EMPTY_LINES: Final = (b"\n\n", b"\r\r", b"\n\r\n")  # with the end of the line before; the last one of CR LF, too


def line_ends(*, sse: bool) -> tuple[bytes, ...]:
    """The bytes with which a line ends, each alone."""
    return _SSE_LINE_ENDS if sse else _NDJSON_LINE_ENDS


def over_long(body: bytes, *, sse: bool) -> tuple[int, str] | None:
    """Up to where a stream is within these bounds, and what is longer there; None where nothing is."""
    line = _within(body, line_ends(sse=sse), MOST_LINE_BYTES)
    event = _within(body, EMPTY_LINES, MOST_EVENT_BYTES) if sse else None
    if line is not None and (event is None or line <= event):
        return line, f"line over {MOST_LINE_BYTES} bytes"
    return None if event is None else (event, f"event over {MOST_EVENT_BYTES} bytes")


def _within(body: bytes, ends: tuple[bytes, ...], most_bytes: int) -> int | None:
    """Up to where no piece between two ends has more bytes, None where none has: from end to the last end within."""
    start = 0
    while len(body) - start > most_bytes:
        until = start + most_bytes + 1
        found = [at + len(end) for end in ends if (at := body.rfind(end, start, until)) >= 0]
        if not found:
            return until
        start = max(found)
    return None
