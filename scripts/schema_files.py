"""The generated schemas of a system: the union of its events, and the bundle of it that refers to no other file.

Must not know which languages read them, nor write files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from schema_union import Schema, UnionError, union_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from streamvet.contract.profile import Profile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
INLINE_CHARS = 100  # what fits on a line of this length stands on one, as in the files that are written by hand


class Bundle(NamedTuple):
    """A union with the definitions of all its types: each once, by its title."""

    root: Schema
    definitions: dict[str, Schema]
    known: str  # the title of the union of the known types

    @property
    def whole(self) -> Schema:
        """The schema, without what says where it is."""
        return {**self.root, "$defs": self.definitions}


def readings(profile: Profile) -> dict[str, tuple[str, Callable[[str], str | None]]]:
    """The unions of a profile: file → the word in its titles, and the function from a type to its schema.

    The second one is of what a server should send, where the published description leaves something open.
    """
    found: dict[str, tuple[str, Callable[[str], str | None]]] = {"events": ("", profile.schema_file)}
    if profile.adopted_types:
        found["adopted"] = ("Adopted", profile.narrow_file)
    return found


def union(profile: Profile, name: str) -> Schema:
    """The union, with references to the files of the types."""
    word, file_of = readings(profile)[name]
    made = union_of(profile, _kinds(profile, file_of), lambda file: {"$ref": file}, word)
    return {**made.root, **({"$defs": made.definitions} if made.definitions else {})}


def bundle(profile: Profile, name: str) -> Bundle:
    """The same with the types in it, and what they share once.

    Raises:
        UnionError: where a title means two things.
    """
    word, file_of = readings(profile)[name]
    used: dict[str, str] = {}

    def refer(file: str) -> Schema:
        used.setdefault(file, profile.schemas.read(file)["title"])
        return {"$ref": f"#/$defs/{used[file]}"}

    made = union_of(profile, _kinds(profile, file_of), refer, word)
    definitions = dict(made.definitions)
    for file in used:
        add(definitions, profile.schemas.read(file), file)
    return Bundle(made.root, definitions, made.known)


def apart(made: Bundle) -> Schema:
    """Each known type as a member of its own: some generators of types make one class of all that a union has."""
    union = made.definitions.get(made.known, made.root)
    titles = [str(one["$ref"]).rpartition("/")[2] for one in union["oneOf"]]
    used: dict[str, Schema] = {}
    left = list(titles)
    while left:
        title = left.pop()
        if title not in used:
            used[title] = made.definitions[title]
            left += referred(used[title])
    return {
        "title": f"{made.known}Types",
        "description": "Every type of event as a member of its own, for generators of types. No event has this form.",
        "type": "object",
        "properties": {title: {"$ref": f"#/$defs/{title}"} for title in titles},
        "$defs": {title: one for title, one in made.definitions.items() if title in used},
    }


def referred(schema: Any) -> Iterator[str]:
    """The titles to which a schema of a bundle refers."""
    if isinstance(schema, list):
        for one in schema:
            yield from referred(one)
    elif isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for key, one in schema.items():
            if key != "not":
                yield from referred(one)


def add(definitions: dict[str, Schema], schema: Mapping[str, Any], file: str) -> str:
    """Put the schema of a file and its definitions under their titles, and say the title of the whole.

    Raises:
        UnionError: where there is another one of a title.
    """
    whole = {key: value for key, value in schema.items() if key not in ("$schema", "$id", "$defs")}
    inner: Mapping[str, Any] = schema.get("$defs", {})
    titles = {name: str(one["title"]) for name, one in inner.items()}
    found: dict[str, list[Schema]] = {}
    for one in (whole, *inner.values()):
        _apart(_renamed(one, titles), found)
    for title, several in found.items():
        for one in several:
            if definitions.setdefault(title, one) != one:
                raise UnionError(f"{file}: expected {title} to mean the same as elsewhere, got another one")
    return str(whole["title"])


def _apart(schema: Any, found: dict[str, list[Schema]]) -> Any:
    """A schema whose objects with a title are definitions of their own, which are put into `found`, itself too."""
    if isinstance(schema, list):
        return [_apart(one, found) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: one if key in ("const", "enum", "not") else _apart(one, found) for key, one in schema.items()}
    if isinstance(made.get("properties"), dict):
        made["properties"] = {name: _any(one) for name, one in made["properties"].items()}
    if not isinstance(made.get("title"), str):  # `properties` may have a key of that name
        return made
    found.setdefault(made["title"], []).append(made)
    return {"$ref": f"#/$defs/{made['title']}"}


def _any(schema: Schema) -> Schema:
    """A member that may be anything says so: some generators make an object of what has a description alone."""
    return {**schema, "anyOf": [True]} if set(schema) == {"description"} else schema


def _renamed(value: Any, titles: Mapping[str, str]) -> Any:
    """A schema whose references are to titles.

    A reference with a description is a `oneOf` of it alone: some generators make a new type of what has two keys.
    """
    if isinstance(value, list):
        return [_renamed(one, titles) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _renamed(one, titles) for key, one in value.items() if key != "$ref"}
    refer = value.get("$ref")
    if not isinstance(refer, str):
        return made if "$ref" not in value else {**made, "$ref": _renamed(refer, titles)}
    reference = {"$ref": f"#/$defs/{titles[refer.removeprefix('#/$defs/')]}"}
    return {**made, "oneOf": [reference]} if made else reference


def _kinds(profile: Profile, file_of: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """The same function, for the pattern of a group of types too."""
    return lambda kind: profile.groups.get(kind) or file_of(kind)


def placed(schema: Schema, address: str) -> Schema:
    """A schema with its dialect and its address."""
    return {"$schema": DIALECT, "$id": address, **schema}


def written(value: Any) -> str:
    """The text of a file: short lists of plain values and references on one line, all else on lines of their own."""
    return f"{_written(value, '')}\n"


def _written(value: Any, indent: str) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (_is_plain(value) and len(indent) + len(line) <= INLINE_CHARS):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        rows = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_written(one, inner)}" for key, one in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _written(one, inner) for one in value) + f"\n{indent}]"


def _is_plain(value: Any) -> bool:
    """Whether a value may stand on one line: no object in it but a reference or a single word about a value."""
    if isinstance(value, dict):
        return len(value) <= 1 and not any(isinstance(one, dict | list) and one for one in value.values())
    return not isinstance(value, list) or all(map(_is_plain, value))
