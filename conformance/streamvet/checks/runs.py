"""What a trace says of each of its runs: who read it, from where, and which reading is the whole history.

Judges nothing: the selections here are what several checks begin with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.profile import cursor_of, matches
from streamvet.decode import streams
from streamvet.outcome import NotExercised

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.events import Event
    from streamvet.trace import Exchange, Trace

# Who may stand for the whole history of a run, the best first: the longest attached.
NO_SCRIPT = NotExercised("no script emitted anything: scripts need the control interface")

WITNESSES = ("reader", "stalled", "racer", "after", "late")

LIMIT = "limit:"  # how the recorder begins the detail of an exchange of which it has not read the rest


def with_role(trace: Trace, *roles: str) -> list[Exchange]:
    """The exchanges that have one of these roles."""
    return [exchange for exchange in trace.exchanges if exchange.role in roles]


def answered(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """The exchanges that have an answer."""
    return [exchange for exchange in exchanges if exchange.head is not None]


def succeeded(exchange: Exchange, profile: Profile) -> bool:
    """Whether an operation was answered with a status that the profile names for its success."""
    operation = profile.operations.get(exchange.operation)
    return operation is not None and exchange.status in operation.status


def from_start(reading: Reading) -> bool:
    """Whether the stream begins at the beginning of its run: no cursor, or an empty one that means the same."""
    origin = reading.exchange.about.get("cursor_from")
    return origin is None or (origin == "empty" and reading.profile.field("catchup.cursor.empty") == "start")


def left_alone(reading: Reading) -> bool:
    """Whether the end of the stream was the server's to decide: not cut by us, not killed with its server."""
    return reading.exchange.role != "cut" and reading.exchange.by_server


def has_last(reading: Reading) -> bool:
    """Whether the event that the profile names as the last one has arrived."""
    terminal = reading.profile.terminal
    return bool(terminal and reading.of(terminal.last))


def ended(reading: Reading) -> bool:
    """Whether the stream got to its end: its last event is there, or the server closed it as HTTP says.

    An ambient stream has no end; there it is whether the reader stayed until everything was there, or due. Where the
    server closed one and the profile says nothing of how it ends, that cannot be known.
    """
    one = reading.exchange
    is_due = "due_us" in one.about and not one.detail.startswith(LIMIT)
    if one.by_server and reading.profile.streams == "ambient" and reading.profile.terminal is None:
        return False
    if left_off(reading):
        return False
    return has_last(reading) or (left_alone(reading) and one.clean) or is_due


def left_off(reading: Reading) -> bool:
    """Whether a stream ended before its run, where the profile lets it, and its reader can come back to the rest.

    Who came with a cursor and got nothing can come again with that one.
    """
    terminal, cursors = reading.profile.terminal, reading.profile.cursor_events or ("*",)
    if terminal is None or not terminal.unless_resumable or has_last(reading):
        return False
    events = reading.of(cursors)
    at = events[-1] if events else None
    if at is None:
        return reading.exchange.about.get("cursor_from") == "seen" and not reading.exchange.about.get("after_terminal")
    return cursor_of(reading.profile.cursor, lambda: reading.value(at), lambda: reading.id_of(at)) is not None


def given_up(reading: Reading, trace: Trace) -> bool:
    """Whether a run that no script keeps silent has told nothing for so long that nobody waits for its end any more."""
    terminal = reading.profile.terminal
    silent = "silent_ms" in reading.exchange.about and trace.stimulus.get("script") is None
    return silent and terminal is not None and not reading.of(terminal.events)


def by_run(trace: Trace, profile: Profile) -> dict[str, list[Reading]]:
    """The readable streams of a trace, by the label of their run."""
    found: dict[str, list[Reading]] = {}
    for reading in streams(trace, profile):
        label = reading.exchange.about.get("run")
        if label:
            found.setdefault(label, []).append(reading)
    return found


def witness(readings: Iterable[Reading], *, excluding: Reading | None = None) -> Reading | None:
    """The stream that stands for the whole history of its run, None where no reader got to the end."""
    whole = [r for r in readings if r is not excluding and from_start(r) and ended(r) and r.exchange.role in WITNESSES]
    return min(whole, key=lambda r: (WITNESSES.index(r.exchange.role), -len(r.history)), default=None)


def unread(one: Reading, start: int = 0, end: int | None = None, *, since_us: int = 0) -> bool:
    """Whether something between two offsets of a stream, from a time on, could not be read by who looks at it.

    What is absent there may have been that.
    """
    if one.exchange.whole is None:
        return False
    return any(piece.at_us >= since_us for piece in one.unread.between(start, end))


def its_age(exchange: Exchange) -> str:
    """How old a stream was at its end, and for how long it was silent: who cuts what is idle, or old, shows in it."""
    begun_us = exchange.head.at_us if exchange.head else exchange.sent_us
    silent_us = exchange.ended_us - max([begun_us, *exchange.times[-1:]])
    return f"after {silent_us / 1000:.0f} ms of silence, {(exchange.ended_us - begun_us) / 1000:.0f} ms after the head"


def slowest_answer_us(trace: Trace) -> int:
    """How long the answer of the try took that took longest, of those that are no streams."""
    answers = (x for x in trace.exchanges if x.about.get("meant") != "stream")
    return max((x.head.at_us - x.sent_us for x in answers if x.head), default=0)


class Emitted(NamedTuple):
    """One event of a script: its SSE event name, "" where that does not tell the type, and its value."""

    name: str
    value: Any


def emitted(trace: Trace, profile: Profile) -> list[Emitted] | None:
    """What the script of a controlled run emits, in order; None where there is no script."""
    script = trace.stimulus.get("script")
    return None if script is None else [Emitted(*profile.said(step["emit"])) for step in script if "emit" in step]


def scripted(reading: Reading) -> list[Event]:
    """The history without what the server adds to a script of its own."""
    profile = reading.profile
    own = (*(profile.terminal.events if profile.terminal else ()), *(profile.field("events.script.own") or ()))
    return list(reading.history.where(lambda shape: shape.kind is None or not matches(shape.kind, own)))


def outcome_kinds(trace: Trace, profile: Profile) -> tuple[str, ...] | None:
    """The terminal events that a run of this trace must end with, None where its outcome is not known."""
    outcome = trace.stimulus.get("outcome")
    return profile.terminal.outcomes.get(str(outcome)) if profile.terminal and outcome else None
