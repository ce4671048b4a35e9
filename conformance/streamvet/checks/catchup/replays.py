"""What a replay holds: the whole history, each event once, as the live stream had it and in its order.

Must not know which cursors a profile takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.catchup.history import (
    NO_HISTORY,
    identity,
    joined_active,
    loss,
    missing,
    pairs_of,
    read_finished,
    repeats,
    resumed,
)
from streamvet.checks.runs import from_start
from streamvet.decode import same
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Trace


def whole_when_finished(trace: Trace, profile: Profile) -> Outcome:
    """CAT-02."""
    return _whole(pairs_of(trace, profile, read_finished), "on a finished run")


def whole_when_joined(trace: Trace, profile: Profile) -> Outcome:
    """CAT-03."""
    return _whole(pairs_of(trace, profile, joined_active), "on a run that was joined while it was active")


def _whole(pairs: list[tuple[Reading, Reading]], place: str) -> Outcome:
    if not pairs:
        return NO_HISTORY
    losses = [(whole, one, missing(whole, one)) for whole, one in pairs]
    return [loss(whole, one, lost, place) for whole, one, lost in losses if lost]


def each_once(trace: Trace, profile: Profile) -> Outcome:
    """CAT-04."""
    roles = ("late", "resumed", "racer", "after", "many", "churn", "last")
    pairs = pairs_of(trace, profile, lambda r: r.exchange.role in roles and from_start(r) and bool(r.history))
    if not pairs:
        return NotExercised("no reader joined a run, or read a finished one, beside one that had it all")
    return [repeat for whole, one in pairs for repeat in repeats(whole, one)]


def replay_equals_live(trace: Trace, profile: Profile) -> Outcome:
    """CAT-07."""
    pairs = pairs_of(trace, profile, lambda r: read_finished(r) or joined_active(r) or resumed(r))
    pairs = [(whole, one) for whole, one in pairs if not one.exchange.about.get("restarts")]
    if not pairs:
        return NO_HISTORY
    found, exercised = [], False
    for whole, one in pairs:
        outcome = _unequal(whole, one)
        exercised = exercised or bool(one.history)
        found += outcome
    return found if exercised else NotExercised("no event was seen both live and in a replay")


def _unequal(whole: Reading, one: Reading) -> list[Finding]:
    key = identity(whole.profile)
    places = {key(whole, event): (i, event) for i, event in enumerate(whole.history)}
    last = -1
    for event in one.history:
        place, original = places.get(key(one, event), (last, None))
        if original is None:
            continue
        if not same(whole.value(original), one.value(event)):
            want = f"as exchange {whole.exchange.id} has it: {shown(whole.value(original))}"
            return [finding(one.exchange, want, shown(one.value(event)), (event.start, event.end))]
        if place < last:
            return [
                finding(
                    one.exchange,
                    "the order of the live stream",
                    f"event {place + 1} after {last + 1}",
                    (event.start, event.end),
                )
            ]
        last = place
    return []
