"""agent-workspace: all runs of an account, first a snapshot, then what changes."""

from __future__ import annotations

from streamvet.system import System
from streamvet.systems.agent_workspace.checks import CHECKS
from streamvet.systems.agent_workspace.probes import GENERATED, PROBES

SYSTEM = System(
    "agent-workspace", CHECKS, PROBES,
    serves={"triggered": ("FLT-01", "FLT-04", "FLT-16")},
    scripted={"heartbeats": ("HBT-02",)},  # whose stream has events while it is watched only where a state is put
    program=GENERATED, generation="streamvet.systems.agent_workspace.generation",
)  # fmt: skip
