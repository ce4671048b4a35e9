"""CAT: what a reader gets that comes late, comes back, or comes after a restart.

A run's history is what the reader that was longest attached saw; must not know a script.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from streamvet.checks.access import STREAM_TYPES
from streamvet.checks.runs import by_run, ended, from_start, with_role, witness
from streamvet.contract.profile import EVENT_ID, pointed
from streamvet.decode import opened, readable, reading, same, streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from streamvet.contract.profile import Profile
    from streamvet.decode import Event, Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

NO_HISTORY = NotExercised("no reader followed a run from its beginning to its end")


def start_state(trace: Trace, profile: Profile) -> Outcome:
    """CAT-01."""
    rule = profile.field("catchup.first")
    # Who read when the candidate was killed may have been about to get it.
    killed = any(x.about.get("restarts") for x in trace.exchanges)
    read = [
        one
        for one in streams(trace, profile)
        if one.events
        or (one.exchange.by_server and not (killed and one.exchange.role == "cut"))
        or _waited_for(one, rule["within_ms"])
    ]
    if not read:
        return NotExercised("no stream was answered")
    found, want = [], f"{' or '.join(rule['events'])} first, within {rule['within_ms']} ms"
    for one in read:
        first = min((*one.events[:1], *one.beats[:1]), key=lambda event: event.start, default=None)
        if first is None:
            found.append(finding(one.exchange, want, "no event"))
        elif first.kind not in rule["events"]:
            seen = f"{first.kind or 'a heartbeat'} first"
            found.append(finding(one.exchange, want, seen, (first.start, first.end)))
        elif first.at_us - one.exchange.sent_us > rule["within_ms"] * 1000 + trace.jitter_us.get(one.exchange.id, 0):
            late = f"{first.kind} after {(first.at_us - one.exchange.sent_us) / 1000:.0f} ms"
            found.append(finding(one.exchange, want, late, (first.start, first.end)))
    return found


def _waited_for(one: Reading, within_ms: int) -> bool:
    """Whether somebody waited for an event for longer than the first one may take."""
    x = one.exchange
    return x.ending is Ending.TIMED_OUT and x.ended_us - x.sent_us > within_ms * 1000


def identity(profile: Profile) -> Callable[[Reading, Event], Hashable]:
    """What tells one event of a run from another: its sequence number, or else its cursor, or else its whole value."""
    if profile.sequence:
        return lambda one, event: repr(event.order) if event.order is not None else _canonical(one.value(event))
    if profile.field("catchup.cursor"):
        return lambda one, event: repr(at) if (at := _cursor(one, event)) is not None else _canonical(one.value(event))
    return lambda one, event: _canonical(one.value(event))


def _cursor(one: Reading, event: Event) -> Any:
    """What names an event in a request that resumes after it, None where it has no such thing."""
    pointer = one.profile.field("catchup.cursor.pointer")
    return one.id_of(event) if pointer == EVENT_ID else pointed(one.value(event), pointer)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _missing(whole: Reading, one: Reading, skip: int = 0) -> list[Event]:
    """The events of the whole history, but for its first `skip`, that this stream lacks."""
    key = identity(whole.profile)
    have = {key(one, event) for event in one.history}
    return [event for event in whole.history[skip:] if key(whole, event) not in have]


def _lost(whole: Reading, one: Reading, lost: list[Event], place: str) -> Finding:
    first = lost[0]
    number = next(i for i, event in enumerate(whole.history, start=1) if event is first)
    want = f"event {number} of {len(whole.history)} ({first.kind}, as exchange {whole.exchange.id} has it) {place}"
    last = one.history[-1] if one.history else None
    span = (last.start, last.end) if last else (0, len(one.exchange.body))
    return finding(one.exchange, want, f"{len(lost)} missing of {len(whole.history)}", span)


def _replays(trace: Trace, profile: Profile, chosen: Callable[[Reading], bool]) -> list[tuple[Reading, Reading]]:
    """Pairs of a run's whole history and a later stream of the same run."""
    pairs = []
    for readings in by_run(trace, profile).values():
        for one in readings:
            whole = witness(readings, excluding=one) if chosen(one) else None
            if whole is not None:
                pairs.append((whole, one))
    return pairs


def _finished(one: Reading) -> bool:
    return bool(
        from_start(one) and one.exchange.about.get("finished") and not one.exchange.about.get("restarts") and ended(one)
    )


def _joined(one: Reading) -> bool:
    late = one.exchange.role in ("late", "resumed", "racer")
    return late and from_start(one) and not one.exchange.about.get("finished") and ended(one)


