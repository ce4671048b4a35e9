"""One system of the reference server at the root, in a process of its own, for the readers of this room."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streamvet_server.listing import accounts

from .reading import DEADLINE_S, HERE, Reader, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

ROOT = Path(__file__).resolve().parents[2]
SCALE = 0.1  # a poll of agent-workspace takes 300 ms, and a connection of it lives 30 s


@dataclass(frozen=True)
class Server:
    """A server that serves one system, and who asks it."""

    popen: subprocess.Popen[str]
    profile: str
    url: str
    http: httpx.Client
    folder: Path

    @property
    def account(self) -> Any:
        """The credentials of the first account."""
        return accounts()[self.profile]["credentials"]

    def control(self, **document: Any) -> Any:
        """A request to the control interface."""
        answer = self.http.post("/_conformance", json=document)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.popen.terminate()
        return self.popen.wait(DEADLINE_S)

    def read(self, name: str, **given: str) -> AbstractContextManager[Reader]:
        """Run a reader of this system on it. `given` are its placeholders, with `_` for a blank."""
        placeholders = {key.replace("_", " "): value for key, value in given.items()}
        environment = {"API_KEY": self.account["token"]} if self.profile == "promptfloe" else {}
        return reading(HERE / self.profile / name, self.url, self.folder, placeholders, environment)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Server]]:
    """Start a server of a system and wait until it listens. Killed after the test."""
    with contextlib.ExitStack() as after:

        def start(profile: str) -> Server:
            options = ["--profile", profile, "--port", "0", "--control", "--time-scale", str(SCALE)]
            popen = subprocess.Popen(
                [sys.executable, "-m", "streamvet_server", *options],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / "reference_server")},
            )
            after.enter_context(popen)
            after.callback(popen.kill)
            assert popen.stdout is not None
            said = popen.stdout.readline()
            assert "listening on" in said
            url = said.split()[-1]
            http = after.enter_context(httpx.Client(base_url=url, timeout=DEADLINE_S, trust_env=False))
            return Server(popen, profile, url, http, tmp_path)

        yield start
