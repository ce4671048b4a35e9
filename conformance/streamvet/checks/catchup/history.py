"""A run's whole history, and what a later stream of the same run has of it.

The history is what the reader that was longest attached saw; must not know a script, nor which row compares.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from streamvet.checks.runs import by_run, ended, from_start, witness
from streamvet.contract.profile import EVENT_ID, pointed
from streamvet.outcome import NotExercised, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from streamvet.contract.profile import Profile
    from streamvet.decode import Event, Reading
    from streamvet.outcome import Finding
    from streamvet.trace import Trace

NO_HISTORY = NotExercised("no reader followed a run from its beginning to its end")


def identity(profile: Profile) -> Callable[[Reading, Event], Hashable]:
    """What tells one event of a run from another: its sequence number, or else its cursor, or else its whole value."""
    if profile.sequence:
        return lambda one, event: repr(event.order) if event.order is not None else _canonical(one.value(event))
    if profile.field("catchup.cursor"):
        return lambda one, event: (
            repr(at) if (at := cursor_in(one, event)) is not None else _canonical(one.value(event))
        )
    return lambda one, event: _canonical(one.value(event))


def cursor_in(one: Reading, event: Event) -> Any:
    """What names an event in a request that resumes after it, None where it has no such thing."""
    pointer = one.profile.field("catchup.cursor.pointer")
    return one.id_of(event) if pointer == EVENT_ID else pointed(one.value(event), pointer)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def missing(whole: Reading, one: Reading, skip: int = 0) -> list[Event]:
    """The events of the whole history, but for its first `skip`, that this stream lacks."""
    key = identity(whole.profile)
    have = {key(one, event) for event in one.history}
    return [event for event in whole.history[skip:] if key(whole, event) not in have]


def loss(whole: Reading, one: Reading, lost: list[Event], place: str) -> Finding:
    """The finding that a stream lacks these events of the whole history; `place` says where it should have them."""
    first = lost[0]
    number = next(i for i, event in enumerate(whole.history, start=1) if event is first)
    want = f"event {number} of {len(whole.history)} ({first.kind}, as exchange {whole.exchange.id} has it) {place}"
    last = one.history[-1] if one.history else None
    span = (last.start, last.end) if last else (0, len(one.exchange.body))
    return finding(one.exchange, want, f"{len(lost)} missing of {len(whole.history)}", span)


def pairs_of(trace: Trace, profile: Profile, chosen: Callable[[Reading], bool]) -> list[tuple[Reading, Reading]]:
    """Pairs of a run's whole history and a later stream of the same run."""
    pairs = []
    for readings in by_run(trace, profile).values():
        for one in readings:
            whole = witness(readings, excluding=one) if chosen(one) else None
            if whole is not None:
                pairs.append((whole, one))
    return pairs


def read_finished(one: Reading) -> bool:
    """Whether a stream is that of a finished run, from its start to its end."""
    return bool(
        from_start(one) and one.exchange.about.get("finished") and not one.exchange.about.get("restarts") and ended(one)
    )


def joined_active(one: Reading) -> bool:
    """Whether a reader joined an active run late, and has it from its start to its end."""
    late = one.exchange.role in ("late", "resumed", "racer")
    return late and from_start(one) and not one.exchange.about.get("finished") and ended(one)


def resumed(one: Reading) -> bool:
    """Whether a stream was resumed from a cursor that an event gave."""
    return one.exchange.about.get("cursor_from") == "seen" and one.exchange.status == 200


def repeats(whole: Reading, one: Reading) -> list[Finding]:
    """The first event that comes more often than in the whole history: what is there twice is another row's."""
    key, seen = identity(one.profile), Counter[Any]()
    once = Counter(key(whole, event) for event in whole.history)
    for event in one.history:
        mark = key(one, event)
        seen[mark] += 1
        if seen[mark] > max(once[mark], 1):
            return [finding(one.exchange, "each event once", f"{event.kind} {mark} again", (event.start, event.end))]
    return []
