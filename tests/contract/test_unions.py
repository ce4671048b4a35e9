"""The union of each system's events, and its bundle: they accept what dispatch on the discriminator accepts.

Knows the generated files, the vectors and the profiles; it must not know how the files are made.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema_rs
import pytest

from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamvet.contract.profile import Profile

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
ABSENT = object()
# What is put at the places that tell a type: no text, texts that no profile lists, and types of other rules.
OTHERS = (
    ABSENT,
    None,
    7,
    "",
    "of-no-type",
    "assist",
    "assist.of-no-type",
    "status",
    "augmenter",
    "end",
    "done",
    "plan",
)


class Union(NamedTuple):
    """A union: the system, and whether it is of the adopted readings."""

    system: str
    name: str

    def __str__(self) -> str:
        return f"{self.system}/{self.name}"

    @property
    def profile(self) -> Profile:
        """The system's profile."""
        return load_profile(self.system)

    @property
    def file_of(self) -> Callable[[str], str | None]:
        """The function from a type to the schema that dispatch holds it to."""
        return self.profile.narrow_file if self.name == "adopted" else self.profile.schema_file


UNIONS = [
    Union(path.parent.name, path.name.removesuffix(".schema.json"))
    for path in sorted(SCHEMAS.glob("*/*.schema.json"))
    if path.name in ("events.schema.json", "adopted.schema.json")
]


class Case(NamedTuple):
    """What a stream may carry: the name of the event, and its data as text or as a JSON value."""

    name: str
    value: Any
    text: str | None = None


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _schema(union: Union, form: str) -> Any:
    return _read(SCHEMAS / union.system / f"{union.name}{form}.schema.json")


@cache
def _decider(union: Union, form: str) -> Callable[[Any], bool]:
    files = [_read(path) for path in sorted((SCHEMAS / union.system).glob("*/*.schema.json"))]
    registry = jsonschema_rs.Registry([(file["$id"], file) for file in files] if not form else [])
    whole = _schema(union, form)
    return jsonschema_rs.Draft202012Validator(whole, registry=registry, validate_formats=True).is_valid


def _cases(union: Union) -> Iterator[Case]:
    """Every vector of the system's events, valid or not, and what comes of it when what tells its type is changed."""
    profile = union.profile
    names = sorted({path.name.removesuffix(".schema.json") for path in (SCHEMAS / union.system / "events").iterdir()})
    vectors = SCHEMAS / union.system / "vectors"
    for path in sorted([*vectors.glob("valid/*"), *vectors.glob("invalid/*"), *vectors.glob("adopted/*/*")]):
        owner = max((name for name in names if path.name.startswith(f"{name}.")), key=len)
        value = _read(path)
        if owner in profile.unread_kinds:
            if isinstance(value, str):
                yield Case(owner, value, value)
            continue
        yield Case(owner, value)
        if profile.by_name:
            yield from (Case(other, value) for other in ("", "of-no-type", *names))
        for place in profile.telling:
            yield from (Case(owner, _changed(value, place, other)) for other in OTHERS)


def _changed(value: Any, place: str, other: Any) -> Any:
    """A value with another one at a pointer of one step."""
    key = place[1:]
    assert "/" not in key
    if not isinstance(value, dict):
        return value
    rest = {name: one for name, one in value.items() if name != key}
    return rest if other is ABSENT else {**rest, key: other}


def _dispatched(union: Union, case: Case) -> bool:
    """Whether an event is right by its type: it has one, and fits its schema or may be of a type that is not listed."""
    name = case.name if union.profile.by_name or case.text is not None else ""
    kind = union.profile.kind_of(case.value, name, case.text)
    file = union.file_of(kind) if kind is not None else None
    if kind is None or file is None:
        return kind is not None and union.profile.open_set
    return union.profile.schemas.decider(file)(case.value)


def _as_told(union: Union, case: Case) -> Any:
    """What the union is about: the data or, where names tell types, the name and the data."""
    return {"event": case.name or "message", "data": case.value} if union.profile.by_name else case.value


def test_every_system_has_a_union_and_those_with_adopted_readings_have_a_second_one() -> None:
    wanted = {(name, "events") for name in builtin_profiles()}
    wanted |= {(name, "adopted") for name in builtin_profiles() if load_profile(name).adopted_types}
    assert set(UNIONS) == wanted


@pytest.mark.parametrize("union", UNIONS, ids=str)
def test_a_union_and_its_bundle_accept_what_dispatch_accepts(union: Union) -> None:
    cases = [(case, _dispatched(union, case)) for case in _cases(union)]
    for form in ("", ".bundle"):
        decide = _decider(union, form)
        assert [(case, wanted) for case, wanted in cases if wanted != decide(_as_told(union, case))] == []
    assert (len(cases) > 30, {wanted for _, wanted in cases}) == (True, {True, False})


@pytest.mark.parametrize("union", UNIONS, ids=str)
def test_a_bundle_refers_to_no_other_file_and_defines_everything_once(union: Union) -> None:
    whole = _schema(union, ".bundle")
    text = json.dumps(whole)
    referred = {part.partition('"')[0] for part in text.split('"$ref": "')[1:]}
    assert {one for one in referred if not one.startswith("#/$defs/")} == set()
    assert {one.removeprefix("#/$defs/") for one in referred} == set(whole["$defs"])
    assert {name: one["title"] for name, one in whole["$defs"].items()} == {name: name for name in whole["$defs"]}
    shapes = [json.dumps({**one, "title": ""}, sort_keys=True) for one in whole["$defs"].values()]
    assert len(set(shapes)) == len(shapes)


@pytest.mark.parametrize("union", UNIONS, ids=str)
def test_a_union_refers_to_the_schema_of_each_listed_type(union: Union) -> None:
    text = json.dumps(_schema(union, ""))
    referred = {part.partition('"')[0] for part in text.split('"$ref": "')[1:]}
    wanted = {union.file_of(kind) for kind in union.profile.types} | set(union.profile.groups.values())
    assert {one for one in referred if not one.startswith("#/")} == wanted


@pytest.mark.parametrize("union", UNIONS, ids=str)
def test_a_union_is_a_schema(union: Union) -> None:
    for form in ("", ".bundle"):
        jsonschema_rs.meta.validate(_schema(union, form))
