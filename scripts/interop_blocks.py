"""What the docs print of the last run of `python -m tests.interop`: each system in each language, and what is lost.

Must not know where a block stands, nor how a language is tried.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from schema_table import cell, code, table

sys.path.append(str(Path(__file__).resolve().parents[1]))

from tests.interop.limits import why

FILE = Path(__file__).resolve().parents[1] / "tests" / "interop" / "matrix.json"


def _result(row: dict[str, Any]) -> list[str]:
    if "skipped" in row:
        return [f"skipped: {cell(row['skipped'])}", "", ""]
    if "broken" in row:
        return [f"**no**: {cell(row['broken'])}", "", ""]
    kept = row["valid"] - len(row["lost"])
    return ["yes", f"{kept} of {row['valid']}", f"{row['refused']} of {row['invalid']}"]


def interop() -> list[str]:
    """A row for each system in each language, and why a valid vector does not survive."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    heads = [
        "Language",
        "Made with",
        "System",
        "The types compile",
        "Valid vectors survive",
        "Invalid ones are refused",
    ]
    order = list(dict.fromkeys(row["language"] for row in rows))
    rows.sort(key=lambda row: order.index(row["language"]))
    lines = table(heads, [[row["language"], row["generator"], row["system"], *_result(row)] for row in rows])
    lost = [(row["language"], path) for row in rows for path in row.get("lost", ())]
    if lost:
        lines += ["", "What does not survive, and why:", ""]
        lines += [f"- {language}, {code(path)}: {why(language, path) or 'not known'}." for language, path in lost]
    return lines
