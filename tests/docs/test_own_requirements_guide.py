"""The guide to requirements of one's own: its commands are run to the letter, and what it shows is in the example.

Knows the guide and the example's files; it must not know how a command is run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streamvet.contract.files import meta_validator

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "add-requirements-of-your-own.md"
EXAMPLE = Path("examples") / "systems" / "printshop"
SHOWN_PORT = "4200"
# What the guide's readers of Server-Sent Events are given, and the events with the blocks that they find there.
SSE_BODY = b'event: step\ndata: {"a":1}\n\n: ping\n\ndata: x\n\ndata: {"type":"done",\ndata: "b":2}\nid: 3\n\ndata: cut'
SSE_EVENTS = [
    ({"type": "step", "a": 1}, 'event: step\ndata: {"a":1}'),
    ({"type": "done", "b": 2}, 'data: {"type":"done",\ndata: "b":2}\nid: 3'),
]
TIMEOUT_S = 120  # a run takes five seconds; a machine under load ten times as long


def _blocks(language: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example as the repository has it, on a port that is free."""
    shutil.copytree(ROOT / EXAMPLE, tmp_path / EXAMPLE, ignore=shutil.ignore_patterns("__pycache__"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    target = tmp_path / EXAMPLE / "target.yaml"
    target.write_text(target.read_text("utf-8").replace(SHOWN_PORT, str(port)), "utf-8")
    return tmp_path


def _shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=folder, timeout=TIMEOUT_S,
        env=os.environ | {"PATH": path, "NO_COLOR": "1"},
    )  # fmt: skip


def _says(output: str, shown: list[str]) -> list[str]:
    """What of the lines that are shown does not come in the output, in this order."""
    lines = iter([line.strip() for line in output.splitlines()])
    return [one for one in shown if one.strip() not in lines]


@pytest.mark.live
def test_the_commands_do_what_is_shown(folder: Path) -> None:
    commands = [
        part.partition("\n")
        for block in _blocks("console")
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]
    assert [command.split()[1] for command, _, _ in commands] == [
        "check-profile", "run", "streamvet", "judge", "explain", "list",
    ]  # fmt: skip
    for command, _, shown in commands:
        done = _shell(command, folder)
        assert shown.splitlines(), command
        assert _says(done.stdout, shown.splitlines()) == [], (command, done.stdout, done.stderr)
        code = re.search(r"\(exit (\d)\)", shown)
        assert done.returncode == (int(code[1]) if code else 0), done.stderr


def test_what_is_shown_of_the_example_is_in_its_files() -> None:
    suffixes = {"yaml": ".yaml", "python": ".py", "js": ".mjs"}
    texts = {
        language: "\n".join(path.read_text("utf-8") for path in sorted((ROOT / EXAMPLE).rglob(f"*{suffix}")))
        for language, suffix in suffixes.items()
    }
    strange = [
        block for language, text in texts.items() for block in _blocks(language)
        if block not in text and "[node, check.mjs]" not in block and "an SSE stream" not in block
    ]  # fmt: skip
    assert strange == []
    assert [len(_blocks(language)) for language in texts] == [4, 2, 2]


def test_the_lines_that_are_shown_are_outcomes() -> None:
    (block,) = _blocks("text")
    rows = [json.loads(line) for line in block.splitlines()]
    assert [[error.message for error in meta_validator("outcome").iter_errors(row)] for row in rows] == [[]] * 3


def test_the_events_of_an_sse_stream() -> None:
    (block,) = (one for one in _blocks("python") if "an SSE stream" in one)
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102 - what the guide shows
    names["json"] = json
    found = [(event, SSE_BODY[start:end]) for event, (start, end) in names["events"]({"body": SSE_BODY})]
    assert found == [(event, block.encode()) for event, block in SSE_EVENTS]


def test_the_events_of_an_sse_stream_in_javascript() -> None:
    (block,) = (one for one in _blocks("js") if "an SSE stream" in one)
    program = f"const body = Buffer.from({json.dumps(SSE_BODY.decode())});\n{block}"
    program += "for (const one of events({ body })) console.log(JSON.stringify(one));"
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    found = [(row["event"], SSE_BODY[row["span"][0] : row["span"][1]].decode()) for row in rows]
    assert found == SSE_EVENTS


@pytest.mark.live
def test_a_check_is_run_by_hand_on_a_recording(folder: Path) -> None:
    (command,) = _blocks("sh")
    options = "--allow-commands --only PRINT --budget 0 --trace-dir traces"
    assert _shell(f"streamvet run {EXAMPLE}/target.yaml {options}", folder).returncode == 0
    recordings = sorted((folder / "traces").glob("*.trace.ndjson"))
    assert recordings
    for program in ("python3 check.py", "node check.mjs"):
        by_hand = command.replace("python3 check.py", program).replace("traces/7.trace.ndjson", str(recordings[-1]))
        done = _shell(f"cd {EXAMPLE} && {by_hand}", folder)
        assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["PRINT-01", "PRINT-02"], done.stderr


def test_in_javascript_the_same_is_proved(folder: Path) -> None:
    (line,) = (block for block in _blocks("yaml") if "[node, check.mjs]" in block)
    own = folder / EXAMPLE / "requirements.yaml"
    text = own.read_text("utf-8")
    changed = text.replace("  check: {command: [python3, check.py]}\n", line)
    assert changed.count("check.mjs") == 2
    own.write_text(changed, "utf-8")
    done = _shell(f"streamvet check-profile {EXAMPLE} --allow-commands", folder)
    assert (done.returncode, "2 requirements of its own, proved by 3 example traces" in done.stdout) == (0, True), done
