"""A system of somebody's own, by its folder alone: the suite has no code for it, and all that applies is judged.

The profile, the server and its control interface are in `builds/`.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .test_black_box import run

pytestmark = pytest.mark.live

SCALE = 0.02
BUILDS = Path(__file__).parent / "builds"


def target(folder: Path, **keys: Any) -> Path:
    """A target file for the server of `builds/`, which the suite starts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    content = {
        "profile": str(BUILDS),
        "base_url": f"http://127.0.0.1:{port}",
        "control": "/control",
        "time_scale": SCALE,
        "max_concurrency": 100,
        "launch": {"command": [sys.executable, str(BUILDS / "server.py"), str(port), str(SCALE)]},
        **keys,
    }
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}), "utf-8")
    return path


def test_everything_that_applies_to_a_system_of_ones_own_is_exercised_and_holds(tmp_path: Path) -> None:
    code, verdicts, said = run(target(tmp_path))
    assert code == 0, said
    assert {row["verdict"] for row in verdicts.values()} == {"PASS", "NOT_APPLICABLE"}, said
    scripted = ("TRN-03", "TRN-10", "TRN-13", "EVT-09", "ORD-04", "ORD-05")
    resumed = ("CAT-05", "CAT-06", "CAT-07", "CAT-08", "CAT-09", "CAT-10", "TRN-11")
    assert {name: verdicts[name]["verdict"] for name in scripted + resumed} == dict.fromkeys(scripted + resumed, "PASS")
