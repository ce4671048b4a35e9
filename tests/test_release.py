"""What a release needs: one version and one revision in all places; and that files of CI systems are what they say."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import streamvet
from streamvet.contract.registry import load_registry
from streamvet.reference import free_port

ROOT = Path(__file__).resolve().parents[1]
_RELEASE = runpy.run_path(str(ROOT / "scripts" / "release.py"))
versions, revisions, wrong_with = _RELEASE["versions"], _RELEASE["revisions"], _RELEASE["wrong_with"]
_PLACES = ("pyproject.toml", "conformance/streamvet/version.py", "CHANGELOG.md", "schemas/requirements.yaml")


def test_the_version_is_the_same_in_all_places() -> None:
    assert set(versions().values()) == {streamvet.__version__}


def test_the_revision_is_the_same_in_all_places() -> None:
    assert set(revisions().values()) == {str(load_registry().revision)}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that name a version, ready for a release."""
    for name in _PLACES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    changelog = tmp_path / "CHANGELOG.md"
    said = changelog.read_text(encoding="utf-8").replace(
        "## [Unreleased]", f"## [{streamvet.__version__}] - 2030-01-31"
    )
    changelog.write_text(said, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("place", "old", "new", "told"),
    [
        ("pyproject.toml", f'version = "{streamvet.__version__}"', 'version = "9.9.9"', "pyproject.toml: expected"),
        ("conformance/streamvet/version.py", "VERSION = ", "OTHER = ", "version.py: expected"),
        ("CHANGELOG.md", " - 2030-01-31", "", "a section"),
        ("schemas/requirements.yaml", "revision: ", "revision: 9", "the revision of the specification"),
    ],
)
def test_a_release_is_refused_where_a_place_says_otherwise(
    place: str, old: str, new: str, told: str, copy: Path
) -> None:
    tag = f"v{streamvet.__version__}"
    assert wrong_with(tag, copy) == []
    path = copy / place
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    (wrong,) = wrong_with(tag, copy)

    assert told in wrong


def test_a_tag_of_another_version_is_refused(copy: Path) -> None:
    assert len(wrong_with("v9.9.9", copy)) == 4  # three places, and a section of the changelog


# ------------------------------------------------------------------------------------------------ files of CI systems

FILES = {
    ".github/workflows/release.yml": "vendor.github-workflows",
    "examples/ci/github.yml": "vendor.github-workflows",
    "action.yml": "vendor.github-actions",
    "examples/ci/gitlab.yml": "vendor.gitlab-ci",
}


def _validated(path: Path, schema: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "schema"), FILES.items(), ids=FILES)
def test_a_file_of_a_ci_system_is_as_its_published_schema_says(name: str, schema: str) -> None:
    done = _validated(ROOT / name, schema)

    assert done.returncode == 0, done.stdout


def test_the_schema_refuses_a_step_that_is_none(tmp_path: Path) -> None:
    raw = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    raw["runs"]["steps"][1]["shel"] = raw["runs"]["steps"][1].pop("shell")
    path = tmp_path / "action.yml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")

    assert _validated(path, "vendor.github-actions").returncode == 1


def _steps() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    return steps


def test_no_script_of_the_action_has_an_input_in_its_text() -> None:
    scripts = [step["run"] for step in _steps() if "run" in step]

    assert len(scripts) == 2
    assert not [one for one in scripts if "${{" in one]


@pytest.mark.parametrize(("fault", "code"), [("", 0), ("1", 1)])
@pytest.mark.live
def test_the_action_checks_and_reports(fault: str, code: int, tmp_path: Path) -> None:
    """Its step, as a runner would perform it; the step before it, which installs, is what other tests do."""
    shop = ROOT / "examples" / "systems" / "printshop"
    target = yaml.safe_load((shop / "target.yaml").read_text(encoding="utf-8"))
    port = str(free_port())
    target |= {"profile": str(shop), "base_url": f"http://127.0.0.1:{port}", "allow_commands": True}
    target["launch"]["command"] = [sys.executable, str(shop / "server.py"), port]
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "target.yaml").write_text(yaml.safe_dump(target), encoding="utf-8")
    program = tmp_path / "streamvet" / "bin" / "streamvet"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m streamvet "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (step,) = [one for one in _steps() if one.get("id") == "check"]
    files = {"GITHUB_OUTPUT": tmp_path / "output", "GITHUB_STEP_SUMMARY": tmp_path / "summary.md"}
    env = {
        **os.environ, **{name: str(path) for name, path in files.items()}, "RUNNER_TEMP": str(tmp_path),
        "GITHUB_ACTIONS": "true", "MISCOUNT": fault, "STREAMVET_TARGET": "a/*/target.yaml",
        "STREAMVET_ARGS": "--only PRINT-01 --examples 0",
    }  # fmt: skip

    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]], cwd=tmp_path, env=env, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert done.returncode == code, done.stdout + done.stderr
    folder = tmp_path / "streamvet-report"
    assert files["GITHUB_OUTPUT"].read_text(encoding="utf-8") == f"exit-code={code}\nreport={folder}\n"
    assert {"report.html", "report.json", "report.xml", "traces"} == {one.name for one in folder.iterdir()}
    summary = files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    assert summary.startswith("### ❌ printshop: not conformant" if fault else "### ✅ printshop: no violation in")
    assert done.stdout.count("::error title=PRINT-01 on printshop::") == code
