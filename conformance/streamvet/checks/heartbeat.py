"""HBT: when heartbeats come and what they carry.

All times are those at which bytes arrived, with the lateness of the harness itself known; must not read a clock.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import groupby, islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from streamvet.checks.gaps import Gap, Silence, gaps, marked, silences
from streamvet.checks.runs import with_role
from streamvet.checks.timing import unscaled_us
from streamvet.contract.profile import PseudoPointer, pointed
from streamvet.decode import coding, readable, reading, streams
from streamvet.outcome import MOST_FINDINGS, NotExercised, finding, has_room, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamvet.contract.profile import Heartbeat, Profile
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

DATE_RESOLUTION_MS = 1000  # RFC 9110, 5.6.7: an HTTP date has whole seconds
DATE_KEPT_MS = 1000  # servers make a Date anew about once a second: it is a lower bound of their time
# Heartbeats in one interval: a proxy may add its own, and an event may start one more timer. More than that is another
# unit of time, or a timer for each of the readers.
MOST_BEATS = 10
JITTER_SHARE = 4  # the harness may be late by a quarter of the tolerance; beyond that it cannot tell


def bound_us(profile: Profile, beat: Heartbeat, scale: float, jitter_us: int) -> int:
    """The longest gap that is allowed, widened by what the harness itself was late."""
    return int(beat.interval_ms * 1000 * scale) + profile.tolerance_us(beat.tolerance_ms, scale) + jitter_us


class Watch(NamedTuple):
    """A stream that was watched for heartbeats, and the longest gap that is allowed on it."""

    reading: Reading
    bound_us: int
    trace: Trace

    def is_over(self, start_us: int, end_us: int, over: Callable[[int], bool]) -> bool | None:
        """Whether a gap is over its bound; None where the harness was late at one of its ends, and cannot tell.

        `over` says it of a bound. By up to a quarter of the tolerance the harness may be late, which widens the bound.
        """
        beat = self.reading.profile.heartbeat
        scale, tolerance_ms = self.trace.time_scale, beat.tolerance_ms if beat else 0
        bearable_us = self.reading.profile.tolerance_us(tolerance_ms, scale) // JITTER_SHARE
        early_us, late_us = self.trace.late_at_us(start_us), self.trace.late_at_us(end_us)
        if over(self.bound_us + late_us):
            return True
        if late_us > bearable_us and over(self.bound_us):
            return None
        return None if early_us > bearable_us and over(self.bound_us - early_us) else False


def _watched(trace: Trace, profile: Profile) -> list[Watch] | NotExercised:
    beat = profile.heartbeat
    if beat is None:
        return NotExercised("the profile has no heartbeat")
    exchanges = [x for x in with_role(trace, "watch") if readable(x)]
    if not exchanges:
        return NotExercised("no active run was watched for heartbeats")
    limit_us = bound_us(profile, beat, trace.time_scale, 0)
    return [Watch(reading(one, profile), limit_us, trace) for one in exchanges]


class _Seen:
    """What a check of gaps has seen: whether a heartbeat was due, and by how much the harness was too late to tell."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.exercised = False
        self.late_us = 0

    def doubt(self, watch: Watch, start_us: int, end_us: int) -> None:
        """Note a gap of which nobody can tell."""
        trace = watch.trace
        self.late_us = max(self.late_us, trace.late_at_us(start_us), trace.late_at_us(end_us))

    def outcome(self, otherwise: NotExercised) -> Outcome:
        """The outcome of the check."""
        if not self.found and self.late_us:
            return NotExercised(f"harness late by {self.late_us / 1000:.0f} ms", due=True)
        return self.found if self.exercised or self.found else otherwise


def _overdue(silence: Silence, interval_us: int, limit_us: int) -> bool:
    """Whether a heartbeat was due. Another write puts it off, but not again and again: it would never come then."""
    return silence.longest_us > limit_us or silence.end_us - silence.start_us > limit_us + interval_us


