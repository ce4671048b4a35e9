"""The evidence of one finding: the exchange as it went, with the offending bytes and some frames around them.

Made while the trace is at hand, so that no trace has to be kept for the report; its size is bounded whatever the
candidate sent. Must not know in which form it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from streamvet.decode import frames as frames_of
from streamvet.decode import readable
from streamvet.report import stock
from streamvet.report.curl import curl
from streamvet.report.excerpt import pieces
from streamvet.report.picture import Picture, picture
from streamvet.report.printable import printable
from streamvet.report.strip import Strip, draw
from streamvet.report.timeline import Row, Scene, request_line, timeline

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Finding
    from streamvet.report.excerpt import Piece
    from streamvet.trace import Exchange, Trace

HEADERS = 24  # of an answer; a page is not the place for more
HEADER_CHARS = 200
MOST_FRAMES = 20_000  # that are looked at: some hundred times what a try has, and some megabytes
SENT_CHARS = 240  # of a request's body: three lines of a page


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A finding with its surroundings."""

    finding: Finding
    probe: str
    stimulus: str
    operation: str
    role: str
    request: str  # method and URL
    sent: str  # the body of the request as it is, cut; "" where it has none
    curl: str  # the request as a command
    answer: str  # how it was answered: status and media type, or what came in place of that
    headers: tuple[tuple[str, str], ...]
    at_ms: float  # from the request
    rows: tuple[Row, ...]
    strip: Strip
    picture: Picture
    client: str  # the stock client, "" where none was asked
    client_stopped: str  # why it delivered no more

    witness: str = ""  # which other exchange shows what is right, and at which of its bytes; "" where none is named
    proof: tuple[Piece, ...] = ()  # these bytes

    @property
    def excerpt(self) -> tuple[Piece, ...]:
        """The offending bytes with what stands around them; empty where the finding is about no bytes."""
        return next((row.pieces for row in self.rows if row.guilty and row.pieces), ())


def exhibit(finding: Finding, trace: Trace, profile: Profile) -> Exhibit | None:
    """The evidence of `finding`; None where the trace has no such exchange."""
    exchange = next((one for one in trace.exchanges if one.id == finding.exchange), None)
    if exchange is None:
        return None
    decoded = frames_of(exchange, profile) if _is_stream(exchange, profile) else iter(())
    frames = list(islice(decoded, MOST_FRAMES))
    given = stock.deliveries(exchange.body, frames) if frames and profile.framing == "sse" else None
    more = next(decoded, None) is not None
    scene = Scene(exchange, profile, finding, frames, given.by_frame if given else {}, more)
    return Exhibit(
        finding=finding,
        probe=trace.probe,
        stimulus=printable(str(trace.stimulus.get("name", ""))),
        operation=exchange.operation,
        role=exchange.role,
        request=request_line(exchange),
        sent=_sent(exchange),
        curl=curl(exchange.request),
        answer=printable(_answer(exchange)),
        headers=_headers(exchange),
        at_ms=scene.ms(finding.at_us),
        rows=tuple(timeline(scene)),
        strip=draw(exchange, finding),
        picture=picture(finding, trace, profile, is_stream=lambda one: _is_stream(one, profile) and readable(one)),
        client=stock.client() if given else "",
        client_stopped=given.stopped if given else "",
        **_witness(finding, trace),
    )


def _witness(finding: Finding, trace: Trace) -> dict[str, Any]:
    """The exchange that shows what is right, and its bytes."""
    name, (start, end) = finding.witness or ("", (0, 0))
    one = next((one for one in trace.exchanges if one.id == name), None)
    if one is None:
        return {}
    where = f"exchange {name} ({one.role}), bytes {start}-{end}"
    return {"witness": where, "proof": pieces(one.body, start, end, (start, end))}


def _is_stream(exchange: Exchange, profile: Profile) -> bool:
    operation = profile.operations.get(exchange.operation)
    answered = exchange.status is None or 200 <= exchange.status < 300
    return answered and (operation is None or operation.streams)


def _headers(exchange: Exchange) -> tuple[tuple[str, str], ...]:
    pairs = exchange.head.headers[:HEADERS] if exchange.head else ()
    return tuple((printable(name), printable(value[:HEADER_CHARS])) for name, value in pairs)


def _answer(exchange: Exchange) -> str:
    head = exchange.head
    if head is None:
        return f"not answered: {exchange.ending.value} {exchange.detail}".strip()
    return f"answered {head.status} {head.get('content-type') or 'without a media type'}"


def _sent(exchange: Exchange) -> str:
    body = exchange.request.body or ""
    left_out = len(body) - SENT_CHARS
    return body[:SENT_CHARS] + (f" … {left_out} more characters" if left_out > 0 else "")
