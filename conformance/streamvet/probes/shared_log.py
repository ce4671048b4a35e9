"""Probes of an ambient stream that is resumed from a cursor: a log that everybody shares, and to which anybody writes.

A witness stays while others leave and come back, and something is made to happen again and again. What the witness has
up to the last of that is what the others are held to; others may write beside us. They perform and record; they judge
nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet.contract.profile import matches
from streamvet.probes import triggers
from streamvet.probes.bounds import never_s, patience_s
from streamvet.probes.cursors import WRONG_CURSORS, cursor_at, empty_cursor, newest, wrong_cursor
from streamvet.probes.restarting import kill
from streamvet.recorder import pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.probes.driver import Driver
    from streamvet.probes.runs import Cursor
    from streamvet.probes.scripts import Emit
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live, Seen

_LEAVERS = 3  # how many leave, one after the other, so that each comes back from another place
_AWAY = 2  # how often something happens while the last one is away
_HAPPENINGS = _LEAVERS + _AWAY + 2  # and once beside those who come back, and once behind that
_STORED = 4  # happenings before the candidate is killed: one whose cursor a reader has, and some behind it
_BEFORE = 2  # happenings before those come who ask with a wrong cursor, or with none
_DELIVER_MS = 1000  # where the profile says nothing, as for what is published
_MORE_S = 0.03  # behind the last event: for one that comes twice to be seen


@dataclass(slots=True)
class _Log:
    """The log of one try: its witness, and what makes something happen."""

    driver: Driver
    stimulus: Stimulus
    witness: Live
    count: int = 0

    async def happens(self) -> bool:
        """Make something happen, and wait until the witness has it; gives whether it has."""
        looked = len(self.witness.seen)
        told = await self._make()
        self.count += 1
        if not told:
            return False

        def tells(seen: Seen) -> bool:
            return seen.history and seen.kind is not None and matches(seen.kind, told)

        return await self.witness.flows_until(tells, patience_s(self.told_ms), never_s(self.told_ms), looked)

    async def _make(self) -> tuple[str, ...]:
        """Make it happen; gives the types of the events that tell of it, none where it failed."""
        driver, emits = self.driver, self.stimulus["happens"]
        if emits:
            emit = emits[self.count % len(emits)]
            await driver.publish([emit])
            name, value = driver.profile.said(emit)
            return (driver.profile.kind_of(value, name) or "*",)
        deed = await triggers.pull(driver, self.stimulus["trigger"])
        self.witness.about["triggered"] = deed
        return () if "failed" in deed else tuple(driver.profile.field("triggers")[self.stimulus["trigger"]]["told"])

    @property
    def told_ms(self) -> float:
        """Within which time what happens is told."""
        name, profile = self.stimulus.get("trigger"), self.driver.profile
        if name:
            return float(profile.field("triggers")[name]["within_ms"]) * self.driver.setting.scale
        return float(profile.field("readers.deliver_within_ms") or _DELIVER_MS)

    def newest(self) -> Cursor | None:
        """The newest cursor that the witness has."""
        return newest(self.driver.profile, self.witness)

    async def reach(self, readers: Iterable[Live], cursor: Cursor | None) -> None:
        """Wait until each of some readers has the event of a cursor, as long as anything comes."""
        if cursor is None:
            return

        def has(seen: Seen) -> bool:
            own = cursor_at(self.driver.profile, seen, 0)
            return own is not None and own.text == cursor.text

        quiet_s, most_s = patience_s(self.told_ms), never_s(self.told_ms)
        await asyncio.gather(*(one.flows_until(has, quiet_s, most_s) for one in readers))

    async def over(self, readers: Iterable[Live], due_us: int) -> None:
        """Cut the witness and those who came back: up to the newest event of the witness, everything was due."""
        last = self.newest()
        await self.reach(readers, last)
        await pause(_MORE_S)
        for one in (self.witness, *readers):
            one.about["due_us"] = due_us
            if last is not None:
                one.about["until"] = last.text
            await one.cut("it has what was due")


def stimuli(setting: Setting) -> list[Stimulus]:
    """What is published where that can be, else the first trigger that tells of events of the history."""
    if setting.published:
        emits: list[Emit] = setting.plain(setting.main, _HAPPENINGS)
        return [setting.saying("published", [], happens=emits) | {"script": None}]
    history = tuple(setting.profile.history)
    for name in setting.triggers:
        if any(matches(kind.removesuffix("*"), history) for kind in setting.profile.field("triggers")[name]["told"]):
            return [setting.saying(name, [], happens=[], trigger=name) | {"script": None}]
    return []


async def cuts(driver: Driver, stimulus: Stimulus) -> None:
    """Readers leave after different events, and come back from there while more is happening; one reader stays."""
    log = _Log(driver, stimulus, await driver.listen("reader"))
    left = []
    for _ in range(_LEAVERS):
        leaver = await driver.listen("cut")
        if not await log.happens():
            break
        await log.reach([leaver], log.newest())
        await leaver.cut("it leaves")
        left.append(leaver)
    for _ in range(_AWAY):
        await log.happens()
    back, _ = await asyncio.gather(_come_back(driver, left), log.happens())
    due_us = driver.tape.now_us() + int(log.told_ms * 1000)
    await log.happens()
    await log.over(back, due_us)


async def restart(driver: Driver, stimulus: Stimulus) -> None:
    """Kill the candidate when a log has events, live and in a replay; after the restart a reader comes back to them."""
    log, first = _Log(driver, stimulus, await driver.listen("cut")), None
    for _ in range(_STORED):
        await log.happens()
        first = first or log.newest()
    if first is None:
        await log.witness.cut("its events have no cursor")
        return
    replay = await driver.listen("cut", cursor=first)
    await log.reach([replay], log.newest())
    up = await kill(driver, log.witness)
    await replay.cut("the candidate was killed")
    if up:
        again = await driver.listen("resumed", cursor=first)
        await log.reach([again], log.newest())
        await again.cut("it has what was stored")


async def _come_back(driver: Driver, left: list[Live]) -> list[Live]:
    """Each of those who left, from the last event that it has; whose events have no cursor stays away."""
    cursors = [newest(driver.profile, one) for one in left]
    return [await driver.listen("resumed", cursor=cursor) for cursor in cursors if cursor]


def stranger_stimuli(setting: Setting) -> list[Stimulus]:
    """The same, where the profile says what somebody gets who has the cursor of no event."""
    cursor = setting.profile.field("catchup.cursor")
    return stimuli(setting) if {"empty", "absent", "malformed", "unknown"} & cursor.keys() else []


async def strangers(driver: Driver, stimulus: Stimulus) -> None:
    """Readers with wrong cursors, with an empty one, with none and with a right one, between what happens."""
    log = _Log(driver, stimulus, await driver.listen("reader"))
    for _ in range(_BEFORE):
        await log.happens()
    wrong = [wrong_cursor(driver.profile, origin, ()) for origin in WRONG_CURSORS]
    right = log.newest()
    came = [await driver.listen("resumed", cursor=right)] if right else []
    for cursor in filter(None, (empty_cursor(driver.profile), *wrong)):
        role, meant = driver.mode_of(cursor)
        one = await driver.listen(role, meant=meant, cursor=cursor)
        if meant == "stream":
            came.append(one)
        else:
            await one.over(driver.bounds.close_s)
            await one.cut("it should have been refused")
    if driver.profile.field("catchup.cursor.absent"):
        came.append(await driver.listen("newcomer"))
    due_us = driver.tape.now_us() + int(log.told_ms * 1000)
    await log.happens()
    await log.over(came, due_us)