def _idle_gaps(trace: Trace, profile: Profile, *, after_event: bool) -> Outcome:
    """For a timer that every write starts again: silences that are longer than the bound."""
    watched = _watched(trace, profile)
    if isinstance(watched, NotExercised):
        return watched
    seen = _Seen()
    interval_us = int(profile.heartbeat.interval_ms * 1000 * trace.time_scale) if profile.heartbeat else 0
    for watch in watched:
        for silence in silences(watch.reading):
            if silence.after_event is not after_event:
                continue
            overdue = watch.is_over(silence.start_us, silence.end_us, partial(_overdue, silence, interval_us))
            if overdue is None:
                seen.doubt(watch, silence.start_us, silence.end_us)
                continue
            seen.exercised = seen.exercised or silence.beaten or overdue
            if overdue:
                seen.found.append(_silent(watch.reading, silence, watch.bound_us))
    return seen.outcome(_never_silent("stream", watched))


def after_events(trace: Trace, profile: Profile) -> Outcome:
    """HBT-07."""
    return _idle_gaps(trace, profile, after_event=True)


def silent_gaps(trace: Trace, profile: Profile) -> Outcome:
    """HBT-01: a gap in which nothing else arrived for longer than the bound; far longer ones on any open stream."""
    found = _long_silences(trace, profile)
    watched = _watched_gaps(trace, profile)
    return watched if not found else found if isinstance(watched, NotExercised) else watched + found


# What is not watched for heartbeats is read beside everything else that the suite does to a server, which may make it
# late. Where a whole heartbeat is missing, and so much more than the tolerance, it was not that.
MISSED = 2
# Every role whose reader takes what comes, from before the end of its run on.
READERS = ("reader", "newcomer", "returned", "idle", "late", "cut", "resumed", "many", "racer", "last")


def _long_silences(trace: Trace, profile: Profile) -> list[Finding]:
    """The first silence of each open stream in which several heartbeats were due.

    What a coding holds back is TRN-07's, which is a SHOULD: no promise of heartbeats speaks of codings.
    """
    beat = profile.heartbeat
    if beat is None:
        return []
    found = []
    more_us, least_us = (MISSED - 1) * int(beat.interval_ms * 1000 * trace.time_scale), unscaled_us(profile)
    shortest_us = max(bound_us(profile, beat, trace.time_scale, 0) + more_us, least_us)
    for exchange in [x for x in with_role(trace, *READERS) if readable(x) and not coding(x)]:
        if exchange.about.get("finished") or "stalled_until_us" in exchange.about:
            continue
        one = reading(exchange, profile)
        for silence in silences(one):
            long_us = silence.end_us - silence.start_us
            if long_us <= shortest_us:
                continue
            limit_us = bound_us(profile, beat, trace.time_scale, trace.late_us(silence.start_us, silence.end_us))
            if long_us > max(limit_us + more_us, least_us):
                found.append(_silent(one, silence, limit_us))
                break
    return found


def _watched_gaps(trace: Trace, profile: Profile) -> Outcome:
    if profile.heartbeat and profile.heartbeat.timer == "idle":
        return _idle_gaps(trace, profile, after_event=False)
    watched = _watched(trace, profile)
    if isinstance(watched, NotExercised):
        return watched
    seen = _Seen()
    for watch in watched:
        for gap in gaps(watch.reading):
            silence_us = gap.silent_until_us - gap.start_us
            over = watch.is_over(gap.start_us, gap.silent_until_us, silence_us.__gt__)
            if over is None:
                seen.doubt(watch, gap.start_us, gap.silent_until_us)
                continue
            seen.exercised = seen.exercised or over or (gap.beaten and gap.silent_until_us == gap.end_us)
            if over:
                seen.found.append(_late(watch.reading, gap, silence_us, watch.bound_us, "silent"))
    return seen.outcome(_never_silent("active run", watched))


def _never_silent(what: str, watched: Sequence[Watch]) -> NotExercised:
    """No heartbeat was due, as something else was said all the time."""
    return NotExercised(f"no {what} was silent for {max(one.bound_us for one in watched) / 1e6:.1f} s")


