"""JSON values -> the JSON Schema that all of them fit, with what they have in common and nothing that is a guess more.

Few lines in place of a library: what is drafted is meant to be read. Must not know events.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEEP = 8  # levels that a schema describes; below that anything holds
_MOST_MEMBERS = 60  # an object of more, over all values, is a map
_ID = re.compile(r"[0-9]+|[0-9a-fA-F-]{16,}|.*[0-9]{4,}.*")
_DATE_TIME = jsonschema_rs.Draft202012Validator({"format": "date-time"}, validate_formats=True)


def schema_of(values: Sequence[Any], level: int = 0) -> dict[str, Any]:
    """The schema of some values, of which there is at least one."""
    kinds = sorted({_kind(value) for value in values})
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    schema: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds}
    texts = [value for value in values if isinstance(value, str)]
    if texts and all(map(_DATE_TIME.is_valid, texts)):
        schema["format"] = "date-time"
    if level >= _DEEP:
        return schema
    objects = [value for value in values if isinstance(value, dict)]
    if objects:
        schema |= _members(objects, level)
    items = [item for value in values if isinstance(value, list) for item in value]
    if items:
        schema["items"] = schema_of(items, level + 1)
    return schema


def _kind(value: Any) -> str:
    """The type of a value, by its name in JSON Schema."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    names = {type(None): "null", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _members(objects: Sequence[dict[str, Any]], level: int) -> dict[str, Any]:
    """What objects have: each member, and which of them all have; of a map, what its values are."""
    names = list(dict.fromkeys(name for one in objects for name in one))
    if len(names) > _MOST_MEMBERS or (len(names) > 2 and all(map(_ID.fullmatch, names))):
        return {"additionalProperties": schema_of([value for one in objects for value in one.values()], level + 1)}
    required = [name for name in names if all(name in one for one in objects)]
    found: dict[str, Any] = {"required": required} if required else {}
    properties = {name: schema_of([one[name] for one in objects if name in one], level + 1) for name in names}
    return found | ({"properties": properties} if properties else {})
