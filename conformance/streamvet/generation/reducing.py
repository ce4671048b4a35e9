"""From a try that has shown something to the smallest stimulus that still does, and how often that one fails.

The same requirement counts, whatever its finding says. Must not know how stimuli are made simpler.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from streamvet.generation.reproducing import likelier_variants
from streamvet.generation.shrinking import canonical, smallest
from streamvet.probes.program import CONNECTIONS

if TYPE_CHECKING:
    from streamvet.campaign import Workshop
    from streamvet.generation.lawful import Law
    from streamvet.generation.trying import Trials
    from streamvet.generation.workers import Findings
    from streamvet.outcome import Finding
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

SHRINK_REQUESTS = 3000  # of the search for one finding: candidates may have to pay for them
REPLAYS = 5  # of what is reported, one after another, to say how often it fails
_SURE = 3  # tries of what has shown something, to say how often it does
_STEADY = 2  # of these show it again: then something simpler is to do so as well
# In how many of how many tries something simpler has to show it, by how often it was shown before. What depends on a
# moment must not get rarer with every step that is taken away.
_SHOWS = {3: (1, 1), 2: (2, 3), 1: (1, 4)}


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
    whole: bool = True  # the search for something smaller was not cut short


class _Replayed(NamedTuple):
    """How often a stimulus has failed when it was tried again."""

    stimulus: Stimulus
    fails: int
    runs: int


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
        self._until_us = workshop.clock_us() + within_us
        self._until_requests = trials.requests + SHRINK_REQUESTS
        self._begun = trials.tries, trials.requests
        self._needs = _SHOWS[_SURE]
        self._cut_short = True  # until it has ended
        self._passed: dict[str, Trace] = {}  # by stimulus, of those that have shown it too

    def _over(self) -> bool:
        return self._workshop.clock_us() >= self._until_us or self._trials.requests >= self._until_requests

    async def _shows(self, stimulus: Stimulus) -> bool:
        """Whether a stimulus shows it, by what is remembered of it, or by trying it as often as it takes."""
        shown, (times, tries) = self._trials.shown(stimulus), self._needs
        while (missing := times - shown.times[self._requirement]) > 0:
            if missing > tries - shown.tries or self._over() or not self._trials.affords(stimulus):
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

    async def _how_often(self, stimulus: Stimulus, tries: int) -> int:
        """In how many of some tries at once a stimulus shows it."""
        return (await asyncio.gather(*(self._fails(stimulus) for _ in range(tries)))).count(True)

    async def _steady(self, stimulus: Stimulus) -> tuple[Stimulus, int]:
        """A stimulus that shows it again mostly, and in how many of `_SURE` tries; where there is none, the same."""
        best = stimulus, await self._how_often(stimulus, _SURE)
        if best[1] == _SURE:
            return best
        setting = self._workshop.setting
        most = min(CONNECTIONS, setting.target.max_concurrency)
        for more in likelier_variants(stimulus, most, setting.scale, self._law.form):
            if best[1] >= _STEADY or self._over():
                break
            times = await self._how_often(more, _SURE)
            best = max(best, (more, times), key=lambda one: one[1])
        return best[0], min(best[1], _STEADY)

    async def comes_again(self) -> bool:
        """Whether some more tries show it at all."""
        return await self._how_often(self._sighting.stimulus, _SURE) > 0

    async def found(self) -> Found:
        """The smallest one, whose traces become evidence: of both outcomes where it does not always fail."""
        trials = self._trials
        steady, times = await self._steady(self._sighting.stimulus)
        stimulus = steady
        if times:
            self._needs = _SHOWS[times]
            at_once = self._workshop.at_once
            stimulus = await smallest(steady, self._shows, self._law.mended, self._over, at_once, form=self._law.form)
        took = trials.tries, trials.requests
        self._cut_short = self._over()
        reports = [await self._replayed(stimulus)]
        if reports[0].fails < _STEADY and stimulus is not steady:  # what was taken away had made it fail more often
            reports.append(await self._replayed(steady))
        best = max(reports, key=lambda one: one.fails)
        passed = self._passed.get(canonical(best.stimulus))
        if passed is not None:
            self._workshop.hand_out(passed)
        return self._found(best, took)

    async def _replayed(self, stimulus: Stimulus) -> _Replayed:
        outcomes = [outcome for _ in range(REPLAYS) if (outcome := await self._fails(stimulus)) is not None]
        return _Replayed(stimulus, outcomes.count(True), len(outcomes))

    def so_far(self) -> Found:
        """The smallest one that was found by now, where there is no time to look on."""
        stimulus = min(self._trials.showing(self._requirement), key=lambda one: len(canonical(one)))
        return self._found(_Replayed(stimulus, 0, 0), (self._trials.tries, self._trials.requests))

    def _found(self, report: _Replayed, took: tuple[int, int]) -> Found:
        shown, sighting = self._trials.shown(report.stimulus), self._sighting
        if self._requirement not in shown.traces:  # it never came again
            report, shown = _Replayed(sighting.stimulus, 0, report.runs), self._trials.shown(sighting.stimulus)
        self._workshop.hand_out(shown.traces[self._requirement])
        return Found(
            self._requirement, report.stimulus, shown.findings[self._requirement], report.fails, report.runs,
            sighting.tries, sighting.requests, took[0] - self._begun[0], took[1] - self._begun[1], not self._cut_short,
        )  # fmt: skip
