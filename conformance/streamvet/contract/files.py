"""Reading YAML and JSON files, with errors that name file, place, expected and got.

Must not know what is in the files: their shape is what a meta schema says.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import yaml
from jsonschema import Draft202012Validator, FormatChecker

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

SEEN_CHARS = 80  # how much of a wrong value an error shows


class FileError(Exception):
    """A file that cannot be used. The text has the file, the place in it, what was expected and what was got."""

    def __init__(self, file: Path | str, place: str, expected: str, got: str) -> None:
        super().__init__(f"{file}: {place or 'the file'}: expected {expected}, got {got}")


@cache
def schemas_folder() -> Path:
    """The folder `schemas/`: inside the installed package, or the repository's in an editable install."""
    packaged = Path(__file__).resolve().parents[1] / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "schemas"


if TYPE_CHECKING:
    from yaml import SafeLoader
else:  # libyaml's parser where PyYAML was built with it, ten times as fast; both give the same values and marks
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _WrongKeyError(yaml.constructor.ConstructorError):
    """Our own objection to what is YAML otherwise; its problem says what was got."""


class _UniqueLoader(SafeLoader):
    """YAML that refuses a key twice in one mapping, where PyYAML keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool):
                raise _WrongKeyError(None, None, "a key that is not a scalar", key_node.start_mark)
            if key in seen:
                raise _WrongKeyError(None, None, f"the key {key!r} a second time", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


# A date stays a text, as in JSON: the schemas ask for `format: date`, and a schema knows no date values.
_UniqueLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        FileError: where it is not there, not readable, or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileError(
            path, f"byte {error.start}", "UTF-8", repr(error.object[error.start : error.start + 4])
        ) from error
    except OSError as error:
        raise FileError(path, "", "a readable file", error.strerror or type(error).__name__) from error


def read_yaml(path: Path) -> Any:
    """The value of a YAML file (of a JSON file too).

    Raises:
        FileError: where it is no YAML.
    """
    try:
        value = yaml.load(read_text(path), Loader=_UniqueLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        got = error.problem if isinstance(error, _WrongKeyError) else _mistake(error.problem)
        raise FileError(path, place, "YAML", got or "something else") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise FileError(path, "", "YAML", " ".join(str(error).split())[:SEEN_CHARS]) from error
    _check_bounds(value, path)
    return value


def _mistake(said: str | None) -> str:
    """What a parser says, as something that was got."""
    return f"a mistake in it: {said}"


# An alias of YAML may hold itself, or, with a few lines, a billion values: whoever walks such a file never ends. The
# largest file of ours has less than 2,500 values, the deepest 15 levels; a body of a request may have more.
MOST_VALUES, MOST_LEVELS = 200_000, 100


def _check_bounds(value: Any, path: Path) -> None:
    """Hold a value to what one can walk and JSON can say, aliases expanded.

    Raises:
        FileError: where it has too many values or levels, or a number that is none of JSON's.
    """
    left: list[tuple[Any, str, int]] = [(value, "", 0)]
    seen = 0
    while left:
        one, place, level = left.pop()
        seen += 1
        if level > MOST_LEVELS:
            raise FileError(path, cut(place), f"at most {MOST_LEVELS} levels, aliases expanded", "more")
        if seen > MOST_VALUES:
            raise FileError(path, "", f"at most {MOST_VALUES} values, aliases expanded", "more")
        if isinstance(one, dict):
            left += [(member, place + step(key), level + 1) for key, member in one.items()]
        elif isinstance(one, list):
            left += [(member, f"{place}/{index}", level + 1) for index, member in enumerate(one)]
        elif isinstance(one, float) and not math.isfinite(one):
            raise FileError(path, place, "a number as JSON has them", repr(one))


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        FileError: where it is no JSON.
    """
    try:
        value = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise FileError(path, f"line {error.lineno}, column {error.colno}", "JSON", _mistake(error.msg)) from error
    except RecursionError as error:
        raise FileError(path, "", "JSON", "nesting that is too deep") from error
    except ValueError as error:  # of more digits than Python reads
        raise FileError(path, "", "JSON", "a number that is too long") from error
    _check_bounds(value, path)
    return value


def _formats() -> FormatChecker:
    """The formats that our schemas use, decided by jsonschema-rs, which is right on every probe of date-time.

    jsonschema's own checkers need its extra `format-nongpl`, whose import alone takes more than a second.
    """
    checker = FormatChecker(formats=())
    for name in ("date", "date-time", "regex"):
        decider = jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)
        checker.checks(name)(decider.is_valid)
    return checker


FORMATS = _formats()


@cache
def meta_validator(name: str) -> Draft202012Validator:
    """The validator for one of our own kinds of file, `meta/<name>.schema.json`."""
    return Draft202012Validator(read_json(schemas_folder() / "meta" / f"{name}.schema.json"), format_checker=FORMATS)


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
        "format": f"the format {value}",
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


def step(part: object) -> str:
    """One step of a JSON pointer."""
    return "/" + str(part).replace("~", "~0").replace("/", "~1")


def got_of(error: ValidationError) -> str:
    """What was there, cut."""
    if error.validator == "additionalProperties":
        return cut(", ".join(map(repr, _keys_of([error])[1])))
    return cut(repr(error.instance))


def cut(text: str) -> str:
    """A text, or its beginning where it is long."""
    return text if len(text) <= SEEN_CHARS else text[: SEEN_CHARS - 1] + "…"


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
        return place, f"{wanted}, not there", f"{cut(repr(unknown[0]))}, a key that is not known"
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
    patterns = schema.get("patternProperties", ())
    return key in schema.get("properties", {}) or any(re.search(one, key) for one in patterns)
