"""SQLite in one thread, with group commit: whatever waits when a transaction starts goes into it together.

It must not know runs, readers or systems: callers hand it functions over a connection. A write's future is done, and
its `then` has run on the event loop, once it is committed; writes are committed in the order in which they were asked.
A group that cannot be committed is tried again one by one, so that one write costs no other one.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from streamvet_server.database import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_LOGGER = logging.getLogger(__name__)


class Unkept(Exception):  # noqa: N818 -- it names what became of the write
    """The database could not take a write: a full disk, say. The text is SQLite's reason."""


@dataclass(frozen=True, slots=True)
class _Write:
    work: Callable[[sqlite3.Connection], Any]
    then: Callable[[Any], None]
    done: asyncio.Future[Any] | None  # None: it is owed


class Store:
    """One database file, or one in memory. To be opened, used and closed on one event loop.

    Raises:
        Unusable: the file is no database of this server, is damaged, or another process has it open.
    """

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        try:
            self._connection = self._thread.submit(connect, path).result()
        except BaseException:
            self._thread.shutdown()
            raise
        self._waiting: list[_Write] = []
        self._owed: deque[_Write] = deque()
        self._flush: asyncio.Task[None] | None = None

    def read_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query and block until it is answered: for the time before the server listens."""
        return self._thread.submit(work, self._connection).result()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query in the store's thread. It sees what is committed."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)

    def write(
        self, work: Callable[[sqlite3.Connection], T], then: Callable[[T], None] = lambda _made: None
    ) -> asyncio.Future[T]:
        """Ask for a write; what is asked before the next transaction starts is committed with it.

        `work` may run twice, the first time in vain. Its future raises `Unkept` where the database could not take it.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(work, then, done))
        if self._flush is None:
            self._flush = asyncio.create_task(self._commit_all())
        return done

    def owe(self, work: Callable[[sqlite3.Connection], None], then: Callable[[], None]) -> None:
        """Ask for a write that could not be kept. It is tried again before each later one, and at the end."""
        self._owed.append(_Write(work, lambda _made: then(), None))

    async def _commit_all(self) -> None:
        while self._waiting:
            writes, self._waiting = self._waiting, []
            await self._commit(writes)
        self._flush = None

    async def _commit(self, writes: Sequence[_Write]) -> None:
        asked = [*self._owed, *writes]
        self._owed.clear()
        loop = asyncio.get_running_loop()
        outcomes = await loop.run_in_executor(self._thread, _together, self._connection, asked)
        for write, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, _Failed):
                self._fail(write, outcome.reason)
                continue
            write.then(outcome)
            if write.done is not None and not write.done.done():  # its writer may have been cancelled meanwhile
                write.done.set_result(outcome)

    def _fail(self, write: _Write, reason: Exception) -> None:
        if write.done is None:
            self._owed.append(write)
        elif not write.done.done():  # the writers learn of it, the server lives on
            write.done.set_exception(Unkept(str(reason)) if isinstance(reason, sqlite3.Error) else reason)

    async def close(self) -> None:
        """Commit what waits and close the database."""
        if self._flush is not None:
            await self._flush
        if self._owed:
            await self._commit(())
        if self._owed:
            _LOGGER.error("the database could not take the ends of %d runs", len(self._owed))
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()


@dataclass(frozen=True, slots=True)
class _Failed:
    reason: Exception


def _together(connection: sqlite3.Connection, writes: Sequence[_Write]) -> Sequence[Any]:
    """What each write made, or how it failed."""
    made = _transact(connection, writes)
    if not isinstance(made, _Failed):
        return made
    if len(writes) == 1:
        return [made]
    alone = [_transact(connection, [write]) for write in writes]
    return [one if isinstance(one, _Failed) else one[0] for one in alone]


def _transact(connection: sqlite3.Connection, writes: Sequence[_Write]) -> Sequence[Any] | _Failed:
    """Commit writes in one transaction, or none of them."""
    try:
        connection.execute("BEGIN")
        made = [write.work(connection) for write in writes]
        connection.execute("COMMIT")  # the moment in which a full disk shows
    except Exception as reason:  # noqa: BLE001 -- whatever it is, its writers are told
        if connection.in_transaction:  # SQLite may have ended it by itself
            connection.execute("ROLLBACK")
        return _Failed(reason)
    return made
