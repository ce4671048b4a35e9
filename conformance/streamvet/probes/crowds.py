"""Probes with many readers: slow ones, many at once, many in a row, and those that join as a run ends.

They perform and record; they judge nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from streamvet.probes import scripts
from streamvet.probes.aim import Aim
from streamvet.probes.reading import EVENTS, lead, steps_of
from streamvet.probes.setting import LEAD_MS, STEP_MS
from streamvet.recorder import now_us, wait_until

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.runs import Run
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

# More than the buffers between a writer and a reader that does not read: Linux lets a socket's send buffer grow to
# 4 MiB, and the reader's is kept at 128 KiB. More events, too, than a queue of some hundred holds.
_SLOW_EVENTS, _SLOW_BYTES = 400, 16 * 1024
# More than the 128 KiB that the socket of who does not read takes; so many events that a server writes them one by one.
_HASTY_EVENTS, _HASTY_READERS = 64, 2
_NOTICED_MS = 60.0  # some times what a server takes to notice that a connection is gone
_BESIDE_AFTER = 3  # events of the first run, when the second one begins
_ATTACH_MS = 12.0  # for one more reader to be attached, while others are
_ALL_THERE = 2 / 3  # of the wait for an answer: by then all readers are served
_CHURN_AT_ONCE = 4
_RACES_IN_A_TRY, _RACES_AT_ONCE = 25, 3
# Without control: runs may cost money, and each takes its time. After so many seconds none is begun any more.
BARE_RACES, BARE_RACES_S = 4, 4.0
_RACE_MS = 60.0  # the length of a run that somebody joins at its end, counted from the request for it
_RACED_EVENTS = 2


def _large(setting: Setting, events: int) -> list[Any]:
    """The steps of a run that writes so many large events at once."""
    emits: list[Any] = []
    if setting.words:
        text = "0123456789abcdef" * (_SLOW_BYTES // 16)
        emits = scripts.carrying(setting.profile, setting.main, setting.words, [text] * events)
    return lead(setting) + scripts.spread(emits, 0, setting.scale)


def slow_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that writes more than any buffer holds."""
    steps = _large(setting, _SLOW_EVENTS)
    return [setting.stimulus("one reader stalls", setting.main, "succeeds", steps)]


async def slow(driver: Driver, _stimulus: Stimulus) -> None:
    """One reader stops reading while another one follows the run; then it reads on."""
    run, reader = await driver.begin("reader")
    if reader is None:
        return
    stalled = await driver.attach(run, "stalled", stalls=True)
    await stalled.until(lambda _event: True, driver.bounds.run_s)
    stalled.hold()
    await driver.to_end(reader)
    stalled.about["stalled_until_us"] = driver.tape.now_us()
    stalled.go_on()
    await driver.to_end(stalled, driver.bounds.join_s)


def hasty_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that writes more at once than a reader has taken when it leaves."""
    steps = _large(setting, _HASTY_EVENTS)
    # Until who is left has noticed that the others are gone the run goes on.
    return [setting.stimulus("left in a burst", setting.main, "succeeds", [*steps, setting.wait(_NOTICED_MS)])]


async def hasty(driver: Driver, _stimulus: Stimulus) -> None:
    """Two readers ignore a burst and leave with it unread; a third one stays, and reads it again."""
    run, reader = await driver.begin("reader")
    if reader is None:
        return
    leaving = [await driver.attach(run, "cut", stalls=True) for _ in range(_HASTY_READERS)]
    for one in leaving:
        await driver.has_begun(one)
        one.hold()
    await driver.run_shows(reader, EVENTS)
    for one in leaving:
        one.about["stalled_until_us"] = driver.tape.now_us()
        await one.cut("it leaves with bytes that it has not read")
    if await driver.to_end(reader):
        again = await driver.attach(run, "after", finished=True)
        await driver.finished(again)


def beside_stimuli(setting: Setting) -> list[Stimulus]:
    """The same run twice, one begun in the middle of the other."""
    steps = steps_of(setting, setting.main, 2 * EVENTS, STEP_MS)
    return [setting.stimulus("two runs at once", setting.main, "succeeds", steps)]


async def beside(driver: Driver, _stimulus: Stimulus) -> None:
    """Two active runs, each with a reader; one more joins the first run while both are active."""
    first, reader = await driver.begin("reader")
    if reader is None:
        return
    if not await driver.run_shows(reader, _BESIDE_AFTER):
        return
    second, other = await driver.begin("reader")
    if other is None:
        return
    both = [reader, other]
    if driver.profile.streams == "run" and not any(map(driver.is_terminal, driver.shown(reader).seen)):
        both.append(await driver.attach(first, "late"))
    over = await asyncio.gather(*(driver.to_end(one) for one in both))
    if driver.profile.streams == "run" and all(over):
        for run in (first, second):
            await driver.finished(await driver.attach(run, "after", finished=True))


def many_readers(setting: Setting) -> int:
    """As many as the profile names, and the start's own stream."""
    return int(setting.profile.field("readers.at_least") or 0) + 1


