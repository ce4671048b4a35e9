"""Probes that read runs to their end: one reader, several, late ones, and how events are delivered.

They perform and record; they judge nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.probes import scripts
from streamvet.probes.bounds import script_s
from streamvet.probes.sender import BROWSERS, NO_GZIP
from streamvet.probes.setting import LEAD_MS, STEP_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Operation
    from streamvet.probes.driver import Driver
    from streamvet.probes.runs import Run
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

EVENTS = 6  # of a run that only has to have some
_SEVERAL = 3  # readers: one more than two, so that a fault with the middle one shows
_BURSTS, _BURST_EVENTS, _BURST_MS = 5, 20, 25.0
_RUSH_EVENTS = 200  # emitted without a pause: more than a server writes between two looks at its readers
# Real time of a pause: the check wants 200 ms to tell one from a slow scheduler, and a reader that is attached within a
# quarter of it, a harness that is late by no more.
_MIN_PAUSE_MS, _PAUSE_MS = 500.0, 1000.0
PAUSE_BEARS = 0.25
_PAUSES, _PAUSE_GROWS = 3, 0.2  # each is longer than the one before it by so much of the first one
_MORE_READERS = 2  # of a run that pauses
OLD_ID = "1"  # a Last-Event-ID where the system gives none: an EventSource behind a proxy may have one


def lead(setting: Setting) -> list[scripts.Step]:
    """Time for readers to be there before the first event."""
    return [setting.wait(LEAD_MS)]


def steps_of(setting: Setting, start: Operation, count: int, real_ms: float) -> list[scripts.Step]:
    """A script of `count` events or a few more, `real_ms` apart."""
    return lead(setting) + scripts.spread(setting.plain(start, count), real_ms, setting.scale)


def of_each_kind(setting: Setting, name: str, outcome: str, count: int, real_ms: float) -> list[Stimulus]:
    """Such a run of each kind; black-box of the first alone, as there a run costs more."""
    made = [setting.stimulus(name, one, outcome, steps_of(setting, one, count, real_ms)) for one in setting.starts]
    return made if setting.scripted else made[:1]


async def under_way(driver: Driver, stimulus: Stimulus, readers: Sequence[Live]) -> None:
    """Wait until each reader has what the script emits of an active run."""
    script = stimulus["script"]
    if script is None:  # how long it takes nobody knows, and it is active all the same
        await asyncio.gather(*(driver.sees_some(one, 1) for one in readers))
    else:
        count = sum("emit" in step for step in script)
        await asyncio.gather(*(driver.run_shows(one, count) for one in readers))


def straight_stimuli(setting: Setting) -> list[Stimulus]:
    """Each kind of run, in each way that it can end; with control also what may break framing, and every type."""
    made: list[Stimulus] = []
    for start in setting.starts:
        steps = steps_of(setting, start, EVENTS, STEP_MS)
        made.append(setting.stimulus("plain succeeds", start, "succeeds", steps))
        made.append(setting.stimulus("plain fails", start, "fails", steps))
        if setting.scripted:
            least = scripts.spread(setting.plain(start, 0), 0, setting.scale)  # nothing, where the tables allow that
            nothing = [setting.wait(LEAD_MS + EVENTS * STEP_MS), *least]
            made.append(setting.stimulus("emits nothing", start, "succeeds", nothing))
        if setting.scripted:  # what it does by itself: the order in which a script emits is ours
            made.append(setting.stimulus("its own work", start, "succeeds", script=None))
        if setting.scripted and setting.words:
            hostile = scripts.carrying(setting.profile, start, setting.words, list(scripts.HOSTILE.values()))
            every = scripts.every_type(setting.profile, start, setting.words)
            for name, emits in (("hostile payloads", hostile), ("every type", every)):
                steps = lead(setting) + scripts.spread(emits, 0, setting.scale)
                made.append(setting.stimulus(name, start, "succeeds", steps))
    if setting.scripted and setting.effort.history and setting.profile.streams == "run":
        steps = lead(setting) + scripts.spread(setting.plain(setting.main, setting.effort.history), 0, setting.scale)
        made.append(setting.stimulus("a long history", setting.main, "succeeds", steps))
    return made


async def straight(driver: Driver, _stimulus: Stimulus) -> None:
    """Read a run from its beginning, ask for its record as soon as it has ended, and read it again."""
    run, reader = await driver.begin("reader")
    if reader is None:
        return
    over = await driver.terminal(reader)
    if over:
        await driver.record(run, "record-after")
    await driver.closed(reader)
    if over:
        await driver.read_again(run)


def several_stimuli(setting: Setting) -> list[Stimulus]:
    """A run with a few events, far enough apart to be seen one by one."""
    return [setting.stimulus("several readers", setting.main, "succeeds", steps_of(setting, setting.main, 8, STEP_MS))]


async def several(driver: Driver, _stimulus: Stimulus) -> None:
    """Several readers follow one run from its beginning."""
    run, first = await driver.begin("reader")
    if first is None:
        return
    readers = [first, *[await driver.attach(run, "reader") for _ in range(_SEVERAL - 1)]]
    await asyncio.gather(*(driver.to_end(reader) for reader in readers))


def pushes_stimuli(setting: Setting) -> list[Stimulus]:
    """Two pushes of which each says what the other does not."""
    emits = setting.plain(setting.main, 2 * EVENTS)
    first, second = (
        lead(setting) + scripts.spread(part, STEP_MS, setting.scale) for part in (emits[:EVENTS], emits[EVENTS:])
    )
    said = [dict(emit) for emit in emits[:EVENTS]]
    return [setting.stimulus("pushes in a row", setting.main, "succeeds", first, after=second, before=said)]


async def pushes(driver: Driver, stimulus: Stimulus) -> None:
    """A push, and another one with Last-Event-ID."""
    _run, first = await driver.begin("reader")
    if first is None or not await driver.to_end(first):
        return
    _run, second = await driver.begin("newcomer", headers=(("Last-Event-ID", OLD_ID),), script=stimulus["after"])
    if second is not None:
        await driver.to_end(second)


def late_stimuli(setting: Setting) -> list[Stimulus]:
    """Runs that emit in bursts and in one rush; without control whatever they do."""
    if not setting.scripted:
        return [setting.stimulus("joining", setting.main, "succeeds")]
    events = setting.plain(setting.main, _BURSTS * _BURST_EVENTS)
    bursts = lead(setting)
    for start in range(0, len(events), _BURST_EVENTS):
        bursts += [*({"emit": one} for one in events[start : start + _BURST_EVENTS]), setting.wait(_BURST_MS)]
    rush = lead(setting) + scripts.spread(setting.plain(setting.main, _RUSH_EVENTS), 0, setting.scale)
    return [
        setting.stimulus("joining between bursts", setting.main, "succeeds", bursts),
        setting.stimulus("joining in a rush", setting.main, "succeeds", [*rush, setting.wait(_BURST_MS)]),
    ]


async def late(driver: Driver, stimulus: Stimulus) -> None:
    """One reader from the beginning, and readers that join at random moments of the run."""
    run, first = await driver.begin("reader")
    if first is None:
        return
    joins = driver.setting.effort.joins
    script = stimulus["script"]
    if script is None:
        joining = [_join_at_event(driver, run, first, count) for count in range(1, joins + 1)]
    else:
        length_ms = script_s(script, driver.setting.scale) * 1000
        moments = [driver.random.uniform(LEAD_MS * 0.8, length_ms) for _ in range(joins)]
        joining = [_join_after(driver, run, moment) for moment in moments]
    joined = asyncio.gather(*joining)
    await asyncio.gather(driver.to_end(first), joined)
    readers = [reader for reader in joined.result() if reader is not None]
    await asyncio.gather(*(driver.to_end(reader, driver.bounds.join_s) for reader in readers))


async def _join_after(driver: Driver, run: Run, real_ms: float) -> Live | None:
    await driver.pause_ms(real_ms)
    return await driver.attach(run, "late")


async def _join_at_event(driver: Driver, run: Run, first: Live, count: int) -> Live | None:
    """Join when the first reader has seen so many events, unless the run is over by then."""
    if not await driver.run_shows(first, count) or any(map(driver.is_terminal, driver.shown(first).seen)):
        return None
    return await driver.attach(run, "late")


def coding_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that pauses, for who asks for codings as browsers do, and a short one for who excludes gzip."""
    paused, short = [*lead(setting), *pauses_of(setting)], steps_of(setting, setting.main, EVENTS, STEP_MS)
    return [
        setting.stimulus("pauses for a browser", setting.main, "succeeds", paused, coding=BROWSERS),
        setting.stimulus("gzip excluded", setting.main, "succeeds", short, coding=NO_GZIP),
    ]


