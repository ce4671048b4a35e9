"""What a reader gets on coming to a stream: what comes first, and when; nothing from before where nothing is replayed.

Must not know a run's history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.checks.runs import unread
from streamvet.checks.timing import Timing
from streamvet.decode import same, streams
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.outcome import Outcome
    from streamvet.trace import Trace


def start_state(trace: Trace, profile: Profile) -> Outcome:
    """CAT-01: what comes first, whenever it comes."""
    rule, found, timing = profile.field("catchup.first"), [], Timing(trace)
    want = f"{' or '.join(rule['events'])} first"
    for one in _answered(trace, profile):
        x, first = one.exchange, _first(one)
        if first is None:
            if x.by_server or timing.is_never(x, x.sent_us, rule["within_ms"]):
                timing.exercised = True
                found.append(finding(x, want, f"no event, then {x.ending.value}", absent=True))
            continue
        timing.exercised = True
        if first.kind not in rule["events"]:
            seen, absent = f"{first.kind or 'a heartbeat'} first", unread(one, 0, first.start)
            found.append(finding(x, want, seen, (first.start, first.end), absent=absent))
    return timing.outcome(found, NO_ANSWER)


def first_in_time(trace: Trace, profile: Profile) -> Outcome:
    """CAT-19: when the first event comes, whichever it is."""
    within_ms, found, timing = int(profile.field("catchup.first.within_ms")), [], Timing(trace)
    for one in _answered(trace, profile):
        x, first = one.exchange, _first(one)
        if first is None and x.by_server:
            continue  # it had no event, early or late
        until_us, bound_us = first.at_us if first else x.ended_us, within_ms * 1000
        if timing.is_over(x.sent_us, until_us, bound_us, came=first is not None):
            took_us = until_us - x.sent_us
            seen = f"{first.kind or 'a heartbeat' if first else 'no event'} after {took_us / 1000:.0f} ms"
            span = (first.start, first.end) if first else (0, 0)
            absent = unread(one, 0, first.start) if first else True
            want = f"the first event within {within_ms} ms"
            found.append(finding(x, want, seen, span, x.sent_us + bound_us, absent=absent, timed=True))
    return timing.outcome(found, NO_ANSWER)


NO_ANSWER = NotExercised("no stream was answered, and read for long enough")


def _answered(trace: Trace, profile: Profile) -> list[Reading]:
    """The streams that were answered; who read when the candidate was killed may have been about to get its event."""
    killed = any(x.about.get("restarts") for x in trace.exchanges)
    read = streams(trace, profile)
    return [one for one in read if one.events or one.beats or not (killed and one.exchange.role == "cut")]


def _first(one: Reading) -> Event | None:
    """The first event; a heartbeat that is a comment or an empty line is none."""
    beats = [beat for beat in one.beats[:1] if beat.kind]
    return min((*one.events[:1], *beats), key=lambda event: event.start, default=None)


def nothing_from_before(trace: Trace, profile: Profile) -> Outcome:
    """CAT-17: what was emitted before a newcomer came is in no event of its stream."""
    before, came = trace.stimulus.get("before"), [r for r in streams(trace, profile) if r.exchange.role == "newcomer"]
    if not before or not came:
        return NotExercised("no reader joined after something was emitted")
    if not any(r.events for r in came):
        return NotExercised(
            "no reader that joined after something was emitted received an event: lost events are not sent either"
        )
    found = []
    for one in came:
        gone = [profile.said(emit)[1] for emit in before]
        old = next((event for event in one.events if any(_holds(one.value(event), part) for part in gone)), None)
        if old is not None:
            want = "nothing that was emitted before the reader joined"
            found.append(finding(one.exchange, want, shown(one.value(old)), (old.start, old.end)))
    return found


def _holds(value: Any, part: Any) -> bool:
    """Whether a JSON value has all the members of `part`, at every depth."""
    if isinstance(part, dict):
        return isinstance(value, dict) and all(key in value and _holds(value[key], part[key]) for key in part)
    return same(value, part)
