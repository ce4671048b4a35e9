"""Our own kinds of files, each held to its meta schema, with errors that name file, place, expected and got.

Must not know what is in the files: their shape is what a meta schema says.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from jsonschema import Draft202012Validator, FormatChecker

from streamvet.contract.intake import FileError, is_file, is_folder, read_bytes, read_text, resolved
from streamvet.contract.patterns import USABLE, Explainer, further, is_usable
from streamvet.contract.values import cut, read_json, read_yaml, step

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

# Whoever reads files finds all that it needs here.
__all__ = [
    "FORMATS", "FileError", "check_shape", "cut", "expected_of", "got_of", "is_file", "is_folder", "meta_validator",
    "mismatch", "place_of", "read_bytes", "read_json", "read_text", "read_yaml", "resolved", "schemas_folder", "step",
]  # fmt: skip


@cache
def schemas_folder() -> Path:
    """The folder `schemas/`: inside the installed package, or the repository's in an editable install."""
    packaged = Path(__file__).resolve().parents[1] / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "schemas"


def _formats() -> FormatChecker:
    """The formats that our schemas use, decided by jsonschema-rs, which is right on every probe of date-time.

    jsonschema's own checkers need its extra `format-nongpl`, whose import alone takes more than a second.
    """
    checker = FormatChecker(formats=())
    checker.checks("regex")(lambda value: not isinstance(value, str) or is_usable(value))
    for name in ("date", "date-time"):
        decider = jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)
        checker.checks(name)(decider.is_valid)
    return checker


FORMATS = _formats()


@cache
def meta_validator(name: str, part: str | None = None) -> Draft202012Validator:
    """The validator for one of our own kinds of file, `meta/<name>.schema.json`, or for a part in its `$defs`."""
    schema = read_json(schemas_folder() / "meta" / f"{name}.schema.json")
    return Explainer(schema if part is None else schema["$defs"][part], format_checker=FORMATS)


def expected_of(error: ValidationError) -> str:
    """What a schema wanted where it was not met, in a few words."""
    rule, value = str(error.validator), error.validator_value
    said = {
        "required": f"the keys {', '.join(map(str, value)) if isinstance(value, list) else value}",
        "type": " or ".join(map(str, value)) if isinstance(value, list) else str(value),
        "enum": f"one of {', '.join(map(repr, value)) if isinstance(value, list) else value}",
        "const": repr(value),
        "additionalProperties": "only known keys",
        "dependentRequired": _dependent(error),
        "minimum": f"at least {value}",
        "exclusiveMinimum": f"more than {value}",
        "exclusiveMaximum": f"less than {value}",
        "maximum": f"at most {value}",
        "minLength": "a text that is not empty" if value == 1 else f"at least {value} characters",
        "pattern": f"a match of {value}",
        "format": USABLE if value == "regex" else f"the format {value}",
        "minItems": f"at least {value} items",
        "maxItems": f"at most {value} items",
        "minProperties": f"at least {value} keys",
        "maxProperties": f"at most {value} keys",
    }
    return said.get(rule, error.message if rule in {"oneOf", "anyOf", "not"} else f"{rule} {value}")


def _dependent(error: ValidationError) -> str:
    """The keys that others need which are there."""
    rule, there = error.validator_value, error.instance
    if not isinstance(rule, dict) or not isinstance(there, dict):
        return ""
    lacking = {key: [one for one in needed if one not in there] for key, needed in rule.items() if key in there}
    return " and ".join(f"{', '.join(keys)} beside {key}" for key, keys in lacking.items() if keys)


def place_of(error: ValidationError) -> str:
    """The JSON pointer of the value that is wrong; "" for the whole."""
    return "".join(map(step, error.absolute_path))


def got_of(error: ValidationError) -> str:
    """What was there, cut."""
    if error.validator == "additionalProperties":
        return cut(", ".join(map(repr, _keys_of([error])[1])))
    return cut(repr(error.instance))


def check_shape(value: Any, meta: str, path: Path | str) -> None:
    """Hold a file's value to its meta schema.

    Raises:
        FileError: with the place of the deepest mismatch.
    """
    found = mismatch(meta_validator(meta), value)
    if found is not None:
        raise FileError(path, *found)


def mismatch(validator: Draft202012Validator, value: Any) -> tuple[str, str, str] | None:
    """The place of the deepest mismatch, what was expected there and what was got; None where there is none."""
    errors = sorted(validator.iter_errors(value), key=lambda e: (-len(e.absolute_path), place_of(e)))
    if not errors:
        return None
    first = errors[0]
    while first.context:  # the branch of a union that got furthest
        errors = first.context
        first = max(errors, key=lambda e: len(e.absolute_path))
        errors = [one for one in errors if one.relative_schema_path[0] == first.relative_schema_path[0]]
    missing, unknown = _keys_of([one for one in errors if one.absolute_path == first.absolute_path])
    if first.validator in _KEY_RULES and missing and unknown:  # likely a typing error, which the unknown one shows
        wanted = f"the key {missing[0]}" if len(missing) == 1 else f"the keys {', '.join(missing)}"
        place = place_of(first) + step(unknown[0])
        return place, f"{wanted}, which is missing", f"{cut(repr(unknown[0]))}, an unknown key"
    return place_of(first), expected_of(first), got_of(first)


_KEY_RULES = ("required", "additionalProperties")


def _keys_of(errors: list[ValidationError]) -> tuple[list[str], list[str]]:
    """Of the errors of one mapping: the required keys that it lacks, and the keys that it has and may not have."""
    missing, unknown = list[str](), list[str]()
    for error in errors:
        there: Any = error.instance
        wanted: Any = error.validator_value
        schema: Any = error.schema
        if error.validator == "required":
            missing += [key for key in wanted if key not in there]
        elif error.validator == "additionalProperties":
            unknown += [str(key) for key in there if not _describes(schema, str(key))]
    return list(dict.fromkeys(missing)), unknown


def _describes(schema: dict[str, Any], key: str) -> bool:
    """Whether a schema says what stands under a key."""
    return not further({key: None}, schema)
