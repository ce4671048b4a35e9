"""Runs the suite on each candidate, or on those that are named: `python -m tests.zoo [NAME…]`. Prints what came of it.

Must not know what is expected of a row.
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from .keeping import AT_ONCE, Zoo, perform, wrong
from .rows import ROWS


def main(names: list[str]) -> int:
    """1 where a row does not hold."""
    asked = [row for row in ROWS if not names or row.name in names]
    width, held = max((len(row.name) for row in asked), default=0), True
    with tempfile.TemporaryDirectory() as folder, Zoo().open() as zoo, ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {pool.submit(perform, row, zoo, Path(folder) / row.name): row for row in asked}
        for run in as_completed(runs):
            row, seen = runs[run], run.result()
            complaints = wrong(row, seen)
            held = held and not complaints
            took = f"{seen.seconds:5.1f} s {seen.mebibytes:4.0f} MiB"
            print(f"{row.name:{width}} exit {seen.code} {took}  {'; '.join(complaints)}", flush=True)  # noqa: T201
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
