"""OpenAPI 3.1 and 3.2: the operations of a document that answer with a stream, and the schema of what is on it.

A stream's item is what `itemSchema` says (3.2), or the schema of the media type where nothing else is said (3.1). Must
not know profiles.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, cut
from streamvet.contract.patterns import is_usable
from streamvet.contract.pointer import pointed
from streamvet.observing.sample import EVENT_STREAM, NDJSON, NDJSON_TYPES, SSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_METHODS = ("get", "post", "put", "patch", "delete")
_VERSIONS = re.compile(r"3[.][12]([.].*)?")
_MOST_REFS = 50  # one behind another: more go round in a circle
_MOST_BRANCHES = 100
_SAMPLES = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}, "null": None}
_DEEP = 6
MOSTLY = 0.6  # of the parts of a union: the others are what an open set may have besides


@dataclass(frozen=True, slots=True)
class Stream:
    """An operation that answers with a stream. `item` is the schema of what is on it, resolved up to its members."""

    method: str
    path: str
    framing: str
    media_type: str
    item: Mapping[str, Any]
    operation: Mapping[str, Any]
    body: Any = None
    statuses: tuple[int, ...] = (200,)

    @property
    def name(self) -> str:
        """Its method and its path."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Branch:
    """One kind of item: the event field that it has, "" where that is not said, and the schema of its data."""

    event: str
    data: Any
    is_text: bool = False  # the data is a text of which nothing more is known


