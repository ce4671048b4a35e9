"""TRN-03, TRN-07: events that somebody between the run and the reader kept back, and who that may have been.

What is emitted apart and comes together has been waiting. Must not know SSE or NDJSON, nor how it is known that
something is emitted apart.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from streamvet.checks import pauses
from streamvet.checks.lumps import SOURCES, TOGETHER_US
from streamvet.checks.suspects import suspects
from streamvet.outcome import NotExercised, finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.checks.lumps import Held
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Exchange, Trace


def released(readings: Sequence[Reading], trace: Trace, profile: Profile) -> Outcome:
    """Where events came together that are due apart, in some streams of a trace."""
    paused = pauses.released(readings, trace, profile)
    found = {one.exchange: one for one in paused} if isinstance(paused, list) else {}
    exercised = isinstance(paused, list)
    for one in readings:
        if one.exchange.id in found:
            found[one.exchange.id] = _with_suspects(found[one.exchange.id], one)
            continue
        for looked in SOURCES:
            outcome = looked(one, trace, profile)
            exercised = exercised or outcome is not None
            if outcome:
                found[one.exchange.id] = _told(one.exchange, outcome[0])
                break
    if found or (isinstance(paused, NotExercised) and (paused.due or not exercised)):
        return list(found.values()) or paused
    return []


def _with_suspects(found: Finding, one: Reading) -> Finding:
    """The finding of a pause with what came together, and who may have held it back."""
    last = [event for event in one.events if event.at_us <= found.at_us][-1:]
    together = sum(0 <= last[0].at_us - event.at_us <= TOGETHER_US for event in one.events) if last else 0
    seen = f"held back: {found.seen}" + (f", {together} came together" if together > 1 else "")
    head = one.exchange.head
    return dataclasses.replace(found, seen=f"{seen}; {suspects(head)}" if head else seen)


def _told(exchange: Exchange, held: Held) -> Finding:
    span = (min(held.first.start, held.last.start), max(held.first.end, held.last.end))
    one = finding(exchange, held.want, "", span, held.last.at_us, timed=True)
    apart = f"{(held.last.at_us - held.first.at_us) / 1000:.0f} ms between them"
    together = f"{held.number} came together, {apart}" if held.number > 1 else apart
    seen = f"held back{f' for {held.for_us / 1000:.0f} ms' if held.for_us else ''}: {together}"
    return dataclasses.replace(one, seen=f"{seen}; {suspects(exchange.head)}" if exchange.head else seen)
