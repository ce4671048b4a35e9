"""The append-only event log of one system's runs, and its readers.

An event is committed before any reader sees it. It must not know what an event means, HTTP, or who may read: it holds
rows (one a run) and numbered entries (from 1, in each run), and shows every reader the same order.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from streamvet_server.database import put, rows
from streamvet_server.seams import Entry, Scene, Seams
from streamvet_server.store import Unkept
from streamvet_server.wire import json_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

    from streamvet_server.feed import Feed, Message
    from streamvet_server.store import Store

NOTHING = "nothing"  # a topic that nobody follows

# Events that one reader may have waiting. Past it they are dropped and the reader reads on from the log, so that a
# stalled reader costs at most this many references. A burst of one script step stays well below it.
BOUND_EVENTS = 256
# Bytes of JSON text whose events are kept decoded, so that many readers who replay the same decode it once. The events
# take some times as much.
KEPT_BYTES = 4 * 1024 * 1024
PAGE_EVENTS = 64  # events read from the log at once: with the largest events (64 KiB strings) about 4 MiB


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a run besides its events. Times are ms since 1970; `ordinal` orders runs of the same ms."""

    id: str
    kind: str
    owner: str
    ordinal: int
    started_ms: int
    status: str = "running"
    ended_ms: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    executor: str = ""  # the process that performs it, where there are several


def now_ms() -> int:
    """Wall-clock time in ms since 1970."""
    return time.time_ns() // 1_000_000


class Mark(Enum):
    """What `Reading.next` says when it has no event."""

    CAUGHT_UP = "caught up"  # once: everything that was in the log has been given
    TICK = "tick"  # the time given as `until` has come
    STOPPED = "stopped"  # the log was stopped or emptied


