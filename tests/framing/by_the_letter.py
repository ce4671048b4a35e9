"""A second reader of event streams, written sentence by sentence after WHATWG HTML 9.2.6 and nothing else.

Slow, on the whole input, without spans: it exists to disagree with the decoder. It must not import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamvet.framing.frame import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.framing.frame import Frame


class Dispatched(NamedTuple):
    """What a page sees of an event."""

    type: str
    data: str
    last_event_id: str


def dispatched(body: bytes) -> list[Dispatched]:
    """The events of an input, by the letter."""
    # "Streams must be decoded using the UTF-8 decode algorithm", which strips one leading BOM.
    text = body.decode("utf-8", "replace")
    text = text.removeprefix("\ufeff") if body.startswith(b"\xef\xbb\xbf") else text
    events: list[Dispatched] = []
    last_event_id = last_event_id_buffer = event_type = data = ""
    for line in _lines(text):
        if line == "":
            last_event_id = last_event_id_buffer
            if data != "":
                events.append(Dispatched(event_type or "message", data.removesuffix("\n"), last_event_id))
            data = event_type = ""
        elif line[0] != ":":
            field, value = line, ""
            if ":" in line:
                field, value = line[: line.index(":")], line[line.index(":") + 1 :]
                value = value[1:] if value[:1] == " " else value
            if field == "event":
                event_type = value
            elif field == "data":
                data += value + "\n"
            elif field == "id" and "\0" not in value:
                last_event_id_buffer = value
    return events


def _lines(text: str) -> list[str]:
    """Lines end at "CRLF, or LF, or CR"; what stands behind the last end is no line."""
    lines, line, after_cr = [], "", False
    for char in text:
        if char == "\n" and after_cr:
            after_cr = False
            continue
        after_cr = char == "\r"
        if char in "\r\n":
            lines.append(line)
            line = ""
        else:
            line += char
    return lines


def dispatched_by(frames: Iterable[Frame]) -> list[Dispatched]:
    """The events that a reader of these frames dispatches: the id of a block stays until another one replaces it."""
    events: list[Dispatched] = []
    last_event_id = ""
    for frame in frames:
        if frame.kind is Kind.PARTIAL:
            continue
        last_event_id = last_event_id if frame.id is None else frame.id
        if frame.data_lines:
            events.append(Dispatched(frame.event or "message", frame.data, last_event_id))
    return events
