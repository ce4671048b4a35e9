"""Faults of how cosma does what others do too: its head, its frames, the comments that keep it alive, its last event.

It must not know files or the queue.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.events import cleaned, cut_character
from streamvet_server.faults.fault import COSMA, STOP, Fault
from streamvet_server.faults.heartbeat import Gap, late, legal
from streamvet_server.faults.shapes import Make, answer_of, is_own, is_stream, piecing, reads, told, whole, written
from streamvet_server.faults.transport import BLOCK_EVENTS, BLOCK_S, CROWDED, POLL_S
from streamvet_server.seams import Ahead, Answer, Close, Held, Pause, Piece, Refusal, Scene, Seams, Shown, Update
from streamvet_server.systems.cosma.faults.readers import (
    ALIVE,
    KEEPALIVE,
    ORDINARY,
    RARE,
    Audience,
    beats,
    idling,
    interval_s,
    is_end,
    is_keepalive,
    is_ordinary,
    is_rare,
    published,
    with_readers,
)
from streamvet_server.wire import sse_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A stream should last 300 s: so many comments, and so much of the time between two of them.
ENDED_EARLY, ENDED_LEGALLY = (13, 1 / 3), (20, 0.4)
# Others may be so far behind: a burst is no stall.
STEP_UPDATES, STEP_BYTES = 16, 4096
BEAT, BEAT_SHARE = b": keepalive\n\n", 0.7
AUDIENCE = 9  # the contract asks for ten readers beside each other
KEEPALIVE_TOLERANCE_S = 1.5  # of a comment's 15 s
# A stream is closed within 3 s of its last event: one and a half of it, and three quarters.
STOP_LATE_S, STOP_LEGAL_S = 4.5, 2.25
NOT_ACCEPTABLE = 400  # the status of a refusal by the Accept field
STOP_NEVER_S = 20.0  # more than anybody waits for the end of a stream that is due within 3 s


def _updates_held_back() -> Seams:
    """The first one of a stream goes out: it may be all that comes between two comments."""

    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if not is_ordinary(shown):
            return (Ahead(octets),) if is_keepalive(shown) else (octets,)
        seen = shown.scene.scratch["seen"] = shown.scene.scratch.get("seen", 0) + 1
        return (octets,) if seen % BLOCK_EVENTS == 1 else (Held(octets, BLOCK_S),)

    return Seams(frame=pieces)


def _one_late() -> Seams:
    """Each update goes out with the next one, or with what is no ordinary one; a comment goes out in its place."""

    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if is_keepalive(shown):
            return (Ahead(octets),)
        return (Ahead(BEAT), Held(octets, BLOCK_S, alone=True)) if is_ordinary(shown) else (octets,)

    return Seams(frame=pieces)


def _readers_in_step(audience: Audience) -> Seams:
    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        mine, waited_s = audience.behind.get(id(shown.scene), 0), 0.0
        large = is_ordinary(shown) and len(octets) > STEP_BYTES
        while large and any(it > mine + STEP_UPDATES for it in audience.behind.values()):
            yield Pause(POLL_S)
            waited_s += POLL_S
            if waited_s >= BEAT_SHARE * interval_s(shown.scene):  # its heartbeats do not wait
                waited_s = 0.0
                yield Ahead(BEAT)
        yield octets

    return Seams(frame=frame)


def _tenth_refused(audience: Audience) -> Seams:
    refused: list[Scene] = []

    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        if refusal is not None or check != "accept" or refused or len(audience.behind) < AUDIENCE:
            return refusal
        refused.append(scene)
        return CROWDED

    return Seams(access=access)


def _ended_idle(beats_and_s: tuple[int, float]) -> Seams:
    """A stream that had only comments for that long is ended properly."""
    last, more = beats_and_s
    end = sse_block("update", '{"opcode":"shutting_down","data":{}}')

    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if beats(shown.scene) != last:
            return (octets,)
        return (octets, Pause(more * interval_s(shown.scene)), end, Close.CLEAN)

    return idling(Seams(frame=frame))


def _neighbours_swapped() -> Seams:
    """The first two ordinary updates that a script publishes at once, in the other order."""

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        made, at = list(updates), [index for index, it in enumerate(updates) if it.opcode == ORDINARY][:2]
        if len(at) == 2 and not is_own(scene):
            made[at[0]], made[at[1]] = made[at[1]], made[at[0]]
        return made

    return Seams(publish=publish)


def _every_second_differs() -> Seams:
    came = itertools.count(1)

    def head(scene: Scene, answer: Answer) -> Answer:
        if is_stream(answer):
            scene.scratch["copy"] = next(came)
        return answer

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        copy = shown.scene.scratch["copy"]
        return ({**told, "copy": copy},) if copy % 2 == 0 and shown.name == ORDINARY else (told,)

    return Seams(head=head, document=document)


def _idle(gap_s: Gap, *, after_event: bool) -> Make:
    """The comment that ends a silence behind an event, or behind anything else, comes later."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        return gap_s(seconds) if wait == KEEPALIVE and (beats(scene) == 0) is after_event else seconds

    return lambda: idling(Seams(clock=clock))


