"""The proof: when a run is as it must be, what the matrix prints, and a fault that is really run."""

from __future__ import annotations

import os
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from streamvet.cli import call
from streamvet.cli.proving import told
from streamvet.contract.files import FileError
from streamvet.contract.registry import load_registry
from streamvet.outcome import Verdict
from streamvet.prove import (
    PAIRS,
    Done,
    Job,
    compare,
    compare_pair,
    jobs,
    kept,
    matrix,
    pairs_of,
    perform,
    prove_the_proof,
)
from streamvet.prove.running import beside_each_other, gone_wrong, mixed, perform_one
from streamvet.reference import REPLICAS, Fault, accounts, faults

HONEST = dict.fromkeys(("EVT-02", "EVT-07", "EVT-08", "ACC-01", "TRN-09"), Verdict.PASS)
LEVELS = dict.fromkeys(HONEST, "MUST") | {"TRN-09": "SHOULD"}
# What is inconclusive says why: a type that was not read, and what another violation explains.
CAUSES = {"EVT-07": frozenset({"EVT-02"}), "EVT-08": frozenset({"EVT-07"})}
BAD_JSON = Fault("bad-json", "EVT-02", ("ghostly",), "a comma too many", honest=False)
CAUSED = frozenset({"EVT-02"})
CAUSELESS = Verdict.INCONCLUSIVE
BUFFERED = Fault("no-field", "TRN-09", ("ghostly",), "no X-Accel-Buffering", honest=False)
LEGAL = Fault("just-legal", None, ("ghostly",), "as late as may be", honest=True)


@pytest.mark.parametrize(
    ("fault", "changed", "wrong"),
    [
        (BAD_JSON, {"EVT-02": Verdict.FAIL}, []),
        (BAD_JSON, {"EVT-02": Verdict.FAIL, "EVT-07": Verdict.INCONCLUSIVE, "EVT-08": Verdict.INCONCLUSIVE}, []),
        (BAD_JSON, {}, ["EVT-02: expected FAIL, got PASS"]),
        (BAD_JSON, {"EVT-02": Verdict.INCONCLUSIVE}, ["EVT-02: expected FAIL, got INCONCLUSIVE"]),
        (BAD_JSON, {"EVT-02": Verdict.WARN}, ["EVT-02: expected FAIL, got WARN"]),
        (
            BAD_JSON,
            {"EVT-02": Verdict.FAIL, "EVT-08": Verdict.FAIL},
            ["EVT-08: expected PASS as on the honest server, got FAIL"],
        ),
        (
            BAD_JSON,
            {"EVT-02": Verdict.FAIL, "ACC-01": Verdict.INCONCLUSIVE},
            ["ACC-01: expected PASS as on the honest server, got INCONCLUSIVE"],
        ),
        (BUFFERED, {"TRN-09": Verdict.WARN}, []),
        (BUFFERED, {"TRN-09": Verdict.FAIL}, ["TRN-09: expected WARN, got FAIL"]),
        (LEGAL, {}, []),
        (LEGAL, {"TRN-09": Verdict.WARN}, ["TRN-09: expected PASS as on the honest server, got WARN"]),
    ],
)
def test_only_the_named_id_fails(fault: Fault, changed: dict[str, Verdict], wrong: list[str]) -> None:
    assert compare(HONEST, HONEST | changed, fault, LEVELS, CAUSES) == wrong


def test_a_fault_proves_nothing_where_the_honest_server_does_not_pass() -> None:
    honest = HONEST | {"EVT-02": Verdict.FAIL}
    assert compare(honest, honest, BAD_JSON, LEVELS, CAUSES) == ["EVT-02: expected PASS on the honest server, got FAIL"]


def test_a_verdict_that_is_missing_is_wrong() -> None:
    faulty = {one: verdict for one, verdict in HONEST.items() if one != "ACC-01"} | {"EVT-02": Verdict.FAIL}
    wrong = ["ACC-01: expected PASS as on the honest server, got no verdict"]
    assert compare(HONEST, faulty, BAD_JSON, LEVELS, CAUSES) == wrong


