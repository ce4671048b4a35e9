"""NDJ: faults of the framing of NDJSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet_server.faults.fault import PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fitted import Fitted, rarely_written
from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.shapes import BOM, every, opening, writing, written

if TYPE_CHECKING:
    from streamvet_server.faults.traits import Traits
    from streamvet_server.seams import Seams


def _unended(memory: Memory) -> Seams:
    return writing(
        lambda shown: shown.last and memory.fails_while_read(shown), lambda octets: octets.removesuffix(b"\n")
    )


def _raw_newline(own: Traits) -> Seams:
    return writing(own.texts, lambda octets: octets.replace(b"\\n", b"\n", 1))


def _bom(own: Traits) -> Seams:
    return writing(lambda shown: opening(shown) and own.short(shown.scene), lambda octets: BOM + octets)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "last-line-unended", "NDJ-01", PROMPTFLOE + ROCKSTAR, "The last line of a failed run lacks its newline.",
        remembered(_unended),
    ),
    Fault(
        "two-documents-on-a-line", "NDJ-02", PROMPTFLOE + ROCKSTAR,
        "An event of a rare type and the next one are on one line.",
        rarely_written(lambda octets: octets.removesuffix(b"\n")),
    ),
    Fault(
        "raw-newline", "NDJ-03", PROMPTFLOE + ROCKSTAR, "The first newline in a text is not escaped.",
        Fitted(_raw_newline),
    ),
    Fault(
        "bom-before-lines", "NDJ-04", PROMPTFLOE + ROCKSTAR,
        "The stream of a skill, or of a plan, begins with a byte order mark.",
        Fitted(_bom),
    ),
    Fault(
        "empty-line", "NDJ-06", ROCKSTAR, "An empty line follows an event of a rare type.",
        rarely_written(lambda octets: octets + b"\n"),
    ),
    Fault(
        "crlf-lines", "NDJ-05", PROMPTFLOE + ROCKSTAR, "Lines end with CRLF.",
        written(every, lambda octets: octets.removesuffix(b"\n") + b"\r\n"),
    ),
)  # fmt: skip
