"""COS, of the stream itself: its head, its path and its end, and how it announces that the queue is paused.

Must not know files, nor repeat what a generic family checks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streamvet.checks.runs import unread, with_role
from streamvet.checks.timing import Timing
from streamvet.contract.profile import pointed
from streamvet.decode import opened, streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.systems.cosma.checks.announced import Told, attached, first_after, succeeded, told, told_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Exchange, Trace

# Who comes when nothing has happened yet: a crowd waits for itself.
_ALONE = ("reader", "idle", "watch")
# A colon, one space, and then what is no space.
_DATA_LINE = re.compile(rb"^data:(?! [^ ])[^\r\n]*", re.MULTILINE)
_SHOWN_BYTES = 12  # of a data line
_SWITCHES = {"trigger:pause": "queue_paused", "trigger:resume": "queue_resumed"}


def head_at_once(trace: Trace, profile: Profile) -> Outcome:
    """COS-01: unless an event arrived somewhere while the head was waited for, as that may have let it out."""
    bound_ms = int(profile.field("figures.head_within_ms"))
    asked = [x for x in trace.exchanges if x.operation == "attach" and x.role in _ALONE]
    never = [x for x in asked if x.head is None and x.about.get("meant") == "stream"]
    came = [one for one in streams(trace, profile) if one.exchange in asked and not _in_between(one, trace, profile)]
    waits = [(one.exchange, one.head_us, "after") for one in came] + [(x, x.ended_us, "none in") for x in never]
    timing = Timing(trace)
    found = [
        finding(
            x,
            f"a head within {bound_ms} ms",
            f"{seen} {(until_us - x.sent_us) / 1000:.0f} ms",
            at_us=until_us,
            timed=True,
        )
        for x, until_us, seen in waits
        if timing.is_over(x.sent_us, until_us, bound_ms * 1000, came=seen == "after")
    ]
    return timing.outcome(found, NotExercised("no stream was requested while nothing was emitted"))


def _in_between(one: Reading, trace: Trace, profile: Profile) -> bool:
    """Whether an event arrived on any stream between the request for a stream and its head."""
    return any(
        one.exchange.sent_us <= event.at_us <= one.head_us
        for other in streams(trace, profile)
        for event in other.events
    )


def either_path(trace: Trace, profile: Profile) -> Outcome:
    """COS-02."""
    given = profile.operations["attach"].path.rstrip("/")
    ours = profile.operations["attach"].path
    asked = [x for x in trace.exchanges if x.operation == "attach" and x.about.get("meant") == "either" and x.head]
    direct = [x for x in asked if _path(x).rstrip("/").endswith(given) and not _path(x).endswith(ours)]
    if not direct:
        return NotExercised("the stream was not requested with the other path")
    followed = [x for x in asked if x.about.get("redirected")]
    return [
        finding(x, "a stream, after one redirect at most", _where(x, followed))
        for x in direct
        if not opened(x) and not any(map(opened, followed))
    ]


def _path(exchange: Exchange) -> str:
    return urlsplit(exchange.request.url).path


def _where(exchange: Exchange, followed: list[Exchange]) -> str:
    return " and ".join(f"status {x.status} at {_path(x)}" for x in (exchange, *followed))


def one_space(trace: Trace, profile: Profile) -> Outcome:
    """COS-03."""
    read = [one for one in streams(trace, profile) if one.events]
    if not read:
        return NotExercised("no stream had an event")
    found = []
    for one in read:
        for event in one.events:
            line = _DATA_LINE.search(one.exchange.body, event.start, event.end)
            if line:
                span = line.span()
                seen = line[0][:_SHOWN_BYTES].decode(errors="replace")
                found.append(finding(one.exchange, "data, a colon and one space", shown(seen), span))
                break
    return found


# ------------------------------------------------------------------------------------------------------- the queue


def _switched(one: Reading, trace: Trace, profile: Profile) -> Iterator[tuple[Exchange, bool]]:
    """The requests to pause and to resume that a reader was there for, and whether each changes anything."""
    paused: Any = None  # not known
    for x in trace.exchanges:
        if x.operation == "look:queue" and succeeded(x, profile):
            paused = pointed(x.json(), "/manually_paused")
        if x.operation not in _SWITCHES or not succeeded(x, profile):
            continue
        wants = x.operation == "trigger:pause"
        if paused is not None and attached(one, x):
            yield x, paused is not wants
        paused = wants


def _changed(trace: Trace, profile: Profile) -> Iterator[tuple[Reading, Exchange, Told | None]]:
    """The switches that change something, for each reader that was there, and what the reader was told of them."""
    for one in streams(trace, profile):
        for x, changes in _switched(one, trace, profile):
            if changes:
                yield one, x, first_after(told(one, _SWITCHES[x.operation]), x.sent_us)


def switches_told(trace: Trace, profile: Profile) -> Outcome:
    """COS-04: at all; see `Timing.is_never`."""
    bound_ms = told_us(profile) // 1000
    found, timing = [], Timing(trace)
    for one, x, event in _changed(trace, profile):
        timing.exercised = timing.exercised or event is not None
        if event is None and timing.is_never(one.exchange, x.sent_us, bound_ms):
            want, absent = f"{_SWITCHES[x.operation]} after exchange {x.id}", unread(one, since_us=x.sent_us)
            found.append(finding(one.exchange, want, "none", at_us=one.exchange.ended_us, absent=absent))
    return timing.outcome(found, NO_SWITCH)


def switches_told_in_time(trace: Trace, profile: Profile) -> Outcome:
    """COS-20."""
    bound_us = told_us(profile)
    found, timing = [], Timing(trace)
    for one, x, event in _changed(trace, profile):
        if event is None:
            continue
        want = f"{event.kind} with the source manual within {bound_us // 1000} ms of exchange {x.id}"
        if timing.is_over(x.sent_us, event.at_us, bound_us):
            seen = f"after {(event.at_us - x.sent_us) / 1000:.0f} ms"
            found.append(finding(one.exchange, want, seen, event.span, timed=True))
        elif event.data.get("source") != "manual":
            found.append(finding(one.exchange, want, shown(event.data), event.span))
    return timing.outcome(found, NO_SWITCH)


NO_SWITCH = NotExercised("the queue was not paused and resumed while a reader was attached")


def told_once(trace: Trace, profile: Profile) -> Outcome:
    """COS-05: by the order of events, from the pause that changed something to what resumed the queue."""
    found, exercised = [], False
    for one in streams(trace, profile):
        since_us, again = None, False
        for x, changes in _switched(one, trace, profile):
            if changes and x.operation == "trigger:pause":
                since_us, again = x.sent_us, False
            elif x.operation == "trigger:pause":
                again = True
            elif since_us is not None and again:
                events = _until_resumed(one, since_us, x.sent_us)
                exercised = exercised or bool(events)
                if len(events) > 1:
                    found.append(finding(one.exchange, "one queue_paused", f"{len(events)} of them", events[1].span))
                since_us = None
    return found if exercised else NotExercised("the queue was not paused twice and then resumed")


def _until_resumed(one: Reading, since_us: int, resumed_us: int) -> list[Told]:
    """The events that tell of a pause, from a time on and before the one that tells of its end."""
    over = first_after(told(one, "queue_resumed"), resumed_us)
    events = [event for event in told(one, "queue_paused") if event.at_us >= since_us]
    return [event for event in events if over is None or event.span < over.span]


def unknown_item(trace: Trace, profile: Profile) -> Outcome:
    """COS-14."""
    allowed: list[int] = profile.operations["trigger:remove-item"].raw["unknown"]["status"]
    asked = [x for x in with_role(trace, "trigger-refused") if x.operation == "trigger:remove-item" and x.head]
    if not asked:
        return NotExercised("the removal of an unknown item was not tried")
    want = f"status {' or '.join(map(str, allowed))} for an unknown item"
    found = [finding(x, want, f"status {x.status}", (0, len(x.body))) for x in asked if x.status not in allowed]
    unknown = {x.about.get("subject") for x in asked}
    for one in streams(trace, profile):
        gone = [event for event in told(one, "queue_item_removed") if event.data.get("id") in unknown]
        found += [finding(one.exchange, "nothing of an unknown item", shown(e.data), e.span) for e in gone[:1]]
    heard = any(event.at_us > asked[-1].ended_us for one in streams(trace, profile) for event in one.events)
    if not found and not heard:
        return NotExercised("no event arrived after the refusal", due=True)
    return found


# --------------------------------------------------------------------------------------------------------- its end


def none_let_in(trace: Trace, profile: Profile) -> Outcome:
    """COS-18: once a reader was told that the server shuts down, or was left by it."""
    last = profile.terminal.last if profile.terminal else ()
    over = [(events[0].at_us, one.exchange.id) for one in streams(trace, profile) if (events := one.of(last))]
    asked = [x for x in with_role(trace, "intruder") if x.operation == "attach"]
    late = [x for x in asked if over and x.sent_us >= min(over)[0]]
    if not late:
        return NotExercised("no stream was requested after a reader saw that the server shuts down")
    return [
        finding(
            x,
            "no stream from a server that shuts down",
            f"status {x.status}, {len(x.body)} bytes",
            beside=[min(over)[1]],
        )
        for x in late
        if x.status is not None and x.status < 400
    ]


CHECKS: dict[str, Check] = {
    "COS-01": head_at_once,
    "COS-02": either_path,
    "COS-03": one_space,
    "COS-04": switches_told,
    "COS-05": told_once,
    "COS-14": unknown_item,
    "COS-18": none_let_in,
    "COS-20": switches_told_in_time,
}
