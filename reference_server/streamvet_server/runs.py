"""The life of a run: started, performed, ended once, left by its readers.

It must not know HTTP, nor what a system's events look like: a system says, as an `Ending`, which events end its runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from streamvet_server.crew import Crew
from streamvet_server.log import EventLog, Row, now_ms
from streamvet_server.seams import Batch, Cause, Entry, Scene, Seams
from streamvet_server.store import Unkept
from streamvet_server.work import Outcome, Plan, batches

if TYPE_CHECKING:
    from streamvet_server.feed import Feed

_LOGGER = logging.getLogger(__name__)

# From a run, its events so far and the cause: the events that end it, and its final status.
Ending = Callable[[Row, Sequence[Entry], Cause], Batch]


def no_runs(_row: Row, _history: Sequence[Entry], cause: Cause) -> Batch:
    """The ending of a system that has no runs; nobody asks for it."""
    return Batch(cause, ())


_CAUSES = {Outcome.SUCCEEDS: Cause.SUCCEEDED, Outcome.FAILS: Cause.FAILED}


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the runs of a system have in common."""

    profile: str
    ending: Ending
    detach_s: float | None = None  # how long a run lives without a reader; None: for as long as it takes
    survives_restart: bool = False  # a run found running at the start stays so (an orphan); else it is ended


