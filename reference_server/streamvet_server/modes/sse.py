"""Modes of Server-Sent Events: every block says what it said, in another form that the standard's parser reads alike.

It must not know any system, nor what an event says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet_server.faults.fault import AGENT_WORKSPACE, COSMA
from streamvet_server.faults.shapes import BOM, every, opening, written
from streamvet_server.modes.mode import SSE, Mode
from streamvet_server.seams import Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamvet_server.seams import Piece

_GRAMMAR, _PARSING = "WHATWG HTML, 9.2.5", "WHATWG HTML, 9.2.6"
_IDLESS = AGENT_WORKSPACE + COSMA  # their blocks have no id of their own that another one would replace
COLON_LINE = b": a comment\n"
LARGE, HUGE = 64 * 1024, 1024 * 1024
_ID_PERIOD = 2


def _lines(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Each line of a frame that is not empty, changed."""

    def changed(octets: bytes) -> bytes:
        return b"".join(change(line) if line != b"\n" else line for line in octets.splitlines(keepends=True))

    return changed


def _before_data(line: bytes) -> Callable[[bytes], bytes]:
    return lambda octets: octets.replace(b"data: ", line + b"data: ", 1)


def _long_comment(length: int) -> Callable[[bytes], bytes]:
    """A comment of so many octets in front of the block."""
    return lambda octets: b": " + b"." * (length - 3) + b"\n" + octets


def _id_then_none(octets: bytes) -> bytes:
    """An id, and in the block behind it an empty one: what the client remembers is empty again."""
    return _before_data(b"id\n")(octets)


def _going_back() -> Seams:
    """Ids that count to two and begin again."""

    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        number = shown.index % _ID_PERIOD + 1
        return (_before_data(f"id: {number}\n".encode())(octets),)

    return Seams(frame=frame)


def _unspaced(line: bytes) -> bytes:
    name, colon, value = line.partition(b": ")
    return name + b":" + value if colon and name else line


MODES: tuple[Mode, ...] = (
    Mode(
        "cr-alone", SSE, "Lines end with CR.", _GRAMMAR, "A line ends with CRLF, LF or CR.",
        written(every, lambda octets: octets.replace(b"\n", b"\r")),
    ),
    Mode(
        "crlf", SSE, "Lines end with CRLF.", _GRAMMAR, "A line ends with CRLF, LF or CR.",
        written(every, lambda octets: octets.replace(b"\n", b"\r\n")),
    ),
    Mode(
        "bom", SSE, "A stream begins with a byte order mark.", _GRAMMAR,
        "A stream may begin with one byte order mark, which is no part of the first line.",
        written(opening, lambda octets: BOM + octets),
    ),
    Mode(
        "unknown-fields", SSE, "Each block has fields that the standard does not define.", _PARSING,
        "A field of another name is ignored.",
        written(every, _before_data(b"type: progress\nhint: 1\n")),
    ),
    Mode(
        "comments", SSE, "Comments precede, interrupt and follow each block.", _PARSING,
        "A line that begins with a colon is ignored.",
        written(every, lambda octets: COLON_LINE + _before_data(b":data: {}\n:\n")(octets) + COLON_LINE),
    ),
    Mode(
        "blank-lines", SSE, "Three empty lines follow each block.", _PARSING,
        "An empty line dispatches the event; without data none is dispatched.",
        written(every, lambda octets: octets + b"\n\n"),
    ),
    Mode(
        "no-space-after-colons", SSE, "No space follows the colon of a field.", _PARSING,
        "One space after the colon, if there is one, is removed.", written(every, _lines(_unspaced)),
    ),
    Mode(
        "retry-fields", SSE, "Each block has a retry field of 250 ms.", _PARSING,
        "A retry field of digits alone sets the reconnection time, as often as it comes.",
        written(every, _before_data(b"retry: 250\n")),
    ),
    Mode(
        "retry-that-is-none", SSE, "The first block has a retry field with a unit.", _PARSING,
        "A retry field with anything but digits is ignored.", written(opening, _before_data(b"retry: 3s\n")),
        breaks=dict.fromkeys(SSE, "SSE-03"),
    ),
    Mode(
        "empty-id", _IDLESS, "Each block has an id field that is empty.", _PARSING,
        "An empty id sets the last event id to the empty string, and no Last-Event-ID is sent.",
        written(every, _id_then_none),
    ),
    Mode(
        "ids-that-reset", _IDLESS, "Ids count to two and begin again.", _PARSING,
        "An id is any string without NUL; the standard gives it no order.", _going_back,
    ),
    Mode(
        "comment-of-64-kib", SSE, "A comment of 64 KiB precedes each block.", _GRAMMAR,
        "A comment is a colon and any number of characters.", written(every, _long_comment(LARGE)),
    ),
    Mode(
        "comment-of-1-mib", SSE, "A comment of 1 MiB precedes the first block.", _GRAMMAR,
        "A comment is a colon and any number of characters.", written(opening, _long_comment(HUGE)),
    ),
)  # fmt: skip
