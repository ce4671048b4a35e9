"""NDJ: faults of the framing of NDJSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet_server.faults.fault import PROMPTFLOE, Fault
from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.shapes import BOM, every, opening, rare, writing, written

if TYPE_CHECKING:
    from streamvet_server.seams import Seams, Shown


def _unended(memory: Memory) -> Seams:
    return writing(
        lambda shown: shown.last and memory.fails_while_read(shown), lambda octets: octets.removesuffix(b"\n")
    )


def _file(shown: Shown) -> bool:
    return shown.name == "file"


def _begins_a_skill(shown: Shown) -> bool:
    return opening(shown) and shown.scene.operation == "start:skill"


FAULTS: tuple[Fault, ...] = (
    Fault(
        "last-line-unended", "NDJ-01", PROMPTFLOE, "The last line of a failed run lacks its newline.",
        remembered(_unended),
    ),
    Fault(
        "two-documents-on-a-line", "NDJ-02", PROMPTFLOE, "An insight and the event behind it are on one line.",
        written(rare, lambda octets: octets.removesuffix(b"\n")),
    ),
    Fault(
        "raw-newline", "NDJ-03", PROMPTFLOE, "The first newline in a file's contents is not escaped.",
        written(_file, lambda octets: octets.replace(b"\\n", b"\n", 1)),
    ),
    Fault(
        "bom-before-lines", "NDJ-04", PROMPTFLOE, "The stream of a skill begins with a byte order mark.",
        written(_begins_a_skill, lambda octets: BOM + octets),
    ),
    Fault(
        "crlf-lines", "NDJ-05", PROMPTFLOE, "Lines end with CRLF.",
        written(every, lambda octets: octets.removesuffix(b"\n") + b"\r\n"),
    ),
)  # fmt: skip
