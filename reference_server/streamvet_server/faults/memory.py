"""What a fault remembers from one seam to the next: who reads which run, and what became of it.

It must not know any fault. A memory wraps seams, looks at what passes, and lets it pass.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from streamvet_server.seams import Batch, Cause, Close, Scene, Seams

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet_server.seams import Shown

# Several times what readers need to be there that are attached one after another.
LATE_S = 0.1
# The keys of `Scene.scratch` that a memory writes.
PLACE, CAME_S, FOUND_ACTIVE, CLOSED = "place", "came_s", "found active", "closed"


@dataclass(slots=True)
class Memory:
    """Everything by run id. Times are those of `time.monotonic`."""

    reading: Counter[str] = field(default_factory=Counter)  # how many read it now
    joined: Counter[str] = field(default_factory=Counter)  # how many have ever come
    begun_s: dict[str, float] = field(default_factory=dict)  # when the first of them came
    departed: Counter[str] = field(default_factory=Counter)  # how many left before their stream was over
    emitting: set[str] = field(default_factory=set)  # runs with an event
    ended: dict[str, tuple[Cause, float]] = field(default_factory=dict)
    recalled: set[str] = field(default_factory=set)  # runs of a former life of the server

    def over(self, seams: Seams) -> Seams:
        """The same seams; what passes is remembered."""
        return replace(
            seams,
            append=lambda scene, batch: self._append(scene, seams.append(scene, batch)),
            recall=lambda scene, status, newest: self._recall(scene, seams.recall(scene, status, newest)),
            resume=lambda scene, cursor: self._join(scene, seams.resume(scene, cursor)),
            close=lambda scene, why: self._close(scene, seams.close(scene, why)),
            left=lambda scene: self._leave(scene, seams.left),
        )

    def cause(self, scene: Scene) -> Cause | None:
        """Why the run has ended, None while it is active."""
        return self.ended[scene.run or ""][0] if scene.run in self.ended else None

    def failed(self, shown: Shown) -> bool:
        """Whether an event is of a run that has failed by itself."""
        return self.cause(shown.scene) is Cause.FAILED

    def fails_while_read(self, shown: Shown) -> bool:
        """The same, for a reader who was there before the end."""
        return self.failed(shown) and not finished_when_joined(shown.scene)

    def _append(self, scene: Scene, batch: Batch) -> Batch:
        run = scene.run or ""
        if batch.documents:
            self.emitting.add(run)
        if batch.status is not None:
            self.ended[run] = batch.cause, time.monotonic()
        return batch

    def _recall(self, scene: Scene, newest: int | None) -> int | None:
        self.recalled.add(scene.run or "")
        return newest

    def _join(self, scene: Scene, cursor: int) -> int:
        run, now_s = scene.run or "", time.monotonic()
        self.reading[run] += 1
        self.joined[run] += 1
        self.begun_s.setdefault(run, now_s)
        scene.scratch.update({PLACE: self.joined[run], CAME_S: now_s, FOUND_ACTIVE: run not in self.ended})
        return cursor

    def _close(self, scene: Scene, how: Close) -> Close:
        scene.scratch[CLOSED] = True
        return how

    def _leave(self, scene: Scene, then: Callable[[Scene], Cause | None]) -> Cause | None:
        run = scene.run or ""
        self.reading[run] -= 1
        if CLOSED not in scene.scratch and run not in self.ended:
            self.departed[run] += 1
        return then(scene)


def remembered(build: Callable[[Memory], Seams]) -> Callable[[], Seams]:
    """How the seams of a fault are made that needs a memory."""

    def make() -> Seams:
        memory = Memory()
        return memory.over(build(memory))

    return make


def joined_late(memory: Memory, scene: Scene) -> bool:
    """Whether a reader came so long after the first one that it cannot have been meant to see the beginning live."""
    came_s = scene.scratch.get(CAME_S, 0.0)
    return bool(came_s - memory.begun_s.get(scene.run or "", came_s) >= LATE_S)


def finished_when_joined(scene: Scene) -> bool:
    """Whether a reader came after the end of its run."""
    return not scene.scratch.get(FOUND_ACTIVE, True)
