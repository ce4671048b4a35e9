"""A JSON Schema as Markdown tables: one row for each key, nested keys with their path, the variants of a union apart.

Must not know which schema it prints. References stay within the schema's own file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_DEPTH = 6  # no schema of ours nests deeper; a schema that refers to itself would print for ever
SAFE = 2**53 - 1


class _Key(NamedTuple):
    path: str
    schema: Mapping[str, Any]
    required: bool
    like: str  # the place of the same keys, where they are told already


def cell(text: object) -> str:
    """Text that may stand in a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def code(value: object) -> str:
    """A value as code in a cell: JSON, but a text without quotes."""
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    fence = "``" if "`" in shown else "`"
    return cell(f"{fence}{shown}{fence}") if shown else "empty text"


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a Markdown table."""
    return [
        "| " + " | ".join(heads) + " |",
        "|" + "---|" * len(heads),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _resolved(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a `$ref`, with what stands beside the reference."""
    if "$ref" not in schema:
        return schema
    target = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**_resolved(target, whole), **beside}


def kind(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """The type of a value, in a few words."""
    schema = _resolved(schema, whole)
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    if "oneOf" in schema:
        options = [_resolved(option, whole) for option in schema["oneOf"] if "$ref" in option or "type" in option]
        if options and all(option.get("type") == "object" for option in options):
            return "object, one of several forms"
        if options:
            return " or ".join(kind(option, whole) for option in options)
    types = schema.get("type", "any JSON value")
    name = " or ".join(types) if isinstance(types, list) else str(types)
    if name == "array" and "items" in schema:
        return f"array of {kind(schema['items'], whole)}"
    return name + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    if schema.get("format") in ("date-time", "date"):
        return ", RFC 3339 time" if schema["format"] == "date-time" else ", RFC 3339 date"
    if "pattern" in schema:
        return f" {code(schema['pattern'])}"
    low = schema.get("minimum", -SAFE)
    high = schema.get("maximum", SAFE)
    said = [f"≥ {low}"] if low > -SAFE else []
    said += [f"≤ {high}"] if high < SAFE else []
    said += [f"> {schema['exclusiveMinimum']}"] if "exclusiveMinimum" in schema else []
    said += [f"< {schema['exclusiveMaximum']}"] if "exclusiveMaximum" in schema else []
    said += ["not empty"] if schema.get("minLength") == 1 else []
    return " " + " and ".join(said) if said else ""


def _keys(
    schema: Mapping[str, Any], whole: Mapping[str, Any], told: dict[str, str], path: str = "", depth: int = 0
) -> Iterator[_Key]:
    """Every key below a schema, parents first. `told`: each definition with keys, and the place where they stand."""
    schema = _resolved(schema, whole)
    if depth > MAX_DEPTH:
        return
    if "items" in schema and "properties" not in schema:  # else the items are as the value itself
        yield from _keys(schema["items"], whole, told, f"{path}[]", depth + 1)
    further = schema.get("additionalProperties")
    named = {**schema.get("properties", {}), **({"<name>": further} if isinstance(further, dict) else {})}
    for name, member in named.items():
        place, definition = f"{path}.{name}" if path else name, member.get("$ref", "")
        yield _Key(place, _resolved(member, whole), name in schema.get("required", ()), told.get(definition, ""))
        if definition not in told:
            below = list(_keys(member, whole, told, place, depth + 1))
            if definition and below:
                told[definition] = place
            yield from below


def _variants(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The forms of a union of objects; empty where the schema is none."""
    options = [_resolved(option, whole) for option in schema.get("oneOf", ())]
    return options if options and all("properties" in option for option in options) else []


def _variant_row(variant: Mapping[str, Any], whole: Mapping[str, Any]) -> list[str]:
    keys = [
        f"{code(key.path)}{'' if key.required else ' (optional)'}: {kind(key.schema, whole)}"
        for key in _keys(variant, whole, {})
    ]
    return ["<br>".join(keys), cell(variant.get("description", ""))]


def _meaning(schema: Mapping[str, Any]) -> str:
    default = f" Left out: {code(schema['default'])}." if "default" in schema else ""
    return cell(schema.get("description", "")) + default


def fields(schema: Mapping[str, Any], *, skip: frozenset[str] = frozenset()) -> list[str]:
    """The tables of one schema, without the keys whose path is in `skip` or below one that is."""
    whole = schema
    keys = [
        key for key in _keys(schema, whole, {}) if not any(key.path == s or key.path.startswith(s + ".") for s in skip)
    ]
    lines: list[str] = []
    if keys:
        rows = [
            [
                code(key.path),
                f"as {code(key.like)}" if key.like else kind(key.schema, whole),
                "yes" if key.required else "no",
                _meaning(key.schema),
            ]
            for key in keys
        ]
        lines += table(["Key", "Value", "Required", "Meaning"], rows)
    unions = [("", schema)] if _variants(schema, whole) else []
    unions += [(key.path, _resolved(key.schema.get("items", key.schema), whole)) for key in keys]
    for path, union in unions:
        variants = _variants(union, whole)
        if variants:
            lines += ["", f"The forms of {code(path)}:" if path else "One of these forms:", ""]
            lines += table(["Keys", "Meaning"], [_variant_row(variant, whole) for variant in variants])
    return lines or [f"{kind(schema, whole)[:1].upper()}{kind(schema, whole)[1:]}. {schema.get('description', '')}"]
