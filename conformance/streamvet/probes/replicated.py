"""Probes of a candidate that runs as several processes: what one of them began, the others continue and end.

The commonest loss in production is a log in the memory of one process. A run is started at the first process; readers
join it at every other one, are cut and come back at the next one, and a cancellation goes to the last one. Every
exchange says in `about.replica` where it went. They perform and record; they judge nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.probes import scripts
from streamvet.probes.reading import EVENTS, of_each_kind, steps_of, under_way
from streamvet.probes.setting import STEP_MS
from streamvet.recorder import CutPlan

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.runs import Run
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

_BACK_MS = 25.0  # between two events, so that a reader that was cut is back before the next one
_EVENTS = 2 * EVENTS  # so that the run still goes on when the last of its readers is there, on a busy machine too
_CUT_AFTER = 2  # events of the run that a reader has seen when it is cut
_LATE_AFTER = 3  # events of the run, when one more reader joins
_EVENTS_BEFORE = 3  # of a run that is cancelled
_ALSO = 2  # readers besides the one at each process: one that is cut and comes back, one that joins late


def readers(setting: Setting) -> int:
    """How many connections a try holds at once."""
    return 1 + len(setting.target.replicas) + _ALSO


def _count(driver: Driver) -> int:
    return 1 + len(driver.setting.target.replicas)


def _place(driver: Driver, turn: int) -> int:
    """The process at which something is done; with fewer of them than turns they are taken in turns."""
    return turn % _count(driver) + 1


def across_stimuli(setting: Setting) -> list[Stimulus]:
    """A run whose events are far enough apart for a reader to come back between them, of each kind."""
    return of_each_kind(setting, "across replicas", "succeeds", _EVENTS, _BACK_MS)


async def across(driver: Driver, _stimulus: Stimulus) -> None:
    """Start at one process, attach at each other, be cut and resume at the next, join late; then read it again."""
    run, first = await driver.begin("reader", replica=1)
    if first is None:
        return
    others = range(2, _count(driver) + 1)
    staying = [first, *[await driver.attach(run, "reader", replica=each) for each in others]]
    left = await driver.attach(run, "cut", cut=CutPlan(_CUT_AFTER), replica=_place(driver, 1))
    over, *_ = await asyncio.gather(
        driver.to_end(first),
        *(driver.to_end(reader) for reader in staying[1:]),
        _come_back(driver, run, left),
        _join_late(driver, run, first),
    )
    if not over:
        return
    if driver.setting.has("record"):
        await driver.on_run("record", run, "record-after", replica=_place(driver, 2))
    for each in others:
        again = await driver.attach(run, "after", finished=True, replica=each)
        await driver.finished(again)


async def _come_back(driver: Driver, run: Run, left: Live) -> None:
    await driver.to_end(left)
    await driver.to_end(await driver.comes_back(run, left, replica=_place(driver, 2)))


async def _join_late(driver: Driver, run: Run, first: Live) -> None:
    if await driver.run_shows(first, _LATE_AFTER) and not any(map(driver.is_terminal, driver.shown(first).seen)):
        late = await driver.attach(run, "late", replica=_place(driver, 3))
        await driver.to_end(late, driver.bounds.join_s)


def cancelled_stimuli(setting: Setting) -> list[Stimulus]:
    """An active run of the first kind."""
    steps = steps_of(setting, setting.main, _EVENTS_BEFORE, STEP_MS)
    return [setting.stimulus("cancelled at another replica", setting.main, "hangs", steps)]


async def cancelled(driver: Driver, stimulus: Stimulus) -> None:
    """Cancel an active run at the process that is furthest from its start, then ask about it at the others."""
    run, reader = await driver.begin("reader", replica=1)
    if reader is None:
        return
    staying = [reader]
    if driver.setting.joins:
        staying += [await driver.attach(run, "reader", replica=each) for each in range(2, _count(driver) + 1)]
    await under_way(driver, stimulus, staying)
    await driver.on_run("cancel", run, "cancel", replica=_count(driver))
    over = await asyncio.gather(*(driver.to_end(one, driver.bounds.join_s) for one in staying))
    if not any(over):
        return
    if driver.setting.has("record"):
        await driver.on_run("record", run, "record-after", replica=_place(driver, 1))
    await driver.on_run("cancel", run, "cancel-again", replica=_place(driver, 2))
    if driver.setting.joins:
        again = await driver.attach(run, "after", finished=True, replica=_place(driver, 1))
        await driver.finished(again)


def broadcast_stimuli(setting: Setting) -> list[Stimulus]:
    """Some events, one by one."""
    emits = setting.plain(setting.main, EVENTS)
    return [setting.saying("across replicas", scripts.spread(emits, STEP_MS, setting.scale))]


async def broadcast(driver: Driver, stimulus: Stimulus) -> None:
    """Publish events at the first process, with a reader at each."""
    listening = [await driver.listen(replica=each) for each in range(1, _count(driver) + 1)]
    await driver.perform(stimulus["script"])
    await driver.have_all(listening, [step["emit"] for step in stimulus["script"] if "emit" in step])