class EventLog:
    """The runs of one system. Rows live in memory too; events only in the store.

    With a feed, several processes share the log: a change is kept and shown once it comes back from there, in its place
    among those of the others. Each process then has all of the log in a store of its own.
    """

    def __init__(self, store: Store, profile: str, seams: Seams, feed: Feed | None = None) -> None:
        self._store = store
        self._feed = feed
        self._profile = profile
        self.seams = seams
        self._readings: dict[str, set[Reading]] = {}
        self._stopped = False
        self._rows: dict[str, Row] = {}
        self._newest: dict[str, int] = {}
        self._coming: dict[str, Row] = {}  # rows that are taken up, and not kept yet
        self._due: dict[str, int] = {}  # the same of numbers of events
        self._pages = Pages(KEPT_BYTES)
        self._turning: dict[tuple[str, int, int], asyncio.Future[tuple[list[Entry], int]]] = {}
        self._held: dict[str, Sequence[Entry]] = {}  # ends of runs that the store could not keep yet
        self.messages: dict[str, Callable[[Message], None]] = {}  # of this system, by their first key: who takes them
        self._recall(store.read_now(lambda connection: _rows(connection, profile)))
        self._ordinals = itertools.count(max((row.ordinal for row in self._rows.values()), default=0) + 1)

    def _recall(self, rows: Mapping[str, Row]) -> None:
        """Take up the runs that the store holds."""
        newest = self._store.read_now(_newest_numbers)
        for run, row in rows.items():
            held = newest.get(run, 0)
            kept = self.seams.recall(Scene(self._profile, "recall", run), row.status, held)
            if kept is not None:
                self._rows[run] = row
                self._newest[run] = kept
            if kept != held:
                self._store.read_now(partial(_drop_after, run=run, number=kept or 0))

    def rows(self) -> Sequence[Row]:
        """Every run, newest first."""
        return sorted(self._rows.values(), key=lambda row: (row.started_ms, row.ordinal), reverse=True)

    def row(self, run: str) -> Row | None:
        """The run as committed, or None."""
        return self._rows.get(run)

    def newest(self, run: str) -> int:
        """The number of the last event that readers may see; 0 where there is none."""
        return self._newest.get(run, 0)

    async def create(self, run: str, kind: str, owner: str, facts: Mapping[str, Any]) -> Row:
        """Record a new run."""
        executor = self._feed.me if self._feed else ""
        row = Row(run, kind, owner, next(self._ordinals), now_ms(), facts=facts, executor=executor)
        if self._feed is not None:
            await self._feed.within(self._feed.append(self._profile, {"made": asdict(row)}))
            return row
        await self._put(row)
        return row

    def _put(self, row: Row) -> asyncio.Future[None]:
        return self._store.write(
            lambda connection: _put_row(connection, self._profile, row), lambda _made: self._shown(row.id, (), row)
        )

    def append(
        self, scene: Scene, run: str, documents: Sequence[Mapping[str, Any]], row: Row | None = None
    ) -> asyncio.Future[None]:
        """Append events, and record what became of the run, in one transaction; then readers see them, in order.

        To be asked for one by one: what could not be kept has used no number.
        """
        if self._feed is not None:
            kept = self.seams.keep(scene, self._numbered(documents, run))
            lines = [(entry.number, entry.at_ms, json_text(entry.document)) for entry in kept]
            return self._feed.append(self._profile, {"run": run, "row": row and asdict(row), "lines": lines})
        entries, work = self._entered(scene, run, documents, row)
        return self._store.write(work, lambda _made: self._show(run, entries, row))

    def take(self, message: Message) -> asyncio.Future[None] | None:
        """Take up what has come back from the feed; the future raises `Unkept` where a change came too late."""
        body = message.body
        other = self.messages.get(next(iter(body)))
        if other is not None:
            return self._store.write(lambda _connection: None, lambda _made: other(message))
        if "made" in body:
            made = Row(**body["made"])
            self._coming[made.id] = made
            return self._put(made)
        run, row = body["run"], Row(**body["row"]) if body["row"] else None
        lines: Sequence[tuple[int, int, str]] = [(int(one), int(at_ms), text) for one, at_ms, text in body["lines"]]
        known = self._coming.get(run, self._rows.get(run))
        is_next = not lines or lines[0][0] == self._due.get(run, self.newest(run)) + 1
        if known is None or known.status != "running" or not is_next:
            return _refused(f"run {run} has ended, or another process has gone on with it")
        if row is not None:
            self._coming[run] = row
        if lines:
            self._due[run] = lines[-1][0]
        entries = [Entry(number, at_ms, json.loads(text)) for number, at_ms, text in lines]
        work = self._kept(run, row, [(run, *line) for line in lines])
        return self._store.write(work, lambda _made: self._shown(run, entries, row))

    def _shown(self, run: str, entries: Sequence[Entry], row: Row | None) -> None:
        self._show(run, entries, row)
        if row is not None and self._coming.get(run) is row:
            del self._coming[run]
        if self._due.get(run) == self.newest(run):
            del self._due[run]

    async def current(self) -> None:
        """What other processes have logged until now is known here.

        Raises:
            Unkept: the shared log does not answer.
        """
        if self._feed is not None:
            await self._feed.fence()

    def _numbered(self, documents: Sequence[Mapping[str, Any]], run: str) -> list[Entry]:
        at_ms = now_ms()
        return [Entry(number, at_ms, document) for number, document in enumerate(documents, self.newest(run) + 1)]

    def hold(self, scene: Scene, run: str, documents: Sequence[Mapping[str, Any]], row: Row) -> None:
        """Show the end of a run that the store cannot keep now. It is kept as soon as there is room."""
        entries, work = self._entered(scene, run, documents, row)
        self._held[run] = entries
        self._show(run, entries, row)
        self._store.owe(work, lambda: self._forget_held(run))

    def _entered(
        self, scene: Scene, run: str, documents: Sequence[Mapping[str, Any]], row: Row | None
    ) -> tuple[Sequence[Entry], Callable[[sqlite3.Connection], None]]:
        """The entries of documents, and what keeps them."""
        entries = self._numbered(documents, run)
        kept = self.seams.keep(scene, entries)
        # Written out here, so that a document without a JSON text fails its own run and not the whole transaction.
        lines = [(run, entry.number, entry.at_ms, json_text(entry.document)) for entry in kept]
        return entries, self._kept(run, row, lines)

    def _kept(
        self, run: str, row: Row | None, lines: Sequence[tuple[str, int, int, str]]
    ) -> Callable[[sqlite3.Connection], None]:
        """What keeps the lines of a run, and its row."""

        def work(connection: sqlite3.Connection) -> None:
            if run not in self._rows and run not in self._coming:  # emptied meanwhile
                return
            if row is not None:
                _put_row(connection, self._profile, row)
            for line in lines:
                put(connection, "entries", *line)

        return work

    def _show(self, run: str, entries: Sequence[Entry], row: Row | None) -> None:
        if row is not None:
            self._keep_row(row)
        if entries:
            self._newest[run] = entries[-1].number
            for reading in tuple(self._readings.get(run, ())):
                reading.push(entries)

    def _forget_held(self, run: str) -> None:
        self._held.pop(run, None)

    def written(self) -> asyncio.Future[None]:
        """Done when everything asked before is committed."""
        if self._feed is not None:
            return self._feed.append(NOTHING, {})
        return self._store.write(lambda _connection: None)

    async def page(self, run: str, after: int, limit: int) -> list[Entry]:
        """The next events after a number."""
        held = self._held.get(run, ())
        kept = self._pages.get(run, after, limit)
        if kept is not None:
            return kept
        row = self._rows.get(run)
        is_over = row is not None and row.status != "running" and not held  # then the last page will not grow any more
        # What is read now for one reader is good for all others too, where nothing can come into the page meanwhile.
        is_whole = is_over or self.newest(run) - after >= limit > 0
        page, size = await self._read_page(run, after, limit, alone=not is_whole)
        if len(page) == limit or is_over:
            self._pages.keep(run, after, limit, page, size)
        if len(page) == limit:
            return page
        last = page[-1].number if page else after
        return page + [entry for entry in held if entry.number > last]

    async def _read_page(self, run: str, after: int, limit: int, *, alone: bool) -> tuple[list[Entry], int]:
        key = (run, after, limit)
        if alone or key not in self._turning:
            turning = asyncio.ensure_future(self._store.read(lambda connection: _page(connection, *key)))
            if alone:
                return await turning
            self._turning[key] = turning
            turning.add_done_callback(lambda _done: self._turning.pop(key, None))
        return await asyncio.shield(self._turning[key])

    async def history(self, run: str) -> list[Entry]:
        """All events of a run."""
        return await self.page(run, 0, -1)

    def read(self, scene: Scene, run: str, after: int = 0) -> Reading:
        """Subscribe to a run, from the event after a number. To be closed by the caller."""
        reading = Reading(self, scene, run, self.seams.resume(scene, after))
        self._readings.setdefault(run, set()).add(reading)
        if self._stopped:
            reading.stop()
        return reading

    def readings(self, run: str) -> Sequence[Reading]:
        """Who reads a run now."""
        return tuple(self._readings.get(run, ()))

    def leave(self, run: str, reading: Reading) -> None:
        """Forget a reader."""
        readers = self._readings.get(run, set())
        readers.discard(reading)
        if not readers:
            self._readings.pop(run, None)

    def stop(self) -> None:
        """End every reading, also those to come: the server stops."""
        self._stopped = True
        self._end_readings()

    def _end_readings(self) -> None:
        for readings in self._readings.values():
            for reading in readings:
                reading.stop()

    async def forget(self) -> None:
        """Empty the log and end every reading; with a feed, of this process alone."""
        self._pages = Pages(KEPT_BYTES)
        self._end_readings()
        runs = [(run,) for run in self._rows]

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM runs WHERE profile = ?", (self._profile,))
            connection.executemany("DELETE FROM entries WHERE run = ?", runs)

        def then(_made: None) -> None:
            for (run,) in runs:
                self._rows.pop(run, None)
                self._newest.pop(run, None)
                self._held.pop(run, None)

        await self._store.write(work, then)

    def _keep_row(self, row: Row) -> None:
        self._rows[row.id] = row


