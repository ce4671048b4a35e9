"""What cosma's stream tells, and what was done that it has to tell of: with what the COS checks of files begin.

Judges nothing, but for how what never came is missed: only where a reader stayed long enough for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.checks.runs import unread
from streamvet.decode import streams
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

# The findings of one thing that was done, or why it says nothing.
Judged = list["Finding"] | NotExercised

_IN_VAIN = "waited in vain"


class Told(NamedTuple):
    """One event: its opcode, its data, when it arrived, and its place in the stream, by which events are in order."""

    kind: str
    data: dict[str, Any]
    at_us: int
    span: tuple[int, int]


class Deed(NamedTuple):
    """Something that was done on disk, begun at this time; until when its directory was watched and a reader there."""

    at_us: int
    did: str
    path: str
    to: str
    until_us: int


# ------------------------------------------------------------------------------------------------ what was asked for


def succeeded(exchange: Exchange, profile: Profile) -> bool:
    """Whether a request of the profile was answered as it is where it works."""
    operation = profile.operations.get(exchange.operation)
    return operation is not None and exchange.status in operation.status


def made(trace: Trace, profile: Profile, operation: str) -> list[Exchange]:
    """The requests that made something happen, as far as they worked."""
    return [x for x in trace.exchanges if x.operation == operation and x.role == "trigger" and succeeded(x, profile)]


def attached(one: Reading, exchange: Exchange) -> bool:
    """Whether a reader was there when a request was sent."""
    return one.head_us < exchange.sent_us < one.exchange.ended_us


def cooldown_us(trace: Trace, profile: Profile, at_us: int) -> int | None:
    """The cooldown that the candidate was asked for last, in real time; None where it did not take any."""
    asked = [x for x in made(trace, profile, "trigger:settings") if x.sent_us <= at_us]
    try:
        seconds = json.loads(asked[-1].request.body or "")["queue.cooldown_seconds"]
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    return int(seconds * 1e6 * trace.time_scale)


def asked_cooldowns_us(trace: Trace, profile: Profile, since_us: int, until_us: int) -> list[int]:
    """Every cooldown that held at some time between two: a candidate may apply a new one to what waits already."""
    times_us = [since_us, *(x.sent_us for x in made(trace, profile, "trigger:settings"))]
    found = [cooldown_us(trace, profile, at_us) for at_us in times_us if since_us <= at_us <= until_us]
    return [] if None in found else [one for one in found if one is not None]


def is_paused(trace: Trace, profile: Profile, at_us: int) -> bool:
    """Whether the queue was paused by us then: what waits then waits for something else than its cooldown."""
    switches = [*made(trace, profile, "trigger:pause"), *made(trace, profile, "trigger:resume")]
    last = max((x for x in switches if x.ended_us <= at_us), key=lambda x: x.sent_us, default=None)
    return last is not None and last.operation == "trigger:pause"


def noticed_us(profile: Profile) -> int:
    """How long the event of a change on disk may take."""
    return int(profile.field("figures.noticed_within_ms")) * 1000


def told_us(profile: Profile) -> int:
    """How long the event of a request may take."""
    return int(profile.field("figures.told_within_ms")) * 1000


# ------------------------------------------------------------------------------------------------ what was done on disk


def watched_until_us(trace: Trace, one: Reading) -> int:
    """Until when a reader is told of what happens on disk: until it leaves, or the watching ends."""
    ends = [x.sent_us for x in made(trace, one.profile, "trigger:unwatch")]
    return min([*ends, one.exchange.ended_us])


def deeds(trace: Trace, one: Reading) -> list[Deed]:
    """What was done on disk while a reader was attached and the directory was watched."""
    until_us = watched_until_us(trace, one)
    return [deed for deed in _done(one, until_us) if deed.at_us <= until_us]


def unheeded(trace: Trace, one: Reading) -> list[Deed]:
    """What was done on disk once the directory was watched no more."""
    until_us = watched_until_us(trace, one)
    return [deed for deed in _done(one, until_us) if deed.at_us > until_us]


def _done(one: Reading, until_us: int) -> list[Deed]:
    rows = [row for row in one.exchange.about.get("files", ()) if row["did"] != _IN_VAIN]
    return [Deed(row["at_us"], row["did"], row["path"], row.get("to", ""), until_us) for row in rows]


def in_vain(one: Reading, path: str, want: str, last: Told) -> list[Finding]:
    """The finding of an item whose end was waited for in vain, after `last` was told of it; none where it was not."""
    noted = [row for row in one.exchange.about.get("files", ()) if row["did"] == _IN_VAIN and row["path"] == path]
    rows = [row for row in noted if row["at_us"] > last.at_us]
    if not rows:
        return []
    size, at_us = len(one.exchange.body), rows[0]["at_us"]
    seen = f"{last.kind}, and nothing in the {(at_us - last.at_us) / 1e6:.1f} s after it"
    return [finding(one.exchange, want, seen, (size, size), at_us, absent=unread(one, since_us=last.at_us))]


def of_deeds(what: str, judge: Callable[[Trace, Reading, Deed], Judged], *did: str) -> Check:
    """A check of everything that was done so; `what` says that nothing was."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        chosen = [(one, deed) for one in streams(trace, profile) for deed in deeds(trace, one) if deed.did in did]
        return folded([judge(trace, one, deed) for one, deed in chosen], what)

    return check


