"""The faults of cosma, and what generic faults go by on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet_server.faults.traits import Traits
from streamvet_server.systems.cosma.faults import again, index, moments, readers, streams

if TYPE_CHECKING:
    from streamvet_server.faults.fault import Fault

__all__ = ["FAULTS", "TRAITS"]

TRAITS = Traits(
    at_once={"publish": "it changes what all readers of the stream are told"},
    rare_type=readers.RARE,
    rare=readers.is_rare,
    discriminator="opcode",
    body="data",
    heartbeat=readers.is_keepalive,
)

FAULTS: tuple[Fault, ...] = (*streams.FAULTS, *index.FAULTS, *again.FAULTS, *moments.FAULTS)
