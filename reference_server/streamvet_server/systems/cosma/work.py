"""cosma without HTTP: watched directories, the queue that their changes go through, and what everybody is told of it.

It must not know requests or streams. What a directory tells comes first, then what the queue makes of it. Nothing
survives a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet_server.log import now_ms
from streamvet_server.seams import Refusal, Scene, Update
from streamvet_server.site import Ambient
from streamvet_server.systems.cosma.hub import Hub
from streamvet_server.systems.cosma.pipeline import STEP_S, Locks, Pipeline
from streamvet_server.systems.cosma.queue import Action, Failed, Item, Pauser, Queue, Surroundings
from streamvet_server.systems.cosma.settings import Schedule
from streamvet_server.systems.cosma.watcher import Change, Watcher, files
from streamvet_server.wire import iso, json_text, path_text

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping, Sequence

    from streamvet_server.site import Order, Site
    from streamvet_server.store import Store

PROFILE = "cosma"
SHUTTING_DOWN = Update("shutting_down", {})
# Who publishes much lets readers and timers have their turn in between.
YIELD_EVERY_UPDATES = 16
# What readers add around published data, and a little: where it can be written here, it can be written there.
_MARGIN_LEVELS = 16

_PAUSES = {
    (Pauser.MANUAL, True): Update("queue_paused", {"source": "manual"}),
    (Pauser.MANUAL, False): Update("queue_resumed", {"source": "manual"}),
    (Pauser.SCHEDULER, True): Update("scheduler_paused", {}),
    (Pauser.SCHEDULER, False): Update("scheduler_resumed", {}),
}
_HELD = Refusal(409, "paused", "the queue is paused")

# What becomes of a file that has changed so.
_ACTIONS = {"created": Action.INDEX, "modified": Action.INDEX, "deleted": Action.DELETE, "moved": Action.MOVE}


@dataclass(slots=True)
class Job:
    """One watched directory. Times are ms since 1970."""

    id: int
    path: str
    created_ms: int
    scanned_ms: int | None = None

    def document(self) -> dict[str, Any]:
        """The job as it is listed."""
        scanned = None if self.scanned_ms is None else iso(self.scanned_ms)
        created = iso(self.created_ms)
        shown = {"id": self.id, "path": path_text(self.path), "is_active": True, "recursive": True}
        return {
            **shown,
            "file_pattern": None,
            "last_scan": scanned,
            "created_at": created,
            "updated_at": scanned or created,
        }


class Cosma(Ambient):
    """All that there is of cosma in this process."""

    def __init__(self, _store: Store) -> None:
        self._watcher = Watcher(self._heed)
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def orders(self) -> Mapping[str, Order]:
        """`publish` only."""
        return {"publish": self._order}

    async def come_up(self, site: Site) -> None:
        """Begin with nothing watched."""
        self._site = site
        self._scene = Scene(PROFILE, "work")
        self.hub = Hub(site.seams)
        self._begin()

    async def farewell(self) -> None:
        """Tell every reader, behind what it has not read yet."""
        self.hub.close(SHUTTING_DOWN)

    async def stop(self) -> None:
        """Stop watching and processing."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.queue.stop()
        await self._watcher.stop()

    async def reset(self) -> None:
        """Forget what is watched, queued, paused, set and indexed, and end every stream."""
        await self.stop()
        self.hub.clear()
        self.hub.publish(Scene(PROFILE, "reset"), [])
        self._begin()

    def _begin(self) -> None:
        self.schedule = Schedule()
        self.jobs: dict[int, Job] = {}
        self._ids = itertools.count(1)
        self._scans = Locks()
        self._pipeline = Pipeline(self._tell, self._step)
        self.queue = Queue(Surroundings(self._tell, self._work, self._clock, self._held))
        self._spawn(self.queue.run())

    # ------------------------------------------------------------------------------------------------- publishing

    def _tell(self, updates: Sequence[Update]) -> None:
        self.hub.publish(self._scene, updates)

    async def _order(self, document: Mapping[str, Any]) -> tuple[int, Any]:
        """The control interface's `publish`."""
        events = document.get("events")
        if not isinstance(events, list):
            raise ValueError("expected `events` to be an array")  # noqa: TRY004 -- it is an answer's text
        updates, scene = [_published(index, event) for index, event in enumerate(events)], Scene(PROFILE, "publish")
        for first in range(0, len(updates), YIELD_EVERY_UPDATES):
            self.hub.publish(scene, updates[first : first + YIELD_EVERY_UPDATES])
            await asyncio.sleep(0)
        return 202, {}

    # -------------------------------------------------------------------------------------------------- the queue

    def pause(self, scene: Scene, pauser: Pauser, *, on: bool) -> None:
        """Pause the queue or let it go on, and tell it where that changes anything."""
        changed = self.queue.pause(pauser, on=on)
        self.hub.publish(scene, [_PAUSES[pauser, on]] if changed else [])

    def set_schedule(self, scene: Scene, schedule: Schedule) -> None:
        """Let the scheduler go by something else."""
        self.schedule = schedule
        self.pause(scene, Pauser.SCHEDULER, on=schedule.enabled and not schedule.met)

    def remove(self, scene: Scene, id_: str) -> bool:
        """Take an item out of the queue. Returns False where there is none."""
        item = self.queue.remove(id_)
        self.hub.publish(scene, [] if item is None else [Update("queue_item_removed", item.document())])
        return item is not None

    async def _work(self, item: Item) -> None:
        match item.action, item.dest:
            case Action.DELETE, _:
                self._pipeline.forget(item.path)
            case Action.MOVE, str(dest):
                self._pipeline.move(item.path, dest)
                await self._pipeline.index(dest)
            case _:
                await self._pipeline.index(item.path)

    async def _step(self) -> None:
        await asyncio.sleep(self._clock("step", STEP_S))

    def _clock(self, name: str, seconds: float) -> float:
        return self._site.seams.clock(self._scene, name, seconds * self._site.scale)

    def _held(self, paused: bool) -> bool:
        return self._site.seams.access(self._scene, "paused", _HELD if paused else None) is not None

    # ------------------------------------------------------------------------------------------------ directories

    def overlapping(self, path: str) -> Job | None:
        """The job that watches a directory, one above it or one below it."""
        return next((job for job in self.jobs.values() if _is_below(path, job.path) or _is_below(job.path, path)), None)

    async def watch(self, scene: Scene, path: str) -> None:
        """Watch a directory; done when every file in it is in the queue.

        Raises:
            OSError: it cannot be watched.
        """
        job = Job(next(self._ids), path, now_ms())
        self.jobs[job.id] = job
        # Shielded: a client that leaves now leaves a watched directory behind, not half of one.
        await asyncio.shield(self._spawn(self._watch(scene, job)))

    async def _watch(self, scene: Scene, job: Job) -> None:
        try:
            await self._watcher.watch(job.path)
        except OSError:
            self.jobs.pop(job.id, None)
            raise
        told = {"path": path_text(job.path), "recursive": True, "file_pattern": None}
        self.hub.publish(scene, [Update("watch_started", told)])
        async for path in self._scan(scene, job.path):
            if not self.queue.has(path):
                self.queue.enqueue(path, Action.INDEX)
        job.scanned_ms = now_ms()

    async def unwatch(self, scene: Scene, job: Job) -> None:
        """Watch a directory no more, and forget what lies in it."""
        self.jobs.pop(job.id, None)
        await asyncio.shield(self._spawn(self._unwatch(scene, job)))

    async def _unwatch(self, scene: Scene, job: Job) -> None:
        await self._watcher.unwatch(job.path)
        for item in self.queue.below(_prefix(job.path)):
            self.remove(scene, item.id)
        for path in self._pipeline.below(_prefix(job.path)):
            self._pipeline.forget(path)
        self.hub.publish(scene, [Update("watch_removed", {"path": path_text(job.path)})])

    def index_directory(self, scene: Scene, path: str) -> None:
        """Process every file of a directory in the background, past the queue."""

        async def work() -> None:
            async for found in self._scan(scene, path):
                await self._index(found)

        self._spawn(work())

    def index_file(self, path: str) -> None:
        """Process a file in the background, past the queue."""
        self._spawn(self._index(path))

    async def _index(self, path: str) -> None:
        with contextlib.suppress(Failed):  # its readers have been told
            await self._pipeline.index(path)

    async def _scan(self, scene: Scene, path: str) -> Any:
        """The files of a directory, between the two events that tell of its scan."""
        told = {"path": path_text(path)}
        async with self._scans.on(path):
            self.hub.publish(scene, [Update("directory_processing_started", told)])
            async for found in _in_turn(await asyncio.to_thread(files, path)):
                yield found
            self.hub.publish(scene, [Update("directory_processing_completed", told)])

    def _heed(self, root: str, change: Change) -> None:
        """Something has changed in a watched directory."""
        kind = "directory" if change.directory else "file"
        path, dest = path_text(change.path), path_text(change.dest)
        told = {"src_path": path, "dest_path": dest} if change.kind == "moved" else {"path": path}
        self._tell([Update(f"{kind}_{change.kind}", told)])
        if not change.directory:
            self.queue.enqueue(change.path, _ACTIONS[change.kind], change.dest or None)
        elif change.kind == "deleted":
            self._gone(root, change.path)
        # The files of a directory that was moved tell of themselves.

    def _gone(self, root: str, directory: str) -> None:
        """A directory is not there any more; its files have told of it, unless they went with it."""
        waiting = [item.path for item in self.queue.below(_prefix(directory)) if item.action is not Action.DELETE]
        for path in dict.fromkeys([*waiting, *self._pipeline.below(_prefix(directory))]):
            self.queue.enqueue(path, Action.DELETE)
        job = next((job for job in self.jobs.values() if job.path == root == directory), None)
        if job is not None:
            self._spawn(self.unwatch(self._scene, job))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _published(index: int, event: Any) -> Update:
    """An event of the control interface."""
    match event:
        case {"opcode": str() as opcode, "data": dict() as data, **rest} if not rest:
            if opcode == SHUTTING_DOWN.opcode:
                raise ValueError(f"events[{index}]: {opcode} is the server's own")
            nested: Any = data
            for _ in range(_MARGIN_LEVELS):
                nested = [nested]
            try:
                json_text(nested)
            except RecursionError:
                raise ValueError(f"events[{index}]: nested too deeply") from None
            return Update(opcode, data)
    raise ValueError(f"events[{index}]: expected {{'opcode': string, 'data': object}}, got {event!r:.80}")


async def _in_turn(rows: Iterable[Any]) -> Any:
    """The rows, with a turn for everybody else in between."""
    for number, row in enumerate(rows, 1):
        yield row
        if number % YIELD_EVERY_UPDATES == 0:
            await asyncio.sleep(0)


def _prefix(directory: str) -> str:
    return directory.rstrip(os.sep) + os.sep


def _is_below(path: str, directory: str) -> bool:
    return _prefix(path).startswith(_prefix(directory))