class Runs:
    """The runs of one system that live in this process."""

    def __init__(
        self, lifecycle: Lifecycle, log: EventLog, seams: Seams, scale: float, feed: Feed | None = None
    ) -> None:
        self._lifecycle = lifecycle
        self._log = log
        self._seams = seams
        self._scale = scale
        self._performing: dict[str, asyncio.Task[None]] = {}
        self._hanging: set[str] = set()  # performed to the end of their steps; they wait to be cancelled
        self._ending: set[str] = set()
        self._readers: dict[str, int] = {}
        self._detaching: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._crew = (
            Crew(lifecycle.profile, feed, log.messages, self._end_here, self._readers_changed) if feed else None
        )

    async def come_up(self) -> None:
        """End the runs that were active when the process died, where the system does not keep them as orphans."""
        if not self._lifecycle.survives_restart:
            for row in self._log.rows():
                if row.status == "running" and (self._crew is None or self._crew.inherits(row.executor)):
                    await self._end_here(row.id, Cause.RESTARTED)

    def executing(self, run: str) -> bool:
        """Whether the run is executed, here or by another process. A running one that nobody executes is an orphan."""
        row = self._log.row(run)
        elsewhere = self._crew is not None and row is not None and self._crew.is_elsewhere(row.executor)
        return run in self._performing or run in self._hanging or elsewhere

    def ended(self, run: str) -> bool:
        """Whether the run has ended, or is about to."""
        row = self._log.row(run)
        return run in self._ending or row is None or row.status != "running"

    async def start(self, scene: Scene, kind: str, owner: str, facts: Mapping[str, Any], plan: Plan) -> Row:
        """Record the run that a request starts, which the scene names, and perform it in the background."""
        self._seams.begin(scene)
        run = scene.run or ""
        # Shielded: a client that leaves now leaves a run behind, not half of one.
        return await asyncio.shield(self._spawn(self._start(run, kind, owner, facts, plan)))

    async def _start(self, run: str, kind: str, owner: str, facts: Mapping[str, Any], plan: Plan) -> Row:
        row = await self._log.create(run, kind, owner, facts)
        self._performing[run] = self._spawn(self._perform(row, plan))
        if run not in self._readers:
            self._detach_later(Scene(self._lifecycle.profile, "work", run), run)
        return row

    async def end(self, run: str, cause: Cause) -> bool:
        """End a run, whoever comes first. Returns False where it has ended before, or is about to.

        Raises:
            Unkept: another process executes it, and does not answer.
        """
        row = self._log.row(run)
        if self._crew is not None and row is not None and self._crew.is_elsewhere(row.executor):
            return not self.ended(run) and await self._crew.end(run, row.executor, cause)
        return await self._end_here(run, cause)

    async def _end_here(self, run: str, cause: Cause) -> bool:
        row = self._log.row(run)
        if row is None or self.ended(run):
            return False
        self._ending.add(run)
        task = self._performing.pop(run, None)
        self._hanging.discard(run)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        # Shielded: the one who asked may leave before it is done.
        await asyncio.shield(self._spawn(self._settle(row, cause)))
        return True

    @contextlib.contextmanager
    def attended(self, scene: Scene, run: str) -> Iterator[None]:
        """A reader is there. The clock of a detached run stops with the first one and starts with the last one."""
        self._joined(scene, run)
        try:
            yield
        finally:
            self._left(scene, run)

    def _joined(self, scene: Scene, run: str) -> None:
        self._readers[run] = self._readers.get(run, 0) + 1
        self._stop_detaching(scene, run)
        if self._crew is not None and self._lifecycle.detach_s is not None and self._readers[run] == 1:
            self._crew.tell_reading(run, reading=True)

    def _stop_detaching(self, scene: Scene, run: str) -> None:
        timer = self._detaching.pop(run, None)
        if timer is not None and self._seams.clock(scene, "returned", 0) == 0:
            timer.cancel()

    def _readers_changed(self, run: str, *, read: bool) -> None:
        """Whether another process has readers of a run has changed."""
        if read:
            self._stop_detaching(Scene(self._lifecycle.profile, "work", run), run)
        elif run not in self._readers and run not in self._detaching:
            self._detach_later(Scene(self._lifecycle.profile, "work", run), run)

    def _left(self, scene: Scene, run: str) -> None:
        self._readers[run] -= 1
        cause = self._seams.left(scene)
        if cause is not None:
            self._spawn(self.end(run, cause))
        if self._readers[run] == 0:
            del self._readers[run]
            if self._crew is not None and self._lifecycle.detach_s is not None:
                self._crew.tell_reading(run, reading=False)
            self._detach_later(scene, run)
        elif (life_s := self._seams.clock(scene, "attended", math.inf)) < math.inf:
            self._detaching[run] = asyncio.get_running_loop().call_later(life_s, self._detached, run)

    async def reset(self) -> None:
        """Forget every run and end every stream."""
        await self.stop()
        await self._log.forget()

    async def stop(self) -> None:
        """Stop performing, without a word to any log."""
        for timer in self._detaching.values():
            timer.cancel()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._performing.clear()
        self._hanging.clear()
        self._ending.clear()
        self._detaching.clear()

    def _detach_later(self, scene: Scene, run: str) -> None:
        if self._crew is not None and (self._crew.is_read(run) or not self._is_mine(run)):
            return
        if self._lifecycle.detach_s is not None and not self.ended(run):
            life_s = self._seams.clock(scene, "detach", self._lifecycle.detach_s * self._scale)
            self._detaching[run] = asyncio.get_running_loop().call_later(life_s, self._detached, run)

    def _is_mine(self, run: str) -> bool:
        return run in self._performing or run in self._hanging

    def _detached(self, run: str) -> None:
        self._detaching.pop(run, None)
        self._spawn(self.end(run, Cause.DETACHED))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _perform(self, row: Row, plan: Plan) -> None:
        scene = Scene(self._lifecycle.profile, "work", row.id)
        try:
            async for documents in batches(plan, lambda ms: self._wait_s(scene, ms)):
                await self._append(scene, row, Batch(Cause.WORK, documents))
                await self._seams.pace(scene, self._log.readings(row.id))
        except Unkept as reason:
            _LOGGER.error("run %s broke: its events could not be kept: %s", row.id, reason)  # noqa: TRY400 -- one line is enough
            await self.end(row.id, Cause.BROKE)
            return
        except Exception:  # the run is broken, not the server: its readers must see it end
            _LOGGER.exception("run %s broke", row.id)
            await self.end(row.id, Cause.BROKE)
            return
        if plan.outcome is Outcome.HANGS:
            self._hanging.add(row.id)
            self._performing.pop(row.id, None)
        else:
            await self.end(row.id, _CAUSES[plan.outcome])

    def _wait_s(self, scene: Scene, ms: float) -> float:
        return self._seams.clock(scene, "step", ms / 1000 * self._scale)

    async def _settle(self, row: Row, cause: Cause) -> None:
        scene = Scene(self._lifecycle.profile, "work", row.id)
        history: Sequence[Entry] = ()
        await self._log.written()  # what the run appended last belongs to its history
        try:
            history = await self._log.history(row.id)
            await self._append(scene, row, self._lifecycle.ending(row, history, cause))
        except Exception as reason:  # noqa: BLE001 -- a full disk, a damaged row: its readers must see it end
            _LOGGER.error("run %s: its end could not be kept: %s", row.id, reason)  # noqa: TRY400 -- one line is enough
            # A success that is not kept is none. How else a run ended is told all the same.
            cause = Cause.BROKE if cause is Cause.SUCCEEDED else cause
            batch = self._seams.append(scene, self._lifecycle.ending(row, history, cause))
            self._log.hold(scene, row.id, batch.documents, _after(row, batch))
        self._ending.discard(row.id)  # the row tells it from now on

    def _append(self, scene: Scene, row: Row, batch: Batch) -> Awaitable[None]:
        batch = self._seams.append(scene, batch)
        ended = None if batch.status is None else _after(row, batch)
        return self._log.append(scene, row.id, batch.documents, ended)


def _after(row: Row, batch: Batch) -> Row:
    """The row of a run once a batch has been appended."""
    status = row.status if batch.status is None else batch.status
    return replace(row, status=status, ended_ms=now_ms(), facts={**row.facts, **batch.facts})
