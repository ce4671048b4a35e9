"""What a reader gets on coming to a stream: the first event in time, and nothing from before where nothing is replayed.

Must not know a run's history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.checks.runs import ended
from streamvet.decode import same, streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.trace import Ending

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Outcome
    from streamvet.trace import Trace


def start_state(trace: Trace, profile: Profile) -> Outcome:
    """CAT-01."""
    rule = profile.field("catchup.first")
    # Who read when the candidate was killed may have been about to get it.
    killed = any(x.about.get("restarts") for x in trace.exchanges)
    read = [
        one
        for one in streams(trace, profile)
        if one.events
        or (one.exchange.by_server and not (killed and one.exchange.role == "cut"))
        or _waited_for(one, rule["within_ms"])
    ]
    if not read:
        return NotExercised("no stream was answered")
    found, want = [], f"{' or '.join(rule['events'])} first, within {rule['within_ms']} ms"
    for one in read:
        first = min((*one.events[:1], *one.beats[:1]), key=lambda event: event.start, default=None)
        if first is None:
            found.append(finding(one.exchange, want, "no event"))
        elif first.kind not in rule["events"]:
            seen = f"{first.kind or 'a heartbeat'} first"
            found.append(finding(one.exchange, want, seen, (first.start, first.end)))
        elif first.at_us - one.exchange.sent_us > rule["within_ms"] * 1000 + trace.jitter_us.get(one.exchange.id, 0):
            late = f"{first.kind} after {(first.at_us - one.exchange.sent_us) / 1000:.0f} ms"
            found.append(finding(one.exchange, want, late, (first.start, first.end)))
    return found


def _waited_for(one: Reading, within_ms: int) -> bool:
    """Whether somebody waited for an event for longer than the first one may take."""
    x = one.exchange
    return x.ending is Ending.TIMED_OUT and x.ended_us - x.sent_us > within_ms * 1000


def nothing_from_before(trace: Trace, profile: Profile) -> Outcome:
    """CAT-17: what was emitted before a newcomer came is in no event of its stream."""
    before, came = trace.stimulus.get("before"), [r for r in streams(trace, profile) if r.exchange.role == "newcomer"]
    if not before or not any(ended(r) or r.events for r in came):
        return NotExercised("no reader came after something was emitted")
    found = []
    for one in came:
        gone = [profile.said(emit)[1] for emit in before]
        old = next((event for event in one.events if any(_holds(one.value(event), part) for part in gone)), None)
        if old is not None:
            want = "nothing that was emitted before the reader came"
            found.append(finding(one.exchange, want, shown(one.value(old)), (old.start, old.end)))
    return found


def _holds(value: Any, part: Any) -> bool:
    """Whether a JSON value has all the members of `part`, at every depth."""
    if isinstance(part, dict):
        return isinstance(value, dict) and all(key in value and _holds(value[key], part[key]) for key in part)
    return same(value, part)
