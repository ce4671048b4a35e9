"""What the parts of a profile say of each other: each rule refuses what it is about, and names the place.

Each case is a profile that fits, with the smallest edit that makes it one that does not.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from streamvet.contract.files import FileError, read_yaml, schemas_folder
from streamvet.contract.fitting import RULES
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.profile import pointed
from streamvet.contract.registry import load_registry

BUILDS = Path(__file__).resolve().parents[1] / "candidates" / "builds"
GONE = object()  # as a value: the key is taken away


class Case(NamedTuple):
    """`edits`: values by their JSON pointers. `of`: the folder's name, of a built-in profile or `builds`."""

    rule: str
    of: str
    edits: dict[str, Any]
    said: str  # of the error: the place, what was expected, what was got
    file: str = "profile.yaml"  # which is edited
    blamed: str = ""  # where it is another one


START, ATTACH, RESUME = "/operations/start:build", "/operations/attach", "/operations/resume"
EMITS, STEP = "/events/script/emits", {"type": "step", "state": "started", "step": "{key}", "title": "a step"}
STREAM: dict[str, Any] = {"method": "GET", "path": "/all", "status": [200], "streams": True}
ASK: dict[str, Any] = {"method": "GET", "path": "/all", "status": [200]}
RUNLESS = {"method": "GET", "path": "/builds/log", "status": [200], "streams": True}
RECORD: dict[str, Any] = ASK | {"path": "/builds/{run}"}
LOGIN: dict[str, Any] = {"method": "POST", "path": "/login", "status": [200], "body": {"email": "{email}"}}
BEARER = {"kind": "bearer", "login": True}
BEAT = {"form": "comment", "interval_ms": 1000, "tolerance_ms": 500, "timer": "fixed", "while": "active"}
LINE, ENDING = "events/line.schema.json", "events/ending.schema.json"
TELLS = "expected an event that the discriminator maps to"
STEPS = [{"is": {"/type": "step"}, "from": "/state", "prefix": "step."}, {"from": "/type"}]
DONE = {"text": "[DONE]", "type": "[DONE]"}
ASSEMBLY: dict[str, Any] = {"pieces": ["line"], "at": "/text"}
LISTED = ["line", "passed", "failed", "stopped"]
PASSED_LATER = {"open": {"line": "over"}, "over": {"passed": "over"}}
RECORD_HISTORY = "/operations/record/history"
SHARED_LOG = {"kind": "from-cursor", "cursor": {"pointer": "event-id", "absent": "now"}}
RECORDED = {"pointer": "/events", "order": "/seq"}

