"""Faults of the stream that only generated stimuli show: who comes or leaves right when something is published.

It must not know files or the queue.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import COSMA, Fault
from streamvet_server.faults.rare_moments import JUST_NOW_S
from streamvet_server.faults.shapes import is_own, is_stream
from streamvet_server.seams import Answer, Scene, Seams, Shown, Update
from streamvet_server.systems.cosma.faults.readers import ORDINARY, is_keepalive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CHANGES = frozenset({"file_created", "file_modified", "file_deleted", "file_moved"})
MESSAGES = frozenset({"info", "error", "status_update"})


def _changes_first() -> Seams:
    """The event of a change on disk overtakes the message right before it."""

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        made = list(updates)
        for at in range(1, 1 if is_own(scene) else len(made)):
            if made[at].opcode in CHANGES and made[at - 1].opcode in MESSAGES:
                made[at - 1], made[at] = made[at], made[at - 1]
        return made

    return Seams(publish=publish)


@dataclass(slots=True)
class _Crowd:
    """Who reads now, the longest there first, and when something was published last, to whom."""

    readers: list[Scene] = field(default_factory=list)
    told: tuple[Scene, ...] = ()
    at_s: float = 0.0

    def just_told(self) -> bool:
        """Whether something was published a moment ago to a reader that is still there."""
        return time.monotonic() - self.at_s < JUST_NOW_S and any(it is one for it in self.readers for one in self.told)

    def over(self, seams: Seams, come: Callable[[Scene], None], gone: Callable[[Scene], None]) -> Seams:
        """The same seams; who comes and leaves is told, and remembered."""

        def head(scene: Scene, answer: Answer) -> Answer:
            if is_stream(answer):
                come(scene)
                self.readers.append(scene)
            return answer

        def left(scene: Scene) -> None:
            self.readers = [it for it in self.readers if it is not scene]
            gone(scene)

        def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
            made = list(seams.publish(scene, updates))
            if made:
                self.told, self.at_s = tuple(self.readers), time.monotonic()
            return made

        return replace(seams, head=head, left=left, publish=publish)


def _nothing(_scene: Scene) -> None:
    return


def _leaving_skips() -> Seams:
    """Who leaves takes an update from the one that was there first: a list that is changed as it is walked."""
    crowd = _Crowd()

    def gone(_scene: Scene) -> None:
        if crowd.just_told():
            crowd.readers[0].scratch["shifted"] = True

    def publish(_scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        for scene in crowd.readers:
            if updates and scene.scratch.pop("shifted", False):
                scene.scratch["skips"] = updates[0].opcode != ORDINARY
        return updates

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        skips = not is_keepalive(shown) and shown.scene.scratch.pop("skips", False)
        return () if skips else (told,)

    return crowd.over(Seams(publish=publish, document=document), _nothing, gone)


def _swapped_at_first() -> Seams:
    """Who comes right behind an update gets the first two that follow at once in the other order."""
    crowd = _Crowd()

    def come(scene: Scene) -> None:
        scene.scratch["fresh"] = crowd.just_told()

    def publish(_scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        for scene in crowd.readers:
            if updates and scene.scratch.pop("fresh", False):
                scene.scratch["swaps"] = len(updates) > 1
        return updates

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        scratch = shown.scene.scratch
        if is_keepalive(shown):
            return (told,)
        if scratch.pop("swaps", False):
            scratch["waits"] = told
            return ()
        waiting = scratch.pop("waits", None)
        return (told,) if waiting is None else (told, waiting)

    return crowd.over(Seams(publish=publish, document=document), come, _nothing)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "changes-first", "ORD-04", COSMA, "The event of a change on disk overtakes the message right before it.",
        _changes_first,
        generated=True,
    ),
    Fault(
        "leaving-skips-the-next", "ORD-05", COSMA,
        "A reader that leaves right after an update takes the next one from another reader.",
        _leaving_skips,
        generated=True,
    ),
    Fault(
        "swapped-for-newcomers", "ORD-06", COSMA,
        "A reader that joins right after an update gets the next two swapped.",
        _swapped_at_first,
        generated=True,
    ),
)  # fmt: skip
