"""Runs a reader of this room as a program of its own, and hands over what it prints, line by line.

A reader is a file in a system's folder. It is run as it stands but for the address in it and its `<placeholders>`.
Must not know what it should print.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HERE = Path(__file__).resolve().parent
UNDICI = HERE.parent / "peers" / "node_modules" / "undici"
INSTALL = "run `npm ci --prefix tests/peers` at the repository's root, with Node 20.18.1 or later, and install curl"
DEADLINE_S = 30.0  # Node and Python are there within a second; on a busy machine within some
# The address that each system's readers name, as its document does where it names one.
ADDRESSES = {
    "agent-workspace": "https://saas-factory.ai",
    "cosma": "http://localhost:60534",
    "ghostly": "http://localhost:4000",
    "promptfloe": "https://api.promptfloe.com",
    "rockstar": "https://rockstar.ninja",
}
# By what runs each kind of reader, and as which file.
NODE = ("node", "--import", (HERE / "page.mjs").as_uri())
COMMANDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    ".py": ((sys.executable,), ".py"),
    ".mjs": (NODE, ".mjs"),
    ".ts": (NODE, ".mjs"),  # Node 20 does not take types out by itself
    ".sh": (("sh",), ".sh"),
}
TYPES = {".ts": {"res.body!": "res.body"}}  # all that is TypeScript in them


@dataclass
class Reader:
    """A reader that runs."""

    popen: subprocess.Popen[str]
    printed: queue.SimpleQueue[str | None]
    complaints: Path

    def line(self, within_s: float = DEADLINE_S) -> str:
        """The next line that it prints.

        Raises:
            queue.Empty: none came within that time.
        """
        line = self.printed.get(timeout=within_s)
        assert line is not None, f"it has ended: {self.complaints.read_text()}"
        return line

    def until(self, wanted: Callable[[str], bool]) -> list[str]:
        """The lines up to the first one that is wanted."""
        lines = [self.line()]
        while not wanted(lines[-1]):
            lines.append(self.line())
        return lines

    def rest(self) -> list[str]:
        """The lines up to the reader's own end, with which it must be content."""
        lines = list(iter(lambda: self.printed.get(timeout=DEADLINE_S), None))
        assert self.popen.wait(DEADLINE_S) == 0, self.complaints.read_text()
        return lines


def text_of(path: Path, url: str, given: Mapping[str, str]) -> str:
    """A reader's text with another address, what stands for each placeholder, and without types."""
    text = path.read_text(encoding="utf-8")
    replaced = {ADDRESSES[path.parent.name]: url, **TYPES.get(path.suffix, {})}
    for old, new in {**replaced, **{f"<{name}>": value for name, value in given.items()}}.items():
        assert old in text, f"{path.name} has no {old}"
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def reading(
    path: Path, url: str, folder: Path, given: Mapping[str, str], environment: Mapping[str, str]
) -> Iterator[Reader]:
    """Run a reader on a server; ended afterwards, where it has not come to its end. `given` are its placeholders."""
    command, suffix = COMMANDS[path.suffix]
    missing = [program for program in (command[0], "curl") if shutil.which(program) is None]
    if missing or not UNDICI.is_dir():
        pytest.fail(f"{', '.join(missing) or 'undici'} is not installed: {INSTALL}", pytrace=False)
    program, complaints = folder / f"{path.stem}{suffix}", folder / "complaints.txt"
    program.write_text(text_of(path, url, given), encoding="utf-8")
    with complaints.open("w") as stderr:
        popen = subprocess.Popen(
            [*command, str(program)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
            # Print at once, in UTF-8, and ask no proxy for the way to this machine.
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "NO_PROXY": "*", **environment},
            start_new_session=True,  # so that curl goes with its shell
        )
    assert popen.stdout is not None
    printed: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    pump = threading.Thread(target=_pump, args=(popen.stdout, printed), daemon=True)
    pump.start()
    try:
        yield Reader(popen, printed, complaints)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait(DEADLINE_S)
        pump.join(DEADLINE_S)
        popen.stdout.close()


def _pump(stdout: TextIO, printed: queue.SimpleQueue[str | None]) -> None:
    for line in stdout:
        printed.put(line.rstrip("\n"))
    printed.put(None)
