"""The suite proves itself: every fault of the reference server is caught as what it is, and the proof can fail.

One run of `prove` for all long tests of this file; its recorded traces are judged again with checks put out of action.
It takes a quarter of an hour with nothing beside it, so it is asked for: `make proof`. What is not long takes one fault
of each system, each of another family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamvet.contract.folders import builtin_profiles
from streamvet.contract.registry import load_registry
from streamvet.outcome import Verdict
from streamvet.prove import PAIRS, Done, jobs, matrix, pairs_of, perform, prove_the_proof
from streamvet.reference import Fault, accounts, faults

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.live


def pinned() -> list[Fault]:
    return [one for one in faults() if not one.generated and not one.fixture]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Done]:
    """Every fault on every profile, and pairs of them, with their traces."""
    keep = tmp_path_factory.mktemp("proof")
    pairs = {one: pairs_of(pinned(), one, load_registry()) for one in builtin_profiles()}
    return perform(jobs(pinned(), accounts(), builtin_profiles(), keep, pairs), lambda _done: None)


def of_each_system() -> list[Fault]:
    """For each system the first fault that it alone has, each of another family."""
    rows = load_registry().rows
    sample: list[Fault] = []
    for system in builtin_profiles():
        met = {rows[one.id].family for one in sample if one.id}
        own = (one for one in pinned() if one.profiles == (system,) and one.id)
        sample.append(next(one for one in own if one.id and rows[one.id].family not in met))
    return sample


def test_a_fault_of_each_system_is_caught() -> None:
    sample = of_each_system()
    assert {profile for one in sample for profile in one.profiles} == set(builtin_profiles())
    cells = matrix(perform(jobs(sample, accounts(), builtin_profiles()), lambda _done: None))
    assert len(cells) == len(sample)
    assert {f"{cell.fault.name} on {cell.profile}": cell.wrong for cell in cells if cell.wrong} == {}


@pytest.mark.long
def test_two_faults_at_once_are_both_found() -> None:
    """The first pair of each system, by the rule of the whole proof."""
    first = {one: pairs_of(pinned(), one, load_registry(), 1) for one in builtin_profiles()}
    cells = matrix(perform(jobs([], accounts(), builtin_profiles(), pairs=first), lambda _done: None))
    assert [cell.profile for cell in cells] == builtin_profiles()
    assert {f"{cell.fault.name} on {cell.profile}": cell.wrong for cell in cells if cell.wrong} == {}


@pytest.mark.long
def test_the_honest_server_passes_everything(results: Sequence[Done]) -> None:
    honest = [one for one in results if one.job.fault is None]
    assert [one.job.profile for one in honest] == builtin_profiles()
    for one in honest:
        others = {rid: v for rid, v in one.verdicts.items() if v not in (Verdict.PASS, Verdict.NOT_APPLICABLE)}
        assert others == {}, one.job.profile


@pytest.mark.long
def test_each_fault_is_caught_as_what_it_is(results: Sequence[Done]) -> None:
    cells = matrix(results)
    assert sum(cell.other is not None for cell in cells) == len(builtin_profiles()) * PAIRS
    assert {f"{cell.fault.name} on {cell.profile}": cell.wrong for cell in cells if cell.wrong} == {}


@pytest.mark.long
def test_the_proof_breaks_where_a_check_is_out_of_action(results: Sequence[Done]) -> None:
    assert prove_the_proof(results) == []
