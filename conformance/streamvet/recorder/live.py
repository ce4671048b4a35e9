"""A running exchange: its bytes as they come, waits on them, and the ways to end it.

One task reads; everything else looks at what it has read. Every wait has a deadline, at which the exchange is ended
as timed out: a candidate can be slow, silent or broken, but it cannot make a probe hang or raise. Must not know what
the exchange is for.
"""

from __future__ import annotations

import asyncio
import contextlib
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.recorder.clock import now_us
from streamvet.recorder.live_decoder import LiveDecoder, Seen, lenient
from streamvet.recorder.unpacking import Undecodable, unpacking
from streamvet.trace import Ending, Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamvet.contract.profile import Profile
    from streamvet.recorder.limits import Limits, LineWatch
    from streamvet.recorder.unpacking import Unpack


_WHY_CHARS = 100  # of why a request cannot be sent


@dataclass(frozen=True, slots=True)
class CutPlan:
    """Where we cut a stream, to the byte: after so many history events, and `inside` bytes into what follows.

    Where what follows is an event of no more than `inside` bytes, the cut is before its last byte.
    """

    after: int
    inside: int = 0


class Live:
    """One exchange while it runs. Times are those of `now_us`; the tape makes them relative."""

    def __init__(
        self,
        profile: Profile,
        limits: Limits,
        plan: CutPlan | None = None,
        role: str = "",
        about: dict[str, Any] | None = None,
    ) -> None:
        self.role = role  # what the trace will say of it: may still change, as some things only the answer tells
        self.about: dict[str, Any] = {} if about is None else about
        self.sent_us = now_us()
        self.head_now: Head | None = None
        self.body = bytearray()  # without the content coding that `coding` names
        self.received = 0  # bytes of the body; some may have been cut off again
        self.coding = ""
        self.wire_bytes = 0
        self.ends: array[int] = array("q")
        self.times: array[int] = array("q")
        self.ending: Ending | None = None
        self.ended_us = 0
        self.detail = ""
        self._decoder = LiveDecoder(profile)
        self._limits = limits
        self._lines: LineWatch | None = None
        self._unpack: Unpack | None = None
        self._plan = plan
        self._task: asyncio.Task[None] | None = None
        self._tick: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gate = asyncio.Event()
        self._gate.set()
        self._stop: tuple[Ending, str] | None = None
        self._awaited: list[tuple[int, str]] = []  # until when, and for what somebody waits

    # ------------------------------------------------------------------ for the task that reads

    def read_by(self, task: asyncio.Task[None]) -> None:
        """Say which task reads, so that it can be stopped."""
        self._task = task

    def take_head(self, head: Head, lines: LineWatch | None) -> None:
        """The head has come; `lines` watches the lengths of lines where a stream follows."""
        self.head_now = head
        self._lines = lines
        self._unpack = unpacking(codings := head.get("content-encoding"))
        self.coding = codings.lower() if self._unpack else ""
        size = sum(len(name) + len(value) + 4 for name, value in head.headers)
        if size > self._limits.head_bytes:
            self._stop = (Ending.CUT, f"limit: head over {self._limits.head_bytes} bytes")
        if self._plan and self._plan.after == 0 and self._plan.inside == 0:
            self._stop = self._stop or (Ending.CUT, "after the head")
        self._changed()

    def take(self, data: bytes, at_us: int) -> bool:
        """Keep bytes that have come; gives whether to read on."""
        self.wire_bytes += len(data)
        self.ends.append(len(self.body))
        self.times.append(at_us)
        try:
            for piece in self._unpack(data) if self._unpack else (data,):
                self._add(piece, at_us)
                if self._stop:
                    break
        except Undecodable as error:
            self._stop = (Ending.MALFORMED, f"the content is not {self.coding}: {error}")
        if self._plan:
            self._cut_by_plan(self._plan)
        self._changed()
        return self._stop is None

    def _add(self, data: bytes, at_us: int) -> None:
        """Let the last chunk be so much longer."""
        self.body += data
        self.received += len(data)
        self.ends[-1] = len(self.body)
        over = self._over(data, at_us)
        if over:
            self._stop = (Ending.CUT, f"limit: {over}")

    def too_much(self, what: str) -> None:
        """Note that a limit is reached: nothing more is read."""
        self._stop = self._stop or (Ending.CUT, f"limit: {what}")

    def _over(self, data: bytes, at_us: int) -> str:
        limits = self._limits
        most = limits.body_bytes if self._lines else limits.answer_bytes
        if len(self.body) > most:
            return f"body over {most} bytes"
        if at_us - self.sent_us > limits.seconds * 1e6:
            return f"longer than {limits.seconds:g} s"
        kind = self._lines.exceeded(data) if self._lines else ""
        if kind == "frames":
            return f"over {limits.frames} frames"
        return f"{kind} over {limits.line_bytes if kind == 'line' else limits.event_bytes} bytes" if kind else ""

    def _cut_by_plan(self, plan: CutPlan) -> None:
        """Shorten the body to where the plan cuts it, as if no byte behind that had come."""
        self._decoder.feed(self.body)
        history = self._decoder.history
        if len(history) < plan.after:
            return
        base = history[plan.after - 1].end if plan.after else 0
        size = base + plan.inside
        following = next((one for one in self._decoder.seen if one.start >= base), None)
        if plan.inside and following and following.end <= size:
            size = following.end - 1
        if len(self.body) < size:
            return
        del self.body[size:]
        self._decoder.truncate(size)
        while self.ends and self.ends[-1] > size:
            previous = self.ends[-2] if len(self.ends) > 1 else 0
            if previous >= size:
                self.ends.pop()
                self.times.pop()
            else:
                self.ends[-1] = size
        where = f"{plan.inside} bytes inside what follows " if plan.inside else ""
        self._stop = (Ending.CUT, f"{where}after {plan.after} events")

    async def gate(self) -> None:
        """Wait while reading is paused."""
        await self._gate.wait()

    def finish(self, ending: Ending, detail: str) -> None:
        """The exchange is over; what we decided wins over what the socket then said."""
        self.ending, self.detail = self._stop or (ending, detail)
        self.ended_us = now_us()
        self._changed()

    def forget(self) -> None:
        """Give up the bytes, once they are kept elsewhere: of a flood there is no place for them twice."""
        self.body = bytearray()

    def cannot_send(self, operation: str, why: str) -> None:
        """Note that nobody can send the request: no answer to it is missing then."""
        self.role = "unsent"
        self.about.pop("meant", None)
        self.about["hindrance"] = f"{operation} cannot be sent: {why[:_WHY_CHARS]}"

    def _changed(self) -> None:
        tick, self._tick = self._tick, self._tick.get_loop().create_future()
        if not tick.done():
            tick.set_result(None)

    @property
    def stopped(self) -> bool:
        """Whether it was decided to end the exchange."""
        return self._stop is not None

    # ------------------------------------------------------------------ for whoever waits

    @property
    def seen(self) -> list[Seen]:
        """Every event so far."""
        self._decoder.feed(self.body)
        return self._decoder.seen

    @property
    def history(self) -> list[Seen]:
        """The events so far that every reader of the run sees alike."""
        self._decoder.feed(self.body)
        return self._decoder.history

    def json(self) -> Any:
        """The body so far as JSON, None where it is not."""
        return lenient(self.body)

    @contextlib.contextmanager
    def awaiting(self, wanted: str, within_s: float | None) -> Iterator[None]:
        """Say that somebody waits for so long, for the length of the block."""
        row = (now_us() + int((within_s or 0.0) * 1e6), wanted)
        if within_s is not None:
            self._awaited.append(row)
        try:
            yield
        finally:
            if within_s is not None:
                self._awaited.remove(row)

    @property
    def awaited(self) -> tuple[int, str] | None:
        """Until when it is waited for, by `now_us`, and for what: the wait that is over first. None without any."""
        return min(self._awaited, default=None)

    async def _wait(self, holds: Callable[[], bool], within_s: float, wanted: str) -> bool:
        """Wait until something holds or the exchange is over; at the deadline end it as timed out."""
        try:
            with self.awaiting(wanted, within_s):
                async with asyncio.timeout(within_s):
                    while not holds():
                        if self.ending:
                            return False
                        await asyncio.shield(self._tick)
        except TimeoutError:
            await self.stop(Ending.TIMED_OUT, f"{wanted} not within {within_s:.1f} s")
            return holds()
        return True

    async def head(self, within_s: float) -> Head | None:
        """The head of the answer, None where none comes."""
        await self._wait(lambda: self.head_now is not None, within_s, "the head")
        return self.head_now

    async def events(self, count: int, within_s: float) -> bool:
        """Wait for so many history events; gives whether they came."""
        return await self._wait(lambda: len(self.history) >= count, within_s, f"{count} events")

    async def until(self, wanted: Callable[[Seen], bool], within_s: float, what: str = "an event") -> Seen | None:
        """The first event for which `wanted` holds, None where none comes."""
        found: list[Seen] = []
        looked = 0

        def holds() -> bool:
            nonlocal looked
            events = self.seen
            while looked < len(events) and not found:
                if wanted(events[looked]):
                    found.append(events[looked])
                looked += 1
            return bool(found)

        await self._wait(holds, within_s, what)
        return found[0] if found else None

    async def flows_until(
        self, wanted: Callable[[Seen], bool], quiet_s: float, at_most_s: float, looked: int = 0
    ) -> bool:
        """Wait for an event for which `wanted` holds, as long as bytes keep coming; the exchange goes on either way.

        The first `looked` events are passed over.

        A suite that is slow itself has not read yet what is there: while something comes, nothing is missing.
        """
        try:
            async with asyncio.timeout(at_most_s):
                while True:
                    events = self.seen
                    if any(map(wanted, events[looked:])):
                        return True
                    if self.ending:
                        return False
                    looked = len(events)
                    async with asyncio.timeout(quiet_s):
                        await asyncio.shield(self._tick)
        except TimeoutError:
            return any(map(wanted, self.seen[looked:]))

    async def ended(self, within_s: float) -> Ending:
        """How the exchange ended; it is over when this returns."""
        await self._wait(lambda: self.ending is not None, within_s, "the end")
        return self.ending or Ending.TIMED_OUT

    async def settled(self) -> None:
        """Wait until its task has looked at what follows on the end; the exchange is over, so that this is soon."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def over(self, within_s: float) -> bool:
        """Wait for the end as well, but leave the exchange running where it does not come."""
        try:
            async with asyncio.timeout(within_s):
                while self.ending is None:
                    await asyncio.shield(self._tick)
        except TimeoutError:
            return False
        return True

    # ------------------------------------------------------------------ for whoever has had enough

    async def cut(self, detail: str) -> None:
        """Close the connection from our side; it is closed when this returns."""
        await self.stop(Ending.CUT, detail)

    async def stop(self, ending: Ending, detail: str) -> None:
        """End the exchange, unless it is over."""
        if self.ending is None and self._task is not None:
            self._stop = self._stop or (ending, detail)
            self._gate.set()
            self._task.cancel()
            await asyncio.wait([self._task])
            if self.ending is None:  # it had not begun
                self.finish(ending, detail)

    def hold(self) -> None:
        """Stop reading: what the candidate writes fills the buffers in between."""
        self._gate.clear()

    def go_on(self) -> None:
        """Read again."""
        self._gate.set()
