"""The faults: one deliberate misbehaviour a row, each naming the one requirement that it violates.

A row swaps seam functions, and a seam function sees values only: no row knows sockets, routes or the database. One
module a family of the specification. Faults hit as little as shows them: one type of event, runs that fail, long runs.
So what other requirements say stays tried, and holds.
Those of `hidden` hit so little that no pinned stimulus shows them.
"""

from __future__ import annotations

from typing import Any

from streamvet_server.faults import (
    access,
    agent_workspace,
    cancellation,
    catchup,
    cosma,
    events,
    ghostly,
    heartbeat,
    hidden,
    ndjson,
    ordering,
    promptfloe,
    rockstar,
    sse,
    terminal,
    transport,
)
from streamvet_server.faults.fault import Fault
from streamvet_server.seams import HONEST, Seams

__all__ = ["FAULTS", "Fault", "find", "listing", "seams_of"]

FAULTS: tuple[Fault, ...] = (
    *transport.FAULTS,
    *sse.FAULTS,
    *ndjson.FAULTS,
    *events.FAULTS,
    *ordering.FAULTS,
    *heartbeat.FAULTS,
    *catchup.FAULTS,
    *terminal.FAULTS,
    *access.FAULTS,
    *cancellation.FAULTS,
    *ghostly.FAULTS,
    *promptfloe.FAULTS,
    *rockstar.FAULTS,
    *cosma.FAULTS,
    *agent_workspace.FAULTS,
    *hidden.FAULTS,
)


def find(name: str) -> Fault | None:
    """The fault of a name."""
    return next((fault for fault in FAULTS if fault.name == name), None)


def seams_of(fault: Fault | None, profile: str) -> Seams:
    """The seams of one system under a fault, made anew."""
    return fault.make() if fault is not None and profile in fault.profiles else HONEST


def listing() -> list[dict[str, Any]]:
    """The rows for `--list-faults`, without their functions."""
    rows = []
    for fault in FAULTS:
        row = {key: getattr(fault, key) for key in ("name", "id", "note", "honest", "generated")}
        rows.append(row | {"profiles": list(fault.profiles)})
    return rows