def folded(judged: list[Judged], what: str) -> Outcome:
    """One outcome of several: findings, else that it held, else why nothing was exercised."""
    held = [one for one in judged if isinstance(one, list)]
    if held:
        return [one for findings in held for one in findings]
    return next((one for one in judged if isinstance(one, NotExercised)), NotExercised(what))


# ------------------------------------------------------------------------------------------------ what was told


def told(one: Reading, *kinds: str, **data: Any) -> list[Told]:
    """The events of these opcodes with these data, in their order."""
    found = []
    for event in one.of(kinds):
        value = one.value(event)
        inner = value.get("data") if isinstance(value, dict) else None
        if isinstance(inner, dict) and all(inner.get(key) == data[key] for key in data):
            found.append(Told(str(event.kind), inner, event.at_us, (event.start, event.end)))
    return found


def first_after(events: list[Told], at_us: int) -> Told | None:
    """The first event that arrived at a time or later."""
    return next((event for event in events if event.at_us >= at_us), None)


def behind(events: list[Told], mark: Told) -> list[Told]:
    """The events that come later in the stream."""
    return [event for event in events if event.span > mark.span]


def first_behind(events: list[Told], mark: Told) -> Told | None:
    """The first of the events that come later in the stream."""
    return next(iter(behind(events, mark)), None)


def item_of(one: Reading, path: str, since_us: int) -> Told | None:
    """The item that a file got."""
    return first_after(told(one, "queue_item_added", file_path=path), since_us)


def taken_up(one: Reading, item: Told) -> Told | None:
    """The event that tells that an item is processed."""
    return first_behind(told(one, "queue_item_processing", id=item.data.get("id")), item)


def missing(
    one: Reading, want: str, since_us: int, within_us: int, until_us: int | None = None, *, seen: str = "none"
) -> Judged:
    """The finding of something that never came, where the reader stayed long enough for it."""
    if (one.exchange.ended_us if until_us is None else until_us) - since_us < within_us:
        return NotExercised(f"the reader did not stay for {want}")
    size = len(one.exchange.body)
    absent = unread(one, since_us=since_us)
    return [finding(one.exchange, want, seen, (size, size), since_us + within_us, absent=absent)]


def wrong(one: Reading, want: str, event: Told, behind: Told | None = None) -> list[Finding]:
    """The finding of an event that came in place of what was wanted, which should have come behind another one.

    Without that one it is wrong whatever could not be read.
    """
    absent = behind is not None and unread(one, behind.span[1], event.span[0])
    return [finding(one.exchange, want, f"{event.kind} {shown(event.data)}", event.span, absent=absent)]
