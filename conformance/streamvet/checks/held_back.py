"""TRN-03, TRN-07: events that somebody between the run and the reader kept back, and who that may have been.

What is emitted apart and comes together has been waiting. That it is emitted apart is known from a script, from the
interval of heartbeats, from the times that events carry, or from the target file, which has an input of a known pace.
Must not know SSE or NDJSON.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from streamvet.checks import pauses
from streamvet.checks.pauses import MIN_PAUSE_US, PAUSE_BEARS, PAUSE_SEEN
from streamvet.checks.runs import emitted, scripted, slowest_answer_us
from streamvet.checks.suspects import suspects
from streamvet.checks.timing import unscaled_us
from streamvet.contract.profile import pointed
from streamvet.outcome import NotExercised, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Exchange, Trace

# What leaves a buffer at once arrives within this, also where a reader takes it in several pieces.
TOGETHER_US = 50_000
# Of what is due apart and comes together: twice the shortest pause, as a burst may follow on a short one by itself.
MIN_SPREAD_US = 2 * MIN_PAUSE_US
WHOLE_SECONDS_US = 2_000_000  # of events whose times are cut to seconds: more than cutting makes of nothing
SLOW_ANSWER_TIMES = 3  # of the slowest other answer of a try: to open a stream may take a server longer
LEAST_INTERVALS = 2  # of what leaves a buffer at once: shorter intervals of heartbeats say nothing
LEAST_PACED = 3  # events: two may come together for other reasons, such as a greeting and the first one
MOST_TIMED = 500  # events of a stream whose own times are looked at
# Who is there while a run emits. Others come when it is over, or are cut.
WATCHING = ("reader", "watch", "idle", "many", "late", "racer")


class Due(NamedTuple):
    """An event, and when it can have been sent at the earliest; `what` it is for people."""

    event: Event
    due_us: int
    what: str


class Held(NamedTuple):
    """Events that came together, and for how long the first of them was held back at least."""

    for_us: int
    first: Event
    last: Event
    number: int
    want: str


def released(readings: Sequence[Reading], trace: Trace, profile: Profile) -> Outcome:
    """Where events came together that are due apart, in some streams of a trace."""
    paused = pauses.released(readings, trace, profile)
    found = {one.exchange: one for one in paused} if isinstance(paused, list) else {}
    exercised = isinstance(paused, list)
    for one in readings:
        if one.exchange.id in found:
            found[one.exchange.id] = _with_suspects(found[one.exchange.id], one)
            continue
        for looked in _SOURCES:
            outcome = looked(one, trace, profile)
            exercised = exercised or outcome is not None
            if outcome:
                found[one.exchange.id] = _told(one.exchange, outcome[0])
                break
    if found or (isinstance(paused, NotExercised) and (paused.due or not exercised)):
        return list(found.values()) or paused
    return []


def _with_suspects(found: Finding, one: Reading) -> Finding:
    """The finding of a pause with what came together, and who may have held it back."""
    last = [event for event in one.events if event.at_us <= found.at_us][-1:]
    together = sum(0 <= last[0].at_us - event.at_us <= TOGETHER_US for event in one.events) if last else 0
    seen = f"held back: {found.seen}" + (f", {together} came together" if together > 1 else "")
    head = one.exchange.head
    return dataclasses.replace(found, seen=f"{seen}; {suspects(head)}" if head else seen)


# None: it cannot tell; nothing: none was held back.
_Looked = list[Held] | None


def _begun(one: Reading, trace: Trace) -> int | None:
    """The earliest time of the run of a stream, as the request for it was sent; of an ambient stream its own head."""
    if one.profile.streams == "ambient":
        return one.head_us
    label = one.exchange.about.get("run")
    asked = (x for x in trace.exchanges if x.operation.startswith("start:") and x.about.get("run") == label)
    return next((x.sent_us for x in asked), None)


def _came_us(one: Reading) -> int:
    """When the reader was there: at its head, or at its request where that started the run."""
    x = one.exchange
    return x.sent_us if x.operation.startswith("start:") else one.head_us


def _asked_us(one: Reading, trace: Trace) -> int:
    """The same where the head itself may be held back: then it was as late as other answers of the server, or less.

    A reader of a crowd may wait for its turn, which is TRN-12's.
    """
    if one.exchange.role == "many":
        return _came_us(one)
    latency_us = max(SLOW_ANSWER_TIMES * slowest_answer_us(trace), TOGETHER_US)
    return min(_came_us(one), one.exchange.sent_us + latency_us)


# ---------------------------------------------------------------------------------------------- by a script


def _by_script(one: Reading, trace: Trace, profile: Profile) -> _Looked:
    """Events of a script with its end, which is due when the script is over, or cancelled at the earliest."""
    wanted, begun = emitted(trace, profile), _begun(one, trace)
    events = scripted(one)
    if wanted is None or begun is None or len(events) != len(wanted) or profile.streams == "ambient":
        return None
    due_us, rows = begun, list[Due]()
    left = iter(events)
    for step in trace.stimulus.get("script") or ():
        if "emit" in step:
            rows.append(Due(next(left), due_us, f"event {len(rows) + 1} of the script"))
        else:
            due_us += int(step["wait_ms"] * 1000 * trace.time_scale)
    over_us = _over_us(one, trace, due_us)
    ends = one.of(profile.terminal.events)[:1] if profile.terminal and over_us is not None else []
    rows += [Due(end, over_us or 0, "the end of the run") for end in ends]
    # With the first event of a stream everything waits, and for that one there is a bound of its own.
    opens = bool(rows) and rows[0].event.at_us - one.events[0].at_us <= TOGETHER_US
    bound_us = unscaled_us(profile) if opens and profile.field("catchup.first.within_ms") else 0
    return _lumps(one, trace, rows, max(MIN_SPREAD_US, bound_us), "by the script they are")


def _over_us(one: Reading, trace: Trace, due_us: int) -> int | None:
    """When a run ends at the earliest: behind its script, or once it is cancelled. None: that is not known."""
    if trace.stimulus.get("outcome") in ("succeeds", "fails"):
        return due_us
    label = one.exchange.about.get("run")
    cancels = (x for x in trace.exchanges if x.operation == "cancel" and x.about.get("run") == label)
    return next((x.sent_us for x in cancels), None)


def _lumps(one: Reading, trace: Trace, rows: Sequence[Due], least_us: int, by: str) -> _Looked:
    """The first events that came together although the first was due so long before the last."""
    came_us, late_us = _asked_us(one, trace), trace.worst_late_us(one.exchange)
    exercised = False
    for lump in _together_rows(rows):
        first, last = lump[0], lump[-1]
        spread_us = max(last.due_us, came_us) - max(first.due_us, came_us)
        if spread_us >= least_us and late_us <= spread_us * PAUSE_BEARS:
            want = f"{first.what} at least {spread_us * PAUSE_SEEN / 1000:.0f} ms before {last.what}: "
            want += f"{by} {spread_us / 1000:.0f} ms apart"
            return [Held(spread_us, first.event, last.event, len(lump), want)]
    if rows and max(rows[-1].due_us, came_us) - max(rows[0].due_us, came_us) >= least_us:
        exercised = late_us <= least_us * PAUSE_BEARS
    return [] if exercised else None


def _together_rows(rows: Sequence[Due]) -> Iterator[Sequence[Due]]:
    """What came at once, one after the other."""
    start = 0
    for index in range(1, len(rows) + 1):
        if index == len(rows) or rows[index].event.at_us - rows[start].event.at_us > TOGETHER_US:
            yield rows[start:index]
            start = index


# ------------------------------------------------------------------------------- by heartbeats, times and pace


def _by_beats(one: Reading, trace: Trace, profile: Profile) -> _Looked:
    """Heartbeats that come together after a silence in which all but the last of them were due."""
    beat = profile.heartbeat
    if beat is None or one.exchange.role not in WATCHING or not one.beats:
        return None
    interval_us = int(beat.interval_ms * 1000 * trace.time_scale)
    if interval_us < LEAST_INTERVALS * TOGETHER_US:
        return None
    others = sorted(event.at_us for event in one.events)
    before_us, doubtful = one.exchange.sent_us, False
    for lump in _together_rows([Due(beat, 0, "a heartbeat") for beat in one.beats]):
        first, last, number = lump[0].event, lump[-1].event, len(lump)
        since_us = max([before_us, *(at for at in others if at < first.at_us - TOGETHER_US)])
        before_us = last.at_us
        if number < 2 or first.at_us - since_us <= (number - PAUSE_BEARS) * interval_us:
            continue
        if trace.late_at_us(last.at_us) > interval_us * PAUSE_SEEN:
            doubtful = True
            continue
        want = f"a heartbeat each {interval_us / 1000:.0f} ms"
        return [Held((number - 1) * interval_us, first, last, number, want)]
    return [] if len(one.beats) > 1 and not doubtful else None


def _by_times(one: Reading, trace: Trace, profile: Profile) -> _Looked:
    """Events that came together and say themselves that they happened apart, while their reader was there."""
    place, begun = profile.field("events.time"), _begun(one, trace)
    if not place or begun is None or profile.streams == "ambient" or one.exchange.role not in WATCHING:
        return None
    times = [(event, _moment(pointed(one.value(event), place))) for event in islice(one.events, MOST_TIMED)]
    known = [(event, moment) for event, moment in times if moment is not None]
    # A time that is still to come by our own clock says nothing of how long its event was held back.
    known = [(event, moment) for event, moment in known if moment[0] <= trace.wall_clock + event.at_us / 1e6]
    if len(known) < 2:
        return None
    zero_s = min(at_s for _, (at_s, _) in known)
    rows = [Due(event, begun + int((at_s - zero_s) * 1e6), "an event") for event, (at_s, _) in known]
    fine = all(is_fine for _, (_, is_fine) in known)
    least_us = max(MIN_SPREAD_US if fine else WHOLE_SECONDS_US, unscaled_us(profile))
    return _lumps(one, trace, rows, least_us, "by their own times they are")


def _moment(text: object) -> tuple[float, bool] | None:
    """A timestamp in seconds, and whether it has fractions of them; None where it is none."""
    try:
        return (datetime.fromisoformat(text).timestamp(), "." in text) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None  # the schema's format says so


def _by_pace(one: Reading, trace: Trace, profile: Profile) -> _Looked:
    """Events of an input of which the target file says how far apart they are, but for those at the beginning."""
    gap_us, begun = int(trace.stimulus.get("gap_ms", 0)) * 1000, _begun(one, trace)
    ends = profile.terminal.events if profile.terminal else ()
    over = {event.start for event in one.of(ends)}
    events = [event for event in one.events if event.start not in over]
    x = one.exchange
    if not gap_us or begun is None or x.role != "reader" or len(events) < LEAST_PACED:
        return None
    if trace.worst_late_us(x) > gap_us * PAUSE_BEARS:
        return None
    for start in range(len(events) - LEAST_PACED + 1):
        first, last = events[start], events[start + LEAST_PACED - 1]
        if last.at_us - first.at_us < gap_us * PAUSE_SEEN and first.at_us - begun > gap_us:
            count = sum(first.at_us <= event.at_us <= first.at_us + gap_us * PAUSE_SEEN for event in events)
            want = f"events {gap_us / 1000:.0f} ms apart, as the target file says of this input"
            return [Held((count - 1) * gap_us, first, events[start + count - 1], count, want)]
    return []


_SOURCES: tuple[Callable[[Reading, Trace, Profile], _Looked], ...] = (
    _by_script, _by_pace, _by_beats, _by_times,
)  # fmt: skip


def _told(exchange: Exchange, held: Held) -> Finding:
    span = (min(held.first.start, held.last.start), max(held.first.end, held.last.end))
    one = finding(exchange, held.want, "", span, held.last.at_us, timed=True)
    apart = f"{(held.last.at_us - held.first.at_us) / 1000:.0f} ms between them"
    together = f"{held.number} came together, {apart}" if held.number > 1 else apart
    seen = f"held back for {held.for_us / 1000:.0f} ms: {together}"
    return dataclasses.replace(one, seen=f"{seen}; {suspects(exchange.head)}" if exchange.head else seen)
