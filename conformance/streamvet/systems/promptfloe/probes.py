"""Probes of what only promptfloe has: its rate limit, and builds that do their own work.

They judge nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from streamvet.probes.probe import Probe

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus


def rate_stimuli(setting: Setting) -> list[Stimulus]:
    """The first kind of start."""
    return [{"name": "rate limit", "kind": setting.main.kind, "outcome": None, "script": []}]


async def rate(driver: Driver, stimulus: Stimulus) -> None:
    """Let the rate limit refuse one start."""
    await driver.candidate.control({"do": "fail", "what": "rate", "times": 1}, driver.tape)
    await driver.start_refused("rate limit", json.dumps(driver.body_of(stimulus["kind"])).encode(), role="limited")


def work_stimuli(setting: Setting) -> list[Stimulus]:
    """A build that does its own work: what a script emits, the system did not choose."""
    start = setting.profile.operations["start:build"]
    return [{"name": "own work", "kind": start.kind, "outcome": "succeeds", "script": None, "input": "succeeds"}]


async def work(driver: Driver, _stimulus: Stimulus) -> None:
    """Read it to its end."""
    _run, reader = await driver.begin("reader")
    if reader is not None:
        await driver.to_end(reader)


PROBES: tuple[Probe, ...] = (
    Probe("own work", work, ("PFL-07",), work_stimuli, needs=("control", "terminal"), connections=1),
    Probe(
        "rate limit", rate, ("PFL-05", "PFL-11", "PFL-12"), rate_stimuli,
        needs=("fail",), connections=1, starts=0, alone=True,
    ),
)  # fmt: skip
