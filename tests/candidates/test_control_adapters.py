"""The control adapters that one can copy: each drives its server as the specification says, and none without leave."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from streamvet.reference import free_port

from .test_black_box import run

pytestmark = pytest.mark.live

CONTROL = Path(__file__).resolve().parents[2] / "examples" / "control"
EXPRESS = CONTROL.parent / "candidates" / "backups-express" / "node_modules"
STACKS = {
    "express": ["node", "server.js"],
    "fastapi": [sys.executable, "server.py"],
    "go": ["go", "run", "."],
    "java": ["sh", "-c", "mkdir -p classes && javac -d classes *.java && exec java -cp classes Server"],
}
NEEDS = {"express": "node", "go": "go", "java": "javac"}


# The four are alike; a compiler and a virtual machine take as long as the others together.
@pytest.fixture(params=[pytest.param(one, marks=pytest.mark.long) if one == "java" else one for one in STACKS])
def stack(request: pytest.FixtureRequest) -> str:
    """A stack whose toolchain is there."""
    name = str(request.param)
    if shutil.which(NEEDS.get(name, sys.executable)) is None:
        pytest.skip(f"no {NEEDS[name]}")
    return name


def _target(stack: str, folder: Path) -> Path:
    """Its own target file, on a free port."""
    port = str(free_port())
    raw = yaml.safe_load((CONTROL / stack / "target.yaml").read_text(encoding="utf-8"))
    assert raw["launch"]["command"][1:] == STACKS[stack][1:]
    raw |= {"profile": str(CONTROL / "profile"), "base_url": f"http://127.0.0.1:{port}"}
    raw["launch"] |= {"command": STACKS[stack], "cwd": str(CONTROL / stack)}
    raw["launch"]["env"] |= {"PORT": port, "NODE_PATH": str(EXPRESS)}
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return path


def test_what_a_script_says_comes_and_everything_holds(stack: str, tmp_path: Path) -> None:
    code, verdicts, said = run(_target(stack, tmp_path), "--budget", "0")

    assert code == 0, said
    assert {row["verdict"] for row in verdicts.values()} == {"PASS", "NOT_APPLICABLE"}, said
    assert verdicts["TRN-03"]["exercised"] > 0  # by scripts alone


def test_it_does_not_start_without_leave(stack: str) -> None:
    env = {key: one for key, one in os.environ.items() if key != "STREAMVET_CONTROL"}
    env |= {"PORT": str(free_port()), "CONTROL": "/_conformance", "NODE_PATH": str(EXPRESS)}

    done = subprocess.run(
        STACKS[stack], cwd=CONTROL / stack, env=env, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode != 0
    assert "set STREAMVET_CONTROL=allow, in tests alone" in done.stderr
