"""A stream that is the answer to a POST, with heartbeats and a key in a header field: what holds, and what is found."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamvet.contract.files import read_yaml
from streamvet.reference import free_port

from .test_black_box import run

pytestmark = pytest.mark.live

CHAT = Path(__file__).parent / "chat"
KEY = "chat_key_0123456789"


def target(folder: Path, bug: str = "", profile: Path = CHAT, token: str = KEY) -> Path:
    """A target file for it, without a control interface."""
    port = free_port()
    content: dict[str, Any] = {
        "profile": str(profile),
        "base_url": f"http://127.0.0.1:{port}",
        "credentials": {"token": token},
        "inputs": {"message": {"succeeds": {"prompt": "hello {uuid}"}, "long": {"prompt": "a long one"}}},
        "launch": {"command": [sys.executable, str(CHAT / "server.py"), str(port), bug]},
    }
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


FOUND = {
    "silent": {"HBT-07": "FAIL", "ACC-02": "PASS"},
    "any": {"HBT-07": "PASS", "ACC-01": "INCONCLUSIVE", "ACC-02": "FAIL"},  # an empty key is let in like any other
}
ONLY = [word for name in ("TRN-04", "HBT-07", "ACC-01", "ACC-02") for word in ("--only", name)]


def test_what_an_honest_one_is_asked_for_holds(tmp_path: Path) -> None:
    _, verdicts, said = run(target(tmp_path), "--budget", "0")
    assert {row["verdict"] for row in verdicts.values()} <= {"PASS", "NOTE", "INCONCLUSIVE", "NOT_APPLICABLE"}, said
    names = ("TRN-01", "TRM-01", "HBT-01", "HBT-07", "ACC-01", "ACC-02", "ACC-10")
    assert {name: verdicts[name]["verdict"] for name in names} == dict.fromkeys(names, "PASS"), said


@pytest.mark.parametrize("bug", FOUND)
def test_what_it_does_wrong_is_found(bug: str, tmp_path: Path) -> None:
    _, verdicts, said = run(target(tmp_path, bug), *ONLY, "--budget", "0")
    got = {name: row["verdict"] for name, row in verdicts.items()}
    assert got == {"TRN-04": "PASS", "ACC-01": "PASS"} | FOUND[bug], said


def test_who_has_no_credentials_is_not_judged_for_a_body(tmp_path: Path) -> None:
    file = target(tmp_path)
    content = read_yaml(file)
    del content["credentials"]
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    _, verdicts, said = run(file, "--only", "ACC-10", "--budget", "0")
    assert {name: row["verdict"] for name, row in verdicts.items()} == {"ACC-10": "INCONCLUSIVE"}, said


def test_basic_authentication(tmp_path: Path) -> None:
    shutil.copytree(CHAT, tmp_path / "mine")
    raw = read_yaml(CHAT / "profile.yaml")
    raw["auth"] = {"kind": "basic", "missing": [401], "invalid": [401]}
    (tmp_path / "mine" / "profile.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    file = target(tmp_path, "basic", tmp_path / "mine", f"me:{KEY}")
    _, verdicts, said = run(file, "--only", "TRN-01", "--only", "ACC-01", "--only", "ACC-02", "--budget", "0")
    assert {name: row["verdict"] for name, row in verdicts.items()} == dict.fromkeys(verdicts, "PASS"), said