CASES = [
    Case(
        "the name is its own",
        "builds",
        {"/profile": "ghostly"},
        "/profile: expected another name, because it differs from the built-in profile, got 'ghostly'",
    ),
    Case(
        "its files exist",
        "builds",
        {"/events/types/line": "events/lines.schema.json"},
        "/events/types/line: expected a file in the profile's folder, got 'events/lines.schema.json'",
    ),
    Case("its files exist", "builds", {"/events/types/step*": "events/a.schema.json"}, "/events/types/step*: "),
    Case("its files exist", "builds", {"/error/schema": "events/a.schema.json"}, "/error/schema: "),
    Case("its files exist", "builds", {START + "/schema": "events/a.schema.json"}, "/operations/start:build/schema: "),
    Case(
        "its files exist",
        "builds",
        {START + "/request": "events/a.schema.json"},
        "/operations/start:build/request: ",
    ),
    Case(
        "its schemas are schemas",
        "builds",
        {"/$schema": GONE},
        "/$schema: expected https://json-schema.org/draft/2020-12/schema, got nothing",
        LINE,
    ),
    Case(
        "its schemas are schemas", "builds", {"/$schema": "http://json-schema.org/draft-07/schema#"}, "draft-07", LINE
    ),
    Case(
        "its schemas are schemas",
        "builds",
        {"/properties/text": {"type": "string", "pattern": "("}},
        '/properties/text/pattern: expected a JSON Schema of draft 2020-12, got "(" is not a "regex"',
        LINE,
    ),
    Case(
        "its schemas are schemas",
        "builds",
        {"/properties/text/type": "text"},
        "/properties/text/type: expected a JSON Schema of draft 2020-12, got",
        LINE,
    ),
    Case("its schemas are schemas", "builds", {"": [1]}, "the file: expected a JSON Schema, an object, got [1]", LINE),
    Case(
        "its patterns take linear time",
        "builds",
        {"/properties/own": {"pattern": "(?=a)"}},
        "/properties/own/pattern: expected a pattern that can be read in linear time: no lookaround",
        LINE,
    ),
    Case(
        "its patterns take linear time",
        "builds",
        {"/patternProperties": {"^(a)\\1$": {}}},
        "/patternProperties/^(a)\\1$: expected a pattern that can be read in linear time: no lookaround",
        LINE,
    ),
    Case("its schemas have addresses", "builds", {"/$id": GONE}, "/$id: expected the schema's own address", LINE),
    Case("its schemas have addresses", "builds", {"/$id": "line"}, "/$id: expected an absolute address", LINE),
    Case(
        "its schemas have addresses",
        "builds",
        {"/$id": "https://builds.example.org/events/ending.schema.json"},
        "/$id: expected another address than that of events/ending.schema.json, got",
        LINE,
    ),
    *(
        Case(
            "its schemas refer to each other",
            "builds",
            {"/properties/text": {"$ref": ref}},
            f"/properties/text/$ref: expected a reference to a schema of this folder, got {ref!r}",
            LINE,
        )
        for ref in ("other.schema.json", "#/$defs/text", "#text", "step.schema.json#/properties/text")
    ),
    Case(
        "it has the operations of its streams",
        "builds",
        {START: GONE},
        "/operations: expected an operation `start:<kind>`, because streams are run, got attach, resume, cancel",
    ),
    Case(
        "it has the operations of its streams",
        "builds",
        {ATTACH: GONE},
        "expected the operation attach, because streams ",
    ),
    Case(
        "it has the operations of its streams",
        "cosma",
        {ATTACH: GONE},
        "the operation attach, because streams are ambient",
    ),
    Case(
        "it has the operations of its streams",
        "builds",
        {RESUME: GONE},
        "/operations: expected the operation resume, because catchup.kind is from-cursor",
    ),
    Case(
        "it has the operations of its streams",
        "builds",
        {"/catchup/detached": {"life_ms": 9000, "tolerance_ms": 900, "alive_at": 0.5}},
        "expected the operation record with its state",
    ),
    Case(
        "it has no operations of other streams",
        "builds",
        {"/operations/look:all": ASK},
        "/operations/look:all: expected no such operation, because streams are run",
    ),
    Case(
        "it has no operations of other streams", "rockstar", {ATTACH: STREAM}, "because streams are push, got 'attach'"
    ),
    Case("it has no operations of other streams", "cosma", {"/operations/record": ASK}, "because streams are ambient"),
    Case("it has no operations of other streams", "cosma", {"/streams": "run", START: ASK}, "got 'trigger:pause'"),
    Case(
        "it has no operations of other streams",
        "ghostly",
        {RESUME: RUNLESS | {"path": "/v1/{run}/{cursor}"}},
        "/operations/resume: expected no such operation, or catchup.kind from-cursor, got 'replay-all'",
    ),
    Case(
        "what is read is a stream", "builds", {ATTACH + "/streams": GONE}, "/operations/attach/streams: expected true"
    ),
    Case(
        "what is read is a stream", "builds", {RESUME + "/streams": False}, "/operations/resume/streams: expected true"
    ),
    Case("what is read is a stream", "rockstar", {"/operations/start:plan/streams": False}, "start:plan/streams: "),
    Case(
        "a stream is a success",
        "builds",
        {ATTACH + "/status": [200, 404]},
        "/operations/attach/status: expected 2xx with content, because the answer is a stream, got 404",
    ),
    Case("a stream is a success", "builds", {RESUME + "/status": [204]}, "/operations/resume/status: "),
    Case(
        "a start gives an id",
        "builds",
        {START + "/run_id": GONE},
        "/operations/start:build/run_id: expected the place ",
    ),
    *(
        Case("a start gives an id", "builds", edits, f"{START}/run_id/{said}")
        for edits, said in (
            (
                {START + "/streams": True},
                "pointer: expected a header or an event, because the answer is a stream, got ",
            ),
            (
                {START + "/run_id": {"event": "/id"}},
                "event: expected a pointer or a header, because the answer is not a stream",
            ),
            (
                {START + "/run_id/match": "/builds/"},
                "match: expected a text that contains {run} exactly once, got '/builds/'",
            ),
        )
    ),
    Case(
        "a start gives an id",
        "rockstar",
        {"/operations/start:plan/run_id": {"pointer": "/id"}},
        "/operations/start:plan/run_id/pointer: expected a header or an event, because the answer is a stream, got ",
    ),
    Case(
        "a run is named",
        "builds",
        {ATTACH: RUNLESS},
        "/operations/attach: expected {run} in its path, query, headers or body, got '/builds/log'",
    ),
    Case("a run is named", "builds", {RESUME: RUNLESS | {"query": {"at": "{cursor}"}}}, "/operations/resume: "),
    Case("a run is named", "builds", {"/operations/cancel/path": "/builds"}, "/operations/cancel: "),
    Case("a run is named", "builds", {"/operations/record": ASK}, "/operations/record: "),
    Case(
        "a cursor is named", "builds", {RESUME + "/headers": GONE}, "/operations/resume: expected {cursor} in its path"
    ),
    Case(
        "each name in braces stands for something",
        "builds",
        {ATTACH + "/query": {"of": "{runId}"}},
        "/operations/attach/query: expected {run} or {new}, got {runId}, which has no value",
    ),
    Case(
        "each name in braces stands for something",
        "builds",
        {ATTACH + "/query": {"at": "{cursor}"}},
        "/operations/attach/query: expected {run} or {new}, got {cursor}, which has no value",
    ),
    Case(
        "each name in braces stands for something",
        "builds",
        {RESUME + "/headers/X": "{build}"},
        "/headers: expected {run} or {cursor} or {new}, got {build}",
    ),
    Case(
        "each name in braces stands for something",
        "builds",
        {START + "/path": "/{project}/builds"},
        "start:build/path: expected {new}, got {project}",
    ),
    Case("each name in braces stands for something", "cosma", {ATTACH + "/path": "/{run}"}, "got {run}"),
    Case(
        "each name in braces stands for something", "cosma", {"/operations/trigger:pause/path": "/{queue}"}, "{queue}"
    ),
    Case("each name in braces stands for something", "ghostly", {"/operations/login/path": "/{email}"}, "{email}"),
    Case(
        "each name in braces stands for something",
        "builds",
        {"/operations/setup:project": ASK | {"path": "/{project}", "take": {"project": {"pointer": "/id"}}}},
        "setup:project/path: expected {new}, got {project}, which has no value",
    ),
    *(
        Case(
            "names that are taken are used",
            "builds",
            {"/operations/setup:project": ASK | {"take": {name: {"pointer": "/id"}}}},
            f"/operations/setup:project/take/{name}: expected {wanted}",
        )
        for name, wanted in (("run", "a name that is not taken, got 'run'"), ("of", "{of} in some operation, got none"))
    ),
    Case(
        "names that are taken are used",
        "builds",
        {"/operations/setup:project": ASK | {"take": {"of": {"pointer": "/id", "match": "/of/"}}}},
        "/operations/setup:project/take/of/match: expected a text that contains {run} exactly once, got '/of/'",
    ),
    Case(
        "refused bodies are made from the body",
        "builds",
        {START + "/refused/0/without": "/repo"},
        "/refused/0/without: expected a value of the operation's body, got '/repo'",
    ),
    *(
        Case(
            "refused bodies are made from the body",
            "builds",
            {START + "/refused/0": row | {"name": "n", "status": [400]}},
            f"/refused/0/{key}: expected {wanted} in the operation's body, got {pointer!r}",
        )
        for row, key, wanted, pointer in (
            ({"with": {"/a/b": 1}}, "with", "a place", "/a/b"),
            ({"repeat": {"/repository": 2}}, "repeat", "a list", "/repository"),
        )
    ),
    Case(
        "refused bodies are made from the body",
        "ghostly",
        {"/operations/start:run/refused/4/with": {"/steps/9": 1}},
        "'/steps/9'",
    ),
    Case(
        "refused bodies are made from the body",
        "ghostly",
        {"/operations/start:run/refused/4/with": {"/steps/²": 1}},
        "'/steps/²'",
    ),
    Case(
        "a record distinguishes active from finished",
        "builds",
        {
            "/operations/record": RECORD
            | {"state": {"pointer": "/state", "active": ["new", "on"], "finished": ["off", "on"]}}
        },
        "/operations/record/state/finished: expected values other than those of an active run, got 'on'",
    ),
    *(
        Case("a status says one thing", "builds", edits, said)
        for edits, said in (
            ({RESUME + "/over": [200]}, "/operations/resume/over: expected statuses other than those of a success, "),
            ({START + "/fails_with": [201]}, "/operations/start:build/fails_with: expected statuses other than those"),
            (
                {START + "/refused/0/status": [200], "/error": GONE},
                "/refused/0/status: expected no status of a success, or `error`, with which the answer",
            ),
            (
                {"/auth/unknown": [200, 404], "/error": GONE},
                "/auth/unknown: expected no status of a success, or `error`, with",
            ),
        )
    ),
    Case(
        "a body has its form",
        "builds",
        {START + "/body": ["demo"], START + "/form": True, START + "/refused": GONE},
        "/operations/start:build/body: expected an object, whose members are the fields of the form, got ['demo']",
    ),
    Case(
        "a body has its form",
        "ghostly",
        {"/operations/start:run/body/project": 7},
        "/operations/start:run/body: expected /project: string, by requests/run.schema.json, got /project: 7",
    ),
    Case(
        "credentials have a place",
        "builds",
        {"/auth/kind": "header"},
        "/auth/parameter: expected the name of the header that carries the credential, got nothing",
    ),
    Case(
        "credentials have a place",
        "ghostly",
        {"/auth/kind": "header", "/auth/parameter": "X Key"},
        "/auth/parameter: expected the name of a header field, got 'X Key'",
    ),
    Case(
        "credentials have a place",
        "builds",
        {"/auth/kind": "cookie"},
        "/auth/parameter: expected the name of the cookie that carries the credential, got nothing",
    ),
    Case("logging in is an operation", "builds", {"/auth": BEARER}, "/auth/login: expected the operation login, got "),
    Case(
        "logging in is an operation",
        "builds",
        {"/operations/login": LOGIN},
        "/operations/login: expected auth.login: true, got None",
    ),
    Case(
        "logging in is an operation",
        "builds",
        {"/auth": BEARER, "/operations/login": LOGIN},
        "/operations/login/token: expected the place of the token in the answer",
    ),
    Case(
        "without credentials none are refused",
        "builds",
        {"/auth/missing": [401]},
        "/auth/missing: expected nothing, because auth.kind is none, got [401]",
    ),
    Case(
        "credentials are somebody's",
        "builds",
        {ATTACH + "/bearer": True},
        "/operations/attach/bearer: expected nothing, because auth.kind is none, got True",
    ),
    Case(
        "a question is of something",
        "builds",
        {"/asks": {"model": {"is": "a model", "needed": True}}},
        "/asks/model: expected one of credential, body, path, got none",
    ),
    Case(
        "a question is of something",
        "builds",
        {"/asks": {"model": {"is": "a model", "body": "/model"}}},
        "/asks/model/body: expected a place in the body of a start, got '/model'",
    ),
    Case(
        "a question is of something",
        "builds",
        {"/asks": {"where": {"is": "a path", "path": "/nowhere"}}},
        "/asks/where/path: expected the path of an operation, or its beginning, got '/nowhere'",
    ),
    Case(
        "tables are named where a stream begins",
        "builds",
        {START + "/lifecycles/0": "builds"},
        "/operations/start:build/lifecycles: expected one of build, steps, got 'builds'",
    ),
    Case(
        "tables are named where a stream begins",
        "builds",
        {ATTACH + "/lifecycles": ["build"]},
        "/operations/attach/lifecycles: expected nothing, because the starts name the tables",
    ),
    Case(
        "states are known",
        "builds",
        {"/lifecycles/build/states/open/line": "opened"},
        "/lifecycles/build/states/open/line: expected one of the states open, over, got 'opened'",
    ),
    Case(
        "states are known", "builds", {"/lifecycles/build/start": "begun"}, "/lifecycles/build/start: expected one of "
    ),
    Case(
        "states can be reached",
        "builds",
        {"/lifecycles/build/states/lost": {"line": "open"}},
        "/lifecycles/build/states/lost: expected a state that events reach from open, got no event that leads there",
    ),
    Case(
        "tables are used",
        "builds",
        {START + "/lifecycles": ["build"]},
        "/lifecycles/steps: expected a table that an operation names",
    ),
    Case(
        "a row can be followed",
        "builds",
        {"/lifecycles/build/forbids": ["line"]},
        "/lifecycles/build/states/open/line: expected no type that the table forbids, got 'line'",
    ),
    Case(
        "a row can be followed",
        "builds",
        {"/lifecycles/steps/states/running": {"step*": "over", "step.*": "running"}},
        "/lifecycles/steps/states/running/step.*: expected a pattern before step*, which matches all of it, got after",
    ),
    Case(
        "a stream can begin",
        "builds",
        {"/catchup/first": {"events": ["passed"], "within_ms": 9}, "/lifecycles/build/states": PASSED_LATER},
        "/lifecycles/build/states/open: expected one of passed, with which every stream begins, got line",
    ),
    Case(
        "tables accept ways of ending",
        "builds",
        {"/terminal/outcomes": {"succeeds": ["passed"]}, "/lifecycles/steps/accepts": {"fails": ["over"]}},
        "/lifecycles/steps/accepts: expected a way of ending in terminal.outcomes, got 'fails'",
    ),
    Case(
        "tables accept ways of ending",
        "builds",
        {"/lifecycles/steps/adopted": "a reading", "/lifecycles/steps/accepts": {"succeeds": ["over"]}},
        "/lifecycles/steps/accepts: expected nothing, because the table is adopted, got succeeds",
    ),
    *(
        Case("types are known", of, {place: value}, f"{shown or place}: expected a type in events.types, got ")
        for of, place, value, shown in (
            ("builds", "/lifecycles/build/states/open/lines", "open", "/lifecycles/build/states/open"),
            ("builds", "/lifecycles/build/forbids", ["x.*"], ""),
            ("builds", "/terminal/events", ["passed", "failed", "stopped", "broken"], ""),
            ("builds", "/terminal/last", ["end"], ""),
            ("builds", "/terminal/outcomes/succeeds", ["pass"], ""),
            ("builds", "/catchup/history", ["line", "steps.*"], ""),
            ("builds", "/catchup/first", {"events": ["hello"], "within_ms": 9}, "/catchup/first/events"),
            ("builds", "/sequence", {"events": ["lines"], "pointer": "/seq"}, "/sequence/events"),
            ("builds", "/events/script/own", ["summary"], ""),
            ("ghostly", "/heartbeat/event", "pong", ""),
            ("builds", "/lifecycles/build/states/open/step.ended", "open", "/lifecycles/build/states/open"),
            ("agent-workspace", "/triggers/change/told", ["fleet_updates"], ""),
        )
    ),
    Case(
        "names are those of blocks",
        "rockstar",
        {"/events/discriminator/0/from": "event-name"},
        "/events/discriminator/0/from: expected a JSON pointer, because NDJSON has no event names, got 'event-name'",
    ),
    Case(
        "names are those of blocks",
        "rockstar",
        {"/events/discriminator": [{"event": "done", "type": "done"}, {"from": "/step"}]},
        "/events/discriminator/0/event: expected no such condition, because NDJSON has no event names, got 'done'",
    ),
    Case(
        "rules that read no JSON come first",
        "builds",
        {"/events/discriminator": [{"is": {"/type": "line"}, "type": "line"}, DONE, *STEPS]},
        "/events/discriminator/1: expected a rule with `json: false` before all rules that read the data",
    ),
    *(
        Case("each rule can match", "builds", {"/events/discriminator": [*rules]}, f"/events/discriminator/{number}: ")
        for number, rules in (
            (2, (*STEPS, {"has": ["/a"], "from": "/type"})),
            (1, ({"type": "line"}, *STEPS)),
            (1, (DONE, DONE | {"type": "line"}, *STEPS)),
            (2, ({"has": ["/state"], "type": "line"}, {"from": "/type"}, {"is": {"/state": "on"}, "from": "/step"})),
            (1, ({"is": {"/a": [1, 2]}, "type": "line"}, {"is": {"/a": 1, "/b": 2}, "type": "line"}, *STEPS)),
            (1, ({"from": "event-name"}, *STEPS)),
        )
    ),
    *(
        Case("a rule does not contradict itself", of, {"/events/discriminator/0": rule}, f"discriminator/0/{said}")
        for of, rule, said in (
            (
                "builds",
                {"is": {"/type": "step", "/type/of": 1}, "from": "/state", "prefix": "step."},
                "is: expected a value of /type or one inside it, not both, got /type/of",
            ),
            (
                "builds",
                {"is": {"/state": "on"}, "from": "/state/of", "prefix": "step."},
                "is: expected a value of /state or one inside it, not both, got /state/of",
            ),
            (
                "builds",
                {"is": {"/state": [1, 2]}, "from": "/state", "prefix": "step."},
                "is: expected a text that is not empty at /state, which is the type, got 1, 2",
            ),
            ("rockstar", {"text": " ", "type": "done"}, "text: expected a line that is not empty, got ' '"),
            ("builds", {"event": "a\nb", "type": "line"}, "event: expected a name without the end of a line, got"),
        )
    ),
    Case(
        "names are as framed",
        "builds",
        {
            "/framing/event_name": {"equals": "update"},
            "/events/discriminator": [{"event": "log", "type": "line"}, *STEPS],
        },
        "/events/discriminator/0/event: expected 'update', because framing.event_name gives it to every event",
    ),
    Case(
        "a sentinel is data",
        "builds",
        {"/events/discriminator": [{"event": "[DONE]", "type": "passed", "json": False}, *STEPS]},
        "/events/discriminator/0/event: expected `text: '[DONE]'`, because that is data and not the name of a block",
    ),
    Case(
        "a sentinel is data",
        "builds",
        {"/events/types/[DONE]": ENDING},
        "/events/types/[DONE]: expected a rule of events.discriminator with `text: '[DONE]'`, because that is data",
    ),
    Case(
        "types can be distinguished",
        "builds",
        {"/events/discriminator": [{"is": {"/type": ["line", "passed"]}, "from": "/type"}, STEPS[0]]},
        "/events/types/failed: expected a type that a rule of events.discriminator gives, got 'failed'",
    ),
    Case(
        "types can be distinguished",
        "builds",
        {"/events/discriminator/1": {"is": {"/type": LISTED}, "from": "/type"}, "/events/types/ended*": ENDING},
        "/events/types/ended*: expected the beginning of types that a rule of events.discriminator gives",
    ),
    Case(
        "rules give types",
        "builds",
        {"/events/discriminator": [{"has": ["/error"], "type": "error"}, *STEPS]},
        "/events/discriminator/0/type: expected a type in events.types, got 'error'",
    ),
    Case(
        "rules give types",
        "builds",
        {"/events/discriminator": [{"has": ["/error"], "from": "/error", "prefix": "error."}, *STEPS]},
        "/events/discriminator/0/prefix: expected the beginning of types of events.types, got 'error.'",
    ),
    *(
        Case(
            "a schema admits its type",
            "builds",
            {place: value},
            f"/events/types/line: expected a schema that {said}",
            LINE,
            "profile.yaml",
        )
        for place, value, said in (
            (
                "/properties/type",
                {"const": "lines"},
                "allows 'line' at /type, which identifies the event, got events/",
            ),
            ("/properties/type", {"type": "integer"}, "allows 'line' at /type, which identifies the event, got"),
            ("/properties", {"text": {"type": "string"}}, "allows 'line' at /type, which identifies the event, got"),
            ("/type", "array", "allows 'line' at /type, which identifies the event, got"),
        )
    ),
    *(
        Case(
            "what is assembled is whole",
            "builds",
            {"/events/assembles": [ASSEMBLY | row]},
            f"/events/assembles/0{said}",
        )
        for row, said in (
            ({"pieces": ["lines"], "record": "/log"}, ": expected a type in events.types, got 'lines'"),
            ({"whole": ["line"], "in": "/text"}, "/whole: expected events other than the pieces, got 'line'"),
            ({"record": "/log"}, "/record: expected the operation record, got none"),
        )
    ),
    Case(
        "what is adopted narrows a type",
        "rockstar",
        {"/events/adopted/finished": "adopted/done.schema.json"},
        "/events/adopted/finished: expected a type listed in events.types, got 'finished'",
    ),
    Case(
        "what is adopted narrows a type",
        "rockstar",
        {"/events/adopted/done": "events/done.schema.json"},
        "/events/adopted/done: expected a schema other than the one in events.types, got 'events/done.schema.json'",
    ),
    Case(
        "outcomes are terminal",
        "builds",
        {"/terminal/outcomes/fails": ["line"]},
        "/terminal/outcomes/fails: expected some of passed, failed, stopped, got 'line'",
    ),
    Case(
        "silent ends have no event",
        "builds",
        {"/terminal/silent": ["succeeds"]},
        "/terminal/silent: expected a way of ending that is not in terminal.outcomes, got 'succeeds'",
    ),
    Case(
        "catching up fits the streams",
        "rockstar",
        {"/catchup/kind": "replay-all"},
        "/catchup/kind: expected none, because streams are push, got 'replay-all'",
    ),
    Case("catching up fits the streams", "cosma", {"/catchup/kind": "replay-all"}, "none or snapshot-first or from-"),
    Case(
        "catching up fits the streams", "promptfloe", {"/catchup/cursor/pointer": "event-id"}, "/catchup/cursor/pointer"
    ),
    Case(
        "a cursor gets something",
        "promptfloe",
        {"/catchup/cursor/refused": GONE},
        "/catchup/cursor/refused: expected the statuses of a refusal, because a cursor gets refused, got nothing",
    ),
    Case(
        "a cursor gets something",
        "promptfloe",
        {"/catchup/cursor/gap": {"header": "Gap"}},
        "/catchup/cursor/gap: expected nothing, because no cursor gets gap, got something",
    ),
    Case(
        "a cursor gets something",
        "promptfloe",
        {"/catchup/cursor/empty": "gap"},
        "/catchup/cursor/gap: expected how an answer states a gap, because a cursor gets gap, got nothing",
    ),
    Case(
        "a cursor gets something",
        "cosma",
        {"/catchup": {"kind": "from-cursor", "cursor": {"pointer": "/id"}}, RESUME: RUNLESS | {"path": "/{cursor}"}},
        "/catchup/cursor/absent: expected now, because the events of a script are compared with the whole stream",
    ),
    Case(
        "cursors are distinct",
        "builds",
        {"/catchup/cursor/malformed/send": ""},
        "/catchup/cursor/malformed/send: expected a text that is not empty; `empty` states the answer to",
    ),
    Case(
        "cursors are distinct",
        "builds",
        {"/catchup/cursor/malformed/send": "987654"},
        "/catchup/cursor/unknown/send: expected a cursor other than that of malformed, got 987654",
    ),
    Case(
        "numberings are distinct",
        "promptfloe",
        {"/sequence/pointer": "event-id"},
        "/sequence/pointer: expected a JSON pointer, because NDJSON has no ids, got 'event-id'",
    ),
    Case(
        "numberings are distinct",
        "promptfloe",
        {"/sequence": [{"events": ["*"], "pointer": "/id"}, {"events": ["plan"], "pointer": "/id"}]},
        "/sequence/1/events: expected no types that another numbering has at /id, got 'plan'",
    ),
    Case(
        "a place in an id has an id",
        "builds",
        {"/framing/ids": False},
        "/catchup/cursor/pointer: expected a JSON pointer, because framing.ids is false, got 'event-id'",
    ),
    Case(
        "a place in an id has an id",
        "builds",
        {"/framing/ids": False, "/sequence": {"events": ["*"], "pointer": "event-id"}},
        "/sequence/pointer: expected a JSON pointer, because framing.ids is false, got 'event-id'",
    ),
    Case(
        "a heartbeat fits the framing",
        "promptfloe",
        {"/heartbeat": BEAT},
        "/heartbeat/form: expected object, blank, any, because the framing is ndjson, got 'comment'",
    ),
    Case(
        "a heartbeat fits the framing",
        "rockstar",
        {"/heartbeat": BEAT | {"form": "blank"}},
        "/heartbeat/form: expected another one, or framing.blank_lines: allowed",
    ),
    Case(
        "a heartbeat fits the framing",
        "builds",
        {"/heartbeat": BEAT | {"form": "object", "event": "line"}},
        "because the framing is sse, got 'object'",
    ),
    *(
        Case("a heartbeat is due", of, edits, said)
        for of, edits, said in (
            (
                "cosma",
                {"/heartbeat/while": "active"},
                "/heartbeat/while: expected open, because an ambient stream has no runs",
            ),
            (
                "ghostly",
                {"/terminal/last": ["end", "ping"]},
                "/heartbeat/event: expected an event that ends nothing, got 'ping'",
            ),
            (
                "builds",
                {"/terminal/cap_ms": 15000},
                "/heartbeat/interval_ms: expected less than terminal.cap_ms, 15000, at which every stream is over",
            ),
        )
    ),
    Case(
        "a limit can be reached",
        "builds",
        {"/framing/limits": {"line_bytes": 9000, "event_bytes": 8000}},
        "/framing/limits/line_bytes: expected at most event_bytes, 8000, got 9000",
    ),
    Case(
        "a run that is read once has one reader",
        "builds",
        {"/readers": {"at_most": 1, "churns": 9}, "/catchup": {"kind": "none"}, RESUME: GONE},
        "/readers/churns: expected nothing, because readers.at_most is 1, got something",
    ),
    Case(
        "a run that is read once has one reader",
        "builds",
        {"/readers": {"at_most": 1}},
        "/readers/at_most: expected streams: run with catchup.kind none, got run, with another kind",
    ),
    Case(
        "the end of a deserted run shows",
        "promptfloe",
        {"/readers/on_disconnect": "continues"},
        "/readers/on_disconnect: expected nothing, because catchup.detached says how long it continues, got ",
    ),
    Case(
        "the end of a deserted run shows",
        "builds",
        {"/readers": {"on_disconnect": {"stops_within_ms": 900}}},
        "/operations: expected the operation record with its state, which shows whether a run is active, got none",
    ),
    Case(
        "the end of a deserted run shows",
        "builds",
        {"/readers": {"on_disconnect": "continues"}, "/terminal/outcomes": GONE},
        "/operations: expected the operation record with its state, which shows whether a run is active, got none",
    ),
    Case(
        "endings can be",
        "ghostly",
        {"/terminal/unless": "resumable"},
        "/terminal/unless: expected catchup.cursor, with which a reader returns, got none",
    ),
    Case(
        "endings can be",
        "builds",
        {"/terminal/pauses": ["failed"]},
        "/terminal/pauses: expected events that are neither terminal nor last ones, got 'failed'",
    ),
    Case("endings can be", "builds", {"/error/events": ["failed"]}, "/error/events: expected a start that streams"),
    Case(
        "a bound says something",
        "builds",
        {"/heartbeat/tolerance_ms": 15001},
        "/heartbeat/tolerance_ms: expected at most interval_ms, 15000, got 15001",
    ),
    Case("a bound says something", "promptfloe", {"/catchup/detached/tolerance_ms": 300001}, "/catchup/detached/"),
    Case(
        "the heartbeat is stirred by operations",
        "cosma",
        {"/heartbeat/stirred_by": ["trigger:poke"]},
        "/heartbeat/stirred_by: expected operations of the profile, got 'trigger:poke'",
    ),
    Case(
        "runs end", "builds", {"/terminal": GONE}, "/terminal: expected the end of a run, because streams are run, got "
    ),
    Case(
        "streams can have it",
        "rockstar",
        {"/readers": {"at_least": 2}},
        "/readers: expected nothing, because streams are",
    ),
    Case(
        "streams can have it",
        "cosma",
        {"/readers/on_disconnect": "continues"},
        "/readers/on_disconnect: expected nothing, because streams are ambient, got 'continues'",
    ),
    Case(
        "streams can have it", "builds", {"/transport/open": {"at_least_ms": 9, "level": "MUST"}}, "/transport/open: "
    ),
    Case(
        "streams can have it",
        "builds",
        {"/triggers": {"t": {"does": "it", "told": ["line"], "within_ms": 9}}},
        "/triggers: expected nothing, because streams are run, got t",
    ),
    *(
        Case(
            "streams can have it", of, {place: value}, f"{place}: expected nothing, because streams are {streams}, got "
        )
        for of, streams, place, value in (
            ("rockstar", "push", "/auth/foreign", [404]),
            ("agent-workspace", "ambient", "/auth/unknown", [404]),
            ("builds", "run", "/readers/deliver_within_ms", 900),
            ("builds", "run", "/operations/attach/not_acceptable", {"accept": "text/html", "status": [406]}),
            ("rockstar", "push", "/terminal/finished_within_ms", 900),
            ("cosma", "ambient", "/terminal/run_within_ms", 900),
        )
    ),
    Case(
        "streams can have it",
        "cosma",
        {"/terminal/unless": "resumable", "/catchup": SHARED_LOG, RESUME: RUNLESS | {"path": "/{cursor}"}},
        "/terminal/unless: expected nothing, because streams are ambient, got 'resumable'",
    ),
    *(
        Case("a key is exercised", of, edits, f"{next(iter(edits))}: expected nothing, {because}")
        for of, edits, because in (
            ("promptfloe", {"/auth/parameter": "token"}, "because auth.kind needs no name, got 'token'"),
            (
                "promptfloe",
                {"/auth/jwt": True, "/auth/kind": "basic"},
                "because basic credentials are no token, got True",
            ),
            ("ghostly", {RECORD_HISTORY: RECORDED, "/sequence": GONE}, "without sequence and catchup."),
            (
                "builds",
                {"/catchup/cursor": {"pointer": "/at"}, "/catchup/kind": "replay-all", RESUME: GONE},
                "because catchup.kind is not from-cursor, got pointer",
            ),
            ("promptfloe", {"/catchup/last_event_id": "optional"}, "because no event has an id, got 'optional'"),
            (
                "ghostly",
                {"/catchup/last_event_id": "optional", "/catchup/history": GONE, RECORD_HISTORY: GONE},
                "without catchup.history, with",
            ),
            (
                "ghostly",
                {"/catchup/after_restart": "survives", "/catchup/kind": "none"},
                "because catchup.kind replays",
            ),
            (
                "builds",
                {"/catchup/after_restart": "survives", "/catchup/history": GONE},
                "without catchup.history, with",
            ),
            (
                "builds",
                {"/terminal/join_within_ms": 9, "/catchup": {"kind": "none"}, "/readers": GONE, RESUME: GONE},
                "without readers.independent, or a catchup.kind with which a reader that joins gets the rest, got 9",
            ),
            ("builds", {"/heartbeat/event": "line"}, "because heartbeat.form is not event, got 'line'"),
            (
                "builds",
                {"/heartbeat/pattern": ".", "/heartbeat/form": "blank"},
                "because an empty line has no text, got '.'",
            ),
            (
                "builds",
                {"/heartbeat/time": "text", "/heartbeat/form": "blank", "/heartbeat/pattern": GONE},
                "because an empty line has no text, got 'text'",
            ),
            (
                "cosma",
                {"/heartbeat/stirred_by": ["trigger:pause"], "/heartbeat/timer": "fixed"},
                "except on an ambient stream with an idle timer, got ['trigger:pause']",
            ),
        )
    ),
    Case(
        "templates are of a worker's types",
        "builds",
        {EMITS + "/lines": {"type": "lines"}},
        EMITS + "/lines: expected a type in events.types",
    ),
    Case(
        "templates are of a worker's types",
        "builds",
        {EMITS + "/failed": {"type": "failed"}},
        EMITS + "/failed: expected no type that the server sends by itself",
    ),
    Case(
        "each type of a worker has a template",
        "builds",
        {EMITS + "/step.done": GONE},
        EMITS + ": expected a template for step.done, or the type in events.script.own, got none",
    ),
    Case(
        "a template states its type",
        "builds",
        {EMITS + "/step.done/state": "over"},
        f"/step.done: {TELLS} step.done, got one that it maps to step.over",
    ),
    Case(
        "a template states its type",
        "builds",
        {EMITS + "/line": {"text": "{text}"}},
        "got one that it maps to no type",
    ),
    Case(
        "a template states its type",
        "builds",
        {
            "/events/discriminator": [{"from": "event-name"}],
            EMITS + "/line": {"event": "lines", "data": {"type": "line"}},
        },
        EMITS + "/line: expected an event, as {event, data}, that the discriminator maps to line, got one that it maps",
    ),
    Case(
        "a template has the key of its tables",
        "builds",
        {EMITS + "/step.done/step": 1},
        EMITS + "/step.done/step: expected a text with {key}, got 1",
    ),
    Case(
        "a template carries a text",
        "builds",
        {EMITS + "/line/text": "text"},
        EMITS + ": expected a template with {text}, got none",
    ),
    *(
        Case("a template is valid", "builds", {EMITS + place: value}, f"{EMITS}{place}: expected {wanted}")
        for place, value, wanted in (
            ("/step.done/step", "no {key}", "integer, by events/step.schema.json, got 'no 0'"),
            ("/step.done/title", None, "string, by events/step.schema.json, got None"),
        )
    ),
    Case("a template is valid", "builds", {EMITS + "/line/txt": "a"}, EMITS + "/line: expected only known keys, by "),
    Case(
        "a template is valid",
        "builds",
        {"/properties/text/minLength": 1},
        EMITS + "/line/text: expected a text that is not empty, by events/line.schema.json, got ''",
        LINE,
        "profile.yaml",
    ),
]


