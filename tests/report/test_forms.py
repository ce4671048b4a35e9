"""The report in its five forms: complete, well-formed, and safe whatever the candidate sent."""
# ruff: noqa: RUF001 - the single guillemets are what the report shows

from __future__ import annotations

import dataclasses
import json
import re
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from junitparser import JUnitXml
from rich.console import Console

from streamvet.contract.files import meta_validator
from streamvet.outcome import Finding, Verdict
from streamvet.report import badge, html, json_report, junit, text
from streamvet.report.also import also
from streamvet.report.basis import rests_on
from streamvet.report.exits import Exit, Policy, exit_code

from .made import GHOSTLY, REGISTRY, event, exchange, report, ruling, trace

if TYPE_CHECKING:
    from streamvet.report.report import Report
    from streamvet.verdicts import Ruling

NASTY = (
    b'event: assist\ndata: {"a":"<script>alert(1)</script> \x1b[2J \xff \xe2\x80\xae {{ 7*7 }} [bold]"\n'
    b"]]>&\x00\x0b\n\n"
)
SEEN = "'</mark><script>alert(2)</script>\x1b[31m\x00\ufffe\ud83d]]>'"


@pytest.fixture
def nasty() -> Report:
    first = event(1)
    bad = Finding(
        "x1",
        (len(first) + 20, len(first) + 60),
        120_000,
        "no <b>",
        SEEN,
        requirement="SSE-02",
        trace="straight.trace.ndjson",
    )
    sent = exchange([(5, first), (20, NASTY), (700, event(3))])
    sent = dataclasses.replace(sent, request=sent.request._replace(body='{"data":"<script>\x1b\u202e"}'))
    judged = trace(sent, name="straight.trace.ndjson")
    return report(
        ruling("TRN-01", Verdict.PASS),
        ruling("SSE-02", Verdict.FAIL, bad, bad),
        ruling("TRN-09", Verdict.WARN, bad),
        ruling("CAT-14", Verdict.INCONCLUSIVE, reason="not tried: \x1b[31m<i>", exercised=0),
        ruling("SSE-09", Verdict.NOTE, bad),
        ruling("EVT-02", Verdict.INCONCLUSIVE, explained=[dataclasses.replace(bad, explained_by=("SSE-02",))]),
        ruling("NDJ-01", Verdict.NOT_APPLICABLE, reason="not here", exercised=0),
        ruling("ORD-02", Verdict.WAIVED, bad, reason="ticket"),
        ruling("EVT-01", Verdict.ERROR, reason="Traceback\n  File <x>\nValueError: \x00", exercised=0),
        traces=[judged],
        stale=("ORD-07: stale \x1b",),
        target="http://127.0.0.1:4000/<script>",
    )


