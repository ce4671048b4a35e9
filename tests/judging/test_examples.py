"""The example traces: each bad one gives findings for exactly its requirement, its good twin gives none.

A finding that another violation explains does not count: it is what one defect looks like from elsewhere.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.contract.files import FileError, check_shape, meta_validator
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import all_examples, base_trace, bases, examples, family_rows
from streamvet.outcome import own_findings
from streamvet.systems import judge_of
from streamvet.trace import dump, load, records

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.examples import Example
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Trace

REGISTRY = load_registry()
ROWS = all_examples()
BASES = list(bases().values())

# (requirement, profile) -> why it has no bad trace of that profile. Each requirement has one of some profile.
WITHOUT_ROW: dict[tuple[str, str], str] = {
    ("TRN-09", "agent-workspace"): "a stream with neither field lacks the one that the profile requires (TRN-17)",
}

# What has a bound in time needs a trace on either side of it.
TIMED = (
    "TRN-03", "TRN-07", "TRN-10", "TRN-14", "TRN-15", "HBT-01", "HBT-02", "HBT-04", "HBT-07", "CAT-19", "CAT-11",
    "CAT-12", "TRM-10", "TRM-11", "TRM-12", "GHO-01", "GHO-03", "FLT-04", "FLT-08", "FLT-15",
    "FLT-18", "COS-01", "COS-20", "COS-25",
)  # fmt: skip


def _name(row: Example) -> str:
    return f"{row.requirement}-{row.base}-{row.note}"


def judged(trace: Trace) -> dict[str, Outcome]:
    bench = judge_of(load_profile(trace.profile))
    outcomes = bench.add(trace)
    assert bench.errors == []
    return outcomes


def findings(outcomes: dict[str, Outcome]) -> dict[str, list[Finding]]:
    return {row: own for row, outcome in outcomes.items() if (own := own_findings(outcome))}


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_a_row_gives_findings_for_its_id_and_no_other(row: Example) -> None:
    found = findings(judged(row.bad))
    assert set(found) == (set() if row.holds else {row.requirement}), found


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_the_good_twin_exercises_the_id(row: Example) -> None:
    assert judged(row.good)[row.requirement] == []


@pytest.mark.parametrize("base", BASES, ids=lambda path: path.stem)
def test_a_base_gives_no_finding(base: Path) -> None:
    assert findings(judged(base_trace(base))) == {}


@pytest.mark.parametrize("row", [row for row in ROWS if not row.holds], ids=_name)
def test_a_finding_lies_within_its_exchange(row: Example) -> None:
    sizes = {exchange.id: len(exchange.body) for exchange in row.bad.exchanges}
    for found in findings(judged(row.bad)).values():
        for one in found:
            start, end = one.span
            assert 0 <= start <= end <= sizes[one.exchange], one
            assert one.expected, one
            assert one.seen, one


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_a_trace_that_was_written_and_read_is_judged_alike(row: Example) -> None:
    for trace in (row.good, row.bad):
        assert judged(load(dump(trace), trace.name)) == judged(trace)


@pytest.mark.parametrize("base", BASES, ids=lambda path: path.stem)
def test_a_base_makes_records_of_the_trace_format(base: Path) -> None:
    validator = meta_validator("trace")
    for record in records(base_trace(base)):
        assert [error.message for error in validator.iter_errors(json.loads(json.dumps(record)))] == []


def test_each_requirement_has_a_bad_trace_of_each_profile() -> None:
    have = {(row.requirement, row.bad.profile) for row in ROWS if not row.holds}
    need = {(row.id, name) for name in builtin_profiles() for row in REGISTRY.testable(load_profile(name))}
    assert need - have == set(WITHOUT_ROW)
    assert {one for one, _ in need} == {one for one, _ in have}
    assert have <= need


def test_each_bound_in_time_has_a_trace_on_either_side() -> None:
    sides = {(row.requirement, row.holds) for row in ROWS}
    assert {one for one in TIMED if not {(one, True), (one, False)} <= sides} == set()


def test_each_base_is_used() -> None:
    assert {row.base for row in ROWS} == {path.stem for path in BASES}


def test_the_rows_of_one_requirement() -> None:
    rows = [row for row in examples("SSE-01") if row.good.profile == "ghostly"]
    assert [(row.base, row.holds) for row in rows] == [("ghostly-failing", False)]
    assert rows[0].edit == ("exchange x2 /chunks/5/1: 'id: 6\\n' in place of 'id: 6\\n\\n'",)
    assert examples("XXX-99") == []


# ------------------------------------------------------------------------------------------------ files

FINE: dict[str, Any] = {
    "id": "TRN-01",
    "base": "ghostly-failing",
    "edit": [{"path": "/exchanges/1/status", "set": 500}],
    "note": "a server error",
}

# What is wrong with the row, and a part of what the error says.
WRONG_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"id": "SSE-01"}, "/0/id: expected a requirement of the family transport, got SSE-01"),
    ({"id": "TRN-99"}, "/0/id: expected a requirement of the family transport, got TRN-99"),
    ({"base": "nothing"}, "bases/nothing.yaml: the file: expected a readable file"),
    ({"note": ""}, "/0/note: expected a text that is not empty"),
    ({"holds": False}, "/0/holds: expected True"),
    ({"more": 1}, "/0: expected only known keys"),
    ({"edit": []}, "/0/edit: expected at least 1 items"),
    ({"edit": [{"path": "/exchanges/9/status", "set": 1}]}, "/0/edit/0/path: expected a place that the base has"),
    ({"edit": [{"path": "/exchanges/1/status/x", "set": 1}]}, "/0/edit/0/path: expected a place that the base has"),
    ({"edit": [{"path": "/exchanges/x", "remove": True}]}, "/0/edit/0/path: expected a place that the base has"),
    ({"edit": [{"path": "/exchanges/1/x", "remove": True}]}, "/0/edit/0/path: expected a place that the base has"),
    ({"edit": [{"path": "/exchanges/-", "remove": True}]}, "/0/edit/0/path: expected a place that the base has"),
    (
        {"edit": [{"path": "/exchanges/1/chunks/1/1", "find": "no such text", "put": ""}]},
        "/0/edit/0/find: expected a text that occurs once, got 'no such text', 0 times",
    ),
    (
        {"edit": [{"path": "/exchanges/1/chunks/1/1", "find": "assist", "put": ""}]},
        "/0/edit/0/find: expected a text that occurs once, got 'assist', 2 times",
    ),
    ({"edit": [{"path": "/exchanges/1/status", "find": "2", "put": ""}]}, "/0/edit/0/path: expected a text, got 200"),
    (
        {"edit": [{"path": "/exchanges/1/chunks/1/1", "find": "seq", "put": {"base64": "AAA"}}]},
        "/0/edit/0/put/base64: expected Base64 with padding, got 'AAA'",
    ),
    ({"edit": [{"path": "/exchanges/1/ending", "set": "over"}]}, "/exchanges/1/ending: expected one of"),
    ({"edit": [{"path": "/exchanges/1/role", "set": "spectator"}]}, "/exchanges/1/role: expected a role of the trace"),
    ({"edit": [{"path": "/exchanges/1/about/mood", "set": 1}]}, "/exchanges/1/about: expected keys of the trace"),
    ({"edit": [{"path": "/exchanges/1/id", "set": "x1"}]}, "/exchanges: expected each id once, got x1"),
    ({"edit": [{"path": "/exchanges/1/ended_ms", "set": 1}]}, "/exchanges/1: expected times that do not go back"),
    ({"edit": [{"path": "/exchanges/1/head_ms", "remove": True}]}, "/exchanges/1: expected"),
    ({"edit": [{"path": "/profile", "set": "no-such-profile"}]}, "expected one of agent-workspace"),
]  # fmt: skip


def _family(folder: Path, rows: object) -> Path:
    (folder / "bases").mkdir()
    shutil.copy(bases()["ghostly-failing"], folder / "bases")
    path = folder / "transport.yaml"
    path.write_text(yaml.safe_dump(rows), encoding="utf-8")
    return path


def test_a_file_of_rows_is_read(tmp_path: Path) -> None:
    (row,) = family_rows(_family(tmp_path, [FINE]), "transport")
    assert (row.requirement, row.good.exchanges[1].status, row.bad.exchanges[1].status) == ("TRN-01", 200, 500)
    assert family_rows(tmp_path / "sse.yaml", "sse") == []


@pytest.mark.parametrize(("change", "said"), WRONG_ROWS, ids=[said for _, said in WRONG_ROWS])
def test_a_wrong_row_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = _family(tmp_path, [FINE | change])
    with pytest.raises(FileError) as caught:
        family_rows(path, "transport")
    assert said in str(caught.value)


@pytest.mark.parametrize("content", [{}, 7, [7], []], ids=repr)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: object) -> None:
    path = _family(tmp_path, content)
    with pytest.raises(FileError):
        family_rows(path, "transport")


def test_a_base_is_not_a_list(tmp_path: Path) -> None:
    path = _family(tmp_path, [FINE])
    shutil.copy(path, tmp_path / "bases" / "rows.yaml")
    with pytest.raises(FileError, match="expected one trace, got list"):
        base_trace(tmp_path / "bases" / "rows.yaml")


def test_the_meta_schema_is_one() -> None:
    validator = meta_validator("example-traces")
    validator.check_schema(validator.schema)
    check_shape([FINE], "example-traces", "a test")


def test_an_edit_does_not_reach_the_base() -> None:
    for row in ROWS:
        base = base_trace(next(path for path in BASES if path.stem == row.base))
        assert row.good is base
