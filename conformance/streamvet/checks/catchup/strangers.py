"""What a reader gets whose cursor names no event, and on an ambient stream one who has none: as the profile says.

Must not know how a candidate makes its cursors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.access import is_refusal
from streamvet.checks.catchup.history import identity, loss, losses
from streamvet.checks.runs import by_run, ended, unread, witness
from streamvet.checks.twins import beside, resumed
from streamvet.decode import opened, readable, reading
from streamvet.outcome import NotExercised, finding, shown
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

    # What an answer to a cursor violates, None where that cannot be known. The text is what was sent, in words.
    _Answer = Callable[[Exchange, Reading | None, Profile, str], list[Finding] | None]


def wrong(origin: str, what: str) -> Check:
    """A check of what a cursor of this origin gets, by `catchup.cursor.<origin>.gets`."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        asked = [x for x in trace.exchanges if x.about.get("cursor_from") == origin and x.head]
        answer = _ANSWERS[profile.field(f"catchup.cursor.{origin}.gets")]
        outcome = _judged(trace, profile, asked, answer, what)
        if isinstance(outcome, NotExercised) or answer is not _refused:
            return outcome
        return beside(outcome, "no stream was resumed from a cursor that an event has", has_twin=resumed(trace))

    return check


def empty_or_none(trace: Trace, profile: Profile) -> Outcome:
    """CAT-10: an empty cursor, and on an ambient stream none."""
    empty, absent = (profile.field(f"catchup.cursor.{key}") for key in ("empty", "absent"))
    parts: list[Outcome] = []
    if empty is not None:
        asked = [x for x in trace.exchanges if x.about.get("cursor_from") == "empty" and x.head]
        parts.append(_judged(trace, profile, asked, _ANSWERS[empty], "an empty cursor"))
    if absent is not None:
        asked = [x for x in trace.exchanges if x.role == "newcomer" and "cursor_from" not in x.about and x.head]
        parts.append(_judged(trace, profile, asked, _ANSWERS[absent], "no cursor"))
    found = [one for part in parts if not isinstance(part, NotExercised) for one in part]
    return found if any(not isinstance(part, NotExercised) for part in parts) else parts[0]


def _judged(trace: Trace, profile: Profile, asked: list[Exchange], answer: _Answer, what: str) -> Outcome:
    if not asked:
        return NotExercised(f"no stream was requested with {what}")
    found, exercised, runs = [], False, by_run(trace, profile)
    for x in asked:
        others = [one for one in runs.get(str(x.about.get("run")), ()) if one.exchange is not x]
        violations = answer(x, witness(others), profile, what)
        exercised = exercised or violations is not None
        found += violations or []
    return found if exercised else NotExercised(f"no stream that was requested with {what} shows where it begins")


def _refused(x: Exchange, _whole: Reading | None, profile: Profile, what: str) -> list[Finding]:
    allowed = profile.field("catchup.cursor.refused")
    if is_refusal(x, allowed):
        return []
    want = f"{_sent(x, what)} refused with status {' or '.join(map(str, allowed))} and no stream"
    kind = x.head.media_type if x.head else ""
    return [finding(x, want, f"status {x.status}, content-type {kind or 'none'}", (0, len(x.body)))]


def _sent(x: Exchange, what: str) -> str:
    """What was sent, with the cursor where there is one to be seen."""
    return f"{what}, {shown(x.about['cursor'])}," if x.about.get("cursor") else what


def _from_start(x: Exchange, whole: Reading | None, profile: Profile, what: str) -> list[Finding] | None:
    """From the start of the run; of an ambient stream everything that was there when it was requested."""
    if not opened(x):
        start = "of the run" if profile.streams == "run" else "of what is kept"
        return [finding(x, f"{_sent(x, what)} to mean the start {start}", f"status {x.status}")]
    if whole is None or not whole.history or not readable(x):
        return None
    one = reading(x, profile)
    if profile.streams == "ambient":
        before = _before(whole, one)
        lost = [row for row in losses(whole, one) if row.numbers[0] < before] if ended(one) else []
        place = f"for {_sent(x, what).rstrip(',')}"
        return [loss(whole, one, row, place) for row in lost] if before and ended(one) else None
    return _first_of(one, whole, what)


def _first_of(one: Reading, whole: Reading, what: str) -> list[Finding] | None:
    """The first event of a run comes first."""
    x, key = one.exchange, identity(one.profile)
    first = one.history[0] if one.history else None
    if first is None and x.ending is Ending.CUT:
        return None  # we left before it could come
    if first is not None and key(one, first) == key(whole, whole.history[0]):
        return []
    seen, span = f"{first.kind} {key(one, first)}" if first else "no event", (0, len(x.body))
    absent = first is None or unread(one, 0, first.start)
    want = "the first event of the run first" if what == "an empty cursor" else f"the first event of the run for {what}"
    return [finding(x, want, seen, span, beside=[whole.exchange.id], absent=absent)]


def _from_now(x: Exchange, whole: Reading | None, profile: Profile, what: str) -> list[Finding] | None:
    """Nothing that another reader had before it was requested."""
    if not opened(x):
        return [finding(x, f"{_sent(x, what)} to mean what is new", f"status {x.status}")]
    if whole is None or not readable(x) or not _before(whole, one := reading(x, profile)):
        return None
    key = identity(profile)
    old = {key(whole, event): number for number, event in enumerate(whole.history[: _before(whole, one)], start=1)}
    again = next((event for event in one.history if key(one, event) in old), None)
    if again is None:
        return [] if ended(one) or one.history else None
    number, beside = old[key(one, again)], [whole.exchange.id]
    want = f"nothing for {_sent(x, what).rstrip(',')} that exchange {whole.exchange.id} had before"
    return [finding(x, want, f"{again.kind}, event {number} there", (again.start, again.end), beside=beside)]


def _before(whole: Reading, one: Reading) -> int:
    """How many events a reader had when another one asked for its stream."""
    return sum(event.at_us < one.exchange.sent_us for event in whole.history)


def _with_gap(x: Exchange, _whole: Reading | None, profile: Profile, what: str) -> list[Finding] | None:
    """The answer tells that it may lack events."""
    rule = profile.field("catchup.cursor.gap")
    if not opened(x):
        return [finding(x, f"a stream that announces a gap for {_sent(x, what).rstrip(',')}", f"status {x.status}")]
    if "header" in rule:
        value = x.head.get(rule["header"]) if x.head else ""
        if value and value != x.about["cursor"]:
            return []
        want = f"{rule['header']} with another value than {shown(x.about['cursor'])}"
        return [finding(x, want, shown(value) if value else "no such field")]
    if not readable(x):
        return None
    one = reading(x, profile)
    if not one.events:
        return None
    first = one.events[0]
    if first in list(one.of(tuple(rule["events"])))[:1]:
        return []
    want, absent = f"{' or '.join(rule['events'])} first, for {_sent(x, what).rstrip(',')}", unread(one, 0, first.start)
    return [finding(x, want, str(first.kind), (first.start, first.end), absent=absent)]


_ANSWERS: Mapping[str, _Answer] = {
    "refused": _refused, "start": _from_start, "now": _from_now, "gap": _with_gap,
}  # fmt: skip
