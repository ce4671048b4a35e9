"""Performs the planned tries, and repeats those for which the harness was too late.

Must not know in which order they come.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.campaign.lateness import is_late, late_us
from streamvet.campaign.performing import record
from streamvet.campaign.turns import undisturbed
from streamvet.probes.probe import Ambient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet.campaign.planning import Try
    from streamvet.campaign.state import State
    from streamvet.trace import Trace

_REPEATS = 2
_UNWELCOME = frozenset({401, 403})


async def perform(state: State, one: Try) -> None:
    """One try; where the harness was too late for a verdict it is put off to the end of the campaign."""
    if not state.left_s:
        state.untried(one)
        return
    by_us, trace, is_cut = await _tried(state, one)
    if is_cut:
        state.untried(one)
        _done(state, trace)
    elif is_late(state.setting, one, by_us):
        state.late.append((one, by_us, trace))
    else:
        _done(state, trace)


async def repeat_late(state: State) -> None:
    """What the harness was late for once more, at most twice, when no campaign does anything else.

    What made the suite late is most often the suite itself. What publishes on an ambient stream, and what runs alone,
    comes before the rest, one after the other.
    """
    if not state.late:
        return
    await state.calm.wait()
    apart = [row for row in state.late if row[0].alone or row[0].probe.on_ambient(state.setting) is Ambient.PUBLISHES]
    for row in apart:
        await _repeat(state, *row)
    async with asyncio.TaskGroup() as group:
        for row in state.late:
            if row not in apart:
                group.create_task(_repeat(state, *row))


async def _repeat(state: State, one: Try, by_us: int, trace: Trace) -> None:
    """The performance for which the harness was least late counts."""
    for _ in range(_REPEATS):
        if one.wait_s >= state.left_s:
            break
        state.summary.repeated += 1
        again_us, again, is_cut = await _tried(state, one)
        if again_us < by_us and not is_cut:
            by_us, trace = again_us, again
        if not is_late(state.setting, one, by_us):
            break
    _done(state, trace)


async def _tried(state: State, one: Try) -> tuple[int, Trace, bool]:
    """How late the harness was where it waited in one performance, its trace, and whether the deadline cut it short."""
    with state.under_way(one) as row:
        state.report()
        async with undisturbed(state, one):
            trace = await record(state, row)
    return late_us(trace), trace, row.is_cut


def _done(state: State, trace: Trace) -> None:
    state.summary.tries += 1
    state.summary.welcome.update(_welcome(trace))
    state.on_trace(trace)
    state.report()


def _welcome(trace: Trace) -> Iterator[bool]:
    """For each request of the first account that was to be answered, whether it was let in."""
    for one in trace.exchanges:
        if one.about.get("account") == "primary" and one.about.get("meant") in {"stream", "answer"} and one.head:
            yield one.head.status not in _UNWELCOME
