"""NDJ: the framing of NDJSON, one JSON document a line, each line ended by LF.

Must not know what a document says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.flaws import all_ended, without
from streamvet.decode import streams
from streamvet.framing import json_text
from streamvet.framing.frame import Flaw
from streamvet.framing.json_text import JsonFault
from streamvet.outcome import NotExercised, finding, has_room, shown

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event, Shape
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Trace

NO_LINE = NotExercised("no stream had a line")
# How many lines a document in pieces may span. A pretty-printed event has a line for each key; with more, the first
# line that does not parse is told by EVT-02 all the same.
MAX_PIECES = 200
# How much text of a stream is read again in search of such documents: many times what a writer that pretty-prints
# sends in a try. Where each line of megabytes might begin a document, the search would take hours.
MAX_READ_CHARS = 4 * 1024 * 1024


def one_document(trace: Trace, profile: Profile) -> Outcome:
    """NDJ-02."""
    read = [one for one in streams(trace, profile) if one.events]
    if not read:
        return NO_LINE
    found: list[Finding] = []
    for one in read:
        for event in one.events.where(_has_several):
            for problem in event.problems:
                if problem.fault is JsonFault.SEVERAL_DOCUMENTS and has_room(found, one.exchange):
                    span = (event.start, event.end)
                    found.append(finding(one.exchange, "one JSON document on the line", problem.seen, span))
    return found


def _has_several(shape: Shape) -> bool:
    return any(problem.fault is JsonFault.SEVERAL_DOCUMENTS for problem in shape.problems)


def unbroken_document(trace: Trace, profile: Profile) -> Outcome:
    """NDJ-03: lines that are not JSON alone, but are together, are one document in pieces."""
    read = [one for one in streams(trace, profile) if one.events]
    if not read:
        return NO_LINE
    found: list[Finding] = []
    for one in read:
        events, following, left = one.events, 0, MAX_READ_CHARS
        for index in events.places(lambda shape: not shape.parsed):
            if index < following:
                continue
            if left <= 0 or not has_room(found, one.exchange):
                break
            count, chars = _pieces(one, events[index : index + MAX_PIECES])
            left -= chars
            following = index + count
            if count:
                span = (events[index].start, events[following - 1].end)
                seen = f"one document over {count} lines, the first {shown(one.text(events[index]))}"
                found.append(finding(one.exchange, "a JSON document on one line", seen, span))
    return found


def _pieces(one: Reading, events: list[Event]) -> tuple[int, int]:
    """How many of the lines, from the first on, make one JSON document, 0 where they do not; how much was read."""
    text, chars = one.text(events[0]), 0
    for count, event in enumerate(events[1:], start=2):
        text += "\n" + one.text(event)
        # A newline inside a string is no JSON; escaped, it is what the writer meant.
        both = (text, text.replace("\n", "\\n"))
        chars += sum(map(len, both))
        if any(json_text.read(whole).value is not None for whole in both):
            return count, chars
        if not any(map(json_text.may_go_on, both)):
            break
    return 0, chars


def no_blank_lines(trace: Trace, profile: Profile) -> Outcome:
    """NDJ-06."""
    read = [one for one in streams(trace, profile) if one.frames]
    if not read:
        return NO_LINE
    return [
        finding(one.exchange, "no empty line", "an empty line", (frame.start, frame.end))
        for one in read
        for frame in one.quiet
    ]


CHECKS: dict[str, Check] = {
    "NDJ-01": all_ended("a newline after the last line"),
    "NDJ-02": one_document,
    "NDJ-03": unbroken_document,
    "NDJ-04": without(Flaw.BOM, "no byte order mark"),
    "NDJ-05": without(Flaw.CR, "lines that end with LF"),
    "NDJ-06": no_blank_lines,
}
