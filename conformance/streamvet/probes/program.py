"""The probe of what is generated: readers that come, leave and come back as the stimulus describes.

A stimulus is data, so that a case can be performed again without whatever made it. Times in it (`*_ms`) are unscaled.
It performs and records; it judges nothing.

    {"kind": …, "script": […], "outcome": …, "runs": 2, "cancel_after": 1, "cancel_ms": 20, "record": true,
     "again": true,
     "readers": [{"join_after": 3, "join_ms": 1,
                  "visits": [{"from": "start", "cut": {"after": 2, "inside": 5}}, {"from": "last", "wait_ms": 1}]}]}

    {"kind": …, "script": […], "outcome": …, "restart_ms": 40}

`readers` are those besides the one that is there from the beginning. `join_after` and `cancel_after` are counted in
the events that this one has seen. A visit begins at one of ORIGINS; a cut is behind so many events and so many bytes
more, or after `after_ms`; `stall_ms` lets the reader stop at first. With `restart_ms` the candidate is killed then and
started again, which nothing else may see. Stimuli of another form, which only one system has, are performed in its
room.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamvet.probes import restarting
from streamvet.probes.cursors import WRONG_CURSORS, cursor_at, empty_cursor, resumes, wrong_cursor
from streamvet.recorder import CutPlan, now_us, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from streamvet.probes.driver import Driver
    from streamvet.probes.runs import Cursor, Run
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

# Where a visit of a reader may begin. `start`: without a cursor; `last`: where it left, in the profile's own way;
# `earlier` and `first`: behind an event that it has seen before; then as an EventSource does it, and wrong ones:
# `future` is the one behind the newest event of a run that has ended.
ORIGINS = ("start", "last", "earlier", "first", "empty", "last-event-id", "unknown", "malformed", "future")
CONNECTIONS = 10  # of one try, at most: more readers at once are for the pinned tries


def no_stimuli(_setting: Setting) -> list[Stimulus]:
    """None is pinned."""
    return []


def connections_of(stimulus: Stimulus) -> int:
    """How many streams a try holds at once."""
    return int(stimulus.get("runs", 1)) * (1 + len(stimulus.get("readers", ())))


def runs_of(stimulus: Stimulus) -> int:
    """How many runs a try starts."""
    return int(stimulus.get("runs", 1))


def is_alone(stimulus: Stimulus) -> bool:
    """Whether nothing else may be tried meanwhile."""
    return "restart_ms" in stimulus


async def program(driver: Driver, stimulus: Stimulus) -> None:
    """Perform a generated stimulus."""
    await _PERFORM[driver.profile.streams](driver, stimulus)


def _real_us(driver: Driver, holder: dict[str, Any], key: str) -> int:
    return int(float(holder.get(key, 0)) * driver.setting.scale * 1000)


async def _pause(driver: Driver, holder: dict[str, Any], key: str) -> None:
    if holder.get(key):
        await driver.pause_ms(_real_us(driver, holder, key) / 1000)


def _cut_of(visit: dict[str, Any]) -> CutPlan | None:
    cut = visit.get("cut") or {}
    return CutPlan(int(cut["after"]), int(cut.get("inside", 0))) if "after" in cut else None


# ------------------------------------------------------------------------------------------------- runs


async def _runs(driver: Driver, stimulus: Stimulus) -> None:
    """As many runs at once as the stimulus says, each the same; or one that the candidate does not survive."""
    if is_alone(stimulus):
        await _crash(driver, stimulus)
        return
    await asyncio.gather(*(_run(driver, stimulus) for _ in range(runs_of(stimulus))))


async def _run(driver: Driver, stimulus: Stimulus) -> None:
    """One reader from the beginning, the others as they come; then the record, and the run is read again."""
    run, first = await driver.begin("reader")
    if first is None:
        return
    begun_us = now_us()
    others = [_Reader(driver, run, first, begun_us).read(row) for row in stimulus.get("readers", ())]
    if "cancel_ms" in stimulus:
        others.append(_cancel(driver, run, first, begun_us))
    over, *_ = await asyncio.gather(_to_end(driver, run, first, stimulus), *others)
    if over and stimulus.get("again"):
        again = await driver.attach(run, "after", finished=True)
        await driver.finished(again)


async def _crash(driver: Driver, stimulus: Stimulus) -> None:
    """A run with one reader, a kill at some moment; then its record, and the run once more from its beginning."""
    run, first = await driver.begin("cut")
    if first is None:
        return
    await wait_until(now_us() + _real_us(driver, stimulus, "restart_ms"))
    if await first.head(driver.bounds.answer_s) is None or not await restarting.kill(driver, first):
        return
    await driver.record(run, "record-restarted")
    again = await driver.attach(run, "resumed", meant=restarting.meant(driver))
    await restarting.reread(driver, again, len(first.history))


async def _to_end(driver: Driver, run: Run, first: Live, stimulus: Stimulus) -> bool:
    """Read to the end; where the stimulus says so, ask for the record as soon as the run is over."""
    over = await driver.terminal(first)
    if over and stimulus.get("record"):
        await driver.record(run, "record-after")
    await driver.closed(first)
    return over


async def _moment(driver: Driver, first: Live, begun_us: int, holder: dict[str, Any], name: str) -> None:
    """Wait for a moment of the run: so long after its beginning, or after the first reader has so many events."""
    after = holder.get(f"{name}_after")
    if after:
        await driver.run_shows(first, int(after))
        begun_us = now_us()
    await wait_until(begun_us + _real_us(driver, holder, f"{name}_ms"))


async def _cancel(driver: Driver, run: Run, first: Live, begun_us: int) -> None:
    """A run that hangs is active until then; any other one may just have ended."""
    await _moment(driver, first, begun_us, driver.stimulus, "cancel")
    if driver.setting.has("cancel"):
        await driver.on_run("cancel", run, "cancel" if driver.stimulus["outcome"] == "hangs" else "cancel-racing")


class _Reader:
    """One reader of a run besides the first: its visits, each but the last one ended by a cut, mostly."""

    def __init__(self, driver: Driver, run: Run, first: Live, begun_us: int) -> None:
        self._driver = driver
        self._run = run
        self._first = first
        self._begun_us = begun_us
        self._left: Live | None = None  # its last stream that was meant to be one

    async def read(self, row: dict[str, Any]) -> None:
        """Come when it is time, and make each visit."""
        driver = self._driver
        await _moment(driver, self._first, self._begun_us, row, "join")
        for visit in row["visits"]:
            await _pause(driver, visit, "wait_ms")
            live = await self._attach(visit)
            if live is None:
                return
            if visit.get("stall_ms"):
                live.hold()
                await _pause(driver, visit, "stall_ms")
                live.about["stalled_until_us"] = driver.tape.now_us()
                live.go_on()
            await self._stay(live, visit)
            if live.about["meant"] == "stream":
                self._left = live

    async def _stay(self, live: Live, visit: dict[str, Any]) -> None:
        """Read to where the visit ends."""
        bounds, cut = self._driver.bounds, visit.get("cut") or {}
        if live.about["meant"] == "refusal" or live.about.get("after_terminal"):
            await live.ended(bounds.finished_s)
        elif "after_ms" in cut:
            if not await live.over(_real_us(self._driver, cut, "after_ms") / 1e6):
                await live.cut("it has stayed for long enough")
        else:
            await self._driver.to_end(live)

    async def _attach(self, visit: dict[str, Any]) -> Live | None:
        """Attach as the visit says; None where there is nothing to come back from."""
        driver, run, origin, cut = self._driver, self._run, visit["from"], _cut_of(visit)
        if "as" in visit:
            return await driver.attach(run, "intruder", account=visit["as"], meant="refusal")
        if origin in WRONG_CURSORS:
            wrong = self._wrong(origin)
            return await driver.asks(run, wrong) if wrong else None
        if origin == "empty" and (empty := empty_cursor(driver.profile)) is not None:
            return await driver.asks(run, empty, cut=cut)
        if self._left is not None and origin != "start":
            return await self._come_back(self._left, visit, cut)
        if visit.get("cut"):
            return await driver.attach(run, "cut", cut=cut)
        if any(map(driver.is_terminal, driver.shown(self._first).seen)):
            return await driver.attach(run, "after", finished=True)
        return await driver.attach(run, "late")

    def _wrong(self, origin: str) -> Cursor | None:
        """A cursor that is none of this run; the one of its next event only when it has no more of them."""
        history = self._driver.shown(self._first).history
        if origin == "future" and not any(map(self._driver.is_terminal, history)):
            return None
        return wrong_cursor(self._driver.profile, origin, history)

    async def _come_back(self, left: Live, visit: dict[str, Any], cut: CutPlan | None) -> Live | None:
        """Come back from where it was, or from an earlier place, or with Last-Event-ID."""
        driver, run, origin = self._driver, self._run, visit["from"]
        if origin == "last-event-id":
            return await driver.comes_back_with_id(run, left, cut=cut)
        history = driver.shown(left).history
        if origin == "last" or not history or not resumes(driver.profile):
            return await driver.comes_back(run, left, cut=cut)
        place = 0 if origin == "first" else int(visit.get("at", 0)) % len(history)
        cursor = cursor_at(driver.profile, history[place], place + 1)
        live = await driver.attach(run, "resumed", cursor=cursor, cut=cut)
        if any(map(driver.is_terminal, history[: place + 1])):
            live.about["after_terminal"] = True
        return live


# --------------------------------------------------------------------------------------------- one request


async def _push(driver: Driver, stimulus: Stimulus) -> None:
    """The only reader of a push, which may be cut off."""
    cut = _cut_of(stimulus)
    _run, live = await driver.begin("cut" if cut else "reader", cut=cut)
    if live is not None:
        await driver.to_end(live)


# ------------------------------------------------------------------------------------------- ambient streams


async def _ambient(driver: Driver, stimulus: Stimulus) -> None:
    """One reader from the beginning, the others as they come; what is published last reaches all that are there."""
    steps = list(stimulus["script"])
    last = max((index for index, step in enumerate(steps) if "emit" in step), default=None)
    if last is None:
        return
    first = await driver.listen()
    begun_us, said = now_us(), asyncio.Event()

    async def say() -> None:
        await driver.perform(steps[:last])
        said.set()

    coming = [_listener(driver, first, row, begun_us, said) for row in stimulus.get("readers", ())]
    *came, _ = await asyncio.gather(*coming, say())
    await driver.perform(steps[last : last + 1])
    await driver.have_all(
        [first, *(live for live in came if live is not None)],
        [step["emit"] for step in steps[: last + 1] if "emit" in step],
    )


async def _listener(
    driver: Driver, first: Live, row: dict[str, Any], begun_us: int, said: asyncio.Event
) -> Live | None:  # fmt: skip
    """The last visit of a reader, None where that was cut off too. It waits for events only while there are any."""
    if row.get("join_after"):
        await _unless(said, first.events(int(row["join_after"]), driver.bounds.run_s))
        begun_us = now_us()
    await wait_until(begun_us + _real_us(driver, row, "join_ms"))
    for visit in row["visits"]:
        await _pause(driver, visit, "wait_ms")
        cut = _cut_of(visit)
        live = await driver.listen("cut" if visit.get("cut") else "late", cut=cut)
        if not visit.get("cut"):
            return live
        if cut is None:
            await live.over(_real_us(driver, visit["cut"], "after_ms") / 1e6)
        else:
            await _unless(said, live.over(driver.bounds.run_s))
        await live.cut("it has stayed for long enough")
    return None


async def _unless(said: asyncio.Event, waiting: Coroutine[Any, Any, Any]) -> None:
    """Wait for something as long as not everything is said."""
    tasks = [asyncio.create_task(one) for one in (waiting, said.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


_PERFORM: dict[str, Callable[[Driver, Stimulus], Coroutine[Any, Any, None]]] = {
    "run": _runs,
    "push": _push,
    "ambient": _ambient,
}
