"""SSE: the framing of Server-Sent Events, by WHATWG HTML 9.2, and what keeps a stream readable for stock clients.

Must not know JSON, but for the rows that compare an event's name with its data, and that ask whether a line was cut
off from it.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from streamvet.checks.flaws import all_ended, without
from streamvet.contract.profile import MESSAGE
from streamvet.decode import frames, opened, streams
from streamvet.framing import json_text
from streamvet.framing.frame import Flaw, Kind
from streamvet.outcome import NotExercised, finding, has_room, shown
from streamvet.shapes import key_pointers

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Shape
    from streamvet.framing.frame import Frame, Violation
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Trace

NO_EVENT = NotExercised("no stream had an event")
NO_LINE = NotExercised("no stream had a whole line")

_CONTROL = re.compile(r"[\x01-\x08\x0a-\x1f\x7f]")  # what no field value may have (RFC 9110, 5.5); U+0000 is SSE-04's
_RETRY = re.compile(rb"retry: ?+([0-9]++)(?=[\r\n])")  # begins with what is searched for quickly
_LINE_STARTS = (b"", b"\r", b"\n")
DAY_MS = 86_400_000  # longer than any published client waits by itself, and than a reader of progress stays

# What somebody may have meant as a field of his own: a word as those of the standard, and its colon. Markup, a JSON
# document, a sentence or the rest of one are no such thing.
_OWN_FIELD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]*:")
_LINE_END = re.compile(rb"\r\n|\r|\n")


def _of_frames(expected: str, seen: Callable[[Reading, Frame], list[Violation]]) -> Check:
    """A check of what a function finds in the frames that have a violation."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        read = [one for one in streams(trace, profile) if one.has_line]
        if not read:
            return NO_LINE
        return [
            finding(one.exchange, expected, violation.seen, (violation.start, violation.end))
            for one in read
            for frame in one.flawed
            for violation in seen(one, frame)
        ]

    return check


def _discarded(one: Reading, frame: Frame) -> list[Violation]:
    """SSE-02: the lines with application data that clients discard.

    That is a line that nobody can have meant as a field, or the rest of a text that a raw newline has cut. A block that
    never ended is looked at, too, but for its last line where that has no end, which may be anything.
    """
    return [
        violation
        for violation in frame.violations
        if violation.flaw is Flaw.UNKNOWN_FIELD and (_is_no_field(one, violation) or _is_a_rest(one, frame, violation))
    ]


def _is_no_field(one: Reading, violation: Violation) -> bool:
    return not _OWN_FIELD.match(one.exchange.body[violation.start : violation.end])


def _is_a_rest(one: Reading, frame: Frame, violation: Violation) -> bool:
    """Whether the line follows directly on data that is no JSON, although it should be."""
    unread = one.profile.unread_kind(frame.event, frame.data) is not None
    if unread or json_text.read(frame.data).value is not None:
        return False
    before = _LINE_END.split(one.exchange.body[frame.start : violation.start])
    return len(before) > 1 and before[-2].startswith(b"data") and not _is_null(frame.data)


def _is_null(text: str) -> bool:
    return text.strip() == "null"


def _own_fields(one: Reading, frame: Frame) -> list[Violation]:
    """SSE-13: the fields of somebody's own, with which nothing is lost."""
    lost = _discarded(one, frame)
    return [each for each in frame.violations if each.flaw is Flaw.UNKNOWN_FIELD and each not in lost]


def _replaced(one: Reading, frame: Frame) -> list[Violation]:
    """SSE-05: the fields that replace another value of the same block.

    Not of one that never ended: it may be several that lack their ends.
    """
    if frame.kind is Kind.PARTIAL:
        return []
    found = []
    for violation in frame.violations:
        if violation.flaw is Flaw.REPEATED_FIELD:
            name, value = _field(one.exchange.body[violation.start : violation.end])
            before = _LINE_END.split(one.exchange.body[frame.start : violation.start])
            if any(_field(line) != (name, value) for line in before if _field(line)[0] == name):
                found.append(violation)
    return found


def _field(line: bytes) -> tuple[bytes, bytes]:
    """The name and the value of a line."""
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")


def _lost_name(_one: Reading, frame: Frame) -> list[Violation]:
    """SSE-10: a block that names an event and has no data."""
    return [each for each in frame.violations if each.flaw is Flaw.NO_DATA and frame.event]


def _nothing_dispatched(one: Reading, frame: Frame) -> list[Violation]:
    """SSE-14: a block without data, and without an event's name, that has an id or a retry field.

    Where its data is in lines that clients discard, that is the one defect.
    """
    lines = _LINE_END.split(one.exchange.body[frame.start : frame.end])
    takes_effect = any(_field(line)[0] in (b"id", b"retry") for line in lines)
    if frame.event or not takes_effect or _discarded(one, frame):
        return []
    return [each for each in frame.violations if each.flaw is Flaw.NO_DATA]


