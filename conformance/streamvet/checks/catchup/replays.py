"""What a replay holds: the whole history, each event once, as the live stream had it and in its order.

Must not know which cursors a profile takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.catchup.history import (
    NO_HISTORY,
    both_cut,
    cut_by_death,
    identity,
    joined_active,
    left_early,
    loss,
    losses,
    pairs_of,
    read_finished,
    repeats,
    resumed,
    within_both,
)
from streamvet.checks.runs import from_start
from streamvet.decode import same
from streamvet.outcome import NotExercised, apart, finding

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Trace


def whole_when_finished(trace: Trace, profile: Profile) -> Outcome:
    """CAT-02."""
    return _whole(pairs_of(trace, profile, read_finished), "on a finished run")


def whole_when_joined(trace: Trace, profile: Profile) -> Outcome:
    """CAT-03: of a reader that left before the end, what it lacks in front of the last event that it has."""
    place = "on a run that was joined while it was active"
    pairs = [pair for pair in pairs_of(trace, profile, joined_active) if _was_active(*pair)]
    cut = [pair for pair in both_cut(trace, profile) if _was_active(*pair)] + cut_by_death(trace, profile)
    early = [pair for pair in pairs_of(trace, profile, left_early) if _was_active(*pair)]
    lacks = [(whole, one, within_both(whole, one, lost)) for whole, one in cut + early for lost in losses(whole, one)]
    found = [loss(whole, one, lost, place) for whole, one, lost in lacks if lost.numbers]
    found += [loss(whole, one, lost, place) for whole, one in pairs for lost in losses(whole, one)]
    return found if found or pairs or cut else NO_HISTORY  # who left early and lacks nothing has not seen it all


def _was_active(whole: Reading, one: Reading) -> bool:
    """Whether there was something to miss between replay and live: the run went on once the second reader had a head.

    A stream that begins with the ending of the run is that of a finished one, whatever its reader had meant.
    """
    terminal = one.profile.terminal
    begins_over = bool(terminal and one.events and one.of(terminal.events)[:1] == one.events[:1])
    return not begins_over and any(event.at_us > one.head_us for event in whole.history)


def _whole(pairs: list[tuple[Reading, Reading]], place: str) -> Outcome:
    if not pairs:
        return NO_HISTORY
    return [loss(whole, one, lost, place) for whole, one in pairs for lost in losses(whole, one)]


def each_once(trace: Trace, profile: Profile) -> Outcome:
    """CAT-04."""
    roles = ("late", "resumed", "racer", "after", "many", "churn", "last")
    pairs = pairs_of(trace, profile, lambda r: r.exchange.role in roles and from_start(r) and bool(r.history))
    pairs += both_cut(trace, profile)
    if not pairs:
        return NotExercised("no reader joined a run, or read a finished one, beside a reader that received all of it")
    return [repeat for whole, one in pairs for repeat in repeats(whole, one)]


def replay_equals_live(trace: Trace, profile: Profile) -> Outcome:
    """CAT-07."""
    pairs = pairs_of(trace, profile, lambda r: read_finished(r) or joined_active(r) or resumed(r))
    pairs = [(whole, one) for whole, one in pairs if not one.exchange.about.get("restarts")]
    pairs += both_cut(trace, profile)
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
    last, beside = -1, [whole.exchange.id]
    for event in one.history:
        place, original = places.get(key(one, event), (last, None))
        if original is None:
            continue
        if not same(whole.value(original), one.value(event)):
            wanted, seen = apart(whole.value(original), one.value(event))
            want = f"as exchange {whole.exchange.id} has it: {wanted}"
            span, witness = (event.start, event.end), (whole.exchange.id, (original.start, original.end))
            return [finding(one.exchange, want, seen, span, beside=beside, witness=witness)]
        if place < last:
            want, seen = "the order of the live stream", f"event {place + 1} after {last + 1}"
            return [finding(one.exchange, want, seen, (event.start, event.end), beside=beside)]
        last = place
    return []
