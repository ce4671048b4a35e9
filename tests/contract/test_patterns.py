"""No pattern and no text can hang what reads profiles and judges streams; what explains a mismatch decides it alike."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from streamvet.cli import call
from streamvet.contract.patterns import Explainer, decider_of, is_usable, searches
from streamvet.contract.schema import SchemaSet

BUILDS = Path(__file__).resolve().parents[1] / "candidates" / "builds"
LINE = "events/line.schema.json"
# Of computing. A backtracking engine would need longer than anybody lives.
SOON_S = 5.0
HANGS = {
    "nested repetition": "^(a+)+$", "alternatives that overlap": "^(a|a)*$", "words": r"^([a-zA-Z]+)*$",
    "a hundred optional ones": "(?:a?){100}a{100}$",
}  # fmt: skip
REFUSED = {
    "lookahead": "(?=a)b", "negative lookahead": "^(?!a)", "lookbehind": "(?<=a)b", "backreference": r"(a)\1",
    "a huge repetition": "(?:a{1000}){1000}", "no pattern": "[",
}  # fmt: skip


@pytest.mark.parametrize("name", HANGS)
def test_a_pattern_that_would_hang(name: str) -> None:
    text = "a" * 50_000 + "!"
    begun_s = time.process_time()
    assert is_usable(HANGS[name])
    assert not searches(HANGS[name], text)
    assert not decider_of({"pattern": HANGS[name]}).is_valid(text)
    said = [error.validator for error in Explainer({"pattern": HANGS[name]}).iter_errors(text)]
    assert said == ["pattern"]
    assert time.process_time() - begun_s < SOON_S


KEYS = [
    {"patternProperties": {"^(a+)+$": False}},
    {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
    {"propertyNames": {"pattern": "^(a+)+$"}},
    {"allOf": [{"patternProperties": {"^(a+)+$": {}}}], "unevaluatedProperties": False},
]


@pytest.mark.parametrize("schema", KEYS)
@pytest.mark.parametrize("key", ["a" * 40 + "!", "a" * 40])
def test_keys_that_would_hang(schema: dict[str, Any], key: str) -> None:
    begun_s = time.process_time()
    valid = decider_of(schema).is_valid({key: 1})
    explained = not list(Explainer(schema).iter_errors({key: 1}))
    assert valid == explained or "unevaluatedProperties" in schema
    assert time.process_time() - begun_s < SOON_S


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_linear_engine_reads(name: str) -> None:
    assert not is_usable(REFUSED[name])
    assert not searches(REFUSED[name], "a")
    with pytest.raises(jsonschema_rs.ValidationError):
        decider_of({"pattern": REFUSED[name]})


@pytest.mark.parametrize("text", ["a\n", "\ud800", "b"])
def test_a_dollar_is_the_end_of_the_text(text: str) -> None:
    assert not searches("^a$", text)


def _edited(folder: Path, place: str, value: object) -> Path:
    own = Path(shutil.copytree(BUILDS, folder / "own"))
    schema = json.loads((own / LINE).read_text())
    schema["properties"]["own"] = {place: value}
    (own / LINE).write_text(json.dumps(schema))
    return own


@pytest.mark.parametrize("name", REFUSED)
def test_a_profile_with_it_is_refused_with_its_place(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["check-profile", str(_edited(tmp_path, "pattern", REFUSED[name]))]) == 2
    said = capsys.readouterr().err
    assert f"{LINE}: /properties/own/pattern: expected " in said


def test_a_key_with_it_is_refused_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["check-profile", str(_edited(tmp_path, "patternProperties", {"(?=a)": {}}))]) == 2
    assert f"{LINE}: /properties/own/patternProperties/(?=a): expected " in capsys.readouterr().err


def test_a_heartbeat_with_it_is_refused_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = Path(shutil.copytree(BUILDS, tmp_path / "own"))
    text = (own / "profile.yaml").read_text()
    beat = "heartbeat: {form: comment, interval_ms: 1000, tolerance_ms: 500, timer: fixed, while: active, "
    beat += "pattern: '(?=a)'}"
    lines = [line for line in text.split("\n") if not line.startswith("heartbeat")]
    (own / "profile.yaml").write_text("\n".join([*lines, beat]))
    assert call(["check-profile", str(own)]) == 2
    said = capsys.readouterr().err
    assert "/heartbeat/pattern: expected a pattern that can be read in linear time" in said


def test_an_event_is_explained_soon(tmp_path: Path) -> None:
    schemas = SchemaSet(_edited(tmp_path, "pattern", "^(a+)+$"))
    begun_s = time.process_time()
    value = {"type": "line", "own": "a" * 40 + "!"}
    assert not schemas.decider(LINE)(value)
    found = [place for place, _, _ in schemas.misses(LINE, value)]
    assert "/own" in found
    assert time.process_time() - begun_s < SOON_S
