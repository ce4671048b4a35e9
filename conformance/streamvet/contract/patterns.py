"""Regular expressions of profiles and schemas, by an engine whose time is linear in the text: no text can hang a run.

It is the one inside jsonschema-rs, so that what decides "valid?" and what explains a mismatch read a pattern alike.
It has no lookaround and no backreference. Must not know which keyword a pattern is of.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Of a compiled pattern: the time for a character may grow with it. A thousandfold repetition of a class of Unicode
# needs more; none of ours takes a tenth of it.
_MOST_BYTES = 1024 * 1024
ENGINE = jsonschema_rs.RegexOptions(size_limit=_MOST_BYTES, dfa_size_limit=_MOST_BYTES)
USABLE = "a pattern that can be read in linear time: no lookaround, no backreference, no huge repetition"


def decider_of(schema: Any, registry: jsonschema_rs.Registry | None = None) -> jsonschema_rs.Draft202012Validator:
    """What decides whether a value is valid against a schema.

    Raises:
        jsonschema_rs.ValidationError: where a pattern cannot be used.
    """
    return jsonschema_rs.Draft202012Validator(schema, registry=registry, validate_formats=True, pattern_options=ENGINE)


def is_usable(pattern: str) -> bool:
    """Whether the engine can read a pattern."""
    try:
        _compiled(pattern)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def searches(pattern: str, text: str) -> bool:
    """Whether a pattern matches anywhere in a text; False for a pattern that cannot be used."""
    try:
        return _compiled(pattern)(text)
    except (jsonschema_rs.ValidationError, ValueError):  # ValueError: a lone surrogate, which is no text
        return False


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Callable[[str], bool]:
    return decider_of({"pattern": pattern}).is_valid


# ------------------------------------------------------------------------------------------------ explanations


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not searches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, rows: Mapping[str, Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for pattern, schema in rows.items():
            for key, value in instance.items():
                if searches(pattern, key):
                    yield from validator.descend(value, schema, path=key, schema_path=pattern)


def further(instance: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """The keys of an object about which neither `properties` nor `patternProperties` of a schema says anything."""
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", ())
    return [key for key in instance if key not in named and not any(searches(one, key) for one in patterns)]


def _additional_properties(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    keys = further(instance, schema) if isinstance(instance, dict) else []
    if rule is False and keys:
        yield ValidationError(f"{', '.join(map(repr, keys))} not allowed")
    elif isinstance(rule, dict):
        for key in keys:
            yield from validator.descend(instance[key], rule, path=key)


def _unevaluated_properties(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """As jsonschema has it, but where a pattern has a say in what is evaluated: there it stays unexplained."""
    if isinstance(instance, dict) and "patternProperties" not in str(schema):
        yield from _theirs(validator, rule, instance, schema) or ()


_theirs = Draft202012Validator.VALIDATORS["unevaluatedProperties"]
# jsonschema's own keywords match with Python's `re`, which may take time that is exponential in the text.
Explainer: type[Draft202012Validator] = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "pattern": _pattern, "patternProperties": _pattern_properties, "additionalProperties": _additional_properties,
        "unevaluatedProperties": _unevaluated_properties,
    },
)  # fmt: skip
