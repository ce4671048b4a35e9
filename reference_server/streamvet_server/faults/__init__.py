"""The faults: one deliberate misbehaviour a row, each naming the one requirement that it violates.

A row swaps seam functions, and a seam function sees values only: no row knows sockets, routes or the database. One
module a family of the specification, for the rows whose functions know no system; those that one system alone can
commit, by an event, a form or a request of its own, are in its room. Faults hit as little as shows them: one type of
event, runs that fail, long runs. So what other requirements say stays tried, and holds.
Those of `occasions` are a second way to violate what another row
violates. Those of `hidden` hit so little that no pinned stimulus shows them.
"""

from __future__ import annotations

from streamvet_server.faults import (
    access,
    cancellation,
    catchup,
    events,
    heartbeat,
    hidden,
    ndjson,
    occasions,
    ordering,
    replicas,
    sse,
    terminal,
    transport,
)
from streamvet_server.faults.fault import Fault

__all__ = ["FAMILIES", "FAULTS", "Fault"]

# The prefixes of the families' requirements, in the order of the specification's chapters.
FAMILIES = ("TRN", "SSE", "NDJ", "EVT", "ORD", "HBT", "CAT", "TRM", "ACC", "CAN")

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
    *replicas.FAULTS,
    *occasions.FAULTS,
    *hidden.FAULTS,
)
