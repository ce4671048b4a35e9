"""Follows a run whose server may close a stream before its end: its reader comes back, again and again, to the end.

Where the profile does not let a stream end so, nobody comes back, and this is no more than the waits themselves. Must
not know what follows from what comes.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from streamvet.probes.cursors import Shown, newest, resumes
from streamvet.probes.runs import Run
from streamvet.recorder import now_us, pause
from streamvet.trace import CLEAN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.probes.bounds import Bounds
    from streamvet.probes.runs import Cursor
    from streamvet.probes.stream_waits import StreamWaits
    from streamvet.recorder import Live

    # Asks for a stream of a run from a cursor, of which more is to be said.
    Back = Callable[[Run, Cursor, Mapping[str, Any]], Awaitable[Live]]

_BACK_S = 0.02  # between a close and the request of who comes back: some loopback round trips
_RETRY = re.compile(rb"^retry: ?([0-9]{1,8})\r?$", re.MULTILINE)  # WHATWG HTML, 9.2.6: the reconnection time
_MOST_RETRY_S = 10.0  # of that time: as long as a rate limit is waited for
_PIECES = 1000  # of one stream, at most
_KEPT = ("account", "finished", "replica")  # what is said of each piece as of the first one


class Follower:
    """The waits on streams of one try; they go on where a server leaves off. `back` asks for a stream from a cursor."""

    def __init__(self, profile: Profile, waits: StreamWaits, bounds: Bounds, back: Back) -> None:
        self._waits, self._bounds, self._back = waits, bounds, back
        self._profile = profile
        self._follows = bool(profile.terminal and profile.terminal.unless_resumable) and resumes(profile)
        self._pieces: dict[Live, list[Live]] = {}
        self._names = (f"s{number}" for number in itertools.count(1))

    def last(self, live: Live) -> Live:
        """The newest piece of a stream."""
        return self._pieces.get(live, [live])[-1]

    def shown(self, live: Live) -> Shown:
        """What the pieces of a stream have shown so far."""
        return _shown(self._pieces.get(live, [live]))

    async def terminal(self, live: Live, within_s: float | None = None, ending: str | None = None) -> bool:
        """Wait until a reader has seen that its run has ended; see `StreamWaits.terminal`."""
        silent_s, heard_us = self._waits.silence_s(ending), now_us()
        over = await self._waits.terminal(self.last(live), within_s, ending)
        while not over and (cursor := self._goes_on(live)):
            heard_us = now_us() if self.last(live).seen else heard_us
            if now_us() - heard_us > silent_s * 1e6:
                self._waits.heard_nothing(self.last(live), silent_s, ending)
                break
            piece = await self._come_back(live, cursor)
            over = await self._waits.terminal(piece, within_s, ending)
        return over

    async def finished(self, live: Live) -> None:
        """Wait for the end of the stream of a run that is over, in however many pieces it comes."""
        within_s, begun_us = self._bounds.finished_s, now_us()
        await live.ended(within_s)
        while self._follows and not any(map(self._waits.is_terminal, self.last(live).seen)):
            cursor = self._goes_on(live)
            if cursor is None or (not self.last(live).seen and now_us() - begun_us > within_s * 1e6):
                break
            begun_us = now_us() if self.last(live).seen else begun_us
            piece = await self._come_back(live, cursor)
            await piece.ended(within_s)

    def _goes_on(self, live: Live) -> Cursor | None:
        """The cursor by which the reader of a stream comes back that its server has left off; None where it has not.

        Who gets again what it has, and nothing more, would get it for ever.
        """
        if not self._follows:
            return None
        pieces = self._pieces.get(live, [live])
        piece, cursor = pieces[-1], newest(self._profile, _shown(pieces))
        if cursor is None or len(pieces) > _PIECES:
            return None
        if piece.role == "cut" or piece.ending not in CLEAN or _told_over(piece):
            return None
        before = newest(self._profile, _shown(pieces[:-1]))
        if before is not None and before.text == cursor.text and newest(self._profile, piece) is not None:
            piece.about["stuck"] = True
            return None
        return cursor

    async def _come_back(self, live: Live, cursor: Cursor) -> Live:
        await pause(self._away_s(live))
        strand = str(live.about.setdefault("strand", next(self._names)))
        run = Run(str(live.about["run"]), str(live.about.get("kind", "")), live.about.get("run_id"))
        about = {name: live.about[name] for name in _KEPT if name in live.about}
        piece = await self._back(run, cursor, {"strand": strand, **about})
        self._pieces.setdefault(live, [live]).append(piece)
        return piece

    def _away_s(self, live: Live) -> float:
        """For how long a reader stays away: as the server has asked for last, within reason."""
        if self._profile.framing != "sse":
            return _BACK_S
        said = (found for one in reversed(self._pieces.get(live, [live])) for found in _RETRY.findall(one.body)[-1:])
        return min(max(_BACK_S, int(next(said, b"0")) / 1000), _MOST_RETRY_S)

    async def to_end(self, live: Live, within_s: float | None = None, ending: str | None = None) -> bool:
        """Read a stream to its end, or to where it is cut; gives whether it had the terminal event."""
        seen = await self.terminal(live, within_s, ending)
        await self.closed(live)
        return seen

    async def closed(self, live: Live) -> None:
        """Wait for the close of a stream whose run is over."""
        await self._waits.closed(self.last(live))


def _shown(pieces: list[Live]) -> Shown:
    seen, history = ([one for piece in pieces for one in getattr(piece, name)] for name in Shown._fields)
    return Shown(seen, history)


def _told_over(piece: Live) -> bool:
    """Whether who came back was told that the run is over, or was refused."""
    return piece.head_now is not None and (
        piece.head_now.status in piece.about.get("over", ()) or piece.head_now.status >= 300
    )
