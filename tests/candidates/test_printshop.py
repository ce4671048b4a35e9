"""The example of a system with requirements of its own: its target file and its server."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
import yaml

from .test_black_box import run

pytestmark = pytest.mark.live

SHOP = Path(__file__).resolve().parents[2] / "examples" / "systems" / "printshop"


def target(folder: Path, *, allowed: bool | None = None) -> Path:
    """The example's own target file, on a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    content = yaml.safe_load((SHOP / "target.yaml").read_text(encoding="utf-8"))
    content |= {"profile": str(SHOP), "base_url": f"http://127.0.0.1:{port}"}
    content["launch"]["command"] = [sys.executable, str(SHOP / "server.py"), port]
    content |= {} if allowed is None else {"allow_commands": allowed}
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_everything_that_applies_is_exercised_and_holds(tmp_path: Path) -> None:
    code, verdicts, said = run(target(tmp_path), "--allow-commands", "--budget", "2")
    assert code == 0, said
    assert {row["verdict"] for row in verdicts.values()} == {"PASS", "NOT_APPLICABLE"}, said
    assert {one: verdicts[one]["verdict"] for one in ("PRINT-01", "PRINT-02")} == {
        "PRINT-01": "PASS",
        "PRINT-02": "PASS",
    }
    assert list(verdicts)[-2:] == ["PRINT-01", "PRINT-02"]


def test_a_server_that_miscounts_is_found_by_its_own_requirement_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISCOUNT", "1")
    code, verdicts, said = run(target(tmp_path, allowed=True), "--budget", "0")
    assert code == 1, said
    assert {name for name, row in verdicts.items() if row["verdict"] == "FAIL"} == {"PRINT-01"}, said
    assert verdicts["PRINT-01"]["findings"][0]["seen"].endswith(" pages")
    assert verdicts["PRINT-02"]["verdict"] == "PASS"


def test_without_leave_only_its_own_requirements_are_not_judged(tmp_path: Path) -> None:
    code, verdicts, said = run(target(tmp_path, allowed=False), "--budget", "0")
    assert code == 3, said
    assert {name for name, row in verdicts.items() if row["verdict"] == "INCONCLUSIVE"} == {"PRINT-01", "PRINT-02"}, (
        said
    )
    assert "--allow-commands" in verdicts["PRINT-01"]["reason"]
