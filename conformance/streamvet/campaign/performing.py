"""Performs one try and gives its trace, whatever the candidate does; starts a candidate again that has ended.

Must not know why a try is performed, nor what runs beside it.
"""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING

from streamvet.contract.registry import load_registry
from streamvet.probes.driver import Driver
from streamvet.recorder import Tape
from streamvet.trace import Ending, Trace

if TYPE_CHECKING:
    from streamvet.campaign.planning import Try
    from streamvet.campaign.state import State, UnderWay

# A try whose probe hangs is a mistake of ours; it is cut after its wait and so much more than its run may take.
_TRY_RUNS = 8
_MOST_DEATHS = 100  # of a launched candidate: so often it is started again


async def record(state: State, row: UnderWay) -> Trace:
    """Perform a try under a deadline, its own and that of all; whatever was recorded by then is its trace."""
    one = row.one
    tape = row.tape = Tape(state.recorder)
    driver = Driver(state.candidate, state.setting, tape, one.stimulus)
    whole = asyncio.timeout(state.left_s)
    try:
        async with whole:
            is_there = await _is_there(state, one)
            async with asyncio.timeout(one.wait_s + _TRY_RUNS * driver.bounds.whole_s):
                if is_there and await _logged_in(state, one, tape):
                    await one.probe.act(driver, one.stimulus)
    except TimeoutError:
        row.is_cut = whole.expired()
        over = (Ending.CUT, "the deadline is over") if row.is_cut else (Ending.TIMED_OUT, "the try took too long")
        await tape.close(*over)
    except Exception as error:  # noqa: BLE001 - our own mistake must not take the other tries with it; it is reported
        state.summary.errors.append(f"{one.name}\n{traceback.format_exc(limit=-4)}")
        reason = f"not tried to the end: an error of the suite itself, {type(error).__name__}, in {one.name}"
        state.summary.skipped += [(requirement, reason) for requirement in one.probe.serves]
    await tape.close()
    return await _trace(state, one, tape)


async def _logged_in(state: State, one: Try, tape: Tape) -> bool:
    """Whether there are credentials where some are needed; a failed login is noted as the reason."""
    for account in ("primary", *one.probe.accounts):
        if state.candidate.given(account) and not await state.candidate.credential(account, tape):
            reason = f"not tried: the login as the {account} account fails"
            state.summary.skipped += [(requirement, reason) for requirement in one.probe.serves]
    return not state.candidate.given("primary") or bool(await state.candidate.credential("primary", tape))


async def _trace(state: State, one: Try, tape: Tape) -> Trace:
    profile, target = state.setting.profile, state.setting.target
    accounts = {
        role: "token" if "token" in given else "cookie" if "cookie" in given else "login"
        for role in ("primary", "other", "expired")
        if (given := state.candidate.given(role))
    }
    return Trace(
        probe=one.probe.name, stimulus=one.stimulus, exchanges=await tape.exchanges(), profile=profile.name,
        digest=profile.digest, revision=load_registry().revision, time_scale=state.setting.scale,
        wall_clock=tape.wall_clock_s, lacks=target.lacks, accounts=accounts, late=tape.late(),
        spec=target.spec, answers=profile.answers,
    )  # fmt: skip


async def _is_there(state: State, one: Try) -> bool:
    """Start a launched candidate again that has ended by itself: else all that follows would tell of that alone.

    One that was killed and is slow in coming up again is waited for once more. Where that is in vain, too, nothing can
    be tried: how long a process takes to start is no matter of its streams.
    """
    process = state.candidate.process
    async with state.reviving:
        if process and process.has_ended and len(process.deaths) < _MOST_DEATHS:
            await state.candidate.restart_after_kill()
        if process is None or await state.candidate.is_up() or process.has_ended:
            return True
    reason = "not tried: the candidate was killed, and did not answer again within the time in launch"
    state.summary.skipped += [(requirement, reason) for requirement in one.probe.serves]
    return False


def is_over(state: State) -> bool:
    """Whether the candidate can no longer be tried: it will not live, or lets nobody in, or the deadline is over."""
    process = state.candidate.process
    return (
        not state.left_s or state.candidate.is_closed or (process is not None and len(process.deaths) >= _MOST_DEATHS)
    )
