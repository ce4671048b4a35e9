"""The levels of evidence: what the suite can do with a candidate bounds what it can find out about it.

Must not know which requirement needs which level.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Evidence(Enum):
    """A level of evidence, the weakest first."""

    CAPTURE = "capture"  # the bytes of streams, without heads, times and requests
    BLACK_BOX = "black-box"  # a candidate that answers requests
    LAUNCHED = "launched"  # a candidate that the suite starts, kills and starts again
    CONTROLLED = "controlled"  # a candidate that emits what the control interface asks for


# What a run lacks that has not this level.
LACKING = {
    Evidence.CAPTURE: "the bytes of a stream",
    Evidence.BLACK_BOX: "a running server",
    Evidence.LAUNCHED: "a launch",
    Evidence.CONTROLLED: "a control interface",
}


def highest(levels: Collection[Evidence]) -> Evidence:
    """The strongest of these levels: the one that a run with all of them is named after."""
    return max(levels, key=list(Evidence).index)
