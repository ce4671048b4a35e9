"""The example candidate in Node: it conforms, and each of its bugs is found as what it is.

It was written from the documents alone, so it holds the suite to them. A missing Node fails these tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from streamvet.reference import free_port

pytestmark = pytest.mark.live

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "candidates" / "promptfloe-node"
# What each bug violates, and no more.
FOUND = {
    "": set[str](),
    "no-flush": {"TRN-03"},
    "inclusive-cursor": {"CAT-06"},
    "silent-error": {"TRM-01"},
}


def target(folder: Path) -> Path:
    """The example's own target file, on a port that is free."""
    port = free_port()
    content = yaml.safe_load((FOLDER / "target.yaml").read_text(encoding="utf-8"))
    content["base_url"] = f"http://127.0.0.1:{port}"
    content["launch"]["cwd"] = str(FOLDER)
    content["launch"]["env"] |= {"PORT": str(port), "DATA": str(folder / "runs.ndjson")}
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


# Each run takes half a minute and more: what is right, and one bug, tell whether the others are worth their time.
ALWAYS = ("", "inclusive-cursor")


@pytest.mark.parametrize("bug", [one if one in ALWAYS else pytest.param(one, marks=pytest.mark.long) for one in FOUND])
def test_each_bug_is_found_as_what_it_is(bug: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "streamvet", "run", str(target(tmp_path)), "--json", str(report)]
    command += ["--budget", "0"]  # what a bug does besides, generated tries may find too
    environment = os.environ | {"BUG": bug}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=180)
    assert report.exists(), done.stderr
    verdicts = {row["id"]: row["verdict"] for row in json.loads(report.read_text(encoding="utf-8"))["verdicts"]}
    assert {rid for rid, verdict in verdicts.items() if verdict in ("FAIL", "WARN")} == FOUND[bug], done.stdout
    assert done.returncode == (1 if "FAIL" in verdicts.values() else 0), done.stdout


def test_it_lacks_only_what_is_no_endpoint_of_a_run() -> None:
    content = yaml.safe_load((FOLDER / "target.yaml").read_text(encoding="utf-8"))
    assert content["lacks"] == ["start:message"]
