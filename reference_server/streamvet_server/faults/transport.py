"""TRN: faults of the answer that carries a stream, and of readers that get in each other's way."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet_server.faults.endings import as_failure
from streamvet_server.faults.fault import BOTH, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.shapes import is_stream, piecing, reads, stream_field, stream_head, whole
from streamvet_server.seams import (
    Ahead,
    Answer,
    Backlog,
    Batch,
    Cause,
    Close,
    Held,
    Piece,
    Refusal,
    Scene,
    Seams,
    Shown,
    Why,
)

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


FAULTS: tuple[Fault, ...] = (
    Fault(
        "other-success-status", "TRN-01", BOTH + ROCKSTAR, "A whole stream is answered with status 203 instead of 200.",
        _other_status,
    ),
    Fault(
        "plain-text", "TRN-02", GHOSTLY, "The stream says that it is text/plain.",
        stream_field("Content-Type", "text/plain; charset=utf-8"),
    ),
    Fault(
        "plain-json", "TRN-02", PROMPTFLOE + ROCKSTAR, "The stream says that it is one JSON document.",
        stream_field("Content-Type", "application/json"),
    ),
    Fault("no-flush", "TRN-03", BOTH + ROCKSTAR, "Events wait in a buffer until three of them are there.", _buffered),
    Fault(
        "no-last-chunk", "TRN-04", BOTH + ROCKSTAR, "The connection of a failed run is closed without the last chunk.",
        remembered(_no_last_chunk),
    ),
    Fault(
        "close-delimited", "TRN-05", BOTH + ROCKSTAR, "A stream is not chunked: it ends where its connection ends.",
        stream_head(lambda _scene, answer: replace(answer, chunked=False)),
    ),
    Fault(
        "cacheable", "TRN-06", BOTH + ROCKSTAR, "A stream may be stored by any cache.",
        stream_field("Cache-Control", "public, max-age=60"),
    ),
    Fault("gzipped", "TRN-07", BOTH + ROCKSTAR, "A stream is compressed for a client that accepts gzip.", _gzipped),
    Fault(
        "oversized-line", "TRN-08", BOTH + ROCKSTAR,
        "The stream of a failed run ends with a line of more than a mebibyte.",
        remembered(_oversized),
    ),
    Fault(
        "proxy-may-buffer", "TRN-09", BOTH + ROCKSTAR, "A stream lacks X-Accel-Buffering: no.",
        stream_field("X-Accel-Buffering", None),
    ),
    Fault(
        "lockstep", "TRN-10", BOTH, "A run waits until each reader has taken its events.",
        lambda: Seams(pace=_lockstep),
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
        "leaking-listeners", "TRN-13", BOTH, "After fifteen readers have left an active run, no new one is served.",
        remembered(_leaking),
    ),
)  # fmt: skip
