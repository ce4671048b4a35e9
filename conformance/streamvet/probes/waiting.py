"""Probes that have to wait: for heartbeats, and for the end of a run that nobody reads.

Their waits are the profile's, scaled; everything else of a campaign runs beside them. They judge nothing.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import pointed
from streamvet.probes import scripts
from streamvet.probes.probe import Ambient
from streamvet.probes.reading import steps_of
from streamvet.probes.runs import Run
from streamvet.recorder import CutPlan, now_us, wait_until
from streamvet.trace import BY_SERVER

if TYPE_CHECKING:
    from streamvet.contract.profile import Heartbeat
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus

# A busy run: silent for one and a half intervals, so that a first heartbeat comes alone, then an event every fifth.
_BUSY_FROM, _BUSY_EVERY = 1.5, 0.2
_STIRRED = "an event between heartbeats"  # the name of the try with an idle timer
_LATE_IN_INTERVAL = 2 / 3
SHORT_MS = 10_000.0  # of a watch: what the bound on short campaigns leaves room for twice
_PAST_LIMIT = 1.03  # of a platform's limit: a stream that is still there then has none
_AFTER_MS = 50.0  # behind the last moment at which a heartbeat is in time: for it to arrive
# Records of a run without readers: what leaving did to it, and as late as is sure to be before the profile's moment.
_EARLY_LIFE, _BEFORE_ALIVE = 0.1, 0.015
# When a reader returns to a run without readers, and when it leaves again: as the life is over that began when it left
# first, less of the second one is over than what must hold.
_RETURNS_AT, _LEAVES_AT = 0.3, 0.4
_AFTER_LIFE_MS = 20.0  # behind its last possible end: for the answer to be about a run that has ended


def observed_ms(setting: Setting) -> float:
    """How long to watch for the profile's number of heartbeats, in real time."""
    beat = setting.profile.heartbeat
    if beat is None:
        return 0.0
    tolerance_ms = setting.profile.tolerance_us(beat.tolerance_ms, setting.scale) / 1000
    return _observed(setting, beat) * beat.interval_ms * setting.scale + tolerance_ms + _AFTER_MS


def _observed(setting: Setting, beat: Heartbeat) -> int:
    """For how many intervals to watch."""
    made = setting.scripted and setting.profile.streams == "run"
    return beat.watched(setting.seed, setting.scale) if made else beat.observe


def heartbeats_stimuli(setting: Setting) -> list[Stimulus]:
    """A silent run; and one that emits, where events must not put a heartbeat off, or start its wait again.

    An ambient stream as it is.
    """
    beat = setting.profile.heartbeat
    if beat is None:
        return []
    if setting.profile.streams == "ambient":
        event = scripts.spread(setting.plain(setting.main, 1), 0, setting.scale) if setting.published else []
        ambient = setting.saying(_STIRRED if beat.timer == "idle" else "as it is", event)
        asks = [] if event else list(setting.profile.field("heartbeat.stirred_by") or ())
        return [ambient | {"asks": asks} if asks else ambient]
    existing = setting.target.existing.get("active")
    if existing and not setting.scripted:
        return [{"name": "idle", "outcome": None, "script": None, "run_id": existing}]
    made = [setting.stimulus("idle", setting.main, "hangs")]
    if setting.scripted:
        fixed = beat.timer == "fixed"
        between = {"wait_ms": beat.interval_ms * _BUSY_EVERY}
        count = int((_observed(setting, beat) - _BUSY_FROM) / _BUSY_EVERY) if fixed else 1
        steps: list[Any] = [{"wait_ms": beat.interval_ms * _BUSY_FROM}]
        for emit in setting.plain(setting.main, count):
            steps += [{"emit": emit}, between]
        made.append(setting.stimulus("busy" if fixed else _STIRRED, setting.main, "hangs", steps))
    return made


def _idle_timer(setting: Setting) -> bool:
    """Whether an event starts the heartbeat's interval again, so that it shows only where nothing else is said."""
    return setting.profile.streams == "ambient" and setting.profile.field("heartbeat.timer") == "idle"


def open_needs(setting: Setting) -> Ambient:
    """On a stream with an idle timer nothing may be published meanwhile."""
    return Ambient.NEEDS_SILENCE if _idle_timer(setting) else Ambient.INDIFFERENT


def _interval_ms(setting: Setting) -> float:
    beat = setting.profile.heartbeat
    return beat.interval_ms * setting.scale if beat else 0.0


def heartbeats_wait_ms(setting: Setting, _stimulus: Stimulus) -> float:
    """The observation; before it, on a stream with an idle timer, at most an interval until its event."""
    return observed_ms(setting) + (_interval_ms(setting) if _idle_timer(setting) else 0.0)


