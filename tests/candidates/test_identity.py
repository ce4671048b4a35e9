"""Sessions, ids that the client makes, forms, and runs that are read once: what holds, and what is found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamvet.reference import free_port

from .test_black_box import run

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
CALL = {
    "jsonrpc": "2.0", "id": "{new}", "method": "tools/call",
    "params": {"name": "count", "arguments": {"n": 5}, "_meta": {"progressToken": "t"}},
}  # fmt: skip
INPUTS: dict[str, dict[str, Any]] = {
    "session-call": {"call": {"succeeds": CALL}},
    "jobs": {"job": {"succeeds": {"name": "job {new}"}, "fails": {"name": "bad"}, "long": {"name": "job long {new}"}}},
}
SERVERS = {"session-call": ("calls", ""), "jobs": ("jobs", "/jobs")}  # and where it is: an operation has no path


def target(profile: str, folder: Path, bugs: str = "") -> Path:
    """A target file for the server of a profile, without a control interface."""
    (server, base), port = SERVERS[profile], free_port()
    content: dict[str, Any] = {
        "profile": str(HERE.parent / "profiles" / profile),
        "base_url": f"http://127.0.0.1:{port}{base}",
        "inputs": INPUTS[profile],
        "launch": {"command": [sys.executable, str(HERE / server / "server.py"), str(port), bugs]},
    }
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("profile", SERVERS)
def test_what_an_honest_one_is_asked_for_holds(profile: str, tmp_path: Path) -> None:
    code, verdicts, said = run(target(profile, tmp_path), "--budget", "0")
    assert {row["verdict"] for row in verdicts.values()} <= {"PASS", "NOTE", "INCONCLUSIVE", "NOT_APPLICABLE"}, said
    assert code == 0, said


# Bugs that have nothing to do with each other are found in one run.
FOUND = [
    ("session-call", "forgetful,obliging", {"CAT-05", "ACC-10"}),
    ("session-call", "silent", {"TRM-01"}),
    ("jobs", "endless", {"TRM-06"}),
    ("jobs", "plain,mute", {"TRN-02", "HBT-07"}),
]
ONLY = [word for name in ("TRN-02", "CAT-05", "ACC-10", "TRM-01", "TRM-06", "HBT-07") for word in ("--only", name)]


@pytest.mark.parametrize(("profile", "bugs", "ids"), FOUND, ids=[bugs for _, bugs, _ in FOUND])
def test_what_it_does_wrong_is_found(profile: str, bugs: str, ids: set[str], tmp_path: Path) -> None:
    _, verdicts, said = run(target(profile, tmp_path, bugs), *ONLY, "--budget", "0")
    assert {name for name, row in verdicts.items() if row["verdict"] == "FAIL"} == ids, said
