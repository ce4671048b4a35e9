"""What a decoder hands up: frames with their byte spans, and the violations seen in them.

This module must not know where bytes come from, when they came, or what a profile is. A frame is a value.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

# Frames of one stream that are read. Six thousand times what a probe asks for; more of them are a flood, of which the
# next million says what this one did.
MOST_FRAMES: Final = 1_000_000
OVER_FRAMES: Final = f"limit: over {MOST_FRAMES} frames"  # the detail of an exchange whose rest is not read


class Kind(Enum):
    """What a frame is. The names are the glossary's."""

    EVENT = "event"  # SSE: a block that a reader dispatches
    COMMENT = "comment"  # SSE: one comment line that stands before the first field of a block
    BLANK = "blank"  # SSE: an end of block that dispatches nothing; NDJSON: a line of JSON white space only
    LINE = "line"  # NDJSON: one line with its LF
    PARTIAL = "partial"  # what was left, unended, when the input ended
    MALFORMED = "malformed"  # bytes that are not UTF-8, in the place of an EVENT or a LINE


class Flaw(Enum):
    """What a strict reader objects to in the framing. A decoder reports it and goes on."""

    BOM = "bom"  # a byte order mark at the start of the stream
    CR = "cr"  # a line ended by CR or CRLF
    NOT_UTF8 = "not-utf8"
    UNKNOWN_FIELD = "unknown-field"  # SSE: a line whose field name the standard does not know, thus ignored
    BAD_RETRY = "bad-retry"  # SSE: a `retry` value that is not ASCII digits only, thus ignored
    NUL_IN_ID = "nul-in-id"  # SSE: an `id` value with U+0000, thus ignored
    NO_DATA = "no-data"  # SSE: a block with fields but no data, thus not dispatched
    REPEATED_FIELD = "repeated-field"  # SSE: a second `event` or `id` line in one block
    UNENDED = "unended"  # the input ended inside a block (SSE) or a line (NDJSON)

    __hash__ = object.__hash__  # a member is equal to itself alone; that of Enum is slow, and each flaw is counted


class Violation(NamedTuple):
    """One flaw with its byte span `[start, end)` in the whole input, and what was seen there."""

    flaw: Flaw
    start: int
    end: int
    seen: str


class Frame(NamedTuple):
    """One frame. Spans are `[start, end)` in the whole input; the frames of an input tile it.

    A named tuple, not a dataclass: a stream has hundreds of thousands of them.
    """

    kind: Kind
    start: int
    end: int
    data: str = (
        ""  # SSE: the data buffer as dispatched; NDJSON: the line without its end; COMMENT: text after the colon
    )
    event: str = ""  # SSE: the value of the block's `event` field; "" where it has none (a reader then says "message")
    id: str | None = None  # SSE: the value of the block's `id` field; None where it has none or it is ignored
    data_lines: int = 0  # SSE: how many `data` lines the block has
    violations: tuple[Violation, ...] = ()
