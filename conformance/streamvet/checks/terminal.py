"""TRM: how runs and their streams end.

Bounds are on the server's answer, thus not scaled; the harness's own lateness is added to them.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from streamvet.checks.runs import (
    by_run,
    from_start,
    given_up,
    has_last,
    its_age,
    left_alone,
    left_off,
    outcome_kinds,
    succeeded,
    with_role,
)
from streamvet.checks.timing import Timing
from streamvet.contract.profile import matches, pointed
from streamvet.decode import streams, unended_kind
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Profile, Terminal
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

NO_TERMINAL = NotExercised("no terminal event arrived")


def _terminal(profile: Profile) -> Terminal:
    if profile.terminal is None:  # every row of this family applies only to profiles that have it
        raise LookupError(f"profile {profile.name} has no terminal events")
    return profile.terminal


def _or(kinds: tuple[str, ...]) -> str:
    return " or ".join(kinds)


def has_terminal(trace: Trace, profile: Profile) -> Outcome:
    """TRM-01."""
    rule = _terminal(profile)
    over = [
        one
        for one in streams(trace, profile)
        if left_alone(one)
        and one.exchange.clean
        and _may_have_the_end(one)
        and not (_left_idle(one, trace.time_scale) or _capped(one, trace.time_scale))
    ]
    if not over:
        return NotExercised("no stream was closed by the server")
    found, gone = [], _told_over(trace)
    for one in over:
        unended = unended_kind(one)
        if unended is not None and matches(unended, (*rule.events, *rule.last)):
            continue  # it is there, and lacks its own end alone: that is SSE-01's or NDJ-01's
        if _waits(one):
            continue
        lacking = next((kinds for kinds in (rule.events, rule.last) if not one.of(kinds)), None)
        if lacking and not (left_off(one) and _may_go_on(one, gone)):
            want, x = f"{_or(lacking)} before the end of the stream", one.exchange
            seen = f"{_last(one)}, and the end {its_age(x)}"
            found.append(finding(x, want, seen, _last_span(one), x.ended_us, absent=True))
    return found


def _waits(one: Reading) -> bool:
    """Whether the run waits for something from outside, so that its stream may end here and may go on."""
    return bool(one.events) and matches(str(one.events[-1].kind), _terminal(one.profile).pauses)


def _may_go_on(one: Reading, gone: set[object]) -> bool:
    """Whether more may come of a stream that was left off."""
    about = one.exchange.about
    return about.get("strand") not in gone and not about.get("stuck")


def _told_over(trace: Trace) -> set[object]:
    """The streams whose reader came back and was told that the run is over: nothing more will come of them."""
    return {x.about["strand"] for x in trace.exchanges if "strand" in x.about and x.status in x.about.get("over", ())}


def _left_idle(one: Reading, scale: float) -> bool:
    """Whether the stream was watched while nothing is to happen, and closed so soon that TRN-14 and TRN-15 say so."""
    least_ms = one.profile.field("transport.open.at_least_ms")
    watched = least_ms is not None and one.exchange.role in IDLE_ROLES
    return watched and one.exchange.ended_us - one.head_us < int(least_ms * 1000 * scale)


IDLE_ROLES = ("idle", "watch")


def _capped(one: Reading, scale: float) -> bool:
    """Whether the stream was old enough for the platform's limit to have closed it."""
    cap_ms = _terminal(one.profile).cap_ms
    return cap_ms is not None and one.exchange.ended_us - one.exchange.sent_us >= CAP_SHARE * cap_ms * 1000 * scale


CAP_SHARE = 0.9  # a limit on a request is counted by the platform, from before the head to after the last byte


def _may_have_the_end(one: Reading) -> bool:
    """Whether the terminal event belongs into this stream: one that was resumed from behind it has no event at all."""
    return from_start(one) or bool(one.events)


def _last(one: Reading) -> str:
    return f"{one.events[-1].kind} last" if one.events else "no event"


def _last_span(one: Reading) -> tuple[int, int]:
    return (one.events[-1].start, one.events[-1].end) if one.events else (0, 0)


def one_terminal(trace: Trace, profile: Profile) -> Outcome:
    """TRM-02."""
    rule = _terminal(profile)
    found, exercised = [], False
    for one in streams(trace, profile):
        events = one.of(rule.events)
        exercised = exercised or bool(events)
        if len(events) > 1:
            seen = f"{events[1].kind} after {events[0].kind}"
            found.append(finding(one.exchange, "one terminal event", seen, (events[1].start, events[1].end)))
    return found if exercised else NO_TERMINAL