def _left_open_at_the_end() -> Seams:
    """No stream is closed after its last event; the server refuses new readers and runs until it is killed."""
    ended: list[bool] = []

    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if not is_end(shown):
            return (octets,)
        ended.append(True)
        return (octets, Close.NEVER)

    def access(_scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        return CROWDED if ended and check == "accept" else refusal

    def clock(_scene: Scene, wait: str, seconds: float) -> float:
        return STOP_NEVER_S if wait == "linger" else seconds

    return Seams(frame=frame, access=access, clock=clock)


def _last_again(audience: Audience) -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        if is_stream(answer) and not whole(scene):
            scene.scratch["missed"] = audience.last
        return answer

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        missed = None if is_keepalive(shown) else shown.scene.scratch.pop("missed", None)
        return (told,) if missed is None else ({"opcode": missed.opcode, "data": missed.data}, told)

    return Seams(head=head, document=document)


def _silent_after_crash() -> Seams:
    """A server that a suite has just started is told to forget everything first; one that was restarted is not."""
    begun: list[bool] = []

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        if scene.operation == "reset":
            begun.append(True)
        return updates

    def head(scene: Scene, answer: Answer) -> Answer:
        if is_stream(answer) and not begun:
            begun.append(True)
            scene.scratch["silent"] = True
        return answer

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        return () if "silent" in shown.scene.scratch else (told,)

    return Seams(publish=publish, head=head, document=document)


def _refused_in_text() -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        refused = answer.status == NOT_ACCEPTABLE and answer.document is not None and reads(scene)
        return replace(answer, document=answer.document["message"]) if refused else answer

    return Seams(head=head)


def _as_success() -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        refused = answer.status >= 400 and answer.document is not None and not reads(scene)
        return replace(answer, document={**answer.document, "success": True}) if refused else answer

    return Seams(head=head)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "updates-held-back", "TRN-03", COSMA, "Updates wait in a buffer until there are three of them.",
        _updates_held_back,
    ),
    Fault("update-late", "TRN-03", COSMA, "Each update waits for the next one.", _one_late),
    Fault(
        "end-without-last-chunk", "TRN-04", COSMA, "A stream that the server ends lacks the last chunk.",
        lambda: piecing(is_end, lambda _shown, octets: (octets, Close.BARE)),
    ),
    Fault(
        "lockstep-of-readers", "TRN-10", COSMA,
        "A reader of large updates waits until the others have received as much.",
        with_readers(lambda audience: idling(_readers_in_step(audience))),
    ),
    Fault(
        "tenth-reader-refused", "TRN-12", COSMA, "The first request for a tenth simultaneous stream is refused.",
        with_readers(_tenth_refused),
    ),
    Fault(
        "silent-stream-closed", "TRN-14", COSMA, "A stream is ended after 200 s of comments.",
        lambda: _ended_idle(ENDED_EARLY),
    ),
    Fault(
        "silent-stream-closed-but-legal", None, COSMA, "A stream is ended after 306 s of comments.",
        lambda: _ended_idle(ENDED_LEGALLY),
    ),
    Fault(
        "end-without-empty-line", "SSE-01", COSMA, "The block that says that the server stops lacks its empty line.",
        written(is_end, lambda octets: octets.removesuffix(b"\n")),
    ),
    Fault(
        "event-named-after-opcode", "SSE-06", COSMA, "An event field has the event's opcode.",
        written(is_rare, lambda octets: octets.replace(b"event: update\n", b"event: watch_added\n", 1)), rare=True,
    ),
    Fault(
        "character-cut-in-a-message", "EVT-01", COSMA,
        "The first character of a message that has several octets lacks one.",
        written(is_ordinary, cut_character),
    ),
    Fault(
        "control-characters-dropped-from-updates", "EVT-09", COSMA,
        "Control characters are cleaned from what is published.",
        published(lambda update: (replace(update, data=cleaned(update.data)),), ORDINARY, own=False),
    ),
    Fault(
        "pause-answer-without-message", "EVT-10", COSMA, "The answer to a pause has no message.",
        answer_of("pause", lambda _scene, answer: replace(answer, document={"success": True})),
    ),
    Fault(
        "opcode-misspelt", "EVT-11", COSMA, "An opcode has a hyphen in its name.",
        told(is_rare, lambda _shown, document: ({**document, "opcode": "watch-added"},)), rare=True,
    ),
    Fault(
        "stage-told-twice", "ORD-01", COSMA, "The embedding of a file is announced twice.",
        published(lambda update: (update, update), "file_embedded"),
    ),
    Fault(
        "scan-completed-twice", "ORD-08", COSMA, "The end of the scan of a directory is announced twice.",
        published(lambda update: (update, update), "directory_processing_completed"),
    ),
    Fault(
        "updates-swapped", "ORD-04", COSMA, "Two updates that are published together are sent in the opposite order.",
        _neighbours_swapped,
    ),
    Fault(
        "never-published", "ORD-05", COSMA, "Updates of one opcode reach no reader.",
        published(lambda _update: (), RARE, own=False), rare=True,
    ),
    Fault(
        "second-reader-differs", "ORD-06", COSMA, "Every second reader sees changed events.", _every_second_differs
    ),
    Fault(
        "keepalive-late", "HBT-01", COSMA,
        "A comment after another one comes after one and a half times the allowed time.",
        _idle(late(KEEPALIVE_TOLERANCE_S), after_event=False),
    ),
    Fault(
        "keepalive-late-but-legal", None, COSMA, "A comment after another one uses half of its tolerance.",
        _idle(legal(KEEPALIVE_TOLERANCE_S), after_event=False),
    ),
    Fault(
        "keepalive-late-after-an-event", "HBT-07", COSMA,
        "A comment after an event comes after one and a half times the allowed time.",
        _idle(late(KEEPALIVE_TOLERANCE_S), after_event=True),
    ),
    Fault(
        "keepalive-late-after-an-event-but-legal", None, COSMA,
        "A comment after an event uses half of its tolerance.",
        _idle(legal(KEEPALIVE_TOLERANCE_S), after_event=True),
    ),
    Fault(
        "last-update-again", "CAT-17", COSMA, "A reader with Last-Event-ID first gets the update before it came.",
        with_readers(_last_again),
    ),
    Fault(
        "first-reader-after-a-crash-untold", "CAT-18", COSMA, "The first reader after a restart receives nothing.",
        _silent_after_crash,
    ),
    Fault(
        "end-of-the-server-untold", "TRM-01", COSMA, "The stop of the server is not announced.",
        told(is_end, lambda _shown, _end: ()),
    ),
    Fault(
        "end-of-the-server-twice", "TRM-02", COSMA, "The stop of the server is announced twice.",
        told(is_end, lambda _shown, end: (end, end)),
    ),
    Fault(
        "comment-behind-the-end", "TRM-03", COSMA, "A comment follows the event that says that the server stops.",
        written(is_end, lambda octets: octets + ALIVE),
    ),
    Fault(
        "left-open-by-the-server", "TRM-04", COSMA, "No stream is closed after its last event.",
        _left_open_at_the_end, standing=STOP,
    ),
    Fault(
        "closed-late-by-the-server", "TRM-11", COSMA, "A stream is closed 4.5 s after its last event.",
        lambda: piecing(is_end, lambda _shown, octets: (octets, Pause(STOP_LATE_S))),
    ),
    Fault(
        "closed-late-by-the-server-but-legal", None, COSMA, "A stream is closed 2.25 s after its last event.",
        lambda: piecing(is_end, lambda _shown, octets: (octets, Pause(STOP_LEGAL_S))),
    ),
    Fault(
        "refusal-told-as-success", "ACC-07", COSMA, "A refusal claims to be a success.",
        _as_success,
    ),
    Fault(
        "refusal-in-bare-text", "ACC-14", COSMA, "A refusal by the Accept field has a bare text for its document.",
        _refused_in_text,
    ),
)  # fmt: skip
