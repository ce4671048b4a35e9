"""Nothing is found on the reference server as it is, whatever the seed, and with both cores busy by something else."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import time
from typing import TYPE_CHECKING

import pytest

from streamvet.campaign import Settings, campaign
from streamvet.contract.folders import builtin_profiles
from streamvet.generation.exploring import Effort, Explorer
from streamvet.prove.running import time_scale
from streamvet.reference import accounts, free_ports, reference
from streamvet.systems import judge_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.long]

SEEDS = 20
BUDGET_S = 5.0  # of each seed
FEW = {"agent-workspace": 1}  # a try looks at a fleet for some of its polls
LEAST_TRIES = 10


def explored(profile_name: str, seed: int, folder: Path) -> tuple[int, dict[str, str]]:
    """How many tries were made on the honest server, and what they found."""
    given = accounts()[profile_name]
    target, profile = reference(profile_name, given, folder, free_ports(), time_scale=time_scale(profile_name))
    with Explorer(judge_in, Effort(seed, BUDGET_S)) as explorer:
        summary = asyncio.run(
            campaign(target, profile, Settings(seed=seed), lambda _trace: None, cases=(), explore=explorer)
        )
    assert summary.errors == []
    return explorer.tries, {name: f"{one.finding.seen}\n{one.stimulus}" for name, one in explorer.found.items()}


def _spin(until_s: float) -> None:
    while time.monotonic() < until_s:
        pass


@contextlib.contextmanager
def burning() -> Iterator[None]:
    """All cores have something else to do."""
    until_s = time.monotonic() + SEEDS * BUDGET_S * 10
    spinning = [multiprocessing.Process(target=_spin, args=(until_s,)) for _ in range(os.cpu_count() or 1)]
    for one in spinning:
        one.start()
    try:
        yield
    finally:
        for one in spinning:
            one.kill()
            one.join()


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("profile", builtin_profiles())
@pytest.mark.parametrize("busy", [False, True], ids=["quiet", "busy"])
def test_nothing_is_found(profile: str, seed: int, tmp_path: Path, *, busy: bool) -> None:
    with burning() if busy else contextlib.nullcontext():
        tries, found = explored(profile, seed, tmp_path)
    assert found == {}
    assert tries >= (1 if busy else FEW.get(profile, LEAST_TRIES))
