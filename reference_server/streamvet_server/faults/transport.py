"""TRN: faults of the answer that carries a stream, and of readers that get in each other's way."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet_server.faults.fault import AGENT_WORKSPACE, COSMA, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fitted import Fitted, rarely_written, remembered_of
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
    from collections.abc import Callable, Iterable, Sequence

    from streamvet_server.faults.traits import Traits

# A block buffer: so many events go out together. It is emptied when no more comes for longer than the pauses by which
# a suite tells that it is there.
HEADS = 4
BLOCK_EVENTS, BLOCK_S, FOR_EVER_S = 3, 1.5, 3600.0
# A compressor that is emptied when so many events are in it: as many as a script with pauses has.
PACKED_EVENTS = 3
OVERSIZE_BYTES = 100_000  # beyond the 64 KiB that stock readers take, and well below what the suite takes
OVERSIZED_COMMENT = b": " + b"x" * OVERSIZE_BYTES + b"\n"
WIDE_BYTES = 65_536  # what a bufio.Scanner of Go takes
LISTENERS = 16
# Many short connections, for the smallest number of them that shows a leak.
LEAKS = 15
POLL_S = 0.001
# A visitor is gone at once; a series of them comes within so much time.
VISIT_S, SERIES_S = 0.1, 1.0

# What is asked first of whoever wants a stream that everybody may read.
_FIRST_CHECKS = ("credentials", "accept")

CROWDED = Refusal(503, "unavailable", "too many readers")


def _other_status(own: Traits) -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        fits = is_stream(answer) and own.reads(scene) and whole(scene)
        return replace(answer, status=203) if fits else answer

    return Seams(head=head)


def _buffered(own: Traits) -> Seams:
    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if own.heartbeat(shown):
            return (Ahead(octets),)
        if shown.number is None or shown.last or shown.replayed:
            return (octets,)
        held = shown.scene.scratch["held"] = shown.scene.scratch.get("held", 0) + 1
        return (octets,) if held % BLOCK_EVENTS == 0 else (Held(octets, BLOCK_S),)

    return Seams(frame=pieces)


def _one_late(own: Traits) -> Seams:
    """Each event goes out with the next write, so that the gaps between events look right."""

    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if own.heartbeat(shown):
            return (Ahead(octets),)
        live = not (shown.last or shown.replayed or own.final(shown) or shown.number is None)
        return (Held(octets, BLOCK_S, alone=True),) if live else (octets,)

    return Seams(frame=pieces)


def _late_heads() -> Seams:
    """The head of the answer to a start waits for its first frame; of streams that are only read each fourth one's."""
    came = 0

    def head(scene: Scene, answer: Answer) -> Answer:
        nonlocal came
        if not is_stream(answer):
            return answer
        came += reads(scene)
        waits = came % HEADS == 1 if reads(scene) else not scene.operation.startswith("resume")
        return replace(answer, at_once=not waits)

    return Seams(head=head)


def _beats_in_blocks(own: Traits) -> Seams:
    """Every second heartbeat waits for the next one, or for something else."""

    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        if not own.heartbeat(shown):
            return (octets,)
        held = shown.scene.scratch["held"] = shown.scene.scratch.get("held", 0) + 1
        return (octets,) if held % 2 else (Held(octets, FOR_EVER_S),)

    return Seams(frame=pieces)


def _failed_run_ends(how: Close) -> Callable[[], Seams]:
    """The streams of a failed run are ended in another way."""

    def build(memory: Memory) -> Seams:
        def close(scene: Scene, why: Why) -> Close:
            return how if why is Why.LAST and memory.cause(scene) is Cause.FAILED else Close.CLEAN

        return Seams(close=close)

    return remembered(build)


def _gzipped(own: Traits, applies: Callable[[Scene], bool], *, flushes: int = 1) -> Seams:
    """The chosen streams compressed; the compressor is flushed after so many events, and at the end."""

    def head(scene: Scene, answer: Answer) -> Answer:
        if not is_stream(answer) or not applies(scene):
            return answer
        scene.scratch["packer"] = zlib.compressobj(wbits=31)  # 31: with gzip's own header
        return replace(answer, headers={**answer.headers, "Content-Encoding": "gzip"})

    def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
        packer = shown.scene.scratch.get("packer")
        if packer is None:
            return (octets,)
        packed = shown.scene.scratch.get("packed", 0) + (not own.heartbeat(shown))
        shown.scene.scratch["packed"] = packed
        out = packer.compress(octets)
        if shown.last or packed % flushes == 0:
            out += packer.flush(zlib.Z_FINISH if shown.last else zlib.Z_SYNC_FLUSH)
        return (out,) if out else ()  # an empty chunk would end the message

    return Seams(head=head, frame=pieces)