def _lacks_its_end(one: Reading, frame: Frame) -> bool:
    """Whether the last line of a frame never ended."""
    return frame.kind is Kind.PARTIAL and one.exchange.body[frame.end - 1] not in b"\r\n"


def _of_ids(expected: str, is_wrong: Callable[[str], object]) -> Check:
    """A check of the ids of blocks. What has U+0000 is no id: clients ignore it, which is SSE-04's."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        read = [one for one in streams(trace, profile) if one.has_line]
        if not read:
            return NO_LINE
        return [
            finding(one.exchange, expected, f"id {shown(frame.id)}", (frame.start, frame.end))
            for one in read
            for frame in one.odd_ids
            if not _lacks_its_end(one, frame) and is_wrong(str(frame.id))
        ]

    return check


def reconnection_time(trace: Trace, profile: Profile) -> Outcome:
    """SSE-17. What is no number is ignored, which is SSE-03's."""
    read = [one for one in streams(trace, profile) if one.has_line]
    if not read:
        return NO_LINE
    found: list[Finding] = []
    for one in read:
        for field in _RETRY.finditer(one.exchange.body):
            begins_line = one.exchange.body[max(field.start() - 1, 0) : field.start()] in _LINE_STARTS
            if not begins_line or 0 < _bounded(field[1]) < DAY_MS:
                continue
            if not has_room(found, one.exchange):
                break
            want = f"a retry field from 1 to {DAY_MS - 1}"
            found.append(finding(one.exchange, want, field[0].decode(), field.span()))
    return found


def _bounded(digits: bytes) -> int:
    """The number that digits say; a day where there are more of them than a day has: they may be a million."""
    digits = digits.lstrip(b"0")
    return DAY_MS if len(digits) > len(str(DAY_MS)) else int(digits or b"0")


def event_name(trace: Trace, profile: Profile) -> Outcome:
    """SSE-06."""
    rule = profile.field("framing.event_name")
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        named = one.events.where(lambda shape: _wanted_name(shape, profile, rule))
        exercised = exercised or bool(named)
        for event in named.where(lambda shape: (shape.name or MESSAGE) != _wanted_name(shape, profile, rule)):
            if not has_room(found, one.exchange):
                break
            want = _wanted_name(event.shape, profile, rule)
            seen = f"event: {event.name}" if event.name else "no event field"
            found.append(finding(one.exchange, f"event: {want}", seen, (event.start, event.end)))
    return found if exercised else NO_EVENT


def _wanted_name(shape: Shape, profile: Profile, rule: dict[str, str]) -> str | None:
    """The name that events of a shape must have, None where their data does not say."""
    if "equals" in rule:
        return rule["equals"]
    if not shape.parsed or shape.kind is None:
        return None
    value = shape.keys[key_pointers(profile).index(rule["pointer"])]
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
    read = [one for one in streams(trace, profile) if one.has_line]
    if not read:
        return NO_LINE
    found: list[Finding] = []
    for one in read:
        if not one.ids or not one.quiet:
            continue
        numbered = False
        for frame, following in pairwise(frames(one.exchange, profile)):
            numbered = numbered or frame.id is not None
            bare = numbered and frame.kind is Kind.COMMENT and following.kind is Kind.BLANK
            if bare and has_room(found, one.exchange):
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
    "SSE-02": _of_frames("no data in a line that clients discard", _discarded),
    "SSE-03": without(Flaw.BAD_RETRY, "retry with ASCII digits only"),
    "SSE-04": without(Flaw.NUL_IN_ID, "an id without U+0000"),
    "SSE-05": _of_frames("one value of each field that counts once in a block", _replaced),
    "SSE-06": event_name,
    "SSE-07": one_data_line,
    "SSE-08": without(Flaw.CR, "lines that end with LF"),
    "SSE-09": without(Flaw.BOM, "no byte order mark"),
    "SSE-10": _of_frames("data in a block that names an event", _lost_name),
    "SSE-11": bare_comments,
    "SSE-12": lower_case_type,
    "SSE-13": _of_frames("a field of data, event, id, retry", _own_fields),
    "SSE-14": _of_frames("an id or a retry field in a block with data", _nothing_dispatched),
    "SSE-15": _of_ids("an id without control characters", _CONTROL.search),
    "SSE-16": _of_ids("an id of ASCII characters", lambda text: not text.isascii()),
    "SSE-17": reconnection_time,
}
