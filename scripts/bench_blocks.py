"""What the docs print of the last run of `make bench`: how the suite and its server compare with what people would use.

Must not know what was measured, nor where a block stands.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schema_table import table

FILE = Path(__file__).resolve().parents[1] / "bench" / "results.json"


def _kept() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def _aim(row: dict[str, Any]) -> str:
    target = row["target"]
    return "none" if target is None else f"{target:g}, {'met' if row['ratio'] >= target else 'missed'}"


def ratios(prefix: str) -> list[str]:
    """The ratios of the parts whose names begin so, and their targets."""
    heads = ["What", "Beside", "Ratio", "Least and most", "Turns", "Target"]
    rows = [
        [
            row["what"], row["beside"], f"{row['ratio']:.2f}", f"{row['least']:.2f} to {row['most']:.2f}",
            str(row["turns"]), _aim(row),
        ]
        for name, part in _kept().items() if name.startswith(prefix)
        for row in part["ratios"]
    ]  # fmt: skip
    return table(heads, rows)


def limits() -> list[str]:
    """What bounds each of them."""
    found = {row["what"]: row["limit"] for part in _kept().values() for row in part["ratios"] if row["limit"]}
    return table(["What", "Bound by"], [[what, limit] for what, limit in found.items()])


def facts() -> list[str]:
    """What else was measured of each part."""
    rows = [
        [name, key.replace("_", " "), f"{value:,}" if isinstance(value, int | float) else str(value)]
        for name, part in _kept().items()
        for key, value in part.items()
        if key != "ratios"
    ]
    return table(["Part", "Figure", "Value"], rows)
