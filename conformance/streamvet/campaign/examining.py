"""One look at a candidate before any run: is it up, is the account let in, and what does one stream begin with?

Performs what a try would, records it, and judges nothing. Must not know checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet.campaign.reaching import describe, make_ready, reach
from streamvet.probes.candidate import Candidate
from streamvet.probes.driver import Driver
from streamvet.probes.reading import steps_of
from streamvet.probes.runs import Run
from streamvet.probes.scripts import spoken
from streamvet.probes.setting import STEP_MS, Setting
from streamvet.recorder import Recorder, Secrets, Tape
from streamvet.systems import system_of

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target
    from streamvet.probes.setting import Stimulus
    from streamvet.recorder import Live
    from streamvet.trace import Exchange

EVENTS = 5  # that are waited for: enough to see types and pace
EVENTS_S = 10.0  # for them: whoever looks sits before the screen


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. `stream` is the stream's place among the exchanges; None where none was asked for, and `why`."""

    up: str
    setting: Setting
    let_in: bool | None  # None: the profile needs nobody
    exchanges: tuple[Exchange, ...]
    stream: int | None
    why: str = ""
    run_id: str = ""


async def look_at(target: Target, profile: Profile, scale: float, wait_s: float) -> Look:
    """One look, with one run at most.

    Raises:
        Unreachable: where nothing answers within `wait_s`.
        FileError: where the control interface is not there, or is of another profile or time scale.
    """
    async with Recorder(profile, Secrets(), route=target.route) as recorder:
        candidate = Candidate(target, profile, scale, recorder)
        try:
            await reach(candidate, wait_s)
            can = await describe(candidate, scale)
            await make_ready(candidate)
            words = system_of(profile).words or spoken(profile)
            setting = Setting(profile, target, scale, can, words)
            return await _looked(candidate, setting, Tape(recorder))
        finally:
            if candidate.process:
                await candidate.process.stop()


async def _looked(candidate: Candidate, setting: Setting, tape: Tape) -> Look:
    stimulus, why = _stimulus(setting)
    driver = Driver(candidate, setting, tape, stimulus)
    needs_account = setting.profile.field("auth.kind") not in (None, "none")
    let_in = await driver.can_be("primary") if needs_account else None
    live, run_id = None, ""
    if not why and let_in is not False:
        run, live = await _opened(driver, setting, stimulus)
        run_id = run.id or ""
        why = "" if live is not None else "the answer to the start does not name the run"
        if live is not None:
            await live.head(driver.bounds.answer_s)
            await live.events(EVENTS, EVENTS_S)
    await tape.close(detail="enough was seen")
    exchanges = await tape.exchanges()
    stream = _place(live, exchanges)
    return Look(candidate.last_look, setting, let_in, exchanges, stream, why, run_id)


async def _opened(driver: Driver, setting: Setting, stimulus: Stimulus) -> tuple[Run, Live | None]:
    """The stream that is looked at."""
    if setting.profile.streams == "ambient":
        return Run("ambient", ""), await driver.listen()
    if "run_id" in stimulus:
        run = Run("r1", setting.kind_of_existing, stimulus["run_id"])
        return run, await driver.attach(run, "after")
    return await driver.begin()


def _stimulus(setting: Setting) -> tuple[Stimulus, str]:
    """What is tried, and why nothing can be, "" where something can."""
    if setting.profile.streams == "ambient":
        return {"name": "one look", "outcome": None, "script": None}, ""
    reasons: list[str] = []
    for start in setting.starts:
        steps = steps_of(setting, start, EVENTS, STEP_MS) if setting.scripted else None
        made = setting.stimulus("one look", start, "succeeds", steps)
        if (reason := setting.no_input(made)) is None:
            return made, ""
        reasons.append(reason)
    for which in ("finished", "active"):
        if which in setting.target.existing:
            return {"name": "one look", "outcome": None, "script": None, "run_id": setting.target.existing[which]}, ""
    return {"name": "one look", "outcome": None, "script": None}, "; ".join(reasons) or "the profile starts no runs"


def _place(live: Live | None, exchanges: tuple[Exchange, ...]) -> int | None:
    """Where the stream is among the exchanges."""
    if live is None:
        return None
    streams = (n for n, one in enumerate(exchanges) if one.about.get("meant") == "stream" and one.role == live.role)
    return next(streams, None)