def busy_gaps(trace: Trace, profile: Profile) -> Outcome:
    """HBT-02: a gap in which other events arrived."""
    watched = _watched(trace, profile)
    if isinstance(watched, NotExercised):
        return watched
    seen = _Seen()
    for watch in watched:
        for gap in gaps(watch.reading):
            if gap.silent_until_us == gap.end_us:
                continue
            took_us = gap.end_us - gap.start_us
            over = watch.is_over(gap.start_us, gap.end_us, took_us.__gt__)
            if over is None:
                seen.doubt(watch, gap.start_us, gap.end_us)
                continue
            seen.exercised = seen.exercised or gap.beaten or over
            if over:
                seen.found.append(_late(watch.reading, gap, took_us, watch.bound_us, "busy"))
    return seen.outcome(NotExercised("no active run emitted events while it was watched"))


def _silent(one: Reading, silence: Silence, limit_us: int) -> Finding:
    gap = Gap(silence.start_us, silence.end_us, silence.end_us, silence.beaten, silence.span)
    return _late(one, gap, silence.end_us - silence.start_us, limit_us, "silent")


def _late(one: Reading, gap: Gap, seen_us: int, limit_us: int, how: str) -> Finding:
    seen = f"none for {seen_us / 1000:.0f} ms, from {gap.start_us / 1000:.0f} ms on, on a {how} stream"
    want, at_us = f"a heartbeat within {limit_us / 1000:.0f} ms", gap.start_us + limit_us
    return finding(one.exchange, want, seen, gap.span, at_us, absent=True, timed=True)


def _beats(trace: Trace, profile: Profile) -> list[tuple[Reading, Event]]:
    return [(one, beat) for one in streams(trace, profile) for beat in one.beats]


def form(trace: Trace, profile: Profile) -> Outcome:
    """HBT-03: of those that their name or type tells."""
    beats, rule = _beats(trace, profile), profile.heartbeat
    if not beats or not rule:
        return NotExercised("no heartbeat arrived")
    found: list[Finding] = []
    for one, beat in beats:
        if has_room(found, one.exchange) and not rule.is_like(text := one.text(beat)):
            want = f"a match of {rule.pattern}"
            found.append(finding(one.exchange, want, shown(text), (beat.start, beat.end)))
    return found


def close_to_now(trace: Trace, profile: Profile) -> Outcome:
    """HBT-04: against our own clock, and against the answer's Date and the time since it came: one of them acquits.

    To a reader that stalls a heartbeat comes as late as it reads on, whenever it was written.
    """
    beats = [row for row in _beats(trace, profile) if "stalled_until_us" not in row[0].exchange.about]
    beat_rule = profile.heartbeat
    if not beats or beat_rule is None or beat_rule.time_within_ms is None:
        return NotExercised("no heartbeat arrived")
    found: list[Finding] = []
    exercised = False
    for one, beat in beats:
        if not has_room(found, one.exchange):
            continue
        text = _time_text(one, beat)
        if not (text.isascii() and text.isdigit()):
            continue
        exercised = True
        off_ms = _off_ms(_sent_ms(text), one.exchange, trace, beat.at_us)
        late_ms = trace.late_at_us(beat.at_us) / 1000 if off_ms < 0 else 0.0  # it had come, and nobody looked
        if abs(off_ms) - late_ms > beat_rule.time_within_ms + DATE_RESOLUTION_MS:
            want = f"a time within {beat_rule.time_within_ms} ms of now"
            seen, span = f"{text}, {off_ms:+.0f} ms", (beat.start, beat.end)
            found.append(finding(one.exchange, want, seen, span, timed=off_ms < 0))  # it may have been on its way
    return found if exercised else NotExercised("no heartbeat had a time that is a number")


def _time_text(one: Reading, beat: Event) -> str:
    """The time that a heartbeat carries, as it stands; "" where the profile does not say that it has one."""
    place = one.profile.heartbeat.time if one.profile.heartbeat else None
    if place is None:
        return ""
    return one.text(beat) if isinstance(place, PseudoPointer) else str(pointed(one.value(beat), place))


def _sent_ms(text: str) -> int:
    return int(text) * (1 if len(text) > SECONDS_DIGITS else 1000)


