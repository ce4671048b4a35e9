"""The explorer: tries what is generated until time is up, and makes smaller what shows something new.

Findings are those of the checks that judge everything; one of a requirement that has a finding already tells nothing
new. The traces of a search are no evidence, but for the one of the smallest stimulus. Must not know how a try is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from streamvet.contract.registry import load_registry
from streamvet.generation.ground import ground_of
from streamvet.generation.lawful import Law
from streamvet.generation.shrinking import canonical, smallest
from streamvet.generation.source import Source
from streamvet.judge import Judge
from streamvet.probes.program import runs_of
from streamvet.recorder import now_us

if TYPE_CHECKING:
    from types import TracebackType

    from streamvet.campaign import Workshop
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Finding
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

# Of a run that waits for nothing: enough for some hundred tries on a loopback candidate.
LEAST_BUDGET_S = 10.0
# On an ambient stream nothing else is tried meanwhile, and the silence that its heartbeats need comes after it.
AMBIENT_BUDGET_S = 3.0
# Of the search for the smallest stimulus of one finding. It is not a part of the time for exploring: what was found at
# its end is made smaller too.
SHRINK_S, SHRINK_REQUESTS = 15.0, 3000
REPLAYS = 5  # of what is reported, to say how often it fails
_SURE = 3  # tries of what has shown something, to say how often it does
_ATTEMPTS = {3: 1, 2: 2, 1: 4}  # tries of something simpler before it counts as not showing it, by how often that was


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to explore. `budget_s` None: as long as the profile's longest wait; `examples`: at most so many tries."""

    seed: int = 0
    budget_s: float | None = None
    examples: int | None = None
    longest_wait_s: float | None = None  # that is run at all

    def seconds(self, profile: Profile, scale: float) -> float:
        """The budget on a candidate."""
        if self.budget_s is not None:
            return self.budget_s
        if profile.streams == "ambient":
            return AMBIENT_BUDGET_S
        wait_s = profile.mandated_wait_s(scale)
        return max(wait_s if self.longest_wait_s is None else min(wait_s, self.longest_wait_s), LEAST_BUDGET_S)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one requirement: the smallest stimulus that shows it, how, and how often it does.

    `tries` and `requests` are what it took to find it; then what it took to make it smaller.
    """

    requirement: str
    stimulus: Stimulus
    finding: Finding
    fails: int
    runs: int
    tries: int
    requests: int
    shrink_tries: int
    shrink_requests: int


@dataclass(slots=True)
class _Verdict:
    """What a stimulus has shown so far."""

    tries: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)  # by requirement, the first one
    trace: Trace | None = None  # the last one that has shown something


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A try that has shown something new."""

    stimulus: Stimulus
    trace: Trace
    findings: dict[str, Finding]
    tries: int
    requests: int


Known = Callable[[], Awaitable[Collection[str]]]


async def _nothing() -> Collection[str]:
    return ()


class Explorer:
    """Explores one candidate. Used as a context, and given to a campaign.

    `known` says which requirements have findings anyway; with `only` no others count, and it ends when all have one.
    """

    def __init__(self, effort: Effort, known: Known = _nothing, only: Collection[str] | None = None) -> None:
        self.effort = effort
        self.found: dict[str, Found] = {}
        self.tries = 0
        self.requests = 0
        self._known = known
        self._only = only
        self._source = Source(effort.seed)

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.__exit__(kind, error, trace)

    async def __call__(self, workshop: Workshop) -> None:
        """Explore until there is no more time, or nothing more to be found."""
        profile, scale = workshop.setting.profile, workshop.setting.scale
        begun_us = now_us() if profile.streams == "ambient" else workshop.begun_us
        budget_us = int(self.effort.seconds(profile, scale) * 1e6)
        await _Exploration(self, workshop, begun_us + budget_us).run()

    async def is_new(self, requirement: str) -> bool:
        """Whether a finding of it would tell something new."""
        wanted = self._only is None or requirement in self._only
        return wanted and requirement not in self.found and requirement not in await self._known()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to be found, or enough was tried."""
        enough = self.effort.examples is not None and self.tries >= self.effort.examples
        return enough or (self._only is not None and self.found.keys() >= set(self._only))

    def stimuli(self, workshop: Workshop) -> asyncio.AsyncIterator[Stimulus]:  # type: ignore[name-defined]
        return self._source.stimuli(ground_of(workshop.setting))
