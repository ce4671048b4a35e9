"""The faults that no pinned stimulus shows: looked for by what is generated, with some seeds each.

Nothing else is tried, and nothing but the requirement that the fault names counts. Must not know what a fault does, nor
how stimuli are made.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from streamvet.campaign import Settings, campaign
from streamvet.generation.exploring import SHRINK_S, Effort, Explorer
from streamvet.prove.running import CAME_TO_NOTHING, beside_each_other, time_scale
from streamvet.reference import Fault, free_ports, reference
from streamvet.systems import judge_in
from streamvet.worker_pool import cancelled_on_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

SEEDS = 10
BUDGET_S = 15.0  # of one seed, from the first try on; what was found is made smaller after that
ENOUGH = 0.9  # of the seeds have to find it
# A hunt keeps about a core busy: its campaign, a server, and two processes that make stimuli and judge traces.
AT_ONCE = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Hunt:
    """One fault on one profile, looked for with one seed. `given` is the profile's row of the server's accounts.

    `shrink_s`: how long what was found may be made smaller.
    """

    fault: Fault
    profile: str
    given: Mapping[str, Any]
    seed: int
    ports: tuple[int, ...]
    shrink_s: float = SHRINK_S

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.fault.name} on {self.profile} with seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Hunted:
    """What came of a hunt: how many tries and requests it took to find it, and to make it small, where it was found.

    `tries` and `requests` are those of the whole hunt where it was not. The smallest stimulus shows it in `fails` of
    `runs` tries; `seen` is the finding.
    """

    hunt: Hunt
    found: bool
    tries: int = 0
    requests: int = 0
    shrink_tries: int = 0
    shrink_requests: int = 0
    fails: int = 0
    runs: int = 0
    seen: str = ""
    errors: tuple[str, ...] = ()
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Catch:
    """One row of the table: a fault on a profile, in how many seeds it was found, and the medians of those.

    `fails` of `runs` tries of the smallest stimuli, those of all seeds together, show it.
    """

    fault: str
    id: str
    profile: str
    found: int
    seeds: int
    tries: float | None
    requests: float | None
    shrink_tries: float | None
    shrink_requests: float | None
    fails: int
    runs: int

    @property
    def enough(self) -> bool:
        """Whether it was found in enough seeds."""
        return self.found >= ENOUGH * self.seeds


def hunts(
    faults: Iterable[Fault], accounts: Mapping[str, Any], profiles: Sequence[str], seeds: Iterable[int]
) -> list[Hunt]:
    """Each fault on each of its profiles with each seed."""
    return [
        Hunt(fault, profile, accounts[profile], seed, free_ports())
        for fault in faults
        for profile in fault.profiles
        if profile in profiles
        for seed in seeds
    ]


def go_hunting(todo: Sequence[Hunt], on_done: Callable[[Hunted], None]) -> list[Hunted]:
    """Perform hunts, in processes of their own; in their order."""
    results = beside_each_other(hunt_one, dict(enumerate(todo)), AT_ONCE, on_done)
    return [results[index] for index in sorted(results)]


def hunt_one(hunt: Hunt) -> Hunted:
    """One hunt: the server, and a campaign that tries nothing but what is generated."""
    folder = Path(tempfile.mkdtemp(prefix="streamvet-hunt-"))
    target, profile = reference(
        hunt.profile, dict(hunt.given), folder, hunt.ports, time_scale=time_scale(hunt.profile),
        faults=[hunt.fault.name],
    )  # fmt: skip
    wanted = hunt.fault.id or ""
    try:
        with Explorer(judge_in, _effort(hunt), only=[wanted]) as explorer:
            settings = Settings(seed=hunt.seed)
            work = campaign(target, profile, settings, lambda _trace: None, cases=(), explore=explorer)
            summary = asyncio.run(cancelled_on_signal(work))
    except CAME_TO_NOTHING as error:
        return Hunted(hunt, found=False, errors=(str(error) or "interrupted",))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    errors, found = tuple(summary.errors), explorer.found.get(wanted)
    if found is None:
        return Hunted(
            hunt, found=False, tries=explorer.tries, requests=explorer.requests, errors=errors,
            duration_s=summary.duration_s,
        )  # fmt: skip
    return Hunted(
        hunt, found=True, tries=found.tries, requests=found.requests, shrink_tries=found.shrink_tries,
        shrink_requests=found.shrink_requests, fails=found.fails, runs=found.runs,
        seen=f"expected {found.finding.expected}, seen {found.finding.seen}",
        errors=errors, duration_s=summary.duration_s,
    )  # fmt: skip


def _effort(hunt: Hunt) -> Effort:
    return Effort(hunt.seed, BUDGET_S, shrink_s=hunt.shrink_s)


def catches(results: Iterable[Hunted]) -> list[Catch]:
    """The table: a row for each fault and profile, in the order of the hunts."""
    rows: dict[tuple[str, str], list[Hunted]] = {}
    for one in results:
        rows.setdefault((one.hunt.fault.name, one.hunt.profile), []).append(one)
    return [_catch(row) for row in rows.values()]


def _catch(row: Sequence[Hunted]) -> Catch:
    hunt, hits = row[0].hunt, [one for one in row if one.found]

    def typical(figure: Callable[[Hunted], int]) -> float | None:
        return median(map(figure, hits)) if hits else None

    return Catch(
        hunt.fault.name, hunt.fault.id or "", hunt.profile, len(hits), len(row),
        typical(lambda one: one.tries), typical(lambda one: one.requests),
        typical(lambda one: one.shrink_tries), typical(lambda one: one.shrink_requests),
        sum(one.fails for one in hits), sum(one.runs for one in hits),
    )  # fmt: skip