def nothing_after(trace: Trace, profile: Profile) -> Outcome:
    """TRM-03: no event, and no heartbeat either."""
    rule = _terminal(profile)
    found, exercised = [], False
    for one in streams(trace, profile):
        last = one.of(rule.last)
        if not last:
            continue
        exercised = True
        # A second last event is told by TRM-02 where it is a terminal one too.
        behind = chain(one.events.between(last[0].end), one.beats.between(last[0].end))
        after = next(
            (e for e in behind if not (e.kind and matches(e.kind, rule.last) and matches(e.kind, rule.events))), None
        )
        if after:
            seen = f"{after.kind or 'a heartbeat'} after {last[0].kind}"
            found.append(finding(one.exchange, f"nothing after {last[0].kind}", seen, (after.start, after.end)))
    return found if exercised else NotExercised("no last event arrived")


def closes(trace: Trace, profile: Profile) -> Outcome:
    """TRM-04: at all; see `Timing.is_never`."""
    found, timing = [], Timing(trace)
    for one, last, within_ms in _last_seen(trace, profile):
        x = one.exchange
        timing.exercised = timing.exercised or x.by_server
        if not x.by_server and timing.is_never(x, last.at_us, within_ms):
            want, seen = f"the end of the stream after {last.kind}", _still_open(x.ended_us - last.at_us)
            found.append(finding(x, want, seen, (last.start, last.end), x.ended_us))
    return timing.outcome(found, NotExercised("no stream was read for long enough after its last event"))


def closed_in_time(trace: Trace, profile: Profile) -> Outcome:
    """TRM-11."""
    found, timing = [], Timing(trace)
    for one, last, within_ms in _last_seen(trace, profile):
        x, bound_us = one.exchange, within_ms * 1000
        if timing.is_over(last.at_us, x.ended_us, bound_us, came=x.by_server):
            took_us = x.ended_us - last.at_us
            seen = _closed_after(took_us) if x.by_server else _still_open(took_us)
            want = f"the end of the stream within {within_ms} ms after {last.kind}"
            found.append(finding(x, want, seen, (last.start, last.end), last.at_us + bound_us, timed=True))
    return timing.outcome(found, NotExercised("no stream was read for long enough after its last event"))


def _last_seen(trace: Trace, profile: Profile) -> list[tuple[Reading, Event, int]]:
    """The streams with their last event, and the time within which each has to be closed."""
    rule = _terminal(profile)
    if rule.close_within_ms is None:
        return []
    return [(one, last, rule.close_within_ms) for one in streams(trace, profile) for last in one.of(rule.last)[:1]]


def _closed_after(took_us: int) -> str:
    return f"closed after {took_us / 1000:.0f} ms"


def _still_open(waited_us: int) -> str:
    return f"still open after {waited_us / 1000:.0f} ms"


def finished_closes(trace: Trace, profile: Profile) -> Outcome:
    """TRM-05: its ending, and its close at all; a stream that is resumed from behind the ending has only the latter."""
    rule = _terminal(profile)
    within_ms = rule.finished_within_ms
    found, timing = [], Timing(trace)
    for one in _of_finished_runs(trace, profile):
        x, open_us = one.exchange, one.exchange.ended_us - one.exchange.sent_us
        timing.exercised = timing.exercised or x.by_server
        never = within_ms is not None and not x.by_server and timing.is_never(x, x.sent_us, within_ms)
        told = _may_have_the_end(one) and not rule.silent and not (left_off(one) and "strand" not in x.about)
        cut_short = x.by_server and x.clean and told and not one.of(rule.last)
        if never or cut_short:
            want = f"{_or(rule.last)} and the end of the stream of a finished run"
            seen = f"{_closed_after(open_us) if cut_short else _still_open(open_us)}, {_last(one)}"
            found.append(finding(x, want, seen, _last_span(one), x.ended_us, absent=not one.of(rule.last)))
    return timing.outcome(found, NO_FINISHED)


def _bound_us(exchange: Exchange, within_ms: int) -> int:
    """A bound on a stream, without the time for which its reader was away between the pieces of it."""
    return within_ms * 1000 + int(exchange.about.get("away_us", 0))


def finished_in_time(trace: Trace, profile: Profile) -> Outcome:
    """TRM-10."""
    within_ms = _terminal(profile).finished_within_ms
    if within_ms is None:
        return NO_FINISHED
    found, timing = [], Timing(trace)
    for one in _of_finished_runs(trace, profile):
        x, bound_us = one.exchange, _bound_us(one.exchange, within_ms)
        if timing.is_over(x.sent_us, x.ended_us, bound_us, came=x.by_server):
            took_us = x.ended_us - x.sent_us
            seen = f"{_closed_after(took_us) if x.by_server else _still_open(took_us)}, {_last(one)}"
            want = f"a finished run replayed and closed within {within_ms} ms"
            found.append(finding(x, want, seen, _last_span(one), x.sent_us + bound_us, timed=True))
    return timing.outcome(found, NO_FINISHED)


NO_FINISHED = NotExercised("no finished run was read to its end")