def whole_when_finished(trace: Trace, profile: Profile) -> Outcome:
    """CAT-02."""
    return _whole(_replays(trace, profile, _finished), "on a finished run")


def whole_when_joined(trace: Trace, profile: Profile) -> Outcome:
    """CAT-03."""
    return _whole(_replays(trace, profile, _joined), "on a run that was joined while it was active")


def _whole(pairs: list[tuple[Reading, Reading]], place: str) -> Outcome:
    if not pairs:
        return NO_HISTORY
    losses = [(whole, one, _missing(whole, one)) for whole, one in pairs]
    return [_lost(whole, one, lost, place) for whole, one, lost in losses if lost]


def each_once(trace: Trace, profile: Profile) -> Outcome:
    """CAT-04."""
    roles = ("late", "resumed", "racer", "after", "many", "churn", "last")
    pairs = _replays(trace, profile, lambda r: r.exchange.role in roles and from_start(r) and bool(r.history))
    if not pairs:
        return NotExercised("no reader joined a run, or read a finished one, beside one that had it all")
    return [repeat for whole, one in pairs for repeat in _repeats(whole, one)]


def _repeats(whole: Reading, one: Reading) -> list[Finding]:
    """The first event that comes more often than in the whole history: what is there twice is another row's."""
    key, seen = identity(one.profile), Counter[Any]()
    once = Counter(key(whole, event) for event in whole.history)
    for event in one.history:
        mark = key(one, event)
        seen[mark] += 1
        if seen[mark] > max(once[mark], 1):
            return [finding(one.exchange, "each event once", f"{event.kind} {mark} again", (event.start, event.end))]
    return []


def _resumed(one: Reading) -> bool:
    return one.exchange.about.get("cursor_from") == "seen" and one.exchange.status == 200


def after_cursor(trace: Trace, profile: Profile) -> Outcome:
    """CAT-05: everything after the cursor."""
    pairs = [(w, r) for w, r in _replays(trace, profile, _resumed) if ended(r) and not r.exchange.about.get("restarts")]
    if not pairs:
        return NotExercised("no stream was resumed from a cursor to the end of its run")
    found = []
    for whole, one in pairs:
        after = _position(whole, one.exchange)
        if after is None:
            continue
        lost = _missing(whole, one, after)
        if lost:
            found.append(
                _lost(whole, one, lost, f"after the cursor {one.exchange.about['cursor']!r}, that of event {after}")
            )
    return found


def _position(whole: Reading, exchange: Exchange) -> int | None:
    """How many events of the whole history the cursor stands behind."""
    cursor = str(exchange.about.get("cursor"))
    values = [str(_cursor(whole, event)) for event in whole.history]
    return len(values) - values[::-1].index(cursor) if cursor in values else None


def nothing_before_cursor(trace: Trace, profile: Profile) -> Outcome:
    """CAT-06: nothing at or before the cursor, nothing twice."""
    pairs = _replays(trace, profile, lambda r: _resumed(r) and bool(r.history or ended(r)))
    pairs = [(whole, one) for whole, one in pairs if not one.exchange.about.get("restarts")]
    if not pairs:
        return NotExercised("no stream was resumed from a cursor")
    found, key = [], identity(profile)
    for whole, one in pairs:
        after = _position(whole, one.exchange)
        if after is None:
            continue
        before = {key(whole, event): i for i, event in enumerate(whole.history[:after], start=1)}
        again = next((event for event in one.history if key(one, event) in before), None)
        if again is not None:
            number = before[key(one, again)]
            want = f"nothing before event {after + 1}, after the cursor {one.exchange.about['cursor']!r}"
            found.append(finding(one.exchange, want, f"event {number} again", (again.start, again.end)))
        else:
            found += _repeats(whole, one)
    return found


def replay_equals_live(trace: Trace, profile: Profile) -> Outcome:
    """CAT-07."""
    pairs = _replays(trace, profile, lambda r: _finished(r) or _joined(r) or _resumed(r))
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


def _refused(exchange: Exchange) -> bool:
    head = exchange.head
    return head is not None and 400 <= head.status < 500 and head.media_type not in STREAM_TYPES


def _refusal(source: str, what: str) -> Check:
    """A check that a stream that is requested with such a cursor is refused."""

    def check(trace: Trace, profile: Profile) -> Outcome:
        asked = [x for x in trace.exchanges if x.about.get("cursor_from") == source and x.head]
        if not asked:
            return NotExercised(f"no stream was requested with {what}")
        del profile
        return [
            finding(
                x,
                f"{what}, {x.about['cursor']!r}, refused with a 4xx status and no stream",
                f"status {x.status}, content-type {x.head.media_type or 'none' if x.head else 'none'}",
                (0, len(x.body)),
            )
            for x in asked
            if not _refused(x)
        ]

    return check


