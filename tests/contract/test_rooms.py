"""What only one system has stands in its room: generic code names no system and none of their ids."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = re.compile(r"\b(cosma|ghostly|promptfloe|rockstar|agent.workspace|fleet)\b|\b(GHO|PFL|RKS|FLT|COS)-")
# Generic files that may name a system, and why.
MAY: dict[str, str] = {
    "conformance/streamvet/cli/begin.py": "the profile of `streamvet init` where none is given",
    "reference_server/streamvet_server/faults/fault.py": "the names of the systems, for the column of the fault tables",
}


def test_generic_rooms_name_no_system() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("conformance/streamvet", "reference_server/streamvet_server")
        for path in (ROOT / package).rglob("*.py")
        if not {"systems", "types"} & set(path.parts) and NAMES.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(MAY)
