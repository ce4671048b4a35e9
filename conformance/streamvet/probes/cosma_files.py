"""Probes of cosma that work in a watched directory: each try makes one of its own, and takes it away at the end.

What was done on disk is no request, so it is noted at the reader that should be told of it. They judge nothing.
"""

from __future__ import annotations

import asyncio
import math
import os
import shutil
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import pointed
from streamvet.probes.cosma import running, saying, sees, switch, told_s
from streamvet.recorder import now_us, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

# A cooldown in which something else can be done to a file: to be told of it and to do it takes some 20 ms. At scale 1
# a whole second, as a candidate may take whole ones only.
_COOLDOWN_MS = 600.0
_LOOK_MS = 1000.0  # between two looks at the queue, at most: of the published source
_SLACK_S = 0.5  # behind a bound: for what is late to be seen to come
# To process a short text, by a language model where nothing says that the work is simulated.
_WORK_S = {True: 5.0, False: 60.0}
_ATTEMPTS = 4  # of a file that cannot be processed: one more than is published

_OLD, _NEW, _DOOMED = "directory", "directory-renamed", "directory-removed"  # the first and the last are there before
_ODD = 'it\'s "quoted" \U0001f680 and\nhas two lines.txt'
_NO_TEXT = b"\xff\xfe\xfa no text \xc3\x28\n"


def cooldown_s(setting: Setting) -> int:
    """The cooldown that the tries ask for, as the candidate counts it."""
    return max(1, math.ceil(_COOLDOWN_MS / 1000 / setting.scale))


@dataclass(slots=True)
class _Directory:
    """A watched directory of one try, and the reader that is told of it."""

    driver: Driver
    path: Path
    reader: Live
    last_us: int = field(default_factory=now_us)

    @property
    def cooldown_s(self) -> float:
        """The cooldown in real time."""
        return float(self.driver.stimulus["cooldown_s"]) * self.driver.setting.scale

    @property
    def noticed_s(self) -> float:
        """How long to wait for the event of a change on disk."""
        return float(self.driver.profile.field("figures.noticed_within_ms")) / 1000 + _SLACK_S

    @property
    def done_s(self) -> float:
        """How long to wait until a file is processed for the first time."""
        return self.cooldown_s + self.noticed_s + _WORK_S[self.driver.setting.published]

    async def do(self, did: str, name: str, act: Callable[[Path], object], to: str | None = None) -> str:
        """Do something to a file or directory; gives its path."""
        path = self.path / name
        deed = {"at_us": self.driver.tape.now_us(), "did": did, "path": str(path)}
        await asyncio.to_thread(act, path)
        self.reader.about["files"].append(deed if to is None else deed | {"to": str(self.path / to)})
        self.last_us = now_us()
        return str(path)

    async def create(self, name: str) -> str:
        """Make a file with a text of its own."""
        return await self.do("created", name, lambda path: path.write_text(f"Notes on {name}.\n", encoding="utf-8"))

    async def sees(self, *kinds: str, within_s: float | None = None, **data: Any) -> Any:
        """The data of the first event that is one of these, None where none comes."""
        seen = await sees(self.reader, self.noticed_s if within_s is None else within_s, kinds, **data)
        return pointed(seen.value, "/data") if seen else None

    async def added(self, path: str) -> str | None:
        """The id of the item that a file has got."""
        found = await self.sees("queue_item_added", file_path=path)
        return str(found["id"]) if found and "id" in found else None

    async def processed(self, item: str | None, *, attempts: int = 1) -> None:
        """Wait until an item is done, one way or another."""
        if item is not None:
            within_s = self.done_s + (attempts - 1) * (self.cooldown_s + _LOOK_MS * self.driver.setting.scale / 1000)
            await self.sees("queue_item_completed", "queue_item_failed", within_s=within_s, id=item)

    async def past_cooldown(self) -> None:
        """Wait until everything that was done is as long ago as a cooldown and a look at the queue."""
        wait_s = self.cooldown_s + (_LOOK_MS * self.driver.setting.scale) / 1000 + _SLACK_S / 5
        await wait_until(self.last_us + int(wait_s * 1e6))


@asynccontextmanager
async def _watched(driver: Driver, *beforehand: str) -> AsyncIterator[_Directory]:
    """A new directory, watched, with some directories in it. At the end all is as before, as far as it was told."""
    reader = await driver.listen(files=[])
    before = pointed((await driver.ask("look:settings", "look")).json(), "/queue/cooldown_seconds")
    path = await asyncio.to_thread(_make, driver.setting.target.directory or Path(), beforehand)
    one = _Directory(driver, path, reader)
    try:
        await _set_cooldown(driver, driver.stimulus["cooldown_s"])
        await driver.ask("trigger:watch", "trigger", values={"directory": str(path)}, subject=str(path))
        if await one.sees("watch_started", "watch_added", path=str(path)):
            await one.sees("directory_processing_started", path=str(path))
            await one.sees("directory_processing_completed", within_s=told_s(driver), path=str(path))
        yield one
    finally:
        await _unwatch(one)
        if before is not None:
            await _set_cooldown(driver, before)
        await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
    await reader.cut("the directory is no longer watched")


