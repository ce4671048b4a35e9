"""A run's whole history, and what a later stream of the same run has of it.

The history is what the reader that was longest attached saw; must not know a script, nor which row compares.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.checks.aligning import Side, split
from streamvet.checks.runs import by_run, ended, from_start, witness
from streamvet.contract.profile import cursor_of
from streamvet.outcome import NotExercised, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.outcome import Finding
    from streamvet.trace import Trace

NO_HISTORY = NotExercised("no reader followed a run from its beginning to its end")


def identity(profile: Profile) -> Callable[[Reading, Event], Hashable]:
    """What tells one event of a run from another: its sequence number, or else its cursor, or else its whole value."""

    def by_cursor(one: Reading, event: Event) -> Hashable:
        at = cursor_in(one, event) if profile.cursor is not None else None
        return _canonical(one.value(event)) if at is None else at

    if profile.sequences:
        return lambda one, event: by_cursor(one, event) if event.order is None else _canonical(event.order)
    return by_cursor


def cursor_in(one: Reading, event: Event) -> str | None:
    """What names an event in a request that resumes after it, None where it has no such thing."""
    return cursor_of(one.profile.cursor, lambda: one.value(event), lambda: one.id_of(event))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


class Lost(NamedTuple):
    """Events of a whole history that a stream lacks, by their numbers in it, from 0."""

    numbers: list[int]
    hidden: bool  # they may be what could not be read of the stream


def after_cursor(whole: Reading, cursor: str) -> int | None:
    """How many events of the whole history there are up to a cursor; None where none of its events has it."""
    events = whole.of(whole.profile.cursor_events) if whole.profile.cursor_events else whole.history
    at = next((event.start for event in reversed(events) if cursor_in(whole, event) == cursor), None)
    return None if at is None else sum(event.start <= at for event in whole.history)


def resumed_after(whole: Reading, cursor: str) -> int | None:
    """How many events of the whole history a reader does not get that comes back with a cursor."""
    after = after_cursor(whole, cursor)
    return max(after - 1, 0) if after and whole.profile.field("catchup.cursor.includes") else after


def due(whole: Reading) -> int:
    """How many events of the whole history every reader has to have; others may write more to an ambient stream."""
    until = whole.exchange.about.get("until")
    found = None if until is None else after_cursor(whole, str(until))
    return len(whole.history) if found is None else found


def losses(whole: Reading, one: Reading, skip: int = 0) -> list[Lost]:
    """What a stream lacks of the whole history, but for its first `skip` events: what may be hidden, and the rest."""
    key = identity(whole.profile)
    wanted = [key(whole, event) for event in whole.history[skip : due(whole)]]
    hidden, gone = split(wanted, Side(one, one.history), [key(one, event) for event in one.history])
    both = (
        Lost([skip + number for number in hidden], hidden=True),
        Lost([skip + number for number in gone], hidden=False),
    )
    return [lost for lost in both if lost.numbers]


def loss(whole: Reading, one: Reading, lost: Lost, place: str) -> Finding:
    """The finding that a stream lacks these events of the whole history; `place` says where it should have them."""
    number, size = lost.numbers[0], len(whole.history)
    gone = whole.history[number]
    want = f"event {number + 1} of {size} ({gone.kind}, as exchange {whole.exchange.id} has it) {place}"
    following, at = _after_the_hole(whole, one, lost)
    seen = f"{len(lost.numbers)} missing of {size}"
    if following is None:
        seen, span = f"{seen}, and none after it", (at, at)
    else:
        seen, span = f"{seen}, then {following.kind}", (following.start, following.end)
    witness = (whole.exchange.id, (gone.start, gone.end))
    return finding(one.exchange, want, seen, span, beside=[whole.exchange.id], absent=lost.hidden, witness=witness)


def _after_the_hole(whole: Reading, one: Reading, lost: Lost) -> tuple[Event | None, int]:
    """The event of a stream that comes where the first lost one should be, and the offset of that place."""
    key, gone = identity(whole.profile), set(lost.numbers)
    first = lost.numbers[0]
    after = {key(whole, event) for number, event in enumerate(whole.history) if number > first and number not in gone}
    following = next((event for event in one.history if key(one, event) in after), None)
    return following, one.history[-1].end if one.history else 0


def pairs_of(trace: Trace, profile: Profile, chosen: Callable[[Reading], bool]) -> list[tuple[Reading, Reading]]:
    """Pairs of a run's whole history and a later stream of the same run."""
    pairs = []
    for readings in by_run(trace, profile).values():
        for one in readings:
            whole = witness(readings, excluding=one) if chosen(one) else None
            if whole is not None:
                pairs.append((whole, one))
    return pairs


