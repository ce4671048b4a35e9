"""ACC: who may read, and how a refusal looks.

Compares statuses and shapes, never the text of an error: texts are free and localised.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from streamvet.checks.runs import answered, succeeded, with_role
from streamvet.checks.timing import no_answer, unanswered
from streamvet.checks.twins import beside, granted, let_in, started
from streamvet.contract.profile import matches
from streamvet.decode import reading
from streamvet.outcome import NotExercised, finding, shown
from streamvet.trace import CLEAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

STREAM_TYPES = ("text/event-stream", "application/x-ndjson")


def refused(exchange: Exchange, allowed: list[int], what: str, profile: Profile | None = None) -> list[Finding]:
    """The finding of an answer that is not a refusal with one of these statuses, or that is a stream all the same."""
    head = exchange.head
    if head is None:
        return []
    want = f"{what} refused with status {' or '.join(map(str, allowed))}"
    if head.status not in allowed:
        size = len(exchange.body)
        return [finding(exchange, want, f"status {head.status}, {size} bytes", (0, size), head.at_us)]
    if 200 <= head.status < 300:
        return _refused_inside(exchange, want, profile)
    if head.media_type in STREAM_TYPES:
        return [finding(exchange, f"{want} and no stream", f"content-type {head.media_type}")]
    return []


def _refused_inside(exchange: Exchange, want: str, profile: Profile | None) -> list[Finding]:
    """The finding of an answer that by its status is a success, and by what it says no refusal either."""
    file, kinds = (profile.field(f"error.{key}") if profile else None for key in ("schema", "events"))
    is_stream = exchange.head is not None and exchange.head.media_type in STREAM_TYPES
    if profile and kinds and is_stream:
        one = reading(exchange, profile)
        last = one.events[-1] if one.events else None
        if last is None or last.kind is None or not matches(last.kind, tuple(kinds)):
            span = (last.start, last.end) if last else (0, 0)
            seen = f"{last.kind} last" if last else "no event"
            return [finding(exchange, f"{want}, or {' or '.join(kinds)} last", seen, span, absent=last is None)]
        return []
    value = exchange.json()
    if profile and file and not is_stream and value is not None and profile.schemas.decider(file)(value):
        return []
    return [finding(exchange, f"{want} and a refusal in its body", shown(exchange.body[:60]), (0, len(exchange.body)))]


def _intruders(accounts: tuple[str, ...], status: str, what: str) -> Check:
    """A check that streams requested by these accounts are refused with the profile's status."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        asked = [
            x
            for x in answered(with_role(trace, "intruder"))
            if x.about.get("account") in accounts and x.about.get("run") != "unknown" and "cursor_from" not in x.about
        ]
        if not asked:
            return NotExercised(f"no stream was requested with {what}")
        allowed = profile.field(f"auth.{status}")
        found = [one for x in asked for one in refused(x, _allowed(profile, allowed, x), _said(what, x), profile)]
        forged = tuple(x.id for x in with_role(trace, "intruder") if x.about.get("account") in _FORGED)
        partly = {x.id for x in asked if x.about.get("account") in ("empty", "bare")}
        # Who lets everybody in lets these in, too: that is a finding about the credentials that are not genuine.
        found = [dataclasses.replace(one, beside=forged) if one.exchange in partly else one for one in found]
        return beside(found, _NOBODY, has_twin=let_in(trace))

    return check


_NOBODY = "no stream was opened with valid credentials"
# Of these the empty ones are as good as none, and the bare ones are unsigned tokens: the rows of those have them.
_FORGED = ("malformed", "forged", "shortened", "lengthened", "halved")
NOT_GENUINE = (*_FORGED, "empty", "bare")


def _said(what: str, exchange: Exchange) -> str:
    account = exchange.about.get("account")
    return f"{what} ({account})" if account in NOT_GENUINE else what


