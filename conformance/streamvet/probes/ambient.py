"""Probes of a stream that belongs to nobody's run: everybody reads it, and it has neither a start nor an end.

What is published reaches every reader, so the tries that publish run one after the other. They perform and record; they
judge nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.contract.profile import matches
from streamvet.probes import scripts, triggers
from streamvet.probes.bounds import script_s
from streamvet.probes.reading import EVENTS, OLD_ID, pauses_of
from streamvet.probes.sender import BROWSERS, NO_GZIP
from streamvet.probes.setting import STEP_MS

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live, Seen

_READERS = 3  # one more than two, so that a fault with the middle one shows
_CHURN_AT_ONCE = 4
# More than the buffers between a writer and a reader that does not read: see crowds.
_SLOW_EVENTS, _SLOW_BYTES = 400, 16 * 1024
# Behind the last moment at which something is in time: the floor of a tolerance, widened by what the harness may be
# late, and the time that it takes to arrive.
_TOLD_LATE_MS = 150.0


def _spread(setting: Setting, count: int, real_ms: float) -> list[scripts.Step]:
    return scripts.spread(setting.plain(setting.main, count), real_ms, setting.scale)


def broadcast_stimuli(setting: Setting) -> list[Stimulus]:
    """Some events, one by one; what may break framing; every type."""
    made = [setting.saying("plain", _spread(setting, EVENTS, STEP_MS))]
    if setting.words:
        hostile = scripts.carrying(setting.profile, setting.main, setting.words, list(scripts.HOSTILE.values()))
        every = scripts.every_type(setting.profile, setting.main, setting.words)
        made.append(setting.saying("hostile payloads", scripts.spread(hostile, 0, setting.scale)))
        made.append(setting.saying("every type", scripts.spread(every, 0, setting.scale)))
    return made


async def broadcast(driver: Driver, stimulus: Stimulus) -> None:
    """Publish events to several readers."""
    readers = [await driver.listen() for _ in range(_READERS)]
    await driver.perform(stimulus["script"])
    await driver.have_all(readers, _emits(stimulus))


def _emits(stimulus: Stimulus) -> list[scripts.Emit]:
    """The events of a script."""
    return [step["emit"] for step in stimulus["script"] if "emit" in step]


def pauses_stimuli(setting: Setting) -> list[Stimulus]:
    """Events with pauses between them that no scheduler makes by itself."""
    return [setting.saying("pauses", pauses_of(setting))]


def pauses_wait_ms(setting: Setting, stimulus: Stimulus) -> float:
    """The pauses."""
    return script_s(stimulus["script"] or (), setting.scale) * 1000


async def pauses(driver: Driver, stimulus: Stimulus) -> None:
    """Several readers of events with pauses between them."""
    observe_us = int(pauses_wait_ms(driver.setting, stimulus) * 1000)
    readers = [await driver.listen(observe_us=observe_us) for _ in range(_READERS)]
    await driver.perform(stimulus["script"])
    await driver.have_all(readers, _emits(stimulus))


def crowd_readers(setting: Setting) -> int:
    """As many as the profile names."""
    return int(setting.profile.field("readers.at_least") or 0)


def crowd_stimuli(setting: Setting) -> list[Stimulus]:
    """Many events at once."""
    return [setting.saying("many at once", _spread(setting, setting.effort.crowd, 0))]


async def crowd(driver: Driver, stimulus: Stimulus) -> None:
    """As many readers at once as the profile names, and many events."""
    first = await driver.listen("reader")
    readers = [first, *[await driver.listen("many") for _ in range(crowd_readers(driver.setting))]]
    await driver.perform(stimulus["script"])
    await driver.have_all(readers, _emits(stimulus))


def newcomers_stimuli(setting: Setting) -> list[Stimulus]:
    """Something that is over when the newcomers come, and something after that."""
    emits = setting.plain(setting.main, 2 * EVENTS)
    after = scripts.spread(emits[EVENTS:], 0, setting.scale)
    return [setting.saying("after the events", after, before=[dict(emit) for emit in emits[:EVENTS]])]


async def newcomers(driver: Driver, stimulus: Stimulus) -> None:
    """Readers join after events were emitted, one of them with Last-Event-ID."""
    first = await driver.listen("cut")
    await driver.publish(stimulus["before"])
    await first.events(len(stimulus["before"]), driver.bounds.answer_s)
    await first.cut("it has what came before")
    came = [await driver.listen("newcomer"), await driver.listen("newcomer", headers=(("Last-Event-ID", OLD_ID),))]
    await driver.perform(stimulus["script"])
    await driver.have_all(came, _emits(stimulus))


def triggered_stimuli(setting: Setting) -> list[Stimulus]:
    """Each trigger that can be made to happen."""
    return [setting.saying(name, [], trigger=name) | {"script": None} for name in setting.triggers]


def triggered_wait_ms(setting: Setting, stimulus: Stimulus) -> float:
    """Until what is brought about has to be told."""
    within_ms = float(setting.profile.field("triggers")[stimulus["trigger"]]["within_ms"])
    return within_ms * setting.scale + _TOLD_LATE_MS


async def triggered(driver: Driver, stimulus: Stimulus) -> None:
    """Make happen what the target file, or an operation of the profile, says how to, while somebody reads."""
    name = stimulus["trigger"]
    told = tuple(driver.profile.field("triggers")[name]["told"])
    reader = await driver.listen()
    if driver.profile.field("catchup.first"):
        await reader.until(lambda _event: True, driver.bounds.answer_s)
    behind = reader.seen[-1].end if reader.seen else 0
    reader.about["triggered"] = deed = await triggers.pull(driver, name)
    if "failed" not in deed:
        within_s = triggered_wait_ms(driver.setting, stimulus) / 1000

        def tells(seen: Seen) -> bool:
            return seen.start >= behind and seen.kind is not None and matches(seen.kind, told)

        await reader.until(tells, within_s, " or ".join(told))
    await reader.cut("what was to be told is due")


def slow_stimuli(setting: Setting) -> list[Stimulus]:
    """More than any buffer holds."""
    text = "0123456789abcdef" * (_SLOW_BYTES // 16)
    emits: list[scripts.Emit] = []
    if setting.words:
        emits = scripts.carrying(setting.profile, setting.main, setting.words, [text] * _SLOW_EVENTS)
        emits += setting.plain(setting.main, 1)
    return [setting.saying("one reader stalls", scripts.spread(emits, 0, setting.scale))]


async def slow(driver: Driver, stimulus: Stimulus) -> None:
    """One reader stops reading while another one continues; the stalled one leaves, as it may have lost events."""
    reader, stalled = await driver.listen(), await driver.listen("stalled", stalls=True)
    stalled.hold()
    await driver.perform(stimulus["script"])
    await driver.have_all([reader], _emits(stimulus))
    stalled.about["stalled_until_us"] = driver.tape.now_us()
    await stalled.cut("it has stalled for long enough")


def churn_stimuli(setting: Setting) -> list[Stimulus]:
    """With control something is published at the end; a snapshot comes by itself."""
    return [setting.saying("many in a row", _spread(setting, 1, 0) if setting.published else [])]


async def churn(driver: Driver, stimulus: Stimulus) -> None:
    """Many short connections, then one more reader; one stays all the time."""
    reader = await driver.listen()
    left = iter(range(min(driver.setting.effort.churns, int(driver.profile.field("readers.churns")))))

    async def come_and_go() -> None:
        for _ in left:
            short = await driver.listen("churn")
            if not await driver.has_begun(short):
                return
            await short.cut("a short connection")

    await asyncio.gather(*(come_and_go() for _ in range(_CHURN_AT_ONCE)))
    last = await driver.listen("last")
    await _shown_something(driver, stimulus, [reader, last])


async def _shown_something(driver: Driver, stimulus: Stimulus, readers: list[Live]) -> None:
    """Wait until each has something: what is published, or what every stream begins with."""
    if stimulus["script"]:
        await driver.perform(stimulus["script"])
        await driver.have_all(readers, _emits(stimulus))
        return
    if driver.profile.field("catchup.first"):
        for one in readers:
            await one.until(lambda _event: True, driver.bounds.answer_s)
    for one in readers:
        await one.cut("it has been served")


def coding_stimuli(setting: Setting) -> list[Stimulus]:
    """A reader that asks for codings as browsers do, with control for pauses; one that excludes gzip."""
    paused = pauses_of(setting) if setting.published else []
    return [
        setting.saying("a browser", paused, coding=BROWSERS),
        setting.saying("gzip excluded", [], coding=NO_GZIP),
    ]


async def coding(driver: Driver, stimulus: Stimulus) -> None:
    """A reader that asks for the content codings that browsers ask for, and one that excludes gzip."""
    reader = await driver.listen(coding=stimulus["coding"])
    if not stimulus["script"]:
        await reader.cut("the head tells")
        return
    await driver.perform(stimulus["script"])
    await driver.have_all([reader], _emits(stimulus))


def one_stimulus(setting: Setting) -> list[Stimulus]:
    """Nothing to vary."""
    return [setting.saying("as it is", [])]


async def unacceptable(driver: Driver, _stimulus: Stimulus) -> None:
    """A reader whose Accept field excludes the stream, beside one that is let in."""
    await (await driver.listen()).cut("it is let in")
    accept = str(driver.profile.field("operations.attach.not_acceptable.accept"))
    live = await driver.listen("unacceptable", meant="refusal", accept=accept)
    if live.head_now is not None and live.head_now.status < 300:
        await live.cut("it should have been refused")
    await driver.answer(live)


def restart_stimuli(setting: Setting) -> list[Stimulus]:
    """As for churn."""
    return [setting.saying("killed", _spread(setting, 1, 0) if setting.published else [])]


async def restart(driver: Driver, stimulus: Stimulus) -> None:
    """Kill the candidate under a reader; after the restart one returns."""
    reader = await driver.listen("cut")
    if driver.profile.field("catchup.first"):
        await reader.until(lambda _event: True, driver.bounds.answer_s)
    up = await driver.candidate.restart_after_kill()
    await reader.over(driver.bounds.close_s)
    await reader.cut("the candidate was killed")
    if up:
        await _shown_something(driver, stimulus, [await driver.listen("returned")])
