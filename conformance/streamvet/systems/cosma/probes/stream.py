"""Probes of cosma's stream and of its queue, which can be paused: what needs no watched directory.

They judge nothing.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from streamvet.contract.profile import pointed
from streamvet.probes import scripts
from streamvet.probes.bounds import never_s, patience_s
from streamvet.systems.cosma.words import told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live, Seen

# More than the buffers between a writer and a reader that does not read, which are 4 MiB and 128 KiB on Linux (see
# `crowds`): so a part is still with the server when it is asked to stop. No more than is read in the time that it may
# take for that.
_QUEUED_EVENTS, _QUEUED_BYTES = 96, 64 * 1024
_OLD_ID = "1"  # a Last-Event-ID where the system gives none: an EventSource behind a proxy may have one


async def sees(reader: Live, within_s: float, kinds: Sequence[str], *, behind: int = 0, **data: Any) -> Seen | None:
    """Wait for an event of one of these opcodes with these data, `behind` so many bytes; the reader stays anyway."""

    def wanted(seen: Seen) -> bool:
        return (
            seen.start >= behind
            and seen.kind in kinds
            and all(pointed(seen.value, f"/data/{key}") == data[key] for key in data)
        )

    try:
        async with asyncio.timeout(within_s):
            return await reader.until(wanted, within_s + 1, " or ".join(kinds))
    except TimeoutError:
        return None


def told_s(driver: Driver) -> float:
    """How long to wait for the event of a request, so that its absence says that it never comes."""
    return never_s(float(driver.profile.field("figures.told_within_ms")))


async def switch(driver: Driver, operation: str, reader: Live, *, silent: bool = False) -> None:
    """Pause or resume the queue, and wait until it is told, unless nothing changes."""
    behind = reader.seen[-1].end if reader.seen else 0
    await driver.ask(operation, "trigger")
    if not silent:
        await sees(reader, told_s(driver), [_TOLD[operation]], behind=behind)


_TOLD = {"trigger:pause": "queue_paused", "trigger:resume": "queue_resumed"}


async def running(driver: Driver, reader: Live) -> None:
    """See to it that the queue runs: somebody may have paused it."""
    paused = pointed((await driver.ask("look:queue", "look")).json(), "/manually_paused")
    if paused is not False:
        await switch(driver, "trigger:resume", reader, silent=paused is None)


def saying(setting: Setting, name: str, **more: Any) -> list[Stimulus]:
    """One stimulus that publishes nothing; without control a candidate may take its time to answer."""
    return [{"name": name, "outcome": None, "script": [] if setting.published else None, **more}]


# ------------------------------------------------------------------------------------------------------- the queue


def pausing_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to vary."""
    return saying(setting, "paused twice")


async def pausing(driver: Driver, _stimulus: Stimulus) -> None:
    """Pause the queue, pause it again, resume it."""
    reader = await driver.listen()
    await running(driver, reader)
    try:
        await switch(driver, "trigger:pause", reader)
        await switch(driver, "trigger:pause", reader, silent=True)
    finally:
        await switch(driver, "trigger:resume", reader)
    await reader.cut("the queue was resumed")


def latecomers_stimuli(setting: Setting) -> list[Stimulus]:
    """What is over when the newcomers come."""
    return saying(setting, "after a pause", before=[told("queue_paused")])


async def latecomers(driver: Driver, _stimulus: Stimulus) -> None:
    """Readers join after the queue was paused, one of them with Last-Event-ID; then it is resumed."""
    reader = await driver.listen("cut")
    came: list[Live] = []
    await running(driver, reader)
    try:
        await switch(driver, "trigger:pause", reader)
        await reader.cut("it has what came before")
        came = [await driver.listen("newcomer"), await driver.listen("newcomer", headers=(("Last-Event-ID", _OLD_ID),))]
    finally:
        await driver.ask("trigger:resume", "trigger")
    await driver.have_all(came, [told("queue_resumed")])


def unknown_item_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to vary."""
    return saying(setting, "nobody's item")


async def unknown_item(driver: Driver, _stimulus: Stimulus) -> None:
    """Request the removal of an item and of a watch that do not exist; then pause and resume.

    So that what it brings has come.
    """
    reader, item, job = await driver.listen(), _nobody(driver), _nobody(driver)
    await driver.ask("trigger:remove-item", "trigger-refused", meant="refusal", values={"item": item}, subject=item)
    await driver.ask("trigger:unwatch", "trigger-refused", meant="refusal", values={"job": job}, subject=job)
    await running(driver, reader)
    try:
        await switch(driver, "trigger:pause", reader)
    finally:
        await switch(driver, "trigger:resume", reader)
    await reader.cut("the queue was resumed")


def _nobody(driver: Driver) -> str:
    """An id that nothing has."""
    return str(uuid.UUID(int=driver.random.getrandbits(128), version=4))


# ------------------------------------------------------------------------------------------- where the stream is


def head_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to vary."""
    return saying(setting, "nothing happens")


async def head(driver: Driver, _stimulus: Stimulus) -> None:
    """A reader joins an idle stream and waits for the head. Where none comes in time the reader leaves."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s(float(driver.profile.field("figures.head_within_ms")))):
            await (await driver.listen()).cut("the head tells")


def path_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to vary."""
    return saying(setting, "the other path")


async def path(driver: Driver, _stimulus: Stimulus) -> None:
    """A reader asks for the stream under its path with a slash at the end, or without; it follows one redirect."""
    given = driver.profile.operations["attach"].path
    other = given.removesuffix("/") if given.endswith("/") else f"{given}/"
    live = await driver.listen("late", meant="either", path=other)
    place = live.head_now.get("location") if live.head_now and 300 <= live.head_now.status < 400 else ""
    base = driver.setting.target.base_url
    target = urljoin(base + other, place)
    if place and target.startswith(f"{base}/"):
        live = await driver.listen("late", meant="either", path=target.removeprefix(base), redirected=True)
    await live.cut("the head tells")


# --------------------------------------------------------------------------------------------------------- its end


def stop_stimuli(setting: Setting) -> list[Stimulus]:
    """With control more than any buffer holds is published just before."""
    emits: list[scripts.Emit] = []
    if setting.published and setting.words:
        text = "0123456789abcdef" * (_QUEUED_BYTES // 16)
        emits = scripts.carrying(setting.profile, setting.main, setting.words, [text] * _QUEUED_EVENTS)
    made = saying(setting, "asked to stop")
    return [one | {"script": scripts.spread(emits, 0, setting.scale)} for one in made] if emits else made


async def stop(driver: Driver, stimulus: Stimulus) -> None:
    """Stop the candidate under three readers: one idle, one with much to read, one that has just joined.

    Once it is known to be stopping somebody else asks for the stream. Then it is started again.
    """
    idle, busy = await driver.listen(), await driver.listen("stalled", stalls=True)
    busy.hold()
    await driver.perform(stimulus["script"] or ())
    fresh = await driver.listen("newcomer")
    driver.candidate.ask_to_stop()
    busy.go_on()
    limit_s = driver.bounds.close_s
    if await driver.terminal(fresh, limit_s):
        late = await driver.listen("intruder", meant="refusal")
        await late.cut("the head tells")
    over = await asyncio.gather(*(driver.terminal(one, limit_s) for one in (fresh, idle, busy)))
    ending = [one for one, told in zip((fresh, idle, busy), over, strict=True) if told]
    await asyncio.gather(*(one.ended(limit_s) for one in ending))
    await driver.candidate.restart_after_kill()
