"""What faults of agent-workspace go by: which session a stream is opened with, and how old the stream is.

It must not know any fault. Readers of a fleet are all alike: no run and no cursor tells one from another. A session
that the server issued in a former life is shown by whoever comes back after a restart, and by nobody else.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from streamvet_server.seams import Answer, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamvet_server.seams import Piece

# The keys of `Scene.scratch` that are written here.
_BEGUN_S, _CAP_S = "begun_s", "cap_s"


@dataclass(slots=True)
class Sessions:
    """The sessions that were issued since the server came up, as they stand in cookies."""

    issued: set[str] = field(default_factory=set)

    def over(self, seams: Seams) -> Seams:
        """The same seams; what is issued is remembered."""

        def head(scene: Scene, answer: Answer) -> Answer:
            answer = seams.head(scene, answer)
            if "Set-Cookie" in answer.headers:
                self.issued.add(answer.headers["Set-Cookie"].partition(";")[0])
            return answer

        return replace(seams, head=head)

    def former(self, scene: Scene) -> bool:
        """Whether a request comes with a session of a former life."""
        return scene.headers.get("Cookie", "") not in self.issued


def to_returned(change: Callable[[bytes], Iterable[Piece]]) -> Callable[[], Seams]:
    """The first frame of who comes back after a restart, changed."""

    def make() -> Seams:
        sessions = Sessions()

        def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
            returned = shown.index == 0 and shown.name == "fleet_snapshot" and sessions.former(shown.scene)
            return change(octets) if returned else (octets,)

        return sessions.over(Seams(frame=frame))

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