def _takes_gzip(scene: Scene) -> bool:
    return "gzip" in scene.headers.get("Accept-Encoding", "") and not _names_gzip(scene)


def _names_gzip(scene: Scene) -> bool:
    """Whether gzip is named, with a weight that says that it is not taken."""
    return "gzip;q=0" in scene.headers.get("Accept-Encoding", "")


def _oversized(own: Traits) -> Seams:
    def pad(_shown: Shown, octets: bytes) -> Iterable[Piece]:
        return (octets, b" " * OVERSIZE_BYTES + b"\n" if own.lines else OVERSIZED_COMMENT)

    return piecing(lambda shown: shown.last, pad)


async def _lockstep(_scene: Scene, readers: Sequence[Backlog]) -> None:
    while any(reader.waiting for reader in readers):  # noqa: ASYNC110 - a reader tells nobody when it has taken one
        await asyncio.sleep(POLL_S)


def _leaving_fails(own: Traits, memory: Memory) -> Seams:
    def append(scene: Scene, batch: Batch) -> Batch:
        left = batch.cause is Cause.SUCCEEDED and memory.departed[scene.run or ""] > 0
        return own.as_failure(scene, batch) if left else batch

    return Seams(append=append)


def _crowded(memory: Memory) -> Seams:
    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        full = check == "owner" and reads(scene) and memory.reading[scene.run or ""] >= LISTENERS
        return CROWDED if refusal is None and full else refusal

    return Seams(access=access)


def _queueing(memory: Memory) -> Seams:
    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        if check == "owner" and reads(scene) and memory.reading[scene.run or ""] >= LISTENERS:
            scene.scratch["queued"] = True
        return refusal

    async def turn(scene: Scene) -> None:
        run = scene.run or ""
        gone = memory.departed[run]

        def waits() -> bool:
            return "queued" in scene.scratch and run not in memory.ended and memory.departed[run] == gone

        while waits():  # noqa: ASYNC110 - who leaves tells nobody
            await asyncio.sleep(POLL_S)

    return Seams(access=access, turn=turn)


def _first_other_refused(memory: Memory) -> Seams:
    refused: set[str] = set()

    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        run = scene.run or ""
        second = check == "owner" and reads(scene) and whole(scene) and memory.reading[run] > 0 and run not in refused
        if refusal is not None or not second or run in memory.ended:
            return refusal
        refused.add(run)
        return CROWDED

    return Seams(access=access)


