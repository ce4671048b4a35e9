"""TRM: faults of how runs and their streams end."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.accounts import FLEET_ACCOUNTS
from streamvet_server.faults.endings import as_success
from streamvet_server.faults.fault import BOTH, COSMA, FLEET, ROCKSTAR, Fault
from streamvet_server.faults.memory import CAME_S, PLACE, Memory, finished_when_joined, remembered
from streamvet_server.faults.shapes import opening, piecing, telling, told, whole, written
from streamvet_server.faults.updates import ALIVE, is_end
from streamvet_server.log import now_ms
from streamvet_server.seams import Answer, Batch, Cause, Close, Pause, Piece, Scene, Seams, Shown
from streamvet_server.wire import ndjson_line, sse_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# A stream is closed, and a finished run replayed, within 1 s: one and a half of it, and three quarters.
LATE_S, LEGAL_S = 1.5, 0.75
# cosma's have 3 s.
STOP_LATE_S, STOP_LEGAL_S = 4.5, 2.25
# A record that is written behind the stream is so much behind.
LAG_S = 0.5
# Who joins so soon before the end has not subscribed yet when it comes.
SUBSCRIBING_S = 0.03

_FINAL = frozenset({"status.pass", "status.fail"})
_LINES = frozenset({"promptfloe", "rockstar"})  # their last line says that it is over


def _final(shown: Shown) -> bool:
    """Whether an event says that the run is over: ghostly's final status, the last line elsewhere."""
    return shown.name in _FINAL or (shown.scene.profile in _LINES and shown.last)


def _load_error(shown: Shown) -> bool:
    """Whether an event is agent-workspace's only terminal one."""
    return shown.name == "error"


def _update_of_the_second(shown: Shown) -> bool:
    """Whether an event is an update for the second account, which sees less than the first one."""
    from streamvet_server.tokens import of_session  # noqa: PLC0415 -- the faults of other systems need no tokens

    session = shown.scene.headers.get("Cookie", "").partition("=")[2]
    return shown.name == "fleet_update" and of_session(session) == FLEET_ACCOUNTS[1][0]


def _ending_untold(memory: Memory) -> Seams:
    return telling(
        lambda shown: (_final(shown) or shown.last) and memory.fails_while_read(shown), lambda _shown, _document: ()
    )


def _ending_twice(memory: Memory) -> Seams:
    return telling(lambda shown: _final(shown) and memory.fails_while_read(shown), _again)


def _again(_shown: Shown, document: Any) -> Iterable[Any]:
    return (document, {**document, "id": document["id"] + 1} if "id" in document else document)


def _afterwards(memory: Memory) -> Seams:
    return piecing(lambda shown: shown.last and memory.fails_while_read(shown), _and_more)


def _and_more(shown: Shown, octets: bytes) -> Iterable[Piece]:
    if shown.scene.profile == "ghostly":
        return (octets, sse_block("ping", str(now_ms())))
    if shown.scene.profile == "rockstar":
        return (octets, ndjson_line({"step": "storing", "detail": "Cleaning up"}))
    more = {"type": "progress", "id": (shown.number or 0) + 1, "runId": shown.scene.run, "stage": "cleaning up"}
    return (octets, ndjson_line(more))


def _closed_late(seconds: float) -> Callable[[Memory], Seams]:
    def build(memory: Memory) -> Seams:
        def clock(scene: Scene, wait: str, honest_s: float) -> float:
            return seconds if wait == "close" and memory.cause(scene) is Cause.FAILED else honest_s

        return Seams(clock=clock)

    return build


def _replayed_late(seconds: float) -> Callable[[Memory], Seams]:
    """The wait is behind the first status, which has a time of its own, and before promptfloe's last line."""

    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if shown.scene.profile == "ghostly":
            return (octets, Pause(seconds)) if opening(shown) and shown.name in _FINAL else (octets,)
        return (Pause(seconds), octets) if shown.last and finished_when_joined(shown.scene) else (octets,)

    return lambda _memory: Seams(frame=pieces)


def _told_as_success(_memory: Memory) -> Seams:
    chatty: set[str] = set()

    def append(scene: Scene, batch: Batch) -> Batch:
        if any(document.get("type") == "chunk" for document in batch.documents):
            chatty.add(scene.run or "")
        lies = batch.cause is Cause.FAILED and (scene.profile != "promptfloe" or scene.run in chatty)
        return as_success(scene, batch) if lies else batch

    return Seams(append=append)


def _lagging(memory: Memory) -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        cause, at_s = memory.ended.get(scene.run or "", (Cause.DETACHED, 0.0))
        behind = cause in (Cause.SUCCEEDED, Cause.FAILED) and time.monotonic() - at_s < LAG_S
        if scene.operation != "record" or answer.status != 200 or not behind:
            return answer
        return replace(answer, document={**answer.document, "status": "running"})

    return Seams(head=head)


