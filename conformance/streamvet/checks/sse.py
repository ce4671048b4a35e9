"""SSE: the framing of Server-Sent Events, by WHATWG HTML 9.2, and what keeps a stream readable for stock clients.

Must not know JSON, but for the one row that compares an event's name with its data.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from streamvet.checks.flaws import all_ended, without
from streamvet.contract.profile import pointed
from streamvet.decode import frames, opened, streams
from streamvet.framing.frame import Flaw, Kind
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Event, Reading
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace

NO_EVENT = NotExercised("no stream had an event")


def event_name(trace: Trace, profile: Profile) -> Outcome:
    """SSE-06."""
    rule = profile.field("framing.event_name")
    found, exercised = [], False
    for one in streams(trace, profile):
        for event in one.events:
            wanted = _wanted_name(event, one, rule)
            if wanted is None:
                continue
            exercised = True
            if event.name != wanted:
                seen = f"event: {event.name}" if event.name else "no event field"
                found.append(finding(one.exchange, f"event: {wanted}", seen, (event.start, event.end)))
    return found if exercised else NO_EVENT


def _wanted_name(event: Event, one: Reading, rule: dict[str, str]) -> str | None:
    """The name that an event must have, None where its data does not say."""
    if "equals" in rule:
        return rule["equals"]
    if not event.parsed or event.kind is None:
        return None
    if rule["pointer"] == one.profile.discriminator:  # the type begins with it: the value need not be read again
        return event.kind.partition(".")[0]
    value = pointed(one.value(event), rule["pointer"])
    return value if isinstance(value, str) else None


def one_data_line(trace: Trace, profile: Profile) -> Outcome:
    """SSE-07."""
    read = [one for one in streams(trace, profile) if one.events or one.spread]
    if not read:
        return NO_EVENT
    return [
        finding(one.exchange, "one data line", f"{frame.data_lines} data lines", (frame.start, frame.end))
        for one in read
        for frame in one.spread
        if frame.data_lines > 1
    ]


def bare_comments(trace: Trace, profile: Profile) -> Outcome:
    """SSE-11: no comment with an empty line after it, once an id was seen."""
    read = [one for one in streams(trace, profile) if one.frames]
    if not read:
        return NotExercised("no stream had a frame")
    found = []
    for one in read:
        if not one.ids or not one.quiet:
            continue
        numbered = False
        for frame, following in pairwise(frames(one.exchange, profile)):
            numbered = numbered or frame.id is not None
            if numbered and frame.kind is Kind.COMMENT and following.kind is Kind.BLANK:
                seen = f"the comment {shown(frame.data)} and an empty line"
                found.append(
                    finding(one.exchange, "a comment without an empty line", seen, (frame.start, following.end))
                )
    return found


def lower_case_type(trace: Trace, profile: Profile) -> Outcome:
    """SSE-12."""
    del profile
    types = [(x, x.head.get("content-type")) for x in trace.exchanges if opened(x) and x.head]
    if not types:
        return NotExercised("no stream was answered")
    media = [(x, text.partition(";")[0].strip()) for x, text in types]
    return [
        finding(x, f"content-type {text.lower()}", f"content-type {text}") for x, text in media if text != text.lower()
    ]


CHECKS: dict[str, Check] = {
    "SSE-01": all_ended("an empty line after the last block"),
    "SSE-02": without(Flaw.UNKNOWN_FIELD, "a comment, or a field of data, event, id, retry"),
    "SSE-03": without(Flaw.BAD_RETRY, "retry with ASCII digits only"),
    "SSE-04": without(Flaw.NUL_IN_ID, "an id without U+0000"),
    "SSE-05": without(Flaw.REPEATED_FIELD, "at most one event and one id field in a block"),
    "SSE-06": event_name,
    "SSE-07": one_data_line,
    "SSE-08": without(Flaw.CR, "lines that end with LF"),
    "SSE-09": without(Flaw.BOM, "no byte order mark"),
    "SSE-10": without(Flaw.NO_DATA, "fields only in a block that has data"),
    "SSE-11": bare_comments,
    "SSE-12": lower_case_type,
}
