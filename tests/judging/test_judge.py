"""The fold: what a check sees, which findings others explain, and how outcomes become verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.checks import CHECKS
from streamvet.contract.files import FileError
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.decode import view
from streamvet.examples import base_trace, bases, examples
from streamvet.outcome import Finding, NotExercised, Verdict
from streamvet.systems import SYSTEMS, system_of
from streamvet.verdicts import MAX_FINDINGS, Judge, Ruling, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace

REGISTRY = load_registry()
GHOSTLY = load_profile("ghostly")
INCONCLUSIVE = Verdict.INCONCLUSIVE
FAILING = base_trace(bases()["ghostly-failing"])
SEVERAL = base_trace(bases()["ghostly-several"])


def says(outcome: Outcome) -> Check:
    """A check that says the same of every trace."""
    return lambda _trace, _profile: outcome


def blames(*exchanges: str) -> Check:
    """A check that has a finding in each of these exchanges that it sees, and else is not exercised."""

    def check(trace: Trace, _profile: Profile) -> Outcome:
        seen = [exchange.id for exchange in trace.exchanges if exchange.id in exchanges]
        return [Finding(one, (0, 0), 0, "better", "this") for one in seen] or NotExercised("nobody to blame")

    return check


def notes(seen: list[list[str]]) -> Check:
    """A check that holds, and notes which exchanges it was shown."""

    def check(trace: Trace, _profile: Profile) -> Outcome:
        seen.append([exchange.id for exchange in trace.exchanges])
        return []

    return check


def found_in(exchange: str, **more: Any) -> Finding:
    """A finding in an exchange."""
    return Finding(exchange, (0, 0), 0, "better", "this", **more)


def raises(_trace: Trace, _profile: Profile) -> Outcome:
    message = "our own mistake"
    raise ValueError(message)


def rulings(checks: Mapping[str, Check], *traces: Trace) -> dict[str, Ruling]:
    bench = Judge(GHOSTLY, REGISTRY, checks)
    for trace in traces:
        bench.add(trace)
    return {one.requirement.id: one for one in bench.rulings()}


def test_the_table_of_checks_is_the_registry() -> None:
    rows = {row.id: row.family for row in REGISTRY.testable()}
    assert set(CHECKS) == {one for one, family in rows.items() if family not in SYSTEMS}
    for name, system in SYSTEMS.items():
        assert set(system.own_checks) == {one for one, family in rows.items() if family == name}


# ------------------------------------------------------------------------------------------------ explanations

# EVT-02 is explained by SSE-02, and EVT-09 by ORD-05, which CAT-02 explains; HBT-02 is by HBT-01, both about time.


def says_of(exchange: str, **how: Any) -> Check:
    """A check that has one finding in an exchange."""
    return says([Finding(exchange, (0, 0), 0, "better", "this", **how)])


@pytest.mark.parametrize(
    ("cause", "finding", "explained"),
    [
        (says_of("x2"), says_of("x2"), True),
        (says_of("x3"), says_of("x2"), False),
        (says_of("x3"), says_of("x2", beside=("x3",)), True),
        (says_of("x3"), says_of("x2", beside=("x4", "x3")), True),
        (says_of("x2", timed=True), says_of("x2"), False),
        (says_of("x2", timed=True), says_of("x2", timed=True), True),
        (says_of("x2"), says_of("x2", timed=True), True),
        (says([]), says_of("x2"), False),
        (says(NotExercised("never")), says_of("x2"), False),
    ],
)
def test_a_finding_is_explained_by_one_in_its_exchange_or_beside_it(
    cause: Check, finding: Check, explained: bool
) -> None:
    found = rulings({"ORD-05": cause, "EVT-09": finding}, SEVERAL)["EVT-09"]
    assert found.verdict == (Verdict.INCONCLUSIVE if explained else Verdict.FAIL)
    assert [one.explained_by for one in (*found.findings, *found.explained)] == [("ORD-05",) if explained else ()]
    assert (len(found.explained), found.causes) == ((1, {"ORD-05"}) if explained else (0, frozenset()))


def test_only_direct_causes_explain() -> None:
    found = rulings({"CAT-02": says_of("x2"), "EVT-09": says_of("x2")}, SEVERAL)["EVT-09"]
    assert (found.verdict, found.explained) == (Verdict.FAIL, ())


def test_an_explained_finding_does_not_hide_another_one_of_its_requirement() -> None:
    many = says([Finding("x2", (0, 0), 0, "better", "this")] * 3 + [Finding("x3", (0, 0), 0, "better", "that")])
    found = rulings({"ORD-05": says_of("x2"), "EVT-09": many}, SEVERAL)["EVT-09"]
    assert (found.verdict, [one.seen for one in found.findings]) == (Verdict.FAIL, ["that"])
    assert [one.seen for one in found.explained] == ["this"] * 3


def test_own_and_explained_findings_are_bounded_apart() -> None:
    many = says([Finding(one, (0, 0), 0, "better", "this") for one in ("x2", "x3") for _ in range(MAX_FINDINGS + 5)])
    found = rulings({"ORD-05": says_of("x2"), "EVT-09": many}, SEVERAL)["EVT-09"]
    assert (len(found.findings), len(found.explained)) == (MAX_FINDINGS, MAX_FINDINGS)


def test_a_cause_in_another_trace_explains_nothing() -> None:
    bench = Judge(GHOSTLY, REGISTRY, {"ORD-05": says_of("x2"), "EVT-09": says_of("x9")})
    for trace in (SEVERAL, FAILING):
        bench.add(trace)
    assert len({one.requirement.id: one for one in bench.rulings()}["EVT-09"].findings) == 2


def test_what_cannot_be_read_explains_only_what_is_absent_there() -> None:
    broken = next(one for one in examples("EVT-02") if one.good.profile == "ghostly").bad
    place = next(one.id for one in broken.exchanges if broken.exchanges and one.about.get("meant") == "stream")
    cases = {
        "absent": (says_of(place, absent=True), Verdict.INCONCLUSIVE),
        "another value": (says_of(place), Verdict.FAIL),
        "absent elsewhere": (says_of("x1", absent=True, beside=(place,)), Verdict.FAIL),
    }
    for check, verdict in cases.values():
        found = rulings({"EVT-02": says([]), "ORD-02": check}, broken)["ORD-02"]
        assert (found.verdict, found.unread) == (verdict, {"EVT-02": 1})


def test_a_pass_says_what_was_not_read() -> None:
    broken = next(one for one in examples("EVT-02") if one.good.profile == "ghostly").bad
    found = rulings({"ORD-03": says([])}, broken)["ORD-03"]
    assert (found.verdict, found.reason) == (Verdict.PASS, "1 stream not read to the end because of EVT-02")


# EVT-02 is explained by SSE-02; HBT-01, a MUST, by TRN-10, a SHOULD; TRM-08 by TRM-05, both of which may be about time.
EXPLAINED: dict[str, tuple[dict[str, list[Finding]], str, Verdict, int, int]] = {
    "in the same exchange": ({"SSE-02": [found_in("x2")], "EVT-02": [found_in("x2")]}, "EVT-02", INCONCLUSIVE, 0, 1),
    "in another one": ({"SSE-02": [found_in("x2")], "EVT-02": [found_in("x3")]}, "EVT-02", Verdict.FAIL, 1, 0),
    "one of two": (
        {"SSE-02": [found_in("x2")], "EVT-02": [found_in("x2"), found_in("x3")]}, "EVT-02", Verdict.FAIL, 1, 1,
    ),
    "in the one that it is compared with": (
        {"SSE-02": [found_in("x2")], "EVT-02": [found_in("x3", beside=("x2",))]}, "EVT-02", INCONCLUSIVE, 0, 1,
    ),
    "by an id that is not named": (
        {"EVT-01": [found_in("x2")], "EVT-02": [found_in("x2")]}, "EVT-02", Verdict.FAIL, 1, 0,
    ),
    "over another one, which is not direct": (
        {"TRM-01": [found_in("x2")], "TRM-02": [found_in("x2")], "TRM-04": [found_in("x2")]},
        "TRM-04", Verdict.FAIL, 1, 0,
    ),
    "a MUST by a SHOULD": ({"TRN-10": [found_in("x2")], "HBT-01": [found_in("x2")]}, "HBT-01", Verdict.FAIL, 1, 0),
    "a SHOULD by a MUST": ({"ORD-02": [found_in("x2")], "ORD-03": [found_in("x2")]}, "ORD-03", INCONCLUSIVE, 0, 1),
    "time by time": (
        {"TRM-05": [found_in("x2", timed=True)], "TRM-08": [found_in("x2", timed=True)]}, "TRM-08", INCONCLUSIVE, 0, 1,
    ),
    "what is not about time by time": (
        {"TRM-05": [found_in("x2", timed=True)], "TRM-08": [found_in("x2")]}, "TRM-08", Verdict.FAIL, 1, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("outcomes", "row", "verdict", "own", "explained"), EXPLAINED.values(), ids=EXPLAINED)
def test_a_finding_is_explained(
    outcomes: dict[str, list[Finding]], row: str, verdict: Verdict, own: int, explained: int
) -> None:
    found = rulings({one: says(list(findings)) for one, findings in outcomes.items()}, SEVERAL)[row]
    assert (found.verdict, len(found.findings), len(found.explained)) == (verdict, own, explained)


def test_an_explained_finding_names_its_causes() -> None:
    found = rulings({"SSE-02": blames("x2"), "EVT-02": blames("x2")}, SEVERAL)["EVT-02"]
    assert [one.explained_by for one in found.explained] == [("SSE-02",)]
    assert found.causes == {"SSE-02"}
    assert found.reason == "violated only where SSE-02 is violated too"


def test_what_was_never_exercised_names_what_may_have_kept_it_from_that() -> None:
    ignored = next(row.bad for row in examples("ACC-13") if row.bad.exchanges[1].status == 200)
    cosma = load_profile("cosma")
    all_rulings = judge([ignored], cosma, load_registry(cosma), system_of(cosma).checks)
    (ruling,) = [one for one in all_rulings if one.requirement.id == "ACC-14"]
    assert ruling.verdict is Verdict.INCONCLUSIVE
    assert ruling.reason == "ACC-13 is violated; nothing was refused"
    assert ruling.causes == {"ACC-13"}


def test_an_explanation_is_of_one_trace() -> None:
    def elsewhere(trace: Trace, profile: Profile) -> Outcome:
        return blames("x2")(trace, profile) if trace is FAILING else []

    found = rulings({"SSE-02": elsewhere, "EVT-02": blames("x2")}, SEVERAL, FAILING)["EVT-02"]
    assert (found.verdict, len(found.findings), len(found.explained)) == (Verdict.FAIL, 1, 1)


def test_a_finding_explains_though_it_is_not_kept() -> None:
    many = [found_in("x2")] * MAX_FINDINGS + [found_in("x3")]
    found = rulings({"SSE-02": says(many), "EVT-02": blames("x3")}, SEVERAL)
    assert [one.exchange for one in found["SSE-02"].findings] == ["x2"] * MAX_FINDINGS
    assert found["EVT-02"].verdict is Verdict.INCONCLUSIVE


def test_a_violation_takes_no_exchange_from_another_check() -> None:
    shown: list[list[str]] = []
    rulings({"SSE-02": blames("x2"), "EVT-02": notes(shown)}, SEVERAL)
    assert shown == [[one.id for one in SEVERAL.exchanges]]


def test_what_cannot_be_read_is_hidden_and_counted() -> None:
    """An event that is no JSON is hidden from what reads JSON, whose PASS says so; it may be what is absent."""
    bad = next(one.bad for one in examples("EVT-02") if one.bad.profile == "ghostly")
    place = next(one.exchange for one in _real_findings(bad, "EVT-02"))
    absent = found_in(place, absent=True)
    found = rulings(
        {"EVT-02": blames(place), "EVT-03": says([]), "ORD-05": says([absent]), "ORD-02": says([found_in(place)])}, bad
    )
    said = "1 stream not read to the end because of EVT-02"
    assert (found["EVT-03"].verdict, found["EVT-03"].reason, found["EVT-03"].unread) == (
        Verdict.PASS,
        said,
        {"EVT-02": 1},
    )
    assert (found["ORD-05"].verdict, found["ORD-05"].causes) == (Verdict.INCONCLUSIVE, frozenset({"EVT-02"}))
    assert found["ORD-02"].verdict is Verdict.FAIL  # a wrong order is none, whatever was not read


def _real_findings(trace: Trace, row: str) -> list[Finding]:
    outcome = Judge(GHOSTLY, REGISTRY, system_of(GHOSTLY).checks).add(trace)[row]
    return outcome if isinstance(outcome, list) else []


# ------------------------------------------------------------------------------------------------ verdicts


def test_a_run_without_an_id_is_the_reason_for_what_it_did_not_show() -> None:
    first, *others = FAILING.exchanges
    assert first.operation == "start:run"
    nameless = replace(FAILING, exchanges=(replace(first, about={**first.about, "no_id": "/runId"}), *others))
    checks = {"SSE-02": says(NotExercised("no stream")), "EVT-02": says([])}
    found = rulings(checks, nameless, FAILING)
    reason = "no stream; the answer to start:run has no id at /runId"
    assert (found["SSE-02"].verdict, found["SSE-02"].reason) == (Verdict.INCONCLUSIVE, reason)
    assert found["EVT-02"].verdict == Verdict.PASS


def test_what_cannot_be_sent_is_the_reason_for_what_was_not_seen() -> None:
    first, *others = FAILING.exchanges
    hindered = replace(FAILING, exchanges=(replace(first, about={"hindrance": "attach cannot be sent: x"}), *others))
    found = rulings({"SSE-02": says(NotExercised("no stream"))}, hindered)["SSE-02"]
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "not tried: attach cannot be sent: x")


@pytest.mark.parametrize(
    ("row", "check", "verdict", "exercised"),
    [
        ("EVT-02", says([]), Verdict.PASS, 2),
        ("EVT-02", blames("x2"), Verdict.FAIL, 2),
        ("EVT-02", blames("x3"), Verdict.FAIL, 1),
        ("EVT-03", blames("x2"), Verdict.WARN, 2),
        ("EVT-06", blames("x2"), Verdict.NOTE, 2),
        ("EVT-02", says(NotExercised("never")), Verdict.INCONCLUSIVE, 0),
        ("EVT-02", raises, Verdict.INCONCLUSIVE, 0),
        ("NDJ-01", blames("x2"), Verdict.NOT_APPLICABLE, 0),
    ],
)
def test_a_verdict(row: str, check: Check, verdict: Verdict, exercised: int) -> None:
    found = rulings({row: check}, FAILING, SEVERAL)[row]
    assert (found.verdict, found.exercised) == (verdict, exercised)


@pytest.mark.parametrize(
    ("check", "verdict"),
    [(says([]), Verdict.INCONCLUSIVE), (says(NotExercised("no")), Verdict.INCONCLUSIVE), (blames("x3"), Verdict.FAIL)],
)
def test_what_the_deadline_kept_from_being_tried_does_not_hold(check: Check, verdict: Verdict) -> None:
    bench = Judge(GHOSTLY, REGISTRY, {"EVT-02": check})
    bench.add(SEVERAL)
    assert not bench.cut_short
    for number in (1, 1, 2, 3, 4):
        bench.untried(f"try {number}", ["EVT-02"])
    found = next(one for one in bench.rulings() if one.requirement.id == "EVT-02")
    reason = "the deadline was over before these were tried: try 1, try 2, try 3 and 1 more"
    assert (found.verdict, found.reason) == (verdict, "" if verdict is Verdict.FAIL else reason)
    assert bench.cut_short


def test_each_testable_requirement_has_one_ruling_in_the_order_of_the_registry() -> None:
    rows = [row.on(GHOSTLY) for row in REGISTRY.testable()]
    assert [one.requirement for one in judge([], GHOSTLY, REGISTRY, CHECKS)] == rows
    assert rows != REGISTRY.testable()  # something is adopted, and a SHOULD here


def test_findings_name_their_requirement_and_their_trace() -> None:
    found = rulings({"EVT-02": blames("x3")}, replace(FAILING, name="one"), replace(SEVERAL, name="two"))["EVT-02"]
    assert found.findings == (
        found_in("x3", requirement="EVT-02", trace="two", probe="several", operation=SEVERAL.exchanges[2].operation),
    )
    assert found.probes == ("several",)


def test_findings_are_bounded_in_each_trace() -> None:
    many = says([Finding("x2", (0, 0), 0, "better", "this")] * (MAX_FINDINGS + 5))
    assert len(rulings({"EVT-02": many}, FAILING)["EVT-02"].findings) == MAX_FINDINGS
    assert len(rulings({"EVT-02": many}, FAILING, SEVERAL)["EVT-02"].findings) == 2 * MAX_FINDINGS


def test_of_the_rest_each_text_is_kept_once() -> None:
    """A waiver goes by texts: none that was not kept may be unknown."""
    texts = ["first"] * (MAX_FINDINGS + 5) + [f"text {number}" for number in range(MAX_FINDINGS + 3)]
    found = rulings({"EVT-02": says([replace(found_in("x2"), seen=one) for one in texts])}, FAILING)["EVT-02"]
    assert (len(found.findings), found.unkept) == (2 * MAX_FINDINGS, 3)
    assert {one.seen for one in found.findings} == {"first", *(f"text {number}" for number in range(MAX_FINDINGS))}


def test_a_check_that_raises_leaves_the_others_alone() -> None:
    bench = Judge(GHOSTLY, REGISTRY, {**system_of(GHOSTLY).checks, "EVT-02": raises})
    bench.add(FAILING)
    found = {one.requirement.id: one for one in bench.rulings()}
    assert {one for one, ruling in found.items() if ruling.unjudged} == {"EVT-02"}
    assert found["EVT-02"].reason == "not judged in 1 trace: an error of the suite itself, ValueError"
    assert found["EVT-03"].verdict is Verdict.PASS
    (error,) = bench.errors
    assert error.startswith("EVT-02 in ghostly-failing\n")
    assert "our own mistake" in error


@pytest.mark.parametrize(("other", "verdict"), [(blames("x2"), Verdict.FAIL), (says([]), Verdict.INCONCLUSIVE)])
def test_an_error_in_one_trace_hides_no_finding_and_leaves_nothing_green(other: Check, verdict: Verdict) -> None:
    def sometimes(trace: Trace, profile: Profile) -> Outcome:
        return raises(trace, profile) if trace is FAILING else other(trace, profile)

    assert rulings({"EVT-02": sometimes}, SEVERAL, FAILING)["EVT-02"].verdict is verdict


def test_a_trace_that_cannot_be_judged_costs_that_trace_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(trace: Trace, profile: Profile, level: str) -> Any:
        return raises(trace, profile) if trace is FAILING else view(trace, profile, level)

    monkeypatch.setattr("streamvet.verdicts.view", broken)
    bench = Judge(GHOSTLY, REGISTRY, {"EVT-02": blames("x3"), "SSE-02": blames("none")})
    assert bench.add(FAILING) == {}
    bench.add(SEVERAL)
    found = {one.requirement.id: one for one in bench.rulings()}
    assert (found["EVT-02"].verdict, found["EVT-02"].exercised) == (Verdict.FAIL, 1)
    assert "not judged: an error of the suite itself, ValueError, in ghostly-failing" in found["SSE-02"].reason
    assert len(bench.errors) == 1


def test_reasons_of_what_was_never_exercised() -> None:
    def by_probe(trace: Trace, _profile: Profile) -> Outcome:
        return NotExercised(f"nothing in {trace.probe}")

    assert rulings({}, FAILING)["EVT-02"].reason == "no check in this version"
    assert rulings({"EVT-02": by_probe})["EVT-02"].reason == "no try exercised it"
    found = rulings({"EVT-02": by_probe}, SEVERAL, FAILING, FAILING)["EVT-02"]
    assert found.reason == "nothing in straight; nothing in several"
    bench = Judge(GHOSTLY, REGISTRY, {"EVT-02": by_probe})
    bench.add(FAILING)
    bench.skipped("EVT-02", "not tried: no input that succeeds")
    bench.skipped("NDJ-01", "not tried: another framing")
    reasons = {one.requirement.id: one.reason for one in bench.rulings()}
    assert reasons["EVT-02"] == "not tried: no input that succeeds; nothing in straight"
    assert reasons["NDJ-01"] == "applies to framing.kind: ndjson; not to ghostly"


def test_a_reason_does_not_show_once_it_was_exercised() -> None:
    def second(trace: Trace, _profile: Profile) -> Outcome:
        return [] if trace is SEVERAL else NotExercised("nothing here")

    found = rulings({"EVT-02": second}, FAILING, SEVERAL)["EVT-02"]
    assert (found.verdict, found.reason, found.exercised) == (Verdict.PASS, "", 1)


# ------------------------------------------------------------------------------------------------ whole sets


@pytest.mark.parametrize(
    "row",
    ["TRN-01", "TRN-04", "SSE-01", "NDJ-02", "EVT-02", "EVT-06", "ORD-02", "HBT-01", "CAT-04", "ACC-05", "GHO-02"],
)
def test_one_defect_gives_one_verdict_that_is_not_green(row: str) -> None:
    bad = examples(row)[0].bad
    profile = load_profile(bad.profile)
    found = judge([bad], profile, REGISTRY, system_of(profile).checks)
    wrong = {one.requirement.id for one in found if one.findings or one.unjudged}
    assert wrong == {row}


def test_two_defects_in_two_exchanges_give_two_verdicts() -> None:
    one, two = examples("EVT-02")[0].bad, examples("ACC-01")[0].bad
    found = judge([one, two], GHOSTLY, REGISTRY, system_of(GHOSTLY).checks)
    assert {r.requirement.id for r in found if r.verdict is Verdict.FAIL} == {"EVT-02", "ACC-01"}


def test_a_ruling_names_the_operations_at_which_it_was_violated() -> None:
    """Also where the findings that come first are all at one of them."""
    many = [Finding("x2", (0, 0), 0, "better", "this") for _ in range(3 * MAX_FINDINGS)]
    last = Finding("x1", (0, 0), 0, "better", "this")
    found = rulings({"EVT-02": says([*many, last])}, FAILING)["EVT-02"]
    assert found.places == tuple(sorted({FAILING.exchanges[0].operation, FAILING.exchanges[1].operation}))
    assert len(found.places) == 2


def test_progress_is_told_of_each_trace() -> None:
    seen: list[Trace] = []
    judge([FAILING, SEVERAL], GHOSTLY, REGISTRY, CHECKS, seen.append)
    assert seen == [FAILING, SEVERAL]


# ------------------------------------------------------------------------------------------------ another contract


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda trace: replace(trace, digest="0" * 64), "/digest: expected the digest of profile ghostly"),
        (lambda trace: replace(trace, revision=REGISTRY.revision + 1), f"/revision: expected {REGISTRY.revision}, got"),
        (lambda trace: replace(trace, digest="0" * 64, name="a.trace.ndjson"), "a.trace.ndjson: /digest"),
    ],
)
def test_a_trace_of_another_contract_is_refused(change: Callable[[Trace], Trace], said: str) -> None:
    with pytest.raises(FileError) as caught:
        judge([change(FAILING)], GHOSTLY, REGISTRY, CHECKS)
    assert said in str(caught.value)
