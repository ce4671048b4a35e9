"""Probes of cancellation: of active, cancelled, finished and unknown runs, and as a run ends by itself.

They perform and record; they judge nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.probes import credentials
from streamvet.probes.aim import Aim
from streamvet.probes.crowds import BARE_RACES, BARE_RACES_S, aimed
from streamvet.probes.reading import EVENTS, of_each_kind, steps_of, under_way
from streamvet.probes.runs import Run
from streamvet.probes.setting import STEP_MS
from streamvet.recorder import now_us, wait_until

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus

_EVENTS_BEFORE = 3
_RACES_SHARE = 20  # a cancellation that races the end, for so many readers that do
_MIN_RACES = 4
_RACING_MS = 40.0  # the length of a run that is cancelled about when it ends


def active_stimuli(setting: Setting) -> list[Stimulus]:
    """An active run of each kind."""
    return of_each_kind(setting, "an active run", "hangs", _EVENTS_BEFORE, STEP_MS)


async def active(driver: Driver, stimulus: Stimulus) -> None:
    """Cancel an active run with two readers, and one that does not exist; cancel the first again, and read it again."""
    run, reader = await driver.begin("reader")
    if reader is None:
        return
    readers = [reader, *([await driver.attach(run, "reader")] if driver.setting.joins else [])]
    await under_way(driver, stimulus, readers)
    await driver.record(run, "record-active")
    await driver.on_run("cancel", run, "cancel")
    await _unknown(driver, run)
    over = await asyncio.gather(*(driver.to_end(one, driver.bounds.join_s) for one in readers))
    if not any(over):
        return
    await driver.record(run, "record-after")
    await driver.on_run("cancel", run, "cancel-again")
    await driver.read_again(run)


def finished_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that ends by itself."""
    return [setting.stimulus("a finished run", setting.main, "succeeds", steps_of(setting, setting.main, EVENTS, 0))]


async def finished(driver: Driver, _stimulus: Stimulus) -> None:
    """Cancel a run that has finished, and one that does not exist; the history stays."""
    run, reader = await driver.begin("reader")
    if reader is None or run.id is None:
        return
    over = await driver.to_end(reader)
    await _unknown(driver, run)
    if over:
        await driver.on_run("cancel", run, "cancel-finished")
        await driver.read_again(run)


async def _unknown(driver: Driver, run: Run) -> None:
    """Cancel a run that does not exist, with an id like that of one which does."""
    if run.id is not None:
        unknown = Run("unknown", run.kind, credentials.other_id(run.id))
        await driver.on_run("cancel", unknown, "cancel-refused", meant="refusal")


def race_stimuli(setting: Setting) -> list[Stimulus]:
    """Short runs that are cancelled about when they end; without control some of whatever length."""
    if not setting.scripted:
        return [setting.stimulus("cancelled at the end", setting.main, "succeeds", races=BARE_RACES)]
    steps = [setting.wait(_RACING_MS), *({"emit": one} for one in setting.plain(setting.main, 2))]
    races = max(_MIN_RACES, setting.effort.races // _RACES_SHARE)
    return [setting.stimulus("cancelled at the end", setting.main, "succeeds", steps, races=races)]


def races_of(stimulus: Stimulus) -> int:
    """How many runs one try starts."""
    return int(stimulus["races"])


async def race(driver: Driver, stimulus: Stimulus) -> None:
    """For each run a reader and a cancellation at a random moment around its end; then it is read again."""
    aim, since_us = Aim(_RACING_MS), now_us()
    at_once = 1 if stimulus["script"] is None else 2

    async def one_run() -> None:
        begun_us = now_us()
        moment_us = begun_us + int(aim.moment_ms(driver.random) * 1000)
        run, reader = await driver.begin("reader")
        if reader is None:
            return
        over, _ = await asyncio.gather(aimed(driver, reader, aim, begun_us), _cancel(driver, run, moment_us))
        if over:
            await driver.read_again(run)

    for _ in range(0, stimulus["races"], at_once):
        if driver.in_vain or (at_once == 1 and now_us() - since_us > BARE_RACES_S * 1e6):
            return  # where nothing ends there is no race
        await asyncio.gather(*(one_run() for _ in range(at_once)))


async def _cancel(driver: Driver, run: Run, moment_us: int) -> None:
    await wait_until(moment_us)
    await driver.on_run("cancel", run, "cancel-racing")
