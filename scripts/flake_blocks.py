"""What the docs print of the runs of `bench/flake.py`: how often the suite was wrong about a right server.

Must not know any requirement, nor where a block stands. Links are relative to `docs/guides/`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schema_table import table

FILE = Path(__file__).resolve().parents[1] / "bench" / "flake.json"
_RED = ("FAIL", "WARN", "ERROR")


def _share(busy: dict[str, Any], quiet: dict[str, Any]) -> float:
    """Of the verdicts that are PASS on a quiet machine, how many are PASS on a busy one."""
    held = [name for name, counts in quiet["ids"].items() if set(counts) == {"PASS"}]
    passed = sum(busy["ids"].get(name, {}).get("PASS", 0) for name in held)
    return float(passed / (len(held) * busy["runs"]))


def _red(row: dict[str, Any]) -> str:
    """The ids that were ever red, with how often."""
    counts = {name: sum(verdicts.get(one, 0) for one in _RED) for name, verdicts in row["ids"].items()}
    return ", ".join(f"{name} ({count})" for name, count in counts.items() if count) or "none"


def _least(row: dict[str, Any]) -> str:
    """The id that stayed undecided most often."""
    undecided = {name: verdicts.get("INCONCLUSIVE", 0) for name, verdicts in row["ids"].items()}
    name = max(undecided, key=undecided.__getitem__)
    return f"{name} ({undecided[name]})" if undecided[name] else "none"


def flake() -> list[str]:
    """Each system, on a busy machine."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    heads = ["System or server", "Runs", "Red", "Still PASS", "INCONCLUSIVE most often"]
    rows = [
        [
            f"`examples/{system}`" if "/" in system else system,
            str(row["runs"]),
            _red(row),
            f"{_share(row, kept['quiet'][system]):.1%}",
            _least(row),
        ]
        for system, row in sorted(kept["busy"].items())
    ]
    return table(heads, rows)
