"""The tape of one try: all its exchanges in the order of their requests, with one zero of time.

Turns running exchanges into the values of a trace, without secrets. Must not know probes or profiles' meanings.
"""

from __future__ import annotations

import asyncio
from array import array
from typing import TYPE_CHECKING

from streamvet.recorder.clock import now_us, wall_clock_s
from streamvet.trace import Ending, Exchange, Late, Request

if TYPE_CHECKING:
    from streamvet.recorder.live import Live
    from streamvet.recorder.recorder import Ask, Recorder


class Tape:
    """Sends requests through a recorder and remembers them."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._rows: list[tuple[Ask, Live]] = []
        self._closed = False
        self.zero_us = now_us()
        self.wall_clock_s = wall_clock_s()

    def send(self, ask: Ask) -> Live:
        """Send a request and keep its exchange.

        Raises:
            asyncio.CancelledError: after `close`. Who comes then is what is left of a try that is over: it ends here.
        """
        if self._closed:
            raise asyncio.CancelledError("the try is over")
        ask = self._recorder.dressed(ask)
        live = self._recorder.send(ask)
        self._rows.append((ask, live))
        return live

    def now_us(self) -> int:
        """The time on this tape."""
        return now_us() - self.zero_us

    @property
    def running(self) -> list[tuple[Ask, Live]]:
        """What has not ended."""
        return [(ask, live) for ask, live in self._rows if live.ending is None]

    @property
    def awaited(self) -> tuple[int, str] | None:
        """Until when the try waits at most, by `now_us`, and for what; None where it waits for no answer or event."""
        return max((one for _, live in self.running if (one := live.awaited)), default=None)

    async def close(self, ending: Ending = Ending.CUT, detail: str = "the try is over") -> None:
        """End whatever still runs; nothing more is sent."""
        self._closed = True
        await asyncio.gather(*(live.stop(ending, detail) for _, live in self.running))

    async def exchanges(self) -> tuple[Exchange, ...]:
        """Everything that was recorded; the tape is closed. Called once."""
        await asyncio.gather(*(live.settled() for _, live in self._rows))
        made = []
        for number, (ask, live) in enumerate(self._rows, start=1):
            made.append(await self._exchange(f"x{number}", ask, live))
            live.forget()
            self._recorder.let_go(live)
        return tuple(made)

    def late(self) -> tuple[Late, ...]:
        """When the suite itself was late, from the first request to the last end."""
        if not self._rows:
            return ()
        over_us = max(live.ended_us for _, live in self._rows)
        rows = self._recorder.jitter.late(self._rows[0][1].sent_us, over_us)
        return tuple(Late(at_us - self.zero_us, late_us) for at_us, late_us in rows)

    async def _exchange(self, name: str, ask: Ask, live: Live) -> Exchange:
        secrets, zero = self._recorder.secrets, self.zero_us
        head = live.head_now
        if head:
            headers = tuple((secrets.mask_text(key), secrets.mask_text(value)) for key, value in head.headers)
            head = head._replace(headers=headers, at_us=head.at_us - zero)
        return Exchange(
            id=name,
            operation=ask.operation,
            role=live.role,
            about={key: secrets.mask_value(value) for key, value in live.about.items()},
            request=self._request(ask),
            sent_us=live.sent_us - zero,
            head=head,
            body=await secrets.masked(live.body),
            ends=live.ends,
            times=array("q", (at - zero for at in live.times)),
            ending=live.ending or Ending.CUT,
            ended_us=(live.ended_us or now_us()) - zero,
            detail=secrets.mask_text(live.detail),
            coding=secrets.mask_text(live.coding),
            wire_bytes=live.wire_bytes,
        )

    def _request(self, ask: Ask) -> Request:
        secrets = self._recorder.secrets
        body = ask.shown_body
        if body is None and ask.body is not None:
            body = ask.body.decode("utf-8", "replace")
        return Request(
            ask.method,
            secrets.mask_text(ask.url, ours=True),
            tuple((key, secrets.mask_text(value, ours=True)) for key, value in ask.headers),
            None if body is None else secrets.mask_text(body, ours=True),
        )
