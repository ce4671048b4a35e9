"""The guide to the schemas: its programs are run as it shows them, and what it says of files and vectors holds.

Knows the guide, the files below `schemas/`, and how to start Node; it must not know what the schemas say.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
GUIDE = ROOT / "docs" / "guides" / "use-the-schemas.md"
PEERS = ROOT / "tests" / "peers"
INSTALL = f"run `npm ci --prefix {PEERS.relative_to(ROOT)}` at the repository's root, with Node 20.18.1 or later"
TIMEOUT_S = 60  # each takes a second; a machine under load ten


def _node() -> str:
    program = shutil.which("node")
    if program is None or not (PEERS / "node_modules" / "ajv").is_dir():
        pytest.fail(f"Node or ajv is not installed: {INSTALL}", pytrace=False)
    return program


def _section(heading: str) -> tuple[str, list[str], str]:
    """A section's program, the arguments that it is given, and what it then prints."""
    text = GUIDE.read_text(encoding="utf-8").partition(f"\n## In {heading}\n")[2].partition("\n## ")[0]
    (program,) = re.findall(r"^```(?:js|python)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ((command, printed),) = re.findall(r"^```console\n\$ (.*?[^\\])\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return program, command.replace("\\\n", "").split()[2:], printed


def _folder(tmp_path: Path) -> Path:
    """A folder with the schemas and what npm has installed: where the programs are run."""
    (tmp_path / "schemas").symlink_to(SCHEMAS)
    (tmp_path / "node_modules").symlink_to(PEERS / "node_modules")
    return tmp_path


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=TIMEOUT_S)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def _program(heading: str, folder: Path) -> list[str]:
    program, _, _ = _section(heading)
    name = "check.mjs" if heading == "JavaScript" else "check.py"
    assert program.partition("\n")[0].endswith(name)
    (folder / name).write_text(program, encoding="utf-8")
    return [_node() if heading == "JavaScript" else sys.executable, name]


@pytest.mark.parametrize("heading", ["JavaScript", "Python"])
def test_a_program_prints_what_is_shown(heading: str, tmp_path: Path) -> None:
    _, arguments, printed = _section(heading)
    folder = _folder(tmp_path)
    assert _run([*_program(heading, folder), *arguments], folder) == printed


def _tells(vector: Path) -> bool:
    """Whether it says its type: a text does not, such as ghostly's heartbeat."""
    return not vector.name.startswith("ping.")


@pytest.mark.parametrize(("heading", "system"), [("JavaScript", "promptfloe"), ("Python", "ghostly")])
def test_a_program_tells_every_valid_event_from_every_invalid_one(heading: str, system: str, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    valid, invalid = (
        [
            str(path.relative_to(ROOT))
            for path in sorted(SCHEMAS.glob(f"{system}/vectors/{kind}/*.json"))
            if _tells(path)
        ]
        for kind in ("valid", "invalid")
    )
    told = dict(
        line.split(": ", 1)
        for line in _run([*_program(heading, folder), *valid, *invalid], folder).splitlines()
        if line.startswith("schemas/")
    )
    assert list(told) == valid + invalid
    assert [path for path, said in told.items() if said == "valid"] == valid


@pytest.mark.parametrize("program", ["schemas.mjs", "hyperjump.mjs"])
def test_the_validators_of_others_take_and_refuse_the_same_vectors(program: str) -> None:
    """Those are ajv and @hyperjump/json-schema; jsonschema and jsonschema-rs have tests of their own."""
    told = json.loads(_run([_node(), str(PEERS / program), str(SCHEMAS)], ROOT))
    for outcome, kind in {"taken": "valid", "refused": "invalid"}.items():
        wanted = {
            path.relative_to(SCHEMAS).as_posix()
            for vectors in SCHEMAS.glob("*/vectors")
            for path in [*vectors.glob(f"{kind}/*"), *vectors.glob(f"*/{kind}/*")]
        }
        assert set(told[outcome]) == wanted


@pytest.mark.parametrize("name", builtin_profiles())
def test_the_name_of_a_type_is_that_of_its_schema(name: str) -> None:
    profile = load_profile(name)
    files = {path.name for path in (SCHEMAS / name / "events").iterdir()}
    for kind, file in {**profile.types, **profile.groups}.items():
        whole, first = (f"{part}.schema.json" for part in (kind, kind.partition(".")[0]))
        assert file == f"events/{whole if whole in files else first}"
    assert {f"events/{one}" for one in files} == {*profile.types.values(), *profile.groups.values()}
