"""What goes into a campaign and what comes out of it, besides traces. Values only.

Must not know tries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from streamvet.probes.setting import FULL_EFFORT, Effort


@dataclass(frozen=True, slots=True)
class Settings:
    """How a campaign is run. `max_wait_s` None: every wait; `wait_s`: for the candidate to come up."""

    time_scale: float | None = None  # None: the target's
    max_wait_s: float | None = None
    wait_s: float = 10.0
    seed: int = 0
    effort: Effort = FULL_EFFORT


@dataclass(frozen=True, slots=True)
class Running:
    """A try that is under way."""

    name: str
    wait_s: float  # what it has to wait in any case
    for_s: float  # how long it has been running


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is."""

    done: int
    total: int
    running: tuple[Running, ...]  # the longest wait first
    left_s: float  # of the longest wait that is under way
    generated: int = 0  # tries besides those that were planned


@dataclass(slots=True)
class Summary:
    """What came of a campaign, besides its traces."""

    tries: int = 0
    generated: int = 0  # tries besides those that were planned
    repeated: int = 0  # tries that were repeated because the harness itself was late
    duration_s: float = 0.0
    mandated_wait_s: float = 0.0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # requirement, reason
    errors: list[str] = field(default_factory=list)  # our own mistakes, as text
    deaths: list[str] = field(default_factory=list)  # how a launched candidate ended, each time by itself
    welcome: Counter[bool] = field(default_factory=Counter)  # answers to the first account, by whether it was let in
    can: frozenset[str] = frozenset()  # what the control interface said it can
