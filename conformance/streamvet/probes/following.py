"""Follows a run whose server may close a stream before its end: its reader comes back, again and again, to the end.

Where the profile does not let a stream end so, nobody comes back, and this is no more than the waits themselves. Must
not know what follows from what comes.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from streamvet.probes.cursors import newest, resumes
from streamvet.probes.runs import Run
from streamvet.recorder import now_us, pause
from streamvet.trace import CLEAN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamvet.contract.profile import Profile
    from streamvet.probes.bounds import Bounds
    from streamvet.probes.runs import Cursor
    from streamvet.probes.stream_waits import StreamWaits
    from streamvet.recorder import Live

_BACK_S = 0.02  # between a close and the request of who comes back: some loopback round trips
_PIECES = 1000  # of one stream, at most


class Follower:
    """The waits on streams of one try; they go on where a server leaves off. `back` asks for a stream from a cursor."""

    def __init__(
        self, profile: Profile, waits: StreamWaits, bounds: Bounds, back: Callable[[Run, Cursor, str], Awaitable[Live]]
    ) -> None:
        self._waits, self._bounds, self._back = waits, bounds, back
        self._profile = profile
        self._follows = bool(profile.terminal and profile.terminal.unless_resumable) and resumes(profile)
        self._pieces: dict[Live, list[Live]] = {}
        self._names = (f"s{number}" for number in itertools.count(1))

    def last(self, live: Live) -> Live:
        """The newest piece of a stream."""
        return self._pieces.get(live, [live])[-1]

    async def terminal(self, live: Live, within_s: float | None = None, ending: str | None = None) -> bool:
        """Wait until a reader has seen that its run has ended; see `StreamWaits.terminal`."""
        piece, heard_us = self.last(live), now_us()
        over = await self._waits.terminal(piece, within_s, ending)
        while self._follows and not over and len(self._pieces.get(live, ())) < _PIECES:
            heard_us = now_us() if piece.seen else heard_us
            cursor = self._cursor(live)
            if cursor is None or piece.role == "cut" or piece.ending not in CLEAN or _told_over(piece):
                break
            if now_us() - heard_us > self._bounds.silent_s * 1e6:
                piece.about["silent_ms"] = round(self._bounds.silent_s * 1000)
                break
            await pause(_BACK_S)
            piece = await self._come_back(live, cursor)
            over = await self._waits.terminal(piece, within_s, ending)
        return over

    async def _come_back(self, live: Live, cursor: Cursor) -> Live:
        strand = str(live.about.setdefault("strand", next(self._names)))
        run = Run(str(live.about["run"]), str(live.about.get("kind", "")), live.about.get("run_id"))
        piece = await self._back(run, cursor, strand)
        self._pieces.setdefault(live, [live]).append(piece)
        return piece

    def _cursor(self, live: Live) -> Cursor | None:
        """The cursor of the last event that any piece has brought."""
        pieces = self._pieces.get(live, [live])
        return next((cursor for one in reversed(pieces) if (cursor := newest(self._profile, one))), None)

    async def to_end(self, live: Live, within_s: float | None = None, ending: str | None = None) -> bool:
        """Read a stream to its end, or to where it is cut; gives whether it had the terminal event."""
        seen = await self.terminal(live, within_s, ending)
        await self.closed(live)
        return seen

    async def closed(self, live: Live) -> None:
        """Wait for the close of a stream whose run is over."""
        await self._waits.closed(self.last(live))


def _told_over(piece: Live) -> bool:
    """Whether who came back was told that the run is over, or was refused."""
    return piece.head_now is not None and (
        piece.head_now.status in piece.about.get("over", ()) or piece.head_now.status >= 300
    )
