"""GHO: what only ghostly promises, and no table can say.

Must not repeat what a generic family checks.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from streamvet.checks.runs import answered, ended, from_start, outcome_kinds, with_role
from streamvet.checks.timing import Timing, unanswered
from streamvet.decode import readable, reading, streams
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Events
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Exchange, Trace

RUN_END = ("assist.run_end",)
STEPS = ("assist.step_start", "assist.step_success", "assist.step_failure")
# An HTTP Date has whole seconds and is cut off, not rounded (RFC 9110, 5.6.7); a second more is for the clock of a
# process and that of its web server.
AHEAD_S = 2


def started_at_once(trace: Trace, profile: Profile) -> Outcome:
    """GHO-01."""
    found, timing = [], Timing(trace)
    for exchange in trace.exchanges:
        operation = profile.operations.get(exchange.operation)
        bound_ms = operation.raw.get("answer_within_ms") if operation else None
        if bound_ms is None or exchange.role != "start" or (exchange.head is None and not unanswered(exchange)):
            continue  # that there is something else in place of an answer is another row's
        until_us = exchange.head.at_us if exchange.head else exchange.ended_us
        if timing.is_over(exchange.sent_us, until_us, bound_ms * 1000, came=exchange.head is not None):
            want, took = f"an answer within {bound_ms} ms", f"{(until_us - exchange.sent_us) / 1000:.0f} ms"
            found.append(finding(exchange, want, f"{'after' if exchange.head else 'none in'} {took}", timed=True))
    return timing.outcome(found, NotExercised("no request for a run was answered"))


def one_run_end(trace: Trace, profile: Profile) -> Outcome:
    """GHO-02."""
    whole = [r for r in streams(trace, profile) if from_start(r) and ended(r) and r.exchange.role != "cut"]
    if not whole:
        return NotExercised("no run was read to its end")
    ends = [(one, one.of(RUN_END)) for one in whole]
    return [
        finding(one.exchange, "one run_end event", f"{len(events)} of them", _second(one, events), absent=not events)
        for one, events in ends
        if len(events) != 1
    ]


def _second(one: Reading, events: Events) -> tuple[int, int]:
    """The bytes of the second of these events; where there is none, the place behind the last event of all."""
    if events:
        return events[1].start, events[1].end
    end = one.events[-1].end if one.events else len(one.exchange.body)
    return end, end


def not_in_the_future(trace: Trace, profile: Profile) -> Outcome:
    """GHO-03: by the event of each stream that is most ahead of its arrival."""
    found, exercised = [], False
    for one in streams(trace, profile):
        if one.foremost is None:
            continue
        exercised = True
        unix_s, event = one.foremost
        ahead_s = unix_s - _server_zero_s(one.exchange, trace)
        if ahead_s > AHEAD_S:
            seen = f"an at that is {ahead_s:.1f} s ahead of its arrival"
            found.append(finding(one.exchange, "an at that is not in the future", seen, (event.start, event.end)))
    return found if exercised else NotExercised("no event with a time")


def time_of(text: Any) -> datetime | None:
    """The time that a text gives; None where it gives none."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def _server_zero_s(exchange: Exchange, trace: Trace) -> float:
    """The server's Unix time at the trace's zero, in seconds: by our clock, or by the Date where that is later.

    A Date is a lower bound: it is cut to whole seconds, and servers keep one for a second and more.
    """
    head = exchange.head
    try:
        date = parsedate_to_datetime(head.get("date")) if head and head.get("date") else None
    except ValueError:
        date = None
    if head is None or date is None:
        return trace.wall_clock
    return max(trace.wall_clock, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - head.at_us / 1e6)


def marked_as_cancelled(trace: Trace, profile: Profile) -> Outcome:
    """GHO-04: also of a run whose cancellation raced its end, where it did not end as it does by itself."""
    status = profile.operations["cancel"].status
    cancels = {x.about.get("run") for x in with_role(trace, "cancel") if x.status in status}
    racing = {x.about.get("run") for x in with_role(trace, "cancel-racing") if x.status in status}
    cancels |= {run for run in racing if _ended_otherwise(trace, profile, run)}
    return _flag(
        trace, profile, "cancelled", lambda x: x.about.get("run") in cancels and x.role != "cut", "no run was cancelled"
    )


def _ended_otherwise(trace: Trace, profile: Profile, run: object) -> bool:
    """Whether a stream of the run has an ending that it does not have by itself."""
    expected, terminal = outcome_kinds(trace, profile), profile.terminal
    readings = [one for one in streams(trace, profile) if one.exchange.about.get("run") == run]
    if expected is None or terminal is None:
        return False
    return any(event.kind not in expected for one in readings for event in one.of(terminal.events))


def _flag(trace: Trace, profile: Profile, flag: str, chosen: Callable[[Exchange], bool], otherwise: str) -> Outcome:
    """Findings of run_end events on the chosen streams whose payload lacks a true flag."""
    found, exercised = [], False
    for one in streams(trace, profile):
        if not chosen(one.exchange):
            continue
        for event in one.of(RUN_END):
            exercised = True
            payload = one.value(event).get("payload", {})
            if payload.get(flag) is not True:
                seen = f"payload {shown(payload)}"
                found.append(finding(one.exchange, f"payload.{flag} true", seen, (event.start, event.end)))
    return found if exercised else NotExercised(otherwise)