def _allowed(profile: Profile, allowed: list[int], exchange: Exchange) -> list[int]:
    """Credentials that are empty may be none, or wrong ones."""
    if exchange.about.get("account") != "empty":
        return allowed
    either = (profile.field(f"auth.{name}") or [] for name in ("missing", "invalid"))
    return [*dict.fromkeys([*allowed, *(status for statuses in either for status in statuses)])]


def not_genuine_elsewhere(trace: Trace, profile: Profile) -> Outcome:
    """ACC-16: of starts whose answer is read by another request, records and cancellations."""
    asked = answered(with_role(trace, "start-refused", "record-refused", "cancel-refused"))
    asked = [x for x in asked if x.about.get("account") in NOT_GENUINE]
    if not asked:
        return NotExercised("no run, record or cancellation was requested with credentials that are not genuine")
    allowed = profile.field("auth.invalid")
    found = [
        one
        for x in asked
        for one in refused(x, _allowed(profile, allowed, x), _said(f"{x.operation} with wrong credentials", x))
    ]
    named = " or ".join(dict.fromkeys(x.operation for x in asked))
    has_twin = any(granted(trace, profile, x.operation) for x in asked)
    return beside(found, f"no {named} succeeded with valid credentials", has_twin=has_twin)


def unknown_run(trace: Trace, profile: Profile) -> Outcome:
    """ACC-06."""
    asked = [x for x in answered(with_role(trace, "intruder")) if x.about.get("run") == "unknown"]
    if not asked:
        return NotExercised("no stream of an unknown run was requested")
    found = [one for x in asked for one in refused(x, profile.field("auth.unknown"), "an unknown run")]
    return beside(found, _NOBODY, has_twin=let_in(trace))


def is_refusal(exchange: Exchange, allowed: Sequence[int | str] = ("4xx",)) -> bool:
    """Whether a request was refused: with one of these statuses, or one of such a class, and no stream."""
    head = exchange.head
    if head is None or head.media_type in STREAM_TYPES:
        return False
    return head.status in allowed or f"{head.status // 100}xx" in allowed


def error_shape(trace: Trace, profile: Profile) -> Outcome:
    """ACC-07."""
    return _shaped([x for x in trace.exchanges if x.role != "unacceptable"], profile)


def accept_error_shape(trace: Trace, profile: Profile) -> Outcome:
    """ACC-14."""
    return _shaped(with_role(trace, "unacceptable"), profile)


def _shaped(exchanges: list[Exchange], profile: Profile) -> Outcome:
    """The refusals among these that are no JSON of the system's own shape."""
    file = profile.field("error.schema")
    inside = bool(profile.field("error.events"))  # then a refusal may have the status of a success
    meant = [x for x in exchanges if x.about.get("meant") == "refusal" and x.ending in CLEAN]
    asked = [x for x in meant if is_refusal(x) or (inside and is_refusal(x, ("2xx",)))]
    if not asked:
        return NotExercised("nothing was refused")
    found = []
    for exchange in asked:
        value = exchange.json()
        media_type = exchange.head.media_type if exchange.head else ""
        if media_type != "application/json":
            found.append(finding(exchange, "a refusal in application/json", f"content-type {media_type or 'none'}"))
        elif not profile.schemas.decider(file)(value):
            expected, seen = profile.schemas.explain(file, value)
            seen = seen if value is not None else shown(exchange.body[:60])
            found.append(finding(exchange, f"a refusal with {expected}", seen, (0, len(exchange.body))))
    return found


_HasTwin = Callable[["Trace", "Profile"], bool]


def _listed(
    role: str, allowed_of: Callable[[Profile, Exchange], list[int] | None], what: str, twin: tuple[str, _HasTwin]
) -> Check:
    """A check of requests with this role, each against the statuses that the profile lists for it.

    `twin`: what has to be granted beside them, in words when it was not, and whether it was.
    """

    def check(trace: Trace, profile: Profile) -> Outcome:
        asked = [(x, allowed_of(profile, x)) for x in answered(with_role(trace, role))]
        if not any(allowed for _, allowed in asked):
            return NotExercised(f"{what} was not tried")
        found = [
            one
            for x, allowed in asked
            if allowed
            for one in refused(x, allowed, f"{what} ({x.about['case']})" if "case" in x.about else what, profile)
        ]
        return beside(found, twin[0], has_twin=twin[1](trace, profile))

    return check


