"""The wheel: whole without a checkout, and without what only tests need.

Knows how to build it and what is in the repository; it must not know what the commands find.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from streamvet.trace.writing import dump

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120  # each takes a few seconds; a machine under load ten times as long
ROOMS = {
    "conformance/streamvet": "streamvet",
    "reference_server/streamvet_server": "streamvet_server",
    "schemas": "streamvet/schemas",
}
# Only tests read these.
LEFT_OUT = re.compile(r"^schemas/([^/]+/vectors|known/[^/]+/captures)/")
# Runs the command line of the unpacked wheel: whatever else is installed comes behind it.
COMMAND = "import sys; sys.path.insert(0, sys.argv.pop(1)); from streamvet.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    zipfile.ZipFile(file).extractall(folder / "unpacked")
    return folder / "unpacked"


def test_it_has_what_the_repository_has_but_for_what_tests_need(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOMS],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=TIMEOUT_S,
    ).stdout.splitlines()  # fmt: skip
    expected = set()
    for name in listed:
        room = next(one for one in ROOMS if name.startswith(f"{one}/"))
        if not LEFT_OUT.match(name) and (ROOT / name).exists():
            expected.add(ROOMS[room] + name.removeprefix(room))
    packed = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    assert {one for one in packed if ".dist-info/" not in one} == expected


def _streamvet(wheel: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the wheel, in a folder that is no checkout."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", COMMAND, str(wheel), *words],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip


def test_it_judges_a_trace_outside_of_the_repository(wheel: Path, tmp_path: Path) -> None:
    from streamvet.examples import examples  # noqa: PLC0415 - of the checkout: the wheel has its own

    bad = examples("SSE-01")[0].bad
    (tmp_path / "bad.trace.ndjson").write_text("".join(dump(bad)), encoding="utf-8")
    done = _streamvet(wheel, tmp_path, "judge", "bad.trace.ndjson", "--only", "SSE", "--json", "report.json")
    assert done.returncode == 1, done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert {one["id"] for one in report["verdicts"] if one["verdict"] == "FAIL"} == {"SSE-01"}


def test_it_explains_with_its_own_schemas(wheel: Path, tmp_path: Path) -> None:
    done = _streamvet(wheel, tmp_path, "explain", "CAT-03")
    assert (done.returncode, done.stdout[:6]) == (0, "CAT-03"), done.stderr
    assert "example:" in done.stdout
    where = "from streamvet.contract.files import schemas_folder; print(schemas_folder())"
    command = f"import sys; sys.path.insert(0, {str(wheel)!r}); {where}"
    said = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=TIMEOUT_S
    )
    assert Path(said.stdout.strip()) == wheel / "streamvet" / "schemas"


def test_what_a_plain_install_brings_is_what_the_suite_needs() -> None:
    """Large packages that few runs need are extras; a new one here is a decision."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=\[ ]", one)[0] for one in project["dependencies"]}
    assert names == {
        "httpx", "sniffio", "h2", "httpx-sse", "hypothesis", "jsonschema", "jsonschema-rs", "referencing", "pyyaml",
        "typer", "rich", "jinja2",
    }  # fmt: skip