def orphan(trace: Trace, profile: Profile) -> Outcome:
    """GHO-05."""
    cancels = [x for x in answered(with_role(trace, "cancel")) if x.about.get("restarts")]
    if not cancels:
        return NotExercised("no run was orphaned by a crash")
    found = []
    for cancel in cancels:
        value = cancel.json()
        if cancel.status != 200 or not isinstance(value, dict) or value.get("stale") is not True:
            seen = f"status {cancel.status}, {shown(value)}"
            found.append(finding(cancel, "status 200 with stale true", seen, (0, len(cancel.body))))
    if found:
        return found
    runs = {x.about.get("run"): x.id for x in cancels}
    later = [
        reading(x, profile)
        for x in trace.exchanges
        if x.about.get("restarts") and x.about.get("run") in runs and x.role in ("reader", "after") and readable(x)
    ]
    for one in later:
        ends = one.of(RUN_END)
        payload = one.value(ends[-1]).get("payload", {}) if ends else None
        if payload is None or payload.get("staleAfterRestart") is not True:
            seen = f"payload {shown(payload)}" if ends else "no run_end"
            span = (ends[-1].start, ends[-1].end) if ends else (0, len(one.exchange.body))
            want, beside = "a run_end with payload.staleAfterRestart true", [runs[one.exchange.about.get("run")]]
            found.append(finding(one.exchange, want, seen, span, beside=beside, absent=not ends))
    return found if later else NotExercised("no stream of the orphaned run was read")


def _lists(trace: Trace, *cases: str) -> list[tuple[Exchange, list[dict[str, Any]]]]:
    """The answers with a list of objects, by their case."""
    asked = [x for x in with_role(trace, "list") if x.status == 200 and x.about.get("case") in cases]
    rows = [(x, x.json()) for x in asked]
    return [(x, [row for row in value if isinstance(row, dict)]) for x, value in rows if isinstance(value, list)]


def newest_first(trace: Trace, profile: Profile) -> Outcome:
    """GHO-06."""
    del profile
    lists = [(x, [time_of(row.get("startedAt")) for row in rows]) for x, rows in _lists(trace, "own")]
    lists = [(x, times) for x, times in lists if len(times) > 1 and None not in times]
    if not lists:
        return NotExercised("no list with two runs was requested")
    return [
        finding(x, "startedAt from the newest to the oldest", shown([str(t) for t in times if t]), (0, len(x.body)))
        for x, times in lists
        if any(a and b and a < b for a, b in pairwise(times))
    ]


def filtered(trace: Trace, profile: Profile) -> Outcome:
    """GHO-07."""
    del profile
    found, exercised = [], False
    for exchange, rows in _lists(trace, "project", "unknown-project"):
        exercised = True
        wanted = parse_qs(urlsplit(exchange.request.url).query).get("project", [""])[0]
        others = [row.get("project") for row in rows if row.get("project") != wanted]
        if others:
            want = f"only runs of project {shown(wanted)}"
            found.append(
                finding(exchange, want, f"{len(others)} of others: {shown(others[0])}", (0, len(exchange.body)))
            )
    return found if exercised else NotExercised("no list of a project was requested")


def own_runs_only(trace: Trace, profile: Profile) -> Outcome:
    """GHO-08."""
    del profile
    mine = {
        str(x.about.get("run_id")) for x in trace.exchanges if x.role == "start" and x.about.get("account") == "primary"
    }
    lists = _lists(trace, "other")
    if not lists or not mine:
        return NotExercised("no second account requested the list")
    found = []
    for exchange, rows in lists:
        foreign = sorted({str(row.get("id")) for row in rows} & mine)
        if foreign:
            found.append(
                finding(
                    exchange, "no run of another user", f"{len(foreign)}: {shown(foreign[0])}", (0, len(exchange.body))
                )
            )
    return found


def no_secret(trace: Trace, profile: Profile) -> Outcome:
    """GHO-09. That the value is not there says something only where steps are told of."""
    secret = trace.stimulus.get("secret")
    read = [one for one in streams(trace, profile) if one.of(STEPS) and ended(one)]
    if not secret or not read:
        return NotExercised("no run with a fill step was read")
    found = []
    for one in read:
        at = one.exchange.body.find(str(secret).encode())
        if at >= 0:
            span = (at, at + len(str(secret)))
            found.append(finding(one.exchange, "no value of a fill step", f"the value {shown(secret)}", span))
    return found


CHECKS: dict[str, Check] = {
    "GHO-01": started_at_once,
    "GHO-02": one_run_end,
    "GHO-03": not_in_the_future,
    "GHO-04": marked_as_cancelled,
    "GHO-05": orphan,
    "GHO-06": newest_first,
    "GHO-07": filtered,
    "GHO-08": own_runs_only,
    "GHO-09": no_secret,
}
