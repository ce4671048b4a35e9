"""TRN: faults of the answer that carries a stream, and of readers that get in each other's way."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet_server.faults.endings import as_failure
from streamvet_server.faults.fault import BOTH, COSMA, FLEET, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fleet import age, timed
from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.shapes import Make, is_stream, piecing, reads, stream_field, stream_head, whole, written
from streamvet_server.faults.updates import (
    KEEPALIVE,
    Audience,
    beats,
    heard,
    idling,
    interval_s,
    is_end,
    is_ordinary,
)
from streamvet_server.seams import (
    Ahead,
    Answer,
    Backlog,
    Batch,
    Cause,
    Close,
    Held,
    Pause,
    Piece,
    Refusal,
    Scene,
    Seams,
    Shown,
    Why,
)
from streamvet_server.wire import sse_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A block buffer: so many events go out together. It is emptied when no more comes for longer than the pauses by which
# a suite tells that it is there.
BLOCK_EVENTS, BLOCK_S = 3, 1.5
OVERSIZE_BYTES = 1_200_000  # the suite takes lines of a mebibyte
LISTENERS = 16
# Many short connections, for the smallest number of them that shows a leak.
LEAKS = 15
_POLL_S = 0.001
# A visitor is gone at once; a series of them comes within so much time.
VISIT_S, SERIES_S = 0.1, 1.0
OLD = 0.85  # of the time that a stream may last
# An idle stream should last 60 s: it is closed after two thirds of that; or when the platform's limit may have done it.
CLOSED_EARLY, CLOSED_LEGALLY = 40 / 300, 276 / 300
# cosma's should last 300 s.
ENDED_EARLY, ENDED_LEGALLY = (13, 1 / 3), (20, 0.4)
# Others may be so far behind: a burst is no stall.
STEP_UPDATES = 16
AUDIENCE = 9  # the contract asks for ten readers beside each other

# What is asked first of whoever wants a stream that everybody may read.
_FIRST_CHECKS = ("credentials", "accept")

_CROWDED = Refusal(503, "unavailable", "too many readers")


def _other_status() -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        fits = is_stream(answer) and reads(scene) and whole(scene)
        return replace(answer, status=203) if fits else answer

    return Seams(head=head)


def _buffered() -> Seams:
    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if shown.name == "ping":
            return (Ahead(octets),)
        if shown.number is None or shown.last or shown.replayed:
            return (octets,)
        held = shown.scene.scratch["held"] = shown.scene.scratch.get("held", 0) + 1
        return (octets,) if held % BLOCK_EVENTS == 0 else (Held(octets, BLOCK_S),)

    return Seams(frame=pieces)


def _no_last_chunk(memory: Memory) -> Seams:
    def close(scene: Scene, why: Why) -> Close:
        return Close.BARE if why is Why.LAST and memory.cause(scene) is Cause.FAILED else Close.CLEAN

    return Seams(close=close)


def _gzipped() -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        if not is_stream(answer) or "gzip" not in scene.headers.get("Accept-Encoding", ""):
            return answer
        scene.scratch["packer"] = zlib.compressobj(wbits=31)  # 31: with gzip's own header
        return replace(answer, headers={**answer.headers, "Content-Encoding": "gzip"})

    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        packer = shown.scene.scratch.get("packer")
        if packer is None:
            return (octets,)
        return (packer.compress(octets) + packer.flush(zlib.Z_FINISH if shown.last else zlib.Z_SYNC_FLUSH),)

    return Seams(head=head, frame=pieces)


def _oversized(memory: Memory) -> Seams:
    def pad(shown: Shown, octets: bytes) -> Iterable[Piece]:
        start, filling = (b": ", b"x") if shown.scene.profile == "ghostly" else (b"", b" ")
        return (octets, start + filling * OVERSIZE_BYTES + b"\n")

    return piecing(lambda shown: shown.last and memory.fails_while_read(shown), pad)


async def _lockstep(_scene: Scene, readers: Sequence[Backlog]) -> None:
    while any(reader.waiting for reader in readers):  # noqa: ASYNC110 - a reader tells nobody when it has taken one
        await asyncio.sleep(_POLL_S)


def _leaving_fails(memory: Memory) -> Seams:
    def append(scene: Scene, batch: Batch) -> Batch:
        left = batch.cause is Cause.SUCCEEDED and memory.departed[scene.run or ""] > 0
        return as_failure(scene, batch) if left else batch

    return Seams(append=append)


def _crowded(memory: Memory) -> Seams:
    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        full = check == "owner" and reads(scene) and memory.reading[scene.run or ""] >= LISTENERS
        return _CROWDED if refusal is None and full else refusal

    return Seams(access=access)


def _first_other_refused(memory: Memory) -> Seams:
    refused: set[str] = set()

    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        run = scene.run or ""
        second = check == "owner" and reads(scene) and whole(scene) and memory.reading[run] > 0 and run not in refused
        if refusal is not None or not second or run in memory.ended:
            return refusal
        refused.add(run)
        return _CROWDED

    return Seams(access=access)


def _leaking(memory: Memory) -> Seams:
    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        run = scene.run or ""
        worn_out = check == "owner" and reads(scene) and memory.departed[run] >= LEAKS and run not in memory.ended
        return _CROWDED if refusal is None and worn_out else refusal

    return Seams(access=access)


def _oversized_at_last() -> Seams:
    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        last = shown.name == "heartbeat" and age(shown.scene) > OLD
        return (octets, b": " + b"x" * OVERSIZE_BYTES + b"\n") if last else (octets,)

    return timed(Seams(frame=frame))


def _leaking_visitors() -> Seams:
    """What a visitor leaves behind is found again after a while, so that only a series of them wears the server out."""
    departed: deque[float] = deque(maxlen=LEAKS)

    def head(scene: Scene, answer: Answer) -> Answer:
        if is_stream(answer):
            scene.scratch["came_s"] = time.monotonic()
        return answer

    def left(scene: Scene) -> None:
        now_s = time.monotonic()
        if now_s - scene.scratch.get("came_s", now_s) < VISIT_S:
            departed.append(now_s)

    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        series = len(departed) == LEAKS and time.monotonic() - departed[0] < SERIES_S
        if refusal is not None or check not in _FIRST_CHECKS or not reads(scene) or not series:
            return refusal
        departed.clear()
        return _CROWDED

    return Seams(head=head, left=left, access=access)


def _updates_held_back() -> Seams:
    """The first one of a stream goes out: it may be all that comes between two comments."""

    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if not is_ordinary(shown):
            return (Ahead(octets),) if shown.name == KEEPALIVE else (octets,)
        seen = shown.scene.scratch["seen"] = shown.scene.scratch.get("seen", 0) + 1
        return (octets,) if seen % BLOCK_EVENTS == 1 else (Held(octets, BLOCK_S),)

    return Seams(frame=pieces)


def _readers_in_step(audience: Audience) -> Seams:
    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        mine = audience.behind.get(id(shown.scene), 0)
        while is_ordinary(shown) and any(it > mine + STEP_UPDATES for it in audience.behind.values()):
            yield Pause(_POLL_S)
        yield octets

    return Seams(frame=frame)


def _tenth_refused(audience: Audience) -> Seams:
    refused: list[Scene] = []

    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        if refusal is not None or check != "accept" or refused or len(audience.behind) < AUDIENCE:
            return refusal
        refused.append(scene)
        return _CROWDED

    return Seams(access=access)


def _ended_idle(beats_and_s: tuple[int, float]) -> Seams:
    """A stream on which there were only comments for so long is ended, in good order."""
    last, more = beats_and_s
    end = sse_block("update", '{"opcode":"shutting_down","data":{}}')

    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if beats(shown.scene) != last:
            return (octets,)
        return (octets, Pause(more * interval_s(shown.scene)), end, Close.CLEAN)

    return idling(Seams(frame=frame))


def _closed_after(part: float) -> Make:
    """Every stream is closed after this part of the time that it may last."""
    return lambda: Seams(clock=lambda _scene, wait, seconds: part * seconds if wait == "cap" else seconds)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "other-success-status", "TRN-01", BOTH + ROCKSTAR + FLEET + COSMA,
        "A whole stream is answered with status 203 instead of 200.",
        _other_status,
    ),
    Fault(
        "plain-text", "TRN-02", GHOSTLY + FLEET + COSMA, "The stream says that it is text/plain.",
        stream_field("Content-Type", "text/plain; charset=utf-8"),
    ),
    Fault(
        "plain-json", "TRN-02", PROMPTFLOE + ROCKSTAR, "The stream says that it is one JSON document.",
        stream_field("Content-Type", "application/json"),
    ),
    Fault("no-flush", "TRN-03", BOTH + ROCKSTAR, "Events wait in a buffer until three of them are there.", _buffered),
    Fault(
        "updates-held-back", "TRN-03", COSMA, "Updates wait in a buffer until three of them are there.",
        _updates_held_back,
    ),
    Fault(
        "no-last-chunk", "TRN-04", BOTH + ROCKSTAR, "The connection of a failed run is closed without the last chunk.",
        remembered(_no_last_chunk),
    ),
    Fault(
        "limit-without-last-chunk", "TRN-04", FLEET, "A stream at its limit is cut off without the last chunk.",
        lambda: Seams(close=lambda _scene, why: Close.BARE if why is Why.CAP else Close.CLEAN),
    ),
    Fault(
        "end-without-last-chunk", "TRN-04", COSMA, "A stream that the server ends lacks the last chunk.",
        lambda: piecing(is_end, lambda _shown, octets: (octets, Close.BARE)),
    ),
    Fault(
        "close-delimited", "TRN-05", BOTH + ROCKSTAR + FLEET + COSMA,
        "A stream is not chunked: it ends where its connection ends.",
        stream_head(lambda _scene, answer: replace(answer, chunked=False)),
    ),
    Fault(
        "cacheable", "TRN-06", BOTH + ROCKSTAR + FLEET + COSMA, "A stream may be stored by any cache.",
        stream_field("Cache-Control", "public, max-age=60"),
    ),
    Fault(
        "gzipped", "TRN-07", BOTH + ROCKSTAR + FLEET + COSMA, "A stream is compressed for a client that accepts gzip.",
        _gzipped,
    ),
    Fault(
        "oversized-line", "TRN-08", BOTH + ROCKSTAR,
        "The stream of a failed run ends with a line of more than a mebibyte.",
        remembered(_oversized),
    ),
    Fault(
        "oversized-line-at-the-end", "TRN-08", COSMA, "A stream ends with a line of more than a mebibyte.",
        written(is_end, lambda octets: octets + b": " + b"x" * OVERSIZE_BYTES + b"\n"),
    ),
    Fault(
        "oversized-line-at-last", "TRN-08", FLEET, "A stream near its limit has a line of more than a mebibyte.",
        _oversized_at_last,
    ),
    Fault(
        "proxy-may-buffer", "TRN-09", BOTH + ROCKSTAR + FLEET + COSMA, "A stream lacks X-Accel-Buffering: no.",
        stream_field("X-Accel-Buffering", None),
    ),
    Fault(
        "lockstep", "TRN-10", BOTH, "A run waits until each reader has taken its events.",
        lambda: Seams(pace=_lockstep),
    ),
    Fault(
        "lockstep-of-readers", "TRN-10", COSMA, "A reader waits until the others have what it has.",
        heard(_readers_in_step),
    ),
    Fault(
        "leaving-fails-the-run", "TRN-11", BOTH, "A run that a reader has left ends as a failure.",
        remembered(_leaving_fails),
    ),
    Fault(
        "seventeenth-reader-refused", "TRN-12", GHOSTLY, "A run takes sixteen readers at once and no more.",
        remembered(_crowded),
    ),
    Fault(
        "second-reader-refused", "TRN-12", PROMPTFLOE, "The first reader that joins another one is turned away.",
        remembered(_first_other_refused),
    ),
    Fault(
        "tenth-reader-refused", "TRN-12", COSMA, "The first who would be the tenth reader is turned away.",
        heard(_tenth_refused),
    ),
    Fault(
        "leaking-listeners", "TRN-13", BOTH, "After fifteen readers have left an active run, no new one is served.",
        remembered(_leaking),
    ),
    Fault(
        "leaking-visitors", "TRN-13", FLEET + COSMA,
        "Of readers that come and go at once the sixteenth is turned away.",
        _leaking_visitors,
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
        "idle-stream-closed", "TRN-15", FLEET, "A stream is closed after 40 s, two thirds of what it should last.",
        _closed_after(CLOSED_EARLY),
    ),
    Fault(
        "idle-stream-closed-but-legal", None, FLEET,
        "A stream is closed after 276 s, where the platform's limit may have done it.",
        _closed_after(CLOSED_LEGALLY),
    ),
)  # fmt: skip
