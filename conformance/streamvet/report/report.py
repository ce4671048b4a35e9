"""The report as a value: the verdicts on one candidate, and what a reader needs to weigh them.

Must not know in which form it is shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamvet.contract.evidence import Evidence
from streamvet.outcome import Verdict
from streamvet.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.report.exhibit import Exhibit
    from streamvet.verdicts import Ruling

# Verdicts that a reader has to look at, the worst first; the rest is counted only.
LOUD = (Verdict.ERROR, Verdict.FAIL, Verdict.WARN, Verdict.WAIVED, Verdict.NOTE, Verdict.INCONCLUSIVE)

# Fields of a report that a file of it has under the same name; it leaves out what is as in a plain run.
FACTS = ("traces", "pinned", "offline", "interrupted", "cut_short", "partial", "events", "eventless", "scored_by")


@dataclass(frozen=True, slots=True)
class Replay:
    """The smallest generated try that shows a finding: as a sentence, how often it fails, its file and its command."""

    story: str
    often: str
    file: str
    command: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out about one candidate. Seconds are of the wall, `started_at` is RFC 3339 in UTC."""

    profile: str
    title: str
    target: str  # a base URL, or where the traces came from
    rulings: tuple[Ruling, ...]
    families: Mapping[str, str]  # family -> title, in the order of the specification
    spec: int  # revision of the requirements
    started_at: str
    duration_s: float
    mandated_wait_s: float
    time_scale: float = 1.0
    seed: int = 0
    version: str = VERSION
    lacks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()  # waivers that no longer hold, each with what is wrong with it
    errors: tuple[str, ...] = ()  # mistakes of the suite, each of which cost one try or one trace
    exhibits: Mapping[str, tuple[Exhibit, ...]] = field(default_factory=dict)  # id -> its first findings, with bytes
    replays: Mapping[str, Replay] = field(default_factory=dict)  # id -> where generated tries have found it
    traces: int = 0
    pinned: int = 0  # tries that are always made; 0 where they were not counted
    generated: int = 0  # tries that were, whether or not their traces were kept
    offline: bool = False  # judged from traces: what they do not hold is nobody's fault
    interrupted: bool = False
    cut_short: bool = False  # the deadline was over before everything was tried and judged
    evidence: frozenset[Evidence] = frozenset(Evidence)  # the levels that the run has
    # The lowest level at which each requirement can be exercised: by a capture, or else by a run.
    levels: Mapping[str, Evidence] = field(default_factory=dict)
    adopted: Mapping[str, str] = field(default_factory=dict)  # id -> why it is a SHOULD on this profile
    partial: bool = False  # on a part of the requirements
    events: int | None = None  # of captures: how many events were judged
    eventless: bool = False  # a capture has none
    scored_by: int = 0  # the earlier revision by which verdicts count; 0: all of this one do
    # What was seen and is no verdict: what it is about, and what was seen.
    observations: tuple[tuple[str, str], ...] = ()

    def counts(self) -> dict[Verdict, int]:
        """How many requirements have each verdict; every verdict has a number."""
        found = Counter(ruling.verdict for ruling in self.rulings)
        return {verdict: found[verdict] for verdict in Verdict}

    def by_family(self) -> dict[str, list[Ruling]]:
        """The rulings of each family that has any."""
        grouped: dict[str, list[Ruling]] = {family: [] for family in self.families}
        for ruling in self.rulings:
            grouped.setdefault(ruling.requirement.family, []).append(ruling)
        return {family: rulings for family, rulings in grouped.items() if rulings}

    def loud(self) -> list[Ruling]:
        """The rulings that want a look, the worst first, each kind in the order of the specification.

        What recorded traces do not exercise does not: nobody said that they hold everything.
        """
        return [
            ruling
            for verdict in LOUD
            for ruling in self.rulings
            if ruling.verdict is verdict
            and (ruling.explained or ruling.unjudged or not (self.offline and verdict is Verdict.INCONCLUSIVE))
        ]

    def within(self, ruling: Ruling) -> bool:
        """Whether the run has a level of evidence at which the requirement can be exercised, or exercised it anyway."""
        level = self.levels.get(ruling.requirement.id)
        return level is None or level in self.evidence or ruling.exercised > 0

    @property
    def exercised(self) -> bool:
        """Whether anything at all was."""
        return any(ruling.exercised for ruling in self.rulings)
