"""The state of one campaign: what its parts share, and the report of its progress.

Must not know how a try is performed, nor in which order they come.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamvet.campaign.slots import Gate, Queue, Slots
from streamvet.campaign.terms import Progress, Running
from streamvet.recorder import now_us, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamvet.campaign.calm import Calm
    from streamvet.campaign.planning import Try
    from streamvet.campaign.terms import Summary
    from streamvet.probes.candidate import Candidate
    from streamvet.probes.setting import Setting
    from streamvet.recorder import Recorder
    from streamvet.system import System
    from streamvet.trace import Trace

# Generated tries that run at once, beside waits: they are as quick tries are. What is published everybody reads, so on
# an ambient stream there is one.
_GENERATED_AT_ONCE = {"run": 4, "push": 4, "ambient": 1}
_TICK_S = 1.0  # between two reports of progress while nothing happens


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
    begun: dict[str, tuple[Try, int]] = field(default_factory=dict)
    late: list[tuple[Try, int, Trace]] = field(default_factory=list)  # to be repeated
    short_over: asyncio.Event = field(default_factory=asyncio.Event)
    planned_over: asyncio.Event = field(default_factory=asyncio.Event)
    connections: Slots = field(init=False)
    at_once: int = field(init=False)  # generated tries
    generated: Slots = field(init=False)  # places for them
    exploring: Gate = field(default_factory=Gate)
    reviving: asyncio.Lock = field(default_factory=asyncio.Lock)
    queue: Queue = field(default_factory=Queue)  # of what is generated, before its turn
    begun_us: int = field(default_factory=now_us)

    def __post_init__(self) -> None:
        self.connections = Slots(self.setting.target.max_concurrency)
        self.at_once = _GENERATED_AT_ONCE[self.setting.profile.streams]
        self.generated = Slots(self.at_once)

    @contextlib.contextmanager
    def under_way(self, one: Try) -> Iterator[None]:
        """Count a try among those that are running, for the length of the block."""
        key = f"{one.name} {id(one)}"
        self.begun[key] = (one, now_us())
        try:
            yield
        finally:
            del self.begun[key]

    def report(self) -> None:
        """Say how far the campaign is."""
        now = now_us()
        running = [Running(one.name, one.wait_s, (now - since) / 1e6) for one, since in self.begun.values()]
        running.sort(key=lambda row: row.for_s - row.wait_s)
        left = max((row.wait_s - row.for_s for row in running), default=0.0)
        done, generated = self.summary.tries, self.summary.generated
        self.on_progress(Progress(done, self.total, tuple(running), max(left, 0.0), generated))

    async def tick(self) -> None:
        """Say it again and again, until this is cancelled."""
        while True:
            await pause(_TICK_S)
            self.report()
