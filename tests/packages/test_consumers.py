"""The npm package and the Python types, as a program that is not ours has them: packed, installed, compiled.

Knows how to start npm, Node and mypy; it must not know what the schemas say.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

from streamvet.contract.folders import builtin_profiles

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
SCHEMAS = ROOT / "schemas"
PEERS = ROOT / "tests" / "peers"
COMPILER = PEERS / "node_modules" / "typescript" / "bin" / "tsc"
INSTALL = f"run `npm ci --prefix {PEERS.relative_to(ROOT)}` at the repository's root, with Node 20.18.1 or later"
OPTIONS = ["--strict", "--noEmit", "--skipLibCheck", "false", "--module", "nodenext", "--target", "es2022"]
TIMEOUT_S = 120  # each takes a few seconds; a machine under load ten times as long


def _ran(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None or not COMPILER.exists():
        pytest.fail(f"{name} or the compiler of TypeScript is not installed: {INSTALL}", pytrace=False)
    return found


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has the package as npm packs it, and nothing else."""
    folder = tmp_path_factory.mktemp("consumer")
    shutil.copytree(SCHEMAS, folder / "repository" / "schemas", ignore=shutil.ignore_patterns("vectors", "traces"))
    shutil.copy(ROOT / "LICENSE", folder / "repository")
    _ran([_program("npm"), "pack", "--silent", "--pack-destination", str(folder)], folder / "repository" / "schemas")
    (packed,) = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    (folder / "node_modules").mkdir()
    (folder / "package").rename(folder / "node_modules" / "streamvet-schemas")
    (folder / "package.json").write_text('{"type": "module", "private": true}', encoding="utf-8")
    for name in ("consumer.ts", "all.ts"):
        shutil.copy(HERE / name, folder)
    return folder


def test_the_package_has_the_schemas_and_types_and_nothing_else(consumer: Path) -> None:
    package = consumer / "node_modules" / "streamvet-schemas"
    packed = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    schemas = {path.relative_to(SCHEMAS).as_posix() for path in SCHEMAS.rglob("*.schema.json")}
    types = {f"{name}/index.d.ts" for name in builtin_profiles()} | {"index.d.ts"}
    profiles = {path.relative_to(SCHEMAS).as_posix() for path in SCHEMAS.rglob("profile.yaml")}
    documents = {path.relative_to(SCHEMAS).as_posix() for path in SCHEMAS.glob("openapi/*.json")}
    assert packed == schemas | types | profiles | documents | {"package.json", "README.md", "LICENSE"}


def test_its_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = json.loads((SCHEMAS / "package.json").read_text(encoding="utf-8"))
    assert (package["version"], package["license"]) == (project["version"], project["license"])


def test_a_program_compiles_with_an_exhaustive_switch(consumer: Path) -> None:
    """What must not compile is marked in it: a mark where there is no error is one."""
    assert _ran([_program("node"), str(COMPILER), *OPTIONS, "consumer.ts"], consumer) == ""


def test_node_imports_its_json(consumer: Path) -> None:
    name = "streamvet-schemas/agent-workspace/events.bundle.schema.json"
    program = f'import schema from "{name}" with {{ type: "json" }}; console.log(schema.title);'
    command = [_program("node"), "--no-warnings", "--input-type=module", "--eval", program]
    assert _ran(command, consumer) == "AgentWorkspaceEvent\n"


def test_a_program_passes_mypy_with_the_types_of_python(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(tmp_path),
        "--config-file",
        "",
        "consumer.py",
    ]
    environment = {"MYPYPATH": str(ROOT / "conformance"), "PATH": ""}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=HERE, timeout=TIMEOUT_S, env=environment
    )
    assert (done.returncode, done.stdout) == (0, "Success: no issues found in 1 source file\n"), done.stdout


def test_a_generator_of_types_finds_one_name_for_each_thing() -> None:
    """A union that is put together by hand has the ids of promptfloe's events once a type: 28 aliases with numbers."""
    bundles = sorted(SCHEMAS.glob("*/*.bundle.schema.json"))
    told = json.loads(_ran([_program("node"), str(PEERS / "types.mjs"), *map(str, bundles)], ROOT))
    assert len(told) == len(bundles) >= 5
    for path in bundles:
        content = json.loads(path.read_text(encoding="utf-8"))
        named = set(content["$defs"]) | {content["title"]}
        assert named <= set(told[str(path)])
        assert [name for name in told[str(path)] if name[-1].isdigit()] == []