class Pages:
    """Whole pages of the log, which never change, those that were asked for last; of so many bytes of text at most."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[tuple[str, int, int], tuple[list[Entry], int]] = {}
        self._bytes = 0

    def get(self, run: str, after: int, limit: int) -> list[Entry] | None:
        """The page of so many events after a number, None where it is not kept."""
        found = self._kept.pop((run, after, limit), None)
        if found is None:
            return None
        self._kept[run, after, limit] = found  # it is the youngest now
        return found[0]

    def keep(self, run: str, after: int, limit: int, page: list[Entry], size: int) -> None:
        """Keep a page, and let go of the oldest ones."""
        if (run, after, limit) in self._kept or size > self._most_bytes:
            return
        self._kept[run, after, limit] = page, size
        self._bytes += size
        while self._bytes > self._most_bytes:
            oldest = next(iter(self._kept))
            self._bytes -= self._kept.pop(oldest)[1]


class Reading:
    """One reader's place in one run's log: first what the log holds, then what comes, nothing lost or given twice.

    While it reads from the log it only notices that more has come; it goes live in the same step of the event loop in
    which it finds the log read to its end. So there is no moment in between, and nothing to compare.
    """

    def __init__(self, log: EventLog, scene: Scene, run: str, after: int) -> None:
        self._log = log
        self._scene = scene
        self._run = run
        self._after = after  # the number of the last event read from the log or taken from the queue
        self._queue: deque[Entry] = deque()
        self._page: deque[Entry] = deque()
        self._behind = True
        self._stopped = False
        self._wake = asyncio.Event()
        self.caught_up = False

    @property
    def waiting(self) -> int:
        """How many live events the reader has not taken yet."""
        return len(self._queue)

    def push(self, entries: Sequence[Entry]) -> None:
        """Events were committed. Where too many wait already, the reader will read them from the log."""
        if not self._behind:
            self._queue.extend(entries)
            if len(self._queue) > BOUND_EVENTS:
                self._queue.clear()
                self._behind = True
                self._after = self._log.seams.overflow(self._scene, self._after, entries[-1].number)
        self._wake.set()

    def stop(self) -> None:
        """Wake the reader to tell it that nothing will come any more."""
        self._stopped = True
        self._wake.set()

    def close(self) -> None:
        """The reader has left; nothing waits for it any more."""
        self._queue.clear()
        self._log.leave(self._run, self)

    async def next(self, until: float | None = None) -> Entry | Mark:
        """The next event, or what there is to say in its place. `until` is a time of the event loop's clock."""
        while not self._stopped:
            if self._behind and not self._page:
                await self._turn_page()
                continue
            if self._page:
                return self._page.popleft()
            if not self.caught_up:
                self.caught_up = True
                return Mark.CAUGHT_UP
            if self._queue:
                entry = self._queue.popleft()
                self._after = entry.number
                return entry
            if not await self._woken(until):
                return Mark.TICK
        return Mark.STOPPED

    async def _turn_page(self) -> None:
        if self._after >= self._log.newest(self._run):
            self._behind = False
            return
        page = await self._log.page(self._run, self._after, PAGE_EVENTS)
        self._after = page[-1].number if page else self._log.newest(self._run)
        self._page.extend(self._log.seams.replay(self._scene, page))

    async def _woken(self, until: float | None) -> bool:
        self._wake.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True


def _refused(why: str) -> asyncio.Future[None]:
    refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    refused.set_exception(Unkept(why))
    return refused


def _rows(connection: sqlite3.Connection, profile: str) -> dict[str, Row]:
    found = rows(connection, "runs", "WHERE profile = ?", (profile,))
    return {run: Row(**json.loads(document)) for run, _, _, document in found}


def _newest_numbers(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT run, MAX(number) FROM entries GROUP BY run").fetchall())


def _drop_after(connection: sqlite3.Connection, run: str, number: int) -> None:
    connection.execute("DELETE FROM entries WHERE run = ? AND number > ?", (run, number))


def _put_row(connection: sqlite3.Connection, profile: str, row: Row) -> None:
    put(connection, "runs", row.id, profile, row.ordinal, json_text(asdict(row)), replace=True)


def _page(connection: sqlite3.Connection, run: str, after: int, limit: int) -> tuple[list[Entry], int]:
    """The next events after a number, and the size of their texts."""
    which = "WHERE run = ? AND number > ? ORDER BY number LIMIT ?"
    found = list(rows(connection, "entries", which, (run, after, limit)))
    page = [Entry(number, at_ms, json.loads(document)) for _, number, at_ms, document in found]
    return page, sum(len(document) for *_, document in found)
