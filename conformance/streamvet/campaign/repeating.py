"""Performs the planned tries; repeats those for which the harness was late, or in which something was over its time.

Must not know in which order they come, nor what is judged.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

from streamvet.attempts import MOST
from streamvet.campaign.lateness import is_late, late_us
from streamvet.campaign.performing import record
from streamvet.campaign.state import Performed
from streamvet.campaign.turns import undisturbed
from streamvet.probes.probe import Ambient
from streamvet.trace import Attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from streamvet.campaign.planning import Try
    from streamvet.campaign.state import State
    from streamvet.trace import Trace

    # The numbers of the tries that are to be performed again, by what has been handed out so far.
    Doubtful = Callable[[], Awaitable[Sequence[int]]]

_REPEATS = 2
# Of a trace that waits for a repeat. A larger one is of a flood: that is what made the suite late, and would again.
_KEPT_BYTES = 16 * 1024 * 1024
_UNWELCOME = frozenset({401, 403})


async def perform(state: State, one: Try) -> None:
    """One try; where the harness was too late for a verdict it is put off to the end of the campaign."""
    if not state.left_s:
        state.untried(one)
        return
    by_us, trace, is_cut = await _tried(state, one)
    if is_cut:
        state.untried(one)
        _done(state, one, trace)
    elif is_late(state.setting, one, by_us) and sum(len(x.body) for x in trace.exchanges) <= _KEPT_BYTES:
        state.late.append((one, by_us, trace))
    else:
        _done(state, one, trace)


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
    attempts = 1
    for _ in range(_REPEATS):
        if one.wait_s >= state.left_s:
            break
        attempts += 1
        state.summary.repeated += 1
        again_us, again, is_cut = await _tried(state, one)
        if again_us < by_us and not is_cut:
            by_us, trace = again_us, again
        if not is_late(state.setting, one, by_us):
            break
    _done(state, one, trace, attempts)


async def nobody_doubts() -> Sequence[int]:
    """Where nobody asks what was found before the campaign is over."""
    return ()


async def repeat_doubtful(state: State, doubtful: Doubtful) -> None:
    """What seems to be over its time once more, alone, until that is certain: the machine may have been slow."""
    try:
        async with asyncio.timeout(state.left_s):
            while (number := _first_to_repeat(state, await doubtful())) is not None:
                await state.calm.wait()
                done = state.performed[number]
                done.attempts += 1
                state.summary.retried += 1
                _, trace, is_cut = await _tried(state, done.one)
                if not is_cut:
                    state.on_trace(dataclasses.replace(trace, attempt=Attempt(number, done.attempts)))
                del trace  # of a flood there is no place for two
                state.report()
    except TimeoutError:  # what is not certain by the deadline counts as it was seen
        return


def _first_to_repeat(state: State, numbers: Sequence[int]) -> int | None:
    """The first of these tries that may be performed once more, and has the time for it."""
    may = (one for one in numbers if state.performed[one].attempts < MOST)
    return next((one for one in may if state.performed[one].one.wait_s < state.left_s), None)


async def _tried(state: State, one: Try) -> tuple[int, Trace, bool]:
    """How late the harness was where it waited in one performance, its trace, and whether the deadline cut it short."""
    async with state.working(one):
        with state.under_way(one) as row:
            state.report()
            async with undisturbed(state, one):
                trace = await record(state, row)
    return late_us(trace), trace, row.is_cut


def _done(state: State, one: Try, trace: Trace, attempts: int = 1) -> None:
    """Take the trace of a try that was performed so often."""
    state.summary.tries += 1
    state.summary.welcome.update(_welcome(trace))
    number = len(state.performed)
    state.performed.append(Performed(one, attempts))
    state.on_trace(dataclasses.replace(trace, attempt=Attempt(number, 1)))
    state.report()


def _welcome(trace: Trace) -> Iterator[bool]:
    """For each request of the first account that was to be answered, whether it was let in."""
    for one in trace.exchanges:
        if one.about.get("account") == "primary" and one.about.get("meant") in {"stream", "answer"} and one.head:
            yield one.head.status not in _UNWELCOME