@dataclass(slots=True)
class Document:
    """A document, whose references are followed inside of it alone."""

    raw: Mapping[str, Any]
    path: Path
    left_out: list[str] = field(default_factory=list)  # what could not be taken over

    def resolved(self, value: Any) -> Any:
        """What a value is, or refers to; {} where that is outside of the document."""
        for _ in range(_MOST_REFS):
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return value
            reference = value["$ref"]
            found = pointed(self.raw, reference[1:]) if reference.startswith("#/") else None
            if found is None:
                self.left_out.append(f"what {cut(reference)} refers to")
                return {}
            value = found
        return {}

    def streams(self) -> Iterator[Stream]:
        """Each operation that answers with a stream, in the order of the document."""
        for path, item in (self.raw.get("paths") or {}).items():
            row = self.resolved(item)
            for method in _METHODS:
                operation = self.resolved(row.get(method)) if isinstance(row, dict) else None
                if isinstance(operation, dict):
                    yield from self._answers(method.upper(), str(path), operation)

    def _answers(self, method: str, path: str, operation: Mapping[str, Any]) -> Iterator[Stream]:
        for status, answer in (operation.get("responses") or {}).items():
            content = (self.resolved(answer) or {}).get("content") or {}
            for media_type, row in content.items() if str(status)[:1] == "2" else ():
                plain = media_type.partition(";")[0].strip().lower()
                framing = SSE if plain == EVENT_STREAM else NDJSON if plain in NDJSON_TYPES else None
                if framing is not None:
                    code = int(status) if str(status).isdigit() else 200
                    yield Stream(
                        method, path, framing, plain, self._item(self.resolved(row) or {}), operation,
                        self.body_of(operation), (code,),
                    )  # fmt: skip
                    return

    def _item(self, media: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema of an item: of a whole that is a list, what its items are."""
        schema = self.resolved(media.get("itemSchema"))
        if isinstance(schema, dict):
            return schema
        whole = self.resolved(media.get("schema"))
        if isinstance(whole, dict) and whole.get("type") == "array":
            whole = self.resolved(whole.get("items"))
        return whole if isinstance(whole, dict) else {}

    # ------------------------------------------------------------------ what is on a stream

    def branches(self, schema: Any, *, named: bool) -> list[Branch]:
        """The kinds of items: of a union each part; `named`: items are blocks with a field for data."""
        found: list[Branch] = []
        for one in self._parts(schema, 0):
            members = self.members(one)
            data = members.get("data") if named else None
            if data is None:
                found.append(Branch("", one))
                continue
            events = self._constants(members.get("event"))
            content, is_text = self._content(data)
            parts = self._parts(content, 0) if len(events) < 2 else [content]
            found += [Branch(event, part, is_text) for event in events or [""] for part in parts]
        return found[:_MOST_BRANCHES]

    def _parts(self, schema: Any, level: int) -> list[Any]:
        """The parts of a union, down to those that are none; each as it stands, with its reference."""
        one = self.resolved(schema)
        unions = [one.get(key) for key in ("oneOf", "anyOf")] if isinstance(one, dict) else []
        parts: list[Any] = next((union for union in unions if isinstance(union, list)), [])
        if not parts or level > _DEEP or "properties" in one:
            return [schema]
        return [part for each in parts for part in self._parts(each, level + 1)]

    def _content(self, data: Any) -> tuple[Any, bool]:
        """The schema of what the data of a block says: by contentSchema, else by itself; whether it is only a text."""
        one = self.resolved(data)
        if isinstance(one, dict) and "contentSchema" in one:
            return one["contentSchema"], False
        return data, isinstance(one, dict) and one.get("type") == "string"

    def members(self, schema: Any, level: int = 0) -> dict[str, Any]:
        """The properties of an object, with those of the schemas that it is all of."""
        one = self.resolved(schema)
        found: dict[str, Any] = {}
        for part in one.get("allOf", ()) if isinstance(one, dict) and level < _DEEP else ():
            found |= self.members(part, level + 1)
        return found | (one.get("properties") or {} if isinstance(one, dict) else {})

    def _constants(self, schema: Any) -> list[str]:
        """The texts that a value is one of, as the schema says."""
        one = self.resolved(schema)
        if not isinstance(one, dict):
            return []
        values = [one["const"]] if "const" in one else one.get("enum", [])
        return [value for value in values if isinstance(value, str) and value and "*" not in value]

    def told_by(self, branches: list[Branch], *, apart: bool) -> tuple[str, list[str | None]] | None:
        """The member whose text tells these apart, and the text of each; None where there is none.

        A branch without a text there is what an open set has besides. With `apart` each text is that of one branch.
        """
        members = [self.members(one.data) for one in branches]
        for name in dict.fromkeys(name for one in members for name in one):
            constants = [self._constants(one.get(name)) for one in members]
            texts = [one[0] if len(one) == 1 else None for one in constants]
            known = [text for text in texts if text is not None]
            enough = known and len(known) >= MOSTLY * len(texts) and (len(set(known)) > 1 or len(texts) == 1)
            if enough and (not apart or len(set(known)) == len(texts)):
                return name, texts
        return None

    # ------------------------------------------------------------------ schemas and bodies

    def bundled(self, schema: Any) -> dict[str, Any]:
        """A schema that stands alone: what it refers to is in its `$defs`."""
        names: dict[str, str] = {}
        definitions: dict[str, Any] = {}

        def moved(value: Any) -> Any:
            if isinstance(value, list):
                return [moved(one) for one in value]
            if not isinstance(value, dict):
                return value
            made = {key: moved(one) for key, one in value.items() if key not in ("$id", "$schema", "discriminator")}
            if isinstance(made.get("pattern"), str) and not is_usable(made["pattern"]):
                self.left_out.append(f"the pattern {cut(made.pop('pattern'))}")
            reference = made.get("$ref")
            if isinstance(reference, str):
                made["$ref"] = self._moved_ref(reference, names, definitions, moved)
            return made

        made = moved(copy.deepcopy(self.resolved(schema)))
        made = made if isinstance(made, dict) else {}
        return made | ({"$defs": definitions} if definitions else {})

    def _moved_ref(self, reference: str, names: dict[str, str], definitions: dict[str, Any], moved: Any) -> str:
        """Where what is referred to stands in the schema's own `$defs`."""
        if reference not in names:
            stem = re.sub(r"[^A-Za-z0-9._-]+", "-", reference.rpartition("/")[2]) or "schema"
            names[reference] = stem if stem not in names.values() else f"{stem}-{len(names)}"
            name = names[reference]
            definitions[name] = {}  # a schema may refer to itself
            definitions[name] = moved(copy.deepcopy(self.resolved({"$ref": reference})))
        return f"#/$defs/{names[reference]}"

    def body_of(self, operation: Mapping[str, Any]) -> Any:
        """A JSON body of a request: its example, else one that its schema allows; None where it takes none."""
        content = (self.resolved(operation.get("requestBody")) or {}).get("content") or {}
        media = self.resolved(content.get("application/json")) or {}
        if "example" in media:
            return media["example"]
        examples = [self.resolved(one) for one in (media.get("examples") or {}).values()]
        given = next((one["value"] for one in examples if isinstance(one, dict) and "value" in one), None)
        return given if given is not None else self.sample(media["schema"], 0) if "schema" in media else None

    def sample(self, schema: Any, level: int) -> Any:
        """A value that a schema allows, as far as its types, constants and examples say."""
        one = self.resolved(schema)
        if not isinstance(one, dict) or level > _DEEP:
            return {}
        for key, first in (
            ("const", False),
            ("example", False),
            ("examples", True),
            ("default", False),
            ("enum", True),
        ):
            if one.get(key) not in (None, []):
                return one[key][0] if first else one[key]
        union = next((one[key] for key in ("oneOf", "anyOf") if isinstance(one.get(key), list) and one[key]), None)
        members = self.members(one)
        if members:
            wanted = {*one.get("required", ()), *(name for name in ("stream",) if name in members)}
            return {name: True if name == "stream" else self.sample(members[name], level + 1)
                    for name in members if name in wanted}  # fmt: skip
        if union:
            return self.sample(union[0], level + 1)
        kind = one.get("type", "object")
        return copy.copy(_SAMPLES.get(kind[0] if isinstance(kind, list) and kind else kind, {}))


def document_of(raw: Any, path: Path) -> Document:
    """A document of OpenAPI 3.1 or 3.2.

    Raises:
        FileError: where it is none.
    """
    version = raw.get("openapi") if isinstance(raw, dict) else None
    if not isinstance(version, str) or not _VERSIONS.fullmatch(version):
        raise FileError(path, "/openapi", "3.1 or 3.2", cut(repr(version)) if version else "no such key")
    if not isinstance(raw.get("paths"), dict):
        raise FileError(path, "/paths", "paths with operations", "none")
    return Document(raw, path)


def chosen(document: Document, operation: str | None) -> tuple[Stream, list[str]]:
    """The stream that is meant, and the names of the others.

    Raises:
        FileError: where there is none, or none of that name.
    """
    found = list(document.streams())
    names = [one.name for one in found]
    if not found:
        wanted = f"an operation that is answered with {EVENT_STREAM}, {NDJSON_TYPES[0]} or application/jsonl"
        raise FileError(document.path, "/paths", wanted, "none")
    if operation is not None and operation not in names:
        raise FileError(document.path, "--operation", f"one of {', '.join(names)}", repr(operation))
    number = names.index(operation) if operation is not None else 0
    return found[number], names[:number] + names[number + 1 :]