def rising(trace: Trace, profile: Profile) -> Outcome:
    """HBT-06."""
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        timed = [(beat, text) for beat in one.beats if (text := _time_text(one, beat)).isascii() and text.isdigit()]
        for (_, before), (beat, text) in pairwise(timed):
            exercised = True
            if _sent_ms(text) < _sent_ms(before) and has_room(found, one.exchange):
                found.append(finding(one.exchange, f"a time not before {before}", text, (beat.start, beat.end)))
    return found if exercised else NotExercised("no stream had two heartbeats")


SECONDS_DIGITS = 10  # Unix time has ten digits in seconds until 2286, thirteen in milliseconds


def _off_ms(sent_ms: int, exchange: Exchange, trace: Trace, at_us: int) -> float:
    """By how much a time in Unix milliseconds differs from that at `at_us`, by the clock that is nearest to it."""
    off_ms = sent_ms - trace.wall_clock * 1000 - at_us / 1000
    now_ms = dated_ms(exchange, at_us)
    if now_ms is None:
        return off_ms
    behind_ms = sent_ms - now_ms
    return min(off_ms, behind_ms - min(max(behind_ms, 0), DATE_KEPT_MS), key=abs)


def dated_ms(exchange: Exchange, at_us: int) -> float | None:
    """The least that the server's own time is at `at_us`, in Unix milliseconds; None where its head has no Date."""
    head = exchange.head
    date = head.get("date") if head else ""
    if head and date:
        try:
            parsed = parsedate_to_datetime(date)
        except ValueError:
            parsed = None
        if parsed is not None:
            aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
            return aware.timestamp() * 1000 + (at_us - head.at_us) / 1000
    return None


def none_when_finished(trace: Trace, profile: Profile) -> Outcome:
    """HBT-05."""
    replays = [one for one in streams(trace, profile) if one.exchange.about.get("finished")]
    if not any(one.events or one.beats for one in replays):
        return NotExercised("no finished run was read" + (" that has an event" if replays else ""))
    return [
        finding(one.exchange, "no heartbeat on a finished run", shown(one.text(beat)), (beat.start, beat.end))
        for one in replays
        for beat in one.beats[:MOST_FINDINGS]
    ]


def not_too_many(trace: Trace, profile: Profile) -> Outcome:
    """HBT-08: of heartbeats without an event between them; what comes beside each event is padding.

    To a reader that stalls, or that was late itself, they come together, whenever they were written.
    """
    rule = profile.heartbeat
    read = [one for one in streams(trace, profile) if one.beats and "stalled_until_us" not in one.exchange.about]
    if rule is None or not read:
        return NotExercised("no heartbeat arrived")
    interval_us = int(rule.interval_ms * 1000 * trace.time_scale)
    found = []
    for one in read:
        within_us = interval_us - trace.worst_late_us(one.exchange)
        for beats in _unbroken(one):
            rows = zip(beats, islice(beats, MOST_BEATS, None), strict=False)
            many = next(((first, last) for first, last in rows if last.at_us - first.at_us < within_us), None)
            if many:
                first, last = many
                seen = f"{MOST_BEATS + 1} in {(last.at_us - first.at_us) / 1000:.0f} ms"
                want = f"at most {MOST_BEATS} heartbeats in {interval_us / 1000:.0f} ms"
                found.append(finding(one.exchange, want, seen, (first.start, last.end), last.at_us, timed=True))
                break
    return found


def _unbroken(one: Reading) -> Iterator[list[Event]]:
    """The heartbeats that follow each other without an event between them."""
    for is_beat, marks in groupby(marked(one), key=lambda mark: mark[1]):
        if is_beat:
            yield [event for event, _ in marks]


CHECKS: dict[str, Check] = {
    "HBT-01": silent_gaps,
    "HBT-02": busy_gaps,
    "HBT-03": form,
    "HBT-04": close_to_now,
    "HBT-05": none_when_finished,
    "HBT-06": rising,
    "HBT-07": after_events,
    "HBT-08": not_too_many,
}
