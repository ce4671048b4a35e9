"""What becomes of rare texts and values: two characters beside each other, or one at a place where something ends.

It must not know which fault does so, nor on which system.
"""

from __future__ import annotations

import re
from typing import Any

SEPARATORS = "\u0085\u2028\u2029"
BUFFER_OCTETS = 64  # with the quote; the wide characters that are pinned fit in
CHUNK_UNITS = 16  # of UTF-16, as a writer in JavaScript counts
DIGITS = 15  # what `%.15g` leaves of an integer
LEVELS = 16

# A character of three octets or four. What follows must not be a field of its own: that would be another requirement's.
_BEHIND_WIDE = re.compile(rb"([\xe0-\xf4][\x80-\xbf]{2,3})\\n(?!data|event|id|retry|:)")
_CONTROL_AND_DIGIT = re.compile(rb"((?<!\\)(?:\\\\)*)\\u00(1[0-9a-f]|0[1-9a-f])(?=[0-9A-Fa-f])")

# The last event of a stream of lines, as a member or in a text.
_END_INSIDE = re.compile(rb"""\\*"(type|step)\\*": ?\\*"(ready|done|error|cancelled)\\*\"""")


def raw_newline(string: bytes) -> bytes:
    """A newline behind a wide character as it is."""
    return _BEHIND_WIDE.sub(b"\\1\n", string)


def as_in_c(string: bytes) -> bytes:
    """A control character that a hexadecimal digit follows as in C; NUL is left as it is."""
    return _CONTROL_AND_DIGIT.sub(rb"\1\\x\2", string)


def looks_like_an_end(octets: bytes) -> bool:
    """Whether a frame has the text of what ends a stream anywhere in it."""
    return _END_INSIDE.search(octets) is not None


def twice_data(octets: bytes) -> bytes:
    """A frame in which each key that is `data` comes twice."""
    return octets.replace(b'"data":', b'"data":null,"data":')


def unescaped_end(string: bytes) -> bytes:
    """A backslash at the end as it is."""
    return string[:-2] + b'"' if string.endswith(b'\\\\"') else string


def cut_at_buffers(string: bytes) -> bytes:
    """Each character of four octets without those that are in the next buffer."""
    gone: set[int] = set()
    for end in range(BUFFER_OCTETS, len(string), BUFFER_OCTETS):
        begin = next((at for at in range(end - 3, end) if string[at] >= 0xF0), None)
        gone.update(range(end, begin + 4) if begin is not None else ())
    return bytes(octet for at, octet in enumerate(string) if at not in gone) if gone else string


def halved_emoji(text: str) -> str:
    """Without the second half of an emoji that two chunks share."""
    octets = text.encode("utf-16-le", "surrogatepass")
    units = [octets[at : at + 2] for at in range(0, len(octets), 2)]
    kept = [unit for at, unit in enumerate(units) if at % CHUNK_UNITS or not at or not 0xDC <= unit[1] <= 0xDF]
    return b"".join(kept).decode("utf-16-le", "surrogatepass")


def rounded(value: Any) -> Any:
    """The value with large integers as floats print them."""
    if isinstance(value, dict):
        return {key: rounded(it) for key, it in value.items()}
    if isinstance(value, list):
        return [rounded(it) for it in value]
    large = isinstance(value, int) and abs(value) >= 10**DIGITS
    return int(float(f"{value:.{DIGITS}g}")) if large else value


def shallow(value: Any, level: int = 1) -> Any:
    """The value without what is nested deeper, as printers of objects for people have it."""
    if not isinstance(value, dict | list) or not value:
        return value
    if level > LEVELS:
        return None
    if isinstance(value, dict):
        return {key: shallow(it, level + 1) for key, it in value.items()}
    return [shallow(it, level + 1) for it in value]