def empty_cursor(trace: Trace, profile: Profile) -> Outcome:
    """CAT-10."""
    asked = [x for x in trace.exchanges if x.about.get("cursor_from") == "empty" and x.head]
    if not asked:
        return NotExercised("no stream was requested with an empty cursor")
    found = []
    runs = by_run(trace, profile)
    for exchange in asked:
        if not opened(exchange):
            found.append(finding(exchange, "an empty cursor to mean the start of the run", f"status {exchange.status}"))
            continue
        whole = witness([r for r in runs.get(str(exchange.about.get("run")), ()) if r.exchange is not exchange])
        if whole is None or not whole.history or not readable(exchange):
            continue
        one, key = reading(exchange, profile), identity(profile)
        first = one.history[0] if one.history else None
        if first is None and exchange.ending is Ending.CUT:
            continue  # we left before it could come
        if first is None or key(one, first) != key(whole, whole.history[0]):
            seen = f"{first.kind} {key(one, first)}" if first else "no event"
            found.append(finding(exchange, "the first event of the run first", seen, (0, len(exchange.body))))
    return found


def nothing_from_before(trace: Trace, profile: Profile) -> Outcome:
    """CAT-17: what was emitted before a newcomer came is in no event of its stream."""
    before, came = trace.stimulus.get("before"), [r for r in streams(trace, profile) if r.exchange.role == "newcomer"]
    if not before or not any(ended(r) or r.events for r in came):
        return NotExercised("no reader came after something was emitted")
    found = []
    for one in came:
        gone = [profile.said(emit)[1] for emit in before]
        old = next((event for event in one.events if any(_holds(one.value(event), part) for part in gone)), None)
        if old is not None:
            want = "nothing that was emitted before the reader came"
            found.append(finding(one.exchange, want, shown(one.value(old)), (old.start, old.end)))
    return found


def _holds(value: Any, part: Any) -> bool:
    """Whether a JSON value has all the members of `part`, at every depth."""
    if isinstance(part, dict):
        return isinstance(value, dict) and all(key in value and _holds(value[key], part[key]) for key in part)
    return same(value, part)


def served_after_restart(trace: Trace, profile: Profile) -> Outcome:
    """CAT-18."""
    back = [x for x in with_role(trace, "returned") if x.about.get("restarts")]
    if not back:
        return NotExercised("no reader came back after a restart")
    found = []
    for x in back:
        shows = "due_us" in x.about or profile.field("catchup.first")  # else nothing has to be on the stream
        if not opened(x) or (shows and not (readable(x) and reading(x, profile).events)):
            refused = f"status {x.status}" if x.head else f"no answer: {x.ending.value} {x.detail}".strip()
            seen = f"no event, then {x.ending.value}" if opened(x) else refused
            found.append(finding(x, "a reader served like a new one", seen, at_us=x.ended_us))
    return found


def _records(trace: Trace, profile: Profile) -> list[tuple[Exchange, float, Any]]:
    """Records of detached runs: the exchange, how much of its life was over, and the state."""
    pointer = profile.field("operations.record.state.pointer")
    records = [x for x in with_role(trace, "record-detached") if x.status == 200]
    return [(x, float(x.about["life"]), pointed(x.json(), pointer)) for x in records]


def _harness_late(trace: Trace, profile: Profile, exchange: Exchange) -> int | None:
    """By how many ms the harness was late, None where that is little enough."""
    tolerance_us = profile.tolerance_us(profile.field("catchup.detached.tolerance_ms"), trace.time_scale)
    late_us = trace.jitter_us.get(exchange.id, 0)
    return late_us // 1000 if late_us * 4 > tolerance_us else None


def alive_when_detached(trace: Trace, profile: Profile) -> Outcome:
    """CAT-11."""
    limit, active = profile.field("catchup.detached.alive_at"), profile.field("operations.record.state.active")
    records = [(x, life, state) for x, life, state in _records(trace, profile) if life <= limit]
    if not records:
        return NotExercised("no record of a run without readers was requested in time")
    late = [ms for x, _, _ in records if (ms := _harness_late(trace, profile, x)) is not None]
    if late:
        return NotExercised(f"harness late by {max(late)} ms")
    want = f"one of {', '.join(active)} at {limit:.0%} of the time without readers"
    return [
        finding(x, want, f"{state!r} at {life:.0%}", (0, len(x.body)))
        for x, life, state in records
        if state not in active
    ]


