"""What a reader gets that sends the cursor of an event: what comes after it, and nothing before.

Must not know how a candidate makes its cursors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.catchup.history import (
    cursor_in,
    identity,
    loss,
    losses,
    pairs_of,
    repeats,
    resumed,
    resumed_after,
)
from streamvet.checks.runs import by_run, ended, witness
from streamvet.decode import opened, same
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event, Events
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Exchange, Trace


def after_cursor(trace: Trace, profile: Profile) -> Outcome:
    """CAT-05: everything after the cursor."""
    pairs = [(w, r) for w, r in pairs_of(trace, profile, resumed) if ended(r) and _comparable(w, r)]
    if not pairs:
        return NotExercised("no stream was resumed from a cursor to the end of its run")
    found = []
    for whole, one in pairs:
        after = _position(whole, one.exchange)
        if after is None:
            continue
        place = f"after the cursor {shown(one.exchange.about['cursor'])}, that of event {after}"
        found += [loss(whole, one, lost, place) for lost in losses(whole, one, after)]
    return found


def nothing_before_cursor(trace: Trace, profile: Profile) -> Outcome:
    """CAT-06: nothing at or before the cursor, nothing twice."""
    pairs = pairs_of(trace, profile, lambda r: resumed(r) and bool(r.history or ended(r)))
    pairs = [(whole, one) for whole, one in pairs if _comparable(whole, one)]
    if not pairs:
        return NotExercised("no stream was resumed from a cursor")
    found, key = [], identity(profile)
    if not any(one.history for _, one in pairs):
        return NotExercised("no stream that was resumed from a cursor had an event")
    for whole, one in pairs:
        after = _position(whole, one.exchange)
        if after is None:
            continue
        before = {key(whole, event): i for i, event in enumerate(whole.history[:after], start=1)}
        again = next((event for event in one.history if key(one, event) in before), None)
        if again is not None:
            number = before[key(one, again)]
            want = f"nothing before event {after + 1}, after the cursor {shown(one.exchange.about['cursor'])}"
            span, beside = (again.start, again.end), [whole.exchange.id]
            found.append(finding(one.exchange, want, f"event {number} again", span, beside=beside))
        else:
            found += repeats(whole, one)
    return found


def _comparable(whole: Reading, one: Reading) -> bool:
    """Whether the candidate was not restarted in between; and the witness of what others write to has the cursor."""
    own = whole.profile.streams != "ambient" or _position(whole, one.exchange) is not None
    return own and not one.exchange.about.get("restarts")


def _position(whole: Reading, exchange: Exchange) -> int | None:
    """How many events of the whole history are not sent to who comes with the cursor."""
    return resumed_after(whole, str(exchange.about.get("cursor")))


def own_cursor(trace: Trace, profile: Profile) -> Outcome:
    """CAT-21: that an event comes again is another row's, where it is the same one."""
    found, exercised = [], False
    for readings in by_run(trace, profile).values():
        if not any(resumed(one) for one in readings) and any(map(_names_any, readings)):
            continue  # where no event has a cursor nobody can come back
        exercised = exercised or any(one.history for one in readings)
        found += [one for one in map(_first_unnamed, readings) if one]
    return found if exercised else NotExercised("no stream was resumed from a cursor")


def _carriers(one: Reading) -> Events:
    """The events that have to have a cursor."""
    return one.of(one.profile.cursor_events) if one.profile.cursor_events else one.history


def _names_any(one: Reading) -> bool:
    return any(cursor_in(one, event) is not None for event in _carriers(one))


def _first_unnamed(one: Reading) -> Finding | None:
    """The finding of the first event that has no cursor, or that of another one."""
    named: dict[str, Event] = {}
    for number, event in enumerate(_carriers(one), start=1):
        cursor, where = cursor_in(one, event), (event.start, event.end)
        if cursor is None:
            return finding(one.exchange, f"a cursor of event {number}", f"{event.kind} without one", where)
        other = named.setdefault(cursor, event)
        if other is not event and not same(one.value(other), one.value(event)):
            seen = f"{shown(cursor)}, as {other.kind} before has it"
            return finding(one.exchange, f"a cursor of event {number} that no other event has", seen, where)
    return None


def last_event_id(trace: Trace, profile: Profile) -> Outcome:
    """CAT-13: what was seen before the cut and what comes after it make the whole history."""
    found, exercised = [], False
    for label, readings in by_run(trace, profile).items():
        del label
        for one in readings:
            if one.exchange.about.get("cursor_from") != "last-event-id" or not ended(one):
                continue
            whole = witness(readings, excluding=one)
            if whole is None:
                continue
            exercised = True
            place = f"after Last-Event-ID {shown(one.exchange.about['cursor'])}"
            after = int(one.exchange.about["after"])
            found += [loss(whole, one, lost, place) for lost in losses(whole, one, after)]
    refused = [x for x in trace.exchanges if x.about.get("cursor_from") == "last-event-id" and x.head and not opened(x)]
    found += [finding(x, "a stream for a reader with Last-Event-ID", f"status {x.status}") for x in refused]
    return found if exercised or refused else NotExercised("no reader returned with Last-Event-ID")
