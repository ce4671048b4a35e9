"""The reference server without its control interface, as any other candidate stands: what can be judged all the same.

What nobody can make happen from outside stays unjudged, and the report says why. It must never read as a pass.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.reference import free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live

SCALE = 0.05
EXERCISED = 0.6  # of the MUSTs that apply
# What a run decides only where nothing made the suite itself late; on a busy machine it may be undecided.
BUSY = frozenset({"HBT-01", "HBT-02", "HBT-06"})
TIMEOUT_S = 240  # a run takes a tenth of it; the life of a detached run, the longest wait, is 15 s at this scale
# The agent workspace has tests of its own: nothing that its document names makes anything happen on its stream.
PROFILES = ("ghostly", "promptfloe", "rockstar", "cosma")
SERVER = [sys.executable, "-m", "streamvet_server"]


def target(profile: str, folder: Path, *more: str, **keys: Any) -> Path:
    """The target file that somebody would write who has such a server and no control interface in it.

    `more` are further options of the server, `keys` further keys of the file.
    """
    listed = subprocess.run([*SERVER, "--list-accounts", "--json"], capture_output=True, check=True, timeout=60)
    port = free_port()
    options = ["--port", str(port), "--time-scale", str(SCALE), "--db", str(folder / "events.db"), *more]
    content = {
        "profile": profile,
        "base_url": f"http://127.0.0.1:{port}",
        "time_scale": SCALE,
        "max_starts": 10_000,
        "max_concurrency": 100,
        "launch": {"command": [*SERVER, "--profile", profile, *options], "cwd": str(folder)},
        **json.loads(listed.stdout)[profile],
        **keys,
    }
    if profile == "cosma":
        (folder / "watched").mkdir()
        content["directory"] = "watched"
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def run(file: Path, *options: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    """Run the suite; gives its exit code, the verdicts by their ids, and what it printed."""
    report = file.parent / "report.json"
    command = [sys.executable, "-m", "streamvet", "run", str(file), "--json", str(report), *options]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=TIMEOUT_S, cwd=file.parent
    )
    assert report.exists(), done.stderr
    document: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return done.returncode, {row["id"]: row for row in document["verdicts"]}, done.stdout


# What the suite brings about with the endpoints of a system, where one might think that only control can.
ALSO = {"cosma": ("HBT-07", "COS-04", "COS-17")}


@pytest.mark.parametrize("profile", PROFILES)
def test_most_is_judged_without_control(profile: str, tmp_path: Path) -> None:
    code, verdicts, said = run(target(profile, tmp_path))
    # Nothing is wrong, and what is incomplete is told as that.
    assert {row["verdict"] for row in verdicts.values()} <= {"PASS", "INCONCLUSIVE", "NOT_APPLICABLE"}, said
    musts = [row for row in verdicts.values() if row["level"] == "MUST" and row["verdict"] != "NOT_APPLICABLE"]
    unjudged = [row for row in musts if row["verdict"] == "INCONCLUSIVE"]
    # All that a launch can show is decided; what needs a control interface more does not count against exit 0.
    within = {row["id"] for row in unjudged if row["evidence"] != "controlled"}
    assert within <= BUSY, said
    assert code == (3 if within else 0), said
    assert within or f"conformant at launched: {len(musts) - len(unjudged)} of {len(musts)} MUSTs; " in said
    assert all(row["exercised"] for row in verdicts.values() if row["verdict"] == "PASS")
    assert all(row["reason"] for row in verdicts.values() if row["verdict"] == "INCONCLUSIVE")
    assert len(musts) - len(unjudged) >= EXERCISED * len(musts), [row["id"] for row in unjudged]
    assert {name: verdicts[name]["verdict"] for name in ALSO.get(profile, ())} == dict.fromkeys(
        ALSO.get(profile, ()), "PASS"
    )


# What the users of a candidate do to it, not the suite: the first account gets a run that it did not have.
STATE = {
    "do": "state",
    "state": {
        "users": {"a@example.org": ["shop"]},
        "pipelines": [
            {
                "id": "run_1",
                "projectId": "shop",
                "projectName": "Shop",
                "status": "testing",
                "startedAt": None,
                "trigger": "push",
                "triggerData": None,
                "jobs": [],
                "pendingInterventions": [],
            }
        ],
    },
}
POST = "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], sys.argv[2].encode(), method='POST')).close()"


@pytest.mark.parametrize(
    ("how", "verdict", "reason"),
    [
        ("http", "PASS", ""),
        ("command", "PASS", ""),
        ("nothing happens", "FAIL", ""),
        ("a command that fails", "INCONCLUSIVE", "the trigger change failed: 'false' exited with 1"),
        pytest.param(
            "no such command",
            "INCONCLUSIVE",
            "'./no-such' cannot be run: No such file or directory",
            marks=pytest.mark.long,
        ),
        pytest.param("no such path", "INCONCLUSIVE", "POST /no-such is answered 404", marks=pytest.mark.long),
        ("none", "INCONCLUSIVE", "no triggers in the target file"),
    ],
)
def test_what_only_a_user_can_bring_about_is_judged_by_the_triggers_of_the_target(
    how: str, verdict: str, reason: str, tmp_path: Path
) -> None:
    file = target("agent-workspace", tmp_path, "--control")
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    triggers: dict[str, Any] = {
        "http": {"http": {"method": "POST", "path": "/_conformance", "json": STATE}},
        "command": {"command": [sys.executable, "-c", POST, content["base_url"] + "/_conformance", json.dumps(STATE)]},
        "nothing happens": {"command": ["true"]},
        "a command that fails": {"command": ["false"]},
        "no such command": {"command": ["./no-such"]},
        "no such path": {"http": {"method": "POST", "path": "/no-such"}},
    }
    content |= {"triggers": {"change": triggers[how]}} if how in triggers else {}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    _code, verdicts, said = run(file, "--max-wait", "3")
    row = verdicts["FLT-04"]
    assert row["verdict"] == verdict, said
    assert reason in row.get("reason", "")
    said_of = {(one["expected"].partition(" within ")[0], one["seen"]) for one in row["findings"]}  # of each attempt
    assert said_of == ({("a fleet_update", "none")} if verdict == "FAIL" else set())
    others = {one["verdict"] for name, one in verdicts.items() if name != "FLT-04"}
    assert others <= {"PASS", "INCONCLUSIVE", "NOT_APPLICABLE"}, said
