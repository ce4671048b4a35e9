"""How much the recorder takes from a candidate before it lets go of a stream: constants, each with its reason.

Reaching one cuts the exchange with the detail `limit: …`. Must not know what is received.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from streamvet.framing.frame import MOST_FRAMES
from streamvet.framing.lengths import EMPTY_LINES, MOST_EVENT_BYTES, MOST_LINE_BYTES, line_ends


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one exchange; `line` and `event` hold for streams only, `held_bytes` for all of a campaign."""

    # Twice what common servers and proxies allow for a request's head (nginx: four of 8 KiB, Node: 16 KiB); httpcore
    # stops at 100 KiB by itself.
    head_bytes: int = 64 * 1024
    # What a reader holds at once: see there.
    line_bytes: int = MOST_LINE_BYTES
    event_bytes: int = MOST_EVENT_BYTES
    # Half as much again as the largest stream that a probe asks for (200 events of 64 KiB).
    body_bytes: int = 20 * 1024 * 1024
    # What is no stream: a run's record may list the events of that largest stream once, and little besides.
    answer_bytes: int = 16 * 1024 * 1024
    # What is decoded of a stream takes memory and time for each frame: see there.
    frames: int = MOST_FRAMES
    # All exchanges of the tries under way: half as much again as the largest one, twice what the largest tries have
    # of the reference server. All processes of a run together are to stay under 300 MiB, whatever a candidate sends.
    held_bytes: int = 32 * 1024 * 1024
    # No wait of a probe is this long: the life of a detached run is 300 s, a black-box run gets 600 s.
    seconds: float = 1800.0


LIMITS = Limits()
_FRAME_END = re.compile(rb"(?:\r\n?+|\n)(?=[\r\n:])")


class LineWatch:
    """Follows a stream chunk by chunk and says how long its open line and its open event are, without keeping them."""

    def __init__(self, limits: Limits, *, events: bool) -> None:
        self._limits = limits
        self._events = events  # an event ends with an empty line; elsewhere a line is an event
        self._line_ends = line_ends(sse=events)
        self._line = 0
        self._event = 0
        self._frames = 0
        self._tail = b""

    def exceeded(self, data: bytes) -> str:
        """The name of the limit that this chunk passes, "" where it passes none."""
        self._frames += self._ended(data)
        if self._frames > self._limits.frames:
            return "frames"
        first = min((at for end in self._line_ends if (at := data.find(end)) >= 0), default=-1)
        last = max(data.rfind(end) for end in self._line_ends)
        longest = self._line + (first if first >= 0 else len(data))
        self._line = len(data) - last - 1 if last >= 0 else longest
        if longest > self._limits.line_bytes:
            return "line"
        if self._events:
            self._event += len(data)
            joined = self._tail + data
            if any(blank in joined for blank in EMPTY_LINES):
                self._event = self._line
            self._tail = joined[-2:]
            if self._event > self._limits.event_bytes:
                return "event"
        return ""

    def _ended(self, data: bytes) -> int:
        """How many frames end in this chunk, about: of SSE the empty lines and the comments."""
        if not self._events:
            return data.count(b"\n")
        return len(_FRAME_END.findall(self._tail + data)) - len(_FRAME_END.findall(self._tail))
