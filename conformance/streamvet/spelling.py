"""The ways in which a text can be spelt: escaped for a URL, for JSON or for HTML, in any case, in base64, in hex.

One reading for all of them: escapes are undone, letters made small, and where each byte was is kept. Two spellings of a
text have one reading. Must not know which texts are looked for, nor why.
"""

from __future__ import annotations

import base64
import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Escapes as they stand in the bytes, also escaped again: `%2541` is an A in a URL in a URL, `\\u0041` in JSON in JSON.
ESCAPE = re.compile(
    rb"%(?:25)*([0-9a-f]{2})"
    rb"|\\++(?:u(d[89ab][0-9a-f]{2})\\++u(d[c-f][0-9a-f]{2})|u([0-9a-f]{4})|x([0-9a-f]{2})|([nrtbf]))"
    rb"|\\++"
    rb"|&(?:#([0-9]{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));",
    re.IGNORECASE,
)
_MAY_ESCAPE = re.compile(rb"[%\\&]")
# The same for what has letters, digits and the like alone, and needs none: `\n` and `\"` of JSON, which each event may
# have, are no part of it then.
_MAY_ESCAPE_PLAIN = re.compile(rb"%[0-9A-Fa-f]{2}|\\[ux/]|&#", re.IGNORECASE)
_PLAIN = re.compile(rb"[a-z0-9._~/ -]*")
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_ENTITIES = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_PASSES = 3  # JSON in a URL in JSON; who escapes more often than that does not mean to be read
_PLUS = bytes.maketrans(b"+", b" ")  # what a form has in place of a space


@dataclass(frozen=True, slots=True)
class Read:
    """The reading of some bytes. Byte n of it was made of the bytes from `starts[n]` to before `starts[n + 1]`."""

    data: bytes
    starts: array[int] | None  # None: each was where it is

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the reading was in the bytes."""
        return (start, end) if self.starts is None else (self.starts[start], self.starts[end])


def is_plain(reading: bytes) -> bool:
    """Whether a reading is of what needs no escapes."""
    return bool(_PLAIN.fullmatch(reading))


def read(data: bytes, *, plain: bool = False) -> Read:
    """The reading of some bytes, in time that is linear in their number. `plain`: who asks looks for what is plain."""
    starts: array[int] | None = None
    may_escape = _MAY_ESCAPE_PLAIN if plain else _MAY_ESCAPE
    for _ in range(_PASSES):
        if not may_escape.search(data):
            break
        again, at = _unescaped(data)
        if again == data:
            break
        starts = at if starts is None else array("q", (starts[one] for one in at))
        data = again
    return Read(data.lower().translate(_PLUS), starts)


def _unescaped(data: bytes) -> tuple[bytes, array[int]]:
    """The bytes without one layer of escapes, and where each of them was; one more for the end."""
    made, starts, end = bytearray(), array("q"), 0
    for found in ESCAPE.finditer(data):
        starts.extend(range(end, found.start()))
        made += data[end : found.start()]
        meant = _meant(found)
        starts.extend([found.start()] * len(meant))
        made += meant
        end = found.end()
    starts.extend(range(end, len(data) + 1))
    made += data[end:]
    return bytes(made), starts


def _meant(found: re.Match[bytes]) -> bytes:
    """What an escape stands for; nothing where it is backslashes before what stands for itself."""
    percent, high, low, unit, byte, control, number, hexadecimal, name = found.groups()
    if percent:
        return bytes([int(percent, 16)])
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)).encode()
    if unit or byte:
        return chr(int(unit or byte, 16)).encode("utf-8", "surrogatepass")
    if control:
        return _CONTROLS[control.lower()]
    if name:
        return _ENTITIES[name.lower()]
    if number or hexadecimal:
        code = int(number) if number else int(hexadecimal, 16)
        return chr(code).encode("utf-8", "surrogatepass") if code <= 0x10FFFF else b""
    return b""


def readings(text: str) -> set[bytes]:
    """The reading of a text, in whatever case letters beyond ASCII are."""
    return {read(one.encode("utf-8", "surrogatepass")).data for one in (text, text.lower(), text.upper(), text.title())}


def packings(text: str) -> Iterator[bytes]:
    """The readings of a text in hex, and of what is its own in base64 and base64url, wherever in them it begins.

    What stands before and behind it has a part in the first and the last character: these are left out.
    """
    data = text.encode("utf-8", "surrogatepass")
    yield data.hex().encode()
    for before in range(3):
        packed = base64.b64encode(bytes(before) + data).rstrip(b"=")
        first = -(-before * 8 // 6)
        whole = (before + len(data)) * 8 // 6
        own = packed[first:whole]
        yield read(own).data
        yield read(own.translate(bytes.maketrans(b"+/", b"-_"))).data
