"""Probes that kill the candidate in the middle of a run and start it again. They run alone, at the very end.

They perform and record; they judge nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.probes import scripts
from streamvet.probes.reading import lead
from streamvet.probes.setting import STEP_MS

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.runs import Run
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

_EVENTS_BEFORE = 4
_REPLAY_MS = 300.0  # real time for a second reader to get a replay before the last event
_LEAK_S = 0.5  # for what follows what was seen before, on a stream that may stay open


def restart_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that is active when the candidate dies; where one can end by itself, one has ended before."""
    return [active_stimulus(setting, "killed in the middle of a run")]


def active_stimulus(setting: Setting, name: str) -> Stimulus:
    """A run that goes on, with time before its last event for a second reader to get a replay of the others."""
    emits = setting.plain(setting.main, _EVENTS_BEFORE)
    replayed, live = emits[: _EVENTS_BEFORE - 1], emits[_EVENTS_BEFORE - 1 :]
    steps = lead(setting) + scripts.spread(replayed, STEP_MS, setting.scale)
    steps += [setting.wait(_REPLAY_MS), *scripts.spread(live, STEP_MS, setting.scale)]
    return setting.stimulus(name, setting.main, "hangs", steps)


def _before(stimulus: Stimulus) -> int:
    """How many events are seen before the candidate dies."""
    return 1 if stimulus["script"] is None else _EVENTS_BEFORE


async def killed(driver: Driver, stimulus: Stimulus) -> Run | None:
    """A run with a reader, and one that came late; when its events were seen, kill -9 and start again.

    None where that did not work.
    """
    run, reader = await driver.begin("cut")
    if reader is None:
        return None
    replay = await _replayed(driver, run, reader, max(_before(stimulus) - 1, 1))
    await driver.run_shows(reader, _before(stimulus))
    up = await kill(driver, reader)
    if replay is not None:
        await replay.cut("the candidate was killed")
    return run if up else None


async def _replayed(driver: Driver, run: Run, reader: Live, count: int) -> Live | None:
    """A second reader that has so many events from a replay: these are stored. None where there are none."""
    replays = count > 0 and driver.profile.field("catchup.kind") != "none"
    if not replays or not await driver.run_shows(reader, count):
        return None
    replay = await driver.attach(run, "cut")
    await replay.events(count, driver.bounds.answer_s)
    return replay


async def kill(driver: Driver, reader: Live) -> bool:
    """Kill -9 and start again, while somebody reads; gives whether the candidate is up."""
    up = await driver.candidate.restart_after_kill()
    await reader.over(driver.bounds.close_s)
    await reader.cut("the candidate was killed")
    return up


def meant(driver: Driver) -> str:
    """What a candidate may answer for a run of its former life."""
    return "stream" if driver.profile.field("catchup.after_restart") == "survives" else "either"


async def restart(driver: Driver, stimulus: Stimulus) -> None:
    """After the restart ask for the run's record, and read it from its beginning; read the one that had ended too."""
    ended = await _ended(driver)
    run = await killed(driver, stimulus)
    if run is None:
        return
    await driver.record(run, "record-restarted")
    again = await driver.attach(run, "resumed", meant=meant(driver))
    if ended is not None:
        after = await driver.attach(ended, "after", meant=meant(driver), finished=True)
        await driver.finished(after)
    await reread(driver, again, _before(stimulus))


async def reread(driver: Driver, again: Live, count: int) -> None:
    """Read what was seen before, so many events, and what follows at once; the stream may stay open."""
    if await again.head(driver.bounds.answer_s) is None or not await again.events(count, driver.bounds.answer_s):
        return
    if not await again.over(_LEAK_S):
        await again.cut("it has replayed what it has")


async def _ended(driver: Driver) -> Run | None:
    """A run that is read to its end, None where there is none."""
    run, reader = await driver.begin("reader", ending="succeeds")
    return run if reader is not None and await driver.to_end(reader, ending="succeeds") else None
