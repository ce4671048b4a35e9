"""How soon generated stimuli find faults that no pinned one shows: `streamvet prove --generated`, kept for the docs.

Writes `generation.json` beside this file, from which `scripts/docs.py` prints the table. With --fault or --profile only
their rows are written anew. Wants a machine with nothing else to do: a seed has so many seconds, not so many tries.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet.contract.registry import load_registry
from streamvet.prove import Catch, Hunted, catches, go_hunting, hunts
from streamvet.prove.hunting import BUDGET_S, SEEDS
from streamvet.reference import accounts, faults

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = Path(__file__).with_suffix(".json")


def told(done: Hunted) -> None:
    """Progress, on stderr."""
    found = f"found by try {done.tries}" if done.found else f"not found in {done.tries} tries"
    print(f"{done.hunt.name}: {done.errors or found} ({done.duration_s:.1f} s)", file=sys.stderr, flush=True)


def merged(rows: Iterable[Catch], names: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The rows with those of the last run that were not made anew, in the order of the faults."""
    before = json.loads(FILE.read_text(encoding="utf-8"))["rows"] if FILE.exists() else []
    by_name = {(row["fault"], row["profile"]): row for row in [*before, *map(asdict, rows)]}
    return [by_name[name] for name in names if name in by_name]


def main() -> int:
    """Run the benchmark; exit 1 where a fault is not found with enough seeds."""
    hidden = [one for one in faults() if one.generated]
    names = [(one.name, profile) for one in hidden for profile in one.profiles]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fault", action="append", choices=[one.name for one in hidden])
    parser.add_argument("--profile", action="append", choices=sorted({profile for _, profile in names}))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    given = parser.parse_args()
    chosen = [one for one in hidden if one.name in (given.fault or [one.name])]
    todo = hunts(chosen, accounts(), given.profile or [profile for _, profile in names], range(given.seeds))
    results = go_hunting(todo, told)
    rows = catches(results)
    if any(one.errors for one in results):
        print("the suite itself failed: nothing is written", file=sys.stderr)
        return 1
    kept = {"revision": load_registry().revision, "budget_s": BUDGET_S, "rows": merged(rows, names)}
    FILE.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    missed = [row for row in rows if not row.enough]
    for row in missed:
        print(f"FAILED: {row.fault} on {row.profile} was found with {row.found} of {row.seeds} seeds")
    print(f"{len(rows) - len(missed)} of {len(rows)} found with enough seeds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
