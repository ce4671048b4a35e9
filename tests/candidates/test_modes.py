"""Faults and legal forms by request, end to end: the suite finds a fault, and nothing wrong with a legal form.

One server serves all; what a run is about is said in `headers` of its target file.
Knows the reference server as a process, and the table of its forms as it prints it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.live

SCALE = 0.05
TIMEOUT_S = 240  # a run takes a tenth of it
SERVER = [sys.executable, "-m", "streamvet_server"]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


@contextlib.contextmanager
def _served() -> Iterator[str]:
    """One server, which knows all faults and forms; its address."""
    options = ["--profile", "ghostly", "--port", "0", "--control", "--time-scale", str(SCALE)]
    with subprocess.Popen([*SERVER, *options], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with _served() as found:
        yield found


def _bad(url: str, folder: Path, headers: dict[str, str], *options: str) -> dict[str, str]:
    """What a run finds on the server, with these fields on each of its requests."""
    listed = subprocess.run([*SERVER, "--list-accounts", "--json"], capture_output=True, check=True, env=ENVIRONMENT)
    target: dict[str, Any] = {
        "profile": "ghostly", "base_url": url, "control": "/_conformance", "time_scale": SCALE, "headers": headers,
        "max_concurrency": 100, **json.loads(listed.stdout)["ghostly"],
    }  # fmt: skip
    (folder / "target.yaml").write_text(yaml.safe_dump(target), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "streamvet",
        "run",
        "target.yaml",
        "--budget",
        "0",
        "--json",
        "report.json",
        *options,
    ]
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    assert (folder / "report.json").exists(), done.stderr
    rows = json.loads((folder / "report.json").read_text(encoding="utf-8"))["verdicts"]
    verdicts = {row["id"]: row["verdict"] for row in rows}
    assert "PASS" in verdicts.values() or "FAIL" in verdicts.values(), done.stdout
    return {name: verdict for name, verdict in verdicts.items() if verdict in ("FAIL", "WARN", "ERROR")}


# Forms that replace different seams go together: octets, documents, the head.
FORMS = ["byte-by-byte, slow-head, unknown-keys", "cr-alone, charset-in-the-type"]
FAMILIES = [word for family in ("sse", "ordering") for word in ("--only", family)]


@pytest.mark.parametrize("forms", FORMS)
def test_a_legal_form_violates_nothing(forms: str, url: str, tmp_path: Path) -> None:
    assert _bad(url, tmp_path, {"Streamvet-Mode": forms}, *FAMILIES) == {}


@pytest.mark.parametrize(("fault", "id_"), [("run-end-twice", "ORD-01")])
def test_a_fault_that_requests_name_is_found(fault: str, id_: str, url: str, tmp_path: Path) -> None:
    assert _bad(url, tmp_path, {"Streamvet-Fault": fault}, "--only", id_) == {id_: "FAIL"}
