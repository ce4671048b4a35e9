"""FLT: the checks of agent-workspace, as a table.

Must not know probes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.systems.agent_workspace.checks import connection, logs, polls, runs

if TYPE_CHECKING:
    from streamvet.outcome import Check

CHECKS: dict[str, Check] = {**connection.CHECKS, **runs.CHECKS, **logs.CHECKS, **polls.CHECKS}
