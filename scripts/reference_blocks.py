"""What the docs print of each event of a system: its keys, an example, and where it may come.

Must not know where a block stands, nor write files. Links are relative to `docs/reference/`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from schema_table import code, fields
from streamvet.contract.files import read_json, schemas_folder
from streamvet.contract.loading import load_profile
from streamvet.contract.pointer import matches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamvet.contract.profile import Lifecycle, Profile

SHOWN_CHARS = 1200  # of an example; a vector that is longer is about length


def reference(system: str) -> list[str]:
    """Every event of a system, by the file of its schema."""
    profile = load_profile(system)
    kinds: dict[str, list[str]] = {}
    for kind, file in {**profile.types, **profile.groups}.items():
        kinds.setdefault(file, []).append(kind)
    lines: list[str] = []
    for file, named in kinds.items():
        lines += [*_event(profile, file, named), ""]
    return lines[:-1]


def _event(profile: Profile, file: str, kinds: list[str]) -> Iterator[str]:
    schema = profile.schemas.read(file)
    name = file.rpartition("/")[2].removesuffix(".schema.json")
    yield f"### {name}"
    yield ""
    types = "" if kinds == [name] else f" Types: {', '.join(map(code, kinds))}."
    yield f"{schema['description']}{types} [Schema](../../schemas/{profile.name}/{file})"
    adopted = dict.fromkeys(one for kind in kinds if (one := profile.adopted_types.get(kind)))
    for narrower in adopted:
        yield f"and [with the adopted readings](../../schemas/{profile.name}/{narrower})."
    yield ""
    yield from fields(schema)
    example = _example(profile.name, name)
    if example is not None:
        language = "text" if kinds[0] in profile.unread_kinds else "json"
        yield from ("", f"```{language}", *example, "```")
    for kind in kinds:
        places = list(_places(profile, kind))
        if places:
            yield from ("", f"{code(kind)} may occur, by state table:", "", *places)


def _example(system: str, name: str) -> list[str] | None:
    """A valid vector of a schema: the typical one, else the first that is neither empty nor too long."""
    paths = sorted((schemas_folder() / system / "vectors" / "valid").glob(f"{name}.*.json"), key=_plainness)
    texts = []
    for path in paths:
        if path.name.removeprefix(f"{name}.").count(".") == 1:  # else it is of a longer name
            value = read_json(path)
            texts.append(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))
    shown = [text for text in texts if len(text) <= SHOWN_CHARS and text.replace("\n", "").isprintable()]
    return next((text for text in shown if text != "[]"), "").splitlines() or None


def _plainness(path: Path) -> tuple[bool, bool, str]:
    return "typical" not in path.name, "extra" in path.name, path.name


def _places(profile: Profile, kind: str) -> Iterator[str]:
    """The states of each table in which a type may come."""
    for name, table in profile.lifecycles.items():
        states = [state for state in table.states if table.step(state, kind) is not None]
        link = f"[{name}](../spec/{profile.name}.md)"
        if states:
            yield f"- {link}: in {', '.join(map(code, states))}{_target(table, states, kind)}"
        elif matches(kind, table.forbids):
            yield f"- {link}: never"


def _target(table: Lifecycle, states: list[str], kind: str) -> str:
    targets = dict.fromkeys(target for state in states if (target := table.step(state, kind)) is not None)
    return (
        "" if set(targets) <= set(states) and len(states) > 1 else f", and leads to {' or '.join(map(code, targets))}"
    )
