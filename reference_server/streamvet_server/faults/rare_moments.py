"""What becomes of readers at rare moments: who comes or leaves right when something is emitted, or in the middle of it.

It must not know any system: only that there are runs, and readers of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.memory import CLOSED, PLACE, Memory
from streamvet_server.faults.rare_texts import SEPARATORS
from streamvet_server.faults.shapes import reads, whole
from streamvet_server.faults.texts import in_texts
from streamvet_server.log import now_ms
from streamvet_server.seams import Cause, Entry, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streamvet_server.faults.shapes import Make

SOON_MS = 8  # less than pinned scripts have between two events that come one by one
FEW_EVENTS = 16  # fewer than pinned scripts emit at once
AT_ONCE_S = 0.003  # much less than pinned scripts have between two events of a run that somebody leaves
JUST_NOW_S = 0.025  # several times what it takes until a server notices that a reader has left


def lost_in_between(_memory: Memory) -> Seams:
    """Who joins in between of two events that follow each other soon misses the second one."""

    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        joins = reads(scene) and whole(scene) and scene.scratch[PLACE] > 1 and entries
        if joins and now_ms() - entries[-1].at_ms <= SOON_MS and entries[-1].number < FEW_EVENTS:
            scene.scratch["joined"] = entries[-1].number, time.monotonic()
        return entries

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        number, at_s = shown.scene.scratch.get("joined", (0, 0.0))
        soon = shown.number == number + 1 and (time.monotonic() - at_s) * 1000 < SOON_MS
        return () if soon and number and not shown.last else (told,)

    return Seams(replay=replay, document=document)


def redelivered(cursors: bool) -> Callable[[Memory], Seams]:
    """What was shown right before a connection was lost is kept for who comes later, who has it from the log too.

    The last one of a bunch that is; or where it comes behind cursors, that of a reader who came late as well.
    """

    def build(memory: Memory) -> Seams:
        pending: dict[str, tuple[int, Any]] = {}

        def document(shown: Shown, told: Any) -> Iterable[Any]:
            scene, scratch = shown.scene, shown.scene.scratch
            if shown.number is None:
                return (told,)
            if shown.replayed:
                scratch["replayed"] = shown.number
                return (told,)
            before_s, now_s = scratch.get("live", (0, None, None))[2], time.monotonic()
            first = before_s is None
            scratch["live"] = shown.number, told, now_s
            scratch["in a bunch"] = before_s is not None and now_s - before_s < AT_ONCE_S
            number, again = pending.get(scene.run or "", (0, None))
            takes = first and scratch[PLACE] > 1 and bool(scene.query.get("cursor")) is cursors
            had = scratch.get("replayed", int(scene.query.get("cursor") or 0))
            return (again, told) if takes and 0 < number <= had else (told,)

        def left(scene: Scene) -> Cause | None:
            number, told, at_s = scene.scratch.get("live", (0, None, 0.0))
            kept = scene.scratch.get("in a bunch") or (cursors and "replayed" in scene.scratch)
            lost = CLOSED not in scene.scratch and memory.cause(scene) is None
            if kept and lost and time.monotonic() - at_s < JUST_NOW_S:
                pending[scene.run or ""] = number, told
            return None

        return Seams(document=document, left=left)

    return build


def separators_replayed(memory: Memory) -> Seams:
    """Texts are kept without separators at their ends, and are live as they were said."""
    strip = in_texts(lambda text: text.rstrip(SEPARATORS))

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        kept = shown.replayed and shown.scene.scratch[PLACE] > 1 and shown.scene.run not in memory.recalled
        return (strip(told) if kept else told,)

    return Seams(document=document)


def bunch_of_a_cursor(place: Callable[[Sequence[int]], int]) -> Make:
    """A cursor inside a batch of simultaneous events counts as another place in the batch."""

    def make() -> Seams:
        bunches: dict[tuple[str | None, int], Sequence[int]] = {}

        def keep(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
            numbers = [it.number for it in entries]
            bunches.update({(scene.run, number): numbers for number in numbers[:-1]})
            return entries

        def resume(scene: Scene, cursor: int) -> int:
            inside = bunches.get((scene.run, cursor))
            return cursor if inside is None else place(inside)

        return Seams(keep=keep, resume=resume)

    return make
