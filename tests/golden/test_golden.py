"""What each revision judged and read, judged and read again by this one.

Knows the folders that scripts/golden.py writes; it must not know what a requirement asks for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.cli.judge_traces import traces_in
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.registry import load_registry
from streamvet.outcome import NotExercised
from streamvet.report import html, text
from streamvet.report.reading import load_reports

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from formats import breaches  # noqa: E402
from golden import FORMATS, GOLDEN, REPORT, TRACES, report_on, verdicts  # noqa: E402
from streamvet.report import json_report  # noqa: E402
from streamvet.report.exits import Policy  # noqa: E402

if TYPE_CHECKING:
    from streamvet.outcome import Outcome
    from streamvet.trace import Trace

REVISIONS = sorted(path.name for path in GOLDEN.iterdir() if path.name.isdigit())
FOLDERS = [GOLDEN / revision / system for revision in REVISIONS for system in builtin_profiles()]
PROMISED = ("trace", "report")  # the formats that others read


def _traces(folder: Path) -> list[Trace]:
    return list(traces_in([str(folder / TRACES)]))


def _again(folder: Path) -> dict[str, str]:
    return verdicts(json_report.document(report_on(folder.name, _traces(folder)), Policy()))


def _then(folder: Path) -> dict[str, str]:
    return verdicts(json.loads((folder / REPORT).read_text(encoding="utf-8")))


def test_the_current_revision_has_its_files() -> None:
    assert str(load_registry().revision) in REVISIONS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_the_verdicts_of_each_revision_are_the_same_now(folder: Path) -> None:
    now, known = _again(folder), load_registry().rows
    # A row that is retired is gone; one that is newer was not judged then.
    assert {one: now[one] for one in _then(folder) if one in known} == {
        one: verdict for one, verdict in _then(folder).items() if one in known
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_the_files_of_each_revision_show_violations_of_each_family(folder: Path) -> None:
    violated = {one.partition("-")[0] for one, verdict in _then(folder).items() if verdict in ("FAIL", "WARN", "NOTE")}
    assert len(violated) >= 8


def test_a_verdict_that_changes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One check that never sees anything is enough."""
    from streamvet.systems import system_of  # noqa: PLC0415 - this test changes it

    def blind(*_: object) -> Outcome:
        return NotExercised("blind")

    import golden  # noqa: PLC0415 - this test changes it

    class Blind:
        def __init__(self, checks: dict[str, Any]) -> None:
            self.checks = {**checks, "SSE-01": blind}

    monkeypatch.setattr(golden, "system_of", lambda profile: Blind(dict(system_of(profile).checks)))
    folder = GOLDEN / REVISIONS[-1] / "ghostly"
    changed = {one for one, verdict in _again(folder).items() if verdict != _then(folder)[one]}
    assert "SSE-01" in changed


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_the_reports_of_each_revision_are_read_and_shown(folder: Path) -> None:
    (report,), policy = load_reports(folder / REPORT)
    assert report.title in text.render([report], policy).plain
    assert report.title in html.render([report], policy)


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("name", FORMATS)
def test_what_was_valid_in_a_revision_is_valid_now(revision: str, name: str) -> None:
    file = f"{name}.schema.json"
    then = json.loads((GOLDEN / revision / "meta" / file).read_text(encoding="utf-8"))
    now = json.loads((ROOT / "schemas" / "meta" / file).read_text(encoding="utf-8"))
    assert list(breaches(then, now, promised=name in PROMISED)) == []


# --------------------------------------------------------------------------------------- the rules of the formats

BEFORE: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 9},
        "verdict": {"enum": ["PASS", "FAIL"]},
        "kind": {"enum": ["a", "b"]},
        "rows": {"type": "array", "items": {"type": "integer", "minimum": 1}},
    },
    "additionalProperties": False,
}


def _with(**more: Any) -> dict[str, Any]:
    return {**BEFORE, "properties": {**BEFORE["properties"], **more}}


CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "the same": (BEFORE, []),
    "a key that may be left out": (_with(more={"type": "string"}), []),
    "further keys": ({**BEFORE, "additionalProperties": True}, []),
    "a wider bound": (_with(name={"type": "string", "maxLength": 10}), []),
    "a further type": (_with(name={"type": ["string", "null"], "maxLength": 9}), []),
    "a further word": (_with(kind={"enum": ["a", "b", "c"]}), []),
    "a key that is gone": (
        {**BEFORE, "properties": {one: BEFORE["properties"][one] for one in ("name", "verdict", "kind")}},
        ["/properties/rows: is gone"],
    ),
    "a key that is required": ({**BEFORE, "required": ["name", "kind"]}, ["/kind: is required, and was not"]),
    "a key that a reader may miss": (
        {**BEFORE, "required": []},
        ["/name: is no longer required, so a reader may miss it"],
    ),
    "a narrower bound": (
        _with(name={"type": "string", "maxLength": 8}),
        ["/properties/name: maxLength is 8 and was 9"],
    ),
    "a bound that is new": (
        _with(name={"type": "string", "maxLength": 9, "minLength": 1}),
        ["/properties/name: minLength is 1 and was absent"],
    ),
    "another type": (_with(name={"type": "integer"}), ["/properties/name: may no longer be string"]),
    "a word less": (_with(kind={"enum": ["a"]}), ["/properties/kind: may no longer be b"]),
    "a further verdict": (
        _with(verdict={"enum": ["PASS", "FAIL", "MAYBE"]}),
        ["/properties/verdict: is a closed set"],
    ),
    "a narrower item": (
        _with(rows={"type": "array", "items": {"type": "integer", "minimum": 2}}),
        ["/properties/rows/items: minimum is 2 and was 1"],
    ),
    "a pattern": (
        _with(name={"type": "string", "maxLength": 9, "pattern": "^a"}),
        ["/properties/name: pattern is another one"],
    ),
}


@pytest.mark.parametrize(("now", "said"), CASES.values(), ids=CASES)
def test_each_change_of_a_format_that_breaks_files_is_found(now: dict[str, Any], said: list[str]) -> None:
    assert list(breaches(BEFORE, now, promised=True)) == said


def test_a_format_that_only_the_suite_reads_may_ask_for_less() -> None:
    assert list(breaches(BEFORE, {**BEFORE, "required": []}, promised=False)) == []


def test_keys_that_become_forbidden_are_found() -> None:
    opened = {**BEFORE, "additionalProperties": True}
    assert list(breaches(opened, BEFORE, promised=False)) == ["/additionalProperties: was True, is False"]
