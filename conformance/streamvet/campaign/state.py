"""The state of one campaign: what its parts share, and the report of its progress.

Must not know how a try is performed, nor in which order they come.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from streamvet.campaign.slots import Gate, Queue, Slots
from streamvet.campaign.terms import Progress, Running
from streamvet.recorder import now_us, pause

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from streamvet.campaign.calm import Calm
    from streamvet.campaign.planning import Try
    from streamvet.campaign.terms import Summary
    from streamvet.probes.candidate import Candidate
    from streamvet.probes.setting import Setting
    from streamvet.recorder import Recorder, Tape
    from streamvet.system import System
    from streamvet.trace import Trace

# Generated tries that run at once, beside waits: they are as quick tries are. What is published everybody reads, so on
# an ambient stream there is one.
_GENERATED_AT_ONCE = {"run": 4, "push": 4, "ambient": 1}
_ANY_NUMBER = 1_000_000  # of runs at work at once, more than there ever are
_LONG_S = 3.0  # from here on it is told what a try waits for
_TICK_S = 1.0  # between two reports of progress while nothing happens


@dataclass(eq=False, slots=True)
class UnderWay:
    """A try that is running; it has a tape once it sends anything."""

    one: Try
    since_us: int = field(default_factory=now_us)
    tape: Tape | None = None
    is_cut: bool = False  # by the deadline of all

    def told(self, at_us: int) -> Running:
        """The same for people."""
        for_s = (at_us - self.since_us) / 1e6
        awaited = self.tape.awaited if self.tape and for_s >= _LONG_S else None  # it looks at all that the tape has
        row = Running(self.one.name, self.one.wait_s, for_s)
        return replace(row, awaits=awaited[1], at_most_s=(awaited[0] - at_us) / 1e6) if awaited else row


@dataclass(slots=True)
class Performed:
    """A planned try that was performed, and how often its traces were handed out."""

    one: Try
    attempts: int = 1


@dataclass(slots=True)
class State:
    """The state of one campaign."""

    candidate: Candidate
    setting: Setting
    system: System
    recorder: Recorder
    summary: Summary
    on_trace: Callable[[Trace], None]
    on_progress: Callable[[Progress], None]
    calm: Calm
    total: int = 0
    begun: list[UnderWay] = field(default_factory=list)
    late: list[tuple[Try, int, Trace]] = field(default_factory=list)  # to be repeated
    performed: list[Performed] = field(default_factory=list)  # the number of a try is its place here
    short_over: asyncio.Event = field(default_factory=asyncio.Event)
    planned_over: asyncio.Event = field(default_factory=asyncio.Event)
    connections: Slots = field(init=False)
    active_runs: Slots = field(init=False)
    at_once: int = field(init=False)  # generated tries
    generated: Slots = field(init=False)  # places for them
    exploring: Gate = field(default_factory=Gate)
    reviving: asyncio.Lock = field(default_factory=asyncio.Lock)
    queue: Queue = field(default_factory=Queue)  # of what is generated, before its turn
    begun_us: int = field(default_factory=now_us)
    until_us: int = 0  # when no try goes on any more

    def __post_init__(self) -> None:
        self.connections = Slots(self.setting.target.max_concurrency)
        self.active_runs = Slots(self.setting.target.max_active_runs or _ANY_NUMBER)
        self.at_once = _GENERATED_AT_ONCE[self.setting.profile.streams]
        self.generated = Slots(self.at_once)

    @property
    def left_s(self) -> float:
        """The time until the deadline, 0 behind it."""
        return max((self.until_us - now_us()) / 1e6, 0.0)

    @contextlib.asynccontextmanager
    async def working(self, one: Try) -> AsyncIterator[None]:
        """Have as many runs at work as a try starts, or as there may be at once, for the length of the block."""
        runs = min(one.probe.runs(one.stimulus), self.setting.target.max_active_runs or _ANY_NUMBER)
        async with self.active_runs.taken(runs) if runs else contextlib.nullcontext():
            yield

    def untried(self, one: Try) -> None:
        """Note that the deadline kept a planned try from being made, or cut it short."""
        self.summary.untried.append((one.name, one.probe.serves))

    @contextlib.contextmanager
    def under_way(self, one: Try) -> Iterator[UnderWay]:
        """Count a try among those that are running, for the length of the block."""
        row = UnderWay(one)
        self.begun.append(row)
        try:
            yield row
        finally:
            self.begun.remove(row)

    def report(self) -> None:
        """Say how far the campaign is."""
        now = now_us()
        running = [row.told(now) for row in self.begun]
        running.sort(key=lambda row: row.for_s - row.wait_s)
        left = max((row.wait_s - row.for_s for row in running), default=0.0)
        done, generated = self.summary.tries, self.summary.generated
        self.on_progress(Progress(done, self.total, tuple(running), max(left, 0.0), generated, self.left_s))

    async def tick(self) -> None:
        """Say it again and again, until this is cancelled."""
        while True:
            await pause(_TICK_S)
            self.report()
