"""PFL: what only promptfloe promises, and no table can say.

Must not repeat what a generic family checks.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from streamvet.checks.runs import answered, from_start, unread, with_role
from streamvet.contract.profile import pointed
from streamvet.decode import opened, streams
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace


_AGAIN = ("attach", "resume")
SECOND_MS = 1000
# The codes of refusals, as the page about errors lists them with their statuses.
CODES: dict[int | None, tuple[str, ...]] = {
    400: ("invalid_request",),
    401: ("invalid_key", "expired_key"),
    404: ("not_found",),
    409: ("conflict",),
    429: ("rate_limited",),
}


def names_the_run(trace: Trace, profile: Profile) -> Outcome:
    """PFL-02."""
    starts = [x for x in trace.exchanges if x.operation.startswith("start:") and opened(x) and x.head]
    del profile
    if not starts:
        return NotExercised("no run was started")
    return [finding(x, "X-Run-Id", "no such field") for x in starts if x.head and not x.head.get("x-run-id")]


def names_it_again(trace: Trace, profile: Profile) -> Outcome:
    """PFL-10."""
    del profile
    again = [x for x in trace.exchanges if x.operation in _AGAIN and x.about.get("run_id") and opened(x) and x.head]
    if not again:
        return NotExercised("no run was read again")
    said = [(x, x.head.get("x-run-id") if x.head else "", x.about["run_id"]) for x in again]
    return [
        finding(x, f"X-Run-Id {shown(run_id)}", shown(field) if field else "no such field")
        for x, field, run_id in said
        if field != run_id
    ]


def own_run_id(trace: Trace, profile: Profile) -> Outcome:
    """PFL-03."""
    found, exercised = [], False
    for one in streams(trace, profile):
        wanted = one.exchange.about.get("run_id")
        if not wanted:
            continue
        for event in one.history:
            value = one.value(event)
            if not isinstance(value, dict) or "runId" not in value:
                continue  # no published event has one: that it is there is an adopted reading (EVT-12)
            exercised = True
            run_id = value["runId"]
            if run_id != wanted:
                found.append(finding(one.exchange, f"runId {shown(wanted)}", shown(run_id), (event.start, event.end)))
    return found if exercised else NotExercised("no event of a run whose id is known")


def error_code(trace: Trace, profile: Profile) -> Outcome:
    """PFL-04."""
    errors = [(one, event) for one in streams(trace, profile) for event in one.of(("error",))]
    if not errors:
        return NotExercised("no run failed")
    values = [(one, event, one.value(event)) for one, event in errors]
    return [
        finding(one.exchange, "an error with a code", shown(value), (event.start, event.end))
        for one, event, value in values
        if not (isinstance(value, dict) and isinstance(value.get("code"), str) and value["code"])
    ]


def tells_when_to_retry(trace: Trace, profile: Profile) -> Outcome:
    """PFL-05."""
    del profile
    limited = [x for x in answered(with_role(trace, "limited")) if x.status == 429]
    if not limited:
        return NotExercised("the rate limit refused nothing")
    found = []
    for exchange in limited:
        after = exchange.head.get("retry-after") if exchange.head else ""
        if not (after.isascii() and after.isdigit()):
            found.append(finding(exchange, "Retry-After in seconds", f"Retry-After: {after or 'none'}"))
            continue
        body = exchange.json()
        error = body.get("error") if isinstance(body, dict) else None
        millis = error.get("retryAfterMs") if isinstance(error, dict) else None
        if not isinstance(millis, int) or isinstance(millis, bool) or millis < 0:
            found.append(
                finding(exchange, "error.retryAfterMs in milliseconds", shown(millis), (0, len(exchange.body)))
            )
    return found


def agree_on_when(trace: Trace, profile: Profile) -> Outcome:
    """PFL-11: Retry-After is in whole seconds, so it may be up to one more, or one less where it was cut off."""
    del profile
    found, exercised = [], False
    for x in answered(with_role(trace, "limited")):
        after, body = x.head.get("retry-after") if x.head else "", x.json()
        millis = pointed(body, "/error/retryAfterMs")
        if x.status != HTTPStatus.TOO_MANY_REQUESTS or not (after.isascii() and after.isdigit()):
            continue
        if not isinstance(millis, int) or isinstance(millis, bool):
            continue
        exercised = True
        if abs(int(after) * 1000 - millis) >= SECOND_MS:
            want = f"error.retryAfterMs within a second of Retry-After: {after}"
            found.append(finding(x, want, shown(millis), (0, len(x.body))))
    return found if found or exercised else NotExercised("no answer of the rate limit has both times")


def codes_fit(trace: Trace, profile: Profile) -> Outcome:
    """PFL-12."""
    del profile
    refused = [(x, pointed(x.json(), "/error/code")) for x in trace.exchanges if x.head and x.status in CODES]
    coded = [(x, code) for x, code in refused if isinstance(code, str)]
    if not coded:
        return NotExercised("no request was refused with a code")
    return [
        finding(x, f"code {' or '.join(CODES[x.status])} with status {x.status}", shown(code), (0, len(x.body)))
        for x, code in coded
        if x.status is not None and code not in CODES[x.status]
    ]


def second_cancel(trace: Trace, profile: Profile) -> Outcome:
    """PFL-06."""
    del profile
    asked = answered(with_role(trace, "cancel-again", "cancel-finished"))
    if not asked:
        return NotExercised("no finished run was cancelled")
    return [
        finding(x, "status 409 or 200", f"status {x.status}", (0, len(x.body)))
        for x in asked
        if x.status not in (200, 409)
    ]


def reviewed_before(trace: Trace, profile: Profile) -> Outcome:
    """PFL-07."""
    found, exercised = [], False
    for one in streams(trace, profile):
        if one.exchange.role not in ("reader", "stalled") or not from_start(one):
            continue  # what a replay lacks is another row's
        seen: set[str] = set()
        for event in one.of(("file", "review")):
            value = one.value(event)
            if event.kind == "file":
                seen.add(str(value.get("path")))
            elif isinstance(value.get("files"), list) and value["files"]:
                exercised = True
                early = [str(path) for path in value["files"] if str(path) not in seen]
                if early:
                    want = "a review of files that were emitted before it"
                    span, absent = (event.start, event.end), unread(one, 0, event.start)
                    found.append(finding(one.exchange, want, shown(early[0]), span, absent=absent))
    return found if exercised else NotExercised("no review named files")


# Of what was observed: a clock in whole seconds, or a run that began a moment before its request was noted.
SPARE_US = 1_000_000
LEAST_SHARE = 0.5  # of the time that a script takes at least; a server may count from its first event
LEAST_SCRIPT_US = 100_000  # a shorter one is too near to nothing to tell a unit by


def lasted_so_long(trace: Trace, profile: Profile) -> Outcome:
    """PFL-09: not longer than from the request to the event, and not much shorter than the script."""
    begun = {x.about.get("run"): x.sent_us for x in trace.exchanges if x.operation.startswith("start:")}
    waits = [step["wait_ms"] for step in trace.stimulus.get("script") or () if "wait_ms" in step]
    script_us = sum(waits) * 1000 * trace.time_scale
    least_ms = script_us * LEAST_SHARE / 1000 if script_us >= LEAST_SCRIPT_US else 0
    found, exercised = [], False
    for one in streams(trace, profile):
        start_us = begun.get(one.exchange.about.get("run"))
        if start_us is None:
            continue
        for event in one.of(("done",))[:1]:
            said = one.value(event).get("durationMs")
            if not isinstance(said, int | float):
                continue
            exercised = True
            # A run whose intervals are scaled may tell the time that it would have taken.
            most_ms = ((event.at_us - start_us) / trace.time_scale + SPARE_US) / 1000
            if not least_ms <= said <= most_ms:
                took_ms = (event.at_us - start_us) / 1000
                want = f"a durationMs from {least_ms:.0f} to {most_ms:.0f}: it came {took_ms:.0f} ms after the request"
                found.append(finding(one.exchange, want, shown(said), (event.start, event.end)))
    return found if exercised else NotExercised("no run that was started here ended with a durationMs")


CHECKS: dict[str, Check] = {
    "PFL-02": names_the_run,
    "PFL-03": own_run_id,
    "PFL-04": error_code,
    "PFL-05": tells_when_to_retry,
    "PFL-06": second_cancel,
    "PFL-07": reviewed_before,
    "PFL-09": lasted_so_long,
    "PFL-10": names_it_again,
    "PFL-11": agree_on_when,
    "PFL-12": codes_fit,
}
