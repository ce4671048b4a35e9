"""cosma's queue: files that changed wait until they are left alone, then they are processed, a few at a time.

It must not know HTTP, what processing is, or who listens. A path has one item at most; what comes for it while it waits
goes into that item, what comes while it is processed waits for the end of that.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from streamvet_server.seams import Update
from streamvet_server.systems.cosma.settings import QueueSettings
from streamvet_server.wire import path_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

_LOGGER = logging.getLogger(__name__)

TICK_S = 0.5
PAUSED_S = 1.0  # between two looks at a queue that is paused


class Action(Enum):
    """What is to be done about a file."""

    INDEX = "index"
    DELETE = "delete"
    MOVE = "move"


class Status(Enum):
    """How far an item is."""

    COOLING_DOWN = "cooling_down"
    READY = "ready"
    PROCESSING = "processing"


class Pauser(Enum):
    """Who may pause the queue. It works while nobody does."""

    MANUAL = "manually_paused"
    SCHEDULER = "scheduler_paused"


class Failed(Exception):  # noqa: N818 -- an outcome, not an error of the server
    """A file could not be processed; the text says why."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file that waits or is processed. Times are seconds since 1970; `due_s` is one of `time.monotonic`."""

    id: str
    path: str
    action: Action
    status: Status
    enqueued_at: float
    cooldown_expires_at: float
    due_s: float
    dest: str | None = None
    retry_count: int = 0

    def document(self) -> dict[str, Any]:
        """The item as it is told."""
        return {
            "id": self.id,
            "file_path": path_text(self.path),
            "action": self.action.value,
            "status": self.status.value,
            "enqueued_at": self.enqueued_at,
            "cooldown_expires_at": self.cooldown_expires_at,
            "dest_path": None if self.dest is None else path_text(self.dest),
            "retry_count": self.retry_count,
        }


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the queue needs of others: who is told, who works, how long its waits are, whether a pause holds it."""

    tell: Callable[[Sequence[Update]], None]
    work: Callable[[Item], Awaitable[None]]  # raises Failed
    clock: Callable[[str, float], float]  # from a wait's name and its seconds before scaling
    held: Callable[[bool], bool]


class Queue:
    """The items, in the order in which they came."""

    def __init__(self, around: Surroundings) -> None:
        self.settings = QueueSettings()
        self._around = around
        self._items: dict[str, Item] = {}  # by path
        self._moves: dict[str, str] = {}  # from where a file is to be moved to here
        self._paused: set[Pauser] = set()
        self._working: set[asyncio.Task[None]] = set()
        self._again: dict[str, list[tuple[Action, str | None]]] = {}  # what came for a path that is processed
        self._filled = asyncio.Event()

    def documents(self) -> list[dict[str, Any]]:
        """Every item as it is told."""
        return [item.document() for item in self._items.values()]

    def status(self) -> Mapping[str, Any]:
        """How many items there are, and who has paused the queue."""
        statuses = [item.status for item in self._items.values()]
        return {
            "paused": bool(self._paused),
            **{pauser.value: pauser in self._paused for pauser in Pauser},
            "total_items": len(statuses),
            **{status.value: statuses.count(status) for status in Status},
        }

    def pause(self, pauser: Pauser, *, on: bool) -> bool:
        """Pause the queue, or let it go on. Returns whether that changed anything."""
        changed = (pauser in self._paused) is not on
        if on:
            self._paused.add(pauser)
        else:
            self._paused.discard(pauser)
        return changed

    def has(self, path: str) -> bool:
        """Whether there is an item of a path, or one that moves a file there."""
        return self._of(path) is not None

    def enqueue(self, path: str, action: Action, dest: str | None = None) -> None:
        """A file is to be processed once it is left alone; a deletion at once."""
        item = self._of(path)
        if item is not None and item.status is Status.PROCESSING:
            if item.path == path:
                self._again.setdefault(path, []).append((action, dest))
                return
            item = None
        if item is None:
            self._add(path, action, dest)
        else:
            self._update(item, path, action, dest)

    def remove(self, id_: str) -> Item | None:
        """Take an item out. One that is processed is so to the end, but no more is told of it."""
        item = next((item for item in self._items.values() if item.id == id_), None)
        if item is not None:
            self._drop(item)
        return item

    def below(self, prefix: str) -> list[Item]:
        """The items that wait whose path begins so."""
        items = self._items.values()
        return [item for item in items if item.path.startswith(prefix) and item.status is not Status.PROCESSING]

    async def run(self) -> None:
        """Let items ripen and be processed, for ever."""
        while True:
            await self._filled.wait()
            now_s = time.monotonic()
            for item in self._items.values():
                if item.status is Status.COOLING_DOWN and item.due_s <= now_s:
                    self._items[item.path] = replace(item, status=Status.READY)
            self._begin()
            wait = ("paused", PAUSED_S) if self._paused else ("tick", TICK_S)
            await asyncio.sleep(self._around.clock(*wait))

    async def stop(self) -> None:
        """Stop processing, without a word."""
        working = tuple(self._working)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    def _of(self, path: str) -> Item | None:
        return self._items.get(path) or self._items.get(self._moves.get(path, ""))

    def _add(self, path: str, action: Action, dest: str | None) -> None:
        now = time.time()
        item = Item(str(uuid.uuid4()), path, action, Status.READY, now, now, time.monotonic(), dest)
        item = item if action is Action.DELETE else self._cooling(item)
        self._put("queue_item_added", item)

    def _update(self, item: Item, path: str, action: Action, dest: str | None) -> None:
        """Something more has come for an item that waits."""
        if action is Action.DELETE:
            now = time.time()
            item = replace(item, action=action, dest=None, status=Status.READY, cooldown_expires_at=now)
            self._put("queue_item_updated", item)
            return
        left = item.dest if item.path == path and item.action is Action.MOVE else None
        if item.path == path:
            item = replace(item, action=action, dest=dest)
        elif action is Action.MOVE:  # what was to be moved to this path has moved on, or back
            back = dest == item.path
            item = replace(item, action=Action.INDEX if back else action, dest=None if back else dest)
        self._put("queue_item_updated", self._cooling(item))
        if left is not None and left != dest:  # what was moved away is still there, and another file is in its place
            self.enqueue(left, Action.INDEX)

    def _cooling(self, item: Item) -> Item:
        cooldown_s = self._around.clock("cooldown", self.settings.cooldown_seconds)
        expires, due_s = time.time() + cooldown_s, time.monotonic() + cooldown_s
        return replace(item, status=Status.COOLING_DOWN, cooldown_expires_at=expires, due_s=due_s)

    def _put(self, opcode: str, item: Item) -> None:
        former = self._items.get(item.path)
        if former is not None and former.dest is not None:
            self._moves.pop(former.dest, None)
        if item.dest is not None:
            self._moves[item.dest] = item.path
        self._items[item.path] = item
        self._filled.set()
        self._tell(opcode, item)

    def _drop(self, item: Item) -> None:
        del self._items[item.path]
        if item.dest is not None:
            self._moves.pop(item.dest, None)

    def _tell(self, opcode: str, item: Item, more: Mapping[str, Any] | None = None) -> None:
        self._around.tell([Update(opcode, {**item.document(), **(more or {})})])

    def _begin(self) -> None:
        """Process as many of the items that are ready as may be."""
        if not self._items:
            self._filled.clear()
        for item in [item for item in self._items.values() if item.status is Status.READY]:
            if len(self._working) >= self.settings.max_concurrency or self._around.held(bool(self._paused)):
                return
            item = replace(item, status=Status.PROCESSING)  # noqa: PLW2901 -- the same one, further on
            self._put("queue_item_processing", item)
            task = asyncio.create_task(self._process(item))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _process(self, item: Item) -> None:
        error = None
        try:
            await self._around.work(item)
        except Failed as reason:
            error = str(reason)
        except Exception:
            _LOGGER.exception("processing %r", item.path)
            error = "internal error"
        self._settle(item, error)
        for action, dest in self._again.pop(item.path, ()):
            self.enqueue(item.path, action, dest)
        # The place of this one is free as soon as its task is over.
        asyncio.get_running_loop().call_soon(self._begin)

    def _settle(self, item: Item, error: str | None) -> None:
        held = self._items.get(item.path)
        if held is None or held.id != item.id:  # removed meanwhile
            return
        if error is None:
            self._drop(item)
            self._tell("queue_item_completed", item)
            return
        item = replace(item, retry_count=item.retry_count + 1)
        if item.retry_count >= self.settings.max_retries:
            self._drop(item)
            self._tell("queue_item_failed", item, {"error": error})
        else:
            self._put("queue_item_updated", self._cooling(item))
