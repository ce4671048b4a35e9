"""Probes of the runs that the target file names, which were there before: nothing is started, and nothing is ended.

They perform and record; they judge nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.probes import crowds, resuming
from streamvet.probes.runs import Run
from streamvet.probes.sender import IDENTITY, NO_GZIP

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus


def _named(driver: Driver, stimulus: Stimulus) -> Run:
    return Run("r1", driver.setting.kind_of_existing, stimulus["run_id"])


def finished_stimuli(setting: Setting) -> list[Stimulus]:
    """The finished run that the target file names."""
    return [{"name": "an existing run", "outcome": None, "run_id": setting.target.existing["finished"]}]


async def twice(driver: Driver, stimulus: Stimulus) -> None:
    """Read an existing run twice; the second reader excludes gzip."""
    run = _named(driver, stimulus)
    for coding in (IDENTITY, NO_GZIP):
        reader = await driver.attach(run, "after", finished=True, coding=coding)
        await driver.finished(reader)
    await driver.record(run, "record-after")


def cursors_stimuli(setting: Setting) -> list[Stimulus]:
    """The same run."""
    return [one | {"name": "every cursor of an existing run"} for one in finished_stimuli(setting)]


async def cursors(driver: Driver, stimulus: Stimulus) -> None:
    """Read a finished run, then from each of its cursors, an empty one and wrong ones."""
    run = _named(driver, stimulus)
    whole = await driver.attach(run, "after", finished=True)
    await driver.finished(whole)
    shown = driver.shown(whole)
    if any(map(driver.is_terminal, shown.seen)):
        await resuming.of_finished(driver, run, shown)


def active_stimuli(setting: Setting) -> list[Stimulus]:
    """The active run that the target file names."""
    run_id = setting.target.existing["active"]
    return [{"name": "an existing active run", "outcome": None, "script": None, "run_id": run_id}]


async def many(driver: Driver, stimulus: Stimulus) -> None:
    """As many readers at once as the profile names."""
    run = _named(driver, stimulus)
    readers = [await driver.attach(run, "many") for _ in range(crowds.many_readers(driver.setting) - 1)]
    await asyncio.gather(*(driver.sees_some(one, 1) for one in readers))
    for one in readers:
        await one.cut("it has been served")


async def churn(driver: Driver, stimulus: Stimulus) -> None:
    """Many short connections, then one more reader; one stays all the time."""
    run = _named(driver, stimulus)
    reader = await driver.attach(run, "reader")
    last = await crowds.come_and_go(driver, run)
    for one in (reader, last):
        await driver.sees_some(one, 1)
        await one.cut("it has been served")
