"""The reference server as a candidate like any other: a process with a port, a database file and a control interface.

Must not know its insides: accounts, inputs and faults are what it prints.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet.contract.target import target_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target

SERVER = (sys.executable, "-m", "streamvet_server")
# It connects to nobody. When aiohttp is imported it reads every certificate of the system, a fifth of a server's start.
ENV = {"SSL_CERT_FILE": os.devnull}
CONTROL = "/_conformance"
DEFAULT_TIME_SCALE = 0.05  # three heartbeats of the slowest profile take 2.3 s
READY_MS = 20_000  # a Python process with aiohttp is up within a second; on a busy machine within some
# Further addresses of it: a run is started at one, joined at another, resumed at a third, cancelled at a fourth.
REPLICAS = 3
# It serves as many as one likes; the suite's own limit is the number of files that a process may have open (1,024).
MAX_CONCURRENCY = 500


class ServerMissingError(Exception):
    """The reference server cannot be asked: it is not installed, or it failed."""


class ServerExtraError(ServerMissingError):
    """What only the reference server needs is not installed; the text names the extra."""


# What only the server imports, as the extra `server` of the package has it.
_OF_SERVER = ("aiohttp", "jwt", "watchdog", "cryptography")


def need_server() -> None:
    """Nothing where the reference server can be started.

    Raises:
        ServerExtraError: where what it needs is not installed.
    """
    missing = [one for one in _OF_SERVER if find_spec(one) is None]
    if missing:
        said = "the reference server needs the extra `server`: pip install 'streamvet[server]'"
        raise ServerExtraError(f"{said}; not installed: {', '.join(missing)}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of its faults. `id` is None for an honest variant; a `generated` one no pinned stimulus shows.

    `seams` has for each profile the places of the server at which it takes hold. A `fixture` takes a profile that is
    made for it, as no built-in one asks for what it violates. `standing` has for each profile why no request can name
    it, None where one can. `rare`: it takes hold of some rare events alone.
    """

    name: str
    id: str | None
    profiles: tuple[str, ...]
    note: str
    honest: bool
    generated: bool = False
    seams: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fixture: bool = False
    standing: Mapping[str, str | None] = field(default_factory=dict)
    rare: bool = False


@dataclass(frozen=True, slots=True)
class Mode:
    """One legal form that it can serve. `breaks` has for a profile that promises more the requirement it violates."""

    name: str
    profiles: tuple[str, ...]
    note: str
    standard: str
    sentence: str
    breaks: Mapping[str, str] = field(default_factory=dict)


def _asked(what: str) -> Any:
    """What it prints as JSON for `--list-<what>`."""
    need_server()
    done = subprocess.run([*SERVER, f"--list-{what}", "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().rpartition("\n")[2]
        raise ServerMissingError(f"python -m streamvet_server --list-{what} failed with {done.returncode}: {said}")
    return json.loads(done.stdout)


def accounts() -> dict[str, Any]:
    """For each profile that it serves: credentials, and inputs for each kind of start."""
    found: dict[str, Any] = _asked("accounts")
    return found


def faults() -> list[Fault]:
    """The rows of its faults, in its order."""
    return [
        Fault(
            row["name"],
            row["id"],
            tuple(row["profiles"]),
            row["note"],
            row["honest"],
            row["generated"],
            {profile: frozenset(names) for profile, names in row["seams"].items()},
            row["fixture"],
            row["standing"],
            row["rare"],
        )
        for row in _asked("faults")
    ]


def modes() -> list[Mode]:
    """The rows of its modes, in its order."""
    return [Mode(**{**row, "profiles": tuple(row["profiles"])}) for row in _asked("modes")]


def reference(
    profile: str, given: dict[str, Any], folder: Path, ports: Sequence[int], *, time_scale: float,
    faults: Iterable[str] = (),
) -> tuple[Target, Profile]:  # fmt: skip
    """A target that starts the server for one profile.

    `given` is its row of `accounts()`, `folder` is for its files, `ports` are those of `free_ports()`.
    """
    port, *further = ports
    command = [
        *SERVER, "--profile", profile, "--port", str(port),
        *(word for one in further for word in ("--also-at", str(one))),
        "--time-scale", str(time_scale), "--control",
        "--db", str(folder / f"{profile}-{port}.db"), *(word for name in faults for word in ("--fault", name)),
    ]  # fmt: skip
    directory = folder / f"{profile}-{port}"
    directory.mkdir(exist_ok=True)
    raw = {
        "profile": profile, "base_url": f"http://127.0.0.1:{port}",
        "replicas": [f"http://127.0.0.1:{one}" for one in further], "control": CONTROL, "time_scale": time_scale,
        "max_concurrency": MAX_CONCURRENCY, "directory": str(directory.resolve()), **given,
        "launch": {
            "command": command, "cwd": str(Path.cwd()), "env": ENV, "ready": {"path": "/", "within_ms": READY_MS},
        },
    }  # fmt: skip
    return target_of(raw, folder / "reference.yaml")


# Below those that systems give to clients (from 32768 on Linux, from 49152 elsewhere): what is picked now, and listened
# on in a quarter of an hour, is no client's by then.
_PORTS = range(10_000, 32_768)
_taken: set[int] = set()  # a port that was free a moment ago is free for each caller


def free_ports() -> tuple[int, ...]:
    """The ports of one reference server: its own, and one for each of its replicas."""
    return tuple(free_port() for _ in range(1 + REPLICAS))


def free_port() -> int:
    """A port of the loopback address that nobody listens on, another one on each call."""
    while True:
        port = secrets.choice(_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            if port not in _taken:
                _taken.add(port)
                return port