def folder_of(name: str, to: Path) -> Path:
    """A copy of a profile's folder, as a profile of somebody's own: without what only the built-in system promises."""
    own = shutil.ignore_patterns("requirements.yaml", "traces")
    shutil.copytree(BUILDS if name == "builds" else schemas_folder() / name, to, ignore=own)
    if name != "builds":
        edit(to / "profile.yaml", {"/profile": "mine"})
    return to


def edit(file: Path, edits: dict[str, Any]) -> None:
    """Change values of a file."""
    whole = read_yaml(file)
    for pointer, value in edits.items():
        head, _, last = pointer.rpartition("/")
        holder = pointed(whole, head)
        if not pointer:
            whole = value
        elif value is GONE:
            holder.pop(last)
        else:
            holder[int(last) if isinstance(holder, list) else last] = value
    text = json.dumps(whole) if file.suffix == ".json" else yaml.safe_dump(whole, sort_keys=False)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", sorted({case.of for case in CASES}))
def test_what_the_cases_change_fits(name: str, tmp_path: Path) -> None:
    load_profile(str(folder_of(name, tmp_path / "right")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {next(iter(case.edits))}")
def test_a_profile_that_does_not_fit_names_the_place(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(case.of, tmp_path / "mine")
    edit(folder / case.file, case.edits)
    with pytest.raises(FileError) as error:
        load_profile(str(folder))
    assert str(error.value).startswith(f"{folder.resolve() / (case.blamed or case.file)}: ")
    assert case.said in str(error.value)
    # And it is the rule that refuses, not another one that says the same.
    monkeypatch.setattr("streamvet.contract.fitting.RULES", {case.rule: RULES[case.rule]})
    with pytest.raises(FileError) as alone:
        load_profile(str(folder))
    assert case.said in str(alone.value)


def test_each_rule_refuses_something() -> None:
    assert list(dict.fromkeys(case.rule for case in CASES)) == list(RULES)


def test_an_unchanged_copy_of_a_built_in_profile_is_that_profile(tmp_path: Path) -> None:
    for name in builtin_profiles():
        shutil.copytree(schemas_folder() / name, tmp_path / name)
        copy = load_profile(str(tmp_path / name))
        assert copy.digest == load_profile(name).digest
        assert load_registry(copy) is load_registry()


@pytest.mark.parametrize(
    "edits",
    [
        {"/properties/text": {"$ref": "step.schema.json#/properties/title"}},
        {"/properties/text": {"$ref": "https://builds.example.org/events/step.schema.json"}},
        {"/properties/text": {"$ref": "#/$defs/a~1b"}, "/$defs": {"a/b": {"type": "string"}}},
        {"/properties/text": {"$ref": "#text"}, "/$defs": {"t": {"$anchor": "text", "type": "string"}}},
        {"/properties/text": {"$ref": "text"}, "/$defs": {"t": {"$id": "text", "type": "string"}}},
        {"/properties/text": {"$ref": "https://json-schema.org/draft/2020-12/schema"}},
        {"/properties/$ref": {"type": "string"}},
        {"/properties/text": {"const": {"$ref": "nowhere"}}},
    ],
    ids=lambda edits: str(next(iter(edits.values()))),
)
def test_references_that_resolve(edits: dict[str, Any], tmp_path: Path) -> None:
    folder = folder_of("builds", tmp_path / "mine")
    edit(folder / ENDING, edits)
    load_profile(str(folder)).schemas.decider(ENDING)
