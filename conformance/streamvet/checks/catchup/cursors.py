"""What a reader gets that sends a cursor: what comes after it and nothing before, or a refusal of a wrong one.

Must not know how a candidate makes its cursors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.access import is_refusal
from streamvet.checks.catchup.history import cursor_in, identity, loss, losses, pairs_of, repeats, resumed
from streamvet.checks.runs import by_run, ended, unread, witness
from streamvet.decode import opened, readable, reading, same
from streamvet.outcome import NotExercised, finding, shown
from streamvet.trace import Ending

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace


def after_cursor(trace: Trace, profile: Profile) -> Outcome:
    """CAT-05: everything after the cursor."""
    pairs = [(w, r) for w, r in pairs_of(trace, profile, resumed) if ended(r) and not r.exchange.about.get("restarts")]
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
    pairs = [(whole, one) for whole, one in pairs if not one.exchange.about.get("restarts")]
    if not pairs:
        return NotExercised("no stream was resumed from a cursor")
    found, key = [], identity(profile)
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


def _position(whole: Reading, exchange: Exchange) -> int | None:
    """How many events of the whole history the cursor stands behind."""
    cursor = str(exchange.about.get("cursor"))
    values = [cursor_in(whole, event) for event in whole.history]
    return len(values) - values[::-1].index(cursor) if cursor in values else None


def refusal(source: str, what: str) -> Check:
    """A check that a stream that is requested with such a cursor is refused."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        asked = [x for x in trace.exchanges if x.about.get("cursor_from") == source and x.head]
        if not asked:
            return NotExercised(f"no stream was requested with {what}")
        allowed = profile.field("catchup.cursor.refused")
        named = " or ".join(map(str, allowed))
        return [
            finding(
                x,
                f"{what}, {shown(x.about['cursor'])}, refused with status {named} and no stream",
                f"status {x.status}, content-type {x.head.media_type or 'none' if x.head else 'none'}",
                (0, len(x.body)),
            )
            for x in asked
            if not is_refusal(x, allowed)
        ]

    return check


def own_cursor(trace: Trace, profile: Profile) -> Outcome:
    """CAT-21: that an event comes again is another row's, where it is the same one."""
    found, exercised = [], False
    for readings in by_run(trace, profile).values():
        if not any(resumed(one) for one in readings) and any(map(_names_any, readings)):
            continue  # where no event has a cursor nobody can come back
        exercised = exercised or any(one.history for one in readings)
        found += [one for one in map(_first_unnamed, readings) if one]
    return found if exercised else NotExercised("no stream was resumed from a cursor")


def _names_any(one: Reading) -> bool:
    return any(cursor_in(one, event) is not None for event in one.history)


def _first_unnamed(one: Reading) -> Finding | None:
    """The finding of the first event that has no cursor, or that of another one."""
    named: dict[str, Event] = {}
    for number, event in enumerate(one.history, start=1):
        cursor, where = cursor_in(one, event), (event.start, event.end)
        if cursor is None:
            return finding(one.exchange, f"a cursor of event {number}", f"{event.kind} without one", where)
        other = named.setdefault(cursor, event)
        if other is not event and not same(one.value(other), one.value(event)):
            seen = f"{shown(cursor)}, as {other.kind} before has it"
            return finding(one.exchange, f"a cursor of its own of event {number}", seen, where)
    return None


def empty_cursor(trace: Trace, profile: Profile) -> Outcome:
    """CAT-10."""
    asked = [x for x in trace.exchanges if x.about.get("cursor_from") == "empty" and x.head]
    if not asked:
        return NotExercised("no stream was requested with an empty cursor")
    found = []
    runs = by_run(trace, profile)
    for exchange in asked:
        if not opened(exchange):
            found.append(finding(exchange, "an empty cursor to mean the start of the run", f"status {exchange.status}"))
            continue
        whole = witness([r for r in runs.get(str(exchange.about.get("run")), ()) if r.exchange is not exchange])
        if whole is None or not whole.history or not readable(exchange):
            continue
        one, key = reading(exchange, profile), identity(profile)
        first = one.history[0] if one.history else None
        if first is None and exchange.ending is Ending.CUT:
            continue  # we left before it could come
        if first is None or key(one, first) != key(whole, whole.history[0]):
            seen, span = f"{first.kind} {key(one, first)}" if first else "no event", (0, len(exchange.body))
            absent = first is None or unread(one, 0, first.start)
            want, beside = "the first event of the run first", [whole.exchange.id]
            found.append(finding(exchange, want, seen, span, beside=beside, absent=absent))
    return found


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
    return found if exercised or refused else NotExercised("no reader came back with Last-Event-ID")
