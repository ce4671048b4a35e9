"""Prints a finding into README.md: what the suite says about the reference server with one fault.

`python scripts/transcript.py`; it takes some seconds. Times and ids differ from run to run, so `docs.py --check` leaves
this block alone. Must not know what the fault does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- generated:transcript -->", "<!-- /generated -->"
PROFILE, REQUIREMENT = "promptfloe", "CAT-06"  # a resumed stream that repeats an event: easy to see in a few lines
TIME_SCALE = "0.05"
PORT = 8080  # as in the target file that README shows


def _asked(what: str) -> Any:
    """What the reference server prints as JSON for `--list-<what>`."""
    command = [sys.executable, "-m", "streamvet_server", f"--list-{what}", "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def transcript() -> str:
    """The commands and what they print, as a fenced block.

    Raises:
        LookupError: where no fault violates the requirement.
        RuntimeError: where the suite did not find it.
    """
    fault = next((f["name"] for f in _asked("faults") if f["id"] == REQUIREMENT and PROFILE in f["profiles"]), None)
    if fault is None:
        raise LookupError(f"no fault of the reference server violates {REQUIREMENT} for {PROFILE}")
    options = ["--profile", PROFILE, "--port", str(PORT), "--control", "--time-scale", TIME_SCALE, "--fault", fault]
    target: dict[str, Any] = {"profile": PROFILE, "base_url": f"http://127.0.0.1:{PORT}", "control": "/_conformance"}
    target |= {"time_scale": float(TIME_SCALE), **_asked("accounts")[PROFILE]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "target.yaml"
        path.write_text(yaml.safe_dump(target), encoding="utf-8")
        with subprocess.Popen([sys.executable, "-m", "streamvet_server", *options], stdout=subprocess.PIPE) as server:
            try:
                run = [sys.executable, "-m", "streamvet", "run", path.name, "--only", REQUIREMENT]
                done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=folder)
            finally:
                server.terminate()
    if done.returncode != 1 or f"FAIL  {REQUIREMENT}" not in done.stdout:
        raise RuntimeError(
            f"the suite ended with {done.returncode} and did not find {REQUIREMENT}:\n{done.stdout}{done.stderr}"
        )
    commands = f"$ streamvet serve {' '.join(options)} &\n$ streamvet run target.yaml --only {REQUIREMENT}\n"
    return f"```console\n{commands}{done.stdout.strip()}\n```"


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
