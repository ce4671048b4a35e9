"""What the docs print of the zoo: each hostile candidate, and what the suite makes of it.

Must not know how one behaves, nor where a block stands.
"""

from __future__ import annotations

import sys
from pathlib import Path

from schema_table import code, table

sys.path.append(str(Path(__file__).resolve().parents[1]))

from tests.zoo.rows import ROWS, Row


def expected(row: Row) -> str:
    """How a run ends: the exit code, the verdicts, and what is said."""
    verdicts = [f"{name} {verdict}" for name, verdict in row.verdicts.items()]
    said = [code(row.says)] if row.says else []
    return "; ".join([f"exit {row.code}", *verdicts, *said])


def zoo() -> list[str]:
    """All of them, and the bounds of each."""
    heads = ["Candidate", "What it does", "Expected", "Within", "Memory"]
    rows = [
        [row.name, f"It {row.does}.", expected(row), f"{row.deadline_s}&nbsp;s", f"{row.memory_mib}&nbsp;MiB"]
        for row in ROWS
    ]
    return table(heads, rows)
