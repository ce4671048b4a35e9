"""The probes of agent-workspace, as a table; and its form of the probe that performs what is generated.

They judge nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet.probes import ANY_AMBIENT, PROGRAM
from streamvet.probes.probe import Ambient, Probe
from streamvet.systems.agent_workspace.probes import fleet

if TYPE_CHECKING:
    from streamvet.probes.setting import Setting, Stimulus


def _wait_ms(setting: Setting, stimulus: Stimulus) -> float:
    """A state is shown by polls, so that a generated timeline takes as long as these."""
    return fleet.scenes_wait_ms(setting, stimulus) if "timeline" in stimulus else PROGRAM.wait_ms(setting, stimulus)


# A generated stimulus of this system is a timeline of states, in place of a script.
GENERATED = replace(PROGRAM, act=fleet.generated, wait_ms=_wait_ms)

PROBES: tuple[Probe, ...] = (
    Probe(
        "scenes", fleet.scenes,
        (*ANY_AMBIENT, "FLT-01", "FLT-02", "FLT-03", "FLT-04", "FLT-05", "FLT-06", "FLT-07", "FLT-08", "FLT-09",
         "FLT-10", "FLT-11", "FLT-12", "FLT-13", "FLT-16", "FLT-18", "FLT-19", "FLT-20"),
        fleet.scenes_stimuli, needs=("state", "e-mail"), connections=3,
        wait_ms=fleet.scenes_wait_ms, accounts=("other",), ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "fast changes", fleet.scenes, ("FLT-06",), fleet.fast_stimuli,
        needs=("state", "e-mail"), connections=3, wait_ms=fleet.scenes_wait_ms,
        accounts=("other",), alone=True,
    ),
    Probe(
        "busy heartbeats", fleet.busy, ("HBT-02", "HBT-06"), fleet.busy_stimuli,
        needs=("state", "e-mail"), connections=1, wait_ms=fleet.busy_wait_ms,
        accounts=("other",), ambient=Ambient.NEEDS_SILENCE,
    ),
    Probe(
        "snapshots", fleet.snapshots, ("FLT-02", "FLT-17"), fleet.snapshots_stimuli,
        needs=("state", "e-mail"), connections=1, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "joins beside changes", fleet.joins, ("FLT-02", "FLT-04", "FLT-08", "FLT-19"), fleet.joins_stimuli,
        needs=("state", "e-mail"), connections=fleet.joiners,
        wait_ms=fleet.joins_wait_ms, ambient=Ambient.PUBLISHES,
    ),
    Probe(
        "load that fails", fleet.load, ("FLT-14", "FLT-16", "TRM-01", "TRM-02", "TRM-03", "TRM-04", "TRM-11"),
        fleet.load_stimuli, needs=("fail",), connections=1, alone=True,
    ),
    Probe(
        "poll that fails", fleet.poll, ("FLT-15",), fleet.poll_stimuli,
        needs=("state", "fail", "e-mail"), connections=1, wait_ms=fleet.poll_wait_ms,
        alone=True,
    ),
)  # fmt: skip