async def heartbeats(driver: Driver, stimulus: Stimulus) -> None:
    """Watch an active run, or an ambient stream, for as long as the profile's number of heartbeats takes.

    Another reader of the run comes and leaves at the beginning; one more watches it, too.
    """
    observe_ms = observed_ms(driver.setting)
    observe_us = int(observe_ms * 1000)
    if _idle_timer(driver.setting):
        await _watch_after_event(driver, stimulus, observe_ms)
        return
    if driver.profile.streams == "ambient":
        await driver.observe(await driver.listen("watch", observe_us=observe_us), observe_ms / 1000)
        return
    if "run_id" in stimulus:
        run = Run("r1", driver.setting.kind_of_existing, stimulus["run_id"])
        await driver.observe(await driver.attach(run, "watch", observe_us=observe_us), observe_ms / 1000)
        return
    run, watch = await driver.begin("watch", observe_us=observe_us)
    if watch is None:
        return
    watches = [watch]
    if driver.setting.joins:  # a timer may be shared, and end with the first who leaves
        left = await driver.attach(run, "cut", cut=CutPlan(0))
        await left.ended(driver.bounds.answer_s)
        if driver.profile.field("readers.independent"):  # or tell one of those who wait alone
            watches.append(await driver.attach(run, "watch", observe_us=observe_us))
    await asyncio.gather(*(driver.observe(one, observe_ms / 1000) for one in watches))
    await driver.tidy_up(run)


async def _watch_after_event(driver: Driver, stimulus: Stimulus, observe_ms: float) -> None:
    """Watch from now on; when all else has been said, one event late in an interval, and then silence.

    A timer that looks once an interval whether something was sent, and skips its turn then, skips one after this event.
    """
    watch = await driver.listen("watch")
    since_us, interval_us = now_us(), _interval_ms(driver.setting) * 1000
    await driver.candidate.silence.wait()
    asks = stimulus.get("asks", ())
    if stimulus["script"] or asks:
        turns = (now_us() - since_us) / interval_us - _LATE_IN_INTERVAL
        await wait_until(since_us + int((max(math.ceil(turns), 0) + _LATE_IN_INTERVAL) * interval_us))
        await driver.perform(stimulus["script"])
        for operation in asks:
            await driver.ask(operation, "trigger")
    driver.candidate.last_word.set()
    watch.about["observe_us"] = int(now_us() - since_us + observe_ms * 1000)
    if not await watch.over(observe_ms / 1000):
        await watch.cut("observed for long enough")


def silence_stimuli(setting: Setting) -> list[Stimulus]:
    """Where everything else takes longer than the heartbeats, one more look at the stream when it is quiet."""
    return [setting.saying("nothing happens", [])] if observed_ms(setting) <= SHORT_MS else []


def silence_wait_ms(setting: Setting, _stimulus: Stimulus) -> float:
    """The observation."""
    return observed_ms(setting)


async def silence(driver: Driver, stimulus: Stimulus) -> None:
    """Watch the ambient stream while nothing is said."""
    observe_ms = silence_wait_ms(driver.setting, stimulus)
    watch = await driver.listen("watch", observe_us=int(observe_ms * 1000))
    await driver.observe(watch, observe_ms / 1000)


def open_stimuli(setting: Setting) -> list[Stimulus]:
    """For as long as the profile keeps a stream open; and until a limit closes it, where there is one."""
    profile = setting.profile
    made = [setting.saying("idle", [], for_ms=profile.field("transport.open.at_least_ms"))]
    if profile.terminal and profile.terminal.cap_ms:
        made.append(setting.saying("until the limit", [], for_ms=profile.terminal.cap_ms * _PAST_LIMIT))
    return made


def open_wait_ms(setting: Setting, stimulus: Stimulus) -> float:
    """The observation, behind the last event that the watch for heartbeats makes on a stream that has to be silent."""
    before_ms = _interval_ms(setting) if _idle_timer(setting) else 0.0
    return float(stimulus["for_ms"]) * setting.scale + before_ms + 2 * _AFTER_MS


async def stay(driver: Driver, stimulus: Stimulus) -> None:
    """Stay on an idle stream; if it is closed, reconnect."""
    for_ms = float(stimulus["for_ms"]) * driver.setting.scale + _AFTER_MS
    if _idle_timer(driver.setting):  # at most an interval, where somebody watches for heartbeats
        with suppress(TimeoutError):
            await asyncio.wait_for(driver.candidate.last_word.wait(), _interval_ms(driver.setting) / 1000)
        await driver.pause_ms(_AFTER_MS)
    idle = await driver.listen("idle")
    await driver.observe(idle, for_ms / 1000)
    if idle.ending in BY_SERVER:
        again = await driver.listen("late")
        if driver.profile.field("catchup.first"):
            await again.until(lambda _event: True, driver.bounds.answer_s)
        await again.cut("it is served again")


