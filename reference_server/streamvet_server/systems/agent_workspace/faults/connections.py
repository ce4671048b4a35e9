"""What faults of agent-workspace go by: whether a reader comes back after a restart, and how old its stream is.

It must not know any fault. Readers are all alike: no run and no cursor tells one from another.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.seams import Batch, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamvet_server.seams import Piece

# The keys of `Scene.scratch` that are written here.
_BEGUN_S, _CAP_S = "begun_s", "cap_s"


def to_returned(change: Callable[[bytes], Iterable[Piece]]) -> Callable[[], Seams]:
    """The first frame of who comes back after a restart, changed.

    A server that a suite has just started is told first to forget everything; one that was restarted is not.
    """

    def make() -> Seams:
        begun: list[bool] = []

        def append(_scene: Scene, batch: Batch) -> Batch:
            begun.append(True)
            return batch

        def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
            returned = shown.index == 0 and shown.name == "fleet_snapshot" and not begun
            return change(octets) if returned else (octets,)

        return Seams(append=append, frame=frame)

    return make


def timed(seams: Seams) -> Seams:
    """The same seams; when a stream began, and how long it may last, is remembered."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        seconds = seams.clock(scene, wait, seconds)
        if wait == "cap":
            scene.scratch.update({_BEGUN_S: time.monotonic(), _CAP_S: seconds})
        return seconds

    return replace(seams, clock=clock)


def age(scene: Scene) -> float:
    """How much of the time that a stream may last is over, 1 for all of it."""
    begun_s: Any = scene.scratch.get(_BEGUN_S)
    return 0.0 if begun_s is None else float((time.monotonic() - begun_s) / scene.scratch[_CAP_S])
