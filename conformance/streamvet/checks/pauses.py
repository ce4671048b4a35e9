"""Whether what a script emits is there before the pause behind it is over: by the script's clock, and by its ending.

That two events are as far apart as they were emitted says little: a server that is one whole event late keeps the gaps.
Its last event comes with the ending, though. So each event is held to everything that comes behind it, and to what
other readers of the run had by then. Must not know SSE or NDJSON, nor which probe made a script.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from streamvet.checks.runs import emitted, scripted, with_role
from streamvet.outcome import NotExercised, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Exchange, Trace

# A pause counts as kept when at least this part of it is seen between two arrivals. Half leaves room for a late
# scheduler on either side; a buffered stream shows next to none of it.
PAUSE_SEEN = 0.5
PAUSE_BEARS = 0.25  # of a pause: a harness, or a reader, that is later than this cannot tell
MIN_PAUSE_US = 200_000  # shorter pauses are too near to a scheduler's own delays to say anything
BEFORE_BEAT = 0.5  # of a heartbeat's interval: what comes by then was not let out by the next one
_PUBLISHES = re.compile('{"do": ?"publish"')


class _Cue(NamedTuple):
    """When a script emits an event, counted from its beginning, and how long it pauses then. Times are µs."""

    due_us: int
    pause_us: int


class _Mark(NamedTuple):
    """An event, or the ending, as one reader got it; `number` counts from 0, the ending is behind the last one."""

    number: int
    at_us: int
    event: Event
    exchange: Exchange


def released(readings: Iterable[Reading], trace: Trace, profile: Profile) -> Outcome:
    """Where an event came when the pause behind it was over, or as good as over, in some streams of a trace."""
    cues, wanted = _cues(trace), emitted(trace, profile)
    if wanted is None or not any(_is_long(cue) for cue in cues):
        return NotExercised("no script with a pause")
    whole = [one for one in readings if one.exchange.role == "reader" and len(scripted(one)) == len(wanted)]
    if profile.streams == "ambient":
        published = _publications(trace, profile, cues)
        return _folded([_of_ambient(one, trace, cues, published) for one in whole])
    # From the request on: a run may be well on its way when its start is answered.
    begun = {str(x.about.get("run")): x.sent_us for x in trace.exchanges if x.operation.startswith("start:")}
    runs: dict[str, list[Reading]] = {}
    for one in whole:  # where an event is lost or comes twice, which is another row's, they cannot be told apart
        if (label := str(one.exchange.about.get("run"))) in begun:
            runs.setdefault(label, []).append(one)
    first = {label: _earliest(of, ends_by_itself=_ends_by_itself(trace, label)) for label, of in runs.items()}
    return _folded([_of_run(one, trace, cues, first[label], begun[label]) for label, of in runs.items() for one in of])


def _folded(outcomes: list[Outcome]) -> Outcome:
    """One outcome of all readers: findings, else that one of them could not see what was due, else that it held."""
    found = [one for outcome in outcomes if isinstance(outcome, list) for one in outcome]
    unseen = [one for one in outcomes if isinstance(one, NotExercised)]
    if found or len(unseen) < len(outcomes):
        return found or next((one for one in unseen if one.due), [])
    return next(iter(unseen), NotExercised("no reader saw both sides of a pause"))


def _cues(trace: Trace) -> list[_Cue]:
    """The events of a script; a last one, that does not pause, is its ending."""
    due_us = [0]
    now_us = 0
    for step in trace.stimulus.get("script") or ():
        if "emit" in step:
            due_us.append(now_us)
        else:
            now_us += int(step["wait_ms"] * 1000 * trace.time_scale)
    return [_Cue(a, b - a) for a, b in pairwise([*due_us[1:], now_us])] + [_Cue(now_us, 0)]


def _is_long(cue: _Cue) -> bool:
    return cue.pause_us >= MIN_PAUSE_US


def _marks(one: Reading, *, ends_by_itself: bool) -> list[_Mark]:
    """The events of a script and, where its run ends by itself, the ending."""
    marks = [_Mark(number, event.at_us, event, one.exchange) for number, event in enumerate(scripted(one))]
    ends = one.of(one.profile.terminal.events)[:1] if one.profile.terminal and ends_by_itself else []
    return marks + [_Mark(len(marks), event.at_us, event, one.exchange) for event in ends]


def _ends_by_itself(trace: Trace, label: str) -> bool:
    """Whether a run ends as soon as its script is over."""
    disturbed = any(x.operation == "cancel" and x.about.get("run") == label for x in trace.exchanges)
    return trace.stimulus.get("outcome") in ("succeeds", "fails") and not disturbed


def _earliest(readings: Sequence[Reading], *, ends_by_itself: bool) -> Mapping[int, _Mark]:
    """By its number, each event as the first of all readers had it: by then it was emitted."""
    found: dict[int, _Mark] = {}
    for mark in (mark for one in readings for mark in _marks(one, ends_by_itself=ends_by_itself)):
        if mark.number not in found or mark.at_us < found[mark.number].at_us:
            found[mark.number] = mark
    return found


def _of_run(
    one: Reading, trace: Trace, cues: Sequence[_Cue], earliest: Mapping[int, _Mark], begun_us: int
) -> Outcome:  # fmt: skip
    exercised = False
    x = one.exchange
    came_us = 0 if x.operation.startswith("start:") else one.head_us - begun_us
    for mark in _marks(one, ends_by_itself=False):
        cue = cues[mark.number]
        bears_us = cue.pause_us * PAUSE_BEARS
        # Who comes when the pause is on its way already gets what was before it late.
        if not _is_long(cue) or mark.number + 1 not in earliest or came_us - cue.due_us > bears_us:
            continue
        late = _late(mark, cues, earliest)
        harness_us = trace.late_at_us(mark.at_us)
        if late is not None and harness_us > bears_us:
            return NotExercised(f"harness late by {harness_us / 1000:.0f} ms", due=True)
        if late is not None:
            return [late]
        exercised = True
    return [] if exercised else NotExercised("no reader saw both sides of a pause")


def _late(mark: _Mark, cues: Sequence[_Cue], earliest: Mapping[int, _Mark]) -> Finding | None:
    """The finding of an event that came too late for what any reader had behind it, or for what another one had."""
    cue = cues[mark.number]
    spare_us = int(cue.pause_us * PAUSE_SEEN)

    def slack_us(other: _Mark) -> int:
        apart_us = cues[other.number].due_us - cue.due_us
        return other.at_us - mark.at_us - (apart_us - spare_us)

    tightest = min((other for number, other in earliest.items() if number >= mark.number), key=slack_us)
    if slack_us(tightest) >= 0:
        return None
    here, there = mark.exchange, tightest.exchange
    whose = "" if there.id == here.id else f", which is of exchange {there.id}"
    least_us = cues[tightest.number].due_us - cue.due_us - spare_us
    pauses = f": the run pauses {cue.pause_us / 1000:.0f} ms"
    if tightest.number == mark.number:
        want = f"event {mark.number + 1} at most {-least_us / 1000:.0f} ms after exchange {there.id} had it{pauses}"
        seen = f"{(mark.at_us - tightest.at_us) / 1000:.0f} ms after that"
    else:
        want = f"event {mark.number + 1} at least {least_us / 1000:.0f} ms before {_name(mark, tightest, cues)}{pauses}"
        seen = f"{(tightest.at_us - mark.at_us) / 1000:.0f} ms between them{whose}"
    end = tightest.event.end if there.id == here.id else mark.event.end
    at_us = max(mark.at_us, tightest.at_us) if there.id == here.id else mark.at_us
    return finding(here, want, seen, (mark.event.start, end), at_us, beside=[there.id], timed=True)


def _name(mark: _Mark, other: _Mark, cues: Sequence[_Cue]) -> str:
    if other.number == len(cues) - 1:
        return "the ending"
    return "the next" if other.number == mark.number + 1 else f"event {other.number + 1}"


# ------------------------------------------------------------------------------------------------ ambient streams


class _Publication(NamedTuple):
    """When an event was published for sure, and until when it has to be there. Times are µs."""

    at_us: int
    due_us: int


def _publications(trace: Trace, profile: Profile, cues: Sequence[_Cue]) -> list[_Publication]:
    """For each event of a script that the suite performs itself; [] where that is not known.

    It is due before the pause behind it is over, and well before a heartbeat: what waits for the next write comes with
    one, and at a small time scale that is soon.
    """
    asked = [x for x in with_role(trace, "control") if _PUBLISHES.match(x.request.body or "")]
    bunches = [cue.due_us for number, cue in enumerate(cues[:-1]) if not number or cues[number - 1].pause_us]
    if len(asked) != len(bunches):
        return []
    over = [*(x.sent_us for x in asked[1:]), asked[-1].ended_us + cues[-2].pause_us]
    beat = profile.heartbeat
    most_us = int(beat.interval_ms * 1000 * trace.time_scale * BEFORE_BEAT) if beat else cues[-1].due_us
    places = [sum(due_us <= cue.due_us for due_us in bunches) - 1 for cue in cues[:-1]]
    ended = [(asked[place].ended_us, over[place]) for place in places]
    return [_Publication(at_us, min(over_us, at_us + max(most_us, MIN_PAUSE_US))) for at_us, over_us in ended]


def _of_ambient(one: Reading, trace: Trace, cues: Sequence[_Cue], published: Sequence[_Publication]) -> Outcome:
    """Also by when each event was published: there is no ending to which the last one could be held."""
    outcome = _of_run(one, trace, cues, _earliest([one], ends_by_itself=False), one.head_us)
    if isinstance(outcome, NotExercised) or outcome or not published:
        return outcome
    for mark in _marks(one, ends_by_itself=False):
        cue, (at_us, due_us) = cues[mark.number], published[mark.number]
        if _is_long(cue) and mark.at_us >= due_us + trace.late_at_us(mark.at_us):
            pauses = f"the suite pauses {cue.pause_us / 1000:.0f} ms after it"
            want = f"event {mark.number + 1} within {(due_us - at_us) / 1000:.0f} ms of its publication: {pauses}"
            seen, span = f"after {(mark.at_us - at_us) / 1000:.0f} ms", (mark.event.start, mark.event.end)
            return [finding(one.exchange, want, seen, span, mark.at_us, timed=True)]
    return outcome
