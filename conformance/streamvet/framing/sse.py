"""Server-Sent Events: bytes -> frames, by the algorithm of WHATWG HTML 9.2.6 "Interpreting an event stream".

Beyond what a reader dispatches, the decoder reports everything that a strict reader objects to, and where. It never
raises on any bytes, and its frames do not depend on how the input was cut into chunks. It must not know where bytes
come from, when they came, what JSON is, or which stream is allowed what.
"""

from __future__ import annotations

import re
from typing import Final

from streamvet.framing.flaws import BOM, in_order, not_utf8, violation
from streamvet.framing.frame import Flaw, Frame, Kind, Violation

_COLON: Final = ord(":")
_LF: Final = ord("\n")
_CR: Final = ord("\r")
_FIELDS: Final = frozenset({b"data", b"event", b"id", b"retry"})
_ONCE: Final = frozenset({b"event", b"id"})  # a second one in a block silently replaces the first

# 9.2.5: end-of-line = ( cr lf / cr / lf ). Until the input has ended, a CR at the end of what has come may be half of
# a CRLF, so it counts only when the byte behind it is there.
_LINE_END: Final = {final: re.compile(eol) for final, eol in ((False, rb"\r\n|\n|\r(?=[^\n])"), (True, rb"\r\n?|\n"))}
# A block begins with a line that is not empty, so it ends with the first two line ends in a row. The group is atomic,
# or else a single CRLF would pass for CR, LF.
_BLOCK_END: Final = {final: re.compile(rb"(?>" + eol.pattern + rb"){2}") for final, eol in _LINE_END.items()}
# The last two bytes of a search that found nothing can begin an end (CR LF CR), and so can the deferred CR before them.
_OVERLAP: Final = 3
_LINE: Final = re.compile(rb"([^\r\n]*)(\r\n?|\n)|([^\r\n]+)")

# Empty lines and comments in front of a block: a flood of them is passed over at once where nobody asks for them.
_QUIET: Final = re.compile(rb"(?:(?::[^\r\n]*+)?+(?:\r\n|\n|\r(?=[^\n])))++")

# The block that nearly every server writes: one `data`, and at most one `event` before it and one `id` on either side.
# Used only on bytes in which all lines end alike; what it does not match goes the long way, and would give the same
# frame there.
_PLAIN_BLOCK: Final = {
    eol: re.compile(
        rb"(?:event: ?+(.*)EOL)?+(?:id: ?+([^\0\n]*)EOL)?+(?(1)|(?:event: ?+(.*)EOL)?+)"
        rb"data: ?+(.*)EOL(?(2)|(?:id: ?+([^\0\n]*)EOL)?+)EOL".replace(b"EOL", eol)
    )
    for eol in (b"\n", b"\r\n")
}


class SseDecoder:
    """Feeds on chunks, gives frames. `close()` says that the input has ended.

    With `quiet`, `feed` leaves out empty lines and comments in front of blocks.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._pending = bytearray()  # the frame that has not ended yet
        self._searched = 0  # up to here `_pending` holds no end of that frame
        self._offset = 0  # where `_pending` starts in the whole input
        self._closed = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        Raises:
            ValueError: after `close()`.
        """
        if self._closed:
            raise ValueError("feed() after close(): one decoder reads one input")
        pending = self._pending
        if pending:
            pending += data
            head = _after_bom(pending, self._offset, final=False)
            search_from = max(head, self._searched)
            eol = b"\n" if pending.find(b"\r", search_from) < 0 else None
            if _frame_end(pending, head, search_from, eol, final=False) < 0:
                self._searched = len(pending) - _OVERLAP
                return []
            data = bytes(pending)
            pending.clear()
        frames, used = _frames(data, self._offset, final=False, quiet=self._quiet)
        if used < len(data):
            pending += data[used:]
            self._searched = len(pending) - _OVERLAP
        self._offset += used
        return frames

    def close(self) -> list[Frame]:
        """The frames that only the end of the input decides; a second call gives none."""
        self._closed = True
        rest = bytes(self._pending)
        self._pending.clear()
        return _last_frames(rest, self._offset)


