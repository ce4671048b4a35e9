"""A report that is read back from its JSON gives every other form, to the letter; what is unknown in it is ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from streamvet.contract.evidence import Evidence
from streamvet.contract.files import FileError
from streamvet.outcome import Finding, Verdict
from streamvet.report import badge, html, json_report, junit, text
from streamvet.report.exhibit import exhibit
from streamvet.report.exits import Policy, exit_code
from streamvet.report.reading import load_reports
from streamvet.report.report import Replay

from .made import GHOSTLY, event, exchange, report, ruling, trace

if TYPE_CHECKING:
    from streamvet.report.report import Report

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "meta" / "report.schema.json"
FORMS = {"html": html, "json": json_report, "junit": junit, "text": text, "badge": badge}
_TRACE = trace(exchange([(10, event(1)), (60, event(3, "<b>\x00\u2039")), (900, b"data: {\n\n")]))


def _whole() -> Report:
    """A report in which every optional part is there."""
    finding = Finding(
        "x1", (len(event(1)), len(event(1)) + 20), 160_000, "seq 2", "seq 3", requirement="ORD-01", trace=_TRACE.name,
        beside=("x2",), witness=("x1", (0, 10)),
    )  # fmt: skip
    beside = Finding("x1", (0, 4), 104_123, "e", "s", requirement="CAT-02", trace="t", explained_by=("ORD-01",))
    many = tuple(Finding("x1", (0, 1), 5_000 + n, "one", f"seen {n}", trace="t") for n in range(120))
    return report(
        ruling("ORD-01", Verdict.FAIL, finding),
        ruling("TRN-01", Verdict.PASS, reason="1 of 4 over"),
        ruling("CAT-02", Verdict.INCONCLUSIVE, explained=[beside], reason="violated only where ORD-01 is", exercised=2),
        ruling("CAT-03", Verdict.INCONCLUSIVE, exercised=0, reason="not tried: no control interface"),
        ruling("SSE-08", Verdict.WARN, *many, unkept=2, unread={"EVT-01": 3}),
        ruling("RKS-01", Verdict.NOT_APPLICABLE, exercised=0, reason="not to ghostly"),
        exhibits={"ORD-01": tuple(filter(None, [exhibit(finding, _TRACE, GHOSTLY)]))},
        pinned=12, generated=5, lacks=("cancel",), stale=("TRM-01: the waiver expired",), errors=("probing\nwrong",),
        evidence=frozenset({Evidence.BLACK_BOX, Evidence.LAUNCHED}), levels={"CAT-03": Evidence.CONTROLLED},
        replays={"ORD-01": Replay("a run of two", "3 of 3", "case.json", "streamvet replay case.json t.yaml")},
        adopted={"SSE-08": "the document leaves it open"}, cut_short=True, seed=4,
    )  # fmt: skip


def _read(folder: Path, raw: Any) -> tuple[list[Report], Policy]:
    path = folder / "report.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    return load_reports(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("policy", [Policy(), Policy(strict=True, accept_incomplete=True)])
def test_every_form_of_a_report_can_be_made_later(form: str, policy: Policy, tmp_path: Path) -> None:
    live = _whole()
    found, kept = _read(tmp_path, json.loads(json_report.render([live], policy)))

    assert kept == policy
    assert exit_code(found, kept) == exit_code([live], policy)
    if form == "text":
        assert text.render(found, kept).plain == text.render([live], policy).plain
    else:
        assert FORMS[form].render(found, kept) == FORMS[form].render([live], policy)


def test_several_reports_are_read_from_one_file(tmp_path: Path) -> None:
    raw = json.loads(json_report.render([_whole(), _whole()], Policy()))

    found, _ = _read(tmp_path, raw)

    assert [one.profile for one in found] == ["ghostly", "ghostly"]


def test_what_a_later_version_adds_is_ignored(tmp_path: Path) -> None:
    raw = json.loads(json_report.render([_whole()], Policy()))
    expected, _ = _read(tmp_path, raw)
    for place in (raw, raw["claim"], raw["verdicts"][0], raw["verdicts"][0]["findings"][0]):
        place["of a later version"] = {"a": 1}
    raw["verdicts"][0]["exhibits"][0]["of a later version"] = [2]

    assert _read(tmp_path, raw)[0] == expected


def test_what_an_older_version_did_not_write_is_not_needed(tmp_path: Path) -> None:
    raw = json.loads(json_report.render([_whole()], Policy()))
    needed = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    old = {key: raw[key] for key in needed["Report"]["required"]}
    old["verdicts"] = [
        {key: one[key] for key in needed["RequirementVerdict"]["required"]} for one in raw["verdicts"]
    ]  # fmt: skip

    (found,), policy = _read(tmp_path, old)

    assert [one.verdict for one in found.rulings] == [one.verdict for one in _whole().rulings]
    assert found.rulings[1].requirement.text == _whole().rulings[1].requirement.text
    assert html.render([found], policy).startswith("<!doctype html>")


def test_it_writes_nothing_that_its_schema_does_not_describe() -> None:
    def closed(schema: Any) -> Any:
        if isinstance(schema, dict):
            made = {key: closed(one) for key, one in schema.items()}
            return made | {"additionalProperties": False} if made.get("additionalProperties") is True else made
        return [closed(one) for one in schema] if isinstance(schema, list) else schema

    strict = jsonschema.Draft202012Validator(closed(json.loads(SCHEMA.read_text(encoding="utf-8"))))
    raw = json.loads(json_report.render([_whole()], Policy()))

    assert [error.message for error in strict.iter_errors(raw)] == []
    assert not strict.is_valid(raw | {"of a later version": 1})


@pytest.mark.parametrize("raw", ["{", "[]", '{"reports": []}', '{"streamvet": "1"}'])
def test_what_is_no_report_is_refused(raw: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(raw, encoding="utf-8")

    with pytest.raises(FileError, match=r"report\.json"):
        load_reports(path)


def test_evidence_of_another_shape_is_refused(tmp_path: Path) -> None:
    raw = json.loads(json_report.render([_whole()], Policy()))
    raw["verdicts"][0]["exhibits"][0] = {"finding": {}}

    with pytest.raises(FileError, match="a report as streamvet writes it"):
        _read(tmp_path, raw)
