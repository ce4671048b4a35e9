"""What a reader gets after the candidate was killed and started again.

Must not know how it was killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.checks.runs import with_role
from streamvet.decode import opened, readable, reading, same, streams
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Outcome
    from streamvet.trace import Exchange, Trace


def served_after_restart(trace: Trace, profile: Profile) -> Outcome:
    """CAT-18."""
    back = [x for x in with_role(trace, "returned") if x.about.get("restarts")]
    if not back:
        return NotExercised("no reader came back after a restart")
    found = []
    for x in back:
        shows = "due_us" in x.about or profile.field("catchup.first")  # else nothing has to be on the stream
        if not opened(x) or (shows and not (readable(x) and reading(x, profile).events)):
            refused = f"status {x.status}" if x.head else f"no answer: {x.ending.value} {x.detail}".strip()
            seen = f"no event, then {x.ending.value}" if opened(x) else refused
            found.append(finding(x, "a reader served like a new one", seen, at_us=x.ended_us))
    return found


def _before_restart(trace: Trace, profile: Profile) -> dict[str, list[Any]]:
    """For each run the longest history, as values, that a reader saw before the candidate was killed."""
    seen: dict[str, list[Any]] = {}
    for one in streams(trace, profile):
        label = str(one.exchange.about.get("run"))
        if not one.exchange.about.get("restarts") and len(one.history) > len(seen.get(label, ())):
            seen[label] = one.values(one.history)
    return seen


def _reread(trace: Trace) -> list[Exchange]:
    """Requests for the whole stream of a run after a restart."""
    return [
        x
        for x in trace.exchanges
        if x.about.get("restarts")
        and x.about.get("meant") in ("stream", "either")
        and x.role != "cut"
        and x.head
        and "cursor" not in x.about
    ]


def _not_kept(trace: Trace, profile: Profile, *, refusal_is_fine: bool) -> Outcome:
    asked = _reread(trace)
    before = _before_restart(trace, profile) if asked else None
    if before is None:
        return NotExercised("the candidate was not killed and started again")
    found, exercised = [], False
    unknown = profile.field("auth.unknown") or [404]
    for exchange in asked:
        history = before.get(str(exchange.about.get("run")))
        if not history:
            continue
        exercised = True
        if not opened(exchange):
            if not refusal_is_fine or exchange.status not in unknown:
                want = f"status {' or '.join(map(str, unknown))} or the history" if refusal_is_fine else "the history"
                found.append(finding(exchange, f"{want} after a restart", f"status {exchange.status}"))
            continue
        one = reading(exchange, profile)
        values = one.values(one.history[: len(history)])
        at = next((i for i, want in enumerate(history) if i >= len(values) or not same(values[i], want)), None)
        if at is not None:
            seen = shown(values[at]) if at < len(values) else "missing"
            want = f"event {at + 1} as it was seen before the restart: {shown(history[at])}"
            found.append(finding(exchange, want, seen, (0, len(exchange.body))))
    return found if exercised else NotExercised("no event was seen before the restart")


def survives(trace: Trace, profile: Profile) -> Outcome:
    """CAT-14."""
    return _not_kept(trace, profile, refusal_is_fine=False)


def no_silent_restart(trace: Trace, profile: Profile) -> Outcome:
    """CAT-15."""
    return _not_kept(trace, profile, refusal_is_fine=True)
