"""What the pages say about the reference server, tried: commands, and what its control interface takes.

Knows the pages and the command lines; it must not know how a system is implemented.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import httpx
import pytest

from streamvet.contract.folders import builtin_profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "reference-server.md"
README = ROOT / "README.md"
CONTROL_TABLES = (ROOT / "docs" / "spec" / "control.md", ROOT / "reference_server" / "README.md")
SHOWN_AT = "http://127.0.0.1:8787"
FINDING_PORT = "8080"
DEADLINE_S = 60.0  # the longest wait of these commands is 15 s: for a run that nobody reads


def _commands(system: str) -> list[str]:
    """Each block of commands about a system, as a script for a shell."""
    blocks = re.findall(r"^```console\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    scripts = [re.sub(r"^\$ ", "", block, flags=re.MULTILINE) for block in blocks]
    return [script for script in scripts if f"{SHOWN_AT}/{system}" in script]


class _Lines:
    """What a process prints, line by line."""

    def __init__(self, output: IO[str]) -> None:
        self.seen: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(output,), daemon=True).start()

    def _read(self, output: IO[str]) -> None:
        with contextlib.suppress(ValueError):  # closed, when the test is over
            for line in output:
                self._lines.put(line.rstrip("\r\n"))
        self._lines.put(None)

    def until(self, wanted: str) -> str:
        """The next line that has this text in it."""
        deadline = time.monotonic() + DEADLINE_S
        while (line := self._lines.get(timeout=max(deadline - time.monotonic(), 0.001))) is not None:
            self.seen.append(line)
            if wanted in line:
                return line
        raise AssertionError(f"no line with {wanted!r} in {self.seen}")


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[_Lines]:
    """A command and what it starts, ended together: a curl that reads for ever would hold the pipe."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            yield _Lines(process.stdout)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """All systems, as `streamvet serve` serves them."""
    command = [sys.executable, "-m", "streamvet_server", "--port", "0"]
    with _running(command, tmp_path_factory.mktemp("server")) as lines:
        yield lines.until("listening on").rpartition(" ")[2]


def _shell(script: str, url: str) -> list[str]:
    bash = shutil.which("bash")
    assert bash is not None
    assert shutil.which("curl") is not None
    script = script.replace(SHOWN_AT, url).replace(".venv/bin/python", sys.executable)
    # As on a terminal: curl would keep the head of a stream until the first event.
    return ["stdbuf", "-oL", bash, "-c", script]


@pytest.mark.parametrize(
    ("system", "wanted"),
    {
        "promptfloe": ['"type":"chunk"', '"type":"done"'],
        "ghostly": ["event: status", "event: end"],
        "rockstar": ['"step":"storing"', '"step":"done"'],
        "agent-workspace": ["event: fleet_snapshot", "event: fleet_update"],
    }.items(),
)
def test_the_commands_show_a_stream(system: str, wanted: list[str], url: str, tmp_path: Path) -> None:
    (script,) = _commands(system)
    with _running(_shell(script, url), tmp_path) as lines:
        for text in wanted:
            lines.until(text)


def test_what_is_done_in_one_terminal_is_seen_in_the_other(url: str, tmp_path: Path) -> None:
    watch, act = _commands("cosma")
    with _running(_shell(watch, url), tmp_path) as watching:
        watching.until("HTTP/1.1 200")
        with _running(_shell(act, url), tmp_path) as acting:
            acting.until('"files_indexed":0')
        for opcode in ("watch_started", "queue_item_added", "queue_item_processing", "file_complete"):
            watching.until(f'"opcode":"{opcode}"')


class _Finding(NamedTuple):
    """What a section shows about a finding: the name of its target file, and its commands."""

    name: str
    commands: list[list[str]]


def _finding(page: Path, heading: str, port: int, folder: Path) -> _Finding:
    """The section, with another port, and a folder in which its commands run as they are shown."""
    section = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    section = section.replace(FINDING_PORT, str(port))
    blocks = re.findall(r"^```(yaml|console)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    (target,) = (text for language, text in blocks if language == "yaml")
    name = target.partition("\n")[0].removeprefix("# ")
    (folder / name).write_text(target, encoding="utf-8")
    (folder / ".venv").symlink_to(sys.prefix)
    texts = [text.replace("\\\n", "") for language, text in blocks if language == "console"]
    lines = [text.partition("\n")[0].removeprefix("$ ") for text in texts]
    return _Finding(name, [shlex.split(line) for line in lines])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def test_the_finding_of_each_page_is_found(tmp_path: Path) -> None:
    for folder in ("guide", "readme"):
        (tmp_path / folder).mkdir()
    guide = _finding(GUIDE, "Cause a finding", _free_port(), tmp_path / "guide")
    readme = _finding(README, "What a finding looks like", _free_port(), tmp_path / "readme")
    serve, run = guide.commands
    (launch,) = readme.commands
    assert run == [".venv/bin/streamvet", "run", guide.name, "--only", "CAT-05", "--budget", "0"]
    assert launch == [".venv/bin/streamvet", "run", readme.name, "--only", "CAT-05"]
    # Both wait the same 15 s, so at the same time; without generated tries, which would take both processors.
    with _running(serve, tmp_path / "guide") as serving:
        serving.until("listening on")
        with (
            _running(run, tmp_path / "guide") as of_guide,
            _running([*launch, "--budget", "0"], tmp_path / "readme") as of_readme,
        ):
            for said in (of_guide, of_readme):
                said.until("FAIL  CAT-05")
                said.until("not conformant at controlled (exit 1)")


def _listed(page: Path) -> dict[str, tuple[list[str], set[str]]]:
    """For each system what a page says that it `can`, and what its `fail` knows."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    heads = [line for line in lines if "| `can` |" in line and "| `fail` knows |" in line]
    (head,) = ([cell.strip() for cell in line.split("|")] for line in heads)
    can, fail = head.index("`can`"), head.index("`fail` knows")
    rows = [[cell.strip() for cell in line.split("|")] for line in lines[lines.index(heads[0]) + 1 :]]
    said = {}
    for row in rows[:5]:
        known = re.findall(r"(?:^|; |, )`(\w+)`", row[fail])
        said[row[1].lstrip("[").partition("]")[0]] = (re.findall(r"`(\w+)`", row[can]), set(known))
    return said


def test_control_takes_what_the_pages_list(tmp_path: Path) -> None:
    requests = [{"do": "fail", "what": what} for what in ("store", "rate", "load", "poll")]
    with _running([sys.executable, "-m", "streamvet_server", "--port", "0", "--control"], tmp_path) as lines:
        url = lines.until("listening on").rpartition(" ")[2]
        for page in CONTROL_TABLES:
            listed = _listed(page)
            assert set(listed) == set(builtin_profiles())
            for system, (can, known) in listed.items():
                ask = partial(httpx.post, f"{url}/{system}/_conformance")
                assert ask(json={"do": "describe"}).json()["can"] == can
                answers = {str(request["what"]): ask(json=request).status_code for request in requests}
                assert answers == {what: 200 if what in known else 400 for what in answers}, (page, system)
                others = {"script", "publish", "state"} - set(can)
                wrong = [ask(json={"do": do, "steps": [], "outcome": "hangs"}).status_code for do in sorted(others)]
                assert wrong == [400] * len(others)
