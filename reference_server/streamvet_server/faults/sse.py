"""SSE: faults of the framing of Server-Sent Events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet_server.faults.fault import COSMA, FLEET, GHOSTLY, Fault
from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.shapes import BOM, every, opening, rare, stream_field, writing, written
from streamvet_server.faults.updates import is_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet_server.seams import Seams


def _before_data(line: bytes) -> Callable[[bytes], bytes]:
    return lambda octets: octets.replace(b"data: ", line + b"data: ", 1)


def _at_a_failed_end(change: Callable[[bytes], bytes]) -> Callable[[Memory], Seams]:
    """The last frame of a run that fails while it is read, changed."""
    return lambda memory: writing(lambda shown: shown.last and memory.fails_while_read(shown), change)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "last-block-unended", "SSE-01", GHOSTLY, "The last block of a failed run lacks its empty line.",
        remembered(_at_a_failed_end(lambda octets: octets.removesuffix(b"\n"))),
    ),
    Fault(
        "block-begun-at-the-end", "SSE-01", FLEET, "Behind the error event another block is begun and not ended.",
        written(lambda shown: shown.name == "error", lambda octets: octets + b"event: closing\n"),
    ),
    Fault(
        "end-without-empty-line", "SSE-01", COSMA, "The block that says that the server stops lacks its empty line.",
        written(is_end, lambda octets: octets.removesuffix(b"\n")),
    ),
    Fault(
        "unknown-field", "SSE-02", GHOSTLY + FLEET + COSMA, "A block has a field that is not of the standard.",
        written(rare, _before_data(b"type: victory_check\n")),
    ),
    Fault(
        "signed-retry", "SSE-03", GHOSTLY + FLEET + COSMA, "The retry field has a sign.",
        written(opening, _before_data(b"retry: +3000\n")),
    ),
    Fault(
        "nul-in-id", "SSE-04", GHOSTLY, "The id of the first block has a NUL.",
        written(opening, lambda octets: octets.replace(b"\nid: 1\n", b"\nid: 1\0\n", 1)),
    ),
    Fault(
        "nul-in-an-id-of-its-own", "SSE-04", FLEET + COSMA, "The first block has an id with a NUL.",
        written(opening, _before_data(b"id: 1\0\n")),
    ),
    Fault(
        "second-event-field", "SSE-05", GHOSTLY, "The last block of a failed run has its event field twice.",
        remembered(_at_a_failed_end(lambda octets: octets[: octets.index(b"\n") + 1] + octets)),
    ),
    Fault(
        "event-field-twice", "SSE-05", FLEET + COSMA, "The block of a rare event has its event field twice.",
        written(rare, lambda octets: octets[: octets.index(b"\n") + 1] + octets),
    ),
    Fault(
        "event-named-after-type", "SSE-06", GHOSTLY, "An event field has the event's type, not its kind.",
        written(rare, lambda octets: octets.replace(b"event: assist\n", b"event: victory_check\n", 1)),
    ),
    Fault(
        "event-named-after-opcode", "SSE-06", COSMA, "An event field has the event's opcode.",
        written(rare, lambda octets: octets.replace(b"event: update\n", b"event: watch_added\n", 1)),
    ),
    Fault(
        "two-data-lines", "SSE-07", GHOSTLY + COSMA, "A JSON document is written over two data lines.",
        written(rare, lambda octets: octets.replace(b',"', b',\ndata: "', 1)),
    ),
    Fault(
        "crlf-blocks", "SSE-08", GHOSTLY + FLEET + COSMA, "Lines end with CRLF.",
        written(every, lambda octets: octets.replace(b"\n", b"\r\n")),
    ),
    Fault(
        "bom-before-events", "SSE-09", GHOSTLY + FLEET + COSMA, "A stream begins with a byte order mark.",
        written(opening, lambda octets: BOM + octets),
    ),
    Fault(
        "retry-alone", "SSE-10", GHOSTLY + FLEET + COSMA,
        "A stream begins with a block that has a retry field and no data.",
        written(opening, lambda octets: b"retry: 3000\n\n" + octets),
    ),
    Fault(
        "comment-as-block", "SSE-11", GHOSTLY, "A comment has an empty line after it.",
        written(opening, lambda octets: octets + b": connected\n\n"),
    ),
    Fault(
        "media-type-in-capitals", "SSE-12", GHOSTLY + FLEET + COSMA, "The media type is written with capitals.",
        stream_field("Content-Type", "Text/Event-Stream"),
    ),
)  # fmt: skip
