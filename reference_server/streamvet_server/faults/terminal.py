"""TRM: faults of how runs and their streams end."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fitted import Fitted, remembered_of
from streamvet_server.faults.memory import CAME_S, PLACE, Memory, finished_when_joined, remembered
from streamvet_server.faults.shapes import opening, piecing, telling, whole
from streamvet_server.faults.traits import TOOK_MS
from streamvet_server.log import now_ms
from streamvet_server.seams import Answer, Batch, Cause, Close, Pause, Piece, Scene, Seams, Shown, Why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamvet_server.faults.traits import Traits

# A stream is closed, and a finished run replayed, within 1 s: one and a half of it, and three quarters.
LATE_S, LEGAL_S = 1.5, 0.75
# Who joins as a run ends has its ending within 2 s: the same parts of it.
JOIN_LATE_S, JOIN_LEGAL_S = 3.0, 1.5
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
    begun_ms: dict[str, int] = {}

    def append(scene: Scene, batch: Batch) -> Batch:
        run = scene.run or ""
        scene.scratch[TOOK_MS] = now_ms() - begun_ms.setdefault(run, now_ms())
        if any(map(own.plain, batch.documents)):
            plain.add(run)
        lies = batch.cause is Cause.FAILED and run in plain
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


def _never_closed(memory: Memory) -> Seams:
    def close(scene: Scene, why: Why) -> Close:
        fails = memory.cause(scene) is Cause.FAILED and not finished_when_joined(scene)
        return Close.NEVER if why is Why.LAST and fails else Close.CLEAN

    return Seams(close=close)


def _left_open(_own: Traits, memory: Memory) -> Seams:
    """The replay of a run that has failed stays open instead of sending its last event."""
    return piecing(
        lambda shown: shown.last and memory.failed(shown) and finished_when_joined(shown.scene),
        lambda _shown, _octets: (Close.NEVER,),
    )


def _subscribing_late(pieces: Callable[[bytes], Iterable[Piece]]) -> Fitted:
    """Who joins another reader right before the end gets `pieces` in its place."""

    def build(own: Traits, memory: Memory) -> Seams:
        def misses(shown: Shown) -> bool:
            scene = shown.scene
            if not own.final(shown) or opening(shown) or finished_when_joined(scene) or not whole(scene):
                return False
            late = scene.scratch[PLACE] > 1 and time.monotonic() - scene.scratch[CAME_S] < SUBSCRIBING_S
            return late and memory.cause(scene) is Cause.SUCCEEDED

        return piecing(misses, lambda _shown, octets: pieces(octets))

    return remembered_of(build)


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
        "The stream of a run that fails is closed without a terminal event.",
        remembered_of(_ending_left_out),
    ),
    Fault(
        "end-twice", "TRM-02", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "A run that fails says so twice.", remembered_of(_ending_twice),
    ),
    Fault(
        "more-after-the-end", "TRM-03", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "An event follows the end of a run that fails.",
        remembered_of(_afterwards),
    ),
    Fault(
        "never-closed", "TRM-04", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The stream of a run that fails while it is read is never closed.",
        remembered(_never_closed),
    ),
    Fault(
        "closed-late", "TRM-11", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The stream of a failed run is closed 1.5 s after its end.",
        remembered(_closed_late(LATE_S)),
    ),
    Fault(
        "closed-late-but-legal", None, GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The stream of a failed run is closed 0.75 s after its end.",
        remembered(_closed_late(LEGAL_S)),
    ),
    Fault(
        "finished-run-left-open", "TRM-05", GHOSTLY + PROMPTFLOE,
        "The replay of a run that has failed stays open instead of sending its last event.",
        remembered_of(_left_open),
    ),
    Fault(
        "finished-run-slow", "TRM-10", GHOSTLY + PROMPTFLOE, "The replay of a finished run takes 1.5 s.",
        _replayed_late(LATE_S),
    ),
    Fault(
        "finished-run-slow-but-legal", None, GHOSTLY + PROMPTFLOE, "The replay of a finished run takes 0.75 s.",
        _replayed_late(LEGAL_S),
    ),
    Fault(
        "failure-told-as-success", "TRM-06", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "A failed run ends like one that succeeded.",
        remembered_of(_told_as_success),
    ),
    Fault(
        "record-lags", "TRM-07", GHOSTLY + PROMPTFLOE,
        "The record says for half a second after the end that the run is active.",
        remembered(_lagging),
    ),
    Fault(
        "end-missed-by-the-last-to-join", "TRM-08", GHOSTLY + PROMPTFLOE,
        "A reader that joins right before the end waits for it forever.",
        _subscribing_late(lambda _octets: (Close.NEVER,)),
    ),
    Fault(
        "end-late-for-the-last-to-join", "TRM-12", GHOSTLY + PROMPTFLOE,
        "A reader that joins right before the end gets it 3 s later.",
        _subscribing_late(lambda octets: (Pause(JOIN_LATE_S), octets)),
    ),
    Fault(
        "end-late-for-the-last-to-join-but-legal", None, GHOSTLY + PROMPTFLOE,
        "A reader that joins right before the end gets it 1.5 s later.",
        _subscribing_late(lambda octets: (Pause(JOIN_LEGAL_S), octets)),
    ),
    Fault(
        "record-finished-too-soon", "TRM-09", GHOSTLY + PROMPTFLOE,
        "The record of an active run that is read says that it is finished.",
        remembered_of(_finished_too_soon),
    ),
)  # fmt: skip
