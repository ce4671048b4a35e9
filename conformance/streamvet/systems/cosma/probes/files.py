"""Probes of cosma that work in a watched directory: each try makes one of its own, and takes it away at the end.

They judge nothing.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from streamvet.contract.profile import pointed
from streamvet.recorder import now_us
from streamvet.systems.cosma.probes.directory import cooldown_s, remove, text_of, watched
from streamvet.systems.cosma.probes.stream import running, saying, switch, told_s

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.systems.cosma.probes.directory import Directory

# A change that is noticed later than this part of the cooldown may be noticed behind its end: the watcher looks only
# now and then. It may be twice as late then, as it has just looked when the first change is made.
_LATE, _AT_WORST = 0.25, 2
_SHORTEST_S = 1  # of cooldowns, as a candidate may take whole seconds only
_ATTEMPTS = 4  # of a file that cannot be processed: one more than is published

_OLD, _NEW, _DOOMED = "directory", "directory-renamed", "directory-removed"  # the first and the last are there before
_DEEPER, _MADE = "directory-below", "directory-made"  # so is the first
_MISSING = "-that-does-not-exist"  # beside the watched directory: one below it is watched with it
_OTHER_TEXT, _TEXT_AGAIN = "Other notes.\n", "Notes of another day.\n"
_THERE = "there-before.txt"
# Of a burst, by whether the work is simulated: published settings process two at once, and a model takes its time.
_MANY = {True: 48, False: 6}
_ODD = 'it\'s "quoted" \U0001f680 and\nhas two lines.txt'
_ACCENTED = "cafe\u0301 "  # before it, where the file system does not make one character of a letter and its accent
_NO_TEXT = b"\xff\xfe\xfa no text \xc3\x28\n"


# ------------------------------------------------------------------------------------------------------- the files


def files_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to vary but the cooldown."""
    return saying(setting, "files come, change and go", cooldown_s=cooldown_s(setting))


async def files(driver: Driver, _stimulus: Stimulus) -> None:
    """Create, change, rename and delete files, each time another one, so that one cooldown serves all."""
    async with watched(driver, _OLD, _DOOMED, _DEEPER) as one:
        late_s = await _deleted(one, "deleted.txt")
        if late_s > one.cooldown_s * _LATE:
            await one.cools_for(cooldown_s(driver.setting, _AT_WORST * late_s))
            await _deleted(one, "deleted-in-time.txt")
        await asyncio.gather(
            _left_alone(one, "left-alone.txt"), _changed(one), _renamed(one), _removed(one), _directories(one),
            _odd(one), _unreadable(one), _forgotten(one, late_s), _written_again(one), _below(one), _refused(one),
        )  # fmt: skip
        await one.past_cooldown()


async def _left_alone(one: Directory, name: str) -> None:
    path = await one.create(name)
    if await one.added(path) is not None:
        await one.processed(path)


async def _changed(one: Directory) -> None:
    path = await one.create("changed.txt")
    item = await one.added(path)
    if item is not None:
        await one.write("changed", "changed.txt", _OTHER_TEXT)
        await one.sees("file_modified", path=path)
        await one.sees("queue_item_updated", id=item)
        await one.processed(path)


async def _written_again(one: Directory) -> None:
    """Once it is indexed, with another text; once that is indexed, with the same one."""
    name, here = "written-again.txt", 0
    path = await one.create(name)
    for did in ("changed", "rewritten", ""):
        if await one.added(path, here) is None or await one.processed(path, behind=here) != "queue_item_completed":
            return
        here = one.here
        if did:
            await one.write(did, name, _TEXT_AGAIN)


async def _below(one: Directory) -> None:
    """A directory, and then a file in another directory that was there before."""
    await one.do("directory made", _MADE, Path.mkdir)
    name = f"{_DEEPER}/below.txt"
    path = await one.write("created below", name, text_of(name))
    await one.sees("file_created", path=path)


async def _refused(one: Directory) -> None:
    """Ask for what cannot be watched, and for what is watched already."""
    for path in (f"{one.path}{_MISSING}", str(one.path)):
        values = {"directory": path}
        await one.driver.ask("trigger:watch", "trigger-refused", meant="refusal", values=values, subject=path)


async def _deleted(one: Directory, name: str) -> float:
    """Gives how many seconds it took until the deletion was told; 0 where it was not."""
    path = await one.create(name)
    if await one.added(path) is None:
        return 0.0
    begun_us = now_us()
    await one.do("deleted", name, Path.unlink)
    told = await one.sees("file_deleted", path=path)
    return (now_us() - begun_us) / 1e6 if told else 0.0


