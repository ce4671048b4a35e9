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
# What never comes is waited for until that is beyond doubt, and a little more, so that the wait itself is no doubt, nor
# the time in which a busy suite was late.
_NEVER = NEVER_TIMES + 1.0
_NETWORK_S = 0.25
# JSON answers have no bound of their own in most profiles: this is a wait, and no verdict. 30 s is the common limit of
# proxies and clients; where a script is performed nothing but the request itself has to be done, on a busy machine too.
_ANSWER_S = {True: 10.0, False: 30.0}
# A run that does its own work and ends, by its input, tells something within a minute, scaled where intervals are; at
# least within ten seconds, for what is not scaled, such as the start of a process. Under control it has twice that
# for the whole.
_SILENT_MS, _LEAST_WORK_S, _SILENCES = 60_000.0, 10.0, 2
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


def answer_s(*, scripted: bool) -> float:
    """How long to wait for a JSON answer, or the head of a stream."""
    return _ANSWER_S[scripted]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The waits of one try, in seconds."""

    answer_s: float  # a JSON answer, or the head of a stream
    run_s: float  # the ending of a run, from its start
    close_s: float  # the close, from the terminal event
    finished_s: float  # the whole replay of a finished run
    join_s: float  # the ending, for who joins while the run ends
    silent_s: float  # the next event of a run that does its own work

    @property
    def whole_s(self) -> float:
        """From the start of a run to the end of its stream."""
        return self.run_s + self.close_s


def bounds_of(profile: Profile, scale: float, steps: Sequence[Any] | None, own_s: float) -> Bounds:
    """The bounds for a run that performs `steps`; where they are None it does its own work, and has `own_s` for it."""
    terminal = profile.terminal
    close_ms = (terminal.close_within_ms if terminal else None) or _DEFAULT_CLOSE_MS
    join_s = never_s((terminal.join_within_ms if terminal else None) or close_ms)
    if terminal and terminal.run_within_ms:
        own_s = min(own_s, patience_s(terminal.run_within_ms))
    told_s = None if steps is None else script_s(steps, scale) + _EVENT_S * len(steps) + join_s
    return Bounds(
        answer_s=answer_s(scripted=True) if told_s is not None else min(answer_s(scripted=False), own_s),
        run_s=own_s if told_s is None else told_s,
        close_s=never_s(close_ms),
        finished_s=never_s((terminal.finished_within_ms if terminal else None) or close_ms),
        join_s=join_s,
        silent_s=_silent_s(scale),
    )


def work_s(scale: float, *, controlled: bool, most_s: float) -> float:
    """How long a run may take that does its own work: `most_s`, and under control less, as its intervals are scaled."""
    return min(most_s, _SILENCES * _silent_s(scale)) if controlled else most_s


def _silent_s(scale: float) -> float:
    return max(_SILENT_MS * scale / 1000, _LEAST_WORK_S)


def script_s(steps: Sequence[Any], scale: float) -> float:
    """The real time of a script's waits."""
    return sum(float(step.get("wait_ms", 0)) for step in steps) * scale / 1000


def retry_s(head: Head | None) -> float | None:
    """When a rate limit says to ask again, None where an answer is none."""
    if head is None or head.status != 429:
        return None
    said = head.get("retry-after")[:9]
    return float(said) if said.isascii() and said.isdigit() and int(said) else 1.0
