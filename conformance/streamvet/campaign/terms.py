"""What goes into a campaign and what comes out of it, besides traces. Values only.

Must not know tries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamvet.probes.setting import FULL_EFFORT, Effort

if TYPE_CHECKING:
    from collections.abc import Collection

    from streamvet.contract.profile import Profile

# How long a run of the suite may take where nobody says so: five minutes, or its longest wait and a little.
_DEADLINE_S, _DEADLINE_WAITS = 300.0, 1.3


def deadline_s(
    profile: Profile, scale: float, max_active_runs: int | None = None, seed: int | None = None
) -> float:  # fmt: skip
    """How long a run of the suite on this profile may take, where nobody says so.

    Where few runs may be at work at once, what else there is to try comes when those that are waited for are over.
    """
    wait_s = profile.mandated_wait_s(scale, max_active_runs, seed)
    return max(
        _DEADLINE_S, _DEADLINE_WAITS * wait_s, wait_s + _DEADLINE_S if max_active_runs and profile.starts else 0.0
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """How a campaign is run. `max_wait_s` None: every wait; `wait_s`: for the candidate to come up.

    No try goes on after `until_us`, by `now_us`; None: it is so far away as the profile asks for. With `probes` the
    tries of probes with these names are made, else with `only` those that serve one of these requirements.
    """

    time_scale: float | None = None  # None: the target's
    max_wait_s: float | None = None
    wait_s: float = 10.0
    seed: int = 0
    effort: Effort = FULL_EFFORT
    until_us: int | None = None
    only: Collection[str] | None = None
    probes: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A try that is under way."""

    name: str
    wait_s: float  # what it has to wait in any case
    for_s: float  # how long it has been running
    awaits: str = ""  # what it waits for otherwise, "" where that is not told
    at_most_s: float = 0.0  # how long it will wait for that


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is."""

    done: int
    total: int
    running: tuple[Running, ...]  # the longest wait first
    left_s: float  # of the longest wait that is under way
    generated: int = 0  # tries besides those that were planned
    deadline_s: float | None = None  # until no try goes on; None: that is not told


@dataclass(slots=True)
class Summary:
    """What came of a campaign, besides its traces."""

    tries: int = 0
    generated: int = 0  # tries besides those that were planned
    repeated: int = 0  # tries that were repeated because the harness itself was late
    retried: int = 0  # attempts at tries in which something seemed to be over its time
    duration_s: float = 0.0
    mandated_wait_s: float = 0.0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # requirement, reason
    # Tries that the deadline cut short, with the requirements that they serve.
    untried: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    never: dict[str, float] = field(default_factory=dict)  # runs of which none ended, and how long one was waited for
    errors: list[str] = field(default_factory=list)  # our own mistakes, as text
    deaths: list[str] = field(default_factory=list)  # how a launched candidate ended, each time by itself
    welcome: Counter[bool] = field(default_factory=Counter)  # answers to the first account, by whether it was let in
    can: frozenset[str] = frozenset()  # what the control interface said it can
