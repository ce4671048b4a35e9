"""Checks of one framing flaw each, for the tables of the two framings and of the encoding.

Judges frames only; must not know what is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.runs import left_alone
from streamvet.decode import streams
from streamvet.framing.frame import Flaw, Kind
from streamvet.outcome import NotExercised, finding

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace


def without(flaw: Flaw, expected: str) -> Check:
    """A check that no frame of any stream has this flaw.

    A partial frame is not looked at: where we cut a stream off, its last line may be anything.
    """

    def check(trace: Trace, profile: Profile) -> Outcome:
        read = [one for one in streams(trace, profile) if one.frames]
        if not read:
            return NotExercised("no stream had a frame")
        return [
            finding(one.exchange, expected, f"{violation.seen}", (violation.start, violation.end))
            for one in read
            for frame in one.flawed
            if frame.kind is not Kind.PARTIAL
            for violation in frame.violations
            if violation.flaw is flaw
        ]

    return check


def all_ended(expected: str) -> Check:
    """A check that nothing unended is left where the server ended a stream as HTTP says."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        over = [one for one in streams(trace, profile) if left_alone(one) and one.exchange.clean and one.frames]
        if not over:
            return NotExercised("no stream was ended by the server")
        return [
            finding(one.exchange, expected, f"the end of the stream after {violation.seen}", (frame.start, frame.end))
            for one in over
            for frame in one.flawed
            for violation in frame.violations
            if violation.flaw is Flaw.UNENDED
        ]

    return check
