"""Waits on the streams of a try: until one has begun, until its run has ended, until it is over. All are bounded.

Must not know how a stream is requested, nor what follows from what comes or does not.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamvet.contract.profile import matches
from streamvet.probes.bounds import never_s
from streamvet.recorder import now_us
from streamvet.trace import BY_SERVER, CLEAN, Ending

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.probes.bounds import Bounds
    from streamvet.probes.candidate import Candidate
    from streamvet.probes.setting import Stimulus
    from streamvet.recorder import Live, Patience, Seen


_ENDING = ("succeeds", "fails")  # the inputs whose runs end by themselves


class StreamWaits:
    """The waits of one try."""

    def __init__(self, candidate: Candidate, profile: Profile, stimulus: Stimulus, bounds: Bounds) -> None:
        self._candidate = candidate
        self._profile = profile
        self._stimulus = stimulus
        self._bounds = bounds

    def is_terminal(self, event: Seen) -> bool:
        """Whether an event ends its run."""
        terminal = self._profile.terminal
        return terminal is not None and event.kind is not None and matches(event.kind, terminal.events)

    async def has_begun(self, live: Live) -> bool:
        """Whether a stream has its head, and the first event where the profile says that there is one at once."""
        if await live.head(self._bounds.answer_s) is None:
            return False
        first = self._profile.field("catchup.first")
        if not first:
            return True
        return await live.until(lambda _event: True, never_s(first["within_ms"]), "the first event") is not None

    async def sees_some(self, live: Live, count: int) -> bool:
        """Wait for so many events of any kind, no longer than for an answer; the stream goes on either way."""
        try:
            async with asyncio.timeout(self._bounds.answer_s):
                return await live.until(lambda _seen: len(live.seen) >= count, self._bounds.run_s) is not None
        except TimeoutError:
            return False

    async def terminal(self, live: Live, within_s: float | None = None, ending: str | None = None) -> bool:
        """Wait until a reader has seen that the run has ended; `ending` where it is not that of the stimulus."""
        if within_s is not None:
            came = await live.until(self.is_terminal, within_s, "the terminal event") is not None
            return came or self._is_silently_over(live)
        begun_us, name = now_us(), self._name(ending)
        if self._ends(ending):
            return await self._comes_to_its_end(live, name)
        over = await live.until(self.is_terminal, self._run_s(name), "the terminal event") is not None
        over = over or self._is_silently_over(live)
        _note(self._endings, name, live, came=over, since_us=begun_us)
        return over

    async def _comes_to_its_end(self, live: Live, name: str) -> bool:
        """Wait for the end of a run that has one, by its input, for as long as it goes on telling something."""
        begun_us, run_s, looked = now_us(), self._run_s(name), 0
        silent_s = self._endings.seconds(name, self._bounds.silent_s)
        with live.awaiting("the terminal event", run_s):
            while live.ending is None:
                left_s = max(run_s - (now_us() - begun_us) / 1e6, 0.0)
                if await live.flows_until(self._tells, silent_s, min(silent_s, left_s), looked):
                    fresh = live.seen[looked:]
                    looked += len(fresh)
                    if any(map(self.is_terminal, fresh)):
                        self._endings.came(name)
                        return True
                elif silent_s > left_s:
                    await live.stop(Ending.TIMED_OUT, f"the terminal event not within {run_s:.1f} s")
                    _note(self._endings, name, live, came=False, since_us=begun_us)
                elif live.ending is None:
                    live.about["silent_ms"] = round(silent_s * 1000)
                    await live.cut(f"nothing more was sent for {silent_s:.1f} s")
                    if live.head_now:
                        self._endings.missed(name, silent_s)
        return any(map(self.is_terminal, live.seen[looked:])) or self._is_silently_over(live)

    def silence_s(self, ending: str | None = None) -> float:
        """For how long a run may tell nothing whose end is waited for."""
        name = self._name(ending)
        return self._endings.seconds(name, self._bounds.silent_s) if self._ends(ending) else self._run_s(name)

    def heard_nothing(self, live: Live, silent_s: float, ending: str | None = None) -> None:
        """Note that a run, of which this is the newest stream, has told nothing for so long."""
        if self._ends(ending):
            live.about["silent_ms"] = round(silent_s * 1000)
        self._endings.missed(self._name(ending), silent_s)

    def _ends(self, ending: str | None) -> bool:
        """Whether a run comes to its end by itself, by its input."""
        return not self._scripted and (ending or self._stimulus.get("input")) in _ENDING

    def _is_silently_over(self, live: Live) -> bool:
        """Whether a stream has ended as HTTP says, where a run may end so without an event that tells of it."""
        terminal = self._profile.terminal
        return bool(terminal and terminal.silent) and live.head_now is not None and live.ending in CLEAN

    def _tells(self, event: Seen) -> bool:
        """Whether an event is of the run, and no heartbeat."""
        return event.history or self.is_terminal(event)

    async def run_shows(self, live: Live, count: int, extra_s: float = 0.0) -> bool:
        """Wait for so many history events of a run, or its end; no longer than for that, and in vain only once."""
        begun_us, kind = now_us(), str(self._stimulus.get("kind"))
        within_s = self._run_s(self._name()) + extra_s
        within_s = within_s if self._scripted else self._candidate.shows.seconds(kind, within_s)
        await live.until(lambda one: len(live.history) >= count or self.is_terminal(one), within_s, f"{count} events")
        _note(self._candidate.shows, kind, live, came=bool(live.history), since_us=begun_us)
        return len(live.history) >= count

    @property
    def _scripted(self) -> bool:
        return self._stimulus.get("script") is not None

    def _run_s(self, name: str) -> float:
        """How long to wait for the end of a run.

        Nobody knows how long one takes that is not told what to do; but not each of them is waited for in vain.
        """
        within_s = self._bounds.run_s
        return within_s if self._scripted else self._endings.seconds(name, within_s)

    @property
    def in_vain(self) -> bool:
        """Whether no run like those of this try has ended so far, or no stream of theirs, though it was waited for."""
        name = self._name()
        return self._endings.is_vain(name) or self._candidate.closes.is_vain(name)

    @property
    def _endings(self) -> Patience:
        return self._candidate.scripted if self._scripted else self._candidate.endings

    def _name(self, ending: str | None = None) -> str:
        """The runs of this try and those that are like them."""
        return f"{self._stimulus.get('kind')}: {ending or self._stimulus.get('outcome' if self._scripted else 'input')}"

    async def to_end(self, live: Live, within_s: float | None = None, ending: str | None = None) -> bool:
        """Read a stream to its end, or to where it is cut; gives whether it had the terminal event."""
        seen = await self.terminal(live, within_s, ending)
        await self.closed(live)
        return seen

    async def closed(self, live: Live) -> None:
        """Wait for the close of a stream whose run is over."""
        if live.ending is Ending.TIMED_OUT:
            return  # before that
        begun_us = now_us()
        came = await live.ended(self._bounds.close_s) in BY_SERVER
        _note(self._candidate.closes, self._name(), live, came=came, since_us=begun_us)

    async def observe(self, live: Live, for_s: float) -> None:
        """Look at a stream for so long from its head, then leave it."""
        if await live.head(self._bounds.answer_s) is not None and not await live.over(for_s):
            await live.cut("observed for long enough")


def _note(patience: Patience, name: str, live: Live, *, came: bool, since_us: int) -> None:
    """Note what came of a wait that began then: what was waited for, nothing, or neither, as it was cut."""
    if came:
        patience.came(name)
    elif live.ending is Ending.TIMED_OUT and live.head_now:
        patience.missed(name, (now_us() - since_us) / 1e6)
