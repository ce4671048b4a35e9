"""Our own files: the schemas in `meta/`, and what the contract says with them.

Knows the files below `schemas/` and the loader; it must not know how a requirement is checked.
"""

from __future__ import annotations

import json
import re
import shutil
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema
import jsonschema_rs
import pytest
import yaml

from streamvet.contract.files import FileError, check_shape, meta_validator, read_yaml
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import Registry, is_field, load_registry
from streamvet.contract.statements import statement_lists, statements
from streamvet.outcome import Verdict
from streamvet.trace import ABOUT, FIRST, ROLES, Chunk, Ending, Exchange, Head, Late, Request, Trace, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
(SITE_URL,) = re.findall(
    r"^site_url: (\S+/)$", (SCHEMAS.parent / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
)
SITE = f"{SITE_URL}schemas/v1/meta/"
META = sorted((SCHEMAS / "meta").glob("*.json"))
REQUIREMENTS = [SCHEMAS / "requirements.yaml", *sorted(SCHEMAS.glob("*/requirements.yaml"))]
PROFILES = sorted(path.parent.name for path in SCHEMAS.glob("*/profile.yaml"))

BASES = ("document", "adopted")  # what a statement can rest on
# The lists of testable statements that `covers` counts by: list → the system whose list it is, number of lines.
LISTS = {
    "R000": ("rockstar", 21),
    "R001": ("promptfloe", 24),
    "R002": ("agent-workspace", 22),
    "R003": ("ghostly", 26),
    "R004": ("cosma", 37),
}


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _walk(schema: Any, at: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every subschema that describes a value, with its place; `if`, `then` and `else` only restrict one."""
    if not isinstance(schema, dict):
        return
    yield at, schema
    for keyword in ("properties", "patternProperties", "$defs"):
        for name, member in schema.get(keyword, {}).items():
            yield from _walk(member, f"{at}/{keyword}/{name}")
    for keyword in ("items", "additionalProperties"):
        yield from _walk(schema.get(keyword), f"{at}/{keyword}")


# ------------------------------------------------------------------------------------------- the schemas themselves


@pytest.mark.parametrize("path", META, ids=lambda path: path.stem)
def test_a_meta_schema_is_a_schema_and_says_where_it_is(path: Path) -> None:
    content = _read(path)
    jsonschema.Draft202012Validator.check_schema(content)
    jsonschema_rs.meta.validate(content)
    assert content["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert content["$id"] == SITE + path.name


@pytest.mark.parametrize("path", META, ids=lambda path: path.stem)
def test_a_meta_schema_describes_every_field_and_knows_its_typing_errors(path: Path) -> None:
    places = list(_walk(_read(path)))
    named = [
        (at, s) for at, s in places if at == "#" or at.split("/")[-2] in ("properties", "patternProperties", "$defs")
    ]
    assert [at for at, schema in named if not schema.get("description", "").endswith(".")] == []
    closed = [(at, s) for at, s in places if "properties" in s and "patternProperties" not in s]
    assert [at for at, schema in closed if "additionalProperties" not in schema] == []


def test_the_meta_schemas_are_those_of_our_files() -> None:
    expected = {
        "case",
        "client-report",
        "client-requirements",
        "client-vectors",
        "control",
        "example-traces",
        "outcome",
        "profile",
        "published",
        "report",
        "requirements",
        "statements",
        "target",
        "trace",
        "waivers",
    }
    assert {path.name.removesuffix(".schema.json") for path in META} == expected


def test_the_first_record_of_a_trace_is_held_to_the_types_of_its_schema() -> None:
    record = _read(SCHEMAS / "meta" / "trace.schema.json")["$defs"]["TraceHeader"]
    types = {str: "string", dict: "object", int: "integer", list: "array", (int, float): "number"}
    said = {key: record["properties"][key]["type"] for key in record["required"] if key not in ("record", "format")}
    assert {key: types[kinds if len(kinds) > 1 else kinds[0]] for key, kinds in FIRST.items()} == said


def test_words_that_code_and_schemas_share_are_the_same() -> None:
    trace = _read(SCHEMAS / "meta" / "trace.schema.json")["$defs"]
    exchange = trace["ExchangeRecord"]["properties"]
    assert set(exchange["role"]["enum"]) == set(ROLES)
    assert set(exchange["about"]["properties"]) == set(ABOUT)
    assert set(trace["EndRecord"]["properties"]["ending"]["enum"]) == {ending.value for ending in Ending}
    verdict = _read(SCHEMAS / "meta" / "report.schema.json")["$defs"]["RequirementVerdict"]["properties"]["verdict"]
    assert set(verdict["enum"]) == {verdict.value for verdict in Verdict}


# --------------------------------------------------------------------------------------------------- our own files


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_the_form_of_a_profile(name: str) -> None:
    assert load_profile(name).name == name


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.parent.name)
def test_the_requirements_have_their_form(path: Path) -> None:
    check_shape(read_yaml(path), "requirements", path)


def test_the_suite_checks_its_requirements_itself(registry: Registry) -> None:
    assert [row.id for row in registry.rows.values() if row.command] == []


def test_each_system_that_is_named_has_requirements_and_no_other_has() -> None:
    assert sorted(read_yaml(REQUIREMENTS[0])["systems"]) == [path.parent.name for path in REQUIREMENTS[1:]]


def _trace() -> Trace:
    from array import array  # noqa: PLC0415 - only this example needs it

    body = 'data: {"é": 1}\n\n'.encode()
    cut = body.index(b"\xa9")  # inside the character, so that both chunks are base64
    request = Request("GET", "http://127.0.0.1:1/v1", (("Accept", "text/event-stream"),), None)
    head = Head(200, "HTTP/1.1", (("Content-Type", "text/event-stream"),), 10)
    about = {"meant": "stream", "account": "primary", "run": "r1", "run_id": "7", "finished": False}
    exchange = Exchange(
        "x1", "attach", "reader", about, request, 0, head, body, array("q", [cut, len(body)]), array("q", [20, 30]),
        Ending.COMPLETE, 40,
    )  # fmt: skip
    assert [type(chunk) for chunk in exchange.chunks] == [Chunk, Chunk]
    return Trace("straight", {"script": []}, (exchange,), "ghostly", "0" * 64, 1, late=(Late(10, 8), Late(25, 2)))


def test_what_the_recorder_writes_are_trace_records() -> None:
    found = list(records(_trace()))
    assert [record["record"] for record in found] == ["trace", "exchange", "head", "chunk", "chunk", "end"]
    assert {record["record"]: [e.message for e in meta_validator("trace").iter_errors(record)] for record in found} == {
        record["record"]: [] for record in found
    }


CONTROL = {
    "describe": ({"do": "describe"}, True),
    "script": ({"do": "script", "steps": [{"emit": {"type": "plan"}}, {"wait_ms": 5}], "outcome": "hangs"}, True),
    "publish": ({"do": "publish", "events": [{"opcode": "x", "data": None}]}, True),
    "state": ({"do": "state", "state": {"pipelines": [{}], "users": {"a@example.org": ["p1"]}}}, True),
    "fail": ({"do": "fail", "what": "store"}, True),
    "fail twice": ({"do": "fail", "what": "rate", "times": 2}, True),
    "reset": ({"do": "reset"}, True),
    "an unknown do": ({"do": "explode"}, False),
    "no do": ({}, False),
    "a script without an outcome": ({"do": "script", "steps": []}, False),
    "a step with two meanings": ({"do": "script", "steps": [{"emit": {}, "wait_ms": 1}], "outcome": "fails"}, False),
    "a negative wait": ({"do": "script", "steps": [{"wait_ms": -1}], "outcome": "fails"}, False),
    "an unknown failure": ({"do": "fail", "what": "disk"}, False),
    "no times": ({"do": "fail", "what": "load", "times": 0}, False),
    "a typing error": ({"do": "reset", "force": True}, False),
}


@pytest.mark.parametrize(("request_", "is_valid"), CONTROL.values(), ids=CONTROL)
def test_a_control_request(request_: dict[str, Any], is_valid: bool) -> None:
    assert meta_validator("control").is_valid(request_) is is_valid


WAIVERS = {
    "the least": ([{"id": "TRN-09", "reason": "a proxy of ours adds it"}], True),
    "with all": ([{"id": "CAT-12", "reason": "r", "expires": "2030-01-31", "accepts": "INCONCLUSIVE"}], True),
    "none": ([], True),
    "no reason": ([{"id": "TRN-09"}], False),
    "an empty reason": ([{"id": "TRN-09", "reason": ""}], False),
    "no date": ([{"id": "TRN-09", "reason": "r", "expires": "tomorrow"}], False),
    "accepts another verdict": ([{"id": "TRN-09", "reason": "r", "accepts": "FAIL"}], False),
    "a mapping": ({"TRN-09": "r"}, False),
}


def test_a_date_in_yaml_stays_a_text(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text("- {id: TRN-09, reason: r, expires: 2030-01-31}\n", encoding="utf-8")
    waivers = read_yaml(path)
    check_shape(waivers, "waivers", path)
    assert waivers[0]["expires"] == "2030-01-31"


@pytest.mark.parametrize(("waivers", "is_valid"), WAIVERS.values(), ids=WAIVERS)
def test_a_list_of_waivers(waivers: object, is_valid: bool) -> None:
    assert meta_validator("waivers").is_valid(waivers) is is_valid


CLAIMED = ("musts", "hold", "waived", "undecided")


def _report(**changes: object) -> dict[str, Any]:
    finding = {"exchange": "x1", "span": [0, 4], "at_ms": 1.5, "expected": "e", "seen": "s", "trace": "t"}
    row = {
        "id": "TRN-01",
        "level": "MUST",
        "family": "transport",
        "verdict": "FAIL",
        "exercised": 1,
        "findings": [finding],
    }
    return {
        "streamvet": "0.1.0", "spec": 1, "profile": "ghostly", "target": "http://127.0.0.1:4000", "time_scale": 1.0,
        "seed": 0, "started_at": "2030-01-31T12:00:00Z", "duration_s": 2.5, "exit_code": 1, "counts": {"FAIL": 1},
        "evidence": "black-box",
        "claim": {"text": "not conformant at black-box", **dict.fromkeys(CLAIMED, 0), "beyond": {}},
        "verdicts": [row], **changes,
    }  # fmt: skip


REPORTS = {
    "one": (_report(), True),
    "several": ({"reports": [_report(), _report(profile="promptfloe")]}, True),
    "an unknown verdict": (_report(counts={"OK": 1}), False),
    "an unknown exit code": (_report(exit_code=5), False),
    "a key of a later version": (_report(versions="1"), True),
    "none of several": ({"reports": []}, False),
}


OUTCOME: dict[str, Any] = {"id": "ACME-01", "trace": 1, "exercised": True}
FOUND = {"exchange": "x1", "expected": "e", "seen": "s"}
OUTCOMES = {
    "it holds": (OUTCOME, True),
    "it holds, at length": (OUTCOME | {"findings": []}, True),
    "a finding": (OUTCOME | {"findings": [FOUND]}, True),
    "a finding with all": (OUTCOME | {"findings": [FOUND | {"span": [0, 4], "at_us": 1500}]}, True),
    "not exercised": (OUTCOME | {"exercised": False, "reason": "r"}, True),
    "not exercised, and no reason": (OUTCOME | {"exercised": False}, False),
    "not exercised, and a finding": (OUTCOME | {"exercised": False, "reason": "r", "findings": [FOUND]}, False),
    "no trace": ({"id": "ACME-01", "exercised": True}, False),
    "a trace by name": (OUTCOME | {"trace": "x"}, False),
    "a finding nowhere": (OUTCOME | {"findings": [{"expected": "e", "seen": "s"}]}, False),
    "half a span": (OUTCOME | {"findings": [FOUND | {"span": [4]}]}, False),
    "a typing error": (OUTCOME | {"finding": []}, False),
}


@pytest.mark.parametrize(("outcome", "is_valid"), OUTCOMES.values(), ids=OUTCOMES)
def test_an_outcome(outcome: dict[str, Any], is_valid: bool) -> None:
    assert meta_validator("outcome").is_valid(outcome) is is_valid


@pytest.mark.parametrize(("report", "is_valid"), REPORTS.values(), ids=REPORTS)
def test_a_report(report: dict[str, Any], is_valid: bool) -> None:
    assert meta_validator("report").is_valid(report) is is_valid


# ------------------------------------------------------------------------------------------------ the requirements


@pytest.fixture
def registry() -> Registry:
    return load_registry()


def test_an_id_is_given_once_and_families_keep_together(registry: Registry) -> None:
    ids = list(registry.rows)
    assert sorted(row["id"] for path in REQUIREMENTS for row in read_yaml(path)["requirements"]) == sorted(ids)
    counted = {prefix: [one for one in ids if one.startswith(prefix)] for prefix in registry.prefixes}
    assert ids == [one for prefix in registry.prefixes for one in counted[prefix]]
    retired = {row["id"] for row in read_yaml(SCHEMAS / "retired.yaml")["retired"]}
    numbers = {p: [f"{p}-{n:02}" for n in range(1, len(rows) + len(retired) + 1)] for p, rows in counted.items()}
    free = {p: [one for one in names if one not in retired] for p, names in numbers.items()}
    assert {p: rows for p, rows in counted.items() if rows != free[p][: len(rows)]} == {}


def test_requirements_depend_on_others_that_are_there_and_never_in_a_circle(registry: Registry) -> None:
    graph = {row.id: row.explained_by for row in registry.rows.values()}
    assert {one for needed in graph.values() for one in needed} <= {row.id for row in registry.testable()}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_a_requirement_of_a_system_applies_to_that_system_alone(registry: Registry) -> None:
    for row in registry.rows.values():
        expected = row.family if row.family in PROFILES else None
        assert all(one.get("profile") == expected for one in row.applies_to or ({},)), row.id


def test_every_condition_names_a_field_of_the_profile_schema(registry: Registry) -> None:
    conditions = {path for row in registry.rows.values() for one in row.applies_to for path in one}
    assert [path for path in conditions if not is_field(path)] == []
    assert not is_field("framing.kindly")


def test_the_lists_are_those_that_the_systems_have() -> None:
    assert {name: (system, len(lines)) for name, (system, lines) in statement_lists().items()} == LISTS


def test_each_line_says_whether_a_document_says_it_or_it_is_adopted() -> None:
    lines = dict(statements().values())
    found = {system: tuple(sum(row.basis == one for row in rows) for one in BASES) for system, rows in lines.items()}
    assert found == {
        "agent-workspace": (18, 4), "cosma": (26, 11), "ghostly": (19, 7), "promptfloe": (16, 8), "rockstar": (18, 3),
    }  # fmt: skip
    assert [row for rows in lines.values() for row in rows if not row.source or (row.note and row.adopted)] == []


@pytest.mark.parametrize("row", [{"text": "It holds."}, {"text": "It holds.", "basis": "both", "from": "Events"}])
def test_a_line_without_one_of_both_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(FileError):
        check_shape({"list": "R009", "statements": [row]}, "statements", SCHEMAS / "statements.yaml")


def test_every_line_of_the_systems_lists_is_covered_or_excluded_with_a_reason(registry: Registry) -> None:
    lines = {f"{name}-{number}" for name, (_, count) in LISTS.items() for number in range(1, count + 1)}
    covered = {line for row in registry.testable() for line in row.covers}
    excluded = {line for row in registry.rows.values() if row.excluded for line in row.covers}
    assert covered | excluded == lines
    assert covered & excluded == set()
    assert excluded == {"R001-19"}


def test_a_requirement_of_a_system_covers_lines_of_its_own_list(registry: Registry) -> None:
    strange = [
        (row.id, line)
        for row in registry.rows.values()
        if row.family in PROFILES
        for line in row.covers
        if LISTS[line.partition("-")[0]][0] != row.family
    ]
    assert strange == []


# ---------------------------------------------------------------------------------------------------- broken files


class Broken(NamedTuple):
    """A change to a good profile, and what loading it says after the path of its file."""

    change: Callable[[dict[str, Any]], object]
    said: str


def _lose(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda profile: profile.pop(key)


def _set(pointer: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(profile: dict[str, Any]) -> None:
        *path, last = pointer.split("/")[1:]
        at = profile
        for part in path:
            at = at[part]
        at[last] = value

    return change


BROKEN = {
    "a key is missing": Broken(
        _lose("framing"), "the file: expected the keys format, profile, title, version, streams,"
    ),
    "a key has a typing error": Broken(_set("/heartbeat/intervall_ms", 1), "/heartbeat: expected only known keys, got"),
    "a text for a number": Broken(
        _set("/heartbeat/interval_ms", "15 s"), "/heartbeat/interval_ms: expected integer, got '15 s'"
    ),
    "a negative tolerance": Broken(
        _set("/heartbeat/tolerance_ms", -1), "/heartbeat/tolerance_ms: expected at least 0, got -1"
    ),
    "an unknown framing": Broken(
        _set("/framing/kind", "websocket"), "/framing/kind: expected one of 'sse', 'ndjson', got 'websocket'"
    ),
    "a key of the other framing": Broken(
        _set("/framing/blank_lines", "allowed"),
        "/framing: expected one of 'kind', 'media_types', 'event_name', 'one_data_line', ",
    ),
    "a query credential without its parameter": Broken(
        lambda profile: profile["auth"].pop("parameter"), "/auth: expected the keys parameter, got"
    ),
    "a status that is none": Broken(_set("/auth/missing", [4010]), "/auth/missing/0: expected at most 599, got 4010"),
    "an unknown operation": Broken(
        _set("/operations/restart", {"method": "POST", "path": "/", "status": [200]}),
        "/operations: expected a match of "
        "^(login|attach|resume|cancel|record|list|(setup|start|trigger|look):[a-z][a-z0-9_-]*)$, "
        "got 'restart'",
    ),
    "an operation with another's key": Broken(
        _set("/operations/attach/token", "/token"), "/operations/attach: expected one of 'method', 'path', 'query', "
    ),
    "a path that is relative": Broken(
        _set("/operations/attach/path", "v1/runs"),
        "/operations/attach/path: expected a match of ^(/[^ ?#]*|[{][a-z_]+[}])?$, got 'v1/runs'",
    ),
    "a heartbeat event without a name": Broken(
        lambda profile: profile["heartbeat"].pop("event"), "/heartbeat: expected the keys event, got"
    ),
    "a cursor system without a cursor": Broken(
        _set("/catchup/kind", "from-cursor"), "/catchup: expected the keys cursor, got"
    ),
    "a pointer that is none": Broken(
        _set("/sequence/pointer", "seq"), "/sequence/pointer: expected a match of ^(event-id|(/[^/]*)+)$, got 'seq'"
    ),
    "a state that is not there": Broken(
        _set("/lifecycles/run/states/closing/end", "dnoe"),
        "/lifecycles/run/states/closing/end: expected one of the states opened, active, replaying, "
        "closing, done, got 'dnoe'",
    ),
    "a start that is no state": Broken(
        _set("/lifecycles/run/start", "nowhere"),
        "/lifecycles/run/start: expected one of the states opened, active, replaying, closing, done, got 'nowhere'",
    ),
    "a lifecycle that is not there": Broken(
        _set("/operations/start:run/lifecycles", ["walk"]),
        "/operations/start:run/lifecycles: expected one of run, result, verdict, steps, heals, got 'walk'",
    ),
    "an operation that is not there": Broken(
        _set("/heartbeat/stirred_by", ["trigger:pause"]),
        "/heartbeat/stirred_by: expected operations of the profile, got 'trigger:pause'",
    ),
    "a schema that is not there": Broken(
        _set("/events/types/end", "events/ende.schema.json"),
        "/events/types/end: expected a file in the profile's folder, got 'events/ende.schema.json'",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_profile_names_file_place_expected_and_got(broken: Broken, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(
        SCHEMAS / "ghostly", folder, ignore=shutil.ignore_patterns("vectors", "requirements.yaml", "traces")
    )
    profile = read_yaml(folder / "profile.yaml") | {"profile": "mine"}
    broken.change(profile)
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile, sort_keys=False), encoding="utf-8")
    with pytest.raises(FileError) as raised:
        load_profile(str(folder))
    assert str(raised.value).startswith(f"{folder / 'profile.yaml'}: {broken.said}")
    assert re.search(": expected .+, got .+", str(raised.value))


NOT_YAML = {
    "a tab": ("profile: x\n\tversion: 1\n", "line 2, column 1: expected YAML, got "),
    "a key twice": ("profile: x\nprofile: y\n", "line 2, column 1: expected YAML, got the key 'profile' a second time"),
    "a list": ("- profile\n", "the file: expected object, got ['profile']"),
    "nothing": ("", "the file: expected object, got None"),
}


@pytest.mark.parametrize(("text", "said"), NOT_YAML.values(), ids=NOT_YAML)
def test_a_file_that_is_no_profile_names_file_place_expected_and_got(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as raised:
        load_profile(str(tmp_path))
    assert str(raised.value).startswith(f"{tmp_path / 'profile.yaml'}: {said}")


def test_each_requirement_of_the_suite_rests_on_something() -> None:
    rows = load_registry().testable()
    assert [row.id for row in rows if not row.basis] == []
    assert [row.id for row in rows if (row.level == "NOTE") is not bool(row.trips)] == []
    lines = {name: len(said) for name, (_, said) in statement_lists().items()}
    for row in rows:
        name, _, number = row.basis.get("document", "").partition("-")
        assert not name or 1 <= int(number) <= lines[name], row.id
