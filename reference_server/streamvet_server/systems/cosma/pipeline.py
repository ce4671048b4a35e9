"""cosma's work on one file: read it, hash it, and pretend to summarise and embed it; what was indexed is remembered.

It must not know the queue, HTTP, or who listens. Reading and hashing are real; what a model would do is a wait.
"""

from __future__ import annotations

import asyncio
import codecs
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from streamvet_server.seams import Update
from streamvet_server.systems.cosma.queue import Failed
from streamvet_server.wire import path_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

STEP_S = 0.1  # one simulated stage; short, and long enough that a reader can do something in the midst of a few
_BLOCK_BYTES = 1 << 20

# What tells whether a file was written since: the time of its last change in ns, and its size.
Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Print:
    """What is remembered of a file that was indexed."""

    stamp: Stamp
    digest: bytes


class Locks:
    """One lock a path, for as long as somebody wants it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def on(self, path: str) -> asyncio.Lock:
        """The lock of a path."""
        return self._locks.setdefault(path, asyncio.Lock())


class Pipeline:
    """The files that were indexed, and how another one gets there."""

    def __init__(self, tell: Callable[[Sequence[Update]], None], step: Callable[[], Awaitable[None]]) -> None:
        self._tell = tell
        self._step = step
        self._known: dict[str, _Print] = {}
        self._locks = Locks()

    def below(self, prefix: str) -> list[str]:
        """The files that were indexed whose path begins so."""
        return [path for path in self._known if path.startswith(prefix)]

    def forget(self, path: str) -> None:
        """A file is gone."""
        self._known.pop(path, None)

    def move(self, path: str, dest: str) -> None:
        """A file is elsewhere; what is known of it holds there."""
        known = self._known.pop(path, None)
        if known is not None:
            self._known[dest] = known

    async def index(self, path: str) -> None:
        """Take a file through all stages, or as far as it is new.

        Raises:
            Failed: it cannot be read as text.
        """
        async with self._locks.on(path):
            known = self._known.get(path)
            if known is not None and known.stamp == await asyncio.to_thread(_stamp, path):
                self._say("file_skipped", path, reason="already processed")
                return
            self._say("file_parsing", path)
            try:
                found = await asyncio.to_thread(_read, path)
            except Failed as reason:
                self._say("file_failed", path, error=str(reason))
                raise
            self._say("file_parsed", path)
            if known is not None and known.digest == found.digest:
                self._say("file_skipped", path, reason="content not changed")
            else:
                await self._understand(path)
            self._known[path] = found

    async def _understand(self, path: str) -> None:
        for doing, done in (("file_summarizing", "file_summarized"), ("file_embedding", "file_embedded")):
            self._say(doing, path)
            await self._step()
            self._say(done, path)
        self._say("file_complete", path)

    def _say(self, opcode: str, path: str, **more: str) -> None:
        data = {"path": path_text(path), "filename": path_text(PurePath(path).name), **more}
        self._tell([Update(opcode, data)])


def _stamp(path: str) -> Stamp | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _read(path: str) -> _Print:
    """Read a file as UTF-8 text, block by block."""
    decoder, digest = codecs.getincrementaldecoder("utf-8")(), hashlib.sha256()
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # opening a pipe would wait for its writer
            raise Failed("not a regular file")
        with Path(path).open("rb") as file:
            found = os.fstat(file.fileno())
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except OSError as reason:
        raise Failed(reason.strerror or type(reason).__name__) from None
    except UnicodeDecodeError:
        raise Failed("not UTF-8 text") from None
    return _Print((found.st_mtime_ns, found.st_size), digest.digest())
