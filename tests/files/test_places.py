"""What is no file with some text in it: a device, a pipe, a loop of links, a bomb. Each is exit 2, soon and with words.

Each command runs in a process of its own, with a limit to its memory: a reader that takes all that comes would fail.
"""

from __future__ import annotations

import gzip
import os
import resource
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from streamvet.cli import call

from .made import TARGETS, trace_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOON_S = 60
# What the command takes by itself is some hundred MB of addresses; a bomb takes gigabytes.
MOST_BYTES = 2 * 1024**3


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _socket(folder: Path) -> Path:
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
    return folder / "socket"


def _loop(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


def _large(folder: Path) -> Path:
    with (folder / "large").open("wb") as file:
        file.truncate(1024**4)  # a hole: no disk is filled
    return folder / "large"


PLACES: dict[str, Callable[[Path], object]] = {
    "a device without an end": lambda _: "/dev/zero",
    "a pipe": _pipe,
    "a socket": _socket,
    "a loop of links": _loop,
    "a folder": lambda folder: folder,
    "a name of 5,000 characters": lambda _: "x" * 5000,
    "a path of 5,000 characters": lambda _: "x/" * 2500,
    "a terabyte": _large,
    "nothing": lambda folder: folder / "nothing",
}
# Each way in which a command reads a file.
WAYS = {
    "a target": ("run", "{}", "--wait", "0"),
    "a trace": ("judge", "{}"),
    "a capture": ("judge", "--raw", "sse", "--profile", "ghostly", "{}"),
    "waivers": ("judge", "trace", "--waivers", "{}"),
    "a case": ("replay", "{}", "http://127.0.0.1:9", "--profile", "ghostly"),
    "a profile": ("check-profile", "{}"),
    "a profile for a target": ("init", "--profile", "{}"),
}


def _run(arguments: list[str], stdin: bytes | None = None) -> tuple[int, str]:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))

    done = subprocess.run(
        [sys.executable, "-m", "streamvet", *arguments], capture_output=True, check=False, timeout=SOON_S, input=stdin,
        preexec_fn=limited,
    )  # fmt: skip
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_is_no_file(
    way: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trace").write_text(trace_text())
    name = str(PLACES[place](tmp_path))
    monkeypatch.chdir(tmp_path)
    code = call([name if word == "{}" else word for word in WAYS[way]])
    said = capsys.readouterr().err
    assert code == 2
    assert "expected" in said
    assert "got" in said


@pytest.mark.parametrize("file", ["profile.yaml", "events/line.schema.json"])
@pytest.mark.parametrize("place", ["a pipe", "a loop of links", "a terabyte"])
def test_a_part_of_a_profile_that_is_no_file(
    file: str, place: str, tmp_path: Path, builds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (builds / file).unlink()
    (builds / file).symlink_to(str(PLACES[place](tmp_path)))
    assert call(["check-profile", str(builds)]) == 2
    assert "expected" in capsys.readouterr().err


OUTPUTS = ("--json", "--junitxml", "--html", "--badge", "--trace-dir")


@pytest.mark.parametrize("option", OUTPUTS)
@pytest.mark.parametrize("place", ["a loop of links", "a name of 5,000 characters", "a path of 5,000 characters"])
def test_a_report_that_has_no_place(
    option: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "target.yaml").write_text(TARGETS["ghostly"])
    assert call(["run", "target.yaml", option, str(PLACES[place](tmp_path))]) == 2
    assert "expected" in capsys.readouterr().err


BOMBS = {
    "a bomb of one line": lambda: gzip.compress(bytes(3 * 1024**3 // 8), 1) * 8,
    "a bomb of empty lines": lambda: gzip.compress(b"\n" * 64 * 1024**2, 1) * 64,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb(bomb: str, tmp_path: Path) -> None:
    file = tmp_path / "bomb.trace.ndjson.gz"
    file.write_bytes(BOMBS[bomb]())
    code, said = _run(["judge", str(file)])
    assert (code, "expected at most" in said) == (2, True), said


@pytest.mark.parametrize("way", [("judge", "-"), ("judge", "--raw", "sse", "--profile", "ghostly", "-")])
def test_a_stdin_without_an_end(way: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m streamvet "$@" < /dev/zero', sys.executable, *way],
        capture_output=True, check=False, timeout=SOON_S,
    )  # fmt: skip
    assert (done.returncode, b"expected at most" in done.stderr) == (2, True), done.stderr


def test_a_variable_that_is_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(os.environ, "SURROGATE", os.fsdecode(b"a\xffb"))
    file = tmp_path / "target.yaml"
    file.write_text('{profile: ghostly, base_url: "http://127.0.0.1:9", credentials: {token: "${SURROGATE}"}}')
    assert call(["run", str(file)]) == 2
    assert "/credentials/token: expected Unicode text" in capsys.readouterr().err
