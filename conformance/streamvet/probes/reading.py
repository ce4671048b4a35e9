"""Probes that read runs to their end: one reader, several, late ones, slow ones, and how events are delivered.

They perform and record; they judge nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.probes import scripts
from streamvet.probes.setting import LEAD_MS, STEP_MS

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus

_EVENTS = 6  # of a run that only has to have some


def lead(setting: Setting) -> list[scripts.Step]:
    """Time for readers to be there before the first event."""
    return [setting.wait(LEAD_MS)]


def straight_stimuli(setting: Setting) -> list[Stimulus]:
    """Each kind of run, in each way that it can end; with control also what may break framing, and every type."""
    made: list[Stimulus] = []
    for start in setting.starts:
        steps = lead(setting) + scripts.spread(setting.plain(start, _EVENTS), STEP_MS, setting.scale)
        made.append(setting.stimulus("plain succeeds", start, "succeeds", steps))
        made.append(setting.stimulus("plain fails", start, "fails", steps))
        if setting.scripted and setting.words:
            hostile = scripts.carrying(setting.profile, start, setting.words, list(scripts.HOSTILE.values()))
            made.append(setting.stimulus("hostile payloads", start, "succeeds", lead(setting) + scripts.spread(hostile, 0, 1)))
            every = scripts.every_type(setting.profile, start, setting.words)
            made.append(setting.stimulus("every type", start, "succeeds", lead(setting) + scripts.spread(every, 0, 1)))
    return made


async def straight(driver: Driver, _stimulus: Stimulus) -> None:
    """Read a run from its beginning, ask for its record as soon as it has ended, and read it again."""
    run, reader = await driver.begin("reader")
    if reader is None:
        return
    over = await driver.terminal(reader)
    if over:
        await driver.record(run, "record-after")
    await reader.ended(driver.bounds.close_s)
    if over:
        again = await driver.attach(run, "after", finished=True)
        await again.ended(driver.bounds.finished_s)
