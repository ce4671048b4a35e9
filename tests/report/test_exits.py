"""The exit code by the design's precedence, and what waivers do to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.evidence import Evidence
from streamvet.contract.files import FileError
from streamvet.outcome import Finding, Verdict
from streamvet.report.exits import Exit, Policy, exit_code
from streamvet.report.waivers import Waiver, load_waivers, waive

from .made import REGISTRY, report, ruling

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.report.report import Report
    from streamvet.verdicts import Ruling

BAD = Finding("x1", (0, 4), 5_000, "four bytes", "three", requirement="SSE-02", trace="t")
PASS = ruling("TRN-01", Verdict.PASS)
FAIL = ruling("SSE-02", Verdict.FAIL, BAD)
WARN = ruling("TRN-09", Verdict.WARN, BAD)
ERROR = ruling("CAT-02", Verdict.ERROR, exercised=0)
UNTRIED_MUST = ruling("CAT-14", Verdict.INCONCLUSIVE, exercised=0)
UNTRIED_SHOULD = ruling("TRN-07", Verdict.INCONCLUSIVE, exercised=0)
EXPLAINED_MUST = ruling("ORD-02", Verdict.INCONCLUSIVE, explained=[replace(BAD, explained_by=("SSE-02",))])
EXPLAINED_SHOULD = ruling("ORD-03", Verdict.INCONCLUSIVE, explained=[replace(BAD, explained_by=("SSE-02",))])
NOTED = ruling("SSE-09", Verdict.NOTE, BAD)
ANYWHERE = {"CAT-14": Evidence.LAUNCHED, "ORD-02": Evidence.CONTROLLED}  # of these rows the levels
ASKED = frozenset({Evidence.CAPTURE, Evidence.BLACK_BOX})
NOT_HERE = ruling("NDJ-01", Verdict.NOT_APPLICABLE, exercised=0)
WAIVED = ruling("SSE-02", Verdict.WAIVED, BAD)


@pytest.mark.parametrize(
    ("rulings", "more", "policy", "code"),
    [
        ([PASS, NOT_HERE], {}, Policy(), Exit.CONFORMANT),
        ([PASS, WARN], {}, Policy(), Exit.CONFORMANT),
        ([PASS, WARN], {}, Policy(strict=True), Exit.VIOLATED),
        ([PASS, FAIL], {}, Policy(), Exit.VIOLATED),
        ([PASS, WAIVED], {}, Policy(), Exit.CONFORMANT),
        ([PASS, UNTRIED_MUST], {}, Policy(), Exit.INCOMPLETE),
        ([PASS, UNTRIED_MUST], {}, Policy(accept_incomplete=True), Exit.CONFORMANT),
        ([PASS, UNTRIED_SHOULD], {}, Policy(), Exit.CONFORMANT),
        ([PASS, UNTRIED_MUST], {"offline": True}, Policy(), Exit.CONFORMANT),
        ([UNTRIED_MUST], {"offline": True}, Policy(), Exit.INCOMPLETE),
        # What needs a level of evidence that the run has not does not count, unless it was exercised all the same.
        ([PASS, UNTRIED_MUST], {"levels": ANYWHERE, "evidence": ASKED}, Policy(), Exit.CONFORMANT),
        (
            [PASS, UNTRIED_MUST],
            {"levels": ANYWHERE, "evidence": ASKED | {Evidence.CONTROLLED}},
            Policy(),
            Exit.CONFORMANT,
        ),
        (
            [PASS, UNTRIED_MUST],
            {"levels": ANYWHERE, "evidence": ASKED | {Evidence.LAUNCHED}},
            Policy(),
            Exit.INCOMPLETE,
        ),
        ([PASS, EXPLAINED_MUST], {"levels": ANYWHERE, "evidence": ASKED}, Policy(), Exit.INCOMPLETE),
        # What is explained is violated: it is not accepted as incomplete, and its cause decides where that is reported.
        ([FAIL, EXPLAINED_MUST], {}, Policy(), Exit.VIOLATED),
        ([PASS, EXPLAINED_MUST], {}, Policy(accept_incomplete=True), Exit.INCOMPLETE),
        ([PASS, EXPLAINED_MUST], {"offline": True}, Policy(), Exit.INCOMPLETE),
        ([PASS, EXPLAINED_SHOULD], {}, Policy(), Exit.CONFORMANT),
        ([PASS, NOTED], {}, Policy(strict=True), Exit.CONFORMANT),
        ([UNTRIED_MUST], {}, Policy(accept_incomplete=True), Exit.INCOMPLETE),
        ([NOT_HERE], {}, Policy(), Exit.INCOMPLETE),
        ([], {}, Policy(), Exit.INCOMPLETE),
        ([PASS], {"cut_short": True}, Policy(accept_incomplete=True), Exit.INCOMPLETE),
        ([FAIL], {"cut_short": True}, Policy(), Exit.VIOLATED),
        ([PASS], {"stale": ("x",)}, Policy(), Exit.VIOLATED),
        ([FAIL, UNTRIED_MUST], {}, Policy(), Exit.VIOLATED),
        ([FAIL, ERROR, UNTRIED_MUST], {}, Policy(), Exit.OURS),
        # An error of ours in one try or trace costs that alone, and nothing is green then.
        ([PASS], {"errors": ("x",)}, Policy(), Exit.INCOMPLETE),
        ([PASS], {"errors": ("x",), "offline": True}, Policy(accept_incomplete=True), Exit.INCOMPLETE),
        ([PASS, FAIL], {"errors": ("x",)}, Policy(), Exit.VIOLATED),
        ([FAIL, ERROR], {"interrupted": True}, Policy(), Exit.INTERRUPTED),
        ([PASS], {"interrupted": True}, Policy(), Exit.INTERRUPTED),
    ],
)
def test_one_report(rulings: list[Ruling], more: dict[str, Any], policy: Policy, code: Exit) -> None:
    assert exit_code([report(*rulings, **more)], policy) is code


@pytest.mark.parametrize(
    ("reports", "code"),
    [
        ([report(PASS), report(NOT_HERE)], Exit.CONFORMANT),
        ([report(PASS), report(UNTRIED_MUST)], Exit.INCOMPLETE),
        ([report(UNTRIED_MUST), report(FAIL)], Exit.VIOLATED),
        ([report(PASS), report(FAIL), report(ERROR)], Exit.OURS),
    ],
)
def test_several_reports(reports: list[Report], code: Exit) -> None:
    assert exit_code(reports, Policy()) is code


TODAY = date(2025, 11, 22)


@pytest.mark.parametrize(
    ("given", "waiver", "verdict", "stale"),
    [
        (FAIL, Waiver("SSE-02", "known"), Verdict.WAIVED, []),
        (FAIL, Waiver("SSE-02", "known", TODAY), Verdict.WAIVED, []),
        (
            FAIL,
            Waiver("SSE-02", "known", date(2025, 11, 21)),
            Verdict.FAIL,
            ["SSE-02: the waiver expired after 2025-11-21"],
        ),
        (WARN, Waiver("TRN-09", "known"), Verdict.WAIVED, []),
        (PASS, Waiver("TRN-01", "known"), Verdict.PASS, ["TRN-01: the waiver is not needed, the requirement holds"]),
        (UNTRIED_MUST, Waiver("CAT-14", "known"), Verdict.INCONCLUSIVE, []),
        (UNTRIED_MUST, Waiver("CAT-14", "no launch", None, True), Verdict.WAIVED, []),
        (
            FAIL,
            Waiver("SSE-02", "no launch", None, True),
            Verdict.FAIL,
            ["SSE-02: the waiver accepts INCONCLUSIVE, but it was exercised"],
        ),
        (
            PASS,
            Waiver("TRN-01", "no launch", None, True),
            Verdict.PASS,
            ["TRN-01: the waiver accepts INCONCLUSIVE, but it was exercised"],
        ),
        (EXPLAINED_MUST, Waiver("ORD-02", "known"), Verdict.INCONCLUSIVE, []),
        (EXPLAINED_MUST, Waiver("ORD-02", "known", None, True), Verdict.WAIVED, []),
        (NOTED, Waiver("SSE-09", "known"), Verdict.WAIVED, []),
        (FAIL, Waiver("SSE-02", "known", matching="four"), Verdict.WAIVED, []),
        (FAIL, Waiver("SSE-02", "known", matching="hree"), Verdict.WAIVED, []),
        (
            FAIL,
            Waiver("SSE-02", "known", matching="five"),
            Verdict.FAIL,
            ["SSE-02: the waiver is not needed, no finding has the text 'five'"],
        ),
        (EXPLAINED_MUST, Waiver("ORD-02", "known", matching="five"), Verdict.INCONCLUSIVE, []),
        (NOT_HERE, Waiver("NDJ-01", "known"), Verdict.NOT_APPLICABLE, []),
        (
            NOT_HERE,
            Waiver("NDJ-01", "known", date(2025, 11, 21)),
            Verdict.NOT_APPLICABLE,
            ["NDJ-01: the waiver expired after 2025-11-21"],
        ),
        (ERROR, Waiver("CAT-02", "known"), Verdict.ERROR, []),
        (FAIL, Waiver("CAT-02", "another id"), Verdict.FAIL, []),
    ],
)
def test_a_waiver(given: Ruling, waiver: Waiver, verdict: Verdict, stale: list[str]) -> None:
    rulings, found = waive([given], [waiver], TODAY)
    assert ([one.verdict for one in rulings], found) == ([verdict], stale)


def test_a_waived_ruling_keeps_its_findings_and_says_why() -> None:
    (one,), _ = waive([FAIL], [Waiver("SSE-02", "ticket 12")], TODAY)
    assert (one.overruled, one.reason, one.findings) == (Verdict.FAIL, "ticket 12", (BAD,))


OTHER = replace(BAD, seen="five")


@pytest.mark.parametrize(
    ("given", "waivers", "verdict", "left", "reason"),
    [
        (
            ruling("SSE-02", Verdict.FAIL, BAD, OTHER), [Waiver("SSE-02", "a", matching="three")],
            Verdict.FAIL, (OTHER,), "1 finding waived (a)",
        ),
        (
            ruling("SSE-02", Verdict.FAIL, BAD, OTHER),
            [Waiver("SSE-02", "a", matching="three"), Waiver("SSE-02", "b", matching="five")],
            Verdict.WAIVED, (BAD, OTHER), "a; b",
        ),
        (
            ruling("SSE-02", Verdict.FAIL, BAD, unkept=7), [Waiver("SSE-02", "a", matching="three")],
            Verdict.FAIL, (BAD,), "1 finding waived (a); 7 more were not kept and may be of another kind",
        ),
        (ruling("SSE-02", Verdict.FAIL, BAD, unkept=7), [Waiver("SSE-02", "a")], Verdict.WAIVED, (BAD,), "a"),
    ],
)  # fmt: skip
def test_a_waiver_covers_only_findings_with_its_text(
    given: Ruling, waivers: list[Waiver], verdict: Verdict, left: tuple[Finding, ...], reason: str
) -> None:
    (one,), stale = waive([given], waivers, TODAY)
    assert (one.verdict, one.findings, one.reason, stale) == (verdict, left, reason, [])


def _explained(row: str, *causes: str) -> Ruling:
    return ruling(row, Verdict.INCONCLUSIVE, explained=[replace(BAD, explained_by=causes)])


PROMOTED: dict[str, tuple[list[Ruling], list[Waiver], dict[str, Verdict]]] = {
    "a MUST": (
        [FAIL, _explained("EVT-02", "SSE-02")], [Waiver("SSE-02", "a")],
        {"SSE-02": Verdict.WAIVED, "EVT-02": Verdict.FAIL},
    ),
    "a SHOULD": (
        [FAIL, _explained("ORD-03", "SSE-02")], [Waiver("SSE-02", "a")],
        {"SSE-02": Verdict.WAIVED, "ORD-03": Verdict.WARN},
    ),
    "not while one cause is left": (
        [FAIL, ruling("SSE-07", Verdict.FAIL, BAD), _explained("EVT-02", "SSE-02", "SSE-07")], [Waiver("SSE-02", "a")],
        {"SSE-02": Verdict.WAIVED, "SSE-07": Verdict.FAIL, "EVT-02": Verdict.INCONCLUSIVE},
    ),
    "not by a waiver that covers a part": (
        [ruling("SSE-02", Verdict.FAIL, BAD, OTHER), _explained("EVT-02", "SSE-02")],
        [Waiver("SSE-02", "a", matching="three")],
        {"SSE-02": Verdict.FAIL, "EVT-02": Verdict.INCONCLUSIVE},
    ),
    "and then explains what it explained": (
        [FAIL, _explained("EVT-02", "SSE-02"), _explained("ORD-05", "EVT-02")], [Waiver("SSE-02", "a")],
        {"SSE-02": Verdict.WAIVED, "EVT-02": Verdict.FAIL, "ORD-05": Verdict.INCONCLUSIVE},
    ),
    "unless it is waived too": (
        [_explained("ORD-05", "EVT-02"), _explained("EVT-02", "SSE-02"), FAIL],
        [Waiver("SSE-02", "a"), Waiver("EVT-02", "b")],
        {"ORD-05": Verdict.FAIL, "EVT-02": Verdict.WAIVED, "SSE-02": Verdict.WAIVED},
    ),
    "two that explain each other": (
        [_explained("ORD-05", "EVT-02"), _explained("EVT-02", "ORD-05")], [Waiver("EVT-02", "b")],
        {"ORD-05": Verdict.INCONCLUSIVE, "EVT-02": Verdict.INCONCLUSIVE},
    ),
    "what was never exercised explains nothing by being waived": (
        [ruling("SSE-02", Verdict.INCONCLUSIVE, exercised=0), _explained("EVT-02", "SSE-02")],
        [Waiver("SSE-02", "a", None, True)],
        {"SSE-02": Verdict.WAIVED, "EVT-02": Verdict.INCONCLUSIVE},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "waivers", "verdicts"), PROMOTED.values(), ids=PROMOTED)
def test_a_waived_cause_promotes_what_it_explained(
    given: list[Ruling], waivers: list[Waiver], verdicts: dict[str, Verdict]
) -> None:
    rulings, stale = waive(given, waivers, TODAY)
    assert {one.requirement.id: one.verdict for one in rulings} == verdicts
    assert stale == []


def test_what_is_promoted_has_its_findings_as_its_own() -> None:
    _, one = waive([FAIL, _explained("EVT-02", "SSE-02")], [Waiver("SSE-02", "a")], TODAY)[0]
    assert (one.findings, one.explained) == ((BAD,), ())
    assert one.reason == "no longer explained by SSE-02, which is waived"


def test_a_waivers_file(tmp_path: Path) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_text(
        "- {id: SSE-02, reason: a, expires: 2026-01-31}\n- {id: CAT-14, reason: b, accepts: INCONCLUSIVE}\n"
        "- {id: SSE-02, reason: c, matching: '[DONE]'}\n"
        "- {id: TRN-03, reason: d, accepts: FLAKY, last_seen: 2026-01-31}\n"
    )
    assert load_waivers(file, [REGISTRY]) == [
        Waiver("SSE-02", "a", date(2026, 1, 31)),
        Waiver("CAT-14", "b", None, accepts_inconclusive=True),
        Waiver("SSE-02", "c", matching="[DONE]"),
        Waiver("TRN-03", "d", last_seen=date(2026, 1, 31)),
    ]


@pytest.mark.parametrize(
    ("given", "days", "verdict", "stale"),
    [
        (FAIL, 10, Verdict.WAIVED, []),
        (FAIL, 200, Verdict.WAIVED, []),  # seen again: the date is to be set anew, and the reason says to which
        (ruling("SSE-02", Verdict.PASS), 90, Verdict.PASS, []),
        (
            ruling("SSE-02", Verdict.PASS),
            91,
            Verdict.PASS,
            ["SSE-02: not seen violated since {seen}, which is more than 90 days"],
        ),
    ],
)
def test_what_is_flaky_has_to_be_seen_violated_at_times(
    given: Ruling, days: int, verdict: Verdict, stale: list[str]
) -> None:
    seen = TODAY - timedelta(days=days)
    (one,), wrong = waive([given], [Waiver("SSE-02", "a race", last_seen=seen)], TODAY)

    assert (one.verdict, wrong) == (verdict, [text.format(seen=seen.isoformat()) for text in stale])
    if verdict is Verdict.WAIVED:
        assert f"last_seen is {TODAY.isoformat()}" in one.reason


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- {id: XYZ-01, reason: a}", "/0/id"),
        ("- {id: PFL-08, reason: excluded}", "/0/id"),
        ("- {id: SSE-02}", "the file: /0"),
        ("- {id: SSE-02, reason: a}\n- {id: SSE-02, reason: b}", "/1/id"),
        ("- {id: SSE-02, reason: a, matching: x}\n- {id: SSE-02, reason: b, matching: x}", "/1/id"),
        ("- {id: SSE-02, reason: a, matching: ''}", "/0/matching"),
        ("- {id: SSE-02, reason: a, matching: x, accepts: INCONCLUSIVE}", "/0"),
        ("- {id: SSE-02, reason: a, accepts: FLAKY}", "/0"),
        ("- {id: SSE-02, reason: a, last_seen: 2026-01-31}", "/0"),
        ("- {id: SSE-02, reason: a, expires: soon}", "/0/expires"),
        ("- {id: SSE-02, reason: a, until: 2026-01-31}", "/0"),
        ("id: SSE-02", "the file"),
        ("- [", "line"),
    ],
)
def test_a_wrong_waivers_file_names_the_place(tmp_path: Path, text: str, place: str) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_text(text)
    with pytest.raises(FileError) as raised:
        load_waivers(file, [REGISTRY])
    said = str(raised.value)
    assert (str(file) in said, place.removeprefix("the file: ") in said) == (True, True)
