"""The probe of what is generated: readers that come, leave and come back as the stimulus describes.

A stimulus is data, so that a case can be performed again without whatever made it. Times in it (`*_ms`) are unscaled.
It performs and records; it judges nothing.

    {"kind": …, "script": […], "outcome": …,
     "readers": [{"join_ms": 3, "visits": [{"from": "start", "cut": {"after": 2, "inside": 5}},
                                           {"from": "last", "wait_ms": 1, "stall_ms": 10}]}],
     "cancel_ms": 20, "again": true, "cut": {"after": 1, "inside": 0}}

`readers` are those besides the one that is there from the beginning; `cut` cuts that one, where nobody else can join.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamvet.probes.runs import Cursor
from streamvet.recorder import CutPlan, now_us, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from streamvet.probes.driver import Driver
    from streamvet.probes.runs import Run
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

# Where a visit of a reader may begin. `start`: without a cursor. The rest is of who has been there before.
ORIGINS = ("start", "last", "earlier", "first", "empty", "unknown", "malformed", "last-event-id")
_WRONG = ("unknown", "malformed")  # cursors that have to be refused
_LINGER_S = 0.3  # how long a reader of an ambient stream waits for the events after which it is cut


def no_stimuli(_setting: Setting) -> list[Stimulus]:
    """None is pinned."""
    return []


async def program(driver: Driver, stimulus: Stimulus) -> None:
    """Perform a generated stimulus."""
    await _PERFORM[driver.profile.streams](driver, stimulus)


def _real_ms(driver: Driver, holder: dict[str, Any], key: str) -> float:
    return float(holder.get(key, 0)) * driver.setting.scale


def _cut_of(visit: dict[str, Any]) -> CutPlan | None:
    cut = visit.get("cut")
    return CutPlan(int(cut["after"]), int(cut.get("inside", 0))) if cut else None


# ------------------------------------------------------------------------------------------------- runs


async def _run(driver: Driver, stimulus: Stimulus) -> None:
    """One reader from the beginning, the others as they come; then the run is read again."""
    run, first = await driver.begin("reader")
    if first is None:
        return
    begun_us = now_us()
    others = [_reader(driver, run, first, row, begun_us) for row in stimulus.get("readers", ())]
    if "cancel_ms" in stimulus:
        others.append(_cancel(driver, run, begun_us, stimulus))
    over, *_ = await asyncio.gather(driver.to_end(first), *others)
    if over and stimulus.get("again"):
        again = await driver.attach(run, "after", finished=True)
        await again.ended(driver.bounds.finished_s)


async def _cancel(driver: Driver, run: Run, begun_us: int, stimulus: Stimulus) -> None:
    await wait_until(begun_us + int(_real_ms(driver, stimulus, "cancel_ms") * 1000))
    if driver.setting.has("cancel"):
        await driver.on_run("cancel", run, "cancel-racing")


async def _reader(driver: Driver, run: Run, first: Live, row: dict[str, Any], begun_us: int) -> None:
    """One reader: its visits, each but the last one ended by a cut."""
    await wait_until(begun_us + int(_real_ms(driver, row, "join_ms") * 1000))
    left: Live | None = None
    for visit in row["visits"]:
        await driver.pause_ms(_real_ms(driver, visit, "wait_ms"))
        live = await _visit(driver, run, first, left, visit)
        if live is None:
            return
        if visit.get("stall_ms"):
            live.hold()
            await driver.pause_ms(_real_ms(driver, visit, "stall_ms"))
            live.go_on()
        if live.about.get("meant") == "refusal" or live.about.get("after_terminal"):
            await live.ended(driver.bounds.finished_s)
        elif "cut" in visit:
            await live.ended(driver.bounds.run_s)
        else:
            await driver.to_end(live, driver.bounds.run_s)
        if live.about.get("meant") != "refusal":
            left = live


async def _visit(driver: Driver, run: Run, first: Live, left: Live | None, visit: dict[str, Any]) -> Live | None:
    """Attach as the visit says; None where there is nothing to come back from."""
    origin, cut = visit["from"], _cut_of(visit)
    if origin in _WRONG:
        rule = driver.profile.field("catchup.cursor") or {}
        if origin not in rule:
            return None
        wrong = Cursor(str(rule[origin]), origin)
        return await driver.attach(run, "intruder", cursor=wrong, meant="refusal")
    if origin == "empty" and driver.resumes:
        return await driver.attach(run, "resumed", cursor=Cursor("", "empty", 0), cut=cut)
    if origin == "last-event-id" and left is not None:
        return await driver.comes_back_with_id(run, left)
    if origin in ("last", "earlier", "first") and left is not None and left.history and driver.resumes:
        place = {"last": len(left.history) - 1, "first": 0}.get(origin, int(visit.get("at", 0)) % len(left.history))
        event = left.history[place]
        about: dict[str, Any] = {}
        if any(map(driver.is_terminal, left.history[: place + 1])):
            about["after_terminal"] = True
        cursor = driver.cursor_at(event, place + 1)
        return await driver.attach(run, "resumed", cursor=cursor, cut=cut, **about)
    if cut is not None:
        return await driver.attach(run, "cut", cut=cut)
    if any(map(driver.is_terminal, first.seen)):
        return await driver.attach(run, "after", finished=True)
    return await driver.attach(run, "late")


# --------------------------------------------------------------------------------------------- one request


async def _push(driver: Driver, stimulus: Stimulus) -> None:
    """The only reader, which may be cut off."""
    cut = _cut_of(stimulus)
    _run, live = await driver.begin("cut" if cut else "reader", cut=cut)
    if live is not None:
        await (live.ended(driver.bounds.whole_s) if cut else driver.to_end(live))


# ------------------------------------------------------------------------------------------- ambient streams


async def _ambient(driver: Driver, stimulus: Stimulus) -> None:
    """One reader from the beginning, the others as they come; what is published last reaches all that are there."""
    steps = list(stimulus["script"])
    last = next((step["emit"] for step in reversed(steps) if "emit" in step), None)
    if last is None:
        return
    first = await driver.listen()
    begun_us = now_us()
    coming = [_listener(driver, row, begun_us) for row in stimulus.get("readers", ())]
    *came, _ = await asyncio.gather(*coming, driver.perform(steps[:-1]))
    await driver.perform(steps[-1:])
    await driver.have_all([first, *(live for live in came if live is not None)], last)


async def _listener(driver: Driver, row: dict[str, Any], begun_us: int) -> Live | None:
    """The last visit of a reader, None where that was cut off too."""
    await wait_until(begun_us + int(_real_ms(driver, row, "join_ms") * 1000))
    for visit in row["visits"]:
        await driver.pause_ms(_real_ms(driver, visit, "wait_ms"))
        cut = _cut_of(visit)
        live = await driver.listen("cut" if cut else "late", cut=cut)
        if cut is None:
            return live
        if not await live.over(_LINGER_S):
            await live.cut("it has waited for long enough")
    return None


_PERFORM: dict[str, Callable[[Driver, Stimulus], Coroutine[Any, Any, None]]] = {
    "run": _run,
    "push": _push,
    "ambient": _ambient,
}
