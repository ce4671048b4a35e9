"""Modes of how the octets of a frame are cut and when they come: nothing that is sent is another octet.

It must not know any system, nor what an event says.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet_server.faults.fault import COSMA, GHOSTLY, PROMPTFLOE, ROCKSTAR
from streamvet_server.faults.shapes import every, is_stream, piecing, stream_head
from streamvet_server.modes.mode import NDJSON, SSE, Mode
from streamvet_server.seams import Answer, Close, Pause, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamvet_server.seams import Piece

# Long enough for a reader to see a piece by itself, so short that a frame of some hundred octets is no slow one.
APART_S = 0.001
MOST_PIECES = 1_000  # of a frame; the rest of a larger one is one piece
HEAD_LATE_S = 0.5  # half of the second that a first event has (the contract's figure)
SILENT_BEATS = 3.2  # so many heartbeats come between two steps of a run
_CHUNKED = "RFC 9112, 7.1"
_ANY_CHUNKS = "A recipient joins the chunks to get the content; the end of a chunk says nothing about the content."


def _each_octet(_shown: Shown, octets: bytes) -> Iterable[Piece]:
    alone = min(len(octets), MOST_PIECES)
    yield from (octets[at : at + 1] for at in range(alone))
    yield octets[alone:]


def _cut(octets: bytes, places: Iterable[int]) -> Iterator[Piece]:
    """The octets cut at these places, which rise, each piece by itself."""
    begin = 0
    for place in itertools.islice(places, MOST_PIECES):
        yield octets[begin:place]
        yield Pause(APART_S)
        begin = place
    yield octets[begin:]


def _in_characters(_shown: Shown, octets: bytes) -> Iterable[Piece]:
    return _cut(octets, [at for at in range(1, len(octets)) if octets[at] & 0xC0 == 0x80])


def _in_line_ends(_shown: Shown, octets: bytes) -> Iterable[Piece]:
    ended = octets.replace(b"\n", b"\r\n")
    return _cut(ended, [at for at in range(1, len(ended)) if ended[at - 1 : at + 1] == b"\r\n"])


def _late_head() -> Seams:
    return Seams(clock=lambda _scene, wait, seconds: HEAD_LATE_S if wait == "answer" else seconds)


def _head_with_the_first_event() -> Seams:
    def head(_scene: Scene, answer: Answer) -> Answer:
        return replace(answer, at_once=False) if is_stream(answer) else answer

    return Seams(head=head)


def _silence() -> Seams:
    """The second step of a run waits until some heartbeats have come; they come as ever."""
    beat_s: dict[str, float] = {}

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == "ping":
            beat_s[scene.run or ""] = seconds
        if wait == "step" and scene.run in beat_s:
            return seconds + SILENT_BEATS * beat_s.pop(scene.run or "")
        return seconds

    return Seams(clock=clock)


def _dropped() -> Seams:
    """The connection of each new reader is lost in the middle of its third frame; one that comes back is served."""

    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        again = "cursor" in shown.scene.query or "Last-Event-ID" in shown.scene.headers
        if shown.index != 2 or again:
            return (octets,)
        return (octets[: len(octets) // 2], Pause(APART_S), Close.ABORT)

    return Seams(frame=frame)


MODES: tuple[Mode, ...] = (
    Mode(
        "byte-by-byte", SSE + NDJSON, "Each of the first thousand octets of a frame is a chunk.", _CHUNKED, _ANY_CHUNKS,
        lambda: piecing(every, _each_octet),
    ),
    Mode(
        "cut-in-characters", SSE + NDJSON, "Chunks end inside each character of several octets.", _CHUNKED, _ANY_CHUNKS,
        lambda: piecing(every, _in_characters),
    ),
    Mode(
        "cut-in-crlf", SSE + NDJSON, "Lines end with CRLF, and a chunk ends between CR and LF.",
        "WHATWG HTML, 9.2.5",
        "A line ends with CRLF, LF or CR, and CRLF is one line end wherever the octets are split.",
        lambda: piecing(every, _in_line_ends),
    ),
    Mode(
        "slow-head", SSE + NDJSON, "The head of a stream comes half a second after the request.",
        "RFC 9112, 9.5", "HTTP sets no time within which a server has to answer.", _late_head,
    ),
    Mode(
        "held-head", SSE + NDJSON, "The head of a stream leaves together with its first event.",
        "RFC 9112, 9.5", "HTTP sets no time within which a server has to answer.", _head_with_the_first_event,
        breaks=dict.fromkeys(PROMPTFLOE + ROCKSTAR + COSMA, "TRN-20"),
    ),
    Mode(
        "silence-with-heartbeats", GHOSTLY, "The second step of a run waits for three heartbeats.",
        "WHATWG HTML, 9.2.7", "Against timeouts of intermediaries, a comment is sent every 15 seconds or so.",
        _silence,
    ),
    Mode(
        "dropped-in-an-event", SSE + NDJSON,
        "The connection of a new reader is lost in its third event; one that comes back is served to the end.",
        "RFC 9112, 8", "A client has to treat an answer without its last chunk as incomplete.", _dropped,
        breaks=dict.fromkeys(SSE + NDJSON, "TRN-04"),
    ),
    Mode(
        "charset-in-the-type", SSE, "The media type names its charset.",
        "WHATWG HTML, 9.2.6", "The media type has one parameter, charset, and its only value is utf-8.",
        stream_head(
            lambda _scene, answer: replace(
                answer, headers={**answer.headers, "Content-Type": "text/event-stream; charset=utf-8"}
            )
        ),
    ),
)  # fmt: skip
