"""GHO, of what a run states of itself: times, how long it took, which step an event is about, who cancelled it.

Held to what was asked and observed. Must not know what a script says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from streamvet.checks.heartbeat import dated_ms
from streamvet.checks.runs import with_role
from streamvet.contract.profile import pointed
from streamvet.decode import streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.systems.ghostly.checks.runs import RUN_END, time_of

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Exchange, Trace

MOST_EVENTS = 1000  # of a stream whose times are looked at: one that is wrong by hours is so from the first on
BEHIND_S = 5  # of two clocks that differ, and of a Date that is a second old
SPARE_MS = 1000  # a clock in whole seconds
LEAST_SHARE, LEAST_MS = 0.5, 100  # of what was observed; less than that is too near to nothing to tell a unit by


def not_before_the_run(trace: Trace, profile: Profile) -> Outcome:
    """GHO-14: by the server's clock, which its Date gives to within a second or two, and by ours: either acquits."""
    asked = {x.about.get("run"): x.sent_us for x in with_role(trace, "start")}
    found, exercised = [], False
    for one in streams(trace, profile):
        since_us, zero_ms = asked.get(one.exchange.about.get("run")), dated_ms(one.exchange, 0)
        if since_us is None or zero_ms is None:
            continue
        for event in one.events[:MOST_EVENTS]:
            at = time_of(pointed(one.value(event), "/at"))
            if at is None:
                continue
            exercised = True
            behind_s = min(zero_ms / 1000, trace.wall_clock) + since_us / 1e6 - at.timestamp()
            if behind_s > BEHIND_S:
                seen = f"an at that is {behind_s:.1f} s before the request that started the run"
                span = (event.start, event.end)
                found.append(finding(one.exchange, "an at that is not before the run", seen, span))
                break
    return found if exercised else NotExercised("no event with a time of a run that was started here")


def lasted_so_long(trace: Trace, profile: Profile) -> Outcome:
    """GHO-11: not longer than until the record was asked for, and not much shorter than its events were apart."""
    begun = {x.about.get("run"): x.sent_us for x in with_role(trace, "start")}
    finished = profile.field("operations.record.state.finished") or ()
    found, exercised = [], False
    for x in trace.exchanges:
        value = x.json() if x.operation == "record" and x.status == 200 else None
        start_us, said = begun.get(x.about.get("run")), pointed(value, "/durationMs")
        if start_us is None or pointed(value, "/status") not in finished or not isinstance(said, int | float):
            continue
        exercised = True
        # A run whose intervals are scaled may tell the time that it would have taken.
        most_ms = (x.ended_us - start_us) / 1000 / trace.time_scale + SPARE_MS
        apart_ms = max((_apart_ms(one, x) for one in streams(trace, profile) if _is_of(one, x)), default=0.0)
        least_ms = apart_ms * LEAST_SHARE if apart_ms >= LEAST_MS else 0
        if not least_ms <= said <= most_ms:
            want = f"a durationMs from {least_ms:.0f} to {most_ms:.0f}, by what was observed of the run"
            found.append(finding(x, want, shown(said), (0, len(x.body))))
    return found if exercised else NotExercised("no record of a finished run that was started here")


def _is_of(one: Reading, x: Exchange) -> bool:
    return one.exchange.role == "reader" and one.exchange.about.get("run") == x.about.get("run")


def _apart_ms(one: Reading, x: Exchange) -> float:
    """How far apart the first and the last event of a run arrived at a reader before its record was requested."""
    times_us = [event.at_us for event in one.history if event.at_us <= x.sent_us]
    return (times_us[-1] - times_us[0]) / 1000 if times_us else 0.0


def numbered_from_0(trace: Trace, profile: Profile) -> Outcome:
    """GHO-12: of runs that do the steps that they were asked for, and no others."""
    counts = {x.about.get("run"): _steps(x) for x in with_role(trace, "start")}
    found, exercised = [], False
    for one in streams(trace, profile):
        count = counts.get(one.exchange.about.get("run"))
        if trace.stimulus.get("script") is not None or not count:
            continue
        for event in one.history:
            index = pointed(one.value(event), "/stepIndex")
            if not isinstance(index, int):
                continue
            exercised = True
            if index >= count:
                want = f"a stepIndex below {count}, the number of steps, because the first is 0"
                found.append(finding(one.exchange, want, shown(index), (event.start, event.end)))
                break
    return found if exercised else NotExercised("no run with steps of its own was read")


def _steps(x: Exchange) -> int | None:
    """How many steps a run was asked to perform; None where a model may plan others."""
    try:
        body: Any = json.loads(x.request.body or "")
    except ValueError:
        return None
    steps = body.get("steps") if isinstance(body, dict) and not body.keys() & {"assist", "assisted"} else None
    return len(steps) if isinstance(steps, list) else None


def cancelled_by(trace: Trace, profile: Profile) -> Outcome:
    """GHO-13."""
    found, exercised = [], False
    for one in streams(trace, profile):
        for event in one.of(RUN_END):
            payload = pointed(one.value(event), "/payload")
            if not isinstance(payload, dict) or payload.get("cancelled") is not True:
                continue
            exercised = True
            if payload.get("source") != "user":
                want = "payload.source user, because a request cancelled the run"
                found.append(finding(one.exchange, want, shown(payload), (event.start, event.end)))
    return found if exercised else NotExercised("no run was cancelled")


CHECKS: dict[str, Check] = {
    "GHO-11": lasted_so_long,
    "GHO-12": numbered_from_0,
    "GHO-13": cancelled_by,
    "GHO-14": not_before_the_run,
}
