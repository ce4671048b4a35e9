"""Verdicts that do not count: shown with what was found, and neither in the exit code nor in the claim."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.files import FileError
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import FIRST_REVISION, load_registry
from streamvet.examples import examples
from streamvet.outcome import Verdict
from streamvet.report import html, json_report, junit, text
from streamvet.report.building import Asked, ReportBuilder
from streamvet.report.claim import claim, sentence
from streamvet.report.exits import Exit, Policy, exit_code
from streamvet.report.reading import load_reports
from streamvet.systems import system_of
from streamvet.trace.reading import load
from streamvet.trace.writing import dump

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from streamvet.contract.registry import Registry
    from streamvet.report.report import Report
    from streamvet.trace import Trace

NOW = load_registry().revision
LATER = NOW + 1
GOOD, BAD = examples("SSE-07")[0].good, examples("SSE-07")[0].bad
GHOSTLY = load_profile("ghostly")
DISPUTED = "A proxy may do this (owner/repository#1)."


def _registry(revision: int, **changed: dict[str, Any]) -> Registry:
    """The requirements of a revision, some of them with other fields."""
    rows = load_registry().rows
    other = {one: replace(rows[one], **fields) for one, fields in changed.items()}
    return replace(load_registry(), revision=revision, rows=MappingProxyType({**rows, **other}))


def _report(trace: Trace, registry: Registry) -> Report:
    builder = ReportBuilder(GHOSTLY, registry, system_of(GHOSTLY).checks)
    builder.add(trace)
    return builder.report(
        Asked(), target="t", started_at="2030-01-31T12:00:00Z", duration_s=1.0, mandated_wait_s=0.0, offline=True
    )


def _verdicts(report: Report) -> dict[str, tuple[Verdict, Verdict | None]]:
    return {one.requirement.id: (one.verdict, one.overruled) for one in report.rulings}


def _code(report: Report) -> Exit:
    return exit_code([report], Policy())


CASES: dict[str, tuple[Trace, Registry, str]] = {
    "a disputed row": (BAD, _registry(NOW, **{"SSE-07": {"disputed": DISPUTED}}), f"disputed: {DISPUTED}"),
    "a MUST that is new": (
        replace(BAD, revision=LATER),
        _registry(LATER, **{"SSE-07": {"since": LATER}}),
        f"a MUST that is new in revision {LATER}: it counts from the next revision on",
    ),
    "a row that is newer than the run is scored by": (
        replace(BAD, revision=LATER + 1, spec=NOW),
        _registry(LATER + 1, **{"SSE-07": {"since": LATER}}),
        f"new in revision {LATER}, and the run is scored by revision {NOW}",
    ),
    "a row that is newer than the trace": (
        BAD,
        _registry(LATER + 1, **{"SSE-07": {"since": LATER}}),
        f"new in revision {LATER}, and the run is scored by revision {NOW}",
    ),
}


@pytest.mark.parametrize(("trace", "registry", "why"), CASES.values(), ids=CASES)
def test_what_is_not_scored_is_shown_and_does_not_count(trace: Trace, registry: Registry, why: str) -> None:
    plain, report = _report(BAD, load_registry()), _report(trace, registry)
    assert _verdicts(plain)["SSE-07"] == (Verdict.FAIL, None)
    assert _code(plain) is Exit.VIOLATED
    assert _verdicts(report)["SSE-07"] == (Verdict.WAIVED, Verdict.FAIL)
    assert _code(report) is not Exit.VIOLATED
    (ruling,) = [one for one in report.rulings if one.requirement.id == "SSE-07"]
    assert (ruling.unscored, ruling.reason) == (why, f"not scored: {why}")
    assert len(ruling.findings) == 1
    assert claim(report).musts == claim(plain).musts - 1
    assert sentence(report, Exit.CONFORMANT).endswith("1 more not scored")


@pytest.mark.parametrize(
    "registry",
    [
        _registry(LATER, **{"SSE-07": {"since": NOW}}),
        _registry(LATER + 1, **{"SSE-07": {"since": LATER}}),
    ],
    ids=["from the first revision on", "from the next revision on"],
)
def test_a_row_counts_from_its_second_revision_on(registry: Registry) -> None:
    report = _report(replace(BAD, revision=registry.revision), registry)
    assert _verdicts(report)["SSE-07"] == (Verdict.FAIL, None)


def test_a_should_that_is_new_warns_at_once() -> None:
    bad = examples("SSE-05")[0].bad
    report = _report(replace(bad, revision=LATER), _registry(LATER, **{"SSE-05": {"since": LATER}}))
    assert _verdicts(report)["SSE-05"] == (Verdict.WARN, None)


def test_what_holds_and_is_not_scored_says_so() -> None:
    report = _report(GOOD, _registry(NOW, **{"SSE-07": {"disputed": DISPUTED}}))
    assert _verdicts(report)["SSE-07"] == (Verdict.PASS, None)
    assert "1 more not scored" in claim(report).numbers
    assert f"not scored: disputed: {DISPUTED}" in text.render([report], Policy()).plain


def test_what_is_not_scored_explains_nothing() -> None:
    """A violation that a disputed one would explain is one of its own: else a dispute would hide it."""
    bad = next(one.bad for one in examples("ORD-02") if one.bad.profile == "ghostly" and not one.holds)
    assert _verdicts(_report(bad, load_registry()))["ORD-03"] == (Verdict.INCONCLUSIVE, None)
    report = _report(bad, _registry(NOW, **{"ORD-02": {"disputed": DISPUTED}}))
    assert _verdicts(report)["ORD-02"] == (Verdict.WAIVED, Verdict.FAIL)
    assert _verdicts(report)["ORD-03"] == (Verdict.WARN, None)


def test_every_form_shows_it_and_json_keeps_it(tmp_path: Path) -> None:
    report = _report(BAD, _registry(LATER + 1, **{"SSE-07": {"since": LATER}}))
    said = f"not scored: new in revision {LATER}"
    for form in (html, junit):
        assert said in form.render([report], Policy())
    assert said in text.render([report], Policy()).plain
    note = f"scored by revision {NOW}: newer requirements are shown and do not count"
    assert note in text.render([report], Policy()).plain
    file = tmp_path / "report.json"
    file.write_text(json_report.render([report], Policy()), encoding="utf-8")
    document = json.loads(file.read_text(encoding="utf-8"))
    assert (document["scored_by"], document["claim"]["unscored"]) == (NOW, 1)
    (again,), _ = load_reports(file)
    assert text.render([again], Policy()).plain == text.render([report], Policy()).plain


def test_a_trace_keeps_the_revision_by_which_its_run_is_scored() -> None:
    assert load(dump(replace(GOOD, spec=FIRST_REVISION)), "t").spec == FIRST_REVISION
    assert load(dump(GOOD), "t").spec == 0


@pytest.mark.parametrize("revision", [FIRST_REVISION - 1, NOW + 1])
def test_a_trace_of_a_revision_that_is_not_known_is_refused(revision: int) -> None:
    with pytest.raises(FileError, match="/revision"):
        _report(replace(GOOD, revision=revision), load_registry())
