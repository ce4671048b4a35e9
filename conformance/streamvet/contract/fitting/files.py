"""Rules about the schema files of a profile's folder: they are there, have addresses, and refer to each other.

Must not know what the schemas say of events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import jsonschema_rs

from streamvet.contract.files import cut, step
from streamvet.contract.fitting.misfit import Misfit, place_of
from streamvet.contract.patterns import USABLE, is_usable
from streamvet.contract.profile import pointed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamvet.contract.profile import Profile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_META = jsonschema_rs.Draft202012Validator({"$ref": DIALECT}, validate_formats=True)  # of a `pattern`, too
_VALUES = frozenset({"const", "enum", "default", "examples"})  # keywords whose value is no schema


def are_there(profile: Profile) -> Iterable[Misfit]:
    """Each schema that profile.yaml names is a file."""
    named = {f"/events/types{step(kind)}": file for kind, file in {**profile.types, **profile.groups}.items()}
    named |= {f"/events/adopted{step(kind)}": file for kind, file in profile.adopted_types.items()}
    named |= {f"{place_of(one)}/schema": one.schema for one in profile.operations.values() if one.schema}
    bodies = {place_of(one): one.raw.get("request") for one in profile.operations.values()}
    named |= {f"{place}/request": file for place, file in bodies.items() if file}
    named |= {"/error/schema": file} if (file := profile.field("error.schema")) else {}
    for place, name in named.items():
        if name not in profile.schemas.all():
            yield Misfit(place, "a file in the profile's folder", repr(name))


def are_schemas(profile: Profile) -> Iterable[Misfit]:
    """Each one is of the dialect that is understood here."""
    for file, schema in profile.schemas.all().items():
        if not isinstance(schema, dict):
            yield Misfit("", "a JSON Schema, an object", cut(repr(schema)), file)
        elif schema.get("$schema") != DIALECT:
            yield Misfit("/$schema", DIALECT, cut(repr(schema["$schema"])) if "$schema" in schema else "nothing", file)
        else:
            yield from _invalid(file, schema)


def have_linear_patterns(profile: Profile) -> Iterable[Misfit]:
    """No text can hang what matches them."""
    for file, schema in profile.schemas.all().items():
        for place, pattern in _patterns(schema, ""):
            if not is_usable(pattern):
                yield Misfit(place, USABLE, cut(repr(pattern)), file)


def _patterns(schema: Any, place: str) -> Iterator[tuple[str, str]]:
    """Each pattern of a schema, with its place."""
    if isinstance(schema, list):
        for index, one in enumerate(schema):
            yield from _patterns(one, f"{place}/{index}")
    for key, one in schema.items() if isinstance(schema, dict) else ():
        below = place + step(key)
        if key == "pattern" and isinstance(one, str):
            yield below, one
        elif key == "patternProperties" and isinstance(one, dict):
            yield from ((below + step(pattern), pattern) for pattern in one)
        if key not in _VALUES:
            yield from _patterns(one, below)


def _invalid(file: str, schema: Any) -> Iterator[Misfit]:
    for error in _META.iter_errors(schema):
        place = "".join(step(str(part)) for part in error.instance_path)
        yield Misfit(place, "a JSON Schema of draft 2020-12", cut(error.message), file)


def have_addresses(profile: Profile) -> Iterable[Misfit]:
    """Each one has its own, by which others refer to it."""
    seen: dict[str, str] = {}
    for file, schema in profile.schemas.all().items():
        address = schema.get("$id")
        if address is None:
            yield Misfit("/$id", "the schema's own address", "nothing", file)
        elif not urlsplit(address).scheme:
            yield Misfit("/$id", "an absolute address, such as https://example.org/line", repr(address), file)
        elif address in seen:
            yield Misfit("/$id", f"another address than that of {seen[address]}", repr(address), file)
        else:
            seen[address] = file


def refer_to_each_other(profile: Profile) -> Iterable[Misfit]:
    """What a schema refers to is in this folder, or in itself."""
    known = {urldefrag(schema["$id"]).url: schema for schema in profile.schemas.all().values()}
    for file, schema in profile.schemas.all().items():
        for place, base, ref in _refs(schema, "", ""):
            address, fragment = urldefrag(urljoin(base, ref))
            if not _resolves(known, address, unquote(fragment)):
                yield Misfit(place, "a reference to a schema of this folder", cut(repr(ref)), file)


def _refs(schema: Any, place: str, base: str) -> Iterator[tuple[str, str, str]]:
    """Each reference of a schema: its place, the address that it is relative to, and what it says."""
    if isinstance(schema, list):
        for index, one in enumerate(schema):
            yield from _refs(one, f"{place}/{index}", base)
    if not isinstance(schema, dict):
        return
    base = urljoin(base, schema["$id"]) if isinstance(schema.get("$id"), str) else base
    for key, one in schema.items():
        if key == "$ref" and isinstance(one, str):
            yield f"{place}/$ref", base, one
        elif key not in _VALUES:
            yield from _refs(one, place + step(key), base)


def _resolves(known: dict[str, Any], address: str, fragment: str) -> bool:
    if address == DIALECT:
        return True
    inside = known.get(address) or next((one for whole in known.values() for one in _inside(whole, address)), None)
    if inside is None or not fragment:
        return inside is not None
    if fragment.startswith("/"):
        return pointed(inside, fragment) is not None
    return any(one.get("$anchor") == fragment for one in _objects(inside))


def _inside(whole: Any, address: str) -> Iterator[Any]:
    """Schemas inside of another one that have this address of their own."""
    base = whole["$id"]
    return (one for one in _objects(whole) if isinstance(one.get("$id"), str) and urljoin(base, one["$id"]) == address)


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for one in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _objects(one)
