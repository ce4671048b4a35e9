"""Exchanges drawn to one scale: chunks, events, heartbeats as they came and were due, the allowed window, the ends.

The exchange of a finding is the first lane; those with which it was compared stand below it. Numbers only, in
thousandths of the time that the lanes have in common. Must not know how lanes are painted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from streamvet.checks.gaps import gaps, silences
from streamvet.decode import reading
from streamvet.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Finding
    from streamvet.trace import Exchange, Trace

WIDTH = 1000
LANES = 3  # the finding's own, and two beside it
MARKS = 400  # of one kind on a lane: more would be one line
_STEPS_MS = tuple(base * 10**power for power in range(-1, 8) for base in (1, 2, 5))
_TICKS = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """A place, and what is there."""

    at: int
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One exchange. Places are thousandths of the picture."""

    name: str
    sent: int
    head: int | None
    end: int
    ending: str
    chunks: tuple[int, ...]
    events: tuple[Mark, ...]
    beats: tuple[int, ...]
    due: tuple[int, ...]  # heartbeats
    window: tuple[int, int] | None  # in which the heartbeat of the finding was allowed to come
    finding: int | None
    late: tuple[tuple[int, int], ...]  # when the suite itself was


@dataclass(frozen=True, slots=True)
class Picture:
    """Lanes of one scale."""

    duration_ms: float
    ticks: tuple[Mark, ...]
    lanes: tuple[Lane, ...]


def picture(finding: Finding, trace: Trace, profile: Profile, *, is_stream: Callable[[Exchange], bool]) -> Picture:
    """The lanes of a finding. Of what is no stream, only the bytes are drawn."""
    by_id = {one.id: one for one in trace.exchanges}
    own = by_id[finding.exchange]
    named = (*((finding.witness[0],) if finding.witness else ()), *finding.beside)
    others = [by_id[name] for name in dict.fromkeys(named) if name in by_id and name != own.id]
    shown = [own, *others[: LANES - 1]]
    begin_us = min(one.sent_us for one in shown)
    # Beside a finding of a short exchange a long one is cut off: the picture is about the finding.
    last_us = max(own.ended_us, own.sent_us + 1, *(min(one.ended_us, 2 * own.ended_us - begin_us) for one in shown))

    def place(at_us: float) -> int:
        return min(max(round((at_us - begin_us) / (last_us - begin_us) * WIDTH), 0), WIDTH)

    lanes = tuple(_lane(one, finding, trace, profile, place, streams=is_stream(one)) for one in shown)
    return Picture((last_us - begin_us) / 1000, _ticks((last_us - begin_us) / 1000), lanes)


def _lane(
    one: Exchange, finding: Finding, trace: Trace, profile: Profile, place: Callable[[float], int], *, streams: bool
) -> Lane:
    events: tuple[Mark, ...] = ()
    beats: tuple[int, ...] = ()
    due: tuple[int, ...] = ()
    window = None
    if streams:
        found = reading(one, profile)
        events = tuple(
            Mark(place(each.at_us), printable(each.kind or each.name)) for each in islice(found.events, MARKS)
        )
        beats = _places((each.at_us for each in found.beats), place)
        waits = list(islice(_waits(one, trace, profile), MARKS))
        due = _places((due_us for _, due_us, _ in waits), place)
        if finding.exchange == one.id and finding.requirement.startswith("HBT"):
            window = next(
                ((place(due_us), place(until_us)) for since_us, due_us, until_us in reversed(waits)
                 if since_us < finding.at_us), None,
            )  # fmt: skip
    return Lane(
        name=f"{one.id} {printable(one.role)}",
        sent=place(one.sent_us),
        head=place(one.head.at_us) if one.head else None,
        end=place(one.ended_us),
        ending=f"{one.ending.value} {'by the server' if one.by_server else 'by streamvet'}",
        chunks=_places(one.times, place),
        events=events,
        beats=beats,
        due=due,
        window=window,
        finding=place(finding.at_us) if finding.exchange == one.id else None,
        late=tuple(
            (place(late.at_us), place(late.at_us + late.us)) for late in trace.late
            if one.sent_us <= late.at_us + late.us and late.at_us <= one.ended_us
        )[:MARKS],
    )  # fmt: skip


def _waits(one: Exchange, trace: Trace, profile: Profile) -> Iterator[tuple[int, int, int]]:
    """The waits for a heartbeat: since when, when it is due, and until when it is allowed to come."""
    beat = profile.heartbeat
    if beat is None:
        return
    interval_us = int(beat.interval_ms * 1000 * trace.time_scale)
    allowed_us = interval_us + profile.tolerance_us(beat.tolerance_ms, trace.time_scale)
    found = reading(one, profile)
    for gap in gaps(found) if beat.timer == "fixed" else silences(found):
        if gap.start_us + interval_us <= one.ended_us:
            yield gap.start_us, gap.start_us + interval_us, gap.start_us + allowed_us


def _places(moments: Iterable[int], place: Callable[[float], int]) -> tuple[int, ...]:
    """Each place once, and not more than one can tell apart."""
    return tuple(sorted({place(at) for at in islice(moments, 100 * MARKS)}))[: WIDTH + 1]


def _ticks(duration_ms: float) -> tuple[Mark, ...]:
    """Round times from the beginning on."""
    step = next((one for one in _STEPS_MS if duration_ms / one <= _TICKS), _STEPS_MS[-1])
    count = int(duration_ms // step)
    return tuple(Mark(round(n * step / duration_ms * WIDTH), _told(n * step)) for n in range(count + 1))


def _told(ms: float) -> str:
    return "0" if ms == 0 else f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"
