"""What a running stream has shown so far: its events, decoded as their bytes come in.

Must not know sockets or times. It serves the driving of a try only: verdicts are computed from the bytes again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.profile import matches
from streamvet.framing import ndjson, sse
from streamvet.framing.frame import Kind
from streamvet.framing.ndjson import NdjsonDecoder
from streamvet.framing.sse import SseDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.contract.profile import Profile


# Of a body that is decoded at once: the texts of its frames take as much memory again.
PIECE_BYTES = 256 * 1024
# No probe waits for a part of so many events. Behind them a stream is a flood, whose end alone is waited for.
MOST_SEEN = 100_000


class Seen(NamedTuple):
    """One event of a stream; `[start, end)` is its span in the body. Its value is read when somebody asks for it."""

    kind: str | None  # its type by the profile, None where it has none
    start: int
    end: int
    id: str | None  # the SSE id
    history: bool  # whether every reader of the run sees it alike
    value_at: Callable[[int, int], Any]

    @property
    def value(self) -> Any:
        """Its JSON value, None where it is no JSON."""
        return self.value_at(self.start, self.end)


class LiveDecoder:
    """Decodes one body, piece by piece. `seen` grows; nothing raises on any bytes."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._decoder = SseDecoder(quiet=True) if profile.framing == "sse" else NdjsonDecoder()
        self._decode = sse.decode if profile.framing == "sse" else ndjson.decode
        self._fed = 0
        self._body = bytearray()
        self._counted = profile.history or ("*",)
        self.seen: list[Seen] = []
        self.history: list[Seen] = []

    def feed(self, body: bytearray) -> None:
        """Take in what the body has more than at the last call."""
        if len(body) <= self._fed or len(self.seen) >= MOST_SEEN:
            return
        self._body = body
        while self._fed < len(body) and len(self.seen) < MOST_SEEN:
            with memoryview(body) as view:
                data = bytes(view[self._fed : self._fed + PIECE_BYTES])
            self._fed += len(data)
            self._take(data)

    def _take(self, data: bytes) -> None:
        value_at = self._value_at
        for frame in self._decoder.feed(data):
            if frame.kind not in _DATA:
                continue
            kind = self._profile.kind_of(lenient(frame.data), frame.event, frame.data)
            counts = kind is not None and matches(kind, self._counted)
            one = Seen(kind, frame.start, frame.end, frame.id, counts, value_at)
            self.seen.append(one)
            if counts:
                self.history.append(one)

    def _value_at(self, start: int, end: int) -> Any:
        """The value of the event between two offsets."""
        found = self._decode(bytes(memoryview(self._body)[start:end]))
        return next((lenient(frame.data) for frame in found if frame.kind in _DATA), None)

    def truncate(self, size: int) -> None:
        """Forget the events that end behind `size`: the body was cut there."""
        self.seen = [one for one in self.seen if one.end <= size]
        self.history = [one for one in self.history if one.end <= size]


_DATA = (Kind.EVENT, Kind.LINE)


def lenient(text: str | bytes | bytearray) -> Any:
    """The value of a JSON text, None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
