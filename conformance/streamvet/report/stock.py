"""What a stock client makes of a stream: httpx-sse, fed frame by frame, and what it delivers at each.

A column of a finding, never a verdict. Must not let a client's exception out, nor open a socket.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import httpx
from httpx_sse import EventSource, ServerSentEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamvet.framing.frame import Frame

CLIENT = "httpx-sse"
# A column of a few lines is not worth more than a second or so of decoding; httpx-sse does about 30 MB/s.
LIMIT_BYTES = 16 * 2**20
SHOWN_CHARS = 80  # of the data of a delivered event
DELIVERIES = 4  # of one frame: more is a broken stream, and the first ones tell


def client() -> str:
    """The client's name and version."""
    try:
        return f"{CLIENT} {version(CLIENT)}"
    except PackageNotFoundError:
        return CLIENT


@dataclass(slots=True)
class _Frames(httpx.SyncByteStream):
    """The body of an answer, one frame a read; `fed` counts the frames that were read."""

    body: bytes
    frames: Sequence[Frame]
    fed: int = 0

    def __iter__(self) -> Iterator[bytes]:
        for frame in self.frames:
            self.fed += 1
            yield self.body[frame.start : frame.end]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What the client gave for each frame by its index, and why there may be no more."""

    by_frame: dict[int, list[str]] = field(default_factory=dict)
    stopped: str = ""


def deliveries(body: bytes, frames: Sequence[Frame]) -> Deliveries:
    """Run the client over the frames; whatever it does is a result."""
    if frames and frames[-1].end > LIMIT_BYTES:
        return Deliveries(stopped=f"not run: more than {LIMIT_BYTES} bytes")
    stream = _Frames(body, frames)
    found: dict[int, list[str]] = {}
    try:
        answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=stream)
        for event in EventSource(answer).iter_sse():
            found.setdefault(max(stream.fed - 1, 0), []).append(_told(event))
    except Exception as error:  # noqa: BLE001 - somebody else's decoder on bytes that nobody vouches for
        return Deliveries(found, f"raised {type(error).__name__} at frame {stream.fed}")
    return Deliveries(found)


def _told(event: ServerSentEvent) -> str:
    data = event.data if len(event.data) <= SHOWN_CHARS else event.data[: SHOWN_CHARS - 1] + "…"
    extra = f", id {event.id!r}" if event.id else ""
    return f"{event.event!r}{extra}: {data!r}" if event.data else f"{event.event!r}{extra}: empty data"
