"""How long a probe waits before it takes a silence for the answer. Seconds, computed from the profile.

Must not know which probe waits. No wait is open-ended, so no candidate can make a try hang.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import NEVER_TIMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Profile
    from streamvet.trace import Head

# A thing that is late by half its bound must be seen to arrive late rather than never, and some more for the network.
_LATE = 1.75
# What never comes is waited for until that is beyond doubt, and a little more, so that the wait itself is no doubt.
_NEVER = NEVER_TIMES + 0.25
_NETWORK_S = 0.25
# JSON answers have no bound of their own in most profiles: 30 s is the common limit of proxies and clients; under
# control nothing but the request itself has to be done.
_ANSWER_S = {True: 3.0, False: 30.0}
# A run of which nothing is known: ten minutes, the limit of common job runners for a single step.
_UNKNOWN_RUN_S = 600.0
# What one scripted event may cost a slow server on top of its waits.
_EVENT_S = 0.005
# How long a start waits for a rate limit: some seconds are what published limits ask for.
RATE_LIMIT_S = 10.0
_DEFAULT_CLOSE_MS = 1000  # where the profile has no bound of closing; it bounds our wait, no verdict


def patience_s(bound_ms: float) -> float:
    """How long to wait for something that is due within `bound_ms`."""
    return bound_ms / 1000 * _LATE + _NETWORK_S


def never_s(bound_ms: float) -> float:
    """How long to wait for something that is due within `bound_ms`, so that its absence says that it never comes."""
    return bound_ms / 1000 * _NEVER + _NETWORK_S


@dataclass(frozen=True, slots=True)
class Bounds:
    """The waits of one try, in seconds."""

    answer_s: float  # a JSON answer, or the head of a stream
    run_s: float  # the ending of a run, from its start
    close_s: float  # the close, from the terminal event
    finished_s: float  # the whole replay of a finished run
    join_s: float  # the ending, for who joins while the run ends

    @property
    def whole_s(self) -> float:
        """From the start of a run to the end of its stream."""
        return self.run_s + self.close_s


def bounds_of(profile: Profile, scale: float, steps: Sequence[Any] | None) -> Bounds:
    """The bounds for a run that performs `steps`, or whatever it does where they are None."""
    terminal = profile.terminal
    close_ms = (terminal.close_within_ms if terminal else None) or _DEFAULT_CLOSE_MS
    join_s = never_s((terminal.join_within_ms if terminal else None) or close_ms)
    told_s = None if steps is None else script_s(steps, scale) + _EVENT_S * len(steps) + join_s
    return Bounds(
        answer_s=_ANSWER_S[steps is not None],
        run_s=_UNKNOWN_RUN_S if told_s is None else told_s,
        close_s=never_s(close_ms),
        finished_s=never_s((terminal.finished_within_ms if terminal else None) or close_ms),
        join_s=join_s,
    )


def script_s(steps: Sequence[Any], scale: float) -> float:
    """The real time of a script's waits."""
    return sum(float(step.get("wait_ms", 0)) for step in steps) * scale / 1000


def retry_s(head: Head | None) -> float | None:
    """When a rate limit says to ask again, None where an answer is none."""
    if head is None or head.status != 429:
        return None
    said = head.get("retry-after")[:9]
    return float(said) if said.isascii() and said.isdigit() and int(said) else 1.0
