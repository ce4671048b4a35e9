"""The faults of agent-workspace, and what generic faults go by on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet_server.faults.traits import Traits
from streamvet_server.systems.agent_workspace.faults import snapshots, streams

if TYPE_CHECKING:
    from streamvet_server.faults.fault import Fault

__all__ = ["FAULTS", "TRAITS"]

TRAITS = Traits(
    at_once={"append": "it changes the state that all readers of the stream see"},
    rare_type="fleet_logs",
    rare=streams.is_rare,
    heartbeat=streams.is_heartbeat,
)

FAULTS: tuple[Fault, ...] = (*streams.FAULTS, *snapshots.FAULTS)
