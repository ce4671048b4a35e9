"""What the published pages of a system show as an example passes: by its schema, and by the judge as a capture.

Knows the index files of `schemas/<system>/vectors/published/`; must not know how an example is judged.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from streamvet.cli.app import app
from streamvet.contract.files import check_shape, read_yaml
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
# How many examples of each kind the pages show: one that is lost from an index would never be missed otherwise.
COUNTS = {
    "agent-workspace": {"event": 3, "stream": 2},
    "cosma": {"event": 1, "stream": 2, "response": 4},
    "ghostly": {"payload": 1, "response": 3},
    "promptfloe": {"event": 6, "stream": 1, "response": 2},
    "rockstar": {"event": 6, "stream": 1, "response": 1},
}


class Published(NamedTuple):
    """One row of an index, with the folder of the index."""

    system: str
    row: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.system}/{self.row['file']}"

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return _folder(self.system) / str(self.row["file"])


def _folder(system: str) -> Path:
    return SCHEMAS / system / "vectors" / "published"


EXAMPLES = [
    Published(system, row) for system in builtin_profiles() for row in read_yaml(_folder(system) / "index.yaml")
]
STREAMS = [one for one in EXAMPLES if one.row["is"] == "stream"]
VALUES = [one for one in EXAMPLES if one.row["is"] != "stream"]


@pytest.mark.parametrize("system", builtin_profiles())
def test_an_index_has_its_form_and_names_each_file_once(system: str) -> None:
    path = _folder(system) / "index.yaml"
    check_shape(read_yaml(path), "published", path)
    files = sorted(one.relative_to(path.parent).as_posix() for one in path.parent.rglob("*.*") if one != path)
    assert sorted(one.row["file"] for one in EXAMPLES if one.system == system) == files


def test_no_example_is_lost() -> None:
    found: dict[str, dict[str, int]] = {}
    for one in EXAMPLES:
        kinds = found.setdefault(one.system, {})
        kinds[one.row["is"]] = kinds.get(one.row["is"], 0) + 1
    assert found == COUNTS


@pytest.mark.parametrize("example", VALUES, ids=str)
def test_a_published_value_is_valid_by_its_schema(example: Published) -> None:
    profile, row = load_profile(example.system), example.row
    value = json.loads(example.path.read_text(encoding="utf-8"))
    file = row.get("schema") or f"events/{row['type']}.schema.json"
    if row["is"] == "payload":
        valid = SCHEMAS / example.system / "vectors" / "valid"
        value = json.loads(next(valid.glob(f"{row['type']}.*.json")).read_text(encoding="utf-8")) | {"payload": value}
    if not profile.schemas.decider(file)(value):
        pytest.fail(" but ".join(profile.schemas.explain(file, value)))


def _judged(path: Path, system: str, folder: Path) -> tuple[int, dict[str, str]]:
    """The exit code of `judge --raw`, and the verdict of each id."""
    report, framing = folder / "report.json", path.suffix.removeprefix(".")
    ended = CliRunner().invoke(app, ["judge", "--raw", framing, "--profile", system, str(path), "--json", str(report)])
    return ended.exit_code, {one["id"]: one["verdict"] for one in json.loads(report.read_text())["verdicts"]}


@pytest.mark.parametrize("example", [one for one in VALUES if one.row["is"] == "event"], ids=str)
def test_a_published_event_is_valid_by_the_adopted_readings_of_its_type(example: Published) -> None:
    profile = load_profile(example.system)
    value = json.loads(example.path.read_text(encoding="utf-8"))
    file = profile.adopted_types.get(example.row["type"])
    if file is not None and not profile.schemas.decider(file)(value):
        pytest.fail(" but ".join(profile.schemas.explain(file, value)))


@pytest.mark.parametrize("example", STREAMS, ids=str)
def test_a_published_stream_violates_no_must(example: Published, tmp_path: Path) -> None:
    code, verdicts = _judged(example.path, example.system, tmp_path)
    silent = example.row["file"] == "keepalive.sse"  # a comment is no event
    assert (code, [one for one, verdict in verdicts.items() if verdict in ("FAIL", "ERROR")]) == (
        3 if silent else 0,
        [],
    )
    assert "PASS" in verdicts.values()


def test_the_published_stream_of_promptfloe_is_right_without_ids(tmp_path: Path) -> None:
    _, verdicts = _judged(_folder("promptfloe") / "build.ndjson", "promptfloe", tmp_path)
    assert [one for one, verdict in verdicts.items() if verdict == "WARN"] == []
    assert (verdicts["EVT-08"], verdicts["EVT-12"]) == ("PASS", "PASS")


def test_a_stream_that_differs_from_the_published_one_in_what_is_published_fails(tmp_path: Path) -> None:
    wrong = tmp_path / "build.ndjson"
    text = (_folder("promptfloe") / "build.ndjson").read_text(encoding="utf-8")
    wrong.write_text(text.replace('"appId"', '"app"'), encoding="utf-8")
    code, verdicts = _judged(wrong, "promptfloe", tmp_path)
    assert (code, [one for one, verdict in verdicts.items() if verdict == "FAIL"]) == (1, ["EVT-08"])
