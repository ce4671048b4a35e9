"""What is generated: lawful, the same for one seed on any machine, and varied enough to find what it is to find."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.files import meta_validator
from streamvet.contract.loading import load_profile
from streamvet.generation import payloads
from streamvet.generation.batches import batch
from streamvet.generation.dice import made_with
from streamvet.generation.lawful import emits
from streamvet.generation.programs import stimuli
from streamvet.generation.shapes import kind_of
from streamvet.generation.shrinking import canonical
from streamvet.probes.program import CONNECTIONS, ORIGINS, connections_of
from streamvet.probes.scripts import emittable
from streamvet.systems import SYSTEMS

from .made import PROFILES, SCALE, ground, law, some

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONGEST_SCRIPT_MS = 500.0  # real time: a try is to be short
LINE_BYTES = 1024 * 1024  # that the recorder takes for one line of a stream
MOST_LEVELS = 64  # of an event (EVT-06); a state of a fleet has one more than its events


# ------------------------------------------------------------------------------------------------ lawful


@pytest.mark.parametrize("name", PROFILES)
def test_scripts_are_legal_and_payloads_valid(name: str) -> None:
    mended = [(one, law(name).mended(one)) for one in some(name)]
    assert [one for one, lawful in mended if lawful is None or canonical(lawful) != canonical(one)] == []


@pytest.mark.parametrize("name", PROFILES)
def test_stimuli_are_as_the_schema_of_cases_has_them(name: str) -> None:
    validator = meta_validator("case")
    wrong = [error for one in some(name) for error in validator.iter_errors({"stimulus": one}) if error.path]
    assert [(list(error.path), error.message) for error in wrong] == []


@pytest.mark.parametrize("name", PROFILES)
def test_stimuli_are_small_enough_for_every_candidate(name: str) -> None:
    for one in some(name):
        assert connections_of(one) <= CONNECTIONS
        waits = [step["wait_ms"] * SCALE for step in one.get("script") or () if "wait_ms" in step]
        assert sum(waits) <= LONGEST_SCRIPT_MS
        lines = [*emits(one), *(moment["state"] for moment in one.get("timeline", ()))]
        assert all(len(json.dumps(line)) < LINE_BYTES and levels(line) < MOST_LEVELS for line in lines)


def levels(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(levels, inner), default=0) if isinstance(value, dict | list) else 0


@pytest.mark.parametrize("name", PROFILES)
def test_numbers_are_those_that_a_double_holds(name: str) -> None:
    def check(value: Any) -> None:
        if isinstance(value, int | float):
            assert abs(value) < 2**53
        elif isinstance(value, str):
            value.encode()  # no lone surrogate
        for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(one)

    for one in some(name):
        check(one)


# ------------------------------------------------------------------------------------------------ varied


@pytest.mark.parametrize("name", ["ghostly", "promptfloe", "rockstar", "cosma"])
def test_every_type_of_event_comes(name: str) -> None:
    profile = load_profile(name)
    seen = {kind_of(profile, emit) for one in some(name) for emit in emits(one)}
    words, start = SYSTEMS[name].words, list(profile.lifecycles.values())
    assert words
    known = {kind for kind in emittable(profile) if any(table.knows(kind) for table in start)}
    assert seen == {kind for kind in known if words.emit(kind, 0, "", ()) is not None}


def test_every_way_of_reading_comes() -> None:
    visits = [visit for one in some("promptfloe") for row in one["readers"] for visit in row["visits"]]
    assert {visit["from"] for visit in visits} == set(ORIGINS) - {"last-event-id"}
    assert {key for visit in visits for key in visit} == {"from", "at", "as", "cut", "wait_ms", "stall_ms"}
    assert {key for visit in visits for key in visit.get("cut", ())} == {"after", "inside", "after_ms"}
    tops = Counter(key for one in some("promptfloe") for key in one)
    assert {"runs", "again", "record", "cancel_ms", "cancel_after", "restart_ms"} <= tops.keys()
    assert {one["outcome"] for one in some("promptfloe")} == {"succeeds", "fails", "hangs"}
    assert {visit["from"] for one in some("ghostly") for row in one["readers"] for visit in row["visits"]} == {
        "start", "last", "last-event-id",
    }  # fmt: skip


def test_pushes_are_made_again_cut_off_and_write_plans() -> None:
    pushes = [push for one in some("rockstar") for lane in one["lanes"] for push in lane]
    assert {key for push in pushes for key in push} == {"text", "writes", "cut"}
    assert {one["kind"] for one in some("rockstar")} == {"session", "plan"}
    assert {len(one["lanes"]) for one in some("rockstar")} == {1, 2, 3}


def test_texts_have_what_breaks_framing() -> None:
    texts = [one for number in range(20) for one in batch(made_with(payloads.text), 3, number, 100)]
    assert [piece for piece in payloads.PIECES if not any(piece in text for text in texts)] == []
    assert max(map(len, texts)) > 10_000
    assert "" in texts


@pytest.mark.parametrize("name", ["ghostly", "promptfloe", "rockstar", "cosma"])
def test_values_look_like_other_events(name: str) -> None:
    profile = load_profile(name)
    assert profile.terminal is not None
    told = [json.dumps(emit, ensure_ascii=False) for one in some(name) for emit in emits(one)]
    for kind in profile.terminal.last:
        event = payloads.whole_events(profile)[kind]
        assert profile.kind_of(event) == kind
        spelt = json.dumps(event)[1:-1]  # as an object, or as a text
        assert any(spelt in line or json.dumps(spelt)[1:-1] in line for line in told)


def test_values_are_nested_deeply_at_times() -> None:
    values = [one for number in range(10) for one in batch(made_with(payloads.anything), 3, number, 100)]
    assert max(map(levels, values)) == max(payloads._DEPTHS) + 1


def test_without_control_only_readers_vary() -> None:
    found = batch(stimuli(ground("promptfloe", control=False)), 0, 0, 40)
    assert {one["script"] for one in found} == {None}
    assert {(one["outcome"], one["input"]) for one in found} == {("succeeds", "succeeds"), ("fails", "fails")}
    assert batch(stimuli(ground("cosma", control=False)), 0, 0, 10) == []


# ------------------------------------------------------------------------------------------------ the same


def test_one_seed_gives_one_list() -> None:
    one, again, other = (batch(stimuli(ground("ghostly")), seed, 0, 20) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert one != batch(stimuli(ground("ghostly")), 1, 1, 20)


PROGRAM = """
import json, sys
from streamvet.generation.batches import batch
from streamvet.generation.ground import Ground, Start
from streamvet.generation.programs import stimuli
from streamvet.systems import SYSTEMS
value = json.loads(sys.argv[1])
starts = tuple(Start(kind, tuple(outcomes)) for kind, outcomes in value.pop("starts"))
lists = {key: tuple(value.pop(key)) for key in ("states", "strangers")}
words = SYSTEMS["ghostly"].words
print(json.dumps(batch(stimuli(Ground(starts=starts, words=words, **lists, **value)), 1, 0, 20)))
"""


@pytest.mark.parametrize(
    "environment", [{"CI": "1"}, {"HYPOTHESIS_PROFILE": "ci", "PYTHONHASHSEED": "7"}, {"TERM": "x"}]
)
def test_neither_the_machine_nor_ci_changes_it(environment: dict[str, str], tmp_path: Path) -> None:
    one = ground("ghostly")
    value = {key: getattr(one, key) for key in one.__slots__ if key != "words"} | {
        "starts": [(start.kind, start.outcomes) for start in one.starts]
    }
    path = os.pathsep.join(sys.path)
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(value)], env=os.environ | environment | {"PYTHONPATH": path},
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(said.stdout) == batch(stimuli(one), 1, 0, 20)


def test_constants_of_other_modules_do_not_come_in(tmp_path: Path) -> None:
    before = batch(stimuli(ground("ghostly")), 5, 0, 40)
    path = tmp_path / "full_of_constants.py"
    path.write_text("\n".join(f"C{n} = {n}" for n in range(100)))
    spec = importlib.util.spec_from_file_location("full_of_constants", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["full_of_constants"] = module
    try:
        spec.loader.exec_module(module)
        assert batch(stimuli(ground("ghostly")), 5, 0, 40) == before
    finally:
        del sys.modules["full_of_constants"]


def test_what_uses_it_gets_no_more_than_asked_for() -> None:
    make: Callable[[Any], int] = lambda dice: dice.up_to(2)  # noqa: E731 - three values
    found = batch(made_with(make), 0, 0, 50)
    assert (len(found), set(found)) == (50, {0, 1, 2})  # one may come again: the explorer knows what it has tried
    assert len(batch(stimuli(ground("ghostly")), 0, 0, 7)) == 7


def test_a_run_that_is_read_once_has_no_second_reader() -> None:
    for joins in (True, False):
        made = batch(stimuli(dataclasses.replace(ground("ghostly"), joins=joins)), 7, 0, 60)
        assert any(one["readers"] or "again" in one for one in made) is joins
