"""The languages: how types are generated and compiled in each, and what they make of values.

A language is a function from a system, its cases and a folder to what comes back of each: a JSON value, or REFUSED.
What is needed and not installed is an `Absent`, with the reason. Must not know which case is valid.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.interop.cases import bundle, known, types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.interop.cases import Case

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
PEERS = ROOT / "tests" / "peers" / "node_modules" / ".bin"
QUICKTYPE = HERE / "node_modules" / ".bin" / "quicktype"
CRATES = Path("/usr/share/cargo/registry")  # where Debian puts the sources of its packages of crates
JARS = Path("/usr/share/java")  # where Debian puts those of libraries of Java
TIMEOUT_S = 600  # a compiler takes seconds, a cold one on a machine under load minutes
REFUSED = object()


class Absent(Exception):  # noqa: N818 - it is no error, but a reason
    """What a language needs is not installed."""


class Broken(Exception):  # noqa: N818 - what is broken is a generator or what it made
    """Types could not be generated, or what was generated does not compile."""


def _ran(command: Sequence[object], folder: Path, text: str | None = None, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, cwd=folder, timeout=TIMEOUT_S, input=text,
        env=dict(env) if env else None,
    )  # fmt: skip
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise Broken("\n".join([f"{Path(str(command[0])).name} exited {done.returncode}", *lines[-8:]]))
    return done.stdout


def _needs(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Absent(f"no {program}: install {package}")
    return found


def _needs_path(path: Path, how: str) -> Path:
    if not path.exists():
        raise Absent(f"no {path.name}: {how}")
    return path


def _answers(printed: str, cases: Sequence[Case]) -> list[Any]:
    """What a program printed for each case: a line of JSON each, `!` where it refused."""
    lines = printed.removesuffix("\n").split("\n")
    if len(lines) != len(cases):
        raise Broken(f"expected {len(cases)} lines, got {len(lines)}")
    return [REFUSED if line == "!" else json.loads(line) for line in lines]


# ------------------------------------------------------------------------------------------------ unions as they are


def typescript(system: str, cases: Sequence[Case], folder: Path) -> list[Any]:
    """json-schema-to-typescript, and the compiler: a value is refused where its literal does not compile."""
    _needs("node", "Node 20")
    for name in ("json2ts", "tsc"):
        _needs_path(PEERS / name, "run `npm ci --prefix tests/peers`")
    text = _ran([PEERS / "json2ts", bundle(system)], folder)
    (folder / "events.ts").write_text(text, encoding="utf-8")
    lines = [f'import type {{ {known(system)} }} from "./events.js";']
    lines += [f"export const v{index}: {known(system)} = {json.dumps(case.value)};" for index, case in enumerate(cases)]
    (folder / "values.ts").write_text("\n".join(lines), encoding="utf-8")
    options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--pretty", "false"]
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    _ran([PEERS / "tsc", *options, "events.ts"], folder)
    done = subprocess.run(
        [str(PEERS / "tsc"), *options, "values.ts"], capture_output=True, text=True, check=False, cwd=folder,
        timeout=TIMEOUT_S,
    )  # fmt: skip
    wrong = {int(line.partition("(")[2].partition(",")[0]) - 2 for line in done.stdout.splitlines() if line[0] == "v"}
    return [REFUSED if index in wrong else case.value for index, case in enumerate(cases)]


def python(system: str, cases: Sequence[Case], folder: Path) -> list[Any]:
    """datamodel-code-generator, with models of pydantic."""
    program = Path(sys.executable).parent / "datamodel-codegen"
    _needs_path(program, "run `pip install -e .[interop]`")
    options = ["--input-file-type", "jsonschema", "--output-model-type", "pydantic_v2.BaseModel", "--use-title-as-name"]
    options += ["--allow-extra-fields", "--target-python-version", "3.11"]
    _ran([program, "--input", bundle(system), *options, "--output", "events.py"], folder)
    shutil.copy(PROGRAMS / "convert.py.txt", folder / "convert.py")
    text = "\n".join(json.dumps(case.value) for case in cases)
    return _answers(_ran([sys.executable, "convert.py", known(system)], folder, text), cases)


# ------------------------------------------------------------------------------- types apart: a class for each of them


def _apart(cases: Sequence[Case]) -> str:
    return "".join(json.dumps({case.title: case.value}) + "\n" for case in cases)


def _of_member(answers: Sequence[Any], cases: Sequence[Case]) -> list[Any]:
    """What is at the member of the type; where nothing is, a value of null was refused by being lost."""
    found = [one if one is REFUSED else one.get(case.title) for one, case in zip(answers, cases, strict=True)]
    return [REFUSED if one is None else one for one in found]


def _generated(system: str, folder: Path, *options: object) -> None:
    _needs("node", "Node 20")
    _needs_path(QUICKTYPE, "run `npm ci --prefix tests/interop`")
    _ran([QUICKTYPE, "-s", "schema", "--top-level", "Events", *options, types(system)], folder)


def go(system: str, cases: Sequence[Case], folder: Path) -> list[Any]:
    """quicktype, and encoding/json of the standard library."""
    program = _needs("go", "golang-go")
    _generated(system, folder, "-l", "go", "--package", "main", "-o", "events.go")
    shutil.copy(PROGRAMS / "main.go.txt", folder / "main.go")
    (folder / "go.mod").write_text("module interop\n\ngo 1.19\n", encoding="utf-8")
    home = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    home["GOCACHE"] = os.environ.get("GOCACHE", str(folder / "cache"))  # shared, the standard library is compiled once
    _ran([program, "build", "-o", "interop", "."], folder, env=home)
    return _of_member(_answers(_ran([folder / "interop"], folder, _apart(cases)), cases), cases)


def rust(system: str, cases: Sequence[Case], folder: Path) -> list[Any]:
    """quicktype, and serde."""
    program = _needs("cargo", "cargo")
    _needs_path(CRATES, "install librust-serde-json-dev and librust-serde-derive-dev")
    for name in ("src", ".cargo"):
        (folder / name).mkdir()
    _generated(system, folder, "-l", "rust", "-o", "src/events.rs")
    shutil.copy(PROGRAMS / "main.rs", folder / "src" / "main.rs")
    shutil.copy(PROGRAMS / "Cargo.toml", folder)
    source = f'[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "{CRATES}"\n'
    (folder / ".cargo" / "config.toml").write_text(source, encoding="utf-8")
    built = Path(os.environ.get("CARGO_TARGET_DIR", folder / "target"))  # shared, serde is compiled once
    _ran([program, "build", "--offline", "--quiet"], folder)
    return _of_member(_answers(_ran([built / "debug" / "interop"], folder, _apart(cases)), cases), cases)


def java(system: str, cases: Sequence[Case], folder: Path) -> list[Any]:
    """quicktype, and Jackson."""
    compiler, machine = _needs("javac", "default-jdk-headless"), _needs("java", "default-jdk-headless")
    names = ("jackson-databind", "jackson-core", "jackson-annotations")
    jars = [_needs_path(JARS / f"{name}.jar", "install libjackson2-databind-java") for name in names]
    (folder / "events").mkdir()
    _generated(system, folder, "-l", "java", "--package", "events", "-o", "events/Events.java")
    converter = folder / "events" / "Converter.java"
    text = converter.read_text(encoding="utf-8")  # the Jackson of Debian 12 declares the wider exception
    converter.write_text(text.replace("throws JsonProcessingException", "throws IOException"), encoding="utf-8")
    (folder / "META-INF" / "services").mkdir(parents=True)
    (folder / "META-INF" / "services" / "com.fasterxml.jackson.databind.Module").write_text("Times", encoding="utf-8")
    for name in ("Main.java", "Times.java"):
        shutil.copy(PROGRAMS / name, folder)
    path = ":".join([".", *map(str, jars)])
    _ran(
        [compiler, "-cp", path, "-d", ".", "Main.java", "Times.java", *sorted((folder / "events").glob("*.java"))],
        folder,
    )
    return _of_member(_answers(_ran([machine, "-cp", path, "Main"], folder, _apart(cases)), cases), cases)


LANGUAGES: Mapping[str, Callable[[str, Sequence[Case], Path], list[Any]]] = {
    "TypeScript": typescript,
    "Python": python,
    "Go": go,
    "Rust": rust,
    "Java": java,
}
GENERATORS = {
    "TypeScript": "json-schema-to-typescript",
    "Python": "datamodel-code-generator",
    "Go": "quicktype",
    "Rust": "quicktype, serde",
    "Java": "quicktype, Jackson",
}
