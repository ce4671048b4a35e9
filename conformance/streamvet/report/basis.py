"""What a requirement rests on, as a short clause beside a finding, and what a profile says of its level.

Must not know in which form it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamvet.contract.requirement import Requirement


def rests_on(row: Requirement) -> str:
    """The basis of a requirement as a clause without its verb; "" where it has none."""
    match dict(row.basis):
        case {"standard": standard}:
            return str(standard)
        case {"specification": chapter}:
            return f"this specification, {chapter}"
        case {"profile": key}:
            return f"the profile's key {key}"
        case {"document": line}:
            return f"{line}, the published document"
    return ""
