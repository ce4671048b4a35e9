"""From a try that has shown something to the smallest stimulus that still does, and how often that one fails.

The same requirement counts, whatever its finding says. Must not know how stimuli are made simpler.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet.generation.shrinking import canonical, smallest
from streamvet.recorder import now_us

if TYPE_CHECKING:
    from streamvet.campaign import Workshop
    from streamvet.generation.lawful import Law
    from streamvet.generation.trying import Findings, Trials
    from streamvet.outcome import Finding
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

SHRINK_REQUESTS = 3000  # of the search for one finding: candidates may have to pay for them
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

    def __init__(
        self, requirement: str, sighting: Sighting, trials: Trials, law: Law, workshop: Workshop, *, within_us: int
    ) -> None:  # fmt: skip
        self._requirement = requirement
        self._sighting = sighting
        self._trials = trials
        self._law = law
        self._workshop = workshop
        self._until_us = now_us() + within_us
        self._until_requests = trials.requests + SHRINK_REQUESTS
        self._begun = trials.tries, trials.requests
        self._attempts = 1
        self._passed: dict[str, Trace] = {}  # by stimulus, of those that have shown it too

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

    async def _fails(self, stimulus: Stimulus) -> bool | None:
        """Whether one more try shows it; None where no more may be made."""
        if not self._trials.affords(stimulus):
            return None
        trace, findings = await self._trials.once(stimulus)
        if self._requirement in findings:
            return True
        self._passed[canonical(stimulus)] = trace
        return False

    async def found(self) -> Found:
        """The smallest one, whose traces become evidence: of both outcomes where it does not always fail."""
        trials, stimulus = self._trials, self._sighting.stimulus
        again = await asyncio.gather(*(self._fails(stimulus) for _ in range(_SURE)))
        self._attempts = _ATTEMPTS.get(again.count(True), 0)
        if self._attempts:
            at_once = self._workshop.at_once
            stimulus = await smallest(stimulus, self._shows, self._law.mended, self._over, at_once)
        took = trials.tries, trials.requests
        outcomes = [outcome for _ in range(REPLAYS) if (outcome := await self._fails(stimulus)) is not None]
        passed = self._passed.get(canonical(stimulus))
        if passed is not None:
            self._workshop.hand_out(passed)
        return self._found(stimulus, outcomes.count(True), len(outcomes), took)

    def so_far(self) -> Found:
        """The smallest one that was found by now, where there is no time to look on."""
        stimulus = min(self._trials.showing(self._requirement), key=lambda one: len(canonical(one)))
        return self._found(stimulus, 0, 0, (self._trials.tries, self._trials.requests))

    def _found(self, stimulus: Stimulus, fails: int, runs: int, took: tuple[int, int]) -> Found:
        shown, sighting = self._trials.shown(stimulus), self._sighting
        self._workshop.hand_out(shown.traces[self._requirement])
        return Found(
            self._requirement, stimulus, shown.findings[self._requirement], fails, runs, sighting.tries,
            sighting.requests, took[0] - self._begun[0], took[1] - self._begun[1],
        )  # fmt: skip
