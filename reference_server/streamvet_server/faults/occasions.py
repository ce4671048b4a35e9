"""Faults that show on one occasion: a run that emits nothing, one that begins beside its like, a burst that is left.

Each violates what another fault violates as well, in a way that one pinned stimulus exists for. It must not know any
system.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet_server.faults.fault import GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fitted import remembered_of
from streamvet_server.faults.memory import CLOSED, PLACE, Memory, finished_when_joined, remembered
from streamvet_server.faults.ordering import alike, swapping
from streamvet_server.faults.shapes import telling
from streamvet_server.seams import Batch, Cause, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from streamvet_server.faults.traits import Traits

LARGE_BYTES = 60_000  # what somebody hands to a thread, as it takes long to write
UNREAD = 20  # events that who leaves has not taken: more than come between two that follow each other one by one
# A step of the server's own work, at the time scale of the proofs; scripts of the suite wait for longer.
OWN_STEP_S, FOR_EVER_S = 0.0025, 3600.0
UNDER_WAY = 3  # events of a run, once it is under way


def _large(document: Mapping[str, Any]) -> bool:
    return len(json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")) > LARGE_BYTES


def _left_in_a_burst(memory: Memory) -> Seams:
    """A write to a reader that has left breaks the run, if much was waiting to be written."""
    emitted: Counter[str] = Counter()

    def append(scene: Scene, batch: Batch) -> Batch:
        emitted[scene.run or ""] += len(batch.documents)
        return batch

    def document(shown: Shown, told: Any) -> tuple[Any, ...]:
        shown.scene.scratch["written"] = shown.number or 0
        return (told,)

    def left(scene: Scene) -> Cause | None:
        over = CLOSED in scene.scratch or memory.cause(scene) is not None
        unread = emitted[scene.run or ""] - scene.scratch.get("written", 0)
        return Cause.FAILED if unread > UNREAD and not over else None

    return Seams(append=append, document=document, left=left)


def _nothing_to_tell(own: Traits, memory: Memory) -> Seams:
    working: set[str] = set()

    def append(scene: Scene, batch: Batch) -> Batch:
        if batch.cause is Cause.WORK and batch.documents:
            working.add(scene.run or "")
        return batch

    def untold(shown: Shown) -> bool:
        idle = shown.scene.run not in working and memory.cause(shown.scene) is Cause.SUCCEEDED
        return idle and (own.final(shown) or shown.last) and not finished_when_joined(shown.scene)

    return replace(telling(untold, lambda _shown, _document: ()), append=append)


def _taken_for_its_like(memory: Memory) -> Seams:
    """An active run loses its next event when another run begins that has emitted the same."""
    first: dict[str, str] = {}
    emitted: Counter[str] = Counter()
    begun: set[str] = set()  # the runs beside which another one has begun

    def append(scene: Scene, batch: Batch) -> Batch:
        run = scene.run or ""
        if batch.cause is not Cause.WORK or not batch.documents:
            return batch
        emitted[run] += len(batch.documents)
        if run not in first:
            first[run] = json.dumps(batch.documents[0], sort_keys=True)
            begun.update(
                other
                for other, mark in first.items()
                if other != run and mark == first[run] and emitted[other] >= UNDER_WAY and other not in memory.ended
            )
        if run in begun:
            begun.discard(run)
            return replace(batch, documents=batch.documents[1:])
        return batch

    return Seams(append=append)


def _first_to_leave(memory: Memory) -> Seams:
    """The clock of a run without readers starts when one of two leaves, and nobody stops it."""
    life_s: list[float] = []

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == "detach":
            life_s[:] = [seconds]
        starts = wait == "attended" and life_s and memory.cause(scene) is None
        return life_s[0] if starts else seconds

    return Seams(clock=clock)


def _newest_alone(own: Traits, _memory: Memory) -> Seams:
    """One timer for a run, which writes to the reader that has come last."""
    present: dict[str, set[int]] = {}

    def document(shown: Shown, told: Any) -> tuple[Any, ...]:
        place, there = shown.scene.scratch[PLACE], present.setdefault(shown.scene.run or "", set())
        there.add(place)
        return () if own.heartbeat(shown) and place != max(there) else (told,)

    def left(scene: Scene) -> Cause | None:
        present.get(scene.run or "", set()).discard(scene.scratch[PLACE])
        return None

    return Seams(document=document, left=left)


def _stuck(_scene: Scene, wait: str, seconds: float) -> float:
    return FOR_EVER_S if wait == "step" and 0 < seconds <= OWN_STEP_S else seconds


FAULTS: tuple[Fault, ...] = (
    Fault(
        "burst-left-fails-the-run", "TRN-11", GHOSTLY + PROMPTFLOE,
        "A run fails when a reader leaves for which much of the run is still buffered.",
        remembered(_left_in_a_burst),
    ),
    Fault(
        "large-event-overtaken", "ORD-04", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "An event of more than sixty thousand bytes comes after the one that was emitted after it.",
        lambda: swapping(lambda one, other: _large(one) and alike(one, other)),
    ),
    Fault(
        "taken-for-its-like", "ORD-05", GHOSTLY + PROMPTFLOE,
        "A run loses an event when another run that emits the same events begins in its middle.",
        remembered(_taken_for_its_like),
    ),
    Fault(
        "first-to-leave-starts-the-clock", "TRN-11", PROMPTFLOE,
        "A run ends like one without readers when one of its readers has been gone for that long.",
        remembered(_first_to_leave),
    ),
    Fault(
        "heartbeat-for-the-newest", "HBT-01", GHOSTLY,
        "Of the readers of a run the one that came last gets heartbeats.",
        remembered_of(_newest_alone),
    ),
    Fault(
        "nothing-to-tell", "TRM-01", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The stream of a run that succeeds and has emitted nothing is closed without a terminal event.",
        remembered_of(_nothing_to_tell),
    ),
    Fault(
        "stuck-in-its-work", "TRM-06", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "A run that does its own work never ends, and its stream continues with heartbeats.",
        lambda: Seams(clock=_stuck),
    ),
)  # fmt: skip
