"""Generated stimuli are tried and judged here, and what each has shown is remembered.

Must not know why a stimulus is tried.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamvet.generation.shrinking import canonical

if TYPE_CHECKING:
    from streamvet.campaign import Workshop
    from streamvet.generation.workers import Findings, Workers
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace


@dataclass(slots=True)
class Shown:
    """What a stimulus has shown so far: in how many tries, and for each finding in how many, and the last trace."""

    tries: int = 0
    times: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=dict)
    traces: dict[str, Trace] = field(default_factory=dict)


def _key(stimulus: Stimulus) -> bytes:
    """A few octets for each: in an hour there are a hundred thousand stimuli, and some are long."""
    return hashlib.blake2b(canonical(stimulus).encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Trials:
    """All generated tries of one campaign."""

    def __init__(self, workshop: Workshop, workers: Workers) -> None:
        self.tries = 0
        self.requests = 0
        self.short = False  # whether there were too few runs left for a stimulus
        self._workshop = workshop
        self._workers = workers
        self._shown: dict[bytes, Shown] = {}
        self._showing: dict[str, list[Stimulus]] = {}
        self._starts_left = workshop.starts_left

    def meets(self, stimulus: Stimulus) -> bool:
        """Whether nobody has asked for a stimulus before."""
        key = _key(stimulus)
        is_new = key not in self._shown
        self._shown.setdefault(key, Shown())
        return is_new

    def shown(self, stimulus: Stimulus) -> Shown:
        """What is remembered of a stimulus."""
        return self._shown.setdefault(_key(stimulus), Shown())

    def amend(self, stimulus: Stimulus, before: Trace, after: Trace) -> None:
        """Remember another trace in the place of one that a stimulus has shown something with."""
        traces = self.shown(stimulus).traces
        traces.update({name: after for name, one in traces.items() if one is before})

    def showing(self, requirement: str) -> list[Stimulus]:
        """The stimuli that have shown a finding of it."""
        return self._showing.get(requirement, [])

    @property
    def spent(self) -> bool:
        """Whether no more runs may be started."""
        return self._starts_left is not None and self._starts_left <= 0

    def affords(self, stimulus: Stimulus) -> bool:
        """Whether the runs that it starts may be started; then they are counted."""
        if self._starts_left is None:
            return True
        runs = self._workshop.program.runs(stimulus)
        if runs > self._starts_left:
            self.short = True
            return False
        self._starts_left -= runs
        return True

    async def again(self, stimulus: Stimulus, requirement: str, times: int) -> tuple[int, int]:
        """In how many of so many more tries, fewer where no more runs may be started, a stimulus shows a finding."""
        shown = [requirement in (await self.once(stimulus))[1] for _ in range(times) if self.affords(stimulus)]
        return shown.count(True), len(shown)

    async def once(self, stimulus: Stimulus) -> tuple[Trace, Findings]:
        """Try a stimulus once more."""
        trace = await self._workshop.perform(stimulus)
        self.tries += 1
        self.requests += len(trace.exchanges)
        findings = await self._workers.findings(str(self._workshop.setting.profile.folder), trace)
        shown = self.shown(stimulus)
        shown.tries += 1
        for name in findings.keys() - shown.findings.keys():
            self._showing.setdefault(name, []).append(stimulus)
        shown.times.update(findings.keys())
        shown.findings |= findings
        shown.traces |= dict.fromkeys(findings, trace)
        return trace, findings
