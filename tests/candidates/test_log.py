"""A log that everybody shares and that is resumed from a cursor: what holds, and what is found, while others write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.reference import free_port

from .test_black_box import run

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.live

PROFILE = Path(__file__).resolve().parents[1] / "profiles" / "log"
SERVER = Path(__file__).parent / "log" / "server.py"


def target(folder: Path, bugs: str = "") -> Path:
    """A target file for it; how to write to it the profile says."""
    port = free_port()
    content: dict[str, Any] = {
        "profile": str(PROFILE),
        "base_url": f"http://127.0.0.1:{port}",
        "launch": {
            "command": [sys.executable, str(SERVER), str(port), bugs, str(folder / "log.txt")],
            "ready": {"path": "/"},
        },
    }
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


IDS = ("CAT-05", "CAT-06", "CAT-07", "CAT-08", "CAT-09", "CAT-10", "CAT-14", "CAT-21")
ONLY = [word for name in IDS for word in ("--only", name)]
# Bugs that have nothing to do with each other are found in one run.
FOUND: Mapping[str, set[str]] = {
    "inclusive,silent,eager": {"CAT-06", "CAT-09", "CAT-10"},
    "lossy,rewritten,lenient,late": {"CAT-05", "CAT-07", "CAT-08", "CAT-10"},
    "nameless,forgetful": {"CAT-14", "CAT-21"},
}


def test_what_an_honest_one_is_asked_for_holds(tmp_path: Path) -> None:
    code, verdicts, said = run(target(tmp_path), "--budget", "0")
    assert code == 0, said
    assert {row["verdict"] for row in verdicts.values()} <= {"PASS", "NOTE", "INCONCLUSIVE", "NOT_APPLICABLE"}, said
    assert {name: verdicts[name]["verdict"] for name in IDS} == dict.fromkeys(IDS, "PASS"), said


@pytest.mark.parametrize("bugs", FOUND)
def test_what_it_does_wrong_is_found(bugs: str, tmp_path: Path) -> None:
    _, verdicts, said = run(target(tmp_path, bugs), *ONLY, "--budget", "0")
    assert {name for name, row in verdicts.items() if row["verdict"] == "FAIL"} == FOUND[bugs], said
