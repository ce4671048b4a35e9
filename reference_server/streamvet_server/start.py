"""What a start performs: the script that the request names, or the system's own work.

It must not know systems or what a step means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet_server.control import SCRIPT_HEADER
from streamvet_server.seams import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet_server.site import Ask
    from streamvet_server.work import Plan


def plan_of(ask: Ask, simulate: Callable[[], Plan]) -> Plan:
    """The plan of a start. The header means nothing without --control."""
    script = ask.request.headers.get(SCRIPT_HEADER)
    if script is None or ask.site.desk is None:
        return simulate()
    plan = ask.site.desk.scripts.get(script)
    ask.check("script", None if plan else Refusal(400, "invalid_request", "unknown script"))
    return plan or simulate()
