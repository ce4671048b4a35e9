"""JSON Schema validation for one profile's folder.

jsonschema-rs decides, because it is fast; jsonschema explains what it refuses. Must not know what an event is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from streamvet.contract.files import FORMATS, FileError, cut, expected_of, got_of, is_file, place_of, read_json
from streamvet.contract.patterns import Explainer, decider_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


# Keywords about which a member that is missing may decide.
_OF_THE_WHOLE = frozenset({
    "required", "dependentRequired", "dependentSchemas", "minProperties", "allOf", "anyOf", "oneOf", "not", "if",
})  # fmt: skip


class SchemaSet:
    """The schemas of a folder, read when first asked for; of the folders behind it those that it does not have."""

    def __init__(self, folder: Path, *behind: Path) -> None:
        self._folder = folder
        self._folders = (folder, *behind)
        self._loaded: dict[str, Any] | None = None
        self._registry: jsonschema_rs.Registry | None = None
        self._deciders: dict[str, Callable[[Any], bool]] = {}
        self._explainers: dict[str, Draft202012Validator] = {}

    def all(self) -> dict[str, Any]:
        """Each schema by its file, which is named as in profile.yaml."""
        if self._loaded is None:
            found: dict[str, Path] = {}
            for folder in reversed(self._folders):
                found |= {one.relative_to(folder).as_posix(): one for one in folder.glob("*/*.schema.json")}
            self._loaded = {name: read_json(found[name]) for name in sorted(found)}
        return self._loaded

    def path_of(self, file: str) -> Path:
        """Where a schema is, named as in profile.yaml."""
        return next((folder / file for folder in self._folders if is_file(folder / file)), self._folder / file)

    def read(self, file: str) -> Any:
        """The schema in this file, named as in profile.yaml."""
        try:
            return self.all()[file]
        except KeyError:
            raise FileError(self._folder / file, "", "a schema of the profile", "no such file") from None

    def decider(self, file: str) -> Callable[[Any], bool]:
        """A function that says whether a value is valid against the schema in `file`."""
        if file not in self._deciders:
            if self._registry is None:  # its making takes longer than that of a decider
                self._registry = jsonschema_rs.Registry([(one["$id"], one) for one in self.all().values()])
            validator = decider_of(self.read(file), self._registry)
            self._deciders[file] = _total(validator.is_valid)
        return self._deciders[file]

    def explain(self, file: str, value: Any, whole: str = "the event") -> tuple[str, str]:
        """What the schema expected and what it saw, at the most telling place of an invalid value, which is `whole`."""
        error = best_match(self._explainer(file).iter_errors(value))
        if error is None:  # the two disagree: a format that only jsonschema-rs knows by the letter
            return f"a value that is valid against {file}", cut(repr(value))
        place = place_of(error) or whole
        return f"{place}: {_wanted(error)}", f"{place}: {_seen(error)}"

    def misses(self, file: str, value: Any) -> Iterator[tuple[str, str, str]]:
        """Where a part of a value is wrong, whatever members are added to it: place, what was expected, what it is."""
        for error in self._explainer(file).iter_errors(value):
            if error.validator not in _OF_THE_WHOLE:
                yield place_of(error), expected_of(error), got_of(error)

    def _explainer(self, file: str) -> Draft202012Validator:
        if file not in self._explainers:
            resources = [(s["$id"], Resource.from_contents(s, DRAFT202012)) for s in self.all().values()]
            registry: Registry[Any] = Registry().with_resources(resources)
            self._explainers[file] = Explainer(self.read(file), registry=registry, format_checker=FORMATS)
        return self._explainers[file]


_TIME = "a time with a zone (RFC 3339)"
_UNIONS, _COUNTS = ("anyOf", "oneOf"), ("minItems", "maxItems")


def _wanted(error: ValidationError) -> str:
    """What a schema wanted; of a union of plain values what each of its branches did."""
    schema: Any = error.schema
    if isinstance(schema, dict) and schema.get("format") == "date-time":
        return _TIME
    inner = error.context or []
    if error.validator not in _UNIONS or not inner or any(one.relative_path for one in inner):
        return expected_of(error)
    branches: dict[Any, str] = {}
    for one in inner:
        branches.setdefault(one.relative_schema_path[0], _wanted(one))
    return ", or ".join(dict.fromkeys(branches.values()))


def _seen(error: ValidationError) -> str:
    """What was there, cut; of a list that is too long or too short the number of its items."""
    value: Any = error.instance
    return f"{len(value)} items" if error.validator in _COUNTS else cut(repr(value))


def _total(is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The same for every value that Python can hold: jsonschema-rs raises on a lone surrogate, which is no text."""

    def decide(value: Any) -> bool:
        try:
            return is_valid(value)
        except (ValueError, OverflowError, RecursionError):
            return False

    return decide
