"""Events that came together although they are due apart, by each clock that tells when they are due.

That is a script, the interval of heartbeats, the times that events carry, the pace of an input by the target file, or
the length of a run whose events all come with its end. Must not know SSE or NDJSON, nor who may have held them back.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from streamvet.checks import heartbeat
from streamvet.checks.pauses import MIN_PAUSE_US, PAUSE_BEARS, PAUSE_SEEN
from streamvet.checks.runs import emitted, scripted, slowest_answer_us
from streamvet.checks.timing import unscaled_us
from streamvet.contract.profile import pointed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.trace import Trace

# What leaves a buffer at once arrives within this, also where a reader takes it in several pieces.
TOGETHER_US = 50_000
# Of what is due apart and comes together: twice the shortest pause, as a burst may follow on a short one by itself.
MIN_SPREAD_US = 2 * MIN_PAUSE_US
WHOLE_SECONDS_US = 2_000_000  # of events whose times are cut to seconds: more than cutting makes of nothing
SLOW_ANSWER_TIMES = 3  # of the slowest other answer of a try: to open a stream may take a server longer
LEAST_INTERVALS = 2  # of what leaves a buffer at once: shorter intervals of heartbeats say nothing
BUSY_US = 500_000  # by which a server that does something else may be late for a heartbeat, on a busy machine
LEAST_PACED = 3  # events: two may come together for other reasons, such as a greeting and the first one
MOST_TIMED = 500  # events of a stream whose own times are looked at
# Of a run of which nothing is known: after so long people take a progress bar that does not move for a hung one.
LONG_RUN_US = 3_000_000
LUMP_PART = 0.02  # of such a run: what a buffer of a whole run lets out takes a slow reader longer than one event does
# Who is there while a run emits. Others come when it is over, or are cut.
WATCHING = ("reader", "watch", "idle", "many", "late", "racer")

_OPENING = ("reader", "watch", "idle", "newcomer")  # who may be the first to be told something
_AT_ONCE_US = 20_000  # what leaves a server in one write, or in two right after each other, arrives within this


class Due(NamedTuple):
    """An event, and when it can have been sent at the earliest; `what` it is for people."""

    event: Event
    due_us: int
    what: str


class Held(NamedTuple):
    """Events that came together, and for how long the first of them was held back at least; 0 where that is unknown."""

    for_us: int
    first: Event
    last: Event
    number: int
    want: str


# None: it cannot tell; nothing: none was held back.
Looked = list[Held] | None


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


def _by_script(one: Reading, trace: Trace, profile: Profile) -> Looked:
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


def _lumps(one: Reading, trace: Trace, rows: Sequence[Due], least_us: int, by: str) -> Looked:
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


def _by_beats(one: Reading, trace: Trace, profile: Profile) -> Looked:
    """Heartbeats that come together after a silence in which all but the last of them were due.

    They may be late by their tolerance. What is not watched for heartbeats is read beside other work, and a server that
    is busy with that is no buffer.
    """
    beat = profile.heartbeat
    if beat is None or one.exchange.role not in WATCHING or not one.beats:
        return None
    interval_us = int(beat.interval_ms * 1000 * trace.time_scale)
    if interval_us < LEAST_INTERVALS * TOGETHER_US:
        return None
    bound_us = heartbeat.bound_us(profile, beat, trace.time_scale, 0)
    if one.exchange.role != "watch":
        bound_us = max(bound_us, interval_us + BUSY_US)
    others = sorted(event.at_us for event in one.events)
    before_us, doubtful = one.exchange.sent_us, False
    for lump in _together_rows([Due(beat, 0, "a heartbeat") for beat in one.beats]):
        first, last, number = lump[0].event, lump[-1].event, len(lump)
        since_us = max([before_us, *(at for at in others if at < first.at_us - TOGETHER_US)])
        before_us = last.at_us
        if number < 2 or first.at_us - since_us <= max((number - PAUSE_BEARS) * interval_us, bound_us):
            continue
        if trace.late_at_us(last.at_us) > interval_us * PAUSE_SEEN:
            doubtful = True
            continue
        want = f"a heartbeat every {interval_us / 1000:.0f} ms"
        return [Held((number - 1) * interval_us, first, last, number, want)]
    return [] if len(one.beats) > 1 and not doubtful else None


def _by_times(one: Reading, trace: Trace, profile: Profile) -> Looked:
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


def _by_pace(one: Reading, trace: Trace, profile: Profile) -> Looked:
    """Events of an input of which the target file says how far apart they are, but for those at the beginning.

    What is further apart than the pieces of one buffer was sent apart: then the input goes faster for a while, whatever
    the target file says of it.
    """
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
        if last.at_us - first.at_us <= TOGETHER_US and first.at_us - begun > gap_us:
            count = sum(first.at_us <= event.at_us <= first.at_us + TOGETHER_US for event in events)
            want = f"events {gap_us / 1000:.0f} ms apart, as the target file says of this input"
            return [Held((count - 1) * gap_us, first, events[start + count - 1], count, want)]
    return []


# --------------------------------------------------------------------------------------------- by their opening


def _by_opening(one: Reading, trace: Trace, profile: Profile) -> Looked:
    """The event with which a stream begins, due when it is opened, that comes with what is said first behind it.

    That is a heartbeat, or an event of a script that was not due before. At a small time scale such a wait is well
    below the bound on the first event. That others begin at once shows nothing.
    """
    x, kinds = one.exchange, tuple(profile.field("catchup.first.events") or ())
    first = one.events[0] if one.events else None
    if first is None or not kinds or first.kind not in {e.kind for e in one.of(kinds)[:1]} or x.role not in _OPENING:
        return None
    least_us = max(MIN_PAUSE_US, SLOW_ANSWER_TIMES * slowest_answer_us(trace))
    waited_us = first.at_us - _asked_us(one, trace)
    next_one = _next_said(one, trace, first, least_us)
    if next_one is None or waited_us < least_us or trace.late_at_us(first.at_us) > waited_us * PAUSE_BEARS:
        return None
    what, event = next_one
    return [Held(waited_us, first, event, 2, f"{first.kind} when the stream is opened, not with {what}")]


def _next_said(one: Reading, trace: Trace, first: Event, least_us: int) -> tuple[str, Event] | None:
    """What comes right behind the first event of a stream and can have been sent no sooner: its name, and it."""
    beat = one.beats[0] if one.beats else None
    if beat and abs(beat.at_us - first.at_us) <= _AT_ONCE_US:
        return "the first heartbeat", beat
    begun, events = _begun(one, trace), scripted(one)
    emits = [event for event in events if event.start != first.start][:1]
    said_before = beat is not None and beat.at_us < first.at_us
    if said_before or begun is None or not emits or one.profile.streams == "ambient" or not emitted(trace, one.profile):
        return None
    due_us = begun
    for step in trace.stimulus.get("script") or ():
        if "emit" in step:
            break
        due_us += int(step["wait_ms"] * 1000 * trace.time_scale)
    was_not_due = due_us - _asked_us(one, trace) >= least_us
    together = 0 <= emits[0].at_us - first.at_us <= _AT_ONCE_US and first.at_us - due_us <= TOGETHER_US
    return ("event 1 of the script", emits[0]) if was_not_due and together else None


# ----------------------------------------------------------------------------------------------- by their end


def _by_end(one: Reading, trace: Trace, profile: Profile) -> Looked:
    """A run that goes on for long, of which nothing comes but at its end, and then several events besides that end.

    It says nothing of a run that has only its end to tell, and nothing where a heartbeat came before: what lets one
    through does not hold events back. Nor is it shown by others that nothing is held back.
    """
    lump = _all_that_came(one, trace)
    if not lump:
        return None
    x, first, last = one.exchange, lump[0], lump[-1]
    silent_us = first.at_us - _asked_us(one, trace)
    most_us = max(TOGETHER_US, silent_us * LUMP_PART)
    is_long = silent_us >= max(LONG_RUN_US, unscaled_us(profile))
    if not is_long or max(last.at_us, x.ended_us) - first.at_us > most_us:
        return None
    if trace.late_us(x.sent_us, x.ended_us) > silent_us * PAUSE_BEARS:
        return None
    want = f"events while the run continues, which it did for {silent_us / 1000:.0f} ms"
    return [Held(0, first, last, len(lump), want)]


def _all_that_came(one: Reading, trace: Trace) -> list[Event]:
    """All events of a run that was left alone and ended by itself, where they are more than the beginning and the end.

    Without what a profile names as a stream's first event, which its reader gets at once.
    """
    x, rule = one.exchange, one.profile.terminal
    disturbed = any(other.operation == "cancel" and other.about.get("run") == x.about.get("run")
                    for other in trace.exchanges)  # fmt: skip
    if one.profile.streams == "ambient" or x.role not in WATCHING or x.about.get("finished") or disturbed:
        return []
    if rule is None or not x.by_server or trace.stimulus.get("script") is not None or one.beats:
        return []
    first = one.of(tuple(one.profile.field("catchup.first.events") or ()))[:1]
    events = [event for event in one.events if not first or event.start != first[0].start]
    said = [event for event in scripted(one) if not first or event.start != first[0].start]
    return events if len(said) >= LEAST_PACED and one.of(rule.events) else []


SOURCES: tuple[Callable[[Reading, Trace, Profile], Looked], ...] = (
    _by_script, _by_pace, _by_beats, _by_times, _by_opening, _by_end,
)  # fmt: skip