async def _forgotten(one: Directory, late_s: float) -> None:
    if late_s:
        await one.processed(str(one.path / "deleted.txt"))


async def _renamed(one: Directory) -> None:
    path = await one.create("renamed.txt")
    await one.sees("file_created", path=path)  # where that is not told, it is renamed all the same
    await one.do("renamed", "renamed.txt", lambda path: path.rename(path.with_name("new-name.txt")), "new-name.txt")
    if await one.sees("file_moved", src_path=path):
        await one.processed(path, to=str(one.path / "new-name.txt"))


async def _removed(one: Directory) -> None:
    item = await one.added(await one.create("removed.txt"))
    if item is not None:
        await remove(one.driver, item)
        await one.sees("queue_item_removed", within_s=told_s(one.driver), id=item)


async def _directories(one: Directory) -> None:
    """They were there before: a watcher may need a moment for new ones."""
    old = await one.do("directory renamed", _OLD, lambda path: path.rename(path.with_name(_NEW)), _NEW)
    gone = await one.do("directory removed", _DOOMED, Path.rmdir)
    await one.sees("directory_moved", src_path=old)
    await one.sees("directory_deleted", path=gone)


async def _odd(one: Directory) -> None:
    with suppress(OSError):  # some file systems have no such names
        await _left_alone(one, _ACCENTED + _ODD if one.keeps_names else _ODD)


async def _unreadable(one: Directory) -> None:
    """Neither with the rights that it has, nor as text by who may read everything; then a good one, soon processed."""
    path = await one.do("made unreadable", "unreadable.txt", _make_unreadable)
    if await one.added(path) is not None and await one.processed(path, attempts=_ATTEMPTS) == "queue_item_failed":
        await one.cools_for(_SHORTEST_S)
        await _left_alone(one, "made-afterwards.txt")


def _make_unreadable(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0)
    try:
        os.write(handle, _NO_TEXT)
    finally:
        os.close(handle)


# ---------------------------------------------------------------------------------- more than are worked on at once


def burst_stimuli(setting: Setting) -> list[Stimulus]:
    """How many files come at once: more than are worked on at once. Where the work is real there are few of them."""
    return saying(setting, "a burst of files", cooldown_s=cooldown_s(setting), files=_MANY[setting.published])


async def burst(driver: Driver, stimulus: Stimulus) -> None:
    """Create more files than are processed at once, and pause in the midst of them; change two that still wait.

    One waits as the queue is paused, the other one for its turn.
    """
    async with watched(driver) as one:
        await running(driver, one.reader)
        begun: set[str] = set()
        names = [f"burst-{number:02}.txt" for number in range(stimulus["files"])]
        try:
            await switch(driver, "trigger:pause", one.reader)
            paths = [await one.create(name) for name in names]
            items = [await one.added(path) for path in paths]
            await one.past_cooldown()
            await one.write("changed", names[0], _OTHER_TEXT)
            await one.sees("file_modified", path=paths[0])
            here = one.here
            await switch(driver, "trigger:resume", one.reader)
            if await one.sees("queue_item_processing", within_s=one.done_s, behind=here):
                changed = one.write("changed", names[-1], _OTHER_TEXT)
                await asyncio.gather(switch(driver, "trigger:pause", one.reader), changed)
                begun = _begun(one)
                await asyncio.gather(*(one.processed(path) for path in paths if path in begun))
        finally:
            await switch(driver, "trigger:resume", one.reader)
        waited = [path for path, item in zip(paths, items, strict=True) if item is not None and path not in begun]
        await asyncio.gather(*map(one.processed, waited if driver.setting.published else waited[-1:]))


def _begun(one: Directory) -> set[str]:
    """The paths of the items that were taken up so far."""
    seen = [event for event in one.reader.seen if event.kind == "queue_item_processing"]
    return {str(pointed(event.value, "/data/file_path")) for event in seen}


# ------------------------------------------------------------------------------------------------ while it is paused


def held_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to vary but the cooldown."""
    return saying(setting, "a file comes during a pause", cooldown_s=cooldown_s(setting))


async def held(driver: Driver, _stimulus: Stimulus) -> None:
    """Pause the queue, create a file, wait for longer than its cooldown, look at the queue, and resume it."""
    async with watched(driver, files=(_THERE,)) as one:
        await running(driver, one.reader)
        try:
            await switch(driver, "trigger:pause", one.reader)
            path = await one.create("held.txt")
            item = await one.added(path)
            await one.past_cooldown()
            await driver.ask("look:items", "look")
        finally:
            await switch(driver, "trigger:resume", one.reader)
        if item is not None:
            await one.processed(path)
