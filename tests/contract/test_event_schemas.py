"""The schemas of every profile: what they say, how they are written, and the vectors that show both.

A vector finds its schema by its own name: `assist.step_start.seq-zero.json` belongs to the schema with the longest
name that the vector's name begins with. Knows the files below `schemas/` and the two validators; of the suite only
the formats that it gives jsonschema.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema
import jsonschema_rs
import pytest

from streamvet.contract.files import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
# The base of every `$id` stands in mkdocs.yml alone: what the publisher sets there is what the files have.
(SITE_URL,) = re.findall(
    r"^site_url: (\S+/)$", (SCHEMAS.parent / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
)
SITE = f"{SITE_URL}schemas/v1/"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDERS = ("events", "adopted", "requests", "responses")
MAX_SAFE_INTEGER = 2**53 - 1  # ECMAScript's Number.MAX_SAFE_INTEGER: what every JSON reader carries without loss

# Cosma's document: its groups, and for each opcode the fields of its data. All are texts, but for `recursive`. What
# `status_update` carries is said to vary.
COSMA: dict[str, dict[str, tuple[str, ...]]] = {
    "file processing": {
        **dict.fromkeys(("file_parsing", "file_parsed", "file_summarizing"), ("path", "filename")),
        **dict.fromkeys(("file_summarized", "file_embedding", "file_embedded", "file_complete"), ("path", "filename")),
        "file_failed": ("path", "filename", "error"),
        "file_skipped": ("path", "filename", "reason"),
    },
    "file system": {
        **dict.fromkeys(("file_created", "file_modified", "file_deleted", "directory_deleted"), ("path",)),
        **dict.fromkeys(("file_moved", "directory_moved"), ("src_path", "dest_path")),
    },
    "watch": {
        "watch_started": ("path", "recursive"),
        **dict.fromkeys(("watch_added", "watch_removed"), ("path",)),
    },
    "directory processing": {
        **dict.fromkeys(("directory_processing_started", "directory_processing_completed"), ("path",)),
    },
    "queue": {
        **dict.fromkeys(("queue_item_added", "queue_item_updated"), ("id", "file_path", "action", "status")),
        **dict.fromkeys(("queue_item_processing", "queue_item_completed"), ("id", "file_path", "action", "status")),
        "queue_item_removed": ("id", "file_path", "action", "status"),
        "queue_item_failed": ("id", "file_path", "action", "error"),
        **dict.fromkeys(("queue_paused", "queue_resumed"), ("source",)),
    },
    "scheduler": dict.fromkeys(("scheduler_paused", "scheduler_resumed"), ()),
    "general": {
        **dict.fromkeys(("error", "info"), ("message",)),
        **dict.fromkeys(("status_update", "shutting_down"), ()),
    },
}
COSMA_OPCODES = {opcode: fields for group in COSMA.values() for opcode, fields in group.items()}

# Profile → the event types that its document lists, and those that only its other pages or its origin show.
EVENT_TYPES: dict[str, tuple[set[str], set[str]]] = {
    "ghostly": (
        {"status", "end", "ping"}
        | {
            f"assist.{name}"
            for name in (
                *("recon", "plan_chunk", "loop_state", "horizon_start", "horizon_end", "victory_check"),
                *("memory_hit", "memory_miss", "step_start", "step_success", "step_failure"),
                *("heal_start", "heal_action", "heal_success", "heal_failure", "run_end"),
            )
        },
        {"assist", "assist.judge_verdict"},  # `assist` holds for every type that has no schema of its own
    ),
    "promptfloe": (
        {
            "plan",
            "file",
            "review",
            "augmenter",
            "ready",
            "chunk",
            "insight",
            "file_written",
            "progress",
            "done",
            "error",
        },
        {"cancelled", "started", "planning"},
    ),
    "cosma": (set(COSMA_OPCODES), set()),
    "rockstar": (
        {"redacting", "compressing", "checking", "generating_preview", "storing", "linking_plans", "done", "error"},
        set(),
    ),
    "agent-workspace": ({"fleet_snapshot", "fleet_update", "fleet_logs", "heartbeat", "error"}, set()),
}
COUNTS = {"ghostly": (19, 2), "promptfloe": (11, 3), "cosma": (34, 0), "rockstar": (8, 0), "agent-workspace": (5, 0)}

# Profile → the event types whose data may look alike, because only the name of the SSE event tells them apart.
ALIKE = {"agent-workspace": {"fleet_snapshot", "fleet_update", "fleet_logs"}}

# The keywords that a schema may use: the ones that generators of types understand. `discriminator`, `allOf`, `anyOf`,
# `if` and `unevaluatedProperties` are not among them.
ANNOTATIONS = {"$schema", "$id", "$defs", "$ref", "title", "description", "examples"}
ASSERTIONS = {
    *("type", "const", "enum", "not", "oneOf", "properties", "required", "additionalProperties", "items"),
    *("minItems", "maxItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum"),
    "dependentRequired",  # a generator that passes over it has two optional keys, which is wider and not wrong
}


class Schema(NamedTuple):
    """A schema file: `name` is its file name without `.schema.json`."""

    profile: str
    folder: str
    name: str
    path: Path

    def __str__(self) -> str:
        return f"{self.profile}/{self.folder}/{self.name}"


class Vector(NamedTuple):
    """An example file, with the schema that its name begins with (None where no schema does)."""

    path: Path
    schema: Schema | None

    def __str__(self) -> str:
        return self.path.relative_to(SCHEMAS).as_posix()


def _schemas() -> list[Schema]:
    return [
        Schema(path.parts[-3], path.parts[-2], path.name.removesuffix(".schema.json"), path)
        for folder in FOLDERS
        for path in sorted(SCHEMAS.glob(f"*/{folder}/*.json"))
    ]


ALL_SCHEMAS = _schemas()
PROFILES = sorted({schema.profile for schema in ALL_SCHEMAS if schema.folder == "events"})


def _owner(profile: str, folder: str, name: str) -> Schema | None:
    """The schema whose name is the longest beginning of a vector's name, ending at a dot."""
    fitting = [s for s in ALL_SCHEMAS if (s.profile, s.folder) == (profile, folder) and name.startswith(f"{s.name}.")]
    return max(fitting, key=lambda schema: len(schema.name), default=None)


