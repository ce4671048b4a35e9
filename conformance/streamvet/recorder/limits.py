"""How much the recorder takes from a candidate before it lets go of a stream: constants, each with its reason.

Reaching one cuts the exchange with the detail `limit: …`. Must not know what is received.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from streamvet.framing.frame import MOST_FRAMES


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one exchange; `line` and `event` hold for streams only, `held_bytes` for all of a campaign."""

    # Twice what common servers and proxies allow for a request's head (nginx: four of 8 KiB, Node: 16 KiB); httpcore
    # stops at 100 KiB by itself.
    head_bytes: int = 64 * 1024
    # Readers that go line by line hold a whole line: Go's bufio.Scanner stops at 64 KiB, Node's readline has no bound.
    line_bytes: int = 1024 * 1024
    # An SSE event may have several data lines; a reader holds all of them until the empty line.
    event_bytes: int = 4 * 1024 * 1024
    # Five times the largest stream that a probe asks for (200 events of 64 KiB).
    body_bytes: int = 64 * 1024 * 1024
    # What is no stream: a run's record may list the events of that largest stream once, and little besides.
    answer_bytes: int = 16 * 1024 * 1024
    # What is decoded of a stream takes memory and time for each frame: see there.
    frames: int = MOST_FRAMES
    # All exchanges of the tries under way: twice the largest one, and several times what the probes ask for at once.
    held_bytes: int = 128 * 1024 * 1024
    # No wait of a probe is this long: the life of a detached run is 300 s, a black-box run gets 600 s.
    seconds: float = 1800.0


LIMITS = Limits()
_FRAME_END = re.compile(rb"(?:\r\n?+|\n)(?=[\r\n:])")


class LineWatch:
    """Follows a stream chunk by chunk and says how long its open line and its open event are, without keeping them."""

    def __init__(self, limits: Limits, *, events: bool) -> None:
        self._limits = limits
        self._events = events  # an event ends with an empty line; elsewhere a line is an event
        self._line = 0
        self._event = 0
        self._frames = 0
        self._tail = b""

    def exceeded(self, data: bytes) -> str:
        """The name of the limit that this chunk passes, "" where it passes none."""
        self._frames += self._ended(data)
        if self._frames > self._limits.frames:
            return "frames"
        first, last = _first_end(data), _last_end(data)
        longest = self._line + (first if first >= 0 else len(data))
        self._line = len(data) - last - 1 if last >= 0 else longest
        if longest > self._limits.line_bytes:
            return "line"
        if self._events:
            self._event += len(data)
            joined = self._tail + data
            if any(blank in joined for blank in (b"\n\n", b"\r\r", b"\n\r\n")):
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


def _first_end(data: bytes) -> int:
    found = [at for at in (data.find(b"\n"), data.find(b"\r")) if at >= 0]
    return min(found, default=-1)


def _last_end(data: bytes) -> int:
    return max(data.rfind(b"\n"), data.rfind(b"\r"))
