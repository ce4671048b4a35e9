"""A system's interface as an OpenAPI 3.2 document: made of the operations of its profile and of its schemas.

Only what the profile says is in it: another endpoint of the system is not, nor what a status means that no key names.
Must not know where the document is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from schema_files import add, bundle
from schema_union import pascal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schema_union import Schema
    from streamvet.contract.profile import Operation, Profile

VERSION = "3.2.0"
MEDIA = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
CREDENTIALS = ("missing", "invalid", "expired")
JSON = "application/json"
ITEM = "StreamItem"  # the name of what a stream consists of, where that is not the event alone


def document(profile: Profile, address: str) -> dict[str, Any]:
    """The whole document, which refers to nothing outside of it."""
    schemas = _components(profile)
    paths: dict[str, dict[str, Any]] = {}
    for operation in profile.operations.values():
        shared = paths.setdefault(operation.path, {})
        method = operation.method.lower()
        made = _operation(profile, operation)
        shared[method] = _merged(shared[method], made) if method in shared else made
    schemes = _schemes(profile)
    return {
        "openapi": VERSION,
        "$self": address,
        "info": {
            "title": profile.title,
            "version": str(profile.raw["version"]),
            "description": f"What the profile {profile.name} of streamvet says of the interface, with its schemas.",
        },
        "externalDocs": {"description": "The published description.", "url": profile.raw["source"]},
        **({"security": _security(profile, profile.raw["auth"]["kind"])} if schemes else {}),
        "paths": paths,
        "components": {"schemas": schemas, **({"securitySchemes": schemes} if schemes else {})},
    }


# --------------------------------------------------------------------------------------------------------- schemas


def _components(profile: Profile) -> dict[str, Schema]:
    """The types of events, and of the bodies that an operation names."""
    made = bundle(profile, "events")
    found = {**made.definitions, made.root["title"]: made.root}
    if profile.by_name:  # an item has what tells the type in its own fields
        around = {made.root["title"], *(one["$ref"].rpartition("/")[2] for one in made.root["oneOf"])}
        found = {title: one for title, one in found.items() if title not in around}
    for file in _bodies(profile):
        add(found, profile.schemas.read(file), file)
    if profile.framing == "sse":
        found[ITEM] = _item(profile, made.root, made.definitions)
    return {title: _moved(schema) for title, schema in found.items()}


def _bodies(profile: Profile) -> Iterable[str]:
    files = [profile.field("error.schema")]
    for operation in profile.operations.values():
        files += [operation.raw.get("request"), operation.schema]
    return dict.fromkeys(file for file in files if file)


def _moved(value: Any) -> Any:
    """A schema whose references are to components."""
    if isinstance(value, list):
        return [_moved(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _moved(one) for key, one in value.items()}
    if isinstance(value.get("$ref"), str):
        made["$ref"] = value["$ref"].replace("#/$defs/", "#/components/schemas/")
    return made


def _item(profile: Profile, root: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """An SSE event: its fields, of which the data is a text that holds the JSON of an event."""
    unread = [(kind, profile.types[kind]) for kind in profile.unread_kinds if kind in profile.types]
    forms = [
        _fields({"type": "string", "const": kind}, {"$ref": f"#/$defs/{profile.schemas.read(file)['title']}"})
        for kind, file in unread
    ]
    if profile.by_name:
        for one in root["oneOf"]:
            message = definitions[one["$ref"].rpartition("/")[2]]["properties"]
            forms.append(_fields(message["event"], _json(message["data"])))
    else:
        name: Schema = {"type": "string"}
        if (fixed := profile.field("framing.event_name.equals")) is not None:
            name["const"] = fixed
        elif unread:
            name["not"] = {"enum": [kind for kind, _ in unread]}
        forms.append(_fields(name, _json({"$ref": f"#/$defs/{root['title']}"})))
    described = {"title": ITEM, "description": "One event of the stream, as its fields have it."}
    return {**described, **(forms[0] if len(forms) == 1 else {"oneOf": forms})}


def _json(schema: Schema) -> Schema:
    return {"type": "string", "contentMediaType": JSON, "contentSchema": schema}


def _fields(event: Schema, data: Schema) -> Schema:
    properties = {"event": event, "data": data, "id": {"type": "string"}, "retry": {"type": "integer", "minimum": 0}}
    required = ["event", "data"] if "const" in event else ["data"]
    return {"type": "object", "required": required, "properties": properties}


# ------------------------------------------------------------------------------------------------------ operations


def _operation(profile: Profile, operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": operation.name[0] + pascal(operation.name)[1:]}
    if parameters := list(_parameters(operation)):
        made["parameters"] = parameters
    if file := operation.raw.get("request"):
        example = {} if PLACEHOLDER.search(str(operation.body)) else {"example": operation.body}
        content = {"schema": _component(profile, file), **example}
        made["requestBody"] = {"required": True, "content": {JSON: content}}
    made["responses"] = _responses(profile, operation)
    if operation.name == "login":
        made["security"] = []
    elif operation.bearer and profile.raw["auth"]["kind"] != "bearer":
        made["security"] = _security(profile, "bearer")
    return made


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in PLACEHOLDER.findall(operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name, value in operation.query.items():
        filled = PLACEHOLDER.search(value) is not None
        schema: Schema = {"type": "string"} if filled else {"type": "string", "const": value}
        yield {"name": name, "in": "query", "required": True, "schema": schema}
    for name, value in operation.headers.items():
        if name.lower() not in ("accept", "content-type", "authorization"):  # OpenAPI says these elsewhere
            yield {"name": name, "in": "header", "required": True, "schema": {"type": "string", "example": value}}


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two operations of one path and method: what only one of them has in its query is optional."""
    found = {(row["in"], row["name"]): row for row in [*one.get("parameters", ()), *other.get("parameters", ())]}
    both = {(row["in"], row["name"]) for row in one.get("parameters", ())}
    both &= {(row["in"], row["name"]) for row in other.get("parameters", ())}
    parameters = [
        row if key in both or row["in"] == "path" else {**row, "required": False} for key, row in found.items()
    ]
    return {
        **one,
        **({"parameters": parameters} if parameters else {}),
        "responses": {**other["responses"], **one["responses"]},
    }


