"""What the docs print of the legal forms in which the reference server can serve.

Must not know how one is made, nor where a block stands.
"""

from __future__ import annotations

from schema_table import code, table
from streamvet.reference import modes


def nasty() -> list[str]:
    """All of them, with the sentence that makes each legal, and what it breaks where a system promises more."""
    rows = []
    for one in modes():
        broken = ", ".join(f"{profile} {id_}" for profile, id_ in one.breaks.items())
        rows.append([code(one.name), ", ".join(one.profiles), one.note, f"{one.standard}: {one.sentence}", broken])
    return table(["Mode", "Systems", "What is sent", "Legal by", "Breaks a promise of"], rows)
