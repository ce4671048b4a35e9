"""Holds the requirements to docs/stability.md: what was recorded of a release does not change silently.

`python scripts/stability.py` compares the requirements with `schemas/released.yaml` and exits 1 where a rule is broken;
`--record` writes that file, and the traces and formats of the revision (golden.py), which a release does once. Must not
know what a requirement asks for.
"""

from __future__ import annotations

import argparse
import re
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

import golden
from streamvet.contract.files import schemas_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMAS = schemas_folder()
RELEASED = SCHEMAS / "released.yaml"
RETIRED = SCHEMAS / "retired.yaml"
# What a reader relies on. `raised` holds the level and the text that a row has on some profiles.
RECORDED = ("level", "text", "applies_to", "raised", "excluded", "since")
STRENGTH = {"NOTE": 0, "SHOULD": 1, "MUST": 2}


class State(NamedTuple):
    """The requirements at one time: the revision, and of each id what is recorded."""

    revision: int
    rows: Mapping[str, Mapping[str, Any]]


def current() -> State:
    """The requirements of the working tree."""
    generic = yaml.safe_load((SCHEMAS / "requirements.yaml").read_text(encoding="utf-8"))
    rows = list(generic["requirements"])
    for system in generic["systems"]:
        rows += yaml.safe_load((SCHEMAS / system / "requirements.yaml").read_text(encoding="utf-8"))["requirements"]
    return State(generic["revision"], {row["id"]: {key: row[key] for key in RECORDED if key in row} for row in rows})


def released() -> State:
    """The requirements as the last release had them."""
    data = yaml.safe_load(RELEASED.read_text(encoding="utf-8"))
    return State(data["revision"], data["requirements"])


def retired() -> dict[str, Mapping[str, Any]]:
    """The ids that are used no more, with what `schemas/retired.yaml` says of each."""
    return {row["id"]: row for row in yaml.safe_load(RETIRED.read_text(encoding="utf-8"))["retired"]}


def breaches(before: State, now: State, gone: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Each rule of docs/stability.md that a state breaks, in a sentence."""
    yield from _reused(now, gone)
    if now.revision < before.revision:
        yield f"the revision went back from {before.revision} to {now.revision}"
    for name, old in before.rows.items():
        new = now.rows.get(name)
        if new is None:
            if name not in gone:
                yield f"{name} is gone, and schemas/retired.yaml does not have it"
            continue
        if STRENGTH[new["level"]] > STRENGTH[old["level"]]:
            yield f"{name} was a {old['level']} and is a {new['level']}: what gets stricter has a new id"
        if new.get("since") != old.get("since"):
            yield f"{name} has another `since` than in revision {before.revision}: a row keeps it"
            continue
        changed = [key for key in RECORDED if old.get(key) != new.get(key)]
        if changed and now.revision == before.revision:
            yield f"{name} differs from revision {before.revision} in {', '.join(changed)}: that takes a new revision"
    due = now.revision if now.revision > before.revision else None
    for name, row in now.rows.items():
        if name not in before.rows and row.get("since") != due:
            wanted = f"since: {due}" if due else "no `since`, as its revision is not released yet"
            yield f"{name} is new: expected {wanted}, got {row.get('since', 'none')}"


def _reused(now: State, gone: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Ids that are used again, left out, or retired without a place to go."""
    for name, row in gone.items():
        if name in now.rows:
            yield f"{name} is retired, and a requirement has it"
        successor = row.get("successor")
        if successor is not None and successor not in now.rows and successor not in gone:
            yield f"{name} has the successor {successor}, which no requirement is"
    numbers: dict[str, list[int]] = {}
    for name in {*now.rows, *gone}:
        prefix, _, number = name.partition("-")
        numbers.setdefault(prefix, []).append(int(number))
    for prefix, found in sorted(numbers.items()):
        for low, high in pairwise([0, *sorted(found)]):
            missing = [f"{prefix}-{number:02}" for number in range(low + 1, high)]
            if missing:
                yield f"{', '.join(missing)}: neither a requirement nor retired"


def record(state: State) -> str:
    """The text of `schemas/released.yaml` for a state."""
    head = (
        "# What the last release said of each requirement; scripts/stability.py compares the tree with it, and writes\n"
        "# it with --record when a revision is released.\n"
    )
    data = {"revision": state.revision, "requirements": dict(state.rows)}
    return head + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)


def main(arguments: list[str] | None = None) -> int:
    """Run the command: 0 where every rule holds, 1 where one is broken."""
    parser = argparse.ArgumentParser(description="Hold the requirements to docs/stability.md.")
    parser.add_argument("--record", action="store_true", help="record the requirements as released")
    if parser.parse_args(arguments).record:
        RELEASED.write_text(record(current()), encoding="utf-8")
        folder = golden.GOLDEN / str(current().revision)
        golden.record(folder)
        print(f"wrote {RELEASED.relative_to(SCHEMAS.parent)} and {folder.relative_to(SCHEMAS.parent)}")
        return 0
    found = list(breaches(released(), current(), retired()))
    for one in found:
        print(re.sub(r"\s+", " ", one), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
