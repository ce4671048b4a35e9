"""What the docs print of the last run of `bench/generation.py`: how soon what is generated finds hidden faults.

Must not know any fault, nor where a block stands. Links are relative to `docs/spec/`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from requirement_blocks import link
from schema_table import code, table

FILE = Path(__file__).resolve().parents[1] / "bench" / "generation.json"


def _median(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _row(row: dict[str, Any]) -> list[str]:
    found = f"{row['found']}&nbsp;of&nbsp;{row['seeds']}"
    figures = (_median(row[key]) for key in ("tries", "requests", "shrink_requests"))
    return [code(row["fault"]), row["profile"], link(row["id"]), found, *figures]


def hunted() -> list[str]:
    """Each fault on each of its profiles."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["rows"]
    heads = ["Fault", "System", "Violates", "Found with", "Tries to find", "Requests to find", "Requests to shrink"]
    return table(heads, [_row(row) for row in rows])
