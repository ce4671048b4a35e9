"""The positive twin of a negative requirement: what shows, in the same try, that a refusal means something.

A server that turns everybody away keeps every requirement about who must be turned away. So where the same thing was
not granted to who may have it, nothing has been exercised. Judges nothing; must not know which requirement asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.runs import succeeded
from streamvet.decode import opened
from streamvet.outcome import NotExercised

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Exchange, Trace

PRIMARY = "primary"


def beside(found: list[Finding], twin: str, *, has_twin: bool) -> Outcome:
    """The outcome of a negative requirement: its findings, or that it held; not exercised without its twin.

    `twin` says what was not granted, such as "no stream was opened with valid credentials".
    """
    return found if found or has_twin else NotExercised(f"{twin}, so a refusal proves nothing")


def let_in(trace: Trace) -> bool:
    """Whether somebody with valid credentials was given a stream."""
    return any(x.about.get("meant") == "stream" and opened(x) and _is_primary(x) for x in trace.exchanges)


def started(trace: Trace, profile: Profile) -> bool:
    """Whether a right request started a run."""
    starts = (x for x in trace.exchanges if x.operation.startswith("start:") and _is_right(x))
    return any(succeeded(x, profile) for x in starts)


def resumed(trace: Trace) -> bool:
    """Whether a stream was resumed from a cursor that an event has."""
    return any(x.about.get("cursor_from") == "seen" and opened(x) for x in trace.exchanges)


def granted(trace: Trace, profile: Profile, operation: str) -> bool:
    """Whether the one whose run it is got what the operation gives.

    The cancellation of a run that is over may be answered in other ways, but not as that of an unknown one.
    """
    if operation.startswith("start:"):
        return started(trace, profile)
    own = [x for x in trace.exchanges if x.operation == operation and _is_right(x) and x.head]
    if operation == "cancel":
        turned_away = {status for name in ("unknown", "foreign", "invalid") for status in _statuses(profile, name)}
        return any(x.status not in turned_away and (x.status or 0) < 500 for x in own)
    return any(succeeded(x, profile) for x in own)


def _statuses(profile: Profile, name: str) -> list[int]:
    statuses: list[int] = profile.field(f"auth.{name}") or []
    return statuses


def _is_right(exchange: Exchange) -> bool:
    """Whether somebody asks for what is theirs, and in the right way."""
    wrong = exchange.role == "intruder" or exchange.role.endswith("-refused")
    return _is_primary(exchange) and not wrong and exchange.about.get("run") != "unknown"


def _is_primary(exchange: Exchange) -> bool:
    return bool(exchange.about.get("account", PRIMARY) == PRIMARY)
