"""The checks of the generic families: for each requirement id a pure function of a trace and a profile.

One module a family; the checks that only one system needs are in its room. A check must not know any system, the clock,
a socket or chance, nor which probe made the trace: it looks at roles and facts (`trace.ROLES`, `trace.ABOUT`) and at
what is on the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks import (
    access,
    cancellation,
    catchup,
    events,
    heartbeat,
    ndjson,
    ordering,
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
}
