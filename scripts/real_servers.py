"""Runs the suite on the real servers of `examples/peers/`, and keeps what came of them in `results.json` there.

`python scripts/real_servers.py [NAME…]` runs these alone and keeps the other results. A server whose environment cannot
be made is named. Must not know what a protocol is about.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "examples" / "peers"
RESULTS = PEERS / "results.json"
LONGEST_S = 240  # of one run: five times what the longest takes on a machine that does nothing else
INSTALLED_S = 900
# What differs from run to run and says nothing.
VOLATILE = [
    (re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"), "…"),
    (re.compile(r"\b[0-9a-f]{24,}\b"), "…"),
    (re.compile(r"\b(resp|msg|chatcmpl)[-_][A-Za-z0-9]+"), r"\1…"),
    (re.compile(r"\b1[0-9]{9}(\.[0-9]+)?\b"), "…"),
]


def peers() -> list[dict[str, Any]]:
    """The rows of peers.yaml."""
    rows: list[dict[str, Any]] = yaml.safe_load((PEERS / "peers.yaml").read_text(encoding="utf-8"))
    return rows


def targets(name: str) -> list[Path]:
    """The target files of a server, each named after its protocol."""
    found = sorted(PEERS.joinpath(name).glob("*.yaml"))
    return [one for one in found if "profile" in (yaml.safe_load(one.read_text(encoding="utf-8")) or {})]


def ready(name: str, kind: str, package: str) -> str | None:
    """Make the environment of a server; what kept it from that, None where it is there."""
    folder = PEERS / name
    if kind == "pip":
        python = folder / ".venv" / "bin" / "python"
        steps = [
            [sys.executable, "-m", "venv", ".venv"],
            [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "-r", "requirements.txt"],
        ]
        stamp = folder / ".venv" / ".stamp"
    elif kind == "npm":
        steps = [["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]]
        stamp = folder / "node_modules" / ".stamp"
    else:
        steps = [["sh", "install.sh", package]]
        stamp = folder / "root" / ".stamp"
    if stamp.exists():
        return None
    for step in steps:
        if shutil.which(step[0]) is None:
            return f"{step[0]} is not installed"
        done = subprocess.run(step, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALLED_S)
        if done.returncode:
            return " ".join((done.stderr or done.stdout).split())[-300:]
    stamp.touch()
    return None


def version(name: str, kind: str, package: str) -> str:
    """The version of a package in the environment of a server."""
    folder = PEERS / name
    if kind == "npm":
        file = folder / "node_modules" / package / "package.json"
        return str(json.loads(file.read_text(encoding="utf-8"))["version"])
    if kind == "pip":
        asked = f"import importlib.metadata as it; print(it.version({package!r}))"
        return _printed(str(folder / ".venv" / "bin" / "python"), "-c", asked)
    return (folder / "root" / "version").read_text(encoding="utf-8").strip()


def _printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def judged(target: Path, reports: Path) -> dict[str, Any]:
    """What a run on a target comes to: the counts of its verdicts, its findings, and its level of evidence.

    Raises:
        SystemExit: where there was no run.
    """
    stem = f"{target.parent.name}-{target.stem}"
    report = reports / f"{stem}.json"
    report.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "streamvet", "run", str(target), "--accept-incomplete", "--deadline", str(LONGEST_S),
        "--wait", "60", "--json", str(report), "--html", str(reports / f"{stem}.html"),
        "--trace-dir", str(reports / stem),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_S + 120)
    except subprocess.TimeoutExpired as error:
        raise SystemExit(f"{target.parent.name}, {target.stem}: not over after {error.timeout:.0f} s") from error
    if not report.exists() or done.returncode not in (0, 1):
        raise SystemExit(f"{target.parent.name}, {target.stem}: exit {done.returncode}: {done.stderr.strip()[-2000:]}")
    made = json.loads(report.read_text(encoding="utf-8"))
    return {
        "protocol": made["profile"], "evidence": made["evidence"], "exit_code": made["exit_code"],
        "counts": {name: count for name, count in made["counts"].items() if count}, "findings": list(_findings(made)),
    }  # fmt: skip


def _findings(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The first finding of each requirement that has one."""
    for row in report["verdicts"]:
        if row["findings"] and row["verdict"] in ("FAIL", "WARN", "NOTE"):
            first = row["findings"][0]
            yield {
                "id": row["id"], "verdict": row["verdict"], "expected": _steady(first["expected"]),
                "seen": _steady(first["seen"]), "number": len(row["findings"]),
            }  # fmt: skip


def _steady(text: str) -> str:
    for pattern, plain in VOLATILE:
        text = pattern.sub(plain, text)
    return text


def unconfirmed(rows: list[dict[str, Any]], results: dict[str, Any]) -> list[str]:
    """The findings of which the table does not say how they were seen by hand."""
    said = {row["name"]: row.get("confirmed", {}) for row in rows}
    return [
        f"{name}, {run['protocol']}: {one['id']}"
        for name, result in results.items()
        for run in result["runs"]
        for one in run["findings"]
        if one["id"] not in said.get(name, {}).get(run["protocol"], {})
    ]


def main(arguments: list[str]) -> int:
    """Run the suite on servers of these names, or all: 1 where one is missing or a finding is unconfirmed, else 0."""
    parser = argparse.ArgumentParser(description="Run the suite on real servers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a server of peers.yaml; all of them without")
    parser.add_argument("--reports", type=Path, default=ROOT / "report" / "peers", help="the folder for reports")
    given = parser.parse_args(arguments)
    given.reports.mkdir(parents=True, exist_ok=True)
    rows, missing = peers(), 0
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for row in rows:
        name = row["name"]
        if given.names and name not in given.names:
            continue
        ((kind, package),) = row["version"].items()
        if why := ready(name, kind, package):
            print(f"{name}: not installed, so that its results are of an earlier run: {why}")
            missing += 1
            continue
        runs = [judged(one, given.reports) for one in targets(name)]
        results[name] = {"package": f"{kind} {package}", "version": version(name, kind, package), "runs": runs}
        kept = {one["name"]: results[one["name"]] for one in rows if one["name"] in results}
        RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=True) + os.linesep, encoding="utf-8")
        print(f"{name} {results[name]['version']}: {', '.join(run['protocol'] for run in runs)}", flush=True)
    for one in unconfirmed(rows, results):
        print(f"not confirmed by hand: {one}")
        missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