def _subscribing_late(memory: Memory) -> Seams:
    """Who joins another reader right before the end never hears of it."""

    def misses(shown: Shown) -> bool:
        scene = shown.scene
        if not _final(shown) or opening(shown) or finished_when_joined(scene) or not whole(scene):
            return False
        late = scene.scratch[PLACE] > 1 and time.monotonic() - scene.scratch[CAME_S] < SUBSCRIBING_S
        return late and memory.cause(scene) is Cause.SUCCEEDED

    return piecing(misses, lambda _shown, _octets: (Close.NEVER,))


def _finished_too_soon(memory: Memory) -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        if scene.operation != "record" or answer.status != 200 or not memory.reading[scene.run or ""]:
            return answer
        if answer.document["status"] != "running":
            return answer
        finished = "pass" if scene.profile == "ghostly" else "succeeded"
        return replace(answer, document={**answer.document, "status": finished})

    return Seams(head=head)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "failure-untold", "TRM-01", BOTH + ROCKSTAR, "The stream of a run that fails is closed without a word.",
        remembered(_ending_untold),
    ),
    Fault(
        "closed-behind-an-update", "TRM-01", FLEET, "The second account's stream is closed behind its first update.",
        lambda: piecing(_update_of_the_second, lambda _shown, octets: (octets, Close.CLEAN)),
    ),
    Fault(
        "end-of-the-server-untold", "TRM-01", COSMA, "A reader is not told that the server stops.",
        told(is_end, lambda _shown, _end: ()),
    ),
    Fault("end-twice", "TRM-02", BOTH + ROCKSTAR, "A run that fails says so twice.", remembered(_ending_twice)),
    Fault(
        "error-twice", "TRM-02", FLEET, "The error event comes twice.",
        told(_load_error, lambda _shown, error: (error, error)),
    ),
    Fault(
        "end-of-the-server-twice", "TRM-02", COSMA, "A reader is told twice that the server stops.",
        told(is_end, lambda _shown, end: (end, end)),
    ),
    Fault(
        "more-after-the-end", "TRM-03", BOTH + ROCKSTAR, "Something follows the end of a run that fails.",
        remembered(_afterwards),
    ),
    Fault(
        "heartbeat-behind-the-error", "TRM-03", FLEET, "A heartbeat follows the error event.",
        lambda: piecing(_load_error, lambda _shown, octets: (octets, sse_block("heartbeat", f'{{"ts":{now_ms()}}}'))),
    ),
    Fault(
        "comment-behind-the-end", "TRM-03", COSMA, "A comment follows the event that says that the server stops.",
        written(is_end, lambda octets: octets + ALIVE),
    ),
    Fault(
        "closed-late", "TRM-04", BOTH + ROCKSTAR, "The stream of a failed run is closed 1.5 s after its end.",
        remembered(_closed_late(LATE_S)),
    ),
    Fault(
        "closed-late-but-legal", None, BOTH + ROCKSTAR, "The stream of a failed run is closed 0.75 s after its end.",
        remembered(_closed_late(LEGAL_S)),
    ),
    Fault(
        "error-closed-late", "TRM-04", FLEET, "The stream is closed 1.5 s after its error event.",
        lambda: piecing(_load_error, lambda _shown, octets: (octets, Pause(LATE_S))),
    ),
    Fault(
        "error-closed-late-but-legal", None, FLEET, "The stream is closed 0.75 s after its error event.",
        lambda: piecing(_load_error, lambda _shown, octets: (octets, Pause(LEGAL_S))),
    ),
    Fault(
        "closed-late-by-the-server", "TRM-04", COSMA, "A stream is closed 4.5 s after its last event.",
        lambda: piecing(is_end, lambda _shown, octets: (octets, Pause(STOP_LATE_S))),
    ),
    Fault(
        "closed-late-by-the-server-but-legal", None, COSMA, "A stream is closed 2.25 s after its last event.",
        lambda: piecing(is_end, lambda _shown, octets: (octets, Pause(STOP_LEGAL_S))),
    ),
    Fault(
        "finished-run-slow", "TRM-05", BOTH, "The replay of a finished run takes 1.5 s.",
        remembered(_replayed_late(LATE_S)),
    ),
    Fault(
        "finished-run-slow-but-legal", None, BOTH, "The replay of a finished run takes 0.75 s.",
        remembered(_replayed_late(LEGAL_S)),
    ),
    Fault(
        "failure-told-as-success", "TRM-06", BOTH + ROCKSTAR, "A run that failed is told as one that succeeded.",
        remembered(_told_as_success),
    ),
    Fault(
        "record-lags", "TRM-07", BOTH, "The record says for half a second after the end that the run is active.",
        remembered(_lagging),
    ),
    Fault(
        "end-missed-by-the-last-to-join", "TRM-08", BOTH, "Who joins right before the end waits for it for ever.",
        remembered(_subscribing_late),
    ),
    Fault(
        "record-finished-too-soon", "TRM-09",
        BOTH, "The record of an active run that is read says that it is finished.",
        remembered(_finished_too_soon),
    ),
)  # fmt: skip
