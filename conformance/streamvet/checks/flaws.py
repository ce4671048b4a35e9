"""Checks of one framing flaw each, for the tables of the two framings and of the encoding.

Judges frames only; must not know what is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.runs import left_alone
from streamvet.decode import streams
from streamvet.framing.frame import Flaw
from streamvet.outcome import NotExercised, finding

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace


def without(flaw: Flaw, expected: str) -> Check:
    """A check that no frame of any stream has this flaw.

    Of a frame that never ended the decoders note only what no further byte could have mended.
    """

    def check(trace: Trace, profile: Profile) -> Outcome:
        read = streams(trace, profile)
        found = [
            finding(one.exchange, expected, f"{violation.seen}", (violation.start, violation.end))
            for one in read
            for frame in one.flawed
            for violation in frame.violations
            if violation.flaw is flaw
        ]
        return found if found or any(one.has_line for one in read) else NotExercised("no stream had a whole line")

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
