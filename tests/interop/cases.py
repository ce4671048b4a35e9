"""The vectors of the events of a system, each with its type, and what has to be left of one that went through a type.

Must not know a language.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from streamvet.contract.loading import load_profile

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


class Case(NamedTuple):
    """A vector: the title of its type in `events.types.schema.json`, and whether it is valid."""

    path: str
    title: str
    value: Any
    valid: bool


def bundle(system: str) -> Path:
    """The bundle of a system's events."""
    return SCHEMAS / system / "events.bundle.schema.json"


def types(system: str) -> Path:
    """The types of a system's events, each as a member."""
    return SCHEMAS / system / "events.types.schema.json"


def known(system: str) -> str:
    """The name of the union of the known types."""
    return str(_read(types(system))["title"]).removesuffix("Types")


def cases(system: str) -> list[Case]:
    """Every vector of a known type."""
    profile = load_profile(system)
    titles = _read(types(system))["properties"]
    owners = {path.name.removesuffix(".schema.json"): _read(path)["title"] for path in _events(system)}
    found = []
    for kind in ("valid", "invalid"):
        for path in sorted((SCHEMAS / system / "vectors" / kind).glob("*.json")):
            owner = max((name for name in owners if path.name.startswith(f"{name}.")), key=len)
            title, value = owners[owner], _read(path)
            if profile.by_name:
                title, value = f"{title.removesuffix('Event')}Message", {"event": owner, "data": value}
            if title in titles:
                found.append(Case(path.relative_to(SCHEMAS).as_posix(), title, value, kind == "valid"))
    return found


def _events(system: str) -> list[Path]:
    return sorted((SCHEMAS / system / "events").glob("*.schema.json"))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------------------------- what is left


def survives(system: str, case: Case, back: Any) -> bool:
    """Whether what came back has all that the schema names of a value, as it was.

    What no schema names may be lost, a key that was absent may be null, and a time may be written in another way.
    """
    whole = _read(types(system))
    return _equal(_named(case.value, whole["$defs"][case.title], whole), back)


def _named(value: Any, schema: dict[str, Any], whole: dict[str, Any]) -> Any:
    """A value without the keys that no schema names."""
    if "$ref" in schema:
        return _named(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    options = schema.get("oneOf", ())
    if options:
        fitting = [_named(value, one, whole) for one in options]
        return max(fitting, key=lambda one: len(json.dumps(one)))
    if isinstance(value, list) and "items" in schema:
        return [_named(one, schema["items"], whole) for one in value]
    if isinstance(value, dict) and "properties" in schema:
        named = schema["properties"]
        return {key: _named(one, named[key], whole) for key, one in value.items() if key in named}
    return value


def _equal(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_equal(one, found.get(key)) for key, one in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(_equal, wanted, found))
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    return bool(wanted == found) or _is_same_time(wanted, found)


def _is_same_time(one: Any, other: Any) -> bool:
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except (TypeError, ValueError):
        return False
