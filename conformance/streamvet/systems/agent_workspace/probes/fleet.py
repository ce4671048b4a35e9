"""Probes of agent-workspace: they set the state of the fleet moment by moment, and make its polls and loads fail.

The states themselves are in `states`. They judge nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamvet.probes.program import program
from streamvet.probes.waiting import SHORT_MS, observed_ms
from streamvet.recorder import now_us, wait_until
from streamvet.systems.agent_workspace.probes import states

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

# The harness's own lateness widens the bounds by up to a quarter of the slack, so that much longer a stream is watched.
_WIDENED = 1.25
_LATE_SHARE = 4  # later than a quarter of the slack, the suite cannot tell what is in time
_NEVER_POLLS = 3.5  # so many polls after it was due, what has not come does not come
_FAILED_LOADS = 2  # so that one that is hidden does not hide what follows on the error
_BUSY_EVERY = 0.3  # of a heartbeat's interval: more than a poll, so that each change is told
_AFTER_MS = 20.0  # behind the last moment at which something is in time: for it to arrive
# Around the changes of a fleet, in real time: what a candidate does between two looks at it takes some ms.
_JOINERS, _AROUND_MS = 20, 60.0
_SHARE = 2  # of the connections that the target file allows: half of them, as other tries hold some all the time


def _polls_ms(setting: Setting, polls: int) -> float:
    """The real time within which so many polls have told what there was."""
    polls_ms = polls * _figures(setting)["poll_ms"] * setting.scale
    return float(polls_ms + _slack_us(setting) / 1000 * _WIDENED + _AFTER_MS)


def _figures(setting: Setting) -> dict[str, Any]:
    figures: dict[str, Any] = setting.profile.raw["figures"]
    return figures


def _slack_us(setting: Setting) -> int:
    """What may pass between what a poll sees and the arrival of what it tells, in real time."""
    figures = _figures(setting)
    return setting.profile.tolerance_us(figures["change_within_ms"] - figures["poll_ms"], setting.scale)


def _stimulus(setting: Setting, name: str, timeline: list[states.Moment]) -> Stimulus:
    """A try for the accounts whose e-mail address is known: a state says by it who may see what."""
    given = {"primary": setting.target.credentials, "other": setting.target.other_credentials}
    projects = {account: states.PROJECTS[account] for account, held in given.items() if held and "email" in held}
    return {"name": name, "outcome": None, "script": [], "projects": projects, "timeline": timeline}


class _Stage:
    """Where the moments of a timeline are put, under ids of this try alone."""

    def __init__(self, driver: Driver, stimulus: Stimulus) -> None:
        self._driver = driver
        self._stimulus = stimulus
        self._tag = f"{int(driver.tape.wall_clock_s * 1000):x}-"

    async def put(self, number: int) -> bool:
        """Put one moment; gives whether it was taken."""
        state = states.tagged(self._stimulus["timeline"][number]["state"], self._tag)
        if number == 0:
            projects = self._stimulus["projects"]
            state["users"] = {self._email(account): projects[account] for account in projects}
        live = await self._driver.put_state(state, moment=number, tag=self._tag)
        return live.head_now is not None and live.head_now.status == 200

    def _email(self, account: str) -> str:
        return (self._driver.candidate.given(account) or {})["email"]


async def _reader(driver: Driver, role: str = "reader", account: str = "primary", until: str | None = None) -> Live:
    """A reader that has its first event, or the first one of a type."""
    live = await driver.listen(role, account=account)
    await live.until(lambda event: until in (None, event.kind), driver.bounds.answer_s)
    return live


async def _until_due(driver: Driver, begin_us: int, due_us: int) -> None:
    """Stay until everything is due; where the suite was late since then, until what has not come never comes."""
    await wait_until(due_us)
    late, setting = driver.candidate.recorder.jitter.late(begin_us, now_us()), driver.setting
    late_us = max((us for _, us in late), default=0)
    if late_us * _LATE_SHARE > _slack_us(setting):
        await wait_until(due_us + late_us + int(_NEVER_POLLS * _figures(setting)["poll_ms"] * setting.scale * 1000))


def scenes_stimuli(setting: Setting) -> list[Stimulus]:
    """All at once."""
    return [_stimulus(setting, "all scenes", states.scenes())]


def scenes_wait_ms(setting: Setting, stimulus: Stimulus) -> float:
    """Until everything that is put is due."""
    timeline = stimulus["timeline"]
    pairs = zip(timeline, _polls_of(setting, stimulus), strict=True)
    return max(float(row["at_ms"]) * setting.scale + _polls_ms(setting, polls) for row, polls in pairs)


def _polls_of(setting: Setting, stimulus: Stimulus) -> list[int]:
    """For each moment, how many polls it takes to tell it, by the limit on log lines."""
    limit = setting.profile.raw["figures"]["poll_logs"]
    found = [1]
    before: list[states.Document] = []
    for row in stimulus["timeline"][1:]:
        logs = row["state"].get("logs", before)
        found.append(max(-(-states.most_lines(before, logs) // limit), 1))
        before = logs
    return found


async def scenes(driver: Driver, stimulus: Stimulus) -> None:
    """A reader of each account from the first moment on, and one that joins in the middle, until everything is due."""
    stage = _Stage(driver, stimulus)
    if not await stage.put(0):
        return
    accounts = [account for account in stimulus["projects"] if await driver.can_be(account)]
    # Each has log lines to be told at first; what comes later comes after these.
    readers = await asyncio.gather(*(_reader(driver, account=account, until="fleet_logs") for account in accounts))
    begin_us = now_us()

    async def play() -> int:
        polls, due_us = _polls_of(driver.setting, stimulus), 0
        for number, row in enumerate(stimulus["timeline"][1:], start=1):
            await wait_until(begin_us + _real_us(driver, row["at_ms"]))
            if not await stage.put(number):
                break
            due_us = max(due_us, now_us() + int(_polls_ms(driver.setting, polls[number]) * 1000))
        return due_us

    async def join() -> Live:
        await wait_until(begin_us + _real_us(driver, stimulus.get("late_ms", states.LATE_MS)))
        return await _reader(driver, "late")

    due_us, late = await asyncio.gather(play(), join())
    await _until_due(driver, begin_us, due_us)
    for one in (*readers, late):
        one.about["due_us"] = driver.tape.now_us()
        await one.cut("everything that was put is due")


def _real_us(driver: Driver, at_ms: float) -> int:
    return int(at_ms * driver.setting.scale * 1000)


def snapshots_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to show, and more than is shown."""
    return [
        _stimulus(setting, "no active run", states.no_runs()),
        _stimulus(setting, "more than fifty runs", states.many_runs()),
    ]


