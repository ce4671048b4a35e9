"""The commands that the guide of the reference server prints, run against one: they give what the guide promises.

Knows the guide and the server's command line; it must not know how a system is implemented.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "reference-server.md"
SHOWN_AT = "http://127.0.0.1:8787"
DEADLINE_S = 30.0  # the longest wait of these commands is a poll of 3 s


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