def _leaking(memory: Memory) -> Seams:
    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        run = scene.run or ""
        worn_out = check == "owner" and reads(scene) and memory.departed[run] >= LEAKS and run not in memory.ended
        return CROWDED if refusal is None and worn_out else refusal

    return Seams(access=access)


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
        return CROWDED

    return Seams(head=head, left=left, access=access)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "other-success-status", "TRN-01", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE + COSMA,
        "A whole stream is answered with status 203 instead of 200.",
        Fitted(_other_status),
    ),
    Fault(
        "plain-text", "TRN-02", GHOSTLY + AGENT_WORKSPACE + COSMA, "The media type is text/plain.",
        stream_field("Content-Type", "text/plain; charset=utf-8"),
    ),
    Fault(
        "plain-json", "TRN-02", PROMPTFLOE + ROCKSTAR, "The media type is that of one JSON document.",
        stream_field("Content-Type", "application/json"),
    ),
    Fault(
        "no-flush", "TRN-03", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "Events wait in a buffer until there are three of them.",
        Fitted(_buffered),
    ),
    Fault(
        "one-event-late", "TRN-03", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "Each event waits for the next write; the last one waits for the ending.",
        Fitted(_one_late),
    ),
    Fault(
        "heartbeats-in-blocks", "TRN-03", AGENT_WORKSPACE,
        "Every second heartbeat waits in a buffer for the next one.",
        Fitted(_beats_in_blocks),
    ),
    Fault(
        "no-last-chunk", "TRN-04", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The connection of a failed run is closed without the last chunk.",
        _failed_run_ends(Close.BARE),
    ),
    Fault(
        "keepalive-behind-the-end", "TRN-04", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "On the connection of a failed run a keepalive follows the last chunk.",
        _failed_run_ends(Close.TALKING),
    ),
    Fault(
        "limit-without-last-chunk", "TRN-04", AGENT_WORKSPACE,
        "A stream at its age limit is cut off without the last chunk.",
        lambda: Seams(close=lambda _scene, why: Close.BARE if why is Why.CAP else Close.CLEAN),
    ),
    Fault(
        "close-delimited", "TRN-05", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE + COSMA,
        "A stream is not chunked: it ends where its connection ends.",
        stream_head(lambda _scene, answer: replace(answer, chunked=False)),
    ),
    Fault(
        "cacheable", "TRN-06", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE + COSMA,
        "A stream may be stored by any cache.",
        stream_field("Cache-Control", "public, max-age=60"),
    ),
    Fault(
        "gzipped-in-blocks", "TRN-07", GHOSTLY + PROMPTFLOE + ROCKSTAR + COSMA,
        "A stream is compressed for a client that accepts gzip, and the compressor is flushed after three events only.",
        Fitted(lambda own: _gzipped(own, _takes_gzip, flushes=PACKED_EVENTS)),
    ),
    Fault(
        "gzipped-in-blocks-but-legal", None, GHOSTLY + PROMPTFLOE + ROCKSTAR + COSMA,
        "A stream is compressed for a client that accepts gzip, and the compressor is flushed after each event.",
        Fitted(lambda own: _gzipped(own, _takes_gzip)),
    ),
    Fault(
        "oversized-line", "TRN-08", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "A stream ends with a line of more than a hundred kilobytes.",
        Fitted(_oversized), fixture=True,
    ),
    Fault(
        "proxy-may-buffer", "TRN-09", GHOSTLY + PROMPTFLOE + ROCKSTAR + COSMA,
        "A stream lacks X-Accel-Buffering: no.",
        stream_field("X-Accel-Buffering", None),
    ),
    Fault(
        "lockstep", "TRN-10", GHOSTLY + PROMPTFLOE, "A run waits until each reader has received its events.",
        lambda: Seams(pace=_lockstep),
    ),
    Fault(
        "leaving-fails-the-run", "TRN-11", GHOSTLY + PROMPTFLOE, "A run that a reader has left ends as a failure.",
        remembered_of(_leaving_fails),
    ),
    Fault(
        "seventeenth-reader-refused", "TRN-12", GHOSTLY, "A run refuses a seventeenth simultaneous reader.",
        remembered(_crowded),
    ),
    Fault(
        "seventeenth-reader-queued", "TRN-12", GHOSTLY, "A reader beside sixteen others waits for its turn.",
        remembered(_queueing),
    ),
    Fault(
        "second-reader-refused", "TRN-12", PROMPTFLOE, "The first reader that joins another one is refused.",
        remembered(_first_other_refused),
    ),
    Fault(
        "leaking-listeners", "TRN-13", GHOSTLY + PROMPTFLOE,
        "After fifteen readers have left an active run, no further reader is served.",
        remembered(_leaking),
    ),
    Fault(
        "leaking-visitors", "TRN-13", AGENT_WORKSPACE + COSMA,
        "Of readers that come and go in quick succession, the sixteenth is refused.",
        _leaking_visitors,
    ),
    Fault(
        "weight-not-read", "TRN-16", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE + COSMA,
        "A stream is compressed for a client that names gzip with the weight 0.",
        Fitted(lambda own: _gzipped(own, _names_gzip)),
    ),
    Fault(
        "required-field-missing", "TRN-17", AGENT_WORKSPACE, "A stream lacks X-Accel-Buffering: no.",
        stream_field("X-Accel-Buffering", None),
    ),
    Fault(
        "wide-line", "TRN-18", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The line of a rare event has 64 KiB of white space.",
        rarely_written(lambda octets: octets.replace(b"{", b"{" + b" " * WIDE_BYTES, 1)),
    ),
    Fault(
        "charset-latin-1", "TRN-19", GHOSTLY + AGENT_WORKSPACE + COSMA, "The media type claims Latin-1.",
        stream_field("Content-Type", "text/event-stream; charset=iso-8859-1"),
    ),
    Fault(
        "lines-in-latin-1", "TRN-19", PROMPTFLOE + ROCKSTAR, "The media type claims Latin-1.",
        stream_field("Content-Type", "application/x-ndjson; charset=ISO-8859-1"),
    ),
    Fault(
        "head-with-the-first-event", "TRN-20", PROMPTFLOE + ROCKSTAR + COSMA, "A head waits for the first event.",
        _late_heads,
    ),
)  # fmt: skip
