"""A system of somebody's own, by its folder alone: the suite has no code for it, and all that applies is judged.

The profile, the server and its control interface are in `builds/`.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.contract.files import read_yaml
from streamvet.reference import free_port

from .test_black_box import run

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.live

SCALE = 0.02
BUILDS = Path(__file__).parent / "builds"


def target(folder: Path, *, profile: str = str(BUILDS), options: Sequence[str] = ()) -> Path:
    """A target file for the server of `builds/`, which the suite starts."""
    port = free_port()
    content = {
        "profile": profile,
        "base_url": f"http://127.0.0.1:{port}",
        "control": "/control",
        "time_scale": SCALE,
        "max_concurrency": 100,
        "launch": {"command": [sys.executable, str(BUILDS / "server.py"), str(port), str(SCALE), *options]},
    }
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def changed(folder: Path, **rows: Any) -> str:
    """The profile with other operations, in a folder of its own."""
    shutil.copytree(BUILDS, folder)
    profile = read_yaml(folder / "profile.yaml")
    profile["operations"] |= rows
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile, sort_keys=False), encoding="utf-8")
    return str(folder)


def test_a_start_without_an_id_where_the_profile_says_is_told(tmp_path: Path) -> None:
    start = read_yaml(BUILDS / "profile.yaml")["operations"]["start:build"] | {"run_id": {"pointer": "/id"}}
    profile = changed(tmp_path / "mine", **{"start:build": start})
    code, verdicts, said = run(target(tmp_path, profile=profile), "--budget", "0")
    assert code == 3, said
    unjudged = [row for row in verdicts.values() if row["verdict"] == "INCONCLUSIVE"]
    assert len(unjudged) > 40
    told = {row["id"] for row in unjudged if "the answer to start:build has no id at /id" in row["reason"]}
    assert told == {row["id"] for row in unjudged}


def test_what_scripts_are_made_of_is_missed_where_the_profile_does_not_say_it(tmp_path: Path) -> None:
    shutil.copytree(BUILDS, tmp_path / "mine")
    profile = read_yaml(tmp_path / "mine" / "profile.yaml")
    del profile["events"]["script"]["emits"]
    (tmp_path / "mine" / "profile.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    code, verdicts, said = run(target(tmp_path, profile=str(tmp_path / "mine")), "--budget", "0")
    assert code == 3, said
    assert {row["verdict"] for row in verdicts.values()} == {"PASS", "INCONCLUSIVE", "NOT_APPLICABLE"}, said
    assert "not tried: the profile has no events.script.emits" in verdicts["TRN-03"]["reason"]


def named(folder: Path) -> str:
    """The profile of the same system where the event field alone tells the type."""
    shutil.copytree(BUILDS, folder)
    profile = read_yaml(folder / "profile.yaml")
    del profile["framing"]["event_name"]
    profile["events"]["discriminator"] = [
        {"event": "step", "from": "/state", "prefix": "step."},
        {"from": "event-name"},
    ]
    emits = profile["events"]["script"]["emits"]
    for kind, value in emits.items():
        emits[kind] = {"event": value.pop("type"), "data": value}
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile, sort_keys=False), encoding="utf-8")
    for path in (folder / "events").iterdir():
        schema = json.loads(path.read_text(encoding="utf-8"))
        del schema["properties"]["type"]
        schema["required"].remove("type")
        path.write_text(json.dumps(schema), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize("way", ["by a member", "by the event name"])
def test_everything_that_applies_to_a_system_of_ones_own_is_exercised_and_holds(tmp_path: Path, way: str) -> None:
    keys: dict[str, Any] = {}
    if way == "by the event name":
        keys = {"profile": named(tmp_path / "named"), "options": ["named"]}
    code, verdicts, said = run(target(tmp_path, **keys))
    if code == 3:  # something stayed unjudged: on a machine that was busy with something else it is tried once more
        code, verdicts, said = run(target(tmp_path, **keys))
    assert code == 0, said
    assert {row["verdict"] for row in verdicts.values()} == {"PASS", "NOT_APPLICABLE"}, said
    scripted = ("TRN-03", "TRN-10", "TRN-13", "EVT-09", "ORD-04", "ORD-05")
    resumed = ("CAT-05", "CAT-06", "CAT-07", "CAT-08", "CAT-09", "CAT-10", "TRN-11")
    assert {name: verdicts[name]["verdict"] for name in scripted + resumed} == dict.fromkeys(scripted + resumed, "PASS")
