"""What a job of GitHub Actions gets: annotations and a summary, of which the candidate's text can be no part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamvet.cli.options import Outputs
from streamvet.contract.files import FileError
from streamvet.outcome import Finding, Verdict
from streamvet.report.exits import Exit, Policy
from streamvet.report.github import MOST, annotated, summary

from .made import REGISTRY, report, ruling

if TYPE_CHECKING:
    from pathlib import Path

NASTY = Finding("x1", (0, 4), 5_000, "one\n::error::forged", "<b>|`x`|\r\n%0A::stop-commands::a", trace="t")
BAD = report(
    ruling("TRN-01", Verdict.FAIL, NASTY),
    ruling("SSE-08", Verdict.WARN, NASTY),
    ruling("CAT-03", Verdict.INCONCLUSIVE, exercised=0, reason="not tried: no control interface"),
    ruling("TRN-02", Verdict.PASS),
)


def test_a_violation_is_one_line_whatever_the_candidate_sent() -> None:
    lines = annotated([BAD], Policy()).splitlines()

    assert [line.partition("::")[2].partition("::")[0] for line in lines] == [
        "error title=TRN-01 on ghostly",
        "error title=streamvet ghostly%3A 1 requirement undecided",
        "warning title=SSE-08 on ghostly",
    ]
    assert lines[0].endswith("%0Aexpected one%0A::error::forged%0Aseen <b>|`x`|‹CR›%0A%250A::stop-commands::a")  # noqa: RUF001
    assert lines[1].endswith("not exercised, not tried: no control interface: CAT-03; to add: control")


def test_a_should_is_an_error_where_it_counts() -> None:
    assert annotated([BAD], Policy(strict=True)).count("::error title=SSE-08") == 1


def test_what_holds_has_no_annotation() -> None:
    assert annotated([report(ruling("TRN-02", Verdict.PASS))], Policy()) == ""


def test_as_many_are_written_as_are_shown() -> None:
    ids = [row.id for row in REGISTRY.testable() if row.level == "MUST"][: MOST + 5]

    lines = annotated([report(*(ruling(one, Verdict.FAIL, NASTY) for one in ids))], Policy()).splitlines()

    assert len(lines) == MOST
    assert lines[-1] == "::error title=streamvet::6 more: see the report"


def test_the_summary_has_the_outcome_first_and_no_markup_of_the_candidate() -> None:
    said = summary([BAD], Policy())

    assert said.startswith("### ❌ ghostly: not conformant at controlled\n")
    (row,) = [line for line in said.splitlines() if line.startswith("| FAIL")]
    assert row.count("|") == 5
    assert "<b>" not in said
    assert "`" not in row
    assert "to add: **control**: CAT-03" in said


def test_several_reports_have_a_line_of_their_own() -> None:
    assert summary([BAD, BAD], Policy()).startswith("## ❌ streamvet: 2 reports, not conformant\n")


def test_it_is_written_where_a_job_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))

    assert Outputs().deliver([BAD], Policy()) is Exit.VIOLATED

    assert "::error title=TRN-01 on ghostly::" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8").startswith("before\n### ❌ ghostly")


def test_nothing_is_written_elsewhere(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    Outputs().deliver([BAD], Policy())

    assert "::error title" not in capsys.readouterr().out


def test_a_summary_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))

    with pytest.raises(FileError, match="GITHUB_STEP_SUMMARY"):
        Outputs().deliver([BAD], Policy())