@pytest.mark.parametrize(
    ("changed", "causes", "wrong"),
    [
        ({"EVT-02": Verdict.FAIL, "TRN-09": Verdict.WARN}, {}, []),
        ({"EVT-02": Verdict.FAIL, "TRN-09": Verdict.INCONCLUSIVE}, {"TRN-09": CAUSED}, []),
        ({"EVT-02": Verdict.FAIL, "TRN-09": Verdict.INCONCLUSIVE, "EVT-07": CAUSELESS}, {"TRN-09": CAUSED}, ["EVT-07"]),
        ({"EVT-02": Verdict.FAIL}, {}, ["TRN-09"]),
        ({"EVT-02": Verdict.FAIL, "TRN-09": Verdict.INCONCLUSIVE}, {}, ["TRN-09"]),
        (
            {"EVT-02": Verdict.INCONCLUSIVE, "TRN-09": Verdict.INCONCLUSIVE},
            {"TRN-09": CAUSED, "EVT-02": frozenset({"TRN-09"})},
            ["EVT-02 and TRN-09"],
        ),
        (
            {"EVT-02": Verdict.FAIL, "TRN-09": Verdict.WARN, "EVT-08": Verdict.INCONCLUSIVE},
            {"EVT-08": frozenset({"TRN-09"})},
            [],
        ),
        ({"EVT-02": Verdict.FAIL, "TRN-09": Verdict.WARN, "EVT-08": Verdict.FAIL}, {}, ["EVT-08"]),
    ],
)
def test_of_a_pair_both_are_found_or_one_under_the_other(
    changed: dict[str, Verdict], causes: dict[str, frozenset[str]], wrong: list[str]
) -> None:
    lines = compare_pair(HONEST, HONEST | changed, (BAD_JSON, BUFFERED), LEVELS, causes)
    assert [line.partition(":")[0] for line in lines] == wrong


def done(fault: Fault | None, changed: dict[str, Verdict], *errors: str, other: Fault | None = None) -> Done:
    first = {one: f"expected x, seen {one}" for one, verdict in changed.items() if verdict is Verdict.FAIL}
    return Done(Job("ghostly", {}, fault, (), None, other), HONEST | changed, CAUSES, LEVELS, first, errors)


def test_the_matrix_has_a_row_for_a_pair() -> None:
    results = [
        done(None, {}),
        done(BAD_JSON, {"EVT-02": Verdict.FAIL, "TRN-09": Verdict.WARN}, other=BUFFERED),
        done(BAD_JSON, {"EVT-02": Verdict.FAIL}, other=BUFFERED),
    ]
    cells = matrix(results)
    assert [(cell.found, bool(cell.wrong)) for cell in cells] == [(("EVT-02", "TRN-09"), False), (("EVT-02",), True)]
    said = told(cells, results[:1], ["ghostly"]).plain
    assert "ghostly  EVT-02 bad-json + TRN-09 no-field  both caught" in said
    assert "ghostly  EVT-02 bad-json + TRN-09 no-field  WRONG" in said
    assert said.endswith("1 of 2 as required\n")


def test_the_pairs_are_of_two_families_and_take_hold_at_different_places() -> None:
    rows, registry = faults(), load_registry()
    for profile in ("ghostly", "promptfloe", "rockstar", "agent-workspace", "cosma"):
        made = pairs_of(rows, profile, registry)
        assert len(made) == PAIRS
        assert made == pairs_of(rows, profile, registry)
        for one, other in made:
            assert one.seams[profile].isdisjoint(other.seams[profile])
            assert {x.generated or x.honest for x in (one, other)} == {False}
            assert one.id is not None
            assert other.id is not None
            assert registry.rows[one.id].family != registry.rows[other.id].family
        taken = [registry.rows[one.id].family for both in made for one in both if one.id]
        assert len(set(taken)) >= 8


def test_the_matrix_tells_what_went_wrong() -> None:
    results = [
        done(None, {}),
        done(BAD_JSON, {"EVT-02": Verdict.FAIL}),
        done(BUFFERED, {"ACC-01": Verdict.FAIL}),
        done(LEGAL, {}, "Traceback\nValueError: boom"),
    ]
    cells = matrix(results)
    assert [(cell.fault.name, cell.wrong) for cell in cells] == [
        ("bad-json", ()),
        (
            "no-field",
            (
                "TRN-09: expected WARN, got PASS",
                "ACC-01: expected PASS as on the honest server, got FAIL (expected x, seen ACC-01)",
            ),
        ),
        ("just-legal", ("the suite itself: ValueError: boom",)),
    ]
    said = told(cells, results[:1], ["ghostly"]).plain
    assert "EVT-02 bad-json    ghostly caught" in said
    assert "TRN-09 no-field    ghostly WRONG" in said
    assert said.endswith("1 of 3 as required\n")


def test_a_run_that_came_to_nothing_tells_why_and_no_more() -> None:
    results = [done(None, {}), Done(Job("ghostly", {}, BAD_JSON, (), None), {}, errors=("nothing answers",))]
    assert [cell.wrong for cell in matrix(results)] == [("the suite itself: nothing answers",)]


