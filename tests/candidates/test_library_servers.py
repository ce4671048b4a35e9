"""Honest servers by the libraries that people use, as a black box: conformant, without a waiver, with --strict too.

Nothing in them was written for the suite. What the suite finds in one of them is a sentence that the server breaks, or
an error of the suite. A missing package fails these tests: see the Makefile.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.recorder import certificates

from streamvet.reference import free_port

from .test_black_box import run

pytestmark = pytest.mark.live

CANDIDATES = Path(__file__).resolve().parents[2] / "examples" / "candidates"
SERVERS = ("exports-starlette", "backups-express")


def target(name: str, folder: Path) -> Path:
    """The example's own target file, on a port that is free, with the Python that runs the tests."""
    port = free_port()
    content: dict[str, Any] = yaml.safe_load((CANDIDATES / name / "target.yaml").read_text(encoding="utf-8"))
    launch = content["launch"]
    content |= {"base_url": f"http://127.0.0.1:{port}", "profile": str(CANDIDATES / name / "profile")}
    command = [sys.executable if word == "python3" else word for word in launch["command"]]
    content["launch"] = launch | {"command": command, "cwd": str(CANDIDATES / name), "env": {"PORT": str(port)}}
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("options", [("--budget", "0"), ("--strict",)], ids=["pinned", "strict"])
@pytest.mark.parametrize("name", SERVERS)
def test_an_honest_server_is_conformant_at_black_box(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    code, verdicts, said = run(target(name, tmp_path), *options)
    found = {verdict: {rid for rid, row in verdicts.items() if row["verdict"] == verdict} for verdict in OUTCOMES}
    assert {row["verdict"] for row in verdicts.values()} <= set(OUTCOMES), said
    assert found["WARN"] == set(), said
    assert all("control interface" in verdicts[rid]["reason"] for rid in found["INCONCLUSIVE"]), said
    assert code == 0, said


def test_an_honest_server_is_conformant_by_http2_with_tls(tmp_path: Path) -> None:
    """The same application, served by hypercorn in the place of uvicorn."""
    certificates.make(tmp_path)
    path = target("exports-starlette", tmp_path)
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    address = content["base_url"].removeprefix("http://")
    files = ["--certfile", str(tmp_path / "server.pem"), "--keyfile", str(tmp_path / "server.key")]
    content["launch"]["command"] = [sys.executable, "-m", "hypercorn", "--bind", address, *files, "server:app"]
    content |= {"base_url": f"https://{address}", "http2": True, "tls": {"ca": "ca.pem"}}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    options = ("--budget", "0", "--only", "TRN-01", "--only", "TRN-04", "--only", "TRN-05")
    _, verdicts, said = run(path, *options, "--trace-dir", str(tmp_path / "traces"))
    assert {rid: row["verdict"] for rid, row in verdicts.items()} == dict.fromkeys(options[3::2], "PASS"), said
    heads = [
        row["http"]
        for file in (tmp_path / "traces").rglob("*.ndjson")
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
        if row["record"] == "head"
    ]
    assert set(heads) == {"HTTP/2"}


OUTCOMES = ("PASS", "WARN", "NOTE", "INCONCLUSIVE", "NOT_APPLICABLE")


@pytest.mark.parametrize("name", SERVERS)
def test_only_control_is_missing(name: str) -> None:
    content = yaml.safe_load((CANDIDATES / name / "target.yaml").read_text(encoding="utf-8"))
    assert not content.keys() & {"control", "lacks", "time_scale"}
    for inputs in content["inputs"].values():
        assert inputs.keys() == {"succeeds", "fails", "long"}