class _Page(HTMLParser):
    """The tags, the references and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.marked: list[str] = []
        self.ids: list[str] = []
        self.scripts = 0
        self._in_mark = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.scripts += tag == "script"
        self._in_mark = self._in_mark or tag == "mark"
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "data")]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "mark":
            self._in_mark = False

    def handle_data(self, data: str) -> None:
        if self._in_mark:
            self.marked.append(data)


def test_the_page_is_one_file_and_runs_nothing_of_the_candidate(nasty: Report) -> None:
    page = html.render([nasty], Policy())
    seen = _Page()
    seen.feed(page)
    assert seen.scripts == 1
    known = ("#", "https://github.com/", "https://streamvet.dev/r/")
    assert [one for one in seen.references if not one.startswith(known)] == []
    assert "url(" not in page
    assert "@import" not in page
    assert re.search(r"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-[A-Za-z0-9+/]{43}='", page)
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u202e]", page) is None
    assert "{{ 7*7 }}" in page


def test_the_page_has_every_requirement_and_every_link_leads_somewhere(nasty: Report) -> None:
    page = html.render([nasty, nasty], Policy())
    seen = _Page()
    seen.feed(page)
    for ruling_ in nasty.rulings:
        assert (ruling_.requirement.id in page) is (ruling_.verdict is not Verdict.NOT_APPLICABLE)
    inside = {one[1:] for one in seen.references if one.startswith("#")}
    assert inside <= set(seen.ids)
    assert len(seen.ids) == len(set(seen.ids))
    assert "".join(seen.marked).startswith('{"a":"<script>alert(1)</script>')


def test_the_page_stays_small_however_many_findings() -> None:
    finding = Finding("x1", (0, 10), 120_000, "expected", "seen", requirement="SSE-02", trace="t")
    one = report(*(ruling("SSE-02", Verdict.FAIL, *[finding] * 5_000) for _ in range(60)))
    assert len(html.render([one], Policy())) < 500_000


def test_json_is_as_its_schema_says(nasty: Report) -> None:
    for reports in ([nasty], [nasty, nasty]):
        document = json.loads(json_report.render(reports, Policy()))
        assert [error.message for error in meta_validator("report").iter_errors(document)] == []
    first = json.loads(json_report.render([nasty], Policy()))
    assert first["exit_code"] == 4
    assert first["counts"] == {
        "PASS": 1, "FAIL": 1, "WARN": 1, "NOTE": 1, "INCONCLUSIVE": 2, "NOT_APPLICABLE": 1, "WAIVED": 1, "ERROR": 1,
    }  # fmt: skip
    assert first["verdicts"][1]["findings"][0]["seen"] == SEEN


@pytest.mark.parametrize(("policy", "failures"), [(Policy(), 2), (Policy(strict=True), 3)])
def test_junit_is_well_formed_with_a_case_for_each_requirement(nasty: Report, policy: Policy, failures: int) -> None:
    suite = ET.fromstring(junit.render([nasty], policy)).find("testsuite")  # noqa: S314 - our own output
    assert suite is not None
    found = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    # Eight requirements that apply, and one stale waiver; a NOTE is never a failure, a MUST that is undecided an error.
    assert found == {"tests": "9", "failures": str(failures), "errors": "2", "skipped": "2"}


def test_text_says_what_is_wrong_and_counts_the_rest(nasty: Report) -> None:
    said = text.render([nasty], Policy()).plain
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", said) is None
    for part in (
        "FAIL  SSE-02",
        "WARN  TRN-09",
        "INCONCLUSIVE  1 requirement, not tried: ‹ESC›[31m<i>\n  CAT-14",
        "WAIVED  ORD-02",
        "ERROR  EVT-01",
        "stale waiver: ORD-07",
    ):
        assert part in said
    assert "TRN-01" not in said
    assert """--data-binary $'{"data":"<script>\\x1b\\xe2\\x80\\xae"}'""" in said
    assert '»{"a":"<script>alert(1)</script> ‹ESC›[2' in said
    claim, counts = said.rstrip().splitlines()[-2:]
    assert claim == "an error of the suite itself (exit 4)"
    assert counts.startswith("1 pass · 1 FAIL · 1 WARN · 1 NOTE · 2 INCONCLUSIVE")


def test_text_has_no_colours_where_none_are_wanted(nasty: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(force_terminal=True, soft_wrap=True, highlight=False)
    with console.capture() as capture:
        console.print(text.render([nasty], Policy()))
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", capture.get()) is None


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        (Verdict.PASS, "conformant at controlled"),
        (Verdict.FAIL, "not conformant"),
        (Verdict.INCONCLUSIVE, "incomplete"),
    ],
)
def test_a_badge_is_svg_that_says_the_outcome(verdict: Verdict, word: str) -> None:
    finding = Finding("x1", (0, 0), 0, "expected", "seen")
    one = report(ruling("SSE-02", verdict, finding, exercised=verdict is not Verdict.INCONCLUSIVE))
    root = ET.fromstring(badge.render([one], Policy()))  # noqa: S314 - our own output
    assert (root.tag, root.get("aria-label")) == ("{http://www.w3.org/2000/svg}svg", f"streamvet ghostly: {word}")


def test_one_is_told_as_one() -> None:
    bad = Finding("x1", (0, 4), 5_000, "four bytes", "three", requirement="SSE-02", trace="t")
    one = report(ruling("SSE-02", Verdict.FAIL, bad, bad, exercised=1), pinned=1, stale=("x",))
    told = text.render([one], Policy()).plain
    assert "1 try in 3.4 s" in told
    assert "1 more finding of 1 try that exercised it" in told
    assert told.rstrip().endswith(" · 1 stale waiver")
    many = report(ruling("SSE-02", Verdict.FAIL, bad, bad, bad), offline=True, stale=("x", "y"))
    told = text.render([many], Policy()).plain
    assert "3 traces" in told
    assert "2 more findings of 3 tries that exercised it" in told
    assert told.rstrip().endswith(" · 2 stale waivers")


# ------------------------------------------------------------------------------------------------ roots, notes, bases

BAD = Finding("x1", (0, 4), 5_000, "four bytes", "three", requirement="SSE-02", trace="a.trace.ndjson")
UNDER = dataclasses.replace(BAD, requirement="EVT-02", explained_by=("SSE-02",), seen="no JSON")
FURTHER = dataclasses.replace(BAD, requirement="ORD-05", explained_by=("EVT-02",), span=(0, 0), seen="7 of 8")


@pytest.fixture
def rooted() -> Report:
    """One defect that explains two other rows, one of them over the other."""
    return report(
        ruling("SSE-02", Verdict.FAIL, BAD),
        ruling("EVT-02", Verdict.INCONCLUSIVE, explained=[UNDER, UNDER], reason="violated only where SSE-02 is"),
        ruling("ORD-05", Verdict.INCONCLUSIVE, explained=[FURTHER], reason="violated only where EVT-02 is"),
        ruling(
            "EVT-08", Verdict.PASS, reason="34 streams not read to the end because of EVT-02", unread={"EVT-02": 34}
        ),
        ruling("SSE-09", Verdict.NOTE, BAD),
        ruling("ORD-03", Verdict.WARN, BAD),
        adopted=GHOSTLY.adopted,
    )


def test_what_is_explained_is_listed_under_its_root(rooted: Report) -> None:
    under = also(rooted.rulings)
    assert list(under) == ["SSE-02"]
    assert [(one.id, one.count, one.place) for one in under["SSE-02"]] == [
        ("EVT-02", 2, "exchange x1, bytes 0-4 of a.trace.ndjson"),
        ("ORD-05", 1, "exchange x1 of a.trace.ndjson"),
    ]


def test_without_its_root_it_is_listed_under_none() -> None:
    alone = [ruling("ORD-05", Verdict.INCONCLUSIVE, explained=[FURTHER])]
    back = dataclasses.replace(UNDER, explained_by=("ORD-05",))
    circle = [ruling("EVT-02", Verdict.INCONCLUSIVE, explained=[back]), *alone]
    assert (also(alone), also(circle)) == ({}, {})


def test_text_shows_roots_notes_and_what_was_not_read(rooted: Report) -> None:
    lines = [line.strip() for line in text.render([rooted], Policy()).plain.splitlines()]
    for line in (
        "also      EVT-02  2 findings, first in exchange x1, bytes 0-4 of a.trace.ndjson",
        "ORD-05  1 finding, first in exchange x1 of a.trace.ndjson",
        "INCONCLUSIVE  violated only where another requirement is violated too",
        "ORD-05  violated only where EVT-02 is",
        "PASS, 3 tries; 34 streams not read to the end because of EVT-02",
        f"rests on  {rests_on(REGISTRY.rows['SSE-02'])}",
        f"adopted   {GHOSTLY.adopted['ORD-03']}",
        "not conformant at controlled (exit 1)",
    ):
        assert line in lines
    (note,) = [line for line in lines if line.startswith("NOTE")]
    assert note.startswith("NOTE  SSE-09  ")
    assert "httpx-sse" in note


def test_a_note_fails_nothing() -> None:
    noted = report(ruling("TRN-01", Verdict.PASS), ruling("SSE-09", Verdict.NOTE, BAD))
    for policy in (Policy(), Policy(strict=True)):
        assert exit_code([noted], policy) is Exit.CONFORMANT
        case = ET.fromstring(junit.render([noted], policy)).findall("testsuite/testcase")[1]  # noqa: S314 - ours
        assert [child.tag for child in case] == ["system-out"]
        assert "httpx-sse" in (case[0].text or "")


def test_json_has_what_is_explained_and_by_what(rooted: Report) -> None:
    document = json.loads(json_report.render([rooted], Policy()))
    assert [error.message for error in meta_validator("report").iter_errors(document)] == []
    by_id = {row["id"]: row for row in document["verdicts"]}
    assert [one["explained_by"] for one in by_id["EVT-02"]["explained"]] == [["SSE-02"], ["SSE-02"]]
    assert by_id["EVT-02"]["findings"] == []
    assert by_id["EVT-08"]["unread"] == {"EVT-02": 34}
    assert by_id["ORD-03"]["adopted"] == GHOSTLY.adopted["ORD-03"]
    assert by_id["SSE-09"]["trips"] != []


@pytest.mark.parametrize(
    ("one", "policy", "tag"),
    [
        (ruling("CAT-14", Verdict.INCONCLUSIVE, reason="not tried", exercised=0), Policy(), "error"),
        (ruling("CAT-14", Verdict.INCONCLUSIVE, reason="not tried", exercised=0), Policy(accept_incomplete=True),
         "skipped"),
        (ruling("TRN-09", Verdict.INCONCLUSIVE, reason="not tried", exercised=0), Policy(), "skipped"),  # a SHOULD
        (ruling("EVT-02", Verdict.INCONCLUSIVE, explained=[UNDER]), Policy(), "error"),  # its cause is left out
    ],
)  # fmt: skip
def test_junit_is_as_red_as_the_exit_code(one: Ruling, policy: Policy, tag: str) -> None:
    made = report(ruling("TRN-01", Verdict.PASS), one)
    assert (exit_code([made], policy) is Exit.INCOMPLETE) is (tag == "error")
    (case,) = ET.fromstring(junit.render([made], policy)).findall("testsuite/testcase")[1:]  # noqa: S314 - our own
    assert tag in [child.tag for child in case]


def test_junit_skips_what_is_explained_with_its_findings(rooted: Report) -> None:
    cases = ET.fromstring(junit.render([rooted], Policy())).findall("testsuite/testcase")  # noqa: S314 - our own output
    assert [[child.tag for child in case] for case in cases] == [
        ["failure"], ["skipped", "system-out"], ["skipped", "system-out"],
        ["system-out"], ["system-out"], ["system-out"],
    ]  # fmt: skip
    skipped, said = cases[1]
    assert skipped.get("message") == "INCONCLUSIVE: violated only where SSE-02 is"
    assert (said.text or "").startswith("explained by SSE-02:\na.trace.ndjson: exchange x1")
    assert cases[3][0].text == "PASS, 34 streams not read to the end because of EVT-02"


def test_the_page_shows_roots_bases_and_notes(rooted: Report) -> None:
    page = html.render([rooted], Policy())
    for part in (
        "Also: 2 requirements violated in the same streams, and explained by this",
        '<li id="r1-EVT-02"><strong>EVT-02</strong>, 2 findings, first in exchange x1, bytes 0-4 of a.trace.ndjson',
        f"Rests on: {escape(rests_on(REGISTRY.rows['SSE-02']))}",
        f"Adopted: {escape(GHOSTLY.adopted['ORD-03'])}",
        "34 streams not read to the end because of EVT-02",
        "httpx-sse 0.4.3",
        "<dt>Explained by</dt><dd>SSE-02</dd>",
    ):
        assert part in page


@pytest.mark.parametrize(
    ("basis", "said"),
    [
        ({"standard": "RFC 9112, 8", "sentence": "…"}, "RFC 9112, 8"),
        ({"specification": "ndjson"}, "this specification, ndjson"),
        ({"profile": "terminal.last"}, "the profile's key terminal.last"),
        ({"document": "R003-4"}, "R003-4, the published document"),
        ({}, ""),
    ],
)
def test_a_basis_is_one_clause(basis: dict[str, str], said: str) -> None:
    assert rests_on(dataclasses.replace(REGISTRY.rows["SSE-02"], basis=basis)) == said


def test_the_offending_bytes_have_a_caret_where_the_line_is_not_broken() -> None:
    data = b'data: {"a": 1}\nid: x\ndata: {\n\n'
    one = trace(exchange([(1, data)]))
    mark = Finding("x1", (15, 20), 101_000, "an id", "x", requirement="SSE-02", trace=one.name)
    lines = text.render([report(ruling("SSE-02", Verdict.FAIL, mark), traces=[one])], Policy()).plain.splitlines()
    (number,) = [n for n, line in enumerate(lines) if "»id: x«" in line]
    assert lines[number + 1] == " " * (lines[number].index("»") + 1) + "^^^^^"

    long = exchange([(1, b"data: " + b"x" * 200 + b"\n\n")])
    mark = dataclasses.replace(mark, span=(0, 206))
    said = text.render([report(ruling("SSE-02", Verdict.FAIL, mark), traces=[trace(long)])], Policy()).plain
    assert "^" not in said


@pytest.mark.parametrize(("count", "lines"), [(2, 0), (3, 3), (20, 17)])
def test_many_findings_are_said_in_short_behind_their_evidence(count: int, lines: int) -> None:
    ids = [row.id for row in REGISTRY.testable(GHOSTLY) if row.level == "MUST"][:count]
    said = text.render([report(*(ruling(one, Verdict.FAIL, BAD) for one in ids))], Policy()).plain
    block = said.partition("summary\n")[2].partition("\n\n")[0]
    assert len(block.splitlines()) == lines
    assert ("and 4 more, above" in block) is (count == 20)


def test_junit_tells_suites_of_one_profile_apart_by_their_targets() -> None:
    one = report(ruling("TRN-01", Verdict.PASS))
    reports = [one, dataclasses.replace(one, target="http://127.0.0.1:5000")]
    suites = JUnitXml.fromstring(junit.render(reports, Policy()).encode())
    names = ["streamvet.ghostly http://127.0.0.1:4000", "streamvet.ghostly http://127.0.0.1:5000"]
    assert [(suite.name, suite.tests) for suite in suites] == [(name, 1) for name in names]
