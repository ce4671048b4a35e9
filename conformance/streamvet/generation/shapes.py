"""What the schemas of events say about values: which one is the smallest, and what an emitted event lacks.

Knows the few keywords that these schemas use. Must not know Hypothesis, nor what is done with a value.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from streamvet.probes.scripts import emittable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Profile
    from streamvet.probes.scripts import Emit

Schema = dict[str, Any]

A_TIME = "2026-01-01T00:00:00Z"
_SMALLEST: Mapping[str, Any] = {"boolean": False, "null": None, "array": [], "object": {}}


def resolved(schema: Schema, root: Schema) -> Schema:
    """A schema, or the one of `$defs` to which it refers."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def members(schema: Schema, root: Schema) -> dict[str, Schema]:
    """The members that a schema names, each with its own schema; none where it leaves an object open."""
    schema = resolved(schema, root)
    return {key: resolved(one, root) for key, one in schema.get("properties", {}).items()}


def varies(schema: Schema) -> bool:
    """Whether values of a schema can be made that differ, other than by its pattern or its format."""
    return not {"const", "format", "pattern", "not"} & schema.keys()


def smallest(schema: Schema, root: Schema) -> Any:
    """The smallest value of a schema without a pattern; a time where it wants one."""
    schema = resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "oneOf" in schema:
        return smallest(schema["oneOf"][0], root)
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return max(0, schema.get("minimum", 0))
    if kind == "string":
        return A_TIME if schema.get("format") == "date-time" else "x" * schema.get("minLength", 0)
    if kind == "object" and schema.get("required"):
        return {key: smallest(schema["properties"][key], root) for key in schema["required"]}
    return _SMALLEST.get(str(kind))


def completed(profile: Profile, kind: str, emit: Emit) -> dict[str, Any]:
    """An emitted event of this type as it could arrive: with whatever members the server adds."""
    schema = profile.schemas.read(profile.narrow_file(kind) or "")
    added = {key: one for key, one in schema.get("properties", {}).items() if key in schema.get("required", ())}
    return {key: smallest(one, schema) for key, one in added.items() if key not in emit} | dict(emit)


@lru_cache(maxsize=16)
def _discriminating(profile: Profile) -> tuple[frozenset[str], tuple[Mapping[str, Any], ...]]:
    """The types that a worker can emit, and what the server may add to an event that tells of its type."""
    kinds = emittable(profile)
    schemas = [profile.schemas.read(profile.narrow_file(kind) or "") for kind in kinds]
    named = [members(schema, schema) for schema in schemas]
    return frozenset(kinds), tuple({key: one["const"] for key, one in row.items() if "const" in one} for row in named)


def kind_of(profile: Profile, emit: Emit) -> str | None:
    """The type of an emitted event, None where a worker cannot emit it."""
    kinds, fixed = _discriminating(profile)
    name, value = profile.said(emit)
    found = (profile.kind_of({**one, **value}, name) for one in fixed if isinstance(value, dict))
    return next((kind for kind in found if kind in kinds), None)
