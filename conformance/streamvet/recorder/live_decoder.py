"""What a running stream has shown so far: its events, decoded as their bytes come in.

Must not know sockets or times. It serves the driving of a try only: verdicts are computed from the bytes again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.profile import matches
from streamvet.framing.frame import Kind
from streamvet.framing.ndjson import NdjsonDecoder
from streamvet.framing.sse import SseDecoder

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile


class Seen(NamedTuple):
    """One event of a stream; `[start, end)` is its span in the body."""

    kind: str | None  # its type by the profile, None where it has none
    value: Any  # None where it is no JSON
    start: int
    end: int
    id: str | None  # the SSE id
    history: bool  # whether every reader of the run sees it alike


class LiveDecoder:
    """Decodes one body, piece by piece. `seen` grows; nothing raises on any bytes."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._decoder = SseDecoder() if profile.framing == "sse" else NdjsonDecoder()
        self._fed = 0
        self._counted = profile.history or ("*",)
        self.seen: list[Seen] = []
        self.history: list[Seen] = []

    def feed(self, body: bytearray) -> None:
        """Take in what the body has more than at the last call."""
        if len(body) <= self._fed:
            return
        data = bytes(memoryview(body)[self._fed :])
        self._fed = len(body)
        for frame in self._decoder.feed(data):
            if frame.kind not in (Kind.EVENT, Kind.LINE):
                continue
            value = lenient(frame.data)
            kind = self._profile.kind_of(value, frame.event)
            counts = kind is not None and matches(kind, self._counted)
            one = Seen(kind, value, frame.start, frame.end, frame.id, counts)
            self.seen.append(one)
            if counts:
                self.history.append(one)

    def truncate(self, size: int) -> None:
        """Forget the events that end behind `size`: the body was cut there."""
        self.seen = [one for one in self.seen if one.end <= size]
        self.history = [one for one in self.history if one.end <= size]


def lenient(text: str | bytes | bytearray) -> Any:
    """The value of a JSON text, None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
