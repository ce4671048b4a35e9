"""HBT: the fault of every form of heartbeat, and what the other faults of heartbeats have in common.

Those are in the rooms of the systems: each system has a form of heartbeat of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from streamvet_server.faults.fault import AGENT_WORKSPACE, COSMA, GHOSTLY, Fault
from streamvet_server.faults.fitted import Fitted
from streamvet_server.faults.shapes import writing
from streamvet_server.seams import Scene, Seams

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet_server.faults.shapes import Chosen, Make
    from streamvet_server.seams import Piece, Shown

# Of an interval of 15 s a heartbeat may be late by so much, scaled, but not by less than 100 ms (the contract's
# figures; a system says how much).
_INTERVAL_S, _LEAST_TOLERANCE_S = 15.0, 0.1
LATE = 1.5  # of what is allowed
LEGAL = 0.5  # of the tolerance: late, and in time
FLOOD = 12  # heartbeats in the place of one; ten in an interval are allowed
STALE_MS = 9_000  # the time of a heartbeat may be 5 s off, by a Date that may be 1 s off
# From an interval to the longest gap without a heartbeat, in seconds.
Gap = Callable[[float], float]


def _tolerance_s(interval_s: float, of_15_s: float) -> float:
    return max(interval_s / _INTERVAL_S * of_15_s, _LEAST_TOLERANCE_S)


def late(tolerance_s: float) -> Gap:
    """One and a half times what is allowed."""
    return lambda interval_s: LATE * (interval_s + _tolerance_s(interval_s, tolerance_s))


def legal(tolerance_s: float) -> Gap:
    """Half of the tolerance."""
    return lambda interval_s: interval_s + LEGAL * _tolerance_s(interval_s, tolerance_s)


def _marking(beat: Chosen) -> Callable[[Shown, bytes], Iterable[Piece]]:
    """Frames as they are; when the last heartbeat was written is remembered."""

    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if beat(shown):
            shown.scene.scratch["last_s"] = time.monotonic()
        return (octets,)

    return frame


def put_off(beat: Chosen, gap_s: Gap, intervals: float) -> Make:
    """Each event puts the next heartbeat off by so many intervals, but no gap gets longer than `gap_s`."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == "first-ping":
            scene.scratch.update(interval_s=seconds, last_s=time.monotonic())
        if wait != "quiet":
            return seconds
        interval_s = scene.scratch["interval_s"]
        left_s = scene.scratch["last_s"] + gap_s(interval_s) - time.monotonic()
        return float(max(0.0, min(intervals * interval_s, left_s)))

    return lambda: Seams(clock=clock, frame=_marking(beat))


FAULTS: tuple[Fault, ...] = (
    Fault(
        "heartbeat-flood", "HBT-08", GHOSTLY + AGENT_WORKSPACE + COSMA, "Twelve heartbeats are written for each one.",
        Fitted(lambda own: writing(own.heartbeat, lambda octets: octets * FLOOD)),
    ),
)  # fmt: skip
