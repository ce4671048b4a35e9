"""Prints a finding into README.md: what the suite says about the reference server with one fault.

`python scripts/transcript.py`; it takes some seconds. Times and ids differ from run to run, so `docs.py --check` leaves
this block alone. Must not know what the fault does.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- generated:transcript -->", "<!-- /generated -->"
PROFILE, REQUIREMENT = "promptfloe", "CAT-05"  # a resumed stream that lacks an event: easy to see in a few lines
TIME_SCALE = "0.05"
PORT = "8080"  # as in the other target file that README shows
WIDTH = 80  # columns after which a line of the target file is broken, at the next word
PROGRAM = ".venv/bin/streamvet"  # as everywhere in README


def _asked(what: str) -> Any:
    """What the reference server prints as JSON for `--list-<what>`."""
    command = [sys.executable, "-m", "streamvet_server", f"--list-{what}", "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _target(fault: str) -> str:
    """The target file, which has the suite start the server."""
    options = ["--profile", PROFILE, "--port", PORT, "--control", "--time-scale", TIME_SCALE, "--fault", fault]
    parts = {
        "profile": PROFILE,
        "base_url": f"http://127.0.0.1:{PORT}",
        "credentials": _asked("accounts")[PROFILE]["credentials"],
        "control": "/_conformance",
        "time_scale": float(TIME_SCALE),
        "launch": {"command": [PROGRAM, "serve", *options]},
    }
    return "# finding.yaml\n" + yaml.dump(parts, sort_keys=False, default_flow_style=None, width=WIDTH)


def transcript() -> str:
    """The target file, the command and what it prints, as fenced blocks. They are run as they are shown.

    Raises:
        LookupError: where no fault violates the requirement.
        RuntimeError: where the suite did not find it.
    """
    fault = next((f["name"] for f in _asked("faults") if f["id"] == REQUIREMENT and PROFILE in f["profiles"]), None)
    if fault is None:
        raise LookupError(f"no fault of the reference server violates {REQUIREMENT} for {PROFILE}")
    target, command = _target(fault), f"{PROGRAM} run finding.yaml --only {REQUIREMENT}"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "finding.yaml").write_text(target, encoding="utf-8")
        (Path(folder) / ".venv").symlink_to(sys.prefix)
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode != 1 or f"FAIL  {REQUIREMENT}" not in done.stdout:
        raise RuntimeError(
            f"the suite ended with {done.returncode} and did not find {REQUIREMENT}:\n{done.stdout}{done.stderr}"
        )
    return f"```yaml\n{target}```\n\n```console\n$ {command}\n{done.stdout.strip()}\n```"


def main() -> int:
    """Run the command: 0 done, 1 where there is nothing to print, 2 where README has no place for it."""
    text = README.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{README}: expected {BEGIN} and {END}", file=sys.stderr)
        return 2
    try:
        block = transcript()
    except (LookupError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    README.write_text(f"{before}{begin}\n\n{block}\n\n{end}{after}", encoding="utf-8")
    print(f"wrote {README.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