def test_an_honest_run_that_came_to_nothing_is_repeated() -> None:
    failed = Done(Job("ghostly", {}, None, (), None), {}, errors=("nothing answers",))
    assert gone_wrong([failed, done(BAD_JSON, {"EVT-02": Verdict.FAIL})]) == [failed.job, done(BAD_JSON, {}).job]
    assert gone_wrong([done(None, {})]) == []


def test_a_worker_that_is_killed_costs_what_it_did_and_no_more(tmp_path: Path) -> None:
    mark = tmp_path / "killed"
    kills_once = f"test -e '{mark}' || {{ touch '{mark}'; kill -9 $PPID; }}"
    told: list[int] = []
    assert beside_each_other(os.system, dict(enumerate(("true", kills_once, "exit 1"))), 1, told.append) == {
        0: 0,
        1: 0,
        2: 256,
    }
    assert sorted(told) == [0, 0, 256]
    with pytest.raises(BrokenProcessPool):
        beside_each_other(os.system, {0: "kill -9 $PPID"}, 1, told.append)


def test_a_broken_pool_waits_for_none_of_its_workers(tmp_path: Path) -> None:
    mark = tmp_path / "awake"
    sleeps = f"(__import__('time').sleep(20), __import__('pathlib').Path({str(mark)!r}).touch())"
    unreadable = "__import__('httpx').HTTPStatusError('', request=None, response=None)"  # it cannot be unpickled
    with pytest.raises(BrokenProcessPool):
        beside_each_other(eval, {0: sleeps, 1: unreadable}, 2, lambda _made: None)
    assert not mark.exists()


def test_a_run_that_meets_another_server_at_its_address_tells_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def meets(_job: Job, _folder: Path) -> None:
        raise FileError("reference.yaml", "/control", "a server of ghostly", "one of cosma")

    monkeypatch.setattr("streamvet.prove.running._campaign", meets)
    made = perform_one(Job("ghostly", {}, BAD_JSON, (), None))
    assert made.errors == ("reference.yaml: /control: expected a server of ghostly, got one of cosma",)


def test_jobs_are_the_honest_runs_and_every_fault_on_each_of_its_profiles() -> None:
    rows = [BAD_JSON, Fault("both", "TRN-01", ("ghostly", "promptfloe"), "", honest=False)]
    made = jobs(rows, {"ghostly": {}, "promptfloe": {}}, ["promptfloe", "ghostly"], Path("kept"))
    assert [(job.name, str(job.keep)) for job in made] == [
        ("honest on promptfloe", "kept/promptfloe/honest"),
        ("honest on ghostly", "kept/ghostly/honest"),
        ("bad-json on ghostly", "kept/ghostly/bad-json"),
        ("both on ghostly", "kept/ghostly/both"),
        ("both on promptfloe", "kept/promptfloe/both"),
    ]
    assert len({port for job in made for port in job.ports}) == len(made) * (1 + REPLICAS)


def test_the_runs_of_each_profile_are_spread_over_the_whole() -> None:
    rows = [BAD_JSON, BUFFERED, LEGAL, Fault("other", "TRN-01", ("promptfloe",), "", honest=False)]
    made = jobs(rows, {"ghostly": {}, "promptfloe": {}}, ["ghostly", "promptfloe"])
    order = mixed(made)
    assert [(number, job.name) for number, job in order.items()] == [
        (0, "honest on ghostly"),
        (1, "honest on promptfloe"),
        (2, "bad-json on ghostly"),
        (3, "no-field on ghostly"),
        (5, "other on promptfloe"),
        (4, "just-legal on ghostly"),
    ]
    assert all(made[number] is job for number, job in order.items())


def test_every_fault_names_a_requirement_of_its_profiles_and_every_requirement_has_one() -> None:
    named: set[str] = set()
    for fault in faults():
        assert (fault.id is None) is fault.honest
        if fault.id is not None:
            named.add(fault.id)
    assert named == {row.id for row in load_registry().testable()}


@pytest.mark.live
def test_a_fault_is_run_and_its_proof_breaks_where_its_check_is_out_of_action(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One fault of a kind that needs no waiting. The whole matrix is `streamvet prove`."""
    row = next(one for one in faults() if one.id == "TRN-09" and "promptfloe" in one.profiles)
    results = perform(jobs([row], accounts(), ["promptfloe"], tmp_path), lambda _done: None)
    (cell,) = matrix(results)
    assert cell.wrong == ()
    unbroken = [line for line in prove_the_proof(results) if line.startswith("TRN-09")]
    assert unbroken == []
    assert sum(1 for _ in kept(tmp_path / "promptfloe" / row.name)) > 10
    assert call(["prove", "--profile", "no-such"]) == 2
    capsys.readouterr()
