"""What the docs print of how much the suite reads of a candidate.

Must not know where a block stands.
"""

from __future__ import annotations

from schema_table import table
from streamvet.recorder.limits import LIMITS

_MIB = 1024 * 1024


def limits() -> list[str]:
    """What is limited, and by how much."""
    sizes = {
        "a line": LIMITS.line_bytes,
        "an event": LIMITS.event_bytes,
        "a stream, decoded": LIMITS.body_bytes,
        "any other body": LIMITS.answer_bytes,
        "all tries under way": LIMITS.held_bytes,
    }
    rows = [[what, f"{size / _MIB:g} MiB"] for what, size in sizes.items()]
    more = [["frames of a stream", f"{LIMITS.frames:,}"], ["the time of a stream", f"{LIMITS.seconds / 60:g} minutes"]]
    return table(["What", "Limit"], rows + more)
