"""SQLite in one thread, with group commit: whatever waits when a transaction starts goes into it together.

It must not know runs, readers or systems: callers hand it functions over a connection. A write's future is done, and
its `then` has run on the event loop, once it is committed; writes are committed in the order in which they were asked.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
  id TEXT PRIMARY KEY, profile TEXT NOT NULL, ordinal INTEGER NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
  run TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (run, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS users (
  profile TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (profile, name));
CREATE TABLE IF NOT EXISTS items (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, newest INTEGER NOT NULL,
  document TEXT NOT NULL, UNIQUE (owner, kind, name));
CREATE TABLE IF NOT EXISTS versions (
  item TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (item, version));
"""


@dataclass(frozen=True, slots=True)
class _Write:
    work: Callable[[sqlite3.Connection], None]
    then: Callable[[], None]
    done: asyncio.Future[None]


class Store:
    """One database file, or one in memory. To be opened, used and closed on one event loop."""

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._connection = self._thread.submit(_connect, path).result()
        self._waiting: list[_Write] = []
        self._flush: asyncio.Task[None] | None = None

    def read_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query and block until it is answered: for the time before the server listens."""
        return self._thread.submit(work, self._connection).result()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query in the store's thread. It sees what is committed."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)

    def write(
        self, work: Callable[[sqlite3.Connection], None], then: Callable[[], None] = lambda: None
    ) -> asyncio.Future[None]:
        """Ask for a write; what is asked before the next transaction starts is committed with it."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(work, then, done))
        if self._flush is None:
            self._flush = asyncio.create_task(self._commit_all())
        return done

    async def _commit_all(self) -> None:
        while self._waiting:
            writes, self._waiting = self._waiting, []
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, _commit, self._connection, writes)
            except sqlite3.Error as reason:  # a full disk, say: the writers learn of it, the server lives on
                for write in writes:
                    if not write.done.done():
                        write.done.set_exception(reason)
                continue
            for write in writes:
                write.then()
                if not write.done.done():  # its writer may have been cancelled meanwhile
                    write.done.set_result(None)
        self._flush = None

    async def close(self) -> None:
        """Commit what waits and close the database."""
        if self._flush is not None:
            await self._flush
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL: a commit survives the death of this process, which is what is promised; only a power cut could undo it.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_TABLES)
    return connection


def _commit(connection: sqlite3.Connection, writes: Sequence[_Write]) -> None:
    connection.execute("BEGIN")
    try:
        for write in writes:
            write.work(connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
