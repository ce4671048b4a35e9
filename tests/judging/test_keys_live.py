"""A key that a profile leaves out is never judged on a server that runs: the honest one is never red for it.

The run's profile keeps its name, as the server's control interface tells it, and with it the figures that the system's
own probes need; what only the system promises is not judged.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.campaign import SMALL_EFFORT, Settings, campaign
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.registry import load_registry
from streamvet.outcome import Verdict
from streamvet.reference import accounts, free_ports, reference
from streamvet.systems import SYSTEMS
from streamvet.verdicts import Judge

from .keys import GENERIC, KEYS, dropped, fewest, without

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.trace import Trace
    from streamvet.verdicts import Ruling

pytestmark = pytest.mark.live

SCALE = 0.02
GIVEN = ("figures", "auth.login", "operations.login")  # the target file has what goes with the login
# What is undecided where the machine was too busy to tell.
BUSY = {"HBT-01", "HBT-02", "HBT-06", "HBT-07", "TRN-03", "TRN-07", "TRN-14", "TRN-15", "CAT-11", "CAT-12", "TRM-08"}
# What no try brings about by itself: a run that is silent when it is opened, where nobody waits for heartbeats.
UNPLANNED = {"TRN-20"}


def rulings_of(system: str, keys: tuple[str, ...], folder: Path) -> dict[str, Ruling]:
    """What a small run says of the honest server by the profile without these keys."""
    less = without(system, keys)
    assert less is not None
    target, whole = reference(system, accounts()[system], folder, free_ports(), time_scale=SCALE)
    assert less.digest == whole.digest
    bench = Judge(less, load_registry(), SYSTEMS[system].checks)

    def keep(trace: Trace) -> None:
        bench.add(trace)

    summary = asyncio.run(campaign(target, replace(less, name=system), Settings(effort=SMALL_EFFORT), keep))
    assert (summary.errors, bench.errors) == ([], [])
    return {one.requirement.id: one for one in bench.rulings() if one.requirement.id in GENERIC}


def check(system: str, keys: tuple[str, ...], folder: Path) -> None:
    found = rulings_of(system, keys, folder)
    assert {name: one.findings[:1] for name, one in found.items() if one.findings} == {}
    undecided = {name: one.reason for name, one in found.items() if one.verdict is Verdict.INCONCLUSIVE}
    assert {name: reason for name, reason in undecided.items() if name not in BUSY | UNPLANNED} == {}


def _needless(system: str) -> tuple[str, ...]:
    return tuple(key for key in fewest(system) if not key.startswith(GIVEN))


@pytest.mark.parametrize("system", ["promptfloe", "cosma"])
def test_an_honest_server_is_never_red_by_a_profile_that_says_little(system: str, tmp_path: Path) -> None:
    check(system, _needless(system), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("system", builtin_profiles())
def test_each_honest_server_is_never_red_by_a_profile_that_says_little(system: str, tmp_path: Path) -> None:
    check(system, _needless(system), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(("system", "key"), KEYS)
def test_an_honest_server_is_never_red_by_a_key_that_is_left_out(system: str, key: str, tmp_path: Path) -> None:
    keys = dropped(system, key)
    if keys and not key.startswith(GIVEN):
        check(system, keys, tmp_path)