def decode(body: bytes) -> list[Frame]:
    """The frames of a whole input: what one decoder gives for it, however it is cut."""
    return _last_frames(body, 0)


def _last_frames(rest: bytes, offset: int) -> list[Frame]:
    """9.2.6: once the end of the file is reached, any pending data must be discarded. Here it is a PARTIAL frame."""
    frames, used = _frames(rest, offset, final=True)
    if used < len(rest):
        skip = 0 if offset + used else _after_bom(rest, 0, final=True)
        frames.append(_block(rest[used:], offset + used, skip, unended=True))
    return frames


def _after_bom(buffer: bytes | bytearray, offset: int, *, final: bool) -> int:
    """Where the text starts in `buffer`, which stands at `offset`; its length while that is undecided."""
    if offset or not BOM.startswith(bytes(buffer[: len(BOM)])):
        return 0
    return len(BOM) if len(buffer) >= len(BOM) else (0 if final else len(buffer))


def _line_end_in(buffer: bytes) -> bytes | None:
    """The sequence that ends every line in `buffer`; None where they differ or are CR."""
    cr = buffer.count(b"\r")
    if not cr:
        return b"\n"
    return b"\r\n" if cr == buffer.count(b"\n") == buffer.count(b"\r\n") else None


def _frame_end(buffer: bytes | bytearray, head: int, search_from: int, eol: bytes | None, *, final: bool) -> int:
    """Where the frame whose text starts at `head` ends, or -1 where that is not known yet.

    `eol` ends every line from `search_from` on: the same answer as with None, eight times as fast on a long line.
    """
    if head >= len(buffer):
        return -1
    is_line = buffer[head] in b":\r\n"
    if eol:
        end = eol if is_line else eol + eol
        at = buffer.find(end, search_from)
        return at + len(end) if at >= 0 else -1
    found = (_LINE_END if is_line else _BLOCK_END)[final].search(buffer, search_from)
    return found.end() if found else -1


def _frames(buffer: bytes, offset: int, *, final: bool, quiet: bool = False) -> tuple[list[Frame], int]:
    """The whole frames at the start of `buffer`, which stands at `offset`, and how many bytes they take."""
    frames: list[Frame] = []
    start = 0
    head = _after_bom(buffer, offset, final=final)
    eol = _line_end_in(buffer)
    plain_block = _PLAIN_BLOCK[eol].match if eol else None
    # Looked up once, and without the detour over Frame(): a fifth of the time of a plain block.
    new_frame, event_kind, blank_kind, has_cr = tuple.__new__, Kind.EVENT, Kind.BLANK, eol != b"\n"
    while head < len(buffer):
        if quiet and head == start and (passed := _QUIET.match(buffer, start)):
            start = head = passed.end()
            continue
        if plain_block and (found := plain_block(buffer, start)):
            end = found.end()
            event, early_id, late_event, data, late_id = found.groups()
            id_ = late_id if early_id is None else early_id
            flaws = (_cr(buffer, start, offset),) if has_cr else ()
            try:
                text = data.decode()
                name = event.decode() if event else late_event.decode() if late_event else ""
                id_text = None if id_ is None else id_.decode()
                frame = new_frame(Frame, (event_kind, offset + start, offset + end, text, name, id_text, 1, flaws))
            except UnicodeDecodeError:
                frame = _block(buffer[start:end], offset + start, 0)
        elif head == start and buffer[head] == _LF:  # of empty lines there may be millions
            end = head + 1
            frame = new_frame(Frame, (blank_kind, offset + start, offset + end, "", "", None, 0, ()))
        elif head == start and buffer[head] == _CR:
            if head + 1 == len(buffer) and not final:
                break
            end = head + (2 if buffer.startswith(b"\n", head + 1) else 1)
            seen = "\r\n" if end - head > 1 else "\r"
            flaw = new_frame(Violation, (Flaw.CR, offset + start, offset + end, seen))
            frame = new_frame(Frame, (blank_kind, offset + start, offset + end, "", "", None, 0, (flaw,)))
        else:
            end = _frame_end(buffer, head, head, eol, final=final)
            if end < 0:
                break
            read = _single_line if buffer[head] in b":\r\n" else _block
            frame = read(buffer[start:end], offset + start, head - start)
        frames.append(frame)
        start = head = end
    return frames, start


