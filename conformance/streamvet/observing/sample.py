"""A stream as a stranger sees it: its framing by its bytes, then its events and its silences, each with its time.

Must not know profiles: nothing here has a type yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.framing import json_text, ndjson, sse
from streamvet.framing.frame import Frame, Kind
from streamvet.outcome import arrival_us

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.trace import Exchange

SSE, NDJSON = "sse", "ndjson"
EVENT_STREAM = "text/event-stream"
# Nobody has registered one; these are what servers, and OpenAPI 3.2, call a stream of one JSON document a line.
NDJSON_TYPES = (
    "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines",
    "application/x-jsonlines", "application/json-lines", "application/stream+json", "application/x-json-stream",
)  # fmt: skip
_SSE_LINE = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?::|(?:data|event|id|retry)(?:[:\r\n]))")
# What is looked at of a stream. Types, numbers and heartbeats show in far fewer events.
MOST_OBSERVED = 10_000


class Observed(NamedTuple):
    """One event. `value` is None where its data is no JSON."""

    name: str  # the SSE event field, "" where there is none
    text: str
    value: Any
    is_json: bool
    id: str | None
    at_us: int


class Quiet(NamedTuple):
    """A comment, or a line with nothing: what may be a heartbeat, or a greeting."""

    form: str  # comment or blank
    text: str
    at_us: int
    first: bool  # whether it is the first thing on the stream


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen of one stream. Times are those of its exchange; `timed` is False where they are not known."""

    framing: str
    events: tuple[Observed, ...]
    quiet: tuple[Quiet, ...]
    exchange: Exchange
    timed: bool = True
    ends_with_event: bool = False  # nothing came behind the last one, but for what is unended

    @property
    def begun_us(self) -> int:
        """When the stream was there."""
        head = self.exchange.head
        return head.at_us if head else self.exchange.sent_us


def framing_of(media_type: str, body: bytes, *, ended: bool) -> str | None:
    """The framing of a stream by its media type, else by its bytes; None where it is none that is known."""
    if media_type == EVENT_STREAM:
        return SSE
    if media_type in NDJSON_TYPES:
        return NDJSON
    if _SSE_LINE.match(body):
        return SSE
    lines = [line for line in body[: 1 << 20].split(b"\n")[:-1] if line.strip()]
    documents = sum(_is_document(line) for line in lines[:2])
    return NDJSON if documents > 1 or (documents == len(lines) == 1 and not ended) else None


def _is_document(line: bytes) -> bool:
    """Whether a line is a JSON object, or a list: a number or a word alone may be a line of anything."""
    return isinstance(json_text.read(line.decode("utf-8", "replace")).value, dict | list)


def sampled(exchange: Exchange, framing: str, *, timed: bool = True) -> Sample:
    """What is seen of a stream, up to a bound."""
    decode = sse.decode if framing == SSE else ndjson.decode
    frames = list(islice(decode(exchange.body), 4 * MOST_OBSERVED))
    events = [_observed(frame, exchange) for frame in frames if frame.kind in (Kind.EVENT, Kind.LINE)]
    whole = [frame.kind for frame in frames if frame.kind not in (Kind.BLANK, Kind.PARTIAL)]
    spoke = whole[-1:] != [Kind.COMMENT] and len(events) <= MOST_OBSERVED
    silences = tuple(_silences(frames, exchange))
    return Sample(framing, tuple(events[:MOST_OBSERVED]), silences, exchange, timed, spoke)


def _observed(frame: Frame, exchange: Exchange) -> Observed:
    read = json_text.read(frame.data)
    is_json = read.value is not None or frame.data.strip() == "null"
    return Observed(frame.event, frame.data, read.value, is_json, frame.id, arrival_us(exchange, frame.end))


def _silences(frames: Sequence[Frame], exchange: Exchange) -> list[Quiet]:
    """The comments, and the empty lines that do not end what stands before them."""
    found: list[Quiet] = []
    before: Frame | None = None
    for frame in frames:
        at_us = arrival_us(exchange, frame.end)
        if frame.kind is Kind.COMMENT:
            found.append(Quiet("comment", frame.data, at_us, frame.start == 0))
        elif frame.kind is Kind.BLANK and not exchange.body[frame.start : frame.end].strip():
            alone = before is None or at_us - arrival_us(exchange, before.end) > _TOGETHER_US
            found += [Quiet("blank", "", at_us, before is None)] if alone else []
        before = frame
    return found


_TOGETHER_US = 50_000  # what leaves a server at once arrives within this
