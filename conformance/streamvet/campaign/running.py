"""Runs the planned tries on one event loop and hands out a trace for each.

What has to wait starts first and runs beside everything else, so that a campaign takes as long as its longest wait and
a little. Tries that disturb the candidate come last, one by one. Must not know checks.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import TYPE_CHECKING

from streamvet.campaign.calm import Calm
from streamvet.campaign.exploring import run_explorer
from streamvet.campaign.planning import plan_cases, plan_tries
from streamvet.campaign.reaching import Unreachable, describe, make_ready, reach
from streamvet.campaign.repeating import nobody_doubts, perform, repeat_doubtful, repeat_late
from streamvet.campaign.slots import Slots
from streamvet.campaign.state import State
from streamvet.campaign.terms import Progress, Settings, Summary, deadline_s
from streamvet.contract.registry import load_registry
from streamvet.probes.candidate import Candidate
from streamvet.probes.scripts import spoken
from streamvet.probes.setting import Setting
from streamvet.recorder import Recorder, Secrets, now_us
from streamvet.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from streamvet.campaign.planning import Plan, Try
    from streamvet.campaign.repeating import Doubtful
    from streamvet.campaign.workshop import Explore
    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target
    from streamvet.probes.probe import Probe
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace

# Tries without a mandated wait that run at once. More of them keep the loop busy, and with it the timers late by which
# heartbeats are judged: measured with the reference server on two cores, 5 keep the jitter under 25 ms and 8 do not.
# What runs for longer than a second waits for a deadline, mostly, and no longer counts.
_QUICK_AT_ONCE, _QUICK_S = 5, 1.0
# Of the time until the deadline, for a run of which nobody knows how long it takes: what never ends is waited for once,
# and the rest of the time is for what else there is to try.
_RUN_SHARE = 0.5
_COLLECTING = gc.get_threshold()  # as it is outside of campaigns, of which several may run at once


async def campaign(
    target: Target,
    profile: Profile,
    settings: Settings,
    on_trace: Callable[[Trace], None],
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    *,
    cases: Sequence[tuple[str, Stimulus]] | None = None,
    calm: Calm | None = None,
    explore: Explore | None = None,
    doubtful: Doubtful = nobody_doubts,
) -> Summary:
    """Try everything that can be tried on a candidate. Traces are handed out as their tries end.

    With `cases`, pairs of a probe's name and a stimulus, as traces have them, only these are tried. `calm` is shared by
    campaigns that run beside each other. `explore` is called once only waits are left that it does not disturb; the
    campaign ends when it has returned. `doubtful` is asked at the end which tries are to be performed again, by the
    numbers that their traces have in `attempt`, as often as it names some.

    Raises:
        KeyError: where a case names no probe.
        Unreachable: where nothing answers within `settings.wait_s`.
        FileError: where the control interface is not there, or is of another profile or time scale.
    """
    begun_us, seed = now_us(), settings.seed if target.control else None
    scale = target.time_scale if settings.time_scale is None else settings.time_scale
    until_us = (
        begun_us + int(deadline_s(profile, scale, target.max_active_runs, seed) * 1e6)
        if settings.until_us is None
        else settings.until_us
    )
    summary = Summary(mandated_wait_s=profile.mandated_wait_s(scale, target.max_active_runs, seed))
    with _settled():
        async with Recorder(profile, Secrets(), route=target.route) as recorder:
            candidate = Candidate(target, profile, scale, recorder)
            calm = calm or Calm()
            try:
                can = summary.can = await _reached(candidate, scale, settings.wait_s, until_us)
                system = system_of(profile)
                words = system.words or spoken(profile)
                run_s = _RUN_SHARE * (until_us - now_us()) / 1e6
                setting = Setting(profile, target, scale, can, words, settings.seed, settings.effort, run_s)
                if cases is None:
                    plan = plan_tries(_wanted(system.probes, settings), setting, settings.max_wait_s)
                else:
                    plan = plan_cases(system.probes, setting, cases)
                summary.skipped = plan.skipped
                state = State(candidate, setting, system, recorder, summary, on_trace, on_progress, calm)
                state.begun_us, state.until_us = begun_us, until_us
                await _run(state, plan, explore, doubtful)
            finally:
                summary.never = candidate.endings.never
                calm.waits(candidate)  # also where it never came to its tries
                if candidate.process:
                    await candidate.process.stop()
                    summary.deaths = list(candidate.process.deaths)
            summary.errors += [f"{type(error).__name__}: {error}" for error in recorder.errors]
    summary.duration_s = (now_us() - begun_us) / 1e6
    return summary


async def _reached(candidate: Candidate, scale: float, wait_s: float, until_us: int) -> frozenset[str]:
    """Reach the candidate, before the deadline; gives what its control interface can."""
    try:
        async with asyncio.timeout(max((until_us - now_us()) / 1e6, 0.0)):
            await reach(candidate, wait_s)
            can = await describe(candidate, scale)
            await make_ready(candidate)
            return can
    except TimeoutError:
        looked = candidate.last_look or "not looked at yet"
        raise Unreachable(f"{candidate.target.base_url}: not up within the deadline: {looked}") from None


def _wanted(probes: Iterable[Probe], settings: Settings) -> list[Probe]:
    """The probes whose tries are asked for. What they show of other requirements is judged too."""
    if settings.probes is not None:
        return [one for one in probes if one.name in settings.probes]
    return [one for one in probes if settings.only is None or any(name in settings.only for name in one.serves)]


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """Do beforehand what would make the loop late, and leave for afterwards what can wait."""
    load_registry()
    gc.collect()
    gc.freeze()
    # A collection of all that a campaign has recorded takes 50 ms, half of the least tolerance. Young objects are still
    # collected; recorded exchanges have no cycles.
    gc.set_threshold(*_COLLECTING[:2], 1_000_000)
    try:
        yield
    finally:
        gc.set_threshold(*_COLLECTING)
        gc.unfreeze()


async def _run(state: State, plan: Plan, explorer: Explore | None, doubtful: Doubtful) -> None:
    """All tries of a plan; and what somebody wants to explore beside the waits, and behind what runs alone."""
    ticker = asyncio.create_task(state.tick())
    exploring = asyncio.create_task(run_explorer(state, explorer, plan))
    try:
        await _beside_each_other(state, plan)
        async with state.exploring.shut():
            for one in plan.alone:
                await perform(state, one)
        state.planned_over.set()
        done, _ = await asyncio.wait({exploring}, timeout=state.left_s)
        for over in done:
            over.result()
        state.calm.waits(state.candidate)
        await repeat_late(state)
        await repeat_doubtful(state, doubtful)
    finally:
        ticker.cancel()
        exploring.cancel()
        await asyncio.wait({exploring})


async def _beside_each_other(state: State, plan: Plan) -> None:
    """All tries that do not run alone."""
    state.total = len(plan.all)
    quick = Slots(_QUICK_AT_ONCE)

    async def connected(one: Try) -> None:
        async with state.connections.taken(one.connections):
            await perform(state, one)

    async def short(one: Try, group: asyncio.TaskGroup) -> None:
        async with quick.taken(1):
            await asyncio.wait({group.create_task(connected(one))}, timeout=_QUICK_S)

    async def all_short() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for one in plan.together:
                    if not one.wait_s:
                        group.create_task(short(one, group))
        finally:
            state.short_over.set()

    async def ambient() -> None:
        """What publishes, one after the other; then all that need silence for it."""
        try:
            for one in plan.publishing:
                await connected(one)
        finally:
            state.candidate.silence.set()
        async with asyncio.TaskGroup() as group:
            for one in plan.silent:
                group.create_task(connected(one))

    async with asyncio.TaskGroup() as group:
        for one in plan.together:
            if one.wait_s:
                group.create_task(connected(one))
        group.create_task(ambient())
        group.create_task(all_short())
