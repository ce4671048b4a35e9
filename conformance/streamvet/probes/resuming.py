"""Probes of readers that leave and come back: after an event, inside one, with each cursor, with wrong ones.

They perform and record; they judge nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.probes import scripts
from streamvet.probes.cursors import WRONG_CURSORS, cursor_at, empty_cursor, gets, named, wrong_cursor
from streamvet.probes.reading import EVENTS, lead, of_each_kind, steps_of
from streamvet.recorder import CutPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.probes.cursors import Shown
    from streamvet.probes.driver import Driver
    from streamvet.probes.runs import Run
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live, Seen

# Between two events, so that a reader that was cut is back before the next one: ten loopback round trips.
_BACK_MS = 25.0
# How far into an event a connection is cut: in its first line, in its middle, inside a character, before its last byte.
_INSIDE = ((0, 1), (1, 2), (2, 17), (3, 101), (4, 1 << 20))
_WIDE_TEXT = "🚀é世" * 12  # characters of four, two and three bytes, so that a cut lands inside one
_OWN_CUTS = (0, 2, 4)  # after how many events a start's own stream is cut: at once, in the middle, later
# Nobody reads for so long: some times what a server takes to notice that a connection is gone.
_DESERTED_MS = 60.0
_UNKNOWN_EVENTS = 4  # how many events a run has at least, where nobody said
_CURSORS = 12  # of a finished run that may have any number of events; the ends are always tried


def _events_of(stimulus: Stimulus) -> int:
    script = stimulus["script"]
    return _UNKNOWN_EVENTS if script is None else sum("emit" in step for step in script)


def cuts_stimuli(setting: Setting) -> list[Stimulus]:
    """A run whose events are far enough apart for a reader to come back between them."""
    return [
        setting.stimulus(
            "cut after events", setting.main, "succeeds", steps_of(setting, setting.main, EVENTS, _BACK_MS)
        )
    ]


async def cuts(driver: Driver, stimulus: Stimulus) -> None:
    """For each number of events, a reader is cut after them and returns; one reader stays."""
    plans = [CutPlan(after) for after in range(_events_of(stimulus) + 1)]
    await _cut_and_back(driver, plans)


def inside_stimuli(setting: Setting) -> list[Stimulus]:
    """The same with payloads of wide characters."""
    emits = []
    if setting.words:
        emits = scripts.carrying(setting.profile, setting.main, setting.words, [_WIDE_TEXT] * EVENTS)
    steps = lead(setting) + scripts.spread(emits, _BACK_MS, setting.scale)
    return [setting.stimulus("cut inside an event", setting.main, "succeeds", steps)]


async def inside(driver: Driver, _stimulus: Stimulus) -> None:
    """Readers are cut inside an event and resume from the last complete one."""
    await _cut_and_back(driver, [CutPlan(after, count) for after, count in _INSIDE])


async def _cut_and_back(driver: Driver, plans: list[CutPlan]) -> None:
    run, first = await driver.begin("reader")
    if first is None:
        return
    left = [await driver.attach(run, "cut", cut=plan) for plan in plans]
    await asyncio.gather(driver.to_end(first), *(_back(driver, run, one) for one in left))


async def _back(driver: Driver, run: Run, left: Live) -> None:
    """Come back as soon as the connection is cut, and read to the end."""
    await driver.to_end(left)
    again = await driver.comes_back(run, left)
    await driver.to_end(again) if not again.about.get("after_terminal") else await driver.finished(again)


def own_stimuli(setting: Setting) -> list[Stimulus]:
    """For each kind whose start is itself a stream, cuts of that stream."""
    made = []
    for start in setting.starts:
        if start.streams:
            for after in _OWN_CUTS:
                steps = steps_of(setting, start, EVENTS, _BACK_MS)
                made.append(
                    setting.stimulus("the start's own stream is cut", start, "succeeds", steps, cut_after=after)
                )
    return made if setting.scripted else made[: len(_OWN_CUTS)]


async def own(driver: Driver, stimulus: Stimulus) -> None:
    """The only reader is cut and returns; at the end the run is read again from its beginning."""
    run, left = await driver.begin("cut", cut=CutPlan(stimulus["cut_after"]))
    if left is None:
        return
    await driver.to_end(left)
    again = await driver.comes_back(run, left)
    if await driver.to_end(again):
        await driver.read_again(run)


def deserted_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that goes on for a while; without control whatever it does."""
    steps = steps_of(setting, setting.main, EVENTS, _BACK_MS)
    return [setting.stimulus("deserted", setting.main, "succeeds", steps)]