def _responses(profile: Profile, operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status in operation.status:
        found[str(status)] = _success(profile, operation)
    for refused in sorted({str(status).upper() for status in _refusals(profile, operation)}):
        found.setdefault(refused, _refusal(profile))
    return found


def _success(profile: Profile, operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {"description": "The stream." if operation.streams else "Done."}
    if header := operation.raw.get("run_id", {}).get("header"):
        made["headers"] = {header: {"description": "Names the run.", "schema": {"type": "string"}}}
    if operation.streams:
        name = ITEM if profile.framing == "sse" else bundle(profile, "events").root["title"]
        made["content"] = {MEDIA[profile.framing]: {"itemSchema": _named(name)}}
    elif operation.schema:
        made["content"] = {JSON: {"schema": _component(profile, operation.schema)}}
    return made


def _refusals(profile: Profile, operation: Operation) -> Iterable[Any]:
    """Every status of a refusal that the profile names for an operation."""
    auth, raw = profile.raw["auth"], operation.raw
    if operation.name != "login":
        for key in CREDENTIALS:
            yield from auth.get(key, ())
    if "{run}" in operation.path:
        for key in ("foreign", "unknown"):
            yield from auth.get(key, ())
    answers = [raw.get(key, {}) for key in ("wrong", "unknown", "again", "finished", "not_acceptable")]
    for answer in [*answers, *raw.get("refused", ())]:
        yield from (status for status in answer.get("status", ()) if int(status) >= 400)
    if any("{cursor}" in value for value in operation.query.values()):
        yield from profile.field("catchup.cursor.refused") or ()


def _refusal(profile: Profile) -> dict[str, Any]:
    file = profile.field("error.schema")
    content = {"content": {JSON: {"schema": _component(profile, file)}}} if file else {}
    return {"description": "Refused.", **content}


def _component(profile: Profile, file: str) -> Schema:
    return _named(profile.schemas.read(file)["title"])


def _named(title: str) -> Schema:
    return {"$ref": f"#/components/schemas/{title}"}


# -------------------------------------------------------------------------------------------------------- security


def _schemes(profile: Profile) -> dict[str, Any]:
    """The ways in which a credential travels."""
    auth = profile.raw["auth"]
    kinds = [auth["kind"], *("bearer" for one in profile.operations.values() if one.bearer)]
    return {kind: _scheme(kind, auth) for kind in dict.fromkeys(kinds) if kind != "none"}


def _scheme(kind: str, auth: Mapping[str, Any]) -> dict[str, Any]:
    if kind in ("bearer", "basic"):
        return {"type": "http", "scheme": kind, **({"bearerFormat": "JWT"} if kind == "bearer" and auth["jwt"] else {})}
    return {"type": "apiKey", "in": kind, "name": auth["parameter"]}


def _security(profile: Profile, kind: str) -> list[dict[str, list[str]]]:
    return [] if profile.raw["auth"]["kind"] == "none" else [{kind: []}]
