"""SSE: faults of the framing of Server-Sent Events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet_server.faults.fault import AGENT_WORKSPACE, COSMA, GHOSTLY, Fault
from streamvet_server.faults.fitted import rarely_written
from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.shapes import BOM, every, opening, stream_field, writing, written

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
        "error-body-between-blocks", "SSE-02", GHOSTLY + AGENT_WORKSPACE + COSMA,
        "A JSON document is written between two blocks, as a framework writes an error.",
        rarely_written(lambda octets: octets + b'{"error":{"code":"internal_error"}}\n\n'),
    ),
    Fault(
        "signed-retry", "SSE-03", GHOSTLY + AGENT_WORKSPACE + COSMA, "The retry field has a sign.",
        written(opening, _before_data(b"retry: +3000\n")),
    ),
    Fault(
        "nul-in-id", "SSE-04", GHOSTLY, "The id of the first block has a NUL.",
        written(opening, lambda octets: octets.replace(b"\nid: 1\n", b"\nid: 1\0\n", 1)),
    ),
    Fault(
        "nul-in-an-id-of-its-own", "SSE-04", AGENT_WORKSPACE + COSMA, "The first block has an id with a NUL.",
        written(opening, _before_data(b"id: 1\0\n")),
    ),
    Fault(
        "second-event-field", "SSE-05", GHOSTLY,
        "The last block of a failed run has another event field before its own.",
        remembered(_at_a_failed_end(lambda octets: b"event: ping\n" + octets)),
    ),
    Fault(
        "two-event-fields", "SSE-05", AGENT_WORKSPACE + COSMA,
        "The block of a rare event has another event field before its own.",
        rarely_written(lambda octets: b"event: message\n" + octets),
    ),
    Fault(
        "two-data-lines", "SSE-07", GHOSTLY + COSMA, "A JSON document is written over two data lines.",
        rarely_written(lambda octets: octets.replace(b',"', b',\ndata: "', 1)),
    ),
    Fault(
        "crlf-blocks", "SSE-08", GHOSTLY + AGENT_WORKSPACE + COSMA, "Lines end with CRLF.",
        written(every, lambda octets: octets.replace(b"\n", b"\r\n")),
    ),
    Fault(
        "bom-before-events", "SSE-09", GHOSTLY + AGENT_WORKSPACE + COSMA, "A stream begins with a byte order mark.",
        written(opening, lambda octets: BOM + octets),
    ),
    Fault(
        "event-without-data", "SSE-10", GHOSTLY + AGENT_WORKSPACE + COSMA,
        "A stream begins with a block that names an event and has no data.",
        written(opening, lambda octets: b"event: connected\n\n" + octets),
    ),
    Fault(
        "comment-as-block", "SSE-11", GHOSTLY, "A comment has an empty line after it.",
        written(opening, lambda octets: octets + b": connected\n\n"),
    ),
    Fault(
        "media-type-in-capitals", "SSE-12", GHOSTLY + AGENT_WORKSPACE + COSMA,
        "The media type is written with capitals.",
        stream_field("Content-Type", "Text/Event-Stream"),
    ),
    Fault(
        "unknown-field", "SSE-13", GHOSTLY + AGENT_WORKSPACE + COSMA,
        "A block has a field that is not of the standard.",
        rarely_written(_before_data(b"type: victory_check\n")),
    ),
    Fault(
        "retry-alone", "SSE-14", GHOSTLY + AGENT_WORKSPACE + COSMA,
        "A stream begins with a block that has a retry field and no data.",
        written(opening, lambda octets: b"retry: 3000\n\n" + octets),
    ),
    Fault(
        "control-in-id", "SSE-15", GHOSTLY, "The id of the first block has a control character.",
        written(opening, lambda octets: octets.replace(b"\nid: 1\n", b"\nid: 1\x01\n", 1)),
    ),
    Fault(
        "control-in-an-id-of-its-own", "SSE-15", AGENT_WORKSPACE + COSMA,
        "The first block has an id with a control character.",
        written(opening, _before_data(b"id: 1\x01\n")),
    ),
    Fault(
        "id-beyond-ascii", "SSE-16", GHOSTLY, "The id of the first block is not ASCII.",
        written(opening, lambda octets: octets.replace(b"\nid: 1\n", "\nid: 1\u00b7a\n".encode(), 1)),
    ),
    Fault(
        "id-of-its-own-beyond-ascii", "SSE-16", AGENT_WORKSPACE + COSMA, "The first block has an id that is not ASCII.",
        written(opening, _before_data("id: 1\u00b7a\n".encode())),
    ),
    Fault(
        "retry-in-weeks", "SSE-17", GHOSTLY + AGENT_WORKSPACE + COSMA, "The retry field asks to wait for 24 days.",
        written(opening, _before_data(b"retry: 2147483647\n")),
    ),
)  # fmt: skip
