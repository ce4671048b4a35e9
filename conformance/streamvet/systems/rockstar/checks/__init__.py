"""RKS: the checks of rockstar, as a table.

Must not know probes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.systems.rockstar.checks import pushes, steps

if TYPE_CHECKING:
    from streamvet.outcome import Check

CHECKS: dict[str, Check] = {**pushes.CHECKS, **steps.CHECKS}
