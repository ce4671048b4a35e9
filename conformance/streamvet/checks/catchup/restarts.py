"""What a reader gets after the candidate was killed and started again.

Must not know how it was killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.aligning import Side, parts
from streamvet.checks.catchup.history import resumed_after
from streamvet.checks.runs import by_run, with_role
from streamvet.checks.timing import no_answer, unanswered
from streamvet.decode import opened, readable, reading, streams
from streamvet.outcome import NotExercised, apart, finding, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Exchange, Trace


def served_after_restart(trace: Trace, profile: Profile) -> Outcome:
    """CAT-18."""
    back = [x for x in with_role(trace, "returned") if x.about.get("restarts")]
    if not back:
        return NotExercised("no reader returned after a restart")
    found, waited = [], [x for x in back if unanswered(x)]
    for x in back:
        if x in waited:
            continue
        shows = "due_us" in x.about or profile.field("catchup.first")  # else nothing has to be on the stream
        if not opened(x) or (shows and not (readable(x) and reading(x, profile).events)):
            refused = f"status {x.status}" if x.head else f"no answer: {x.ending.value} {x.detail}".strip()
            seen = f"no event, then {x.ending.value}" if opened(x) else refused
            found.append(finding(x, "a reader served like a new one", seen, at_us=x.ended_us, absent=opened(x)))
    return found or (no_answer(waited[0]) if waited else [])


def _seen_before(trace: Trace, profile: Profile) -> dict[str, Side]:
    """For each run the longest history that a reader saw before the candidate was killed."""
    seen: dict[str, Side] = {}
    for one in streams(trace, profile):
        label = str(one.exchange.about.get("run"))
        if one.exchange.about.get("restarts") or not one.history:
            continue
        if label not in seen or len(one.history) > len(seen[label].events):
            seen[label] = Side(one, one.history)
    return seen


def _stored_before(trace: Trace, profile: Profile) -> dict[str, Side]:
    """For each run the longest history that a replay showed before the candidate was killed.

    What another reader had when a stream was requested is a replay there; the record of a run may have no events.
    """
    stored: dict[str, Side] = {}
    for label, readings in by_run(trace, profile).items():
        before = [one for one in readings if not one.exchange.about.get("restarts")]
        histories = [one.history for one in before]
        for one, own in zip(before, histories, strict=True):
            had = [sum(event.at_us < one.exchange.sent_us for event in other) for other in histories]
            replayed = own[: max(0, max(had) - int(one.exchange.about.get("after", 0)))]
            if replayed and (label not in stored or len(replayed) > len(stored[label].events)):
                stored[label] = Side(one, replayed)
    return stored


def _reread(trace: Trace, profile: Profile) -> list[Exchange]:
    """Requests for the whole stream of a run after a restart, or for a log from a cursor on."""
    by_cursor = profile.streams == "ambient"
    return [
        x
        for x in trace.exchanges
        if x.about.get("restarts")
        and x.about.get("meant") in ("stream", "either")
        and x.role != "cut"
        and x.head
        and ("cursor" in x.about) is by_cursor
    ]


def _behind(side: Side, exchange: Exchange) -> Side | None:
    """What of a history is behind the cursor that a request sends; None where nobody knows where that is."""
    cursor = exchange.about.get("cursor")
    if cursor is None or side.reading.exchange.about.get("cursor") == cursor:
        return side
    place = resumed_after(side.reading, str(cursor))
    return None if place is None else Side(side.reading, side.events[place:])


def _not_kept(
    trace: Trace, profile: Profile, past: Callable[[Trace, Profile], dict[str, Side]], *, refusal_is_fine: bool
) -> Outcome:
    """What of the histories that `past` gives is not there after the restart."""
    asked = _reread(trace, profile)
    if not asked:
        return NotExercised("the candidate was not killed and started again")
    before = past(trace, profile)
    found, exercised = [], False
    unknown = profile.field("auth.unknown") or []  # where a refusal is fine, the requirement asks for it
    for exchange in asked:
        whole = before.get(str(exchange.about.get("run")))
        seen = _behind(whole, exchange) if whole else None
        if seen is None or not seen.events:
            continue
        exercised = True
        if not opened(exchange):
            if not refusal_is_fine or exchange.status not in unknown:
                want = f"status {' or '.join(map(str, unknown))} or the history" if refusal_is_fine else "the history"
                status, beside = f"status {exchange.status}", [seen.reading.exchange.id]
                found.append(finding(exchange, f"{want} after a restart", status, beside=beside))
            continue
        found += _unlike_before(seen, reading(exchange, profile))
    return found if exercised else NotExercised("no event was seen before the restart")


def _unlike_before(before: Side, one: Reading) -> list[Finding]:
    """Where a stream after a restart parts from what was seen before; it may go on behind that."""
    seen, after = before.reading, Side(one, one.history)
    found = []
    for part in parts(before, after):
        if part.first >= len(before.events) or (part.lacks == "first" and part.hidden):
            continue  # what was not seen before, or could not be read
        stored, beside = before.events[part.first], [seen.exchange.id]
        value, witness = seen.value(stored), (seen.exchange.id, (stored.start, stored.end))
        if part.other < len(after.events):
            event = after.events[part.other]
            (wanted, now), span = apart(value, one.value(event)), (event.start, event.end)
        else:
            wanted, now, span = shown(value), "missing", (len(one.exchange.body),) * 2
        want = f"event {part.first + 1} as it was seen before the restart: {wanted}"
        found.append(finding(one.exchange, want, now, span, beside=beside, absent=part.hidden, witness=witness))
    return found


def keeps_what_it_stored(trace: Trace, profile: Profile) -> Outcome:
    """CAT-14: what a replay showed."""
    return _not_kept(trace, profile, _stored_before, refusal_is_fine=False)


def survives(trace: Trace, profile: Profile) -> Outcome:
    """CAT-20, CAT-16: what any reader saw."""
    return _not_kept(trace, profile, _seen_before, refusal_is_fine=False)


def no_silent_restart(trace: Trace, profile: Profile) -> Outcome:
    """CAT-15."""
    return _not_kept(trace, profile, _seen_before, refusal_is_fine=True)
