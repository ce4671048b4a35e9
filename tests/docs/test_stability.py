"""The rules of docs/stability.md: that the tree keeps them, and that each breach of one is found.

Knows scripts/stability.py; it must not know what any requirement asks for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from stability import State, breaches, current, record, released, retired  # noqa: E402

ROW = {"level": "SHOULD", "text": "A server SHOULD answer.", "applies_to": {"streams": "run"}}
BEFORE = State(2, {"ABC-01": ROW, "ABC-02": {**ROW, "level": "MUST"}})


def test_the_tree_keeps_the_rules() -> None:
    assert list(breaches(released(), current(), retired())) == []


def test_a_retired_id_has_a_reason_and_the_revision_without_it() -> None:
    assert [name for name, row in retired().items() if not row["reason"] or row["since"] > current().revision] == []


def test_what_was_recorded_is_read_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "released.yaml"
    file.write_text(record(current()), encoding="utf-8")
    monkeypatch.setattr("stability.RELEASED", file)
    assert released() == current()


CASES: dict[str, tuple[State, dict[str, Any], list[str]]] = {
    "nothing": (BEFORE, {}, []),
    "a new id": (State(2, {**BEFORE.rows, "ABC-03": ROW}), {}, []),
    "a new id in the next revision": (State(3, {**BEFORE.rows, "ABC-03": {**ROW, "since": 3}}), {}, []),
    "a new id that does not say since when": (
        State(3, {**BEFORE.rows, "ABC-03": ROW}),
        {},
        ["ABC-03 is new: expected since: 3, got none"],
    ),
    "a new id of a revision to come": (
        State(2, {**BEFORE.rows, "ABC-03": {**ROW, "since": 3}}),
        {},
        ["ABC-03 is new: expected no `since`, as its revision is not released yet, got 3"],
    ),
    "a row that gets younger": (
        State(3, {**BEFORE.rows, "ABC-01": {**ROW, "since": 3}}),
        {},
        ["ABC-01 has another `since` than in revision 2: a row keeps it"],
    ),
    "another text in the same revision": (
        State(2, {**BEFORE.rows, "ABC-01": {**ROW, "text": "A server SHOULD reply."}}),
        {},
        ["ABC-01 differs from revision 2 in text: that takes a new revision"],
    ),
    "another text in the next one": (
        State(3, {**BEFORE.rows, "ABC-01": {**ROW, "text": "A server SHOULD reply."}}),
        {},
        [],
    ),
    "other conditions": (
        State(2, {**BEFORE.rows, "ABC-01": {**ROW, "applies_to": {"streams": "push"}}}),
        {},
        ["ABC-01 differs from revision 2 in applies_to: that takes a new revision"],
    ),
    "a stricter row, in a later revision too": (
        State(3, {**BEFORE.rows, "ABC-01": {**ROW, "level": "MUST"}}),
        {},
        ["ABC-01 was a SHOULD and is a MUST: what gets stricter has a new id"],
    ),
    "a laxer row in the next revision": (State(3, {**BEFORE.rows, "ABC-02": ROW}), {}, []),
    "a row that is gone": (
        State(3, {"ABC-01": ROW}),
        {},
        ["ABC-02 is gone, and schemas/retired.yaml does not have it"],
    ),
    "a row that is retired": (State(3, {"ABC-01": ROW}), {"ABC-02": {"successor": "ABC-01"}}, []),
    "a retired id that is used again": (
        BEFORE,
        {"ABC-02": {"successor": None}},
        ["ABC-02 is retired, and a requirement has it"],
    ),
    "a successor that is none": (
        BEFORE,
        {"ABC-03": {"successor": "ABC-09"}},
        ["ABC-03 has the successor ABC-09, which no requirement is"],
    ),
    "a number that is left out": (
        State(2, {**BEFORE.rows, "ABC-04": ROW}),
        {},
        ["ABC-03: neither a requirement nor retired"],
    ),
    "a revision that goes back": (State(1, BEFORE.rows), {}, ["the revision went back from 2 to 1"]),
}


@pytest.mark.parametrize(("now", "gone", "said"), CASES.values(), ids=CASES)
def test_each_breach_is_found_and_nothing_else(now: State, gone: dict[str, Any], said: list[str]) -> None:
    assert list(breaches(BEFORE, now, gone)) == said
