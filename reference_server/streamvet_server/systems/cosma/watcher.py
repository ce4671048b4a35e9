"""The watched directories: what the operating system tells of them, as values on the event loop.

It must not know the queue, HTTP or who listens. watchdog tells it in a thread of its own, which only hands it over.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from watchdog.events import (
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog.observers.api import BaseObserver, ObservedWatch

# What is told; that a directory was made or touched is not.
_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileModifiedEvent, FileDeletedEvent, FileMovedEvent, DirDeletedEvent, DirMovedEvent,
]  # fmt: skip
EXCLUDED = frozenset({"node_modules", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Change:
    """What has happened to a file, or to a directory: `created`, `modified`, `deleted` or `moved` (to `dest`)."""

    kind: str
    path: str
    dest: str = ""
    directory: bool = False


def is_hidden(root: str, path: str) -> bool:
    """Whether a path below a watched directory is nobody's business: hidden, a backup, or what tools put there."""
    names = PurePath(path).relative_to(root).parts
    return any(name.startswith(".") or name.endswith("~") or name in EXCLUDED for name in names)


def as_seen(root: str, change: Change) -> Change | None:
    """A change as it looks to who sees only what is not hidden; None where nothing has changed for them."""
    if change.kind != "moved":
        return None if is_hidden(root, change.path) else change
    match is_hidden(root, change.path), is_hidden(root, change.dest):
        case True, True:
            return None
        case True, False:  # of a directory that is made nothing is told; the files in it tell of themselves
            return None if change.directory else Change("created", change.dest)
        case False, True:
            return replace(change, kind="deleted", dest="")
        case _:
            return change


def files(root: str) -> list[str]:
    """Every file below a directory that is not hidden, in the order of their names."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_hidden(root, str(Path(folder, name))))
        paths = [Path(folder, name) for name in sorted(names)]
        found += [str(path) for path in paths if path.is_file() and not is_hidden(root, str(path))]
    return found


class Watcher:
    """Watches directories with everything below them. Its threads start with the first one."""

    def __init__(self, heed: Callable[[str, Change], None]) -> None:
        self._heed = heed
        self._observer: BaseObserver | None = None
        self._watches: dict[str, ObservedWatch] = {}
        self._turn = asyncio.Lock()

    async def watch(self, root: str) -> None:
        """Watch a directory; `heed` is called on the event loop with it and each change.

        Raises:
            OSError: it cannot be watched.
        """
        async with self._turn:
            handler = _Handler(root, asyncio.get_running_loop(), self._tell)
            self._watches[root] = await asyncio.to_thread(self._schedule, root, handler)

    async def unwatch(self, root: str) -> None:
        """Watch a directory no more."""
        async with self._turn:
            watch, observer = self._watches.pop(root, None), self._observer
            if watch is not None and observer is not None:
                with contextlib.suppress(KeyError):  # its thread is over already where the directory is gone
                    await asyncio.to_thread(observer.unschedule, watch)

    async def stop(self) -> None:
        """Watch nothing any more, and end the threads."""
        async with self._turn:
            observer, self._observer = self._observer, None
            self._watches.clear()
            if observer is not None:
                await asyncio.to_thread(_end, observer)

    def _schedule(self, root: str, handler: _Handler) -> ObservedWatch:
        # watchdog 7 registers directories that appear in quick succession twice, which it warns of and gets over.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning, r"watchdog\.")
        if self._observer is None:
            observer = Observer()
            observer.start()
            self._observer = observer
        return self._observer.schedule(handler, root, recursive=True, event_filter=_EVENTS)

    def _tell(self, root: str, change: Change) -> None:
        if root in self._watches:
            seen = as_seen(root, change)
            if seen is not None:
                self._heed(root, seen)


def _end(observer: BaseObserver) -> None:
    observer.stop()
    observer.join()


class _Handler(FileSystemEventHandler):
    """What watchdog calls in its thread. It waits for nothing."""

    def __init__(self, root: str, loop: asyncio.AbstractEventLoop, tell: Callable[[str, Change], None]) -> None:
        self._root = root
        self._loop = loop
        self._tell = tell

    def dispatch(self, event: FileSystemEvent) -> None:
        """Hand an event over to the event loop."""
        path, dest = os.fsdecode(event.src_path), os.fsdecode(event.dest_path)
        change = Change(event.event_type, path, dest, event.is_directory)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to be told
            self._loop.call_soon_threadsafe(self._tell, self._root, change)
