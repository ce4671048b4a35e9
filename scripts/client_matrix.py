"""Runs the published clients of `examples/clients/` against the vectors, and keeps what came of them in `matrix.json`.

`python scripts/client_matrix.py [NAME…] [--only VECTOR…]` runs these alone and keeps the other results. A client that
is not there is named. Must not know what a vector is about.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = Path(__file__).resolve().parents[1] / "examples" / "clients"
MATRIX = CLIENTS / "matrix.json"
PYTHON = ".venv/bin/python"
BROWSER = "chromium"
BROWSER_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--remote-allow-origins=*",
    "--no-first-run", "--disable-background-networking", "--disable-extensions", "about:blank",
)  # fmt: skip
# What differs from run to run and says nothing: ports, times, places of files.
VOLATILE = [
    (re.compile(r"(127\.0\.0\.1|localhost)(:|', port=|', )\d+"), r"\1\2PORT"),
    (re.compile(r"^\d+ ms after it"), "too soon"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0x…"),
    (re.compile(r"/\S*/"), "…/"),
]


def version(one: dict[str, Any]) -> str | None:
    """The version of a client; None where it is not installed."""
    kind, _, package = one["from"].partition(" ")
    if kind == "npm":
        file = CLIENTS / "node_modules" / package / "package.json"
        return str(json.loads(file.read_text(encoding="utf-8"))["version"]) if file.exists() else None
    if kind == "pip":
        asked = f"import importlib.metadata as it; print(it.version({package!r}))"
        return _printed(str(CLIENTS / PYTHON), "-c", asked)
    said = _printed(BROWSER if kind == "browser" else kind, "--version")
    return None if said is None else said.removeprefix("Chromium ").partition(" ")[0]


def _printed(*command: str) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


@contextmanager
def browser(*, wanted: bool) -> Iterator[dict[str, str]]:
    """A browser for all vectors, as the variable that its adapter reads; none where it is not there, or not wanted."""
    if not wanted or shutil.which(BROWSER) is None:
        yield {}
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [BROWSER, *BROWSER_OPTIONS, f"--user-data-dir={folder}"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            line = next(line for line in process.stderr or () if "DevTools listening on" in line)
            try:
                yield {"CHROMIUM": f"http://{line.split('ws://')[1].partition('/')[0]}"}
            finally:
                process.terminate()


def tried(one: dict[str, Any], environment: dict[str, str], only: list[str]) -> dict[str, Any]:
    """What each vector comes to: the verdict, and of what is wrong the first finding."""
    words = [PYTHON if word == "PYTHON" else word for word in one["command"]]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "streamvet", "client", "--command", shlex.join(words) + " {url}",
            "--framing", one["framing"], "--json", str(report), *(w for it in one["lacks"] for w in ("--lacks", it)),
            *(w for it in only for w in ("--only", it)),
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=CLIENTS, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        if not report.exists():
            raise SystemExit(f"{one['name']}: {done.stderr.strip()}")
        rows = json.loads(report.read_text(encoding="utf-8"))["vectors"]
    return {row["id"]: {"verdict": row["verdict"], **_first(row["findings"])} for row in rows}


def _first(findings: list[dict[str, str]]) -> dict[str, str]:
    made = dict(findings[0]) if findings else {}
    for key, text in made.items():
        for pattern, plain in VOLATILE:
            text = pattern.sub(plain, text)  # noqa: PLW2901 - step by step
        made[key] = text
    return made


def main(arguments: list[str]) -> int:
    """Run the clients of these names, or all: 0, or 1 where one is not installed."""
    parser = argparse.ArgumentParser(description="Run the published clients against the vectors.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a client of clients.yaml; all of them without")
    parser.add_argument("--only", nargs="+", default=[], metavar="VECTOR", help="these vectors of one framing alone")
    given = parser.parse_args(arguments)
    names, only = given.names, given.only
    kept = json.loads(MATRIX.read_text(encoding="utf-8"))["clients"] if MATRIX.exists() else []
    before = {one["name"]: one for one in kept}
    rows, missing = yaml.safe_load((CLIENTS / "clients.yaml").read_text(encoding="utf-8")), 0
    chosen = [one for one in rows if not names or one["name"] in names]
    with browser(wanted=any(one["from"] == "browser" for one in chosen)) as environment:
        for one in chosen:
            found = version(one)
            if found is None:
                print(f"{one['name']}: not installed; what is printed of it is of an earlier run")
                missing += 1
                continue
            facts = {key: one[key] for key in ("name", "title", "from", "framing", "lacks")}
            kept_cells = before[one["name"]]["vectors"] if only else {}
            before[one["name"]] = {**facts, "version": found, "vectors": kept_cells | tried(one, environment, only)}
            made = [before[row["name"]] for row in rows if row["name"] in before]
            MATRIX.write_text(json.dumps({"clients": made}, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
            print(f"{one['name']} {found}: done", flush=True)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
