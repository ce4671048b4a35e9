"""A candidate that echoes secrets, in each spelling, at each place: no output, trace or case of the suite has one."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streamvet.recorder import Secrets
from streamvet.reference import free_port

from .echo.spellings import JWT, SECRET, SPELLINGS

pytestmark = pytest.mark.live

SERVER = Path(__file__).parent / "echo" / "server.py"
RUN_S = 180


def _target(folder: Path, first: str, **more: Any) -> Path:
    port = free_port()
    content: dict[str, Any] = {
        "profile": "ghostly", "base_url": f"http://127.0.0.1:{port}",
        "credentials": {"token": "${ECHO_OTHER_TOKEN}"},
        "other_credentials": {"email": "a@example.org", "password": "${ECHO_TOKEN}"},
        "inputs": {"run": {"succeeds": {"password": "${ECHO_TOKEN}"}}}, "max_starts": 4,
        "launch": {"command": [sys.executable, str(SERVER), first or str(port)], "ready": {"within_ms": 20_000}},
    }  # fmt: skip
    path = folder / "target.yaml"
    path.write_text(json.dumps(content | more), encoding="utf-8")
    return path


def _run(folder: Path, target: Path, *more: str) -> tuple[int, dict[str, bytes]]:
    """The exit code, and everything that left the command, by where it did."""
    outputs = {f"--{one}": str(folder / f"report.{one}") for one in ("json", "junitxml", "html", "badge")}
    files = [word for pair in outputs.items() for word in pair]
    arguments = ["run", str(target), "--max-wait", "1", "--trace-dir", str(folder / "traces"), *files, *more]
    env = os.environ | {"ECHO_TOKEN": SECRET, "ECHO_OTHER_TOKEN": JWT, "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "streamvet", *arguments], capture_output=True, check=False, timeout=RUN_S, env=env,
        cwd=folder,
    )  # fmt: skip
    left = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    del left["target.yaml"]
    return done.returncode, left | {"stdout": done.stdout, "stderr": done.stderr}


def _forms(spelling: str) -> set[bytes]:
    """A spelling as a report may have it: as it is, in JSON, in HTML."""
    plain = {spelling, json.dumps(spelling)[1:-1], json.dumps(spelling, ensure_ascii=False)[1:-1], repr(spelling)[1:-1]}
    return {one.encode() for one in plain | {html.escape(one) for one in plain}}


def _leaks(left: dict[str, bytes]) -> list[tuple[str, str]]:
    found = []
    for name, data in left.items():
        for spelling, text in SPELLINGS.items():
            forms = _forms(text if spelling.startswith("in base64") is False else text.rstrip("=")[4:-3])
            found += [(name, spelling)] if any(form in data for form in forms) else []
    return found


def test_what_is_echoed_leaves_nowhere(tmp_path: Path) -> None:
    code, left = _run(tmp_path, _target(tmp_path, ""), "--budget", "3")
    assert code in {1, 3}, left["stderr"]
    assert len([name for name in left if name.endswith(".trace.ndjson")]) >= 5
    assert {"report.json", "report.junitxml", "report.html", "report.badge"} <= left.keys()
    assert _leaks(left) == []
    assert b"xxxx" in left["report.json"]


def test_what_describe_answers_leaves_nowhere(tmp_path: Path) -> None:
    target = _target(tmp_path, "", control="/_conformance", time_scale=0.5)
    code, left = _run(tmp_path, target)
    assert (code, _leaks(left)) == (2, [])
    assert b"/can/0 in its answer: expected one of" in left["stderr"]


def test_what_a_candidate_prints_that_dies_leaves_nowhere(tmp_path: Path) -> None:
    code, left = _run(tmp_path, _target(tmp_path, "dies"))
    assert (code, _leaks(left)) == (3, [])
    assert b"it printed" in left["stderr"]


def test_what_is_said_of_a_wrong_target_leaves_nowhere(tmp_path: Path) -> None:
    code, left = _run(tmp_path, _target(tmp_path, "", credentials={"token": SECRET}))
    assert (code, _leaks(left)) == (2, [])
    assert b"/credentials/token: expected a match" in left["stderr"]


def test_a_jwt_alone_is_masked_too() -> None:
    known = Secrets()
    known.add(JWT)
    for name, text in SPELLINGS.items():
        if "JWT" in name:
            assert not _leaks({"body": known.mask(f'"\\n{text}"'.encode())})


@pytest.mark.parametrize("name", SPELLINGS)
def test_each_spelling_is_masked_at_its_length(name: str) -> None:
    known = Secrets()
    known.add(SECRET, JWT)
    text = SPELLINGS[name]
    body = f'{{"before": 1, "it": "{text}", "after": 2}}'.encode()
    masked = known.mask(body)
    assert len(masked) == len(body)
    assert masked.startswith(b'{"before": 1, "it": "')
    assert masked.endswith(b'", "after": 2}')
    assert not _leaks({"body": masked})
    assert masked != body