def _of_finished_runs(trace: Trace, profile: Profile) -> list[Reading]:
    """The streams of runs that were over when they were requested, and that the candidate remembers."""
    read = streams(trace, profile)
    return [one for one in read if one.exchange.about.get("finished") and not one.exchange.about.get("restarts")]


def true_outcome(trace: Trace, profile: Profile) -> Outcome:
    """TRM-06; what the candidate did not survive may have failed by that. What never ends tells nothing either."""
    rule, outcome = _terminal(profile), str(trace.stimulus.get("outcome", ""))
    expected = () if outcome in rule.silent else outcome_kinds(trace, profile)
    found, timing = _endless(trace, profile, _or(expected or ()) or "the end"), Timing(trace)
    found = found or _too_long(trace, profile, timing)
    if expected is None:
        return timing.outcome(found, NotExercised("the outcome of the run is not known"))
    exercised = bool(found) or _failed_early(trace, profile)
    want = f"{_or(expected) or 'no terminal event'}: the run {outcome}"
    cancelled = {x.about.get("run") for x in trace.exchanges if x.operation == "cancel"}
    for one in streams(trace, profile):
        events = one.of(rule.events)
        about = one.exchange.about
        if about.get("run") in cancelled or about.get("restarts"):
            continue
        if not events:
            over = bool(rule.silent) and left_alone(one) and one.exchange.clean and _may_have_the_end(one)
            exercised = exercised or over
            if over and expected:
                x = one.exchange
                found.append(finding(x, want, "an end without any", _last_span(one), x.ended_us, absent=True))
            continue
        exercised = True
        if events[0].kind not in expected:
            found.append(finding(one.exchange, want, str(events[0].kind), (events[0].start, events[0].end)))
    return timing.outcome(found, NO_TERMINAL) if timing.late_us or not exercised else found


def _failed_early(trace: Trace, profile: Profile) -> bool:
    """Whether a run that fails, by its input, was answered so instead of with a stream."""
    if trace.stimulus.get("outcome") != "fails":
        return False
    starts = [(x, profile.operations.get(x.operation)) for x in trace.exchanges if x.operation.startswith("start:")]
    return any(operation and x.status in operation.raw.get("fails_with", ()) for x, operation in starts)


def _too_long(trace: Trace, profile: Profile, timing: Timing) -> list[Finding]:
    """The runs that end, by their input, and have not within the time of the profile; later readers saw less of it."""
    within_ms = _terminal(profile).run_within_ms
    own = trace.stimulus.get("script") is None and trace.stimulus.get("outcome") in ("succeeds", "fails")
    if within_ms is None or not own:
        return []
    found = []
    for one in streams(trace, profile):
        x, ends = one.exchange, one.of(_terminal(profile).events)
        if not from_start(one) or x.about.get("finished") or x.about.get("restarts"):
            continue
        until_us, bound_us = ends[0].at_us if ends else x.ended_us, _bound_us(x, within_ms)
        if timing.is_over(x.sent_us, until_us, bound_us, came=bool(ends) or x.by_server):
            took = f"{(until_us - x.sent_us) / 1000:.0f} ms"
            seen = f"{ends[0].kind} after {took}" if ends else f"no end after {took}, {_last(one)}"
            at_us, span = x.sent_us + bound_us, _last_span(one)
            found.append(finding(x, f"the end of the run within {within_ms} ms", seen, span, at_us, timed=True))
    return found


def _endless(trace: Trace, profile: Profile, wanted: str) -> list[Finding]:
    """The runs that end, by their input, and have told nothing for so long that nobody waits for them any more."""
    found = []
    for one in streams(trace, profile):
        x = one.exchange
        if given_up(one, trace) and not _waits(one):
            seen = f"no end, and nothing for {x.about['silent_ms'] / 1000:g} s; {_last(one)}"
            want = f"{wanted}: the run {trace.stimulus['outcome']}, by its input"
            found.append(finding(x, want, seen, _last_span(one), x.ended_us, absent=True))
    return found


def record_finished(trace: Trace, profile: Profile) -> Outcome:
    """TRM-07."""
    state = profile.field("operations.record.state")
    runs = by_run(trace, profile).items()
    ended_runs = {label: [one.exchange.id for one in readings if _saw_terminal(one)] for label, readings in runs}
    records = [x for x in with_role(trace, "record-after") if succeeded(x, profile)]
    records = [x for x in records if ended_runs.get(str(x.about.get("run")))]
    if not records:
        return NotExercised("no record was requested after a terminal event")
    when = "once the terminal event was seen"
    return _states(records, state["pointer"], state["finished"], when, ended_runs)


def _saw_terminal(one: Reading) -> bool:
    return bool(one.of(_terminal(one.profile).events)) or has_last(one)


