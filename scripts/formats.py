"""Compares two versions of one of our own schemas: what was valid stays valid, and what was promised stays promised.

docs/stability.md states these rules for readers. Must not know what any file says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Keys with a closed set of values: a program that reads a report handles each of them.
CLOSED = frozenset({"verdict", "level", "exit_code", "overruled"})
# A bound, and whether a larger number is the narrower one.
BOUNDS = {
    "minimum": True, "exclusiveMinimum": True, "minLength": True, "minItems": True, "minProperties": True,
    "maximum": False, "exclusiveMaximum": False, "maxLength": False, "maxItems": False, "maxProperties": False,
}  # fmt: skip
# Restrictions that are compared as they are written.
AS_WRITTEN = (
    "pattern", "format", "not", "if", "then", "else", "propertyNames", "dependentRequired", "uniqueItems", "$ref",
    "oneOf", "anyOf", "allOf", "contains",
)  # fmt: skip


def breaches(before: Any, now: Any, *, promised: bool, place: str = "") -> Iterator[str]:
    """Each rule that a schema breaks against its earlier version, with the place in it.

    `promised`: others read such files too, so a key that was always present stays so.
    """
    if not isinstance(before, dict) or not isinstance(now, dict):
        if before != now and before is not False:
            yield f"{place}: was {before}, is {now}"
        return
    yield from _values(before, now, place)
    required, before_required = set(now.get("required", ())), set(before.get("required", ()))
    for key in sorted(required - before_required):
        yield f"{place}/{key}: is required, and was not"
    for key in sorted(before_required - required) if promised else ():
        yield f"{place}/{key}: is no longer required, so a reader may miss it"
    for keyword in ("properties", "patternProperties", "$defs"):
        yield from _members(before.get(keyword, {}), now.get(keyword, {}), f"{place}/{keyword}", promised=promised)
    for keyword in ("items", "additionalProperties"):
        old, new = before.get(keyword, True), now.get(keyword, True)
        yield from breaches(old, new, promised=promised, place=f"{place}/{keyword}")


def _members(before: Mapping[str, Any], now: Mapping[str, Any], place: str, *, promised: bool) -> Iterator[str]:
    for key, old in before.items():
        if key in now:
            yield from breaches(old, now[key], promised=promised, place=f"{place}/{key}")
        else:
            yield f"{place}/{key}: is gone"


def _values(before: Mapping[str, Any], now: Mapping[str, Any], place: str) -> Iterator[str]:
    """What a value may be no more."""
    if lost := _types(before) - _types(now):
        yield f"{place}: may no longer be {', '.join(sorted(lost))}"
    old, new = _words(before), _words(now)
    if old is not None and new is not None and (gone := [one for one in old if one not in new]):
        yield f"{place}: may no longer be {', '.join(map(str, gone))}"
    if old is None and new is not None:
        yield f"{place}: is one of a set now"
    if place.rpartition("/")[2] in CLOSED and old is not None and new != old:
        yield f"{place}: is a closed set"
    for keyword, larger_is_narrower in BOUNDS.items():
        if keyword in now and (
            keyword not in before
            or (now[keyword] > before[keyword] if larger_is_narrower else now[keyword] < before[keyword])
        ):
            yield f"{place}: {keyword} is {now[keyword]} and was {before.get(keyword, 'absent')}"
    for keyword in AS_WRITTEN:
        if keyword in now and now[keyword] != before.get(keyword):
            yield f"{place}: {keyword} is another one"


_ANY = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    given = schema.get("type")
    found = _ANY if given is None else frozenset([given] if isinstance(given, str) else given)
    return found | {"integer"} if "number" in found else found


def _words(schema: Mapping[str, Any]) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")