def many_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that begins when all are there, and stays where it can be cancelled: nobody has to leave for others."""
    steps = [setting.wait(LEAD_MS + many_readers(setting) * _ATTACH_MS), *steps_of(setting, setting.main, 5, STEP_MS)]
    given = setting.target.inputs.get(setting.main.kind, {})
    lasts = setting.has("cancel") and (setting.scripted or "long" in given)
    return [setting.stimulus("many at once", setting.main, "hangs" if lasts else "succeeds", steps)]


async def many(driver: Driver, stimulus: Stimulus) -> None:
    """As many readers at once as the profile names; a run that would not end by itself is cancelled."""
    run, first = await driver.begin("many")
    if first is None:
        return
    readers = [first, *[await driver.attach(run, "many") for _ in range(many_readers(driver.setting) - 2)]]
    within_s = None
    if stimulus["outcome"] == "hangs" or stimulus["input"] == "long":
        with suppress(TimeoutError):  # what comes only when others leave comes within the wait for its head then
            async with asyncio.timeout(driver.bounds.answer_s * _ALL_THERE):
                await asyncio.gather(*(driver.sees_some(reader, 1) for reader in readers))
        await driver.tidy_up(run)
        within_s = driver.bounds.join_s  # as after any cancellation
    await asyncio.gather(*(driver.to_end(reader, within_s) for reader in readers))


def churn_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that stays active while readers come and go."""
    return [setting.stimulus("many in a row", setting.main, "hangs", steps_of(setting, setting.main, 5, STEP_MS))]


async def churn(driver: Driver, stimulus: Stimulus) -> None:
    """Many short connections, then one more reader; one stays all the time."""
    run, reader = await driver.begin("reader")
    if reader is None:
        return
    last = await come_and_go(driver, run)
    if stimulus["script"] is None:  # what it shows and when nobody knows
        await asyncio.gather(*(driver.sees_some(one, 1) for one in (reader, last)))
    else:
        count = sum("emit" in step for step in stimulus["script"])
        await asyncio.gather(*(driver.run_shows(one, count) for one in (reader, last)))
    await driver.tidy_up(run)
    await asyncio.gather(driver.to_end(last, driver.bounds.join_s), driver.to_end(reader, driver.bounds.join_s))


async def come_and_go(driver: Driver, run: Run) -> Live:
    """As many short connections to an active run as the profile names, then one more reader, which is given."""
    left = iter(range(min(driver.setting.effort.churns, int(driver.profile.field("readers.churns")))))

    async def one_by_one() -> None:
        for _ in left:
            short = await driver.attach(run, "churn")
            if not await driver.has_begun(short):
                return
            await short.cut("a short connection")

    await asyncio.gather(*(one_by_one() for _ in range(_CHURN_AT_ONCE)))
    return await driver.attach(run, "last")


def race_stimuli(setting: Setting) -> list[Stimulus]:
    """Very short runs, in several tries; without control some of whatever length."""
    if not setting.scripted:
        return [setting.stimulus("joining at the end", setting.main, "succeeds", races=BARE_RACES)]
    emits = setting.plain(setting.main, _RACED_EVENTS)
    steps = [setting.wait(_RACE_MS), *({"emit": one} for one in emits)]
    races, parts = setting.effort.races, range(0, setting.effort.races, _RACES_IN_A_TRY)
    return [
        setting.stimulus(
            "joining at the end", setting.main, "succeeds", steps, part=part, races=min(_RACES_IN_A_TRY, races - first)
        )
        for part, first in enumerate(parts)
    ]


def races_of(stimulus: Stimulus) -> int:
    """How many runs one try starts."""
    return int(stimulus["races"])


async def race(driver: Driver, stimulus: Stimulus) -> None:
    """For each run one reader from its beginning and one that joins about when it ends."""
    left, aim = iter(range(stimulus["races"])), Aim(_RACE_MS)
    since_us, bare = now_us(), stimulus["script"] is None

    async def one_after_another() -> None:
        for _ in left:
            if driver.in_vain or (bare and now_us() - since_us > BARE_RACES_S * 1e6):
                return  # where nothing ends there is no race
            begun_us = now_us()
            moment_us = begun_us + int(aim.moment_ms(driver.random) * 1000)
            run, reader = await driver.begin("reader")
            if reader is None:
                return
            await asyncio.gather(aimed(driver, reader, aim, begun_us), _join(driver, run, moment_us))

    await asyncio.gather(*(one_after_another() for _ in range(1 if bare else _RACES_AT_ONCE)))


async def aimed(driver: Driver, reader: Live, aim: Aim, begun_us: int) -> bool:
    """Read a run to its end, and note when that came; gives whether it did."""
    over = await driver.terminal(reader)
    if over:
        aim.ended((now_us() - begun_us) / 1000)
    await driver.closed(reader)
    return over


async def _join(driver: Driver, run: Run, moment_us: int) -> None:
    await wait_until(moment_us)
    racer = await driver.attach(run, "racer")
    await driver.to_end(racer, driver.bounds.join_s)