def ended_when_detached(trace: Trace, profile: Profile) -> Outcome:
    """CAT-12."""
    finished = profile.field("operations.record.state.finished")
    records = [(x, life, state) for x, life, state in _records(trace, profile) if life > 1]
    if not records:
        return NotExercised("no record of a run was requested after its time without readers")
    want = f"one of {', '.join(finished)} after the time without readers"
    return [
        finding(x, want, f"{state!r} at {life:.0%}", (0, len(x.body)))
        for x, life, state in records
        if state not in finished
    ]


def last_event_id(trace: Trace, profile: Profile) -> Outcome:
    """CAT-13: what was seen before the cut and what comes after it make the whole history."""
    found, exercised = [], False
    for label, readings in by_run(trace, profile).items():
        del label
        for one in readings:
            if one.exchange.about.get("cursor_from") != "last-event-id" or not ended(one):
                continue
            whole = witness(readings, excluding=one)
            if whole is None:
                continue
            exercised = True
            lost = _missing(whole, one, int(one.exchange.about["after"]))
            if lost:
                place = f"after Last-Event-ID {one.exchange.about['cursor']!r}"
                found.append(_lost(whole, one, lost, place))
    refused = [x for x in trace.exchanges if x.about.get("cursor_from") == "last-event-id" and x.head and not opened(x)]
    found += [finding(x, "a stream for a reader with Last-Event-ID", f"status {x.status}") for x in refused]
    return found if exercised or refused else NotExercised("no reader came back with Last-Event-ID")


def _before_restart(trace: Trace, profile: Profile) -> dict[str, list[Any]]:
    """For each run the longest history, as values, that a reader saw before the candidate was killed."""
    seen: dict[str, list[Any]] = {}
    for one in streams(trace, profile):
        label = str(one.exchange.about.get("run"))
        if not one.exchange.about.get("restarts") and len(one.history) > len(seen.get(label, ())):
            seen[label] = one.values(one.history)
    return seen


def _reread(trace: Trace) -> list[Exchange]:
    """Requests for the whole stream of a run after a restart."""
    return [
        x
        for x in trace.exchanges
        if x.about.get("restarts")
        and x.about.get("meant") in ("stream", "either")
        and x.role != "cut"
        and x.head
        and "cursor" not in x.about
    ]


def _not_kept(trace: Trace, profile: Profile, *, refusal_is_fine: bool) -> Outcome:
    asked = _reread(trace)
    before = _before_restart(trace, profile) if asked else None
    if before is None:
        return NotExercised("the candidate was not killed and started again")
    found, exercised = [], False
    unknown = profile.field("auth.unknown") or [404]
    for exchange in asked:
        history = before.get(str(exchange.about.get("run")))
        if not history:
            continue
        exercised = True
        if not opened(exchange):
            if not refusal_is_fine or exchange.status not in unknown:
                want = f"status {' or '.join(map(str, unknown))} or the history" if refusal_is_fine else "the history"
                found.append(finding(exchange, f"{want} after a restart", f"status {exchange.status}"))
            continue
        one = reading(exchange, profile)
        values = one.values(one.history[: len(history)])
        at = next((i for i, want in enumerate(history) if i >= len(values) or not same(values[i], want)), None)
        if at is not None:
            seen = shown(values[at]) if at < len(values) else "missing"
            want = f"event {at + 1} as it was seen before the restart: {shown(history[at])}"
            found.append(finding(exchange, want, seen, (0, len(exchange.body))))
    return found if exercised else NotExercised("no event was seen before the restart")


def survives(trace: Trace, profile: Profile) -> Outcome:
    """CAT-14."""
    return _not_kept(trace, profile, refusal_is_fine=False)


def no_silent_restart(trace: Trace, profile: Profile) -> Outcome:
    """CAT-15."""
    return _not_kept(trace, profile, refusal_is_fine=True)


CHECKS: dict[str, Check] = {
    "CAT-01": start_state,
    "CAT-02": whole_when_finished,
    "CAT-03": whole_when_joined,
    "CAT-04": each_once,
    "CAT-05": after_cursor,
    "CAT-06": nothing_before_cursor,
    "CAT-07": replay_equals_live,
    "CAT-08": _refusal("malformed", "a malformed cursor"),
    "CAT-09": _refusal("unknown", "an unknown cursor"),
    "CAT-10": empty_cursor,
    "CAT-11": alive_when_detached,
    "CAT-12": ended_when_detached,
    "CAT-13": last_event_id,
    "CAT-14": survives,
    "CAT-15": no_silent_restart,
    "CAT-16": survives,
    "CAT-17": nothing_from_before,
    "CAT-18": served_after_restart,
}
