"""What was pushed to rockstar, and its versions: one transaction a push, so that a push is there wholly or not at all.

It must not know HTTP, tokens or streams. Content is kept as JSON text, which has a form for every string.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from streamvet_server.database import put, rows
from streamvet_server.site import Resettable
from streamvet_server.systems.rockstar.work import DEFAULT_PRIVACY, PLAN, SESSION, Push, nanoid
from streamvet_server.wire import json_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Coroutine, Sequence

    from streamvet_server.store import Store

_PROJECT = "project"  # a kind of item of its own: an id for a label, without versions


@dataclass(frozen=True, slots=True)
class Item:
    """What has a URL. `newest` is the highest version ever given; `plans` the ids of those that a session wrote."""

    id: str
    owner: str
    kind: str
    name: str
    newest: int = 0
    title: str | None = None
    privacy: str = DEFAULT_PRIVACY
    project: str | None = None
    plans: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a push. `created`: there was no such item before; `plans`: of those that came with it."""

    item: Item
    version: int
    changed: bool
    created: bool
    project: Item | None = None
    plans: Sequence[Placed] = ()


class Versions(Resettable):
    """Everything that was pushed, and the pushes that are under way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pushing: set[asyncio.Task[None]] = set()

    def begin(self, pushing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Perform a push in a task that `reset` cancels."""
        task = asyncio.create_task(pushing)
        self._pushing.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        self._pushing.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: who waited for it may have left

    async def reset(self) -> None:
        """Forget what was pushed, and end the pushes that are under way."""
        for task in self._pushing:
            task.cancel()

        def empty(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM items")
            connection.execute("DELETE FROM versions")

        await self._store.write(empty)

    def put(self, push: Push) -> asyncio.Future[Placed]:
        """Keep a push, whether or not what became of it is awaited."""
        return self._store.write(lambda connection: _put(connection, push, DEFAULT_PRIVACY))

    async def holds(self, push: Push) -> bool:
        """Whether the push would change nothing."""

        def look(connection: sqlite3.Connection) -> bool:
            item = _named(connection, push.owner, push.kind, push.name)
            if item is None or _told(item, push) != item:
                return False
            last = _version(connection, item.id)
            return last is not None and last[1] == _digest(push.content)

        return await self._store.read(look)

    async def find(self, kind: str, item_id: str) -> Item | None:
        """The item of an id, where it is of this kind."""
        item = await self._store.read(lambda connection: _of_id(connection, item_id))
        return item if item is not None and item.kind == kind else None

    async def content(self, item_id: str, version: int | None) -> tuple[int, str] | None:
        """A version and what it holds; without a version, the latest that is left."""
        found = await self._store.read(lambda connection: _version(connection, item_id, version))
        return None if found is None else (found[0], json.loads(found[2]))

    async def drop(self, item_id: str, version: int) -> bool:
        """Delete a version. Returns whether it was there."""

        def delete(connection: sqlite3.Connection) -> bool:
            done = connection.execute("DELETE FROM versions WHERE item = ? AND version = ?", (item_id, version))
            return done.rowcount == 1

        return await self._store.write(delete)


def _put(connection: sqlite3.Connection, push: Push, privacy: str) -> Placed:
    """Keep a push. `privacy` is that of a new item whose push does not say it."""
    found = _named(connection, push.owner, push.kind, push.name)
    item = _told(found or Item(nanoid(), push.owner, push.kind, push.name, privacy=privacy), push)
    last, digest = _version(connection, item.id), _digest(push.content)
    changed = last is None or last[1] != digest
    if changed or push.kind == SESSION:
        item = replace(item, newest=item.newest + 1)
        put(connection, "versions", item.id, item.newest, digest, json_text(push.content))
    # Of several writes to one file the last one is the plan.
    linked = [Push(PLAN, push.owner, name, content) for name, content in dict(push.writes).items()]
    plans = [_put(connection, plan, item.privacy) for plan in linked]
    if plans:
        item = replace(item, plans=list(dict.fromkeys([*item.plans, *(plan.item.id for plan in plans)])))
    project = None if item.project is None else _project(connection, push.owner, item.project)
    _keep(connection, item)
    return Placed(item, item.newest, changed, found is None, project, plans)


def _told(item: Item, push: Push) -> Item:
    """The item with what the push says of it."""
    said: dict[str, Any] = {"title": push.title, "privacy": push.privacy, "project": push.project}
    return replace(item, **{key: value for key, value in said.items() if value is not None})


def _project(connection: sqlite3.Connection, owner: str, label: str) -> Item:
    item = _named(connection, owner, _PROJECT, label)
    if item is None:
        item = Item(nanoid(), owner, _PROJECT, label)
        _keep(connection, item)
    return item


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _keep(connection: sqlite3.Connection, item: Item) -> None:
    document = {"title": item.title, "privacy": item.privacy, "project": item.project, "plans": list(item.plans)}
    row = (item.id, item.owner, item.kind, json_text(item.name), item.newest, json_text(document))
    put(connection, "items", *row, replace=True)


def _named(connection: sqlite3.Connection, owner: str, kind: str, name: str) -> Item | None:
    where = "owner = ? AND kind = ? AND name = ?"
    return _item(connection, where, (owner, kind, json_text(name)))


def _of_id(connection: sqlite3.Connection, item_id: str) -> Item | None:
    return _item(connection, "id = ?", (item_id,))


def _item(connection: sqlite3.Connection, where: str, values: tuple[str, ...]) -> Item | None:
    row = next(rows(connection, "items", f"WHERE {where}", values), None)
    if row is None:
        return None
    item_id, owner, kind, name, newest, document = row
    return Item(item_id, owner, kind, json.loads(name), newest, **json.loads(document))


def _version(connection: sqlite3.Connection, item_id: str, version: int | None = None) -> tuple[int, str, str] | None:
    """Number, digest and content of a version; without one, of the latest that is left."""
    which = "WHERE item = ? AND version = COALESCE(?, version) ORDER BY version DESC LIMIT 1"
    row = next(rows(connection, "versions", which, (item_id, version)), None)
    return None if row is None else (row[1], row[2], row[3])
