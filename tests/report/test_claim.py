"""What a report claims: how much was exercised, at which level of evidence, and what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from streamvet.contract.evidence import Evidence
from streamvet.outcome import Finding, Verdict
from streamvet.report import badge, json_report, text
from streamvet.report.claim import claim, sentence
from streamvet.report.exits import Policy, exit_code

from .made import report, ruling

ASKED = frozenset({Evidence.CAPTURE, Evidence.BLACK_BOX})
CAPTURED = frozenset({Evidence.CAPTURE})
LEVELS = {
    "SSE-02": Evidence.CAPTURE, "TRN-01": Evidence.BLACK_BOX, "CAT-14": Evidence.LAUNCHED,
    "TRN-03": Evidence.CONTROLLED, "EVT-09": Evidence.CONTROLLED, "TRN-10": Evidence.CONTROLLED,
}  # fmt: skip
BAD = Finding("x1", (0, 4), 5_000, "four bytes", "three", requirement="SSE-02", trace="t")
HOLD = [ruling("SSE-02", Verdict.PASS), ruling("TRN-01", Verdict.PASS)]
FAILS = [ruling("SSE-02", Verdict.FAIL, BAD), ruling("TRN-01", Verdict.PASS)]
WAIVED = [ruling("SSE-02", Verdict.WAIVED, BAD), ruling("TRN-01", Verdict.PASS)]
OPEN = [ruling("SSE-02", Verdict.PASS), ruling("TRN-01", Verdict.INCONCLUSIVE, exercised=0)]
FAR = [
    ruling(one, Verdict.INCONCLUSIVE, exercised=0) for one in ("CAT-14", "TRN-03", "EVT-09", "TRN-10")
]  # a SHOULD last
ALL = [ruling(one, Verdict.PASS) for one in ("SSE-02", "TRN-01", "CAT-14", "TRN-03", "EVT-09")]


@pytest.mark.parametrize(
    ("rulings", "more", "policy", "said"),
    [
        ([*HOLD, *FAR], {}, Policy(),
         "conformant at black-box: 2 of 5 MUSTs; 1 needs a launch; 2 need a control interface"),
        ([*HOLD, *FAR], {"evidence": ASKED | {Evidence.LAUNCHED}}, Policy(),
         "incomplete at launched: 2 of 5 MUSTs; 1 undecided; 2 need a control interface"),
        ([*HOLD, *FAR], {"evidence": ASKED | {Evidence.CONTROLLED}}, Policy(),
         "incomplete at controlled: 2 of 5 MUSTs; 2 undecided; 1 needs a launch"),
        (ALL, {"evidence": frozenset(Evidence)}, Policy(), "conformant at controlled: 5 of 5 MUSTs"),
        # What was exercised counts, whatever level it should have taken.
        (ALL, {}, Policy(), "conformant at black-box: 5 of 5 MUSTs"),
        (OPEN, {}, Policy(), "incomplete at black-box: 1 of 2 MUSTs; 1 undecided"),
        (OPEN, {}, Policy(accept_incomplete=True), "no violation in 3 tries (black-box): 1 of 2 MUSTs; 1 undecided"),
        (HOLD, {"partial": True, "pinned": 1}, Policy(), "no violation in 1 try (black-box): 2 of 2 MUSTs"),
        (HOLD, {"offline": True}, Policy(), "conformant at black-box: 2 of 2 MUSTs"),
        (OPEN, {"offline": True}, Policy(), "no violation in 3 traces (black-box): 1 of 2 MUSTs; 1 undecided"),
        ([*HOLD, *FAR], {"offline": True, "evidence": CAPTURED, "events": 34}, Policy(),
         "no violation in 34 events (capture): 2 of 5 MUSTs; 1 needs a launch; 2 need a control interface"),
        (ALL, {"offline": True, "evidence": CAPTURED, "events": 1}, Policy(),
         "no violation in 1 event (capture): 5 of 5 MUSTs"),
        (WAIVED, {}, Policy(), "conformant at black-box: 1 of 2 MUSTs; 1 waived"),
        (FAILS, {}, Policy(), "not conformant at black-box"),
        (FAILS, {"offline": True, "evidence": CAPTURED, "events": 34}, Policy(), "not conformant at capture"),
        (HOLD, {"interrupted": True}, Policy(), "interrupted"),
    ],
)  # fmt: skip
def test_a_claim_says_how_much_it_means(rulings: Any, more: dict[str, Any], policy: Policy, said: str) -> None:
    one = report(*rulings, **{"evidence": ASKED, "levels": LEVELS, **more})
    assert sentence(one, exit_code([one], policy)) == said


def test_every_form_carries_the_claim() -> None:
    one = report(*HOLD, *FAR, evidence=ASKED, levels=LEVELS)
    said = "conformant at black-box: 2 of 5 MUSTs; 1 needs a launch; 2 need a control interface"
    printed = text.render([one], Policy()).plain
    assert f"{said} (exit 0)" in printed.splitlines()
    assert "3 requirements that need a control interface\n  TRN-03, EVT-09, TRN-10\n" in printed
    document = json_report.document(one, Policy())
    assert (document["evidence"], document["claim"]["text"]) == ("black-box", said)
    assert document["claim"]["beyond"] == {"launched": 1, "controlled": 2}
    assert [row.get("evidence") for row in document["verdicts"]] == [
        LEVELS[one.requirement.id].value for one in one.rulings
    ]
    assert 'aria-label="streamvet ghostly: conformant at black-box"' in badge.render([one], Policy())


def test_the_numbers_add_up() -> None:
    made = claim(report(*HOLD, *FAR, evidence=ASKED, levels=LEVELS))
    assert made.musts == made.hold + made.waived + made.open + sum(made.beyond.values())


def test_a_badge_of_several_reports_has_the_level_of_each() -> None:
    reports = [report(*HOLD, evidence=ASKED, levels=LEVELS), report(*ALL, levels=LEVELS)]
    assert "conformant at black-box and conformant at controlled" in badge.render(reports, Policy())