async def deserted(driver: Driver, _stimulus: Stimulus) -> None:
    """The only reader leaves; after a moment without readers one returns. At the end the run is read again."""
    run, left = await driver.begin("cut", cut=CutPlan(1))
    if left is None:
        return
    await driver.to_end(left)
    await driver.pause_ms(_DESERTED_MS)
    if await driver.to_end(await driver.comes_back(run, left)):
        await driver.read_again(run)  # by which the one who came back is judged


def event_id_stimuli(setting: Setting) -> list[Stimulus]:
    """As for cuts."""
    steps = steps_of(setting, setting.main, EVENTS, _BACK_MS)
    return [setting.stimulus("back with Last-Event-ID", setting.main, "succeeds", steps)]


async def event_id(driver: Driver, stimulus: Stimulus) -> None:
    """Readers are cut and return as an EventSource does; one reader stays."""
    run, first = await driver.begin("reader")
    if first is None:
        return
    left = [await driver.attach(run, "cut", cut=CutPlan(after)) for after in range(1, _events_of(stimulus) + 1)]

    async def back(one: Live) -> None:
        await driver.to_end(one)
        again = await driver.comes_back_with_id(run, one)
        if again is not None:
            await driver.to_end(again)

    await asyncio.gather(driver.to_end(first), *map(back, left))


def cursors_stimuli(setting: Setting) -> list[Stimulus]:
    """A run of each kind for its cursors; wrong ones are tried on the first."""
    return of_each_kind(setting, "every cursor", "succeeds", EVENTS, _BACK_MS)


async def cursors(driver: Driver, _stimulus: Stimulus) -> None:
    """An empty cursor on an active run; then each cursor of the finished run, an empty one and wrong ones.

    Of these what the profile speaks of.
    """
    run, first = await driver.begin("reader")
    if first is None:
        return
    empty = None if gets(driver.profile, "empty") == "refused" else empty_cursor(driver.profile)
    early = await driver.attach(run, "resumed", cursor=empty) if empty else None
    over = await driver.to_end(first)
    if early is not None:
        await driver.to_end(early, driver.bounds.join_s)
    if over:
        await of_finished(driver, run, driver.shown(first))


async def of_finished(driver: Driver, run: Run, whole: Shown) -> None:
    """Each cursor of a finished run whose history a reader has, an empty one and wrong ones."""
    events = named(driver.profile, whole)
    step = max(1, len(events) // _CURSORS)
    places = sorted({*range(0, len(events), step), len(events) - 1} - {-1})
    ended_at = next((place for place, (one, _) in enumerate(events) if driver.is_terminal(one)), len(events))
    asked = []
    for place in places:
        cursor = cursor_at(driver.profile, *events[place])
        if cursor is not None:
            one = await driver.attach(run, "resumed", cursor=cursor, finished=True)
            if place >= ended_at:
                one.about["after_terminal"] = True
            asked.append(one)
    await asyncio.gather(*map(driver.finished, asked))
    await _wrong_cursors(driver, run, [one for one, _ in events])


async def _wrong_cursors(driver: Driver, run: Run, history: Sequence[Seen]) -> None:
    """Those of the profile, and the one right behind the newest event of a run that has ended."""
    wrong = (wrong_cursor(driver.profile, origin, history) for origin in WRONG_CURSORS)
    for cursor in filter(None, (empty_cursor(driver.profile), *wrong)):
        one = await driver.asks(run, cursor, finished=True)
        await one.ended(driver.bounds.finished_s)
