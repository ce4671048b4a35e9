"""The probe of a run whose only reader leaves, where the profile says what becomes of it then.

It performs and records; it judges nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import pointed
from streamvet.probes.reading import EVENTS, of_each_kind
from streamvet.recorder import wait_until

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus

# The run goes on telling something: many a server notices that its reader is gone when it writes.
_TOLD_EACH_MS = 40.0
# Real times after the leaving: at once, and when the last of that was written. A run that an input keeps active for
# three heartbeats, of a second and more, is active then.
_GOES_ON_MS = (50.0, EVENTS * _TOLD_EACH_MS + 200.0)
_AFTER_MS = 30.0  # behind the bound, so that it is over whatever the clock's grain


def stimuli(setting: Setting) -> list[Stimulus]:
    """A run of each kind that ends by being cancelled; without control the first."""
    return of_each_kind(setting, "its only reader leaves", "hangs", EVENTS, _TOLD_EACH_MS)


def _moments_ms(setting: Setting) -> tuple[float, ...]:
    """When the record is requested, in real time from the leaving."""
    stops_ms = setting.stops_ms
    return _GOES_ON_MS if stops_ms is None else (stops_ms + _AFTER_MS,)


def wait_ms(setting: Setting, _stimulus: Stimulus) -> float:
    """Until the last record is requested."""
    return _moments_ms(setting)[-1]


async def left_alone(driver: Driver, _stimulus: Stimulus) -> None:
    """The only reader of an active run leaves; the run's record is requested when it has to go on, or to be over."""
    run, reader = await driver.begin("cut")
    if reader is None:
        return
    await driver.run_shows(reader, 1, driver.bounds.answer_s)
    await reader.cut("the only reader leaves")
    rule: dict[str, Any] = driver.profile.field("operations.record.state")
    left_us, finished = reader.ended_us, False
    for moment_ms in _moments_ms(driver.setting):
        await wait_until(left_us + int(moment_ms * 1000))
        record = await driver.record(run, "record-left")
        finished = record is not None and pointed(record.json(), rule["pointer"]) in rule["finished"]
    if finished:
        await driver.read_again(run)
    else:
        await driver.tidy_up(run)