def both_cut(trace: Trace, profile: Profile) -> list[tuple[Reading, Reading]]:
    """Pairs of streams of runs that nobody has whole before a restart: the first one, and a later one. Both were cut.

    What both had can be compared, and nothing behind that.
    """
    pairs = []
    for readings in by_run(trace, profile).values():
        before = [one for one in readings if not one.exchange.about.get("restarts")]
        if witness(before) is None:
            cut = [one for one in before if one.exchange.role == "cut" and from_start(one) and one.history]
            pairs += [(cut[0], one) for one in cut[1:]]
    return pairs


def cut_by_death(trace: Trace, profile: Profile) -> list[tuple[Reading, Reading]]:
    """Pairs of a stream from behind a restart and one that was cut before: what that one lacks had been there."""
    pairs = []
    for readings in by_run(trace, profile).values():
        before = [one for one in readings if not one.exchange.about.get("restarts")]
        later = [one for one in readings if one not in before and from_start(one) and one.history]
        cut = [one for one in before if one.exchange.role == "cut" and from_start(one) and one.history]
        pairs += [(later[0], one) for one in cut] if later and witness(before) is None else []
    return pairs


def within_both(whole: Reading, one: Reading, lost: Lost) -> Lost:
    """What a stream lacks of another one that was cut, too: of what is before the last event that it has."""
    key = identity(whole.profile)
    places = {key(whole, event): number for number, event in enumerate(whole.history)}
    last = places.get(key(one, one.history[-1]), len(places)) if one.history else 0  # what is in no place came later
    return Lost([number for number in lost.numbers if number < last], lost.hidden)


def read_finished(one: Reading) -> bool:
    """Whether a stream is that of a finished run, from its start to its end."""
    return bool(
        from_start(one) and one.exchange.about.get("finished") and not one.exchange.about.get("restarts") and ended(one)
    )


def joined_active(one: Reading) -> bool:
    """Whether a reader joined an active run late, and has it from its start to its end."""
    return _joined(one) and ended(one)


def left_early(one: Reading) -> bool:
    """Whether a reader joined an active run late, and its stream was over before it had the end of the run."""
    return _joined(one) and not ended(one) and not one.exchange.about.get("restarts")


def _joined(one: Reading) -> bool:
    late = one.exchange.role in ("late", "resumed", "racer", "last")
    return late and from_start(one) and not one.exchange.about.get("finished")


def resumed(one: Reading) -> bool:
    """Whether a stream was resumed from a cursor that an event gave."""
    return one.exchange.about.get("cursor_from") == "seen"


def repeats(whole: Reading, one: Reading) -> list[Finding]:
    """The first event that comes more often than in the whole history: what is there twice is another row's."""
    key, seen = identity(one.profile), Counter[Any]()
    once = Counter(key(whole, event) for event in whole.history)
    for event in one.history if ended(whole) else (e for e in one.history if e.at_us <= whole.exchange.ended_us):
        mark = key(one, event)
        seen[mark] += 1
        if seen[mark] > max(once[mark], 1):
            span, beside = (event.start, event.end), [whole.exchange.id]
            return [finding(one.exchange, "each event once", f"{event.kind} {mark} again", span, beside=beside)]
    return []