def record_active(trace: Trace, profile: Profile) -> Outcome:
    """TRM-09."""
    state = profile.field("operations.record.state")
    records = [x for x in with_role(trace, "record-active") if succeeded(x, profile)]
    if not records:
        return NotExercised("no record of an active run was requested")
    return _states(records, state["pointer"], state["active"], "while the run is active", {})


def _states(
    records: list[Exchange], pointer: str, allowed: list[str], when: str, beside: Mapping[str, list[str]]
) -> Outcome:
    """`beside` has, by the label of a run, the streams by which it is known what the state has to be."""
    shown_states = [(x, pointed(x.json(), pointer)) for x in records]
    want = f"{_or(tuple(allowed))} at {pointer} {when}"
    return [
        finding(x, want, shown(value), (0, len(x.body)), beside=beside.get(str(x.about.get("run")), ()))
        for x, value in shown_states
        if value not in allowed
    ]


def end_for_all(trace: Trace, profile: Profile) -> Outcome:
    """TRM-08: at all; see `Timing.is_never`."""
    rule = _terminal(profile)
    within_ms = rule.join_within_ms
    found, timing = [], Timing(trace)
    for one, end in _beside_an_end(trace, profile):
        x, since_us = one.exchange, max(end.at_us, one.exchange.sent_us)
        came = x.by_server or bool(one.of(rule.last))
        timing.exercised = timing.exercised or came
        if within_ms is not None and not came and timing.is_never(x, since_us, within_ms):
            seen = f"it had not come {_after_another(x.ended_us - since_us, end)}, {_last(one)}"
            span, beside = _last_span(one), [end.one.exchange.id]
            found.append(finding(x, "the end of the run", seen, span, x.ended_us, beside=beside, absent=True))
    return timing.outcome(found, NO_SECOND)


def end_in_time(trace: Trace, profile: Profile) -> Outcome:
    """TRM-12."""
    rule = _terminal(profile)
    within_ms = rule.join_within_ms
    if within_ms is None:
        return NO_SECOND
    found, timing = [], Timing(trace)
    for one, end in _beside_an_end(trace, profile):
        x, last, since_us = one.exchange, one.of(rule.last), max(end.at_us, one.exchange.sent_us)
        if not last and x.by_server:
            continue  # it had no ending, early or late
        until_us, bound_us = last[0].at_us if last else x.ended_us, _bound_us(x, within_ms)
        if timing.is_over(since_us, until_us, bound_us, came=bool(last)):
            took_us = until_us - since_us
            seen = f"it {'came' if last else 'had not come'} {_after_another(took_us, end)}, {_last(one)}"
            span, at_us, beside = _last_span(one), since_us + bound_us, [end.one.exchange.id]
            want = f"the end of the run within {within_ms} ms"
            found.append(finding(x, want, seen, span, at_us, beside=beside, absent=not last, timed=True))
    return timing.outcome(found, NO_SECOND)


NO_SECOND = NotExercised("no second reader was attached to a run that ended")


class _End(NamedTuple):
    """The first stream of a run that had its last event, and when."""

    one: Reading
    at_us: int


def _after_another(took_us: int, end: _End) -> str:
    return f"{took_us / 1000:.0f} ms after exchange {end.one.exchange.id} had it"


def _beside_an_end(trace: Trace, profile: Profile) -> list[tuple[Reading, _End]]:
    """The readers of a run that another reader has seen to its end: those that were there, or came as it ended.

    Who comes after the end is TRM-05's; what becomes of a reader beside a stalled one is TRN-10's.
    """
    pairs = []
    over = _ends(trace, profile)
    for label, readings in by_run(trace, profile).items():
        end = over.get(label)
        if end is None or any(one.exchange.role == "stalled" for one in readings):
            continue
        pairs += [
            (one, end)
            for one in readings
            if one is not end.one
            and from_start(one)
            and one.exchange.role not in ("cut", "after")
            and not one.exchange.about.get("finished")
        ]
    return pairs


def _ends(trace: Trace, profile: Profile) -> dict[str, _End]:
    """By the label of a run."""
    found: dict[str, _End] = {}
    for label, readings in by_run(trace, profile).items():
        lasts: list[tuple[Reading, Event]] = [(r, e) for r in readings for e in r.of(_terminal(profile).last)[:1]]
        if lasts:
            one, event = min(lasts, key=lambda pair: pair[1].at_us)
            found[label] = _End(one, event.at_us)
    return found


CHECKS: dict[str, Check] = {
    "TRM-01": has_terminal,
    "TRM-02": one_terminal,
    "TRM-03": nothing_after,
    "TRM-04": closes,
    "TRM-05": finished_closes,
    "TRM-06": true_outcome,
    "TRM-07": record_finished,
    "TRM-08": end_for_all,
    "TRM-09": record_active,
    "TRM-10": finished_in_time,
    "TRM-11": closed_in_time,
    "TRM-12": end_in_time,
}
