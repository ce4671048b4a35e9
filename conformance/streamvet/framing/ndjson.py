"""NDJSON: bytes -> frames, one a line, by the NDJSON specification 1.0: a line ends at LF and at nothing else.

A reader that uses Unicode line breaks also splits at U+2028 or U+0085 inside a string; this one does not. It never
raises on any bytes, and its frames do not depend on how the input was cut into chunks. It must not know where bytes
come from, when they came, or whether the text of a line is JSON.
"""

from __future__ import annotations

from typing import Final

from streamvet.framing.flaws import BOM, in_order, not_utf8, violation
from streamvet.framing.frame import Flaw, Frame, Kind

_WHITE_SPACE: Final = " \t\r"  # RFC 8259, section 2: ws; LF cannot stand inside a line
# A line that ends with none of these is neither blank nor ended by CR LF.
_ODD_LAST_BYTES: Final = frozenset({b"", b" ", b"\t", b"\r"})


class NdjsonDecoder:
    """Feeds on chunks, gives frames. `close()` says that the input has ended."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []  # the line that has not ended yet, in pieces: joined once, when it ends
        self._offset = 0  # where that line starts in the whole input
        self._closed = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        Raises:
            ValueError: after `close()`.
        """
        if self._closed:
            raise ValueError("feed() after close(): one decoder reads one input")
        if b"\n" not in data:
            if data:
                self._pending.append(data)
            return []
        if self._pending:
            self._pending.append(data)
            data = b"".join(self._pending)
            self._pending.clear()
        frames, rest = _frames(data, self._offset)
        if rest:
            self._pending.append(rest)
        self._offset += len(data) - len(rest)
        return frames

    def close(self) -> list[Frame]:
        """The line that the end of the input cut, if there is one; a second call gives none."""
        self._closed = True
        rest = b"".join(self._pending)
        self._pending.clear()
        return [_unended(rest, self._offset)] if rest else []


def decode(body: bytes) -> list[Frame]:
    """The frames of a whole input: what one decoder gives for it, however it is cut."""
    frames, rest = _frames(body, 0)
    if rest:
        frames.append(_unended(rest, len(body) - len(rest)))
    return frames


def _frames(buffer: bytes, offset: int) -> tuple[list[Frame], bytes]:
    """The whole lines of `buffer`, which stands at `offset`, and what is left of it."""
    lines = buffer.split(b"\n")
    rest = lines.pop()
    frames: list[Frame] = []
    line_kind = Kind.LINE  # looked up once: a tenth of the time of a line
    for line in lines:
        end = offset + len(line) + 1
        if not line:  # of empty lines there may be millions
            frames.append(Frame(Kind.BLANK, offset, end, ""))
            offset = end
            continue
        try:
            plain = line[-1:] not in _ODD_LAST_BYTES and not (offset == 0 and line.startswith(BOM))
            frames.append(Frame(line_kind, offset, end, line.decode()) if plain else _line(line, offset))
        except UnicodeDecodeError:
            frames.append(_line(line, offset))
        offset = end
    return frames, rest


def _line(line: bytes, offset: int) -> Frame:
    """One line, without its LF, that may hold anything."""
    raw = line + b"\n"
    found = not_utf8(raw, offset)
    kind = Kind.MALFORMED if found else Kind.LINE
    text = line
    if offset == 0 and line.startswith(BOM):
        found.append(violation(Flaw.BOM, raw, 0, len(BOM), offset))
        text = text.removeprefix(BOM)
    if text.endswith(b"\r"):
        found.append(violation(Flaw.CR, raw, len(line) - 1, len(raw), offset))
        text = text.removesuffix(b"\r")
    data = text.decode("utf-8", "replace")
    if not data.strip(_WHITE_SPACE):
        kind, data = Kind.BLANK, ""
    return Frame(kind, offset, offset + len(raw), data, violations=in_order(found))


def _unended(raw: bytes, offset: int) -> Frame:
    """What stands behind the last LF of an input that has ended."""
    found = [violation(Flaw.UNENDED, raw, 0, len(raw), offset), *not_utf8(raw, offset)]
    text = raw
    if offset == 0 and raw.startswith(BOM):
        found.append(violation(Flaw.BOM, raw, 0, len(BOM), offset))
        text = raw.removeprefix(BOM)
    return Frame(Kind.PARTIAL, offset, offset + len(raw), text.decode("utf-8", "replace"), violations=in_order(found))
