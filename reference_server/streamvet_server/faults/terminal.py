"""TRM: faults of how runs and their streams end."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fitted import Fitted, remembered_of
from streamvet_server.faults.memory import CAME_S, PLACE, Memory, finished_when_joined, remembered
from streamvet_server.faults.shapes import opening, piecing, telling, whole
from streamvet_server.seams import Answer, Batch, Cause, Close, Pause, Piece, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamvet_server.faults.traits import Traits

# A stream is closed, and a finished run replayed, within 1 s: one and a half of it, and three quarters.
LATE_S, LEGAL_S = 1.5, 0.75
# A record that is written behind the stream is so much behind.
LAG_S = 0.5
# Who joins so soon before the end has not subscribed yet when it comes.
SUBSCRIBING_S = 0.03


def _ending_left_out(own: Traits, memory: Memory) -> Seams:
    return telling(
        lambda shown: (own.final(shown) or shown.last) and memory.fails_while_read(shown),
        lambda _shown, _document: (),
    )


def _ending_twice(own: Traits, memory: Memory) -> Seams:
    return telling(lambda shown: own.final(shown) and memory.fails_while_read(shown), _again)


def _again(_shown: Shown, document: Any) -> Iterable[Any]:
    return (document, {**document, "id": document["id"] + 1} if "id" in document else document)


def _afterwards(own: Traits, memory: Memory) -> Seams:
    return piecing(
        lambda shown: shown.last and memory.fails_while_read(shown), lambda shown, octets: (octets, own.more(shown))
    )


def _closed_late(seconds: float) -> Callable[[Memory], Seams]:
    def build(memory: Memory) -> Seams:
        def clock(scene: Scene, wait: str, honest_s: float) -> float:
            return seconds if wait == "close" and memory.cause(scene) is Cause.FAILED else honest_s

        return Seams(clock=clock)

    return build


def _replayed_late(seconds: float) -> Fitted:
    """The wait is behind the first status, which has a time of its own; elsewhere before the last event."""

    def make(own: Traits) -> Seams:
        def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
            if own.status_first:
                return (octets, Pause(seconds)) if opening(shown) and own.final(shown) else (octets,)
            return (Pause(seconds), octets) if shown.last and finished_when_joined(shown.scene) else (octets,)

        return Seams(frame=pieces)

    return remembered_of(lambda own, _memory: make(own))


def _told_as_success(own: Traits, _memory: Memory) -> Seams:
    plain: set[str] = set()

    def append(scene: Scene, batch: Batch) -> Batch:
        if any(map(own.plain, batch.documents)):
            plain.add(scene.run or "")
        lies = batch.cause is Cause.FAILED and scene.run in plain
        return own.as_success(scene, batch) if lies else batch

    return Seams(append=append)


def _lagging(memory: Memory) -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        cause, at_s = memory.ended.get(scene.run or "", (Cause.DETACHED, 0.0))
        behind = cause in (Cause.SUCCEEDED, Cause.FAILED) and time.monotonic() - at_s < LAG_S
        if scene.operation != "record" or answer.status != 200 or not behind:
            return answer
        return replace(answer, document={**answer.document, "status": "running"})

    return Seams(head=head)


def _subscribing_late(own: Traits, memory: Memory) -> Seams:
    """Who joins another reader right before the end does not get it."""

    def misses(shown: Shown) -> bool:
        scene = shown.scene
        if not own.final(shown) or opening(shown) or finished_when_joined(scene) or not whole(scene):
            return False
        late = scene.scratch[PLACE] > 1 and time.monotonic() - scene.scratch[CAME_S] < SUBSCRIBING_S
        return late and memory.cause(scene) is Cause.SUCCEEDED

    return piecing(misses, lambda _shown, _octets: (Close.NEVER,))


def _finished_too_soon(own: Traits, memory: Memory) -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        if scene.operation != "record" or answer.status != 200 or not memory.reading[scene.run or ""]:
            return answer
        if answer.document["status"] != "running":
            return answer
        return replace(answer, document={**answer.document, "status": own.done})

    return Seams(head=head)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "failure-untold", "TRM-01", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The stream of a run that fails is closed without a word.",
        remembered_of(_ending_left_out),
    ),
    Fault(
        "end-twice", "TRM-02", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "A run that fails says so twice.", remembered_of(_ending_twice),
    ),
    Fault(
        "more-after-the-end", "TRM-03", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "Something follows the end of a run that fails.",
        remembered_of(_afterwards),
    ),
    Fault(
        "closed-late", "TRM-04", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The stream of a failed run is closed 1.5 s after its end.",
        remembered(_closed_late(LATE_S)),
    ),
    Fault(
        "closed-late-but-legal", None, GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The stream of a failed run is closed 0.75 s after its end.",
        remembered(_closed_late(LEGAL_S)),
    ),
    Fault(
        "finished-run-slow", "TRM-05", GHOSTLY + PROMPTFLOE, "The replay of a finished run takes 1.5 s.",
        _replayed_late(LATE_S),
    ),
    Fault(
        "finished-run-slow-but-legal", None, GHOSTLY + PROMPTFLOE, "The replay of a finished run takes 0.75 s.",
        _replayed_late(LEGAL_S),
    ),
    Fault(
        "failure-told-as-success", "TRM-06", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "A run that failed is told as one that succeeded.",
        remembered_of(_told_as_success),
    ),
    Fault(
        "record-lags", "TRM-07", GHOSTLY + PROMPTFLOE,
        "The record says for half a second after the end that the run is active.",
        remembered(_lagging),
    ),
    Fault(
        "end-missed-by-the-last-to-join", "TRM-08", GHOSTLY + PROMPTFLOE,
        "Who joins right before the end waits for it for ever.",
        remembered_of(_subscribing_late),
    ),
    Fault(
        "record-finished-too-soon", "TRM-09", GHOSTLY + PROMPTFLOE,
        "The record of an active run that is read says that it is finished.",
        remembered_of(_finished_too_soon),
    ),
)  # fmt: skip
