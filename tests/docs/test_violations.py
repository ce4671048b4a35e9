"""The violations that the chapters show as bytes: one for each requirement, or a reason.

Knows the pages and scripts/violation_blocks.py; it must not know what a requirement asks for.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from streamvet.contract.registry import load_registry
from streamvet.examples import examples

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import violation_blocks  # noqa: E402
from violation_blocks import _of, shown, violation  # noqa: E402

PAGES = ROOT / "docs" / "spec"
SECTION = re.compile(r"^### ([A-Z]{3}-\d\d)\n(.*?)(?=^### |^## |\Z)", re.MULTILINE | re.DOTALL)
BYTES = re.compile(r"^\*As bytes\*, on [a-z-]+, between » and «:\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NONE = re.compile(r"^\*As bytes:\* none can show it\. (.+\.)$", re.MULTILINE)
CHECKED = {row.id for row in load_registry().testable()}


def _sections() -> dict[str, str]:
    """The section of each requirement that is checked."""
    found: dict[str, str] = {}
    for family in load_registry().families:
        text = (PAGES / f"{family}.md").read_text(encoding="utf-8")
        found |= {one: body for one, body in SECTION.findall(text) if one in CHECKED}
    return found


def test_each_requirement_shows_bytes_or_says_why_not() -> None:
    sections = _sections()
    assert set(sections) == CHECKED
    assert {one for one, body in sections.items() if len(BYTES.findall(body)) + len(NONE.findall(body)) != 1} == set()


def test_what_shows_no_bytes_is_in_the_table_of_the_test_method() -> None:
    table = (PAGES / "test-method.md").read_text(encoding="utf-8").partition("## Violations without bytes")[2]
    listed = set(re.findall(r"^\| \[([A-Z]{3}-\d\d)\]", table, re.MULTILINE))
    assert listed == {one for one, body in _sections().items() if NONE.search(body)}
    # It is the exception: a time, an absence, the end of a connection, or a key that no built-in profile has.
    assert len(listed) < len(CHECKED) / 5


def test_the_bytes_have_a_mark_with_something_in_it() -> None:
    found = {one: BYTES.findall(body)[0] for one, body in _sections().items() if BYTES.search(body)}
    assert {one for one, text in found.items() if not re.search("»[^»«]+«", text)} == set()


def test_bytes_that_violate_nothing_are_refused() -> None:
    """The page is made by the check itself: a trace in which it finds nothing has no place there."""
    row, example = load_registry().rows["SSE-07"], examples("SSE-07")[0]
    with pytest.raises(LookupError, match="SSE-07: expected a finding"):
        _of(row, replace(example, bad=example.good))


def test_a_time_is_no_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    row = load_registry().rows["HBT-01"]
    assert violation(row)[1].startswith("*As bytes:* none can show it. The bytes are correct, and arrive")
    monkeypatch.setattr(violation_blocks, "examples", lambda _: [])
    shown.cache_clear()
    try:
        assert shown("HBT-01").why == "No built-in profile has the key by which it applies."
    finally:
        shown.cache_clear()
