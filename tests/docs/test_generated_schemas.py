"""What `scripts/schemas.py` writes is there, and the base of every `$id` can be set in one place.

Knows the script and the files; it must not know what the schemas say.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mkdocs.config import load_config
from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[2]


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "schemas.py"), "--root", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the script reads and writes."""
    for name in ("schemas", "conformance/streamvet/types"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("vectors", "traces"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    return tmp_path


def test_what_is_generated_is_what_the_contract_says() -> None:
    done = _run(ROOT, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_change_of_a_schema_and_a_stray_file_are_found(copy: Path) -> None:
    event = copy / "schemas" / "rockstar" / "events" / "storing.schema.json"
    event.write_text(event.read_text(encoding="utf-8").replace("for a human", "for a person"), encoding="utf-8")
    (copy / "schemas" / "rockstar" / "all.schema.json").write_text("{}", encoding="utf-8")
    found = _run(copy, "--check")
    named = re.findall(r"^(\S+) is not what the contract says", found.stderr, re.MULTILINE)
    assert found.returncode == 1
    assert "schemas/rockstar/all.schema.json" in named
    assert "schemas/rockstar/events.bundle.schema.json" in named
    assert {name.split("/")[1] for name in named if name.startswith("schemas/")} >= {"rockstar"}
    assert not [name for name in named if "ghostly" in name]
    assert _run(copy).returncode == 0
    assert (_run(copy, "--check").returncode, (copy / "schemas/rockstar/all.schema.json").exists()) == (0, False)


def test_the_base_of_every_id_is_said_once(copy: Path) -> None:
    site = copy / "mkdocs.yml"
    text = site.read_text(encoding="utf-8")
    own = re.sub(r"^site_url: .*$", "site_url: https://example.org/streams/", text, flags=re.MULTILINE)
    site.write_text(own, encoding="utf-8")
    assert _run(copy, "--check").returncode == 1
    assert _run(copy).returncode == 0
    files = sorted((copy / "schemas").rglob("*.schema.json"))
    assert len(files) > 150
    start = "https://example.org/streams/schemas/v1/"
    ids = {path: json.loads(path.read_text(encoding="utf-8"))["$id"] for path in files}
    assert ids == {path: start + path.relative_to(copy / "schemas").as_posix() for path in files}
    host = re.findall(r"^site_url: https://([^/\s]+)", text, re.MULTILINE)
    assert len(host) == 1
    assert [path for path in sorted(copy.rglob("*")) if path.is_file() and host[0].encode() in path.read_bytes()] == []


def test_the_site_serves_each_schema_at_the_address_that_it_says() -> None:
    config = load_config(str(ROOT / "mkdocs.yml"))
    files = config.plugins.run_event("files", Files([]), config=config)
    served = {file.src_uri: Path(str(file.abs_src_path)) for file in files}
    (start,) = re.findall(r"^site_url: (\S+/)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    ids = {path: json.loads(path.read_text())["$id"] for path in (ROOT / "schemas").rglob("*.schema.json")}
    assert {path: start + place for place, path in served.items() if path.name.endswith(".schema.json")} == ids
