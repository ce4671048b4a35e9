"""The reference server without its control interface, as any other candidate stands: what can be judged all the same.

What nobody can make happen from outside stays unjudged, and the report says why. It must never read as a pass.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live

SCALE = 0.05
EXERCISED = 0.6  # of the MUSTs that apply
TIMEOUT_S = 240  # a run takes a tenth of it; the life of a detached run, the longest wait, is 15 s at this scale
# The agent workspace is left out: nothing that its document names makes anything happen on its stream.
PROFILES = ("ghostly", "promptfloe", "rockstar", "cosma")
SERVER = [sys.executable, "-m", "streamvet_server"]


def target(profile: str, folder: Path) -> Path:
    """The target file that somebody would write who has such a server and no control interface in it."""
    listed = subprocess.run([*SERVER, "--list-accounts", "--json"], capture_output=True, check=True, timeout=60)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    options = ["--port", str(port), "--time-scale", str(SCALE), "--db", str(folder / "events.db")]
    content = {
        "profile": profile,
        "base_url": f"http://127.0.0.1:{port}",
        "time_scale": SCALE,
        "max_starts": 10_000,
        "max_concurrency": 100,
        "launch": {"command": [*SERVER, "--profile", profile, *options], "cwd": str(folder)},
        **json.loads(listed.stdout)[profile],
    }
    if profile == "cosma":
        (folder / "watched").mkdir()
        content["directory"] = "watched"
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("profile", PROFILES)
def test_most_is_judged_without_control(profile: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "streamvet", "run", str(target(profile, tmp_path)), "--json", str(report)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=TIMEOUT_S, cwd=tmp_path
    )
    assert report.exists(), done.stderr
    document: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    verdicts = {row["id"]: row for row in document["verdicts"]}
    # Nothing is wrong, and what is incomplete is told as that.
    assert {row["verdict"] for row in verdicts.values()} <= {"PASS", "INCONCLUSIVE", "NOT_APPLICABLE"}, done.stdout
    musts = [row for row in verdicts.values() if row["level"] == "MUST" and row["verdict"] != "NOT_APPLICABLE"]
    unjudged = [row for row in musts if row["verdict"] == "INCONCLUSIVE"]
    assert done.returncode == (3 if unjudged else 0), done.stdout
    assert all(row["exercised"] for row in verdicts.values() if row["verdict"] == "PASS")
    assert all(row["reason"] for row in verdicts.values() if row["verdict"] == "INCONCLUSIVE")
    assert len(musts) - len(unjudged) >= EXERCISED * len(musts), [row["id"] for row in unjudged]
