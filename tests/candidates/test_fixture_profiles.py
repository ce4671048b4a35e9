"""What no built-in profile asks for, on the reference server: by copies of built-in profiles that ask for it.

Each fault that is a fixture is found by its id; without it the id holds.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.contract.files import read_yaml, schemas_folder
from streamvet.reference import faults

from .test_black_box import SCALE, run, target

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live

STEPS = {
    "key": "/stepIndex", "start": "waiting", "accepts": {"succeeds": ["waiting"]},
    "states": {"waiting": {"assist.step_start": "open"}, "open": {"assist.step_*": "waiting"}},
}  # fmt: skip
# By the requirement: what a profile says so that it applies.
ASKS: dict[str, dict[str, Any]] = {
    "TRN-08": {"framing": {"limits": {"line_bytes": 65_536}}},
    "EVT-13": {"events": {"same": ["/runId"]}},
    "ORD-09": {"lifecycles": {"steps": STEPS}},
    # The life of a run that nobody reads, with its tolerance.
    "CAN-06": {"readers": {"on_disconnect": {"stops_within_ms": 330_000}}},
}
# The life of a run that nobody reads is five minutes: at this scale it is 600 ms.
SCALES = {"CAN-06": 0.002}
ROWS = [(fault, profile) for fault in faults() if fault.fixture for profile in fault.profiles]


def folder_of(profile: str, requirement: str, folder: Path) -> Path:
    """A copy of a built-in profile, under a name of its own, for which the requirement applies."""
    shutil.copytree(schemas_folder() / profile, folder, ignore=shutil.ignore_patterns("requirements.yaml", "traces"))
    raw = read_yaml(folder / "profile.yaml")
    raw |= {"profile": "mine", **{part: raw[part] | keys for part, keys in ASKS[requirement].items()}}
    if "readers" in ASKS[requirement]:  # said once
        del raw["catchup"]["detached"], raw["adopted"]["CAT-12"]
    (folder / "profile.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("fault", "profile"), ROWS, ids=[f"{fault.name} {profile}" for fault, profile in ROWS])
def test_a_fixture_is_found_by_its_id(fault: Any, profile: str, tmp_path: Path) -> None:
    mine = folder_of(profile, fault.id, tmp_path / "mine")
    found = {}
    for name in ("", fault.name):
        folder = tmp_path / (name or "honest")
        folder.mkdir()
        # As a black box: a control interface names the profile that the server has.
        scale = SCALES.get(fault.id, SCALE)
        options = ("--time-scale", str(scale), *(("--fault", name) if name else ()))
        file = target(profile, folder, *options, time_scale=scale)
        file.write_text(yaml.safe_dump(read_yaml(file) | {"profile": str(mine)}), encoding="utf-8")
        _, verdicts, _ = run(file, "--only", fault.id, "--budget", "0")
        found[name] = verdicts[fault.id]["verdict"]
    assert found == {"": "PASS", fault.name: "FAIL"}
