"""The suite proves itself: every fault of the reference server is caught as what it is, and the proof can fail.

One run of `prove` for all long tests of this file; its recorded traces are judged again with checks put out of action.
It takes a quarter of an hour with nothing beside it, so it is asked for: `make proof`. What is not long takes one fault
of each family, spread over the systems.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
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


def of_each_family() -> list[Fault]:
    """For each family the first fault that names one of its requirements, on the system with the fewest of these."""
    rows = load_registry().rows
    first: dict[str, Fault] = {}
    for fault in pinned():
        if fault.id is not None:
            first.setdefault(rows[fault.id].family, fault)
    sample: list[Fault] = []
    for fault in sorted(first.values(), key=lambda one: len(one.profiles)):
        often = Counter(profile for one in sample for profile in one.profiles)
        sample.append(dataclasses.replace(fault, profiles=(min(fault.profiles, key=lambda name: often[name]),)))
    return sample


def test_a_fault_of_each_family_is_caught() -> None:
    sample = of_each_family()
    assert {profile for one in sample for profile in one.profiles} == set(builtin_profiles())
    assert {load_registry().rows[one.id].family for one in sample if one.id} == set(load_registry().families)
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
