"""The fold: which exchanges a check sees, and how outcomes become verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.checks import CHECKS
from streamvet.contract.files import FileError
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace, bases, examples
from streamvet.judge import MAX_FINDINGS, Judge, Ruling, judge
from streamvet.outcome import Finding, NotExercised, Verdict
from streamvet.systems import SYSTEMS, system_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace

REGISTRY = load_registry()
GHOSTLY = load_profile("ghostly")
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


# ------------------------------------------------------------------------------------------------ masking

# EVT-03 depends on EVT-02, which depends on SSE-02; GHO-01 on nothing.
ORDER = ("SSE-02", "EVT-02", "EVT-03", "GHO-01")


@pytest.mark.parametrize(
    ("blamed", "hidden"),
    [
        ({}, {}),
        ({"EVT-02": ("x2",)}, {"EVT-03": {"x2"}}),
        ({"SSE-02": ("x3",)}, {"EVT-02": {"x3"}, "EVT-03": {"x3"}}),
        ({"SSE-02": ("x2",), "EVT-02": ("x2", "x3")}, {"EVT-03": {"x2", "x3"}}),
        ({"EVT-03": ("x2",)}, {}),
        ({"GHO-01": ("x1", "x2")}, {}),
    ],
)
def test_a_check_does_not_see_what_is_wrong_below(
    blamed: dict[str, tuple[str, ...]], hidden: dict[str, set[str]]
) -> None:
    shown: dict[str, list[list[str]]] = {one: [] for one in ORDER if one not in blamed}
    checks = {one: notes(seen) for one, seen in shown.items()} | {one: blames(*ids) for one, ids in blamed.items()}
    rulings(checks, SEVERAL)
    every = {exchange.id for exchange in SEVERAL.exchanges}
    assert {one: every - set(seen[0]) for one, seen in shown.items()} == {one: hidden.get(one, set()) for one in shown}


def test_what_is_hidden_from_a_check_has_no_finding_of_it() -> None:
    found = rulings({"SSE-02": blames("x2"), "EVT-02": blames("x2", "x3"), "EVT-03": blames("x2", "x3")}, SEVERAL)
    assert {one: [f.exchange for f in found[one].findings] for one in ORDER} == {
        "SSE-02": ["x2"], "EVT-02": ["x3"], "EVT-03": [], "GHO-01": [],
    }  # fmt: skip
    reason = "nobody to blame (an exchange was left out for EVT-02, SSE-02)"
    assert (found["EVT-03"].verdict, found["EVT-03"].reason) == (Verdict.INCONCLUSIVE, reason)


def test_masking_is_of_one_trace() -> None:
    shown: list[list[str]] = []
    bench = Judge(GHOSTLY, REGISTRY, {"EVT-02": blames("x3"), "EVT-03": notes(shown)})
    for trace in (SEVERAL, FAILING):
        bench.add(trace)
    assert shown == [["x1", "x2", "x4", "x5", "x6"], ["x1", "x2"]]


def test_masking_goes_by_all_findings_not_by_those_that_are_kept() -> None:
    many = [Finding("x2", (0, 0), 0, "better", "this")] * MAX_FINDINGS + [Finding("x3", (0, 0), 0, "better", "this")]
    shown: list[list[str]] = []
    found = rulings({"EVT-02": says(many), "EVT-03": notes(shown)}, SEVERAL)
    assert len(found["EVT-02"].findings) == MAX_FINDINGS
    assert shown == [["x1", "x4", "x5", "x6"]]


def test_a_dependency_that_does_not_apply_hides_nothing() -> None:
    shown: list[list[str]] = []
    rulings({"NDJ-02": blames("x2"), "EVT-02": notes(shown)}, FAILING)
    assert shown == [["x1", "x2"]]


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


@pytest.mark.parametrize(
    ("row", "check", "verdict", "exercised"),
    [
        ("EVT-02", says([]), Verdict.PASS, 2),
        ("EVT-02", blames("x2"), Verdict.FAIL, 2),
        ("EVT-02", blames("x3"), Verdict.FAIL, 1),
        ("EVT-06", blames("x2"), Verdict.WARN, 2),
        ("EVT-02", says(NotExercised("never")), Verdict.INCONCLUSIVE, 0),
        ("EVT-02", raises, Verdict.ERROR, 0),
        ("NDJ-01", blames("x2"), Verdict.NOT_APPLICABLE, 0),
    ],
)
def test_a_verdict(row: str, check: Check, verdict: Verdict, exercised: int) -> None:
    found = rulings({row: check}, FAILING, SEVERAL)[row]
    assert (found.verdict, found.exercised) == (verdict, exercised)


def test_each_testable_requirement_has_one_ruling_in_the_order_of_the_registry() -> None:
    assert [one.requirement for one in judge([], GHOSTLY, REGISTRY, CHECKS)] == REGISTRY.testable()


def test_findings_name_their_requirement_and_their_trace() -> None:
    found = rulings({"EVT-02": blames("x3")}, replace(FAILING, name="one"), replace(SEVERAL, name="two"))["EVT-02"]
    assert found.findings == (Finding("x3", (0, 0), 0, "better", "this", "EVT-02", "two"),)
    assert found.probes == ("several",)


def test_findings_are_bounded_in_each_trace() -> None:
    many = says([Finding("x2", (0, 0), 0, "better", "this")] * (MAX_FINDINGS + 5))
    assert len(rulings({"EVT-02": many}, FAILING)["EVT-02"].findings) == MAX_FINDINGS
    assert len(rulings({"EVT-02": many}, FAILING, SEVERAL)["EVT-02"].findings) == 2 * MAX_FINDINGS


def test_a_check_that_raises_leaves_the_others_alone() -> None:
    found = rulings({**system_of(GHOSTLY).checks, "EVT-02": raises}, FAILING)
    assert {one for one, ruling in found.items() if ruling.verdict is Verdict.ERROR} == {"EVT-02"}
    assert "our own mistake" in found["EVT-02"].reason
    assert found["EVT-03"].verdict is Verdict.PASS


def test_an_error_is_not_hidden_by_findings() -> None:
    def sometimes(trace: Trace, profile: Profile) -> Outcome:
        return raises(trace, profile) if trace is FAILING else blames("x2")(trace, profile)

    assert rulings({"EVT-02": sometimes}, SEVERAL, FAILING)["EVT-02"].verdict is Verdict.ERROR


def test_reasons_of_what_was_never_exercised() -> None:
    def by_probe(trace: Trace, _profile: Profile) -> Outcome:
        return NotExercised(f"nothing in {trace.probe}")

    assert rulings({}, FAILING)["EVT-02"].reason == "no check in this version"
    assert rulings({"EVT-02": by_probe})["EVT-02"].reason == "no try reached it"
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
    wrong = {one.requirement.id for one in found if one.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)}
    assert wrong == {row}


def test_two_defects_in_two_exchanges_give_two_verdicts() -> None:
    one, two = examples("EVT-02")[0].bad, examples("ACC-01")[0].bad
    found = judge([one, two], GHOSTLY, REGISTRY, system_of(GHOSTLY).checks)
    assert {r.requirement.id for r in found if r.verdict is Verdict.FAIL} == {"EVT-02", "ACC-01"}


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
