"""Streams made by hand: pieces with the times at which they come."""

from __future__ import annotations

import json
from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from streamvet.observing.asking import Heard
from streamvet.observing.guess import Guess, guess
from streamvet.observing.sample import framing_of, sampled
from streamvet.trace import Ending, Exchange, Head, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

SSE = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no"),
       ("Transfer-Encoding", "chunked"))  # fmt: skip
NDJSON = (("Content-Type", "application/x-ndjson"), *SSE[1:])
Piece = tuple[int, bytes]  # when it comes, in ms from the head


def block(data: Any, name: str = "", id_: object = None) -> bytes:
    """An SSE block."""
    text = data if isinstance(data, str) else json.dumps(data)
    lines = [f"id: {id_}\n"] if id_ is not None else []
    lines += [f"event: {name}\n"] if name else []
    return "".join([*lines, f"data: {text}\n\n"]).encode()


def line(value: Any) -> bytes:
    """A line of NDJSON."""
    return json.dumps(value).encode() + b"\n"


def exchange(
    pieces: Sequence[Piece], headers: Sequence[tuple[str, str]] = SSE, *, ending: Ending = Ending.COMPLETE,
    role: str = "reader", status: int = 200, lasts_ms: int = 0, about: dict[str, Any] | None = None,
) -> Exchange:  # fmt: skip
    """A stream whose head comes 1 ms after the request; it ends with its last piece, or lasts for so long."""
    times = [1000 + at_ms * 1000 for at_ms, _ in pieces]
    return Exchange(
        id="x1" if role == "reader" else role, operation="attach", role=role,
        about={"meant": "stream", "account": "primary", "run": "r1", **(about or {})},
        request=Request("GET", "http://127.0.0.1/events", (("Accept-Encoding", "identity"),), None), sent_us=0,
        head=Head(status, "HTTP/1.1", tuple(headers), 1000), body=b"".join(data for _, data in pieces),
        ends=array("q", accumulate(len(data) for _, data in pieces)), times=array("q", times), ending=ending,
        ended_us=max([1000 + lasts_ms * 1000, *times]),
    )  # fmt: skip


def guessed(one: Exchange) -> Guess:
    """What is guessed of a stream."""
    media_type = one.head.media_type if one.head else ""
    framing = framing_of(media_type, one.body, ended=one.by_server)
    assert framing is not None
    return guess(sampled(one, framing), ended=one.by_server)


def heard(main: Exchange, *, coded: Exchange | None = None, again: Exchange | None = None, cursor: str = "") -> Heard:
    """The answers of a look, where the clock stood at zero when it was asked."""
    media_type = main.head.media_type if main.head else ""
    framing = framing_of(media_type, main.body, ended=main.by_server)
    assert framing is not None
    return Heard(main, coded, again, cursor, framing, 0.0, (), main.ended_us / 1e6)