async def snapshots(driver: Driver, stimulus: Stimulus) -> None:
    """A state, and a reader of its snapshot."""
    if await _Stage(driver, stimulus).put(0):
        await (await _reader(driver)).cut("it has the snapshot")


def joiners(setting: Setting) -> int:
    """How many readers join."""
    return min(_JOINERS, max(setting.target.max_concurrency // _SHARE, 1))


def joins_stimuli(setting: Setting) -> list[Stimulus]:
    """Changes in quick succession."""
    return [_stimulus(setting, "readers join beside changes", states.joined())]


def joins_wait_ms(setting: Setting, _stimulus: Stimulus) -> float:
    """Until the changes are due."""
    return 2 * _AROUND_MS + _polls_ms(setting, 1)


async def joins(driver: Driver, stimulus: Stimulus) -> None:
    """Readers join right before and after changes, so that some changes fall between two polls."""
    stage, count = _Stage(driver, stimulus), joiners(driver.setting)
    if not await stage.put(0) or not await driver.can_be("primary"):
        return
    begin_us, moments = now_us(), len(stimulus["timeline"]) - 1

    async def join(number: int) -> Live:
        await wait_until(begin_us + int(2 * _AROUND_MS * number / count * 1000))
        return await _reader(driver, "late")

    async def play() -> None:
        for number in range(1, moments + 1):
            await wait_until(begin_us + int(2 * _AROUND_MS * number / (moments + 1) * 1000))
            if not await stage.put(number):
                return

    *readers, _ = await asyncio.gather(*(join(number) for number in range(count)), play())
    await _until_due(driver, begin_us, now_us() + int(_polls_ms(driver.setting, 1) * 1000))
    for one in filter(None, readers):
        await one.cut("everything that was put is due")


def fast_stimuli(setting: Setting) -> list[Stimulus]:
    """Where polls are so short that the large states of the scenes may miss them."""
    short = setting.profile.heartbeat is not None and observed_ms(setting) <= SHORT_MS
    return [_stimulus(setting, "fast changes", states.bursts())] if short else []


def busy_stimuli(setting: Setting) -> list[Stimulus]:
    """Where the scenes may be over before a watch that has to be repeated, changes of its own for one more."""
    beat = setting.profile.heartbeat
    if beat is None or busy_wait_ms(setting, {}) > SHORT_MS:
        return []
    for_ms = beat.observe * beat.interval_ms
    return [_stimulus(setting, "changes all the time", states.busy(for_ms, beat.interval_ms * _BUSY_EVERY))]


def busy_wait_ms(setting: Setting, _stimulus: Stimulus) -> float:
    """The observation."""
    return observed_ms(setting)


async def busy(driver: Driver, stimulus: Stimulus) -> None:
    """The second account watches for heartbeats while its run changes; the first one's streams are as quiet as ever."""
    if not await driver.can_be("other"):
        return
    stage, observe_ms = _Stage(driver, stimulus), observed_ms(driver.setting)
    if not await stage.put(0):
        return
    watch = await driver.listen("watch", account="other", observe_us=int(observe_ms * 1000))
    begin_us = now_us()

    async def play() -> None:
        for number, row in enumerate(stimulus["timeline"][1:], start=1):
            await wait_until(begin_us + _real_us(driver, row["at_ms"]))
            await stage.put(number)

    await asyncio.gather(driver.observe(watch, observe_ms / 1000), play())


def load_stimuli(setting: Setting) -> list[Stimulus]:
    """Nothing to vary."""
    return [setting.saying("the first state cannot be loaded", [])]


async def load(driver: Driver, _stimulus: Stimulus) -> None:
    """Request streams whose initial state cannot be loaded. Nobody else may, for theirs would fail in their place."""
    for _ in range(_FAILED_LOADS):
        await driver.make_fail("load")
        reader = await _reader(driver)
        if any(map(driver.is_terminal, reader.seen)):
            await reader.ended(driver.bounds.close_s)
        await reader.cut("it has its first event")


def poll_stimuli(setting: Setting) -> list[Stimulus]:
    """A change that only the poll behind the one that fails can tell."""
    return [_stimulus(setting, "a poll fails", states.one_change())]


def poll_wait_ms(setting: Setting, _stimulus: Stimulus) -> float:
    """The poll that fails and the one after it; then a heartbeat."""
    return max(_polls_ms(setting, 2), _beat_ms(setting))


def _beat_ms(setting: Setting) -> float:
    """The real time within which a stream has a heartbeat, also where a poll that fails is not counted.

    None is waited for where heartbeats take long: nothing else may be tried meanwhile.
    """
    beat = setting.profile.heartbeat
    if beat is None or observed_ms(setting) > SHORT_MS:
        return 0.0
    tolerance_ms = setting.profile.tolerance_us(beat.tolerance_ms, setting.scale) / 1000
    return beat.interval_ms * setting.scale + tolerance_ms * _WIDENED + _polls_ms(setting, 1)


async def poll(driver: Driver, stimulus: Stimulus) -> None:
    """Let a poll fail after the snapshot. Nobody else may read, for a poll of theirs would fail in its place."""
    stage = _Stage(driver, stimulus)
    if not await stage.put(0):
        return
    reader = await _reader(driver)
    begin_us = now_us()
    await driver.make_fail("poll")
    if await stage.put(1):
        within_s = _polls_ms(driver.setting, 2) / 1000
        await reader.until(lambda event: event.kind == "fleet_update", within_s, "the update")
        left_s = _beat_ms(driver.setting) / 1000 - (now_us() - begin_us) / 1e6
        if left_s > 0:
            await reader.until(lambda event: event.kind == "heartbeat", left_s, "a heartbeat")
    await reader.cut("it has the update and a heartbeat")


async def generated(driver: Driver, stimulus: Stimulus) -> None:
    """Perform a generated stimulus: a timeline of states, or whatever any system has."""
    await (scenes if "timeline" in stimulus else program)(driver, stimulus)
