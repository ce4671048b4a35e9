"""The profiles of known protocols: each is whole, its captures that are right hold, and the wrong ones are found.

A wrong capture is named by the one id that finds it and by its mistake.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from streamvet.cli import call
from streamvet.contract.files import read_yaml, schemas_folder
from streamvet.contract.folders import known_protocols
from streamvet.contract.loading import load_profile

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = schemas_folder() / "known"
CAPTURES = sorted(path for path in KNOWN.glob("*/captures/*/*") if path.is_file())
FEWEST = {"right": 4, "wrong": 8}


def named(path: Path) -> str:
    return f"{path.parts[-4]} {path.stem}"


def ids(path: Path) -> set[str]:
    """The id by which a capture is to be found; none where it is right."""
    return {"-".join(path.name.split("-")[:2])} if path.parent.name == "wrong" else set()


def kind_of(path: Path) -> list[str]:
    """Of which kind of start the stream is: the one that begins its name, where there are several."""
    kinds = [one.kind for one in load_profile(path.parts[-4]).starts]
    name = path.stem.split("-", 2)[-1] if path.parent.name == "wrong" else path.stem
    return ["--start", next((one for one in kinds if name.startswith(one)), kinds[0])] if kinds else []


@pytest.mark.parametrize("path", CAPTURES, ids=named)
def test_a_capture_is_judged_as_its_name_says(path: Path, tmp_path: Path) -> None:
    profile, report = load_profile(path.parts[-4]), tmp_path / "report.json"
    ended = [] if profile.streams == "ambient" else ["--ended"]
    code = call(["judge", "--raw", profile.framing, "--profile", profile.name, *kind_of(path), *ended, str(path),
                 "--json", str(report)])  # fmt: skip
    rows = json.loads(report.read_text(encoding="utf-8"))["verdicts"]
    assert {row["id"] for row in rows if row["findings"]} == ids(path)
    assert code == int(path.parent.name == "wrong")


@pytest.mark.parametrize("name", known_protocols())
def test_a_protocol_is_whole(name: str) -> None:
    folder, profile = KNOWN / name, load_profile(name)
    assert (profile.name, profile.folder) == (name, folder)
    assert call(["check-profile", name]) == 0
    for kind, fewest in FEWEST.items():
        assert len([path for path in CAPTURES if path.parent == folder / "captures" / kind]) >= fewest
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {name}"
    assert 8 <= len(lines) <= 14
    assert [line.split(":")[0] for line in lines if line.startswith("- ")] == [
        f"- {word}"
        for word in ("Version", "Specified in", "Asks for", "Covers", "Does not cover", "Captures", "Kept by")
    ]


REPORTS = sorted(KNOWN.glob("*/captures/reports.yaml"))


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parts[-3])
def test_what_was_reported_in_public_is_a_wrong_capture(path: Path) -> None:
    rows = read_yaml(path)
    assert rows.keys() <= {one.stem for one in (path.parent / "wrong").iterdir()}
    for report in rows.values():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", report)


def test_a_known_protocol_is_taken_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("extends: openai-chat\nprofile: mine\n", encoding="utf-8")
    assert load_profile(str(tmp_path)).operations == load_profile("openai-chat").operations
