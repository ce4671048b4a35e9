"""How long a run lives that has no readers, by the records that were requested meanwhile.

Must not know streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.checks.runs import succeeded, with_role
from streamvet.contract.profile import pointed
from streamvet.outcome import NotExercised, finding, shown
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Outcome
    from streamvet.trace import Exchange, Trace


def _records(trace: Trace, profile: Profile, role: str = "record-detached") -> list[tuple[Exchange, float, Any]]:
    """Records of detached runs: the exchange, how much of its life was over, and the state."""
    pointer = profile.field("operations.record.state.pointer")
    records = [x for x in with_role(trace, role) if succeeded(x, profile)]
    return [(x, float(x.about["life"]), pointed(x.json(), pointer)) for x in records]


def _too_late(trace: Trace, profile: Profile, exchange: Exchange, life: float) -> int | None:
    """By how many ms the harness was late, where that may have brought an answer behind the time that is promised."""
    rule = profile.field("catchup.detached")
    left_us = (rule["alive_at"] - life) * rule["life_ms"] * 1000 * trace.time_scale
    late_us = trace.late_us(exchange.sent_us, exchange.ended_us)
    return late_us // 1000 if late_us > left_us else None


def alive_when_detached(trace: Trace, profile: Profile) -> Outcome:
    """CAT-11."""
    limit = profile.field("catchup.detached.alive_at")
    records = [row for row in _records(trace, profile) if row[1] <= limit]
    if not records:
        return NotExercised("no record of a run without readers was requested in time")
    place = f"at {limit:.0%} of the time without readers"
    return _alive(trace, profile, [(*row, place, f" at {row[1]:.0%}") for row in records])


def alive_when_returned(trace: Trace, profile: Profile) -> Outcome:
    """CAT-22: where the reader that came back was given the run, and its end was not waited for."""
    limit = profile.field("catchup.detached.alive_at")
    came = {x.about.get("run") for x in with_role(trace, "resumed") if x.ending is Ending.CUT}
    records = _records(trace, profile, "record-returned")
    records = [row for row in records if row[1] <= limit and row[0].about.get("run") in came]
    if not records:
        return NotExercised("no record was requested of a run whose reader had returned and left again")
    place = "of the time since the reader that had returned left again"
    return _alive(trace, profile, [(*row, f"at {row[1]:.0%} {place}", "") for row in records])


def _alive(trace: Trace, profile: Profile, records: Sequence[tuple[Exchange, float, Any, str, str]]) -> Outcome:
    """Records whose run must be active, each with where that is so, and what is said of where it was seen."""
    active = profile.field("operations.record.state.active")
    late = [ms for x, life, *_ in records if (ms := _too_late(trace, profile, x, life)) is not None]
    if late:
        return NotExercised(f"harness late by {max(late)} ms", due=True)
    return [
        finding(x, f"one of {', '.join(active)} {place}", f"{shown(state)}{seen}", (0, len(x.body)), timed=True)
        for x, _, state, place, seen in records
        if state not in active
    ]


def ended_when_detached(trace: Trace, profile: Profile) -> Outcome:
    """CAT-12."""
    finished = profile.field("operations.record.state.finished")
    records = [(x, life, state) for x, life, state in _records(trace, profile) if life > 1]
    if not records:
        return NotExercised("no record of a run was requested after its time without readers")
    want = f"one of {', '.join(finished)} after the time without readers"
    return [
        finding(x, want, f"{shown(state)} at {life:.0%}", (0, len(x.body)), timed=True)
        for x, life, state in records
        if state not in finished
    ]
