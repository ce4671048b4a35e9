"""Two runs side by side, and one as the baseline of another: only what is new counts."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from streamvet.cli import call
from streamvet.outcome import Finding, Verdict
from streamvet.report import json_report
from streamvet.report.comparing import against, compare, counterpart, pairs, worse
from streamvet.report.exits import Exit, Policy, exit_code
from streamvet.report.reading import load_reports

from .made import report, ruling

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.report.report import Report

BAD = Finding("x1", (0, 4), 5_000, "four bytes", "three", requirement="SSE-02", trace="t")
PASS, FAIL, WARN, OPEN = Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE


def _report(**verdicts: Verdict) -> Report:
    """A report with these verdicts; `TRN_01` is TRN-01."""
    rows = [
        ruling(name.replace("_", "-"), one, *([BAD] if one in (FAIL, WARN) else []), exercised=int(one is not OPEN))
        for name, one in verdicts.items()
    ]
    return report(*rows)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (PASS, FAIL, "new"),
        (OPEN, FAIL, "new"),
        (FAIL, PASS, "mended"),
        (FAIL, OPEN, "other"),
        (PASS, OPEN, "lost"),
        (OPEN, PASS, "decided"),
        (WARN, FAIL, "other"),
        (FAIL, Verdict.ERROR, "new"),
    ],
)
def test_a_change_is_of_one_kind(before: Verdict, after: Verdict, kind: str) -> None:
    found = compare(_report(TRN_01=before), _report(TRN_01=after))

    assert [(one.id, one.kind) for one in found.changes] == [("TRN-01", kind)]


def test_what_is_the_same_is_no_change_and_what_is_not_there_is_one() -> None:
    found = compare(_report(TRN_01=FAIL, TRN_02=PASS), _report(TRN_01=FAIL, TRN_04=FAIL))

    assert [(one.id, one.before, one.after, one.kind) for one in found.changes] == [
        ("TRN-04", None, FAIL, "new"),
        ("TRN-02", PASS, None, "other"),
    ]


def test_a_new_violation_and_a_lost_must_are_worse() -> None:
    new = compare(_report(TRN_01=PASS), _report(TRN_01=FAIL))
    lost = compare(_report(TRN_01=PASS), _report(TRN_01=OPEN))
    should = compare(_report(TRN_06=PASS), _report(TRN_06=WARN))

    assert worse([new, lost], strict=False) == (True, True)
    assert worse([lost], strict=False) == (False, True)
    level = should.changes[0].level
    assert (level, worse([should], strict=False), worse([should], strict=True)[0]) == ("SHOULD", (False, False), True)


def test_only_what_is_new_fails_against_a_baseline() -> None:
    then = _report(TRN_01=FAIL, TRN_02=FAIL, TRN_04=PASS, CAT_03=OPEN, CAT_02=OPEN)
    now = _report(TRN_01=FAIL, TRN_02=PASS, TRN_04=PASS, CAT_03=OPEN, CAT_02=PASS)

    found = against(now, [then], "old.json")

    assert exit_code([now], Policy()) is Exit.VIOLATED
    assert exit_code([found], Policy()) is Exit.CONFORMANT
    covered = {one.requirement.id: one.overruled for one in found.rulings if one.verdict is Verdict.WAIVED}
    assert covered == {"TRN-01": FAIL, "CAT-03": OPEN}
    assert found.notes[-2:] == (f"baseline old.json, of {then.started_at}", "fixed since: TRN-02")


@pytest.mark.parametrize("then", [PASS, OPEN])
def test_what_is_violated_now_and_was_not_then_fails(then: Verdict) -> None:
    found = against(_report(TRN_01=FAIL, TRN_02=FAIL), [_report(TRN_01=then, TRN_02=FAIL)], "old.json")

    assert exit_code([found], Policy()) is Exit.VIOLATED
    assert [one.requirement.id for one in found.rulings if one.verdict is FAIL] == ["TRN-01"]


def _at(*operations: str) -> Report:
    """A report in which TRN-01 is violated at these operations."""
    found = [dataclasses.replace(BAD, operation=one, seen=f"three at {one}") for one in operations]
    return report(dataclasses.replace(ruling("TRN-01", FAIL, *found, exercised=1), places=tuple(sorted(operations))))


@pytest.mark.parametrize(
    ("then", "now", "code"),
    [
        (("attach",), ("attach",), Exit.CONFORMANT),
        (("attach", "resume"), ("attach",), Exit.CONFORMANT),
        (("attach",), ("attach", "resume"), Exit.VIOLATED),
        (("attach",), ("resume",), Exit.VIOLATED),
    ],
)
def test_a_violation_at_another_operation_is_new(then: tuple[str, ...], now: tuple[str, ...], code: Exit) -> None:
    found = against(_at(*now), [_at(*then)], "old.json")

    assert exit_code([found], Policy()) is code
    assert worse([compare(_at(*then), _at(*now))], strict=False) == (code is Exit.VIOLATED, False)


def test_what_is_new_is_shown_without_what_is_known() -> None:
    (one,) = against(_at("attach", "resume"), [_at("attach")], "old.json").rulings

    assert [finding.operation for finding in one.findings] == ["resume"]
    assert one.reason == "new at resume; known at attach, by the baseline, old.json"
    (change,) = compare(_at("attach"), _at("attach", "resume")).changes
    assert (change.kind, change.told) == ("new", "violated at resume too: expected four bytes; seen three at resume")


def test_a_baseline_that_names_no_operations_goes_by_the_id() -> None:
    found = against(_at("attach", "resume"), [_report(TRN_01=FAIL)], "old.json")

    assert exit_code([found], Policy()) is Exit.CONFORMANT


def test_a_file_keeps_the_operations(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json_report.render([_at("attach", "resume")], Policy()), encoding="utf-8")
    ((again,), _) = load_reports(path)

    assert again.rulings[0].places == ("attach", "resume")
    assert [one.operation for one in again.rulings[0].findings] == ["attach", "resume"]


def test_a_run_with_a_baseline_can_be_the_next_baseline() -> None:
    then = _report(TRN_01=FAIL)
    first = against(_report(TRN_01=FAIL), [then], "old.json")

    assert exit_code([against(_report(TRN_01=FAIL), [first], "new.json")], Policy()) is Exit.CONFORMANT


def test_of_several_reports_that_on_the_same_candidate_is_the_other_one() -> None:
    one = _report(TRN_01=PASS)
    other = dataclasses.replace(one, target="http://127.0.0.1:5000")
    third = dataclasses.replace(one, profile="cosma")

    assert counterpart(other, [one, other]) is other
    assert counterpart(dataclasses.replace(one, target="http://127.0.0.1:6000"), [one, other]) is None
    assert list(pairs([one, third], [third, other])) == [(third, third), (one, other)]
    assert against(third, [one, other], "old.json").notes[-1] == "the baseline, old.json, has no report on cosma"


def test_the_command_says_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for name, made in (("a", _report(TRN_01=PASS, TRN_02=FAIL)), ("b", _report(TRN_01=FAIL, TRN_02=PASS))):
        path = tmp_path / f"{name}.json"
        path.write_text(json_report.render([made], Policy()), encoding="utf-8")
        files.append(str(path))

    assert call(["compare", *files]) == 1
    said = capsys.readouterr().out
    for line in ("newly violated: 1 requirement", "TRN-01  PASS → FAIL", "expected four bytes; seen three",
                 "fixed: 1 requirement", "TRN-02  FAIL → PASS", "worse (exit 1)"):  # fmt: skip
        assert line in said
    assert call(["compare", files[0], files[0]]) == 0
    assert "every verdict is the same" in capsys.readouterr().out


def test_reports_of_several_runs_become_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for name, verdict in (("a", PASS), ("b", FAIL)):
        path = tmp_path / f"{name}.json"
        path.write_text(json_report.render([_report(TRN_01=verdict)], Policy()), encoding="utf-8")
        files.append(str(path))
    page, whole = tmp_path / "all.html", tmp_path / "all.json"

    assert call(["report", *files, "--html", str(page), "--json", str(whole)]) == 1

    assert [one["exit_code"] for one in json.loads(whole.read_text(encoding="utf-8"))["reports"]] == [0, 1]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "2 reports: not conformant (exit 1)" in capsys.readouterr().out
