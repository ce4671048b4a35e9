"""Who waits for whom: generated tries have a turn, and planned ones that they would disturb shut them out.

Must not know how a try is performed.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from streamvet.campaign.lateness import tolerated_us
from streamvet.probes.probe import Ambient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamvet.campaign.planning import Try
    from streamvet.campaign.state import State

# Generated tries make the loop late by some hundredths of a second: a wait that tolerates less has none beside it.
_DISTURBS_US = 250_000


@contextlib.asynccontextmanager
async def turn(state: State, *, alone: bool = False) -> AsyncIterator[None]:
    """The turn of what is generated; of what nothing else may see, when everything that is planned is over."""
    async with contextlib.AsyncExitStack() as held:
        with state.queue.waiting():
            if alone:
                await state.planned_over.wait()
            await held.enter_async_context(state.exploring.passed())
            await held.enter_async_context(state.calm.bustle.passed())
        yield


@contextlib.asynccontextmanager
async def undisturbed(state: State, one: Try) -> AsyncIterator[None]:
    """Nothing generated where everybody reads the same, nor beside a wait that it would make late."""
    async with contextlib.AsyncExitStack() as held:
        ambient = state.setting.profile.streams == "ambient"
        shared = one.probe.on_ambient(state.setting) is not Ambient.INDIFFERENT
        if shared or (ambient and one.probe.undisturbed):
            await held.enter_async_context(state.exploring.shut())
        if one.wait_s and tolerated_us(state.setting, one) < _DISTURBS_US:
            await held.enter_async_context(state.calm.bustle.shut())
        yield