def _logged_in(trace: Trace, profile: Profile) -> bool:
    return any(succeeded(x, profile) for x in with_role(trace, "login"))


_LOGIN = ("no login succeeded", _logged_in)
_START = ("no valid request started a run", started)
_STREAM = (_NOBODY, lambda trace, _profile: let_in(trace))


def _refused_case(profile: Profile, exchange: Exchange) -> list[int] | None:
    """The statuses that the operation lists for this wrong input."""
    operation = profile.operations.get(exchange.operation)
    rows = operation.raw.get("refused", ()) if operation else ()
    return next((row["status"] for row in rows if row["name"] == exchange.about.get("case")), None)


def _without_credentials(profile: Profile, exchange: Exchange) -> list[int] | None:
    missing: list[int] = profile.field("auth.missing")
    return missing if exchange.about.get("account") == "missing" else None


def _wrong_password(profile: Profile, exchange: Exchange) -> list[int] | None:
    del exchange
    status: list[int] | None = profile.field("operations.login.wrong.status")
    return status


def logins_told_apart(trace: Trace, profile: Profile) -> Outcome:
    """ACC-08; a right login that is refused may be wrong in the target file, one that fails is not."""
    operation = profile.operations["login"]
    logins = with_role(trace, "login")
    failed, waited = [x for x in logins if (x.status or 0) >= 500], [x for x in logins if unanswered(x)]
    want = f"a login with the right password answered with status {operation.status[0]}"
    found = [finding(x, want, f"status {x.status}", (0, len(x.body))) for x in failed]
    wrong = _listed("login-wrong", _wrong_password, "a login with a wrong password", _LOGIN)(trace, profile)
    found += [] if isinstance(wrong, NotExercised) else wrong
    return found or (no_answer(waited[0]) if waited else wrong)


def _not_acceptable(profile: Profile, exchange: Exchange) -> list[int] | None:
    del exchange
    status: list[int] | None = profile.field("operations.attach.not_acceptable.status")
    return status


def _foreign(role: str, what: str) -> Check:
    """A check that something of another user's run is refused with the profile's status."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        asked = [x for x in answered(with_role(trace, role)) if x.about.get("account") == "other"]
        if not asked:
            return NotExercised(f"no second account asked for {what}")
        found = [one for x in asked for one in refused(x, profile.field("auth.foreign"), what)]
        has_twin = any(granted(trace, profile, x.operation) for x in asked)
        return beside(found, f"its own user was not given {what}", has_twin=has_twin)

    return check


CHECKS: dict[str, Check] = {
    "ACC-01": _intruders(("missing", "empty"), "missing", "no credentials"),
    "ACC-02": _intruders(_FORGED, "invalid", "credentials that are not genuine"),
    "ACC-03": _intruders(("unsigned", "bare"), "invalid", "an unsigned token"),
    "ACC-04": _intruders(("expired",), "expired", "expired credentials"),
    "ACC-05": _intruders(("other",), "foreign", "another user's run"),
    "ACC-06": unknown_run,
    "ACC-07": error_shape,
    "ACC-08": logins_told_apart,
    "ACC-09": _listed("login-malformed", _refused_case, "a malformed login", _LOGIN),
    "ACC-10": _listed("start-refused", _refused_case, "a malformed request for a run", _START),
    "ACC-11": _listed("start-refused", _without_credentials, "a request for a run without credentials", _START),
    "ACC-12": _foreign("record-refused", "the record of another user's run"),
    "ACC-13": _listed("unacceptable", _not_acceptable, "an Accept field that excludes the stream", _STREAM),
    "ACC-14": accept_error_shape,
    "ACC-15": _foreign("cancel-refused", "the cancellation of another user's run"),
    "ACC-16": not_genuine_elsewhere,
}
