"""From a try that has shown something to the smallest stimulus that still does, and how often that one fails.

The same requirement counts, whatever its finding says. Must not know how stimuli are made simpler.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet.generation.shrinking import smallest
from streamvet.recorder import now_us

if TYPE_CHECKING:
    from streamvet.campaign import Workshop
    from streamvet.generation.lawful import Law
    from streamvet.generation.trying import Findings, Trials
    from streamvet.outcome import Finding
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

# Of the search for the smallest stimulus of one finding. Not a part of the time for exploring: what was found at its end
# is made smaller too.
SHRINK_S, SHRINK_REQUESTS = 15.0, 3000
REPLAYS = 5  # of what is reported, one after another, to say how often it fails
_SURE = 3  # tries of what has shown something, to say how often it does
_ATTEMPTS = {3: 1, 2: 2, 1: 4}  # tries of something simpler before it counts as not showing it, by how often that was


@dataclass(frozen=True, slots=True)
class Sighting:
    """A try that has shown something new, and what it took to get there."""

    stimulus: Stimulus
    trace: Trace
    findings: Findings
    tries: int
    requests: int


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


class Reduction:
    """The search for the smallest stimulus that shows a finding of one requirement."""

    def __init__(self, requirement: str, sighting: Sighting, trials: Trials, law: Law, workshop: Workshop) -> None:
        self._requirement = requirement
        self._sighting = sighting
        self._trials = trials
        self._law = law
        self._workshop = workshop
        self._until_us = now_us() + int(SHRINK_S * 1e6)
        self._until_requests = trials.requests + SHRINK_REQUESTS
        self._attempts = 1

    def _over(self) -> bool:
        return now_us() >= self._until_us or self._trials.requests >= self._until_requests

    async def _shows(self, stimulus: Stimulus) -> bool:
        """Whether a stimulus shows it, by what is remembered of it, or by trying it as often as it takes."""
        shown = self._trials.shown(stimulus)
        while self._requirement not in shown.findings:
            if shown.tries >= self._attempts or self._over() or not self._trials.affords(stimulus):
                return False
            await self._trials.once(stimulus)
        return True

    async def found(self) -> Found:
        """The smallest one; its traces are handed out as evidence, of both outcomes where it does not always fail."""
        tries, requests, stimulus = self._trials.tries, self._trials.requests, self._sighting.stimulus
        again = [await self._fails(stimulus) for _ in range(_SURE)]
        self._attempts = _ATTEMPTS.get(sum(again), 0)
        if self._attempts:
            at_once = self._workshop.at_once
            stimulus = await smallest(stimulus, self._shows, self._law.mended, self._over, at_once)
        shrunk_tries, shrunk_requests = self._trials.tries - tries, self._trials.requests - requests
        outcomes = [await self._fails(stimulus) for _ in range(REPLAYS)]
        self._hand_out(stimulus)
        shown = self._trials.shown(stimulus)
        return Found(
            self._requirement, stimulus, shown.findings[self._requirement], sum(outcomes), len(outcomes),
            self._sighting.tries, self._sighting.requests, shrunk_tries, shrunk_requests,
        )  # fmt: skip
