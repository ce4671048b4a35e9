"""Real proxies in front of the reference server: those that hold a stream back are named for it, the others are clean.

nginx, HAProxy and Apache httpd are packages of Debian, which `.ci/run` installs; `compression` is one of npm.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from streamvet.reference import free_port

from .test_black_box import SCALE, SERVER, run, target

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.live

HERE = Path(__file__).parent / "proxies"
UP_S = 30.0
PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/bin"
# The program of each proxy, its configuration, and what it serves there: a name of a port.
PROGRAMS = {
    "nginx": ("nginx.conf", ["-c", "{file}"]),
    "haproxy": ("haproxy.cfg", ["-db", "-f", "{file}"]),
    "apache2": ("apache.conf", ["-D", "FOREGROUND", "-f", "{file}"]),
}
SERVED = {
    "nginx": ("honours", "buffers", "http_1_1", "passes_on", "gzips", "cuts_idle"),
    "haproxy": ("passes_on", "gzips", "cuts_idle"),
    "apache2": ("passes_on", "gzips"),
}


def _up(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens there."""
    deadline = time.monotonic() + UP_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, process.args
        assert time.monotonic() < deadline, process.args


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _up(port, process)
        yield
    finally:
        process.terminate()
        process.wait(UP_S)


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    """The port of the reference server with its control interface."""
    port = free_port()
    options = ["--profile", "ghostly", "--control", "--time-scale", str(SCALE), "--port", str(port)]
    with _running([*SERVER, *options], port):
        yield port


@pytest.fixture(scope="module")
def proxies(upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, int]]]:
    """The ports of every proxy, by its program and by how it passes a stream on."""
    with contextlib.ExitStack() as stack:
        found: dict[str, dict[str, int]] = {}
        for name, (template, options) in PROGRAMS.items():
            program = shutil.which(name, path=PATH)
            if program is None:
                continue
            folder = tmp_path_factory.mktemp(name)
            ports = {one: free_port() for one in SERVED[name]}
            file = folder / template
            text = (HERE / template).read_text(encoding="utf-8")
            file.write_text(text.format(folder=folder, upstream=upstream, **ports), encoding="utf-8")
            command = [program, *(one.format(file=file) for one in options)]
            stack.enter_context(_running(command, next(iter(ports.values()))))
            found[name] = ports
        port = free_port()
        command = ["node", str(HERE / "compression.mjs"), str(port), str(upstream)]
        stack.enter_context(_running(command, port))
        yield found | {"compression": {"compresses": port}}


# Which probe shows it; the requirement that is violated, and what its finding says.
HELD = ("TRN-03", "held back", "usually proxy_buffering of nginx")
PACKED = ("TRN-07", "held back", "usually a compressor that is not flushed after each event")
IDLE = ("TRN-04", " of silence", "")
CLEAN = ("", "", "")
CASES = [
    ("nginx", "honours", "pause", CLEAN),
    ("nginx", "buffers", "pause", HELD),
    ("nginx", "http_1_1", "pause", CLEAN),
    ("nginx", "passes_on", "pause", CLEAN),
    ("nginx", "passes_on", "codings", CLEAN),
    ("nginx", "gzips", "codings", PACKED),
    ("nginx", "cuts_idle", "pause", IDLE),
    ("haproxy", "passes_on", "pause", CLEAN),
    ("haproxy", "gzips", "codings", PACKED),
    ("haproxy", "cuts_idle", "pause", IDLE),
    ("apache2", "passes_on", "pause", CLEAN),
    ("apache2", "gzips", "codings", CLEAN),
    ("compression", "compresses", "pause", CLEAN),
    ("compression", "compresses", "codings", PACKED),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case[:3]))
def test_who_holds_a_stream_back_is_named_and_nobody_else(
    case: tuple[str, str, str, tuple[str, str, str]], proxies: dict[str, dict[str, int]], tmp_path: Path
) -> None:
    program, how, probe, wanted = case
    if program not in proxies:
        pytest.skip(f"{program} is not installed: apt-get install nginx-light haproxy apache2-bin, as .ci/run does")
    file = target("ghostly", tmp_path)
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    del content["launch"]
    content |= {"base_url": f"http://127.0.0.1:{proxies[program][how]}", "control": "/_conformance"}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    code, verdicts, said = run(file, "--probe", probe, "--budget", "0", "--accept-incomplete")
    bad = {rid: row for rid, row in verdicts.items() if row["verdict"] in ("FAIL", "WARN")}
    requirement, *texts = wanted
    assert set(bad) == ({requirement} if requirement else set()), said
    assert code == (1 if any(row["verdict"] == "FAIL" for row in bad.values()) else 0), said
    for row in bad.values():
        assert all(text in row["findings"][0]["seen"] for text in texts), said
