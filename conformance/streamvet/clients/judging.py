"""From what was seen of a client on a vector to findings, and from these to verdicts. Pure: no clock, no process.

Must not know how a client is started or served.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.clients.vectors import requirements
from streamvet.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamvet.clients.observed import Observed
    from streamvet.clients.vectors import Requirement, Vector

_SHOWN_CHARS = 120
# Timers of clients go by a clock that may be a few milliseconds ahead of ours.
EARLY_MS = 5
# What vectors send under names that nobody listens for begins so: whether such events are delivered is the client's.
UNHEARD = "x-"


class Finding(NamedTuple):
    """What is wrong, and where: in which event or request."""

    where: str
    expected: str
    seen: str


@dataclass(frozen=True, slots=True)
class Result:
    """One vector on one client. `reason`: why it was not exercised."""

    vector: Vector
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    reason: str = ""


def result(vector: Vector, seen: Observed) -> Result:
    """The verdict on one vector."""
    if not seen.requests:
        ended = f"ended with {seen.exit_code}" if seen.exit_code is not None else "was waited for"
        said = f": {seen.said.strip()}" if seen.said.strip() else ""
        return Result(vector, Verdict.INCONCLUSIVE, reason=f"the command sent no request; it {ended}{said}")
    found = (*_delivered(vector, seen), *_told(vector, seen), *_asked(vector, seen))
    bad = Verdict.FAIL if requirements()[vector.requirement].level == "MUST" else Verdict.WARN
    return Result(vector, bad if found else Verdict.PASS, found)


def not_applicable(vector: Vector, lacks: Iterable[str]) -> Result | None:
    """The verdict on a vector that needs what the client has not; None where it needs nothing of the kind."""
    missing = sorted(vector.needs & set(lacks))
    return Result(vector, Verdict.NOT_APPLICABLE, reason=f"the client lacks {', '.join(missing)}") if missing else None


def _delivered(vector: Vector, seen: Observed) -> list[Finding]:
    """The first event that is another one, is too much, or is missing."""
    heard = [one for one in seen.delivered if not str(one.get("type", "")).startswith(UNHEARD)]
    found = [
        Finding(f"event {count}", "delivered before more was sent", "not delivered in time")
        for count in seen.not_in_time[:1]
    ]
    for number, (want, got) in enumerate(zip_longest(vector.delivered, heard), 1):
        if want is None:
            return [*found, Finding(f"event {number}", "no further event", _shown(got))]
        if got is None:
            return [*found, Finding(f"event {number}", _shown(want), "nothing" + _why(seen))]
        if not _alike(want, got):
            return [*found, Finding(f"event {number}", _shown(want), _shown(got))]
    # Who does not come back, and need not, is not sent what the later connections have.
    reached = "reconnect" in vector.needs or len(seen.requests) >= len(vector.answers)
    if vector.sentinel and reached and not seen.ended and not found:
        found.append(Finding("the event after the last", "delivered", "nothing" + _why(seen)))
    return found


def _alike(want: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    """Whether an event is the one that was expected. A key that the client does not tell is not compared."""
    if "value" in want:
        return "value" in got and _same(want["value"], got["value"])
    told = {"type": "message", **got}
    return all(told.get(key) == value for key, value in want.items() if key != "id" or "id" in got)


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are one: true is not 1, and 1 is 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _told(vector: Vector, seen: Observed) -> list[Finding]:
    """Whether the application was told of an error, or of an end."""
    failed = bool(seen.errors) or bool(seen.exit_code)
    shown = f"an error: {seen.errors[0]}" if seen.errors else f"exit code {seen.exit_code}"
    if vector.tells == "error" and not failed:
        return [Finding("the end", "an error line or an exit code other than 0", "neither")]
    if vector.tells == "end" and failed:
        return [Finding("the end", "no error", shown + _why(seen))]
    return []


def _asked(vector: Vector, seen: Observed) -> list[Finding]:
    """Whether the requests are as many, have the fields, and come no sooner than they have to."""
    found = []
    if vector.sends is not None and len(seen.requests) != len(vector.sends):
        found.append(Finding("the requests", f"{len(vector.sends)} of them", f"{len(seen.requests)}" + _why(seen)))
    for number, (want, got) in enumerate(zip(vector.sends or (), seen.requests, strict=False), 1):
        for name, value in want.items():
            sent = got.headers.get(name.lower())
            held = value is not None and sent is not None and name == "Accept" and _takes(sent, value)
            if not held and sent != value:
                found.append(Finding(f"request {number}, {name}", _field(value), _field(sent)))
    if vector.apart_ms and len(seen.requests) > 1 and seen.answered_s:
        apart_ms = (seen.requests[1].at_s - seen.answered_s[0]) * 1000
        if apart_ms < vector.apart_ms - EARLY_MS:
            found.append(Finding("request 2", f"{vector.apart_ms} ms after the end", f"{apart_ms:.0f} ms after it"))
    return found


def _takes(sent: str, wanted: str) -> bool:
    """Whether an Accept field takes a media type (RFC 9110, 12.5.1)."""
    ranges = [one.partition(";")[0].strip().lower() for one in sent.split(",")]
    return bool({wanted, wanted.partition("/")[0] + "/*", "*/*"} & set(ranges))


def _field(value: str | None) -> str:
    return "no such field" if value is None else repr(value)


def _why(seen: Observed) -> str:
    """What a client said, where it ended in the middle."""
    if seen.errors:
        return f" (error: {seen.errors[-1][:_SHOWN_CHARS]})"
    last = seen.said.strip().rpartition("\n")[2]
    return f" (exit code {seen.exit_code}: {last[:_SHOWN_CHARS]})" if seen.exit_code else ""


def _shown(event: Mapping[str, Any]) -> str:
    keys = [key for key in ("type", "data", "id", "value") if key in event]
    text = " ".join(f"{key} {json.dumps(event[key], ensure_ascii=True)}" for key in keys)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


class Ruled(NamedTuple):
    """The verdict on a requirement, and how many vectors exercised it."""

    requirement: Requirement
    verdict: Verdict
    exercised: int


# Of several vectors the first of these decides.
_ORDER = (Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)


def ruled(results: Sequence[Result]) -> list[Ruled]:
    """The verdict on each requirement that these vectors are of."""
    made = []
    for row in requirements().values():
        own = [one for one in results if one.vector.requirement == row.id]
        if own:
            verdicts = {one.verdict for one in own}
            exercised = sum(one.verdict in (Verdict.PASS, Verdict.FAIL, Verdict.WARN) for one in own)
            made.append(Ruled(row, next(one for one in _ORDER if one in verdicts), exercised))
    return made
