"""Asks for a stream as a stranger may: reads it for a bounded time, once more with codings, and once more from an id.

Nothing is sent twice that may change something. Must not know what is guessed of the answers, nor what is right.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamvet.contract.files import cut
from streamvet.contract.loading import profile_of
from streamvet.decode import named_coding, unknown_coding
from streamvet.framing import sse
from streamvet.framing.frame import Kind
from streamvet.observing.beats import beat_of
from streamvet.observing.question import ACCEPT
from streamvet.observing.sample import EVENT_STREAM, NDJSON_TYPES, framing_of, sampled
from streamvet.observing.telling import telling
from streamvet.recorder import Ask, Limits, Recorder, Secrets, Tape, explained, now_us
from streamvet.trace import BY_SERVER, Ending, Exchange, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.contract.profile import Profile
    from streamvet.contract.route import Route
    from streamvet.observing.question import Question
    from streamvet.recorder import Live
    from streamvet.trace import Head, Late

# By how much a stream is judged in a second or two: a flood of which more would say the same.
LIMITS = Limits(body_bytes=4 * 1024 * 1024, answer_bytes=4 * 1024 * 1024, frames=10_000)
SECONDS, LEAST_SECONDS, MOST_SECONDS = (
    40.0,
    1.0,
    45.0,
)  # the longest heartbeat that proxies bear is near 30 s; and all is over in 60 s
_TICK_S = 0.2  # how often it is looked whether enough was seen, and progress told of
_AGAIN_S = 6.0  # for a reader that comes back: what is replayed comes at once
_ENOUGH_BEATS = 4  # three gaps of a heartbeat
_ENOUGH_S = 5.0
_IDS = 3  # events with ids: from the second one on a resumption differs from a new beginning
_CODINGS = "gzip, deflate, br, zstd"
_LEFT = "seen enough"


class NoStream(Exception):  # noqa: N818 - it names what there is
    """Nothing at that address is a stream, or nothing answers there; the text says what is."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back. `coded` and `again` are None where they were not asked for; `cursor` is what `again` named."""

    main: Exchange
    coded: Exchange | None
    again: Exchange | None
    cursor: str
    framing: str
    wall_clock: float
    late: tuple[Late, ...]
    seconds: float

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All of them."""
        return tuple(one for one in (self.main, self.coded, self.again) if one is not None)


@dataclass(frozen=True, slots=True)
class State:
    """How far it is, for who waits: seconds since the request, of how many; what has come so far."""

    after_s: float
    of_s: float
    has_head: bool
    received_bytes: int


async def ask(
    question: Question, route: Route, seconds: float, on_progress: Callable[[State], None] = lambda _state: None,
    *, to_the_end: bool = False,
) -> Heard:  # fmt: skip
    """Read the stream that a question asks for, for so many seconds at most, and a little for who comes back.

    It is left once its heartbeat is measured, unless `to_the_end` is wanted.

    Raises:
        NoStream: where there is none.
    """
    secrets = Secrets()
    secrets.add(*question.secrets)
    async with Recorder(_nobodys(), secrets, LIMITS, route) as recorder:
        tape = Tape(recorder)
        asking = _Asking(tape, question, seconds, to_the_end)
        await asking.read(on_progress)
        await tape.close(Ending.CUT, _LEFT)
        exchanges = await tape.exchanges()
        if recorder.errors:
            raise recorder.errors[0]
        main, *others = exchanges
        if main.head is None:
            why = main.detail or main.ending.value
            said = why if main.ending is Ending.TIMED_OUT else await explained(route, question.url, why)
            raise NoStream(f"{question.url}: {said if said.startswith('no answer') else f'no answer: {said}'}")
        framing = _stream_in(main, question)
        by_role = {one.role: one for one in others}
        return Heard(
            main, by_role.get("late"), by_role.get("resumed"), asking.cursor, framing, tape.wall_clock_s, tape.late(),
            (now_us() - tape.zero_us) / 1e6,
        )  # fmt: skip


def _nobodys() -> Profile:
    """A profile that promises nothing, as the recorder takes one; its decoder is not asked for anything."""
    raw = {
        "format": 2, "profile": "nobodys", "title": "A stream of an unknown kind", "version": 1,
        "streams": "ambient", "framing": {"kind": "sse"}, "auth": {"kind": "none"},
        "operations": {"attach": {"method": "GET", "path": "/", "status": [200], "streams": True}},
        "events": {
            "set": "open", "discriminator": [{"type": "message"}], "types": {"message": "events/message.schema.json"},
        },
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="streamvet-") as folder:
        path = Path(folder) / "profile.yaml"
        path.write_text(json.dumps(raw), encoding="utf-8")
        return profile_of(raw, path)


@dataclass(slots=True)
class _Asking:
    """The requests of one look at a stream."""

    tape: Tape
    question: Question
    seconds: float
    to_the_end: bool
    cursor: str = ""
    coded: Live | None = None
    again: Live | None = None

    async def read(self, on_progress: Callable[[State], None]) -> None:
        """Read until enough was seen, the stream is over, or the time is."""
        main = self._send("reader", "identity")
        begun_us = now_us()
        until_us = begun_us + int(self.seconds * 1e6)
        while main.ending is None and now_us() < until_us:
            await main.over(_TICK_S)
            self._beside(main)
            after_s = (now_us() - begun_us) / 1e6
            on_progress(State(after_s, self.seconds, main.head_now is not None, main.received))
            if not self.to_the_end and after_s >= _ENOUGH_S and self._is_enough(main):
                break
        if main.ending is None:
            missing = main.head_now is None
            await main.stop(Ending.TIMED_OUT if missing else Ending.CUT, _why(main, self.seconds))
        self._beside(main)
        whole = main.ending in BY_SERVER
        waited = [one for one in (self.again, self.coded if whole else None) if one is not None]
        await asyncio.gather(*(one.over(max(_AGAIN_S - (now_us() - one.sent_us) / 1e6, 0.0)) for one in waited))

    def _send(self, role: str, coding: str, *more: tuple[str, str]) -> Live:
        own = {name.lower() for name, _ in self.question.headers}
        fields = [("Accept", ACCEPT)] if "accept" not in own else []
        body = json.dumps(self.question.body).encode() if self.question.has_body else None
        fields += [("Content-Type", "application/json")] if body is not None and "content-type" not in own else []
        headers = (*fields, ("Accept-Encoding", coding), *more, *self.question.headers)
        about = {"meant": "stream", "account": "primary", "run": "r1"}
        if role == "resumed":
            about |= {"cursor": self.cursor}
        operation = "attach"
        return self.tape.send(
            Ask(operation, role, self.question.method, self.question.url, headers, body, about, answer_s=self.seconds)
        )  # fmt: skip

    def _beside(self, main: Live) -> None:
        """Ask again, where that changes nothing and what has come is a stream: with codings, and from an id."""
        head = main.head_now
        if not self.question.repeats or head is None or not is_success(head):
            return
        media_type = head.media_type
        if self.coded is None and media_type in (EVENT_STREAM, *NDJSON_TYPES):
            self.coded = self._send("late", _CODINGS)
        if self.again is None and media_type == EVENT_STREAM and main.received:
            ids = _ids(bytes(main.body[: 1 << 16]))
            if len(ids) >= _IDS or (main.ending is not None and len(ids) > 1):
                self.cursor = ids[1] if len(ids) > 2 else ids[0]
                self.again = self._send("resumed", "identity", ("Last-Event-ID", self.cursor))

    def _is_enough(self, main: Live) -> bool:
        """Whether a heartbeat was measured well, and events were seen."""
        if main.head_now is None or len(main.body) > 1 << 20:
            return False
        exchange = _so_far(main)
        framing = framing_of(main.head_now.media_type, exchange.body, ended=False)
        if framing is None:
            return False
        sample = sampled(exchange, framing)
        beat = beat_of(sample, telling(sample.events, named=framing == "sse").kinds(sample.events))
        return beat is not None and beat.count >= _ENOUGH_BEATS and len(sample.events) > beat.count * bool(beat.kind)


def is_success(head: Head) -> bool:
    """Whether an answer may be a stream by its status."""
    return 200 <= head.status < 300 and head.status not in (204, 205)


def _ids(body: bytes) -> list[str]:
    """The ids of the events of a stream, one each, in their order."""
    found = [one.id for one in sse.decode(body) if one.kind is Kind.EVENT and one.id]
    return list(dict.fromkeys(one for one in found if one.isprintable()))


def _why(main: Live, seconds: float) -> str:
    """Why we left."""
    if main.head_now is None:
        return f"no answer within {seconds:.1f} s"
    return f"{_LEFT}, after {(now_us() - main.sent_us) / 1e6:.1f} s"


def _so_far(live: Live) -> Exchange:
    """What has come so far, as an exchange that we leave now."""
    return Exchange(
        id="x1", operation="attach", role=live.role, about=live.about, request=Request("GET", "", (), None),
        sent_us=live.sent_us, head=live.head_now, body=bytes(live.body), ends=live.ends[:], times=live.times[:],
        ending=Ending.CUT, ended_us=now_us(),
    )  # fmt: skip


def _stream_in(exchange: Exchange, question: Question) -> str:
    """The framing of what came.

    Raises:
        NoStream: where it is no stream.
    """
    head = exchange.head
    if head is None:  # said before
        raise NoStream(f"{question.url}: no answer")
    if not is_success(head):
        raise NoStream(f"{question.url}: answered {head.status}{_because(head)}{_beginning(exchange)}")
    framing = framing_of(head.media_type, exchange.body, ended=exchange.by_server)
    if framing is None:
        what = head.get("content-type") or "without a media type"
        over = "" if exchange.by_server else f", {exchange.detail}"
        raise NoStream(f"{question.url}: no stream: answered {head.status} {what}{over}{_beginning(exchange)}")
    if unknown_coding(exchange):
        raise NoStream(f"{question.url}: the content coding {named_coding(unknown_coding(exchange))} cannot be read")
    return framing


def _because(head: Head) -> str:
    """What a refusal asks for."""
    if 300 <= head.status < 400 and head.get("location"):
        return f", which leads to {head.get('location')}: redirects are not followed, check that address"
    if head.status in (401, 403):
        scheme = f" ({head.get('www-authenticate')})" if head.get("www-authenticate") else ""
        return f"{scheme}: name credentials with --header 'Authorization: …'"
    if head.status == 405 and head.get("allow"):
        return f": it allows {head.get('allow')}, see --method"
    return {406: ": name what it offers with --header 'Accept: …'"}.get(head.status, "")


def _beginning(exchange: Exchange) -> str:
    """The first characters of an answer, "" where it has none."""
    text = " ".join(exchange.body[:400].decode("utf-8", "replace").split())
    return f"; it begins {cut(repr(text))}" if text else ""
