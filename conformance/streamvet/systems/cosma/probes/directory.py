"""A directory of one try that cosma watches: what is done in it, and how long its events are waited for.

What was done on disk is no request, so it is noted at the reader that should be told of it; so is what was waited for
in vain. Must not know which things a probe does in what order.
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
from streamvet.recorder import now_us, pause, wait_until
from streamvet.systems.cosma.probes.stream import sees, switch, told_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting
    from streamvet.recorder import Live, Seen

# A cooldown in which something else can be done to a file: to be told of it and to do it takes some 20 ms. At scale 1
# a whole second, as a candidate may take whole ones only.
_COOLDOWN_MS = 600.0
_LOOK_MS = 1000.0  # between two looks at the queue, at most: of the published source
_SLACK_S = 0.5  # behind a bound: for what is late to be seen to come
# To process a short text, by a language model where nothing says that the work is simulated.
_WORK_S = {True: 5.0, False: 60.0}
# So many times that at most, by whether the work is simulated: an item may have to wait for all the files of a try.
_TIMES = {True: 1, False: 12}
_LATE_SHARE = 4  # the harness may be late by a quarter of such a wait; beyond that it cannot tell
_STEP_S = 1.0  # between two looks at whether the queue gets on
_QUIET_S = 0.1  # behind something that is told: for what should not be told to come
_LIVES = 2  # times what it took to notice another file: who looks now and then has looked by then
_UNTOLD = "nobody-is-told.txt"
_DECOMPOSED = "e\u0301"  # a letter and its accent: some file systems make one character of it
_PATHS = ("path", "file_path")
_OVER = ("queue_item_completed", "queue_item_failed", "queue_item_removed")


def cooldown_s(setting: Setting, beside_s: float = 0.0) -> int:
    """A cooldown, as the candidate counts it, in which so much more time passes than that of a few answers."""
    return max(1, math.ceil((_COOLDOWN_MS / 1000 + beside_s) / setting.scale))


def text_of(name: str) -> str:
    """What is in a new file."""
    return f"Notes on {name}.\n"


@dataclass(slots=True)
class Directory:
    """A watched directory of one try, and the reader that is told of it."""

    driver: Driver
    path: Path
    reader: Live
    keeps_names: bool  # whether its file system does
    cooldown_s: float = 0.0  # in real time
    last_us: int = field(default_factory=now_us)
    made_us: dict[str, int] = field(default_factory=dict)  # when each file was made
    noticing_s: float = 0.0  # the longest time that it took until one was noticed

    @property
    def noticed_s(self) -> float:
        """How long to wait for the event of a change on disk."""
        return float(self.driver.profile.field("figures.noticed_within_ms")) / 1000 + _SLACK_S

    @property
    def done_s(self) -> float:
        """How long to wait until a file is processed for the first time."""
        return self.cooldown_s + self.noticed_s + _WORK_S[self.driver.setting.published]

    async def cools_for(self, seconds: int) -> None:
        """Ask for a cooldown, as the candidate counts it."""
        await _set_cooldown(self.driver, seconds)
        self.cooldown_s = seconds * self.driver.setting.scale

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
        self.made_us[str(self.path / name)] = now_us()
        return await self.write("created", name, text_of(name))

    async def write(self, did: str, name: str, text: str) -> str:
        """Write a file; gives its path."""
        return await self.do(did, name, lambda path: path.write_text(text, encoding="utf-8"))

    @property
    def here(self) -> int:
        """The place in the stream behind everything that has come so far."""
        return self.reader.seen[-1].end if self.reader.seen else 0

    async def sees(self, *kinds: str, within_s: float | None = None, behind: int = 0, **data: Any) -> Any:
        """The data of the first event that is one of these, None where none comes."""
        seen = await sees(self.reader, self.noticed_s if within_s is None else within_s, kinds, behind=behind, **data)
        return pointed(seen.value, "/data") if seen else None

    async def added(self, path: str, behind: int = 0) -> str | None:
        """The id of the item that a file has got."""
        found = await self.sees("queue_item_added", behind=behind, file_path=path)
        self.last_us = now_us()  # its cooldown begins when it is noticed
        if found and path in self.made_us:
            self.noticing_s = max(self.noticing_s, (self.last_us - self.made_us[path]) / 1e6)
        return str(found["id"]) if found and "id" in found else None

    async def processed(self, path: str, *, to: str = "", attempts: int = 1, behind: int = 0) -> str | None:
        """Wait until the item of a file is over, and how; that it was waited for in vain is noted.

        A candidate that gets on with others meanwhile has more time: how long their work takes is its own affair.
        """
        retries_s = (attempts - 1) * (self.cooldown_s + _LOOK_MS * self.driver.setting.scale / 1000)
        within_us, paths = int((self.done_s + retries_s) * 1e6), (path, to or path)
        begun_us = now_us()
        due_us = begun_us + within_us
        latest_us = begun_us + within_us * _TIMES[self.driver.setting.published]
        while now_us() < min(due_us, latest_us):
            before = len(self.reader.seen)
            over = await self._over(paths, _STEP_S, behind)
            if over or self.reader.ending is not None:
                return over
            due_us = now_us() + within_us if self._of_others(paths, before) else due_us
        late = self.driver.candidate.recorder.jitter.late(begun_us, now_us())
        if sum(us for _, us in late) * _LATE_SHARE <= within_us:  # on a machine that was busy nothing is said of it
            row = {"at_us": self.driver.tape.now_us(), "did": "waited in vain", "path": path}
            self.reader.about["files"].append(row)
        return None

    def _of_others(self, paths: tuple[str, str], since: int) -> bool:
        """Whether an event from that number on has told that other files get on."""
        new = self.reader.seen[since:]
        told = [one for one in new if str(one.kind).startswith(("file_", "queue_item_"))]
        return any(pointed(one.value, f"/data/{key}") not in (None, *paths) for one in told for key in _PATHS)

    async def _over(self, paths: tuple[str, str], within_s: float, behind: int) -> str | None:
        """How the item of one of these paths is over, None where it is not yet."""

        def wanted(seen: Seen) -> bool:
            return seen.start >= behind and seen.kind in _OVER and pointed(seen.value, "/data/file_path") in paths

        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                seen = await self.reader.until(wanted, within_s + 1, "the end of an item")
                return seen.kind if seen else None
        return None

    async def past_cooldown(self) -> None:
        """Wait until everything that was done is as long ago as a cooldown and a look at the queue."""
        wait_s = self.cooldown_s + (_LOOK_MS * self.driver.setting.scale) / 1000 + _SLACK_S / 5
        await wait_until(self.last_us + int(wait_s * 1e6))


@asynccontextmanager
async def watched(driver: Driver, *beforehand: str, files: tuple[str, ...] = ()) -> AsyncIterator[Directory]:
    """A new directory, watched, with some directories and files in it. At the end all is as before, if that is told."""
    reader = await driver.listen(files=[])
    before = pointed((await driver.ask("look:settings", "look")).json(), "/queue/cooldown_seconds")
    path, keeps_names = await asyncio.to_thread(_make, driver.setting.target.directory or Path(), beforehand, files)
    one = Directory(driver, path, reader, keeps_names)
    try:
        await one.cools_for(driver.stimulus["cooldown_s"])
        there = [{"at_us": driver.tape.now_us(), "did": "there before", "path": str(path / name)} for name in files]
        reader.about["files"] += there
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


def _make(directory: Path, beforehand: tuple[str, ...], files: tuple[str, ...]) -> tuple[Path, bool]:
    """A directory, and whether its file system keeps names as they are."""
    path = Path(mkdtemp(prefix="streamvet-", dir=directory)).resolve()  # its events have the path without links
    (path / _DECOMPOSED).touch()
    kept = [one.name for one in path.iterdir()] == [_DECOMPOSED]
    (path / _DECOMPOSED).unlink()
    for name in beforehand:
        (path / name).mkdir()
    for name in files:
        (path / name).write_text(text_of(name), encoding="utf-8")
    return path, kept


async def _set_cooldown(driver: Driver, seconds: float) -> None:
    await driver.ask("trigger:settings", "trigger", body={"queue.cooldown_seconds": seconds})


async def _unwatch(one: Directory) -> None:
    """End the watching, see what is told of the directory afterwards, and take out of the queue what is left of it."""
    driver, path = one.driver, str(one.path)
    for job in _rows(await driver.ask("look:watches", "look"), "/jobs"):
        if job.get("path") == path:
            await driver.ask("trigger:unwatch", "trigger", values={"job": str(job.get("id"))}, subject=path)
            if await one.sees("watch_removed", within_s=told_s(driver), path=path):
                await _unheeded(one)
    for item in _rows(await driver.ask("look:items", "look"), "/items"):
        if str(item.get("file_path")).startswith(path + os.sep):
            await remove(driver, str(item.get("id")))


async def _unheeded(one: Directory) -> None:
    """Make a file in a directory that is no longer watched, and delete it; then make something be told, and wait.

    It is there for longer than it took until another one was noticed: a watcher may look only now and then.
    """
    await one.create(_UNTOLD)
    await pause(max(_LIVES * one.noticing_s, _QUIET_S))
    await one.do("deleted", _UNTOLD, Path.unlink)
    try:
        await switch(one.driver, "trigger:pause", one.reader)
    finally:
        await switch(one.driver, "trigger:resume", one.reader)
    await pause(_QUIET_S)


async def remove(driver: Driver, item: str) -> None:
    """Take an item out of the queue."""
    await driver.ask("trigger:remove-item", "trigger", values={"item": item}, subject=item)


def _rows(live: Live, pointer: str) -> list[dict[str, Any]]:
    """The objects of a list in an answer."""
    rows = pointed(live.json(), pointer)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