def _make(directory: Path, beforehand: tuple[str, ...]) -> Path:
    path = Path(mkdtemp(prefix="streamvet-", dir=directory)).resolve()  # its events have the path without links
    for name in beforehand:
        (path / name).mkdir()
    return path


async def _set_cooldown(driver: Driver, seconds: float) -> None:
    await driver.ask("trigger:settings", "trigger", body={"queue.cooldown_seconds": seconds})


async def _unwatch(one: _Directory) -> None:
    """End the watching, and take out of the queue what is left of it."""
    driver, path = one.driver, str(one.path)
    for job in _rows(await driver.ask("look:watches", "look"), "/jobs"):
        if job.get("path") == path:
            await driver.ask("trigger:unwatch", "trigger", values={"job": str(job.get("id"))}, subject=path)
            await one.sees("watch_removed", path=path)
    for item in _rows(await driver.ask("look:items", "look"), "/items"):
        if str(item.get("file_path")).startswith(path + os.sep):
            await _remove(driver, str(item.get("id")))


async def _remove(driver: Driver, item: str) -> None:
    await driver.ask("trigger:remove-item", "trigger", values={"item": item}, subject=item)


def _rows(live: Live, pointer: str) -> list[dict[str, Any]]:
    """The objects of a list in an answer."""
    rows = pointed(live.json(), pointer)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


# ------------------------------------------------------------------------------------------------------- the files


def files_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to vary but the cooldown."""
    return saying(setting, "files come, change and go", cooldown_s=cooldown_s(setting))


async def files(driver: Driver, _stimulus: Stimulus) -> None:
    """Everything that can be done to files, each time to another one, so that one cooldown serves all."""
    async with _watched(driver, _OLD, _DOOMED) as one:
        await asyncio.gather(
            _left_alone(one), _changed(one), _deleted(one), _renamed(one), _removed(one), _directories(one),
            _odd(one), _unreadable(one),
        )  # fmt: skip
        await one.past_cooldown()


async def _left_alone(one: _Directory) -> None:
    await one.processed(await one.added(await one.create("left-alone.txt")))


async def _changed(one: _Directory) -> None:
    path = await one.create("changed.txt")
    item = await one.added(path)
    if item is not None:
        await one.do("changed", "changed.txt", lambda path: path.write_text("Other notes.\n", encoding="utf-8"))
        await one.sees("queue_item_updated", id=item)
        await one.processed(item)


async def _deleted(one: _Directory) -> None:
    path = await one.create("deleted.txt")
    if await one.added(path) is not None:
        await one.do("deleted", "deleted.txt", Path.unlink)
        await one.sees("file_deleted", path=path)


async def _renamed(one: _Directory) -> None:
    path = await one.create("renamed.txt")
    if await one.sees("file_created", path=path):
        await one.do("renamed", "renamed.txt", lambda path: path.rename(path.with_name("new-name.txt")), "new-name.txt")
        await one.sees("file_moved", src_path=path)


async def _removed(one: _Directory) -> None:
    item = await one.added(await one.create("removed.txt"))
    if item is not None:
        await _remove(one.driver, item)
        await one.sees("queue_item_removed", within_s=told_s(one.driver), id=item)


async def _directories(one: _Directory) -> None:
    """They were there before: a watcher may need a moment for new ones."""
    old = await one.do("directory renamed", _OLD, lambda path: path.rename(path.with_name(_NEW)), _NEW)
    gone = await one.do("directory removed", _DOOMED, Path.rmdir)
    await one.sees("directory_moved", src_path=old)
    await one.sees("directory_deleted", path=gone)


async def _odd(one: _Directory) -> None:
    with suppress(OSError):  # some file systems have no such names
        path = await one.create(_ODD)
        if await one.sees("file_created", path=path):
            await one.added(path)


async def _unreadable(one: _Directory) -> None:
    """Neither with the rights that it has, nor as text by who may read everything."""
    path = await one.do("made unreadable", "unreadable.txt", _make_unreadable)
    await one.processed(await one.added(path), attempts=_ATTEMPTS)


def _make_unreadable(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0)
    try:
        os.write(handle, _NO_TEXT)
    finally:
        os.close(handle)


# ------------------------------------------------------------------------------------------------ while it is paused


def held_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to vary but the cooldown."""
    return saying(setting, "a file comes during a pause", cooldown_s=cooldown_s(setting))


async def held(driver: Driver, _stimulus: Stimulus) -> None:
    """Pause the queue, make a file, wait for longer than its cooldown, resume."""
    async with _watched(driver) as one:
        await running(driver, one.reader)
        try:
            await switch(driver, "trigger:pause", one.reader)
            item = await one.added(await one.create("held.txt"))
            await one.past_cooldown()
        finally:
            await switch(driver, "trigger:resume", one.reader)
        await one.processed(item)
