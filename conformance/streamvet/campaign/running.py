"""Runs the planned tries on one event loop and hands out a trace for each.

What has to wait starts first and runs beside everything else, so that a campaign takes as long as its longest wait and
a little. Tries that disturb the candidate come last, one by one. Must not know checks.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamvet.campaign.calm import Calm
from streamvet.campaign.planning import Plan, Try, plan_cases, plan_tries
from streamvet.campaign.reaching import describe, reach
from streamvet.campaign.slots import Gate, Queue, Slots
from streamvet.campaign.terms import Progress, Running, Settings, Summary
from streamvet.campaign.workshop import Workshop
from streamvet.contract.registry import load_registry
from streamvet.probes.candidate import Candidate
from streamvet.probes.driver import Driver
from streamvet.probes.probe import Ambient
from streamvet.probes.scripts import spoken
from streamvet.probes.setting import Setting
from streamvet.recorder import Recorder, Secrets, Tape, now_us, pause
from streamvet.systems import system_of
from streamvet.trace import Ending, Trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from streamvet.campaign.workshop import Explore
    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target
    from streamvet.probes.setting import Stimulus
    from streamvet.system import System

# Tries without a mandated wait that run at once. More of them keep the loop busy, and with it the timers late by which
# heartbeats are judged: measured with the reference server on two cores, 5 keep the jitter under 25 ms and 8 do not.
# What runs for longer than a second waits for a deadline, mostly, and no longer counts.
_QUICK_AT_ONCE, _QUICK_S = 5, 1.0
_JITTER_SHARE = 0.25  # above this part of the tolerance a wait is not judged, so it is repeated
_REPEATS = 2
_WAITED = frozenset({"watch", "record-detached"})  # the roles in which lateness makes a wait worthless
# A try whose probe hangs is a mistake of ours; it is cut after its wait and so much more than its run may take.
_TRY_RUNS = 8
_COLLECTING = gc.get_threshold()  # as it is outside of campaigns, of which several may run at once
# Generated tries that run at once, beside waits: they are as quick tries are. What is published everybody reads, so on
# an ambient stream there is one.
_GENERATED_AT_ONCE = {"run": 4, "push": 4, "ambient": 1}
# They make the loop late by some hundredths of a second: a wait that bears less than this has none beside it.
_DISTURBS_US = 250_000
# Of the runs that a candidate may be asked for: most are for the pinned tries, also of the next time.
_GENERATED_SHARE = 5
_MOST_DEATHS = 100  # of a launched candidate: so often it is started again
_UNWELCOME = frozenset({401, 403})
_TICK_S = 1.0  # between two reports of progress while nothing happens


@dataclass(slots=True)
class _Campaign:
    """The state of one campaign."""

    candidate: Candidate
    setting: Setting
    system: System
    recorder: Recorder
    summary: Summary
    on_trace: Callable[[Trace], None]
    on_progress: Callable[[Progress], None]
    calm: Calm
    total: int = 0
    begun: dict[str, tuple[Try, int]] = field(default_factory=dict)
    late: list[tuple[Try, int, Trace]] = field(default_factory=list)  # to be repeated
    short_over: asyncio.Event = field(default_factory=asyncio.Event)
    planned_over: asyncio.Event = field(default_factory=asyncio.Event)
    connections: Slots = field(init=False)
    at_once: int = field(init=False)  # generated tries
    generated: Slots = field(init=False)  # places for them
    exploring: Gate = field(default_factory=Gate)
    reviving: asyncio.Lock = field(default_factory=asyncio.Lock)
    queue: Queue = field(default_factory=Queue)  # of what is generated, before its turn
    begun_us: int = field(default_factory=now_us)

    def __post_init__(self) -> None:
        self.connections = Slots(self.setting.target.max_concurrency)
        self.at_once = _GENERATED_AT_ONCE[self.setting.profile.streams]
        self.generated = Slots(self.at_once)

    async def run(self, plan: Plan, explore: Explore | None = None) -> None:
        """All tries of a plan; and what somebody wants to explore beside the waits, and behind what runs alone."""
        ticker = asyncio.create_task(self._tick())
        explorer = asyncio.create_task(self._explore(explore, plan))
        try:
            await self._run(plan)
            async with self.exploring.shut():
                for one in plan.alone:
                    await self.perform(one)
            self.planned_over.set()
            await explorer
            self.calm.waits(self.candidate)
            await self.repeat_late()
        finally:
            ticker.cancel()
            explorer.cancel()
            await asyncio.wait({explorer})

    async def _run(self, plan: Plan) -> None:
        """All tries that do not run alone."""
        self.total = len(plan.all)
        quick = Slots(_QUICK_AT_ONCE)

        async def connected(one: Try) -> None:
            async with self.connections.taken(one.connections):
                await self.perform(one)

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
                self.short_over.set()

        async def ambient() -> None:
            """What publishes, one after the other; then all that need silence for it."""
            try:
                for one in plan.publishing:
                    await connected(one)
            finally:
                self.candidate.silence.set()
            async with asyncio.TaskGroup() as group:
                for one in plan.silent:
                    group.create_task(connected(one))

        async with asyncio.TaskGroup() as group:
            for one in plan.together:
                if one.wait_s:
                    group.create_task(connected(one))
            group.create_task(ambient())
            group.create_task(all_short())

    async def _explore(self, explore: Explore | None, plan: Plan) -> None:
        """Let somebody explore, once only waits are left that this does not disturb."""
        if explore is None:
            return
        await self.short_over.wait()
        async with self._turn():
            pass
        most, left = self.setting.target.max_starts, plan.starts_left
        starts = None if most is None or left is None else min(left, most // _GENERATED_SHARE)
        longest_s = max((one.wait_s for one in plan.all), default=0.0)
        shop = Workshop(
            self.setting, self.system.program, self.system.generation, self.begun_us, longest_s, self.at_once, starts,
            self._clock_us, self.perform_generated, self.on_trace, self._is_over, self.afresh,
        )  # fmt: skip
        try:
            await explore(shop)
        except Exception:  # noqa: BLE001 - as for a probe: our own mistake is reported
            self.summary.errors.append(f"exploring\n{traceback.format_exc(limit=-4)}")

    async def perform_generated(self, stimulus: Stimulus) -> Trace:
        """One try of a stimulus that was not planned, when nothing is in its way; whether its trace counts is open."""
        program = self.system.program
        holds = program.holds(stimulus) if program.holds else program.streams(self.setting)
        connections = min(holds, self.setting.target.max_concurrency)
        one = Try(program, stimulus, connections, program.wait_ms(self.setting, stimulus) / 1000)
        async with (
            self.generated.taken(self.at_once if one.alone else 1),
            self._turn(alone=one.alone),
            self.connections.taken(connections),
        ):
            key = f"{one.name} {id(one)}"
            self.begun[key] = (one, now_us())
            try:
                return await self._record(one)
            finally:
                del self.begun[key]
                self.summary.generated += 1
                self._report()

    async def afresh(self) -> bool:
        """Start a launched candidate anew when nothing else is tried, so that nothing is left of other tries."""
        if self.candidate.process is None:
            return False
        async with self.generated.taken(self.at_once), self._turn(alone=True):
            return await self.candidate.restart_after_kill()

    async def _revive(self) -> None:
        """Start a launched candidate again that has ended by itself: else all that follows would tell of that alone."""
        process = self.candidate.process
        async with self.reviving:
            if process and process.has_ended and len(self.summary.deaths) < _MOST_DEATHS:
                self.summary.deaths.append(process.said())
                await self.candidate.restart_after_kill()

    def _is_over(self) -> bool:
        return self.candidate.is_closed or len(self.summary.deaths) >= _MOST_DEATHS

    def _clock_us(self) -> int:
        return now_us() - self.queue.waited_us()

    @contextlib.asynccontextmanager
    async def _turn(self, *, alone: bool = False) -> AsyncIterator[None]:
        """The turn of what is generated; of what nothing else may see, when everything that is planned is over."""
        async with contextlib.AsyncExitStack() as held:
            with self.queue.waiting():
                if alone:
                    await self.planned_over.wait()
                await held.enter_async_context(self.exploring.passed())
                await held.enter_async_context(self.calm.bustle.passed())
            yield

    @contextlib.asynccontextmanager
    async def _undisturbed(self, one: Try) -> AsyncIterator[None]:
        """Nothing generated where everybody reads the same, nor beside a wait that it would make late."""
        async with contextlib.AsyncExitStack() as held:
            ambient = self.setting.profile.streams == "ambient"
            shared = one.probe.on_ambient(self.setting) is not Ambient.INDIFFERENT
            if shared or (ambient and one.probe.undisturbed):
                await held.enter_async_context(self.exploring.shut())
            if one.wait_s and self._tolerates_late_us(one) < _DISTURBS_US:
                await held.enter_async_context(self.calm.bustle.shut())
            yield

    async def perform(self, one: Try) -> None:
        """One try; where the harness was too late for a verdict it is put off to the end of the campaign."""
        late_us, trace = await self._tried(one)
        if self._is_late(one, late_us):
            self.late.append((one, late_us, trace))
        else:
            self._done(trace)

    async def _tried(self, one: Try) -> tuple[int, Trace]:
        """The trace of one performance, and how late the harness was where it waited."""
        key = f"{one.name} {id(one)}"
        self.begun[key] = (one, now_us())
        self._report()
        async with self._undisturbed(one):
            trace = await self._record(one)
        del self.begun[key]
        waited = [x.id for x in trace.exchanges if x.role in _WAITED or "observe_us" in x.about]
        return max((trace.jitter_us.get(one_id, 0) for one_id in waited), default=0), trace

    def _is_late(self, one: Try, late_us: int) -> bool:
        return bool(one.wait_s) and late_us > self._tolerates_late_us(one)

    def _done(self, trace: Trace) -> None:
        self.summary.tries += 1
        self.summary.welcome.update(_welcome(trace))
        self.on_trace(trace)
        self._report()

    async def repeat_late(self) -> None:
        """What the harness was late for once more, at most twice, when no campaign does anything else.

        What made the suite late is most often the suite itself. What publishes on an ambient stream, and what runs
        alone, comes before the rest, one after the other.
        """
        if not self.late:
            return
        await self.calm.wait()
        apart = [row for row in self.late if row[0].alone or row[0].probe.on_ambient(self.setting) is Ambient.PUBLISHES]
        for row in apart:
            await self._repeat(*row)
        async with asyncio.TaskGroup() as group:
            for row in self.late:
                if row not in apart:
                    group.create_task(self._repeat(*row))

    async def _repeat(self, one: Try, late_us: int, trace: Trace) -> None:
        """The performance for which the harness was least late counts."""
        for _ in range(_REPEATS):
            self.summary.repeated += 1
            again_us, again = await self._tried(one)
            if again_us < late_us:
                late_us, trace = again_us, again
            if not self._is_late(one, late_us):
                break
        self._done(trace)

    def _tolerates_late_us(self, one: Try) -> float:
        """How late the harness may be where a try waits."""
        if one.probe.tolerates_late_ms:
            return one.probe.tolerates_late_ms(self.setting, one.stimulus) * 1000
        profile, scale = self.setting.profile, self.setting.scale
        tolerances = [profile.heartbeat.tolerance_ms] if profile.heartbeat else []
        detached = profile.field("catchup.detached")
        tolerances += [detached["tolerance_ms"]] if detached else []
        return _JITTER_SHARE * profile.tolerance_us(min(tolerances, default=0), scale)

    async def _record(self, one: Try) -> Trace:
        """Perform a try under a deadline; whatever was recorded by then is its trace."""
        await self._revive()
        tape = Tape(self.recorder)
        driver = Driver(self.candidate, self.setting, tape, one.stimulus)
        try:
            async with asyncio.timeout(one.wait_s + _TRY_RUNS * driver.bounds.whole_s):
                if await self._logged_in(one, tape):
                    await one.probe.act(driver, one.stimulus)
        except TimeoutError:
            await tape.close(Ending.TIMED_OUT, "the try took too long")
        except Exception:  # noqa: BLE001 - our own mistake must not take the other tries with it; it is reported
            self.summary.errors.append(f"{one.name}\n{traceback.format_exc(limit=-4)}")
        await tape.close()
        return await self._trace(one, tape)

    async def _logged_in(self, one: Try, tape: Tape) -> bool:
        """Whether there are credentials where some are needed; a failed login is noted as the reason."""
        for account in ("primary", *one.probe.accounts):
            if self.candidate.given(account) and not await self.candidate.credential(account, tape):
                reason = f"not tried: the login as the {account} account fails"
                self.summary.skipped += [(requirement, reason) for requirement in one.probe.serves]
        return not self.candidate.given("primary") or bool(await self.candidate.credential("primary", tape))

    async def _trace(self, one: Try, tape: Tape) -> Trace:
        profile, target = self.setting.profile, self.setting.target
        accounts = {
            role: "token" if "token" in given else "cookie" if "cookie" in given else "login"
            for role in ("primary", "other", "expired")
            if (given := self.candidate.given(role))
        }
        return Trace(
            probe=one.probe.name, stimulus=one.stimulus, exchanges=await tape.exchanges(), profile=profile.name,
            digest=profile.digest, revision=load_registry().revision, time_scale=self.setting.scale,
            wall_clock=tape.wall_clock_s, lacks=target.lacks, accounts=accounts, jitter_us=tape.jitter_us(),
        )  # fmt: skip

    def _report(self) -> None:
        now = now_us()
        running = [Running(one.name, one.wait_s, (now - since) / 1e6) for one, since in self.begun.values()]
        running.sort(key=lambda row: row.for_s - row.wait_s)
        left = max((row.wait_s - row.for_s for row in running), default=0.0)
        done, generated = self.summary.tries, self.summary.generated
        self.on_progress(Progress(done, self.total, tuple(running), max(left, 0.0), generated))

    async def _tick(self) -> None:
        while True:
            await pause(_TICK_S)
            self._report()


def _welcome(trace: Trace) -> Iterator[bool]:
    """For each request of the first account that was to be answered, whether it was let in."""
    for one in trace.exchanges:
        if one.about.get("account") == "primary" and one.about.get("meant") in {"stream", "answer"} and one.head:
            yield one.head.status not in _UNWELCOME


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
) -> Summary:
    """Try everything that can be tried on a candidate. Traces are handed out as their tries end.

    With `cases`, pairs of a probe's name and a stimulus, as traces have them, only these are tried. `calm` is shared by
    campaigns that run beside each other. `explore` is called once only waits are left that it does not disturb; the
    campaign ends when it has returned.

    Raises:
        KeyError: where a case names no probe.
        Unreachable: where nothing answers within `settings.wait_s`.
        FileError: where the control interface is not there, or is of another profile or time scale.
    """
    begun_us = now_us()
    scale = target.time_scale if settings.time_scale is None else settings.time_scale
    summary = Summary(mandated_wait_s=profile.mandated_wait_s(scale))
    with _settled():
        async with Recorder(profile, Secrets()) as recorder:
            candidate = Candidate(target, profile, scale, recorder)
            calm = calm or Calm()
            try:
                await reach(candidate, settings.wait_s)
                summary.can = await describe(candidate, scale)
                can = summary.can
                system = system_of(profile)
                words = system.words or spoken(profile)
                setting = Setting(profile, target, scale, can, words, settings.seed, settings.effort)
                if cases is None:
                    plan = plan_tries(system.probes, setting, settings.max_wait_s)
                else:
                    plan = plan_cases(system.probes, setting, cases)
                summary.skipped = plan.skipped
                tries = _Campaign(candidate, setting, system, recorder, summary, on_trace, on_progress, calm)
                tries.begun_us = begun_us
                await tries.run(plan, explore)
            finally:
                calm.waits(candidate)  # also where it never came to its tries
                if candidate.process:
                    await candidate.process.stop()
            summary.errors += [f"{type(error).__name__}: {error}" for error in recorder.errors]
    summary.duration_s = (now_us() - begun_us) / 1e6
    return summary
