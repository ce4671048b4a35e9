"""Lets somebody explore within a campaign: the generated tries, which run when nothing is in their way.

Must not know who makes the stimuli, nor what is looked for.
"""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING

from streamvet.campaign.performing import is_over, record
from streamvet.campaign.planning import Try
from streamvet.campaign.turns import turn
from streamvet.campaign.workshop import Workshop
from streamvet.recorder import now_us

if TYPE_CHECKING:
    from streamvet.campaign.planning import Plan
    from streamvet.campaign.state import State
    from streamvet.campaign.workshop import Explore
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

# Of the runs that a candidate may be asked for: most are for the pinned tries, also of the next time.
_GENERATED_SHARE = 5


async def run_explorer(state: State, explorer: Explore | None, plan: Plan) -> None:
    """Let somebody explore, once only waits are left that this does not disturb."""
    if explorer is None:
        return
    await state.short_over.wait()
    async with turn(state):
        pass
    most, left = state.setting.target.max_starts, plan.starts_left
    starts = None if most is None or left is None else min(left, most // _GENERATED_SHARE)
    longest_s = max((one.wait_s for one in plan.all), default=0.0)
    shop = Workshop(
        state.setting, state.system.program, state.system.generation, state.begun_us, longest_s, state.at_once, starts,
        clock_us=lambda: now_us() - state.queue.waited_us(),
        perform=partial(_perform, state),
        hand_out=state.on_trace,
        is_over=partial(is_over, state),
        afresh=partial(_afresh, state),
    )  # fmt: skip
    try:
        await explorer(shop)
    except Exception:  # noqa: BLE001 - as for a probe: our own mistake is reported
        state.summary.errors.append(f"exploring\n{traceback.format_exc(limit=-4)}")


async def _perform(state: State, stimulus: Stimulus) -> Trace:
    """One try of a stimulus that was not planned, when nothing is in its way; whether its trace counts is open."""
    program = state.system.program
    holds = program.holds(stimulus) if program.holds else program.streams(state.setting)
    connections = min(holds, state.setting.target.max_concurrency)
    one = Try(program, stimulus, connections, program.wait_ms(state.setting, stimulus) / 1000)
    async with (
        state.generated.taken(state.at_once if one.alone else 1),
        turn(state, alone=one.alone),
        state.connections.taken(connections),
        state.working(one),
    ):
        try:
            with state.under_way(one) as row:
                return await record(state, row)
        finally:
            state.summary.generated += 1
            state.report()


async def _afresh(state: State) -> bool:
    """Start a launched candidate anew when nothing else is tried, so that nothing is left of other tries."""
    if state.candidate.process is None:
        return False
    async with state.generated.taken(state.at_once), turn(state, alone=True):
        return await state.candidate.restart_after_kill()
