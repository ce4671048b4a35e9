"""GHO: the checks of ghostly, as a table.

Must not know probes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.systems.ghostly.checks import runs, stated

if TYPE_CHECKING:
    from streamvet.outcome import Check

CHECKS: dict[str, Check] = {**runs.CHECKS, **stated.CHECKS}
