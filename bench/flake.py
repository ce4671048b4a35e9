"""How often a right server is red: the suite on right servers, again and again, while every core is burnt.

These are the reference server with its five systems, and four servers of `examples/` by libraries that people use.

    python bench/flake.py [--runs 20] [--quiet]

Each run adds its verdicts to `bench/flake.json`, by system and id, and the docs print that. A run with `--quiet` has
nothing beside it, and says which rows there are to keep. Must not know what a requirement says.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path(__file__).with_suffix(".json")
_EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SERVERS = ("candidates/backups-express", "candidates/exports-starlette", "control/express", "control/fastapi")
RUNS = 20
# A run takes less than a minute; with both cores taken by others three times as long. The run's own deadline is above.
MOST_S = 900
_BURNER = "while True: sum(range(10_000))"


@contextlib.contextmanager
def burnt(cores: int) -> Iterator[None]:
    """Have so many processes compute all the time, with the same right to a core as the suite."""
    burners = [subprocess.Popen([sys.executable, "-c", _BURNER]) for _ in range(cores)]
    try:
        yield
    finally:
        for one in burners:
            one.kill()
            one.wait()


def verdicts(seed: int) -> dict[str, dict[str, str]]:
    """The verdicts of one run of each server, by system or server and id."""
    seen = {one["profile"]: _by_id(one) for one in _reports("--reference", "--seed", str(seed))}
    for server in SERVERS:
        (report,) = _reports(str(_EXAMPLES / server / "target.yaml"), "--seed", str(seed))
        seen[server] = _by_id(report)
    return seen


def _reports(*options: str) -> list[dict[str, Any]]:
    """The reports of a run with these options."""
    modules = _EXAMPLES / "candidates" / "backups-express" / "node_modules"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        command = [sys.executable, "-m", "streamvet", "run", *options, "--json", str(file)]
        environment = os.environ | {"NODE_PATH": str(modules), "PATH": path}
        done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_S, check=False, env=environment)
        if not file.exists():
            sys.exit(f"no report of {' '.join(options)}: {done.stderr}")
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    reports: list[dict[str, Any]] = document.get("reports") or [document]
    return reports


def _by_id(report: dict[str, Any]) -> dict[str, str]:
    return {row["id"]: row["verdict"] for row in report["verdicts"]}


def added(kept: dict[str, Any], kind: str, seen: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What was kept, with one more run of this kind: `busy` or `quiet`."""
    rows = kept.setdefault(kind, {})
    for system, found in seen.items():
        row = rows.setdefault(system, {"runs": 0, "ids": {}})
        row["runs"] += 1
        for name, verdict in found.items():
            if verdict != "NOT_APPLICABLE":
                counts = Counter(row["ids"].get(name, {}))
                counts[verdict] += 1
                row["ids"][name] = dict(sorted(counts.items()))
    return kept


def main() -> None:
    """Add some runs to what is kept, and print what they were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--quiet", action="store_true", help="nothing is computed beside them")
    given = parser.parse_args()
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    kind = "quiet" if given.quiet else "busy"
    for number in range(given.runs):
        with burnt(0 if given.quiet else os.cpu_count() or 1):
            seen = verdicts(seed=max((row["runs"] for row in kept.get(kind, {}).values()), default=0))
        kept = added(kept, kind, seen)
        FILE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        for system, found in seen.items():
            red = [f"{verdict} {name}" for name, verdict in found.items() if verdict in {"FAIL", "WARN", "ERROR"}]
            undecided = sum(verdict == "INCONCLUSIVE" for verdict in found.values())
            print(f"{number + 1} of {given.runs}  {system}: {', '.join(red) or 'none red'}, {undecided} INCONCLUSIVE")


if __name__ == "__main__":
    main()
