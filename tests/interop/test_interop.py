"""The matrix is of the vectors that there are, each valid one survives, and the commands of the guide do what it says.

Knows the matrix and the guide; it must not know how a language is tried.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streamvet.contract.folders import builtin_profiles

from .__main__ import FILE, row
from .cases import SCHEMAS, Case, cases, survives, types
from .languages import LANGUAGES, PEERS, QUICKTYPE
from .limits import LIMITS, why

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "use-the-schemas.md"
TIMEOUT_S = 300  # each takes a few seconds; a machine under load ten times as long


def _rows() -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["system"], one["language"]): one for one in json.loads(FILE.read_text(encoding="utf-8"))}


def test_the_matrix_has_every_system_in_every_language_and_loses_only_what_is_known() -> None:
    rows = _rows()
    assert set(rows) == {(system, language) for system in builtin_profiles() for language in LANGUAGES}
    for (system, language), one in rows.items():
        if "skipped" in one:
            assert one["skipped"].startswith("no "), (system, language)
            continue
        lost = [path for path in one.get("lost", ()) if why(language, path) is None]
        assert (one.get("broken"), lost) == (None, []), (system, language)
        tried = cases(system)
        valid = sum(case.valid for case in tried)
        assert (one["valid"], one["invalid"]) == (valid, len(tried) - valid), (system, language)
        assert one["refused"] > 0, (system, language)


def test_each_limit_is_one_that_the_matrix_shows() -> None:
    lost = [(language, path) for (_, language), one in _rows().items() for path in one.get("lost", ())]
    parts = {(language, part) for language, limits in LIMITS.items() for part in limits}
    assert {(language, part) for language, part in parts if not any(part in path for _, path in lost)} == set()


@pytest.mark.parametrize("system", builtin_profiles())
def test_every_known_type_is_tried_with_valid_and_invalid_vectors(system: str) -> None:
    titles = set(json.loads(types(system).read_text(encoding="utf-8"))["properties"])
    assert {case.title for case in cases(system) if case.valid} == titles
    assert {case.title for case in cases(system) if not case.valid} == titles


BACK = {
    "the same": ({"type": "chunk", "delta": "a"}, True),
    "without a key that no schema names": ({"type": "chunk", "delta": "a", "note": None}, True),
    "another value": ({"type": "chunk", "delta": "b"}, False),
    "a key lost": ({"type": "chunk"}, False),
    "a key that is null": ({"type": "chunk", "delta": None}, False),
    "no object": ("chunk", False),
}


@pytest.mark.parametrize(("back", "wanted"), BACK.values(), ids=BACK)
def test_what_survives_is_what_the_schema_names(back: Any, wanted: bool) -> None:
    case = Case("", "ChunkEvent", {"type": "chunk", "delta": "a", "further": 1}, valid=True)
    assert survives("promptfloe", case, back) is wanted


def test_a_time_survives_in_another_form() -> None:
    case = Case("", "EndEvent", {"kind": "end", "at": "2026-01-02T03:04:05.000Z"}, valid=True)
    assert survives("ghostly", case, {"kind": "end", "at": "2026-01-02T04:04:05+01:00"})
    assert not survives("ghostly", case, {"kind": "end", "at": "2026-01-02T03:04:05+01:00"})


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_row_is_made_again_as_it_stands(language: str) -> None:
    made = row("rockstar", language)
    if "skipped" in made:
        pytest.skip(made["skipped"])
    assert made == _rows()["rockstar", language]


def _commands() -> list[list[str]]:
    section = GUIDE.read_text(encoding="utf-8").partition("\n## Types\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```console\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").removeprefix("$ ").split("\n$ ")
    return [shlex.split(line) for line in lines]


@pytest.mark.long
@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_a_command_of_the_guide_writes_its_file(command: list[str], tmp_path: Path) -> None:
    programs = {
        "json-schema-to-typescript": PEERS / "json2ts",
        "quicktype": QUICKTYPE,
        "datamodel-codegen": Path(sys.executable).parent / "datamodel-codegen",
    }
    name, *arguments = command[1:] if command[0] == "npx" else command
    if not programs[name].exists():
        pytest.skip(f"{name} is not installed: make interop")
    shutil.copytree(SCHEMAS / "promptfloe", tmp_path / "schemas" / "promptfloe")
    written = tmp_path / (arguments[arguments.index("-o") + 1] if "-o" in arguments else arguments[-1])
    written = tmp_path / "events.py" if "--output" in arguments else written
    written.parent.mkdir(exist_ok=True)
    done = subprocess.run(
        [str(programs[name]), *arguments], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=TIMEOUT_S
    )
    assert (done.returncode, written.exists()) == (0, True), done.stderr
    assert "ChunkEvent" in "".join(
        path.read_text(encoding="utf-8") for path in written.parent.iterdir() if path.is_file()
    )