def _vectors(kind: str) -> list[Vector]:
    return [
        Vector(path, _owner(home.parts[-2], folder, path.stem))
        for home in sorted(SCHEMAS.glob("*/vectors"))
        for folder in FOLDERS
        for path in sorted((home / ("" if folder == "events" else folder) / kind).glob("*"))
    ]


VALID = _vectors("valid")
INVALID = _vectors("invalid")


def _same_type(schema: Schema) -> Schema:
    """The schema, in `events`, of the type whose adopted readings a schema holds."""
    return next(s for s in ALL_SCHEMAS if (s.profile, s.folder, s.name) == (schema.profile, "events", schema.name))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def _explainer(schema: Schema) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(_read(schema.path), format_checker=FORMATS)


@cache
def _decider(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(_read(schema.path), validate_formats=True)


def _walk(schema: Any, at: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every subschema with its place; `not` is left to the rule that says what may stand in it."""
    yield at, schema
    for keyword in ("properties", "$defs"):
        for name, member in schema.get(keyword, {}).items():
            yield from _walk(member, f"{at}/{keyword}/{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from _walk(schema[keyword], f"{at}/{keyword}")
    for index, member in enumerate(schema.get("oneOf", [])):
        yield from _walk(member, f"{at}/oneOf/{index}")


def _is_named(at: str) -> bool:
    """Whether the subschema stands at the root, under `properties` or under `$defs`."""
    return at == "#" or at.split("/")[-2] in {"properties", "$defs"}


def _needs_title(schema: dict[str, Any], at: str) -> bool:
    return schema.get("type") == "object" or at == "#" or at.split("/")[-2] == "$defs"


def _asked_for(schema: dict[str, Any]) -> set[str]:
    """The keys that are required, always or beside others."""
    pairs = schema.get("dependentRequired", {})
    return {*schema.get("required", []), *pairs, *(key for keys in pairs.values() for key in keys)}


# Rule of style → whether a subschema, at its place, breaks it.
STYLE: dict[str, Callable[[dict[str, Any], str], bool]] = {
    "only known keywords": lambda s, _: bool(set(s) - ANNOTATIONS - ASSERTIONS),
    "a description": lambda s, at: _is_named(at) and not s.get("description"),
    "a title in PascalCase": lambda s, at: (
        _needs_title(s, at) and not re.fullmatch("([A-Z][a-z0-9]*)+", s.get("title", ""))
    ),
    "one type; a union is a oneOf": lambda s, _: isinstance(s.get("type"), list),
    "properties only on objects": lambda s, _: (
        bool({"properties", "required", "dependentRequired"} & set(s)) and s.get("type") != "object"
    ),
    "required only what is described": lambda s, _: bool(_asked_for(s) - set(s.get("properties", {}))),
    "open to further properties": lambda s, _: s.get("additionalProperties") is False,
    "fixed values have a type": lambda s, _: bool({"const", "enum"} & set(s)) and "type" not in s,
    "numbers have bounds": lambda s, _: s.get("type") in ("integer", "number") and not {"minimum", "maximum"} <= set(s),
    "integers are safe": lambda s, _: (
        s.get("type") == "integer" and any(abs(s.get(bound, 0)) > MAX_SAFE_INTEGER for bound in ("minimum", "maximum"))
    ),
    "oneOf holds only $refs": lambda s, _: any(set(member) != {"$ref"} for member in s.get("oneOf", [])),
    "not holds only values": lambda s, _: set(s.get("not", {"enum"})) != {"enum"},
    "a $ref stays in its file": lambda s, _: not s.get("$ref", "#/$defs/").startswith("#/$defs/"),
    "patterns are anchored": lambda s, _: not re.fullmatch(r"\^.*\$", s.get("pattern", "^$")),
    "patterns are ASCII": lambda s, _: not s.get("pattern", "").isascii(),
    "patterns mean the same in every language": lambda s, _: bool(re.search(r"\\[dDwWsSbBpP]", s.get("pattern", ""))),
    "no format but date-time": lambda s, _: s.get("format", "date-time") != "date-time",
}


def _breaches(schema: dict[str, Any], at: str) -> list[str]:
    """The rules of style that one subschema breaks."""
    return [rule for rule, is_broken in STYLE.items() if is_broken(schema, at)]


# Rule of style → a subschema under `properties` that breaks it and no other.
STYLE_BREAKERS: dict[str, dict[str, Any]] = {
    "only known keywords": {"description": "d", "allOf": []},
    "a description": {"type": "string"},
    "a title in PascalCase": {"description": "d", "title": "snake_case", "type": "object"},
    "one type; a union is a oneOf": {"description": "d", "type": ["string", "null"]},
    "properties only on objects": {"description": "d", "properties": {}},
    "required only what is described": {"description": "d", "title": "T", "type": "object", "required": ["a"]},
    "open to further properties": {"description": "d", "title": "T", "type": "object", "additionalProperties": False},
    "fixed values have a type": {"description": "d", "const": "a"},
    "numbers have bounds": {"description": "d", "type": "integer", "minimum": 0},
    "integers are safe": {"description": "d", "type": "integer", "minimum": 0, "maximum": 2**53},
    "oneOf holds only $refs": {"description": "d", "oneOf": [{"type": "string"}]},
    "not holds only values": {"description": "d", "not": {"type": "null"}},
    "a $ref stays in its file": {"description": "d", "$ref": "other.schema.json"},
    "patterns are anchored": {"description": "d", "type": "string", "pattern": "[0-9]+$"},
    "patterns are ASCII": {"description": "d", "type": "string", "pattern": "^é$"},
    "patterns mean the same in every language": {"description": "d", "type": "string", "pattern": r"^\d+$"},
    "no format but date-time": {"description": "d", "type": "string", "format": "uri"},
}


@pytest.mark.parametrize("rule", STYLE)
def test_a_rule_of_style_notices_what_breaks_it(rule: str) -> None:
    assert _breaches(STYLE_BREAKERS[rule], "#/properties/x") == [rule]


@pytest.mark.parametrize("schema", ALL_SCHEMAS, ids=str)
def test_a_schema_file_is_a_schema_and_says_where_it_is(schema: Schema) -> None:
    text = schema.path.read_text(encoding="utf-8")
    content = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(content)
    jsonschema_rs.meta.validate(content)
    assert schema.path.name.endswith(".schema.json")
    assert content["$schema"] == DIALECT
    assert content["$id"] == SITE + schema.path.relative_to(SCHEMAS).as_posix()
    assert text.endswith("}\n")
    assert "\t" not in text


@pytest.mark.parametrize("schema", ALL_SCHEMAS, ids=str)
def test_a_schema_is_written_so_that_types_can_be_generated_from_it(schema: Schema) -> None:
    content = _read(schema.path)
    assert [f"{at}: {breach}" for at, member in _walk(content) for breach in _breaches(member, at)] == []
    referred = {member["$ref"].removeprefix("#/$defs/") for _, member in _walk(content) if "$ref" in member}
    assert referred == set(content.get("$defs", {}))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_title_means_one_thing_in_a_profile(profile: str) -> None:
    meanings: dict[str, dict[str, str]] = {}
    for schema in ALL_SCHEMAS:
        if schema.profile == profile:
            for at, member in _walk(_read(schema.path)):
                if "title" in member:
                    content = json.dumps(member, sort_keys=True)
                    meanings.setdefault(member["title"], {}).setdefault(content, f"{schema}{at}")
    assert {title: sorted(found.values()) for title, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_event_type_has_a_schema_and_no_other_thing_has(profile: str) -> None:
    documented, further = EVENT_TYPES[profile]
    names = [schema.name for schema in ALL_SCHEMAS if (schema.profile, schema.folder) == (profile, "events")]
    assert set(names) == documented | further
    assert (len(documented), len(further)) == COUNTS[profile]


@pytest.mark.parametrize("vector", [*VALID, *INVALID], ids=str)
def test_a_vector_is_named_after_its_schema_and_what_it_shows(vector: Vector) -> None:
    assert vector.schema is not None
    shown = vector.path.name.removeprefix(f"{vector.schema.name}.")
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*[.]json", shown)


@pytest.mark.parametrize("schema", ALL_SCHEMAS, ids=str)
def test_every_schema_has_vectors_and_one_without_each_required_key(schema: Schema) -> None:
    assert sum(vector.schema == schema for vector in VALID) >= 1
    invalid = [_read(vector.path) for vector in INVALID if vector.schema == schema]
    assert len(invalid) >= 2
    content = _read(schema.path)
    discriminators = {name for name, member in content.get("properties", {}).items() if "const" in member}
    objects = [event for event in invalid if isinstance(event, dict)]
    shown = _read(_same_type(schema).path).get("required", []) if schema.folder == "adopted" else []
    needed = set(content.get("required", [])) - discriminators - set(shown)
    assert {key for key in needed if all(key in event for event in objects)} == set()


@pytest.mark.parametrize("vector", VALID, ids=str)
def test_a_valid_vector_is_valid(vector: Vector) -> None:
    assert vector.schema is not None
    event = _read(vector.path)
    assert [error.message for error in _explainer(vector.schema).iter_errors(event)] == []
    assert _decider(vector.schema).is_valid(event)


@pytest.mark.parametrize("vector", INVALID, ids=str)
def test_an_invalid_vector_is_wrong_in_one_thing(vector: Vector) -> None:
    assert vector.schema is not None
    event = _read(vector.path)
    errors = list(_explainer(vector.schema).iter_errors(event))
    # A null where one of three texts belongs breaks `type` and `enum` at one place; two missing keys are two things.
    assert len({(e.json_path, e.message if e.validator == "required" else "") for e in errors}) == 1
    assert not _decider(vector.schema).is_valid(event)


def _look_alike(one: Schema | None, other: Schema) -> bool:
    """Whether two schemas are of different events, whose data tell nothing about which it is."""
    return one is not None and one != other and {one.name, other.name} <= ALIKE.get(one.profile, set())


@pytest.mark.parametrize("kind", ["valid", "invalid"])
@pytest.mark.parametrize("profile", PROFILES)
def test_an_event_fits_only_the_schema_of_its_own_type(profile: str, kind: str) -> None:
    """So that a plain oneOf over all events that do not look alike holds, and an invalid vector stays invalid in it."""
    events = [schema for schema in ALL_SCHEMAS if (schema.profile, schema.folder) == (profile, "events")]
    vectors = [v for v in (VALID if kind == "valid" else INVALID) if v.schema in events]
    fitting = {
        str(v): [s.name for s in events if not _look_alike(v.schema, s) and _decider(s).is_valid(_read(v.path))]
        for v in vectors
    }
    expected = {str(v): [v.schema.name] if v.schema and kind == "valid" else [] for v in vectors}
    assert fitting == expected


# --------------------------------------------------------------------------------------------- adopted readings

ADOPTED = [schema for schema in ALL_SCHEMAS if schema.folder == "adopted"]


def test_there_are_adopted_readings_where_a_published_document_leaves_events_open() -> None:
    names = {profile: [s.name for s in ADOPTED if s.profile == profile] for profile in PROFILES}
    assert {profile: len(found) for profile, found in names.items()} == {
        "agent-workspace": 1, "cosma": 0, "ghostly": 0, "promptfloe": 14, "rockstar": 1,
    }  # fmt: skip


@pytest.mark.parametrize("schema", ADOPTED, ids=str)
def test_an_adopted_reading_only_narrows_what_its_type_allows(schema: Schema) -> None:
    of_type = _same_type(schema)
    narrower = [vector for vector in VALID if vector.schema == schema]
    assert [str(v) for v in narrower if not _decider(of_type).is_valid(_read(v.path))] == []
    refused = [vector for vector in INVALID if vector.schema == of_type]
    assert [str(v) for v in refused if _decider(schema).is_valid(_read(v.path))] == []


@pytest.mark.parametrize("vector", [v for v in INVALID if v.schema in ADOPTED], ids=str)
def test_what_only_an_adopted_reading_refuses_is_an_event_of_its_type(vector: Vector) -> None:
    assert vector.schema is not None
    assert _decider(_same_type(vector.schema)).is_valid(_read(vector.path))


# ----------------------------------------------------------------------------------- the tables of published documents


class Table(NamedTuple):
    """What a document lists under one heading: all keys, and those of them that may be left out."""

    keys: tuple[str, ...]
    optional: tuple[str, ...] = ()


# Profile → the title of a schema → the table that the system's document has for it.
TABLES: dict[str, dict[str, Table]] = {
    "rockstar": {
        "DoneEvent": Table(
            ("step", "nanoid", "url", "version", "changed", "project_nanoid", "project_label", "plans"),
            ("project_nanoid", "project_label", "plans"),
        ),
        "LinkedPlan": Table(("nanoid", "name", "url", "version", "created")),
        "ErrorEvent": Table(("step", "error")),
    },
    "agent-workspace": {
        "PipelineSnapshot": Table(
            (
                *("id", "projectId", "projectName", "status", "startedAt", "trigger", "triggerData"),
                *("jobs", "pendingInterventions"),
            )
        ),
        "SlimJob": Table(("id", "pipelineRunId", "agentType", "status", "startedAt", "completedAt", "error")),
        "SlimIntervention": Table(("id", "pipelineRunId", "type", "message", "status", "createdAt")),
        "HeartbeatEvent": Table(("ts",)),
        "ErrorEvent": Table(("message",)),
    },
}
TABLE_SIZES = {
    "rockstar": {"DoneEvent": 8, "LinkedPlan": 5, "ErrorEvent": 2},
    "agent-workspace": {
        "PipelineSnapshot": 9, "SlimJob": 7, "SlimIntervention": 6, "HeartbeatEvent": 1, "ErrorEvent": 1,
    },
}  # fmt: skip


def _titled(profile: str, title: str) -> list[dict[str, Any]]:
    """Every place of a profile's events where a title stands; a test above holds them to be the same."""
    events = [schema for schema in ALL_SCHEMAS if (schema.profile, schema.folder) == (profile, "events")]
    return [member for schema in events for _, member in _walk(_read(schema.path)) if member.get("title") == title]


def test_the_tables_have_as_many_keys_as_the_documents_list() -> None:
    sizes = {profile: {title: len(table.keys) for title, table in rows.items()} for profile, rows in TABLES.items()}
    assert sizes == TABLE_SIZES


@pytest.mark.parametrize(("profile", "title"), [(profile, title) for profile in TABLES for title in TABLES[profile]])
def test_a_schema_has_the_keys_of_its_table(profile: str, title: str) -> None:
    table, places = TABLES[profile][title], _titled(profile, title)
    assert places
    for place in places:
        assert set(place["properties"]) == set(table.keys)
        assert set(place["required"]) == set(table.keys) - set(table.optional)


@pytest.mark.parametrize(("profile", "title"), [(profile, title) for profile in TABLES for title in TABLES[profile]])
def test_each_required_key_of_a_table_is_missing_in_a_vector(profile: str, title: str) -> None:
    vectors = [(v, v.schema) for v in INVALID if v.schema and v.schema[:2] == (profile, "events")]
    missed = {
        key
        for vector, schema in vectors
        for error in _explainer(schema).iter_errors(_read(vector.path))
        if error.validator == "required" and error.schema["title"] == title
        for key in set(error.validator_value) - set(error.instance)
    }
    assert missed == set(TABLES[profile][title].keys) - set(TABLES[profile][title].optional)


def _values(profile: str, *path: str) -> set[str]:
    """The values that are allowed for a member of a titled schema."""
    (values,) = {tuple(place["properties"][path[1]]["enum"]) for place in _titled(profile, path[0])}
    return set(values)


def test_a_run_of_the_fleet_has_one_of_the_eleven_active_statuses_or_null() -> None:
    statuses = {
        *("queued", "researching", "architecting", "designing", "implementing", "testing"),
        *("awaiting_approval", "releasing", "marketing", "documenting", "syncing_branches"),
    }
    assert len(statuses) == 11
    assert [set(place["enum"]) for place in _titled("agent-workspace", "ActiveStatus")] == [statuses] * 2
    allowed = [place["properties"]["status"]["oneOf"] for place in _titled("agent-workspace", "PipelineSnapshot")]
    assert allowed == [[{"$ref": "#/$defs/ActiveStatus"}, {"$ref": "#/$defs/Null"}]] * 2


def test_the_words_of_the_fleet_are_those_of_its_document() -> None:
    types = _values("agent-workspace", "SlimIntervention", "type")
    assert types == {"interrupt", "inject", "take_over", "resume", "note"}
    assert _values("agent-workspace", "SlimIntervention", "status") == {"pending", "resolved"}
    (line,) = (_read(s.path)["$defs"]["AgentLog"] for s in ADOPTED if str(s) == "agent-workspace/adopted/fleet_logs")
    levels = set(line["properties"]["level"]["enum"])
    assert levels == {"info", "tool_call", "tool_result", "thinking", "error", "metric"}
    (error,) = _titled("agent-workspace", "ErrorEvent")
    assert error["properties"]["message"]["const"] == "Failed to load initial state"


def test_a_list_of_the_fleet_is_as_long_as_its_document_allows() -> None:
    lists = {s.name: _read(s.path) for s in ALL_SCHEMAS if s.profile == "agent-workspace" and s.folder == "events"}
    bounds = {
        name: (content.get("minItems", 0), content.get("maxItems"))
        for name, content in lists.items()
        if content["type"] == "array"
    }
    assert bounds == {"fleet_snapshot": (0, 50), "fleet_update": (1, 50), "fleet_logs": (1, None)}


# ------------------------------------------------------------------------------------------------------------ cosma


def test_the_opcodes_of_cosma_are_as_many_in_each_group_as_its_document_has() -> None:
    assert [len(opcodes) for opcodes in COSMA.values()] == [9, 6, 3, 2, 8, 2, 4]
    assert len(COSMA_OPCODES) == 34


@pytest.mark.parametrize(("opcode", "fields"), COSMA_OPCODES.items(), ids=COSMA_OPCODES)
def test_an_opcode_of_cosma_has_the_data_that_its_document_lists(opcode: str, fields: tuple[str, ...]) -> None:
    schema = next(s for s in ALL_SCHEMAS if (s.profile, s.folder, s.name) == ("cosma", "events", opcode))
    event = _read(schema.path)
    assert (event["required"], event["properties"]["opcode"]["const"]) == (["opcode", "data"], opcode)
    data = event["properties"]["data"]
    assert (data["type"], tuple(data.get("required", ()))) == ("object", fields)
    types = {field: data["properties"][field]["type"] for field in fields}
    assert types == {field: "boolean" if field == "recursive" else "string" for field in fields}


@pytest.mark.parametrize(("opcode", "fields"), COSMA_OPCODES.items(), ids=COSMA_OPCODES)
def test_a_cosma_opcode_is_shown_with_these_fields_alone_and_without_each(opcode: str, fields: tuple[str, ...]) -> None:
    shown = [
        [_read(vector.path) for vector in vectors if str(vector.schema) == f"cosma/events/{opcode}"]
        for vectors in (VALID, INVALID)
    ]
    assert all(len(events) >= 2 for events in shown)
    valid, invalid = (
        [set(e["data"]) for e in events if isinstance(e, dict) and isinstance(e.get("data"), dict)] for events in shown
    )
    assert set(fields) in valid
    assert [field for field in fields if set(fields) - {field} not in invalid] == []
