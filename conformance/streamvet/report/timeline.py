"""An exchange as rows: the request, the head, some frames with what was left out between them, and the end.

Must not know in which form the rows are shown.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamvet.framing.frame import Frame, Kind
from streamvet.outcome import arrival_us
from streamvet.report import stock
from streamvet.report.excerpt import Piece, marked, pieces
from streamvet.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Finding
    from streamvet.trace import Exchange

# A page that holds three findings of each of a hundred requirements stays below some megabytes with these.
FRAMES_BEFORE = 4
FRAMES_AFTER = 3
_MASKED = re.compile(r"x[x._-]{15,}")
GUILTY_FRAMES = 4  # a span may cover thousands of frames: the first ones, and the last


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline; times are from the request."""

    at_ms: float
    since_ms: float  # since the row before it, or since what was left out before it
    what: str  # request, head, body, omitted, moment, end, or a frame's kind
    label: str
    span: tuple[int, int] = (0, 0)
    pieces: tuple[Piece, ...] = ()
    guilty: bool = False
    delivered: tuple[str, ...] = ()  # by the stock client


@dataclass(frozen=True, slots=True)
class Scene:
    """What a timeline is made from. `delivered` is what the stock client gave, by the index of the frame."""

    exchange: Exchange
    profile: Profile
    finding: Finding
    frames: Sequence[Frame]
    delivered: Mapping[int, Sequence[str]] = field(default_factory=dict)
    more: bool = False  # whether the exchange has more frames than these

    def ms(self, at_us: int) -> float:
        """Milliseconds from the request."""
        return (at_us - self.exchange.sent_us) / 1000

    def frame_ms(self, frame: Frame) -> float:
        """When the last byte of a frame came."""
        return self.ms(arrival_us(self.exchange, frame.end))


def timeline(scene: Scene) -> list[Row]:
    """The rows; at least one of them is guilty."""
    exchange, rows = scene.exchange, _before_the_body(scene)
    chosen, guilty = _chosen(scene)
    follows = 0
    for index in chosen:
        if index > follows:
            rows.append(_omitted(scene, scene.frames[follows:index], rows[-1].at_ms))
        rows.append(_frame_row(scene, index, rows[-1].at_ms, guilty=index in guilty))
        follows = index + 1
    if follows < len(scene.frames):
        rows.append(_omitted(scene, scene.frames[follows:], rows[-1].at_ms))
    end_ms = scene.ms(exchange.ended_us)
    rows.append(Row(end_ms, end_ms - rows[-1].at_ms, "end", _ending(exchange)))
    return rows if any(row.guilty for row in rows) else _with_moment(rows, scene.ms(scene.finding.at_us))


def request_line(exchange: Exchange) -> str:
    """Method and URL on one line; a long masked secret, which the recorder keeps at its length, is cut short."""
    return printable(f"{exchange.request.method} {_MASKED.sub('xxxx…', exchange.request.url)}")


def _before_the_body(scene: Scene) -> list[Row]:
    """The request, the head, and a body that is no stream."""
    exchange, body = scene.exchange, scene.exchange.body
    rows = [Row(0.0, 0.0, "request", request_line(exchange))]
    if exchange.head:
        at_ms = scene.ms(exchange.head.at_us)
        rows.append(Row(at_ms, at_ms, "head", f"{exchange.head.status} {printable(exchange.head.get('content-type'))}"))
    if body and not scene.frames:
        at_ms, mark = scene.ms(arrival_us(exchange, len(body))), marked(scene.finding.span, len(body))
        text = pieces(body, 0, len(body), mark)
        rows.append(Row(at_ms, at_ms - rows[-1].at_ms, "body", "", (0, len(body)), text, mark is not None))
    return rows


def _frame_row(scene: Scene, index: int, since_ms: float, *, guilty: bool) -> Row:
    frame, body = scene.frames[index], scene.exchange.body
    return Row(
        at_ms=scene.frame_ms(frame),
        since_ms=scene.frame_ms(frame) - since_ms,
        what=frame.kind.value,
        label=label(frame, scene.profile),
        span=(frame.start, frame.end),
        pieces=pieces(body, frame.start, frame.end, marked(scene.finding.span, len(body))),
        guilty=guilty,
        delivered=tuple(map(printable, scene.delivered.get(index, ())[: stock.DELIVERIES])),
    )


def _chosen(scene: Scene) -> tuple[list[int], frozenset[int]]:
    """The indices of the frames to show, in order, and which of them the finding is about."""
    frames, mark = scene.frames, marked(scene.finding.span, len(scene.exchange.body))
    if not frames:
        return [], frozenset()
    hit = [i for i, frame in enumerate(frames) if mark and frame.start < mark[1] and frame.end > mark[0]]
    guilty = [*hit[: GUILTY_FRAMES - 1], *hit[GUILTY_FRAMES - 1 :][-1:]]
    near = guilty or [_frame_at(scene)]
    around = {*near, *range(near[0] - FRAMES_BEFORE, near[0]), *range(near[-1], near[-1] + FRAMES_AFTER + 1)}
    return sorted(i for i in around if 0 <= i < len(frames)), frozenset(guilty)


def _frame_at(scene: Scene) -> int:
    """The last frame that had come at the time of the finding; the first one where none had."""
    low, high = 0, len(scene.frames)
    while low < high:
        middle = (low + high) // 2
        if arrival_us(scene.exchange, scene.frames[middle].end) <= scene.finding.at_us:
            low = middle + 1
        else:
            high = middle
    return max(low - 1, 0)


def _omitted(scene: Scene, left_out: Sequence[Frame], since_ms: float) -> Row:
    first_ms, last_ms = scene.frame_ms(left_out[0]), scene.frame_ms(left_out[-1])
    span = (left_out[0].start, left_out[-1].end)
    count = f"{len(left_out)} frame{'s' if len(left_out) > 1 else ''}, {span[1] - span[0]} bytes, not shown"
    if scene.more and left_out[-1] is scene.frames[-1]:
        count = f"more than {count}"
    return Row(last_ms, first_ms - since_ms, "omitted", count, span)


def _with_moment(rows: list[Row], at_ms: float) -> list[Row]:
    """The rows with the moment of a finding that is about no bytes: a row of its time is guilty, or a new one is."""
    for index, row in enumerate(rows):
        if row.what in ("head", "end") and abs(row.at_ms - at_ms) < 0.001:
            return [*rows[:index], dataclasses.replace(row, guilty=True), *rows[index + 1 :]]
    after = next((index for index, row in enumerate(rows) if row.at_ms > at_ms), len(rows))
    before_ms = rows[after - 1].at_ms if after else 0.0
    moment = Row(at_ms, at_ms - before_ms, "moment", "the moment of the finding", guilty=True)
    later = [dataclasses.replace(row, since_ms=row.at_ms - at_ms) for row in rows[after : after + 1]]
    return [*rows[:after], moment, *later, *rows[after + 1 :]]


def _ending(exchange: Exchange) -> str:
    who = "by the server" if exchange.by_server else "by streamvet"
    return f"{exchange.ending.value}, {who}" + (f": {printable(exchange.detail)}" if exchange.detail else "")


def label(frame: Frame, profile: Profile) -> str:
    """The event's type where it can be read, else its SSE name."""
    if frame.kind not in (Kind.EVENT, Kind.LINE):
        return ""
    try:
        kind = profile.kind_of(json.loads(frame.data), frame.event, frame.data)
    except (ValueError, RecursionError):
        kind = profile.kind_of(None, frame.event, frame.data)
    return printable((kind or frame.event)[:60])