def _single_line(raw: bytes, base: int, skip: int) -> Frame:
    """A comment that stands before the first field of a block, or an empty line there."""
    found = _stream_flaws(raw, base, skip)
    is_comment = raw[skip] == _COLON
    text = raw[skip + 1 :].rstrip(b"\r\n").decode("utf-8", "replace") if is_comment else ""
    return Frame(
        _kind(Kind.COMMENT if is_comment else Kind.BLANK, found),
        base,
        base + len(raw),
        text,
        violations=in_order(found),
    )


def _block(raw: bytes, base: int, skip: int, *, unended: bool = False) -> Frame:
    """The lines of one block, interpreted; with `unended`, what the end of the input left of one.

    The values of a PARTIAL frame take in its last line even where that has no end, so that a report can say what was
    lost; such a line is nobody's flaw but that of its end.
    """
    found = _stream_flaws(raw, base, skip)
    values: dict[bytes, bytes] = {}
    seen: set[bytes] = set()
    data, data_lines = bytearray(), 0  # the data buffer: of half a million lines a list would have objects
    for match in _LINE.finditer(raw, skip):
        line, line_end, open_line = match.groups()
        line = line or open_line
        if not line or line[0] == _COLON:
            continue
        # 9.2.6: collect the characters after the first colon; if the value starts with a space, remove it. A line
        # without a colon is a field name with the empty string as its value.
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        flaw = _field_flaw(name, value, seen)
        if flaw and line_end:
            found.append(violation(flaw, raw, match.start(), match.start() + len(line), base))
        if name == b"data":
            data += value
            data += b"\n"
            data_lines += 1
        elif flaw in (None, Flaw.REPEATED_FIELD):
            values[name] = value
        seen.add(name)
    if unended:
        found.insert(0, violation(Flaw.UNENDED, raw, 0, len(raw), base))
    elif not data_lines:  # 9.2.6: if the data buffer is an empty string, … return. One empty `data` line makes it a LF.
        found.insert(0, violation(Flaw.NO_DATA, raw, 0, len(raw), base))
    id_ = values.get(b"id")
    return Frame(
        Kind.PARTIAL if unended else _kind(Kind.EVENT if data_lines else Kind.BLANK, found),
        base,
        base + len(raw),
        data[:-1].decode("utf-8", "replace"),  # 9.2.6: if the last character is a LF, remove it
        values.get(b"event", b"").decode("utf-8", "replace"),
        None if id_ is None else id_.decode("utf-8", "replace"),
        data_lines,
        in_order(found),
    )


def _field_flaw(name: bytes, value: bytes, seen: set[bytes]) -> Flaw | None:
    if name not in _FIELDS:
        return Flaw.UNKNOWN_FIELD
    if name == b"retry" and not value.isdigit():
        return Flaw.BAD_RETRY
    if name == b"id" and b"\0" in value:
        return Flaw.NUL_IN_ID
    return Flaw.REPEATED_FIELD if name in _ONCE and name in seen else None


def _stream_flaws(raw: bytes, base: int, skip: int) -> list[Violation]:
    """What the bytes of any frame may show: a byte order mark, the first line end with CR, the first bad sequence."""
    found = not_utf8(raw, base)
    if skip:
        found.append(violation(Flaw.BOM, raw, 0, skip, base))
    if b"\r" in raw:
        found.append(_cr(raw, 0, base))
    return found


def _cr(buffer: bytes, start: int, offset: int) -> Violation:
    """The first line end with CR from `start` on: one a frame says enough."""
    at = buffer.index(b"\r", start)
    seen = "\r\n" if buffer.startswith(b"\r\n", at) else "\r"
    return Violation(Flaw.CR, offset + at, offset + at + len(seen), seen)


def _kind(kind: Kind, found: list[Violation]) -> Kind:
    return Kind.MALFORMED if any(each.flaw is Flaw.NOT_UTF8 for each in found) else kind
