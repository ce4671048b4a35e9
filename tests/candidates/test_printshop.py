"""The example of a system with requirements of its own: its target file and its server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from streamvet.contract.loading import load_profile
from streamvet.examples import own_examples
from streamvet.reference import free_port
from streamvet.trace import dump

from .test_black_box import run

pytestmark = pytest.mark.live

SHOP = Path(__file__).resolve().parents[2] / "examples" / "systems" / "printshop"


def target(folder: Path, *, allowed: bool | None = None, profile: Path = SHOP) -> Path:
    """The example's own target file, on a port that is free."""
    port = str(free_port())
    content = yaml.safe_load((SHOP / "target.yaml").read_text(encoding="utf-8"))
    content |= {"profile": str(profile), "base_url": f"http://127.0.0.1:{port}"}
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


@pytest.mark.parametrize("whom", ["the group", "the suite alone"])
@pytest.mark.parametrize("what", ["run", "judge"])
def test_who_interrupts_a_command_has_everything_else(what: str, whom: str, tmp_path: Path) -> None:
    """A terminal interrupts the whole group; `kill` does one process. The command and its row are all that is lost."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
    folder = tmp_path / "shop"
    shutil.copytree(SHOP, folder)
    (folder / "check.py").write_text("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    words = ["run", str(target(tmp_path, profile=folder)), "--budget", "0"]
    if what == "judge":
        trace = tmp_path / "good.trace.ndjson"
        trace.write_text("".join(dump(own_examples(load_profile(str(folder)))[0].good)))
        words = ["judge", str(trace), "--profile", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamvet", *words, "--allow-commands"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)), start_new_session=True,
    )  # fmt: skip
    with process:
        command = awaited(folder / "pid")
        (os.killpg if whom == "the group" else os.kill)(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=40)  # the command would take its whole minute
    assert process.returncode == 130, err
    assert "interrupted (exit 130)" in out
    assert "Traceback" not in err
    assert " pass" in out
    assert "2 INCONCLUSIVE" in out
    with pytest.raises(ProcessLookupError):
        os.kill(command, 0)


def awaited(path: Path) -> int:
    """The number in a file, once it is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text(encoding="utf-8")):
            return int(text)
        time.sleep(0.01)
    raise AssertionError(f"no {path}")
