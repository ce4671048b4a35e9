"""CAN: what a cancellation is answered with, and what readers see of it.

Must not know why a run was cancelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.checks.access import refused
from streamvet.checks.catchup.history import losses
from streamvet.checks.runs import answered, by_run, ended, from_start, outcome_kinds, succeeded, with_role
from streamvet.checks.twins import beside, granted
from streamvet.contract.profile import pointed
from streamvet.decode import opened
from streamvet.outcome import NotExercised, finding, shown
from streamvet.trace import Ending

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

CANCELLED = "cancelled"


def accepted(trace: Trace, profile: Profile) -> Outcome:
    """CAN-01: of runs that are surely active.

    That is neither an orphan, nor a run that somebody else was let cancel (ACC-15), nor one that outlives the time for
    which it is kept without readers (CAT-12).
    """
    taken = {x.about.get("run") for x in with_role(trace, "cancel-refused") if _accepted(x, profile)}
    asked = [x for x in answered(with_role(trace, "cancel")) if not x.about.get("restarts")]
    records = with_role(trace, "record-detached", "record-returned")
    outlived = {x.about.get("run") for x in records if x.about.get("life", 0) >= 1}
    asked = [x for x in asked if x.about.get("run") not in taken | outlived]
    if not asked:
        return NotExercised("no active run was cancelled")
    status = profile.operations["cancel"].status
    want = f"status {' or '.join(map(str, status))}"
    return [finding(x, want, f"status {x.status}", (0, len(x.body))) for x in asked if x.status not in status]


def _accepted(exchange: Exchange, profile: Profile) -> bool:
    """Whether a cancellation was in time: with a status of the profile's, or another success, which is CAN-01's."""
    return succeeded(exchange, profile) or exchange.successful


def _live_cancels(trace: Trace, profile: Profile) -> dict[str, Exchange]:
    """The accepted cancellation of each run that was surely active, by the label of the run."""
    asked = [x for x in with_role(trace, "cancel") if _accepted(x, profile) and not x.about.get("restarts")]
    return {str(x.about.get("run")): x for x in asked}


def _ends_by_cancel(trace: Trace, profile: Profile) -> dict[str, tuple[Exchange, tuple[str, ...]]]:
    """The accepted cancellation of each run, by its label, and what may end the run then.

    A run that may just have ended ends as a cancelled one, or as it does by itself.
    """
    cancelled = profile.terminal.outcomes.get(CANCELLED, ()) if profile.terminal else ()
    by_itself = outcome_kinds(trace, profile)
    racing = [x for x in with_role(trace, "cancel-racing") if _accepted(x, profile)] if by_itself else []
    found = {str(x.about.get("run")): (x, (*cancelled, *(by_itself or ()))) for x in racing}
    return found | {label: (x, cancelled) for label, x in _live_cancels(trace, profile).items()}


def seen_by_readers(trace: Trace, profile: Profile) -> Outcome:
    """CAN-02."""
    cancels, found, exercised = _ends_by_cancel(trace, profile), [], False
    for label, readings in by_run(trace, profile).items():
        cancel, expected = cancels.get(label, (None, ()))
        for one in readings:
            x = one.exchange
            attached = cancel is not None and x.sent_us < cancel.sent_us < x.ended_us and x.role != "cut"
            if not attached or x.ending is Ending.CUT or cancel is None or not profile.terminal:
                continue
            exercised = True
            events = one.of(profile.terminal.events)
            if not events or events[-1].kind not in expected:
                want = f"{' or '.join(expected)} after the cancellation at {cancel.sent_us / 1000:.0f} ms"
                seen = str(events[-1].kind) if events else f"none until {x.ended_us / 1000:.0f} ms"
                span = (events[-1].start, events[-1].end) if events else (len(x.body), len(x.body))
                found.append(finding(x, want, seen, span, x.ended_us, beside=[cancel.id], absent=not events))
    if cancels and not exercised:
        return NotExercised("no reader was attached when its run was cancelled: all had ended or had been cut before")
    return found if exercised else NotExercised("no active run with readers was cancelled")


def _rule_again(exchange: Exchange, profile: Profile) -> dict[str, Any]:
    """What the profile says of the answer to the cancellation of a run that is over; nothing where it is silent."""
    again = exchange.role == "cancel-again"
    return profile.field("operations.cancel.again" if again else "operations.cancel.finished") or {}


def answered_again(trace: Trace, profile: Profile) -> Outcome:
    """CAN-03."""
    late = answered(with_role(trace, "cancel-again", "cancel-finished", "cancel-racing"))
    asked = [(x, rule) for x in late if (rule := _rule_again(x, profile))]
    if not asked:
        return NotExercised("no finished run was cancelled")
    found = []
    for exchange, rule in asked:
        allowed, below = rule.get("status"), rule.get("below", 500)
        if exchange.role == "cancel-racing" and _accepted(exchange, profile):
            continue  # it was in time; whether with the right status is another row's
        holds = exchange.status in allowed if allowed else (exchange.status or 0) < below
        if not holds:
            want = f"status {' or '.join(map(str, allowed))}" if allowed else f"a status below {below}"
            found.append(finding(exchange, want, f"status {exchange.status}", (0, len(exchange.body))))
    return found


def unknown_run(trace: Trace, profile: Profile) -> Outcome:
    """CAN-04."""
    asked = [x for x in answered(with_role(trace, "cancel-refused")) if x.about.get("run") == "unknown"]
    if not asked:
        return NotExercised("no unknown run was cancelled")
    what = "the cancellation of an unknown run"
    found = [one for x in asked for one in refused(x, profile.field("auth.unknown"), what)]
    return beside(found, "no known run was cancelled", has_twin=granted(trace, profile, "cancel"))


def kept_history(trace: Trace, profile: Profile) -> Outcome:
    """CAN-05."""
    cancels, found, exercised = _live_cancels(trace, profile), [], False
    cancelled = {
        *cancels,
        *(str(x.about.get("run")) for x in with_role(trace, "cancel-racing") if _accepted(x, profile)),
    }
    for x in answered(with_role(trace, "after")):
        if str(x.about.get("run")) in cancelled and not opened(x):
            exercised = True
            found.append(finding(x, "the history of the cancelled run", f"status {x.status}", (0, len(x.body))))
    for label, readings in by_run(trace, profile).items():
        later = [r for r in readings if r.exchange.role == "after" and from_start(r)]
        live = [r for r in readings if r.exchange.role == "reader" and ended(r)]
        if label not in cancels or not later or not live:
            continue
        exercised = True
        for one in later:
            found += _lost(live[0], one)
    return found if exercised else NotExercised("no cancelled run was read again")


def _lost(live: Reading, one: Reading) -> list[Finding]:
    """Events that were seen live and are not in the history, or an ending that is another one."""
    terminal, span, beside = live.profile.terminal, (0, len(one.exchange.body)), [live.exchange.id]
    found = []
    for lost in losses(live, one):
        want = (
            f"{live.history[lost.numbers[0]].kind} of exchange {live.exchange.id} in the history of the cancelled run"
        )
        seen = f"{len(lost.numbers)} of {len(live.history)} events missing"
        found.append(finding(one.exchange, want, seen, span, beside=beside, absent=lost.hidden))
    if any(not one.absent for one in found):
        return found
    expected = terminal.outcomes.get(CANCELLED, ()) if terminal else ()
    kinds = [event.kind for event in one.of(terminal.events)] if terminal else []
    if not kinds or kinds[-1] not in expected:
        want, seen = f"{' or '.join(expected)} in the history", ", ".join(map(str, kinds)) or "no terminal event"
        found.append(finding(one.exchange, want, seen, span, beside=beside, absent=not kinds))
    return found


def ended_when_left(trace: Trace, profile: Profile) -> Outcome:
    """CAN-06, by the records that were requested when the run had to be over."""
    within_ms, state = profile.field("readers.on_disconnect.stops_within_ms"), profile.field("operations.record.state")
    bound_us = profile.tolerance_us(within_ms, trace.time_scale)
    left = {x.about.get("run"): x for x in with_role(trace, "cut") if opened(x) and x.ending is Ending.CUT}
    records = [x for x in with_role(trace, "record-left") if succeeded(x, profile) and x.about.get("run") in left]
    due = [x for x in records if x.sent_us - left[x.about.get("run")].ended_us >= bound_us]
    if not due:
        return NotExercised("no record of a run was requested long enough after its last reader had left")
    want = f"one of {', '.join(state['finished'])} within {within_ms * trace.time_scale:.0f} ms of the reader's leaving"
    found = []
    for x in due:
        value, gone = pointed(x.json(), state["pointer"]), left[x.about.get("run")]
        if value not in state["finished"]:
            seen = f"{shown(value)} after {(x.sent_us - gone.ended_us) / 1000:.0f} ms"
            found.append(finding(x, want, seen, (0, len(x.body)), beside=[gone.id], timed=True))
    return found


CHECKS: dict[str, Check] = {
    "CAN-01": accepted,
    "CAN-02": seen_by_readers,
    "CAN-03": answered_again,
    "CAN-04": unknown_run,
    "CAN-05": kept_history,
    "CAN-06": ended_when_left,
}
