"""The optional keys of a profile, by the schema of profiles, and the profile without some of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, read_json, schemas_folder
from streamvet.contract.fitting import RULES
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import profile_of
from streamvet.contract.registry import load_registry

from .variants import raw_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamvet.contract.profile import Profile

# What one may not leave out without saying something else, with `*` for what anybody may name.
EXEMPT = {
    # How to ask: without it another request is sent.
    "auth.parameter", "operations.*.query", "operations.*.headers", "operations.*.body", "operations.*.bearer",
    # What a table is, or an event: without it that is another one.
    "lifecycles.*.key",
    # What allows something that other keys forbid, or makes a SHOULD of what they ask for.
    "terminal.cap_ms", "adopted", "lifecycles.*.adopted",
}  # fmt: skip

# Some need each other: where one is refused alone, they are dropped together.
GROUPS = (
    ("auth.login", "operations.login"),
    ("lifecycles", "operations.start:*.lifecycles", "operations.attach.lifecycles"),
    ("heartbeat.time", "heartbeat.time_within_ms", "heartbeat.rising"),
    ("sequence.first", "sequence.step"),
    ("operations.record", "catchup.detached"),
    ("operations.record.state", "catchup.detached"),
    ("operations.resume", "catchup"),
    ("sequence", "operations.record.history"),
    ("catchup", "operations.record.history"),
    ("catchup.history", "operations.record.history", "catchup.after_restart", "catchup.last_event_id"),
    ("catchup.cursor.refused", "catchup.cursor.malformed", "catchup.cursor.unknown"),
)
GENERIC = frozenset(row.id for row in load_registry().testable() if row.family not in builtin_profiles())


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = read_json(schemas_folder() / "meta" / "profile.schema.json")
    return schema


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    return {**_schema()["$defs"][node["$ref"].rpartition("/")[2]], **node} if "$ref" in node else node


def optional_keys(system: str) -> list[str]:
    """The keys of a built-in profile that one may leave out, but for the exempt ones, by their dotted paths.

    Those of its starts are one, with `start:*`: what one kind of run lacks the others may still show.
    """
    found = _walk(raw_of(system), _schema(), (), ())
    return list(dict.fromkeys(path for path, general in found if general not in EXEMPT))


def _walk(
    value: Any, schema: dict[str, Any], way: tuple[str, ...], general: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """The optional keys below a value, each also with `*` for what anybody may name."""
    node = _resolved(schema)
    for name, inner in value.items() if isinstance(value, dict) else ():
        step = ("start:*" if name.startswith("start:") else name), "*"
        if name in node.get("properties", {}):
            below = node["properties"][name]
            if way != ("operations",):
                step = name, name
            if name not in node.get("required", ()):
                yield ".".join((*way, step[0])), ".".join((*general, step[1]))
        else:
            patterns = [row for start, row in node.get("patternProperties", {}).items() if name.startswith(start[1:])]
            below = (patterns or [node.get("additionalProperties")])[0]
        if isinstance(below, dict):
            yield from _walk(inner, below, (*way, step[0]), (*general, step[1]))


def without(system: str, keys: Iterable[str]) -> Profile | None:
    """The profile without these keys; None where it is refused. Nothing is adopted that does not apply then."""
    raw = raw_of(system) | {"profile": "mine"}
    for key in keys:
        _drop(raw, key.split("."))
    path = schemas_folder() / system / "profile.yaml"
    try:
        profile = profile_of(raw, path)
    except FileError:
        return None
    if any(True for rule in RULES.values() if not rule.__module__.endswith(".files") for _ in rule(profile)):
        return None
    applying = {row.id for row in load_registry().testable(profile)}
    return replace(profile, adopted={name: why for name, why in profile.adopted.items() if name in applying})


def _drop(holder: Any, way: list[str]) -> None:
    name, *rest = way
    for one in list(holder) if isinstance(holder, dict) else ():
        if one == name or (name.endswith(":*") and one.startswith(name[:-1])):
            if rest:
                _drop(holder[one], rest)
            else:
                del holder[one]


@cache
def dropped(system: str, key: str) -> tuple[str, ...]:
    """The key alone where it can be left out so, else with what needs it; nothing where it cannot be left out."""
    groups = (group for group in GROUPS if key in group)
    return next((keys for keys in ((key,), *groups) if without(system, keys) is not None), ())


def fewest(system: str) -> tuple[str, ...]:
    """As many keys as can be left out together, the longest ways last."""
    left: tuple[str, ...] = ()
    for key in sorted(optional_keys(system), key=lambda key: key.count(".")):
        more = (*left, *dropped(system, key))
        left = more if without(system, more) is not None else left
    return left


KEYS = [(system, key) for system in builtin_profiles() for key in optional_keys(system)]
