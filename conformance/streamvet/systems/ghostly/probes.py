"""Probes of what only ghostly has: its list of runs, the secrets in its steps, runs that a restart orphans.

They judge nothing.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from streamvet.contract.profile import pointed
from streamvet.probes.probe import Probe
from streamvet.probes.reading import steps_of
from streamvet.probes.restarting import active_stimulus, killed

if TYPE_CHECKING:
    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus


_LISTED_RUNS = 3  # two would be in order half of the time by chance
_PROJECT = "demo"
_NO_PROJECT = "streamvet-no-such-project"


def list_stimuli(setting: Setting) -> list[Stimulus]:
    """Some short runs."""
    return [setting.stimulus("lists", setting.main, "succeeds", steps_of(setting, setting.main, 1, 0))]


async def lists(driver: Driver, _stimulus: Stimulus) -> None:
    """Start runs; then ask for the list of all, of a project, of an unknown project, and as another user."""
    for _ in range(_LISTED_RUNS):
        await driver.start()
    project = driver.body_of(driver.stimulus["kind"]).get("project", _PROJECT)
    await driver.get("list", "list", case="own")
    await driver.get("list", "list", query={"project": project}, case="project", project=project)
    await driver.get("list", "list", query={"project": _NO_PROJECT}, case="unknown-project", project=_NO_PROJECT)
    if await driver.can_be("other"):
        await driver.get("list", "list", account="other", case="other")


def fill_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that types a value that occurs nowhere else."""
    secret = f"streamvet-secret-{setting.seed}-7f3a9c"
    start = setting.profile.operations["start:run"]
    given = setting.target.inputs.get("run", {}).get("succeeds", start.body)
    body = copy.deepcopy(given)
    body["steps"] = [*body.get("steps", ())[:20], {"action": "fill", "selector": "#password", "value": secret}]
    return [
        {
            "name": "a secret is typed",
            "kind": "run",
            "outcome": None,
            "script": None,
            "input": "succeeds",
            "body": body,
            "secret": secret,
        }
    ]


async def fill(driver: Driver, _stimulus: Stimulus) -> None:
    """Read a run that fills a form. It does its own work, as a script has no steps of a browser."""
    _run, reader = await driver.begin("reader")
    if reader is not None:
        await driver.to_end(reader)


def orphan_stimuli(setting: Setting) -> list[Stimulus]:
    """A run that is active when the candidate dies."""
    return [active_stimulus(setting, "an orphan is cancelled")]


async def orphan(driver: Driver, stimulus: Stimulus) -> None:
    """After a restart read the run again, cancel it if its record says that it is running, and read it once more."""
    run = await killed(driver, stimulus)
    if run is None:
        return
    record = await driver.record(run, "record-restarted")
    again = await driver.attach(run, "resumed")
    state = driver.profile.field("operations.record.state")
    if record is None or pointed(record.json(), state["pointer"]) not in state["active"]:
        await again.over(driver.bounds.finished_s)
        return
    await again.events(1, driver.bounds.answer_s)
    await driver.on_run("cancel", run, "cancel")
    if await driver.to_end(again, driver.bounds.join_s):
        after = await driver.attach(run, "after", finished=True)
        await after.ended(driver.bounds.finished_s)


PROBES: tuple[Probe, ...] = (
    Probe(
        "lists", lists, ("GHO-06", "GHO-07", "GHO-08"), list_stimuli,
        needs=("starts", "list"), connections=1, starts=3, accounts=("other",),
    ),
    Probe("fill", fill, ("GHO-09", "GHO-12"), fill_stimuli, needs=("starts",), connections=1),
    Probe(
        "orphan", orphan, ("GHO-05",), orphan_stimuli,
        needs=("starts", "cancel", "launch"), connections=3, alone=True,
    ),
)  # fmt: skip
