"""The database file: its tables, the one process that may have it open, and rows that are read as they were written.

It must not know what the rows mean, or when they are written. Each row has a seal, a checksum of its other columns: a
bit that has flipped shows when the server comes up, and at each reading, instead of being served.
"""

from __future__ import annotations

import sqlite3
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# How long to wait for another process that has it open: enough for two that come up at the same moment.
_BUSY_S = 0.5
# The `user_version` of our files: a file with tables and another number is not ours, or of another version.
_FORMAT = 2
_TABLES = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, profile TEXT NOT NULL, ordinal INTEGER NOT NULL, document TEXT NOT NULL,
  seal INTEGER NOT NULL);
CREATE TABLE entries (
  run TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, document TEXT NOT NULL, seal INTEGER NOT NULL,
  PRIMARY KEY (run, number)) WITHOUT ROWID;
CREATE TABLE users (
  profile TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, seal INTEGER NOT NULL,
  PRIMARY KEY (profile, name));
CREATE TABLE items (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, newest INTEGER NOT NULL,
  document TEXT NOT NULL, seal INTEGER NOT NULL, UNIQUE (owner, kind, name));
CREATE TABLE versions (
  item TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, content TEXT NOT NULL, seal INTEGER NOT NULL,
  PRIMARY KEY (item, version));
"""


class Unusable(Exception):  # noqa: N818 -- it names what the file is
    """A file with which one cannot serve: what was expected of it, and what it is."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got


class Damaged(Exception):  # noqa: N818 -- it names what the row is
    """A row is not as it was written."""


def put(connection: sqlite3.Connection, table: str, *values: Any, replace: bool = False) -> None:
    """Insert a row; where `replace` says so, in place of the one with its key."""
    verb = "INSERT OR REPLACE" if replace else "INSERT"
    marks = ", ".join("?" * (len(values) + 1))
    connection.execute(f"{verb} INTO {table} VALUES ({marks})", (*values, _seal(table, values)))


def rows(connection: sqlite3.Connection, table: str, which: str = "", values: Sequence[Any] = ()) -> Iterator[Any]:
    """The rows of a table, without their seals. `which`: the query from WHERE on.

    Raises:
        Damaged: a row is not as it was written.
    """
    for *held, seal in connection.execute(f"SELECT * FROM {table} {which}", values):  # noqa: S608 -- ours
        if seal != _seal(table, held):
            raise Damaged(f"a row of {table} that has changed since: {', '.join(f'{it!r:.60}' for it in held[:2])}")
        yield held


def connect(path: str) -> sqlite3.Connection:
    """Open a database, or make it, for this process alone.

    Raises:
        Unusable: it cannot be opened or made, it is not one of ours, it is damaged, or another process has it open.
    """
    if _is_special(path):
        raise Unusable("a regular file", "something else")
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, UnicodeDecodeError) as reason:  # the latter where SQLite quotes what is damaged
        if getattr(reason, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise Unusable("a database that no other process has open", str(reason)) from reason
        raise Unusable("a database that can be opened, or made", str(reason)) from reason
    except Damaged as reason:
        raise Unusable("rows as they were written", str(reason)) from reason
    return connection


def _is_special(path: str) -> bool:
    try:
        return Path(path).exists() and not Path(path).is_file()
    except OSError:  # no path at all, which SQLite says as well
        return False


def _prepare(connection: sqlite3.Connection) -> None:
    # Octets that are no UTF-8 are text as well, so that the seal tells of them.
    connection.text_factory = lambda octets: octets.decode("utf-8", "surrogateescape")
    # Numbers are given and readers are told in this process's memory, so no other one may write. From the first
    # transaction on the lock is held until the process ends, however it does.
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL: a commit survives the death of this process, which is what is promised; only a power cut could undo it.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("BEGIN EXCLUSIVE")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("COMMIT")
    if not tables and not version:
        connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={_FORMAT}; COMMIT")
    elif version != _FORMAT:
        raise Unusable(f"a database of this server, of format {_FORMAT}", f"one of format {version}")
    else:
        _check(connection, tables)


def _check(connection: sqlite3.Connection, tables: Sequence[str]) -> None:
    """Read everything once."""
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise Damaged(" ".join(found.split()))
    for table in tables:
        for _row in rows(connection, table):
            pass


def _seal(table: str, values: Sequence[Any]) -> int:
    texts = [it if isinstance(it, str) else f"{type(it).__name__} {it}" for it in values]
    return zlib.crc32("\0".join([table, *texts]).encode("utf-8", "surrogatepass"))
