"""COS: the checks of cosma, as a table.

Must not know probes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.systems.cosma.checks import below, cooling, directories, failures, queue, stated, stream

if TYPE_CHECKING:
    from streamvet.outcome import Check

CHECKS: dict[str, Check] = {
    **stream.CHECKS, **failures.CHECKS, **directories.CHECKS, **queue.CHECKS, **cooling.CHECKS, **below.CHECKS,
    **stated.CHECKS,
}  # fmt: skip
