"""The checks: for each requirement id a pure function of a trace and a profile.

One module a family, and one for each system. A check must not know the clock, a socket or chance, nor which probe
made the trace: it looks at roles and facts (`trace.ROLES`, `trace.ABOUT`) and at what is on the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks import (
    access,
    agent_workspace,
    cancellation,
    catchup,
    cosma,
    events,
    ghostly,
    heartbeat,
    ndjson,
    ordering,
    promptfloe,
    rockstar,
    sse,
    terminal,
    transport,
)

if TYPE_CHECKING:
    from streamvet.outcome import Check

CHECKS: dict[str, Check] = {
    **transport.CHECKS,
    **sse.CHECKS,
    **ndjson.CHECKS,
    **events.CHECKS,
    **ordering.CHECKS,
    **heartbeat.CHECKS,
    **catchup.CHECKS,
    **terminal.CHECKS,
    **access.CHECKS,
    **cancellation.CHECKS,
    **ghostly.CHECKS,
    **promptfloe.CHECKS,
    **rockstar.CHECKS,
    **agent_workspace.CHECKS,
    **cosma.CHECKS,
}