def detached_stimuli(setting: Setting) -> list[Stimulus]:
    """Three runs, as what is asked of one at the end of its life has nothing to do with what was asked before.

    With control, where that costs no one more to wait, also one that one of two readers leaves.
    """
    steps = steps_of(setting, setting.main, 1, 0)
    beside = setting.scripted and setting.profile.field("readers.independent")
    names = ["alive", "ended", "a reader returns", *(["one of two leaves"] if beside else [])]
    return [setting.stimulus(name, setting.main, "hangs", steps) for name in names]


def _life_ms(setting: Setting) -> tuple[float, float]:
    """The life of a run without readers and its tolerance, in real time."""
    rule = setting.profile.field("catchup.detached")
    tolerance_ms = setting.profile.tolerance_us(rule["tolerance_ms"], setting.scale) / 1000
    return rule["life_ms"] * setting.scale, tolerance_ms


def detached_wait_ms(setting: Setting, stimulus: Stimulus) -> float:
    """Until the last record is asked for."""
    life_ms, tolerance_ms = _life_ms(setting)
    if stimulus["name"] != "alive":
        return life_ms + tolerance_ms + _AFTER_LIFE_MS
    return life_ms * float(setting.profile.field("catchup.detached.alive_at"))


async def detached(driver: Driver, stimulus: Stimulus) -> None:
    """The only reader leaves; then the run's record is requested, in its lifetime or after it."""
    if stimulus["name"] == "one of two leaves":
        await _one_of_two(driver)
        return
    run, reader = await driver.begin("cut")
    if reader is None:
        return
    await driver.run_shows(reader, 1, driver.bounds.answer_s)
    await reader.cut("the only reader leaves")
    left_us = reader.ended_us
    life_ms, tolerance_ms = _life_ms(driver.setting)
    finished = driver.profile.field("operations.record.state.finished") or ()
    if stimulus["name"] == "a reader returns":
        await wait_until(left_us + int(_RETURNS_AT * life_ms * 1000))
        again = await driver.comes_back(run, reader)
        await again.head(driver.bounds.answer_s)
        await wait_until(left_us + int(_LEAVES_AT * life_ms * 1000))
        await again.cut("it leaves again")
        await wait_until(left_us + int((life_ms + tolerance_ms + _AFTER_LIFE_MS) * 1000))
        if await _record(driver, run, again.ended_us, life_ms, "record-returned") not in finished:
            await driver.tidy_up(run)
        return
    if stimulus["name"] == "alive":
        alive_at = float(driver.profile.field("catchup.detached.alive_at"))
        state = None
        for life in (_EARLY_LIFE, alive_at - _BEFORE_ALIVE):
            await wait_until(left_us + int(life * life_ms * 1000))
            state = await _record(driver, run, left_us, life_ms)
        if state not in finished:
            await driver.tidy_up(run)
        return
    await wait_until(left_us + int((life_ms + tolerance_ms + _AFTER_LIFE_MS) * 1000))
    state = await _record(driver, run, left_us, life_ms)
    if state in finished:
        after = await driver.attach(run, "after", finished=True)
        await driver.finished(after)
    else:
        await driver.tidy_up(run)


async def _one_of_two(driver: Driver) -> None:
    """The first of two readers leaves; the other one stays for longer than a run lives that nobody reads."""
    run, first = await driver.begin("cut")
    if first is None:
        return
    await driver.run_shows(first, 1, driver.bounds.answer_s)
    stays = await driver.attach(run, "reader")
    await driver.has_begun(stays)
    await first.cut("one of two readers leaves")
    life_ms, tolerance_ms = _life_ms(driver.setting)
    await stays.over((life_ms + tolerance_ms + _AFTER_LIFE_MS) / 1000)
    if stays.ending is None:
        await driver.tidy_up(run)
        await driver.to_end(stays, driver.bounds.join_s)


async def _record(driver: Driver, run: Run, left_us: int, life_ms: float, role: str = "record-detached") -> Any:
    """The state that the record shows now."""
    life = (now_us() - left_us) / 1000 / life_ms
    live = await driver.record(run, role, life=life)
    return pointed(live.json(), driver.profile.field("operations.record.state.pointer") or "") if live else None
