"""Faults of a server that runs as several processes: what one of them knows, the others do not.

They take hold at every address but the one at which a run was started, so that a server of one process can commit them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import GHOSTLY, PROMPTFLOE, Fault
from streamvet_server.faults.fitted import remembered_of
from streamvet_server.faults.memory import Memory, joined_late
from streamvet_server.faults.shapes import whole
from streamvet_server.seams import Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streamvet_server.faults.traits import Traits


def _memory_of_one_worker(own: Traits, memory: Memory) -> Seams:
    """Events are published in the memory of the worker that performs the run; elsewhere readers get what is stored.

    The end of a run is stored, and looked for now and then: readers elsewhere are not left hanging.
    """
    started: dict[str, int] = {}

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        scene = shown.scene
        is_live = shown.number is not None and not (shown.replayed or shown.last or own.final(shown))
        lost = is_live and _elsewhere(started, scene) and joined_late(memory, scene) and whole(scene)
        return () if lost else (told,)

    return Seams(begin=_noting(started), document=document)


def _ids_by_worker() -> Seams:
    """Each worker counts the events that it has read from the store by itself, and from 0."""
    started: dict[str, int] = {}

    def number(scene: Scene, stored: int) -> int:
        return stored - 1 if scene.operation == "record" and _elsewhere(started, scene) else stored

    return Seams(begin=_noting(started), number=number)


def _cursors_by_worker() -> Seams:
    """The same of the cursors that a worker is given: it takes them for those of its own count."""
    started: dict[str, int] = {}

    def resume(scene: Scene, cursor: int) -> int:
        return max(0, cursor - 1) if "cursor" in scene.query and _elsewhere(started, scene) else cursor

    return Seams(begin=_noting(started), resume=resume)


def _reaches_one() -> Seams:
    started: dict[str, int] = {}
    return Seams(begin=_noting(started), reach=lambda scene: not _elsewhere(started, scene))


def _noting(started: dict[str, int]) -> Callable[[Scene], None]:
    """What notes at which address each run is started."""

    def begin(scene: Scene) -> None:
        started[scene.run or ""] = scene.address

    return begin


def _elsewhere(started: Mapping[str, int], scene: Scene) -> bool:
    """Whether a request came to another address than the start of its run."""
    return scene.address != started.get(scene.run or "", scene.address)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "memory-of-one-worker", "CAT-03", GHOSTLY + PROMPTFLOE,
        "A reader that joins at another replica than that of the start gets stored events, and then only the end.",
        remembered_of(_memory_of_one_worker),
    ),
    Fault(
        "ids-by-worker", "ORD-07", GHOSTLY,
        "The record of a run has other numbers at another replica than that of the start.", _ids_by_worker,
    ),
    Fault(
        "cursors-by-worker", "CAT-06", PROMPTFLOE,
        "Another replica than that of the start takes a cursor for one event less.", _cursors_by_worker,
    ),
    Fault(
        "cancel-reaches-one", "CAN-02", GHOSTLY + PROMPTFLOE,
        "A cancellation at another replica than that of the start is accepted, and ends nothing.",
        _reaches_one,
    ),
)  # fmt: skip