async def coding(driver: Driver, stimulus: Stimulus) -> None:
    """A reader that asks for the content codings that browsers ask for, and one that excludes gzip."""
    _run, reader = await driver.begin("reader", coding=stimulus["coding"])
    if reader is not None:
        await driver.to_end(reader)


def _pause_ms(setting: Setting) -> float:
    return max(_PAUSE_MS * setting.scale, _MIN_PAUSE_MS)


def pauses_of(setting: Setting) -> list[scripts.Step]:
    """Events with pauses between them that no scheduler makes by itself, and one behind the last of them.

    They differ: what a timer lets out now and then is late for some of them, though not for all.
    """
    emits = setting.plain(setting.main, _PAUSES)
    steps: list[scripts.Step] = []
    for number, emit in enumerate(emits):
        pause_ms = _pause_ms(setting) * (1 + _PAUSE_GROWS * (number % _PAUSES))
        steps += [{"emit": emit}, {"wait_ms": round(pause_ms / setting.scale, 3)}]
    return steps


def pause_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that pauses before its events and between them."""
    silent = setting.wait(_pause_ms(setting))
    return [setting.stimulus("pauses", setting.main, "succeeds", [silent, *pauses_of(setting)])]


def pause_wait_ms(setting: Setting, stimulus: Stimulus) -> float:
    """The pauses."""
    return script_s(stimulus["script"] or (), setting.scale) * 1000


def pause_tolerates_late_ms(setting: Setting, _stimulus: Stimulus) -> float:
    """What the pauses bear."""
    return PAUSE_BEARS * _pause_ms(setting)


async def pause(driver: Driver, stimulus: Stimulus) -> None:
    """Read a run that pauses; where several may read it, two more join, and one resumes inside a pause."""
    observe_us = int(pause_wait_ms(driver.setting, stimulus) * 1000)
    run, first = await driver.begin("reader", observe_us=observe_us)
    if first is None:
        return
    readers = [first]
    if several_are_promised(driver.setting):
        more = (driver.attach(run, "reader", observe_us=observe_us) for _ in range(_MORE_READERS))
        readers += await asyncio.gather(*more)
        if driver.profile.field("catchup.cursor") and await driver.run_shows(first, 1, driver.bounds.answer_s):
            readers.append(await driver.comes_back(run, first))  # behind all that has been said: it finds a silence
    await asyncio.gather(*(driver.to_end(reader) for reader in readers))


def several_are_promised(setting: Setting) -> bool:
    """Whether a run has to serve several readers alike."""
    profile = setting.profile
    return profile.streams == "run" and bool(profile.field("readers.independent")) and "TRN-10" not in profile.adopted


def pause_readers(setting: Setting) -> int:
    """How many readers a run that pauses has at once."""
    return 1 + (_MORE_READERS + bool(setting.profile.field("catchup.cursor")) if several_are_promised(setting) else 0)


def paced_stimuli(setting: Setting) -> list[Stimulus]:
    """Each input whose pace the target file says."""
    made: list[Stimulus] = []
    for start in setting.starts:
        paced = setting.target.inputs.get(start.kind, {}).get("paced")
        if paced:
            row = {"name": "of a known pace", "kind": start.kind, "outcome": None, "script": None, "input": "paced"}
            made.append(row | {"body": paced["body"], "gap_ms": paced["gap_ms"]})
    return made


async def paced(driver: Driver, _stimulus: Stimulus) -> None:
    """One reader of a run whose pace the target file says."""
    _run, reader = await driver.begin("reader")
    if reader is not None:
        await driver.to_end(reader)
