"""The explorer: tries what is generated until time is up, and makes smaller what shows something new.

Findings are those of the checks that judge everything; one of a requirement that has a finding already tells nothing
new. Must not know how a try is made, nor how a stimulus.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self
from weakref import WeakSet

from streamvet.contract.registry import load_registry
from streamvet.generation.form import form_of
from streamvet.generation.ground import ground_of
from streamvet.generation.lawful import Law
from streamvet.generation.reducing import REPLAYS, Found, Reduction, Sighting
from streamvet.generation.trying import Trials
from streamvet.generation.workers import Workers
from streamvet.probes.program import is_alone
from streamvet.recorder import now_us
from streamvet.trace import Late

if TYPE_CHECKING:
    from types import TracebackType

    from streamvet.campaign import Workshop
    from streamvet.generation.workers import JudgeIn
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

# Of the longest wait: what was tried has to be judged too before that is over.
WAIT_SHARE = 0.9
# Of a campaign that waits for less: enough for some hundred tries on a loopback candidate.
LEAST_BUDGET_S = 10.0
# Where other tries have taken that already.
LATE_BUDGET_S = 3.0
# Of the searches for the smallest stimuli, for one finding and for all of a candidate. They are no part of the time for
# exploring: what was found at its end is made smaller too.
SHRINK_S, SHRINK_ALL_S = 20.0, 60.0

MOST_ALONE = 3  # of a campaign: it has to wait for each until the candidate is up again
# Stimuli one after the other of which none is new: what can be tried on this candidate has been, where no clock says
# when to stop looking. Ten batches; a candidate that is told what to emit has new ones without end.
ALIKE = 200
_LATE_US = 3600 * 1_000_000  # more than any tolerance

# The requirements that have findings already, so that one more tells nothing new.
Known = Callable[[], Awaitable[Collection[str]]]


async def nothing_known() -> Collection[str]:
    """Where nothing else is tried."""
    return ()


async def at_once() -> None:
    """Where nobody has to take a trace before there is the next one."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to explore. `examples`: at most so many tries; `shrink_s`: to look for something smaller, per finding.

    `budget_s` counts from the first try on. None: until the longest wait of the campaign is nearly over, or until there
    were so many `examples`.
    """

    seed: int = 0
    budget_s: float | None = None
    examples: int | None = None
    shrink_s: float = SHRINK_S

    @property
    def counts(self) -> bool:
        """Whether a number of tries alone says when it is over."""
        return self.examples is not None and self.budget_s is None

    def lateness(self, workshop: Workshop) -> Callable[[float], bool]:
        """Tells whether it is too late for what takes so many seconds; the time for exploring begins now.

        A budget is time in which tries may be made. The longest wait goes on while they may not. With a number of
        examples and no budget it is never too late: which tries are made does not depend on the clock then.
        """
        if self.counts:
            return lambda _seconds: False
        least_s = LATE_BUDGET_S if self.budget_s is None else self.budget_s
        end_us = workshop.clock_us() + int(least_s * 1e6)
        usual_s = max(workshop.longest_wait_s * WAIT_SHARE, LEAST_BUDGET_S) if self.budget_s is None else 0.0
        over_us = workshop.begun_us + int(usual_s * 1e6)

        def late(seconds: float) -> bool:
            return workshop.clock_us() + seconds * 1e6 >= end_us and now_us() + seconds * 1e6 >= over_us

        return late


class Explorer:
    """Explores one candidate: used as a context, and given to a campaign. What it finds is in `found`.

    With `only` no other requirements count, and it ends when all of these are found. `ready` is awaited before a try.
    """

    def __init__(
        self, judge_in: JudgeIn, effort: Effort, known: Known = nothing_known, only: Collection[str] | None = None,
        ready: Callable[[], Awaitable[None]] = at_once,
    ) -> None:  # fmt: skip
        self.found: dict[str, Found] = {}
        self.tries = 0
        self.requests = 0
        self.spent = False  # whether it ended as no more runs may be started
        self.late = False  # whether its budget was over before its first try
        self.doubtful = 0  # tries that missed a bound in time, which none of their repetitions did
        self._effort = effort
        self._known = known
        self._only = only
        self._ready = ready
        self._workers = Workers(effort.seed, judge_in)
        self._pinned: Collection[str] = ()  # what was known when it was asked for last
        self._sightings: list[Sighting] = []
        self._explored = 0
        self._shrink_us = int(SHRINK_ALL_S * 1e6)
        self._is_over: Callable[[], bool] = lambda: False

    def __enter__(self) -> Self:
        self._workers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workers.__exit__(kind, error, trace)

    async def __call__(self, workshop: Workshop) -> None:
        """Explore until there is no more time, or nothing more to be found."""
        late: Callable[[float], bool] | None = None  # once there is something to try
        self._is_over = workshop.is_over
        workshop = replace(workshop, hand_out=_once(workshop.hand_out))
        trials = Trials(workshop, self._workers)
        running: set[asyncio.Task[None]] = set()
        alone: list[Stimulus] = []  # what nothing else may see, for when everything else is tried
        alike = 0
        try:
            async for stimulus in self._workers.stimuli(ground_of(workshop.setting, workshop.generation)):
                # What a try has to wait in any case has to be over in time.
                late = late or self._effort.lateness(workshop)
                if late(workshop.program.wait_ms(workshop.setting, stimulus) / 1000):
                    self.late = self._effort.budget_s is not None and not self._explored
                    break
                alike += 1
                if self._is_done() or trials.spent or (self._effort.counts and alike > ALIKE):
                    break
                if is_alone(stimulus):
                    alone.append(stimulus)
                    continue
                if not trials.meets(stimulus) or not trials.affords(stimulus):
                    continue
                alike = 0
                await self._ready()
                self._explored += 1
                running.add(asyncio.create_task(self._look(stimulus, trials, workshop)))
                await _some(running, workshop.at_once - 1)
                if self._sightings:
                    await _some(running, 0)
                    await self._reduce(trials, workshop)
            await _some(running, 0)
            await self._reduce(trials, workshop)
            self.spent = trials.short or trials.spent
            for stimulus in alone[:MOST_ALONE]:
                if self._is_done() or not trials.meets(stimulus) or not trials.affords(stimulus):
                    continue
                self._explored += 1
                await self._look(stimulus, trials, workshop)
                await self._reduce(trials, workshop)
            await self._confirm(trials, workshop)
        finally:
            for task in running:
                task.cancel()
            self._keep(trials, workshop)
            self.tries, self.requests = trials.tries, trials.requests

    def _is_done(self) -> bool:
        examples = self._effort.examples
        return (
            self._is_over()
            or (examples is not None and self._explored >= examples)
            or (self._only is not None and self.found.keys() >= set(self._only))
        )

    async def _look(self, stimulus: Stimulus, trials: Trials, workshop: Workshop) -> None:
        """Try a stimulus. Its trace becomes evidence; where it shows something new, behind that of the smallest one."""
        trace, findings = await trials.once(stimulus)
        new = {name: one for name, one in findings.items() if self._counts(name)}
        if new:
            self._sightings.append(Sighting(stimulus, trace, new, trials.tries, trials.requests))
        else:
            workshop.hand_out(trace)

    def _counts(self, requirement: str) -> bool:
        known = requirement in self.found or requirement in self._pinned
        return not known and (self._only is None or requirement in self._only)

    async def _reduce(self, trials: Trials, workshop: Workshop) -> None:
        """Make smaller what was seen, one requirement after another, a MUST before a SHOULD."""
        while self._sightings:
            sighting, self._pinned = self._sightings[0], await self._known()
            seen = trace = sighting.trace
            for requirement in filter(self._counts, _ordered(sighting)):
                begun_us = workshop.clock_us()
                reduction = self._reduction(requirement, sighting, trials, workshop)
                if await self._is_timed(requirement, sighting, workshop) and not await reduction.comes_again():
                    trace = _in_doubt(seen) if trace is seen else trace
                    trials.amend(sighting.stimulus, seen, trace)
                else:
                    self.found[requirement] = await reduction.found()
                self._shrink_us -= workshop.clock_us() - begun_us
            self.doubtful += trace is not seen
            workshop.hand_out(trace)
            self._sightings.pop(0)

    async def _confirm(self, trials: Trials, workshop: Workshop) -> None:
        """Say how often it fails on a candidate that has just been started: others may have left something behind."""
        if not self.found or not await workshop.afresh():
            return
        for requirement, found in self.found.items():
            fails, runs = await trials.again(found.stimulus, requirement, REPLAYS)
            if runs:
                self.found[requirement] = replace(found, fails=fails, runs=runs)

    async def _is_timed(self, requirement: str, sighting: Sighting, workshop: Workshop) -> bool:
        """Whether a finding is about a bound in time: a suite that was late could not tell."""
        folder = str(workshop.setting.profile.folder)
        return requirement not in await self._workers.findings(folder, _in_doubt(sighting.trace))

    def _reduction(self, requirement: str, sighting: Sighting, trials: Trials, workshop: Workshop) -> Reduction:
        law = Law(workshop.setting.profile, workshop.setting.words, form_of(workshop.generation))
        within_us = min(int(self._effort.shrink_s * 1e6), self._shrink_us)
        return Reduction(requirement, sighting, trials, law, workshop, within_us=within_us)

    def _keep(self, trials: Trials, workshop: Workshop) -> None:
        """What was seen and is not made smaller, as we are interrupted: it is found all the same."""
        for sighting in self._sightings:
            for requirement in filter(self._counts, _ordered(sighting)):
                self.found[requirement] = self._reduction(requirement, sighting, trials, workshop).so_far()
            workshop.hand_out(sighting.trace)
        self._sightings.clear()


def _in_doubt(trace: Trace) -> Trace:
    """The same as if the suite had been late all the time.

    Where the cores have other things to do, a candidate may be late and the suite not. What comes again is its own.
    """
    return replace(trace, late=(Late(0, _LATE_US),))


def _once(hand_out: Callable[[Trace], None]) -> Callable[[Trace], None]:
    """The same, but each trace once: one may be the first of a finding and the last that is left."""
    given: WeakSet[Trace] = WeakSet()

    def once(trace: Trace) -> None:
        if trace not in given:
            given.add(trace)
            hand_out(trace)

    return once


async def _some(running: set[asyncio.Task[None]], most: int) -> None:
    """Wait until no more than so many run."""
    while len(running) > most:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        running -= done
        for task in done:
            task.result()


def _ordered(sighting: Sighting) -> list[str]:
    rows = load_registry().rows
    return sorted(sighting.findings, key=lambda name: (rows[name].level != "MUST", list(rows).index(name)))
