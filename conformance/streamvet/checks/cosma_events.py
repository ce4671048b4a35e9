"""What cosma's stream tells, and what was done that it has to tell of. Selections with which the COS checks begin.

Judges nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.decode import streams

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.trace import Exchange, Trace


class Told(NamedTuple):
    """One event: its opcode, its data, when it arrived, and its place in the stream, by which events are in order."""

    kind: str
    data: dict[str, Any]
    at_us: int
    span: tuple[int, int]


def told(one: Reading, *kinds: str, **data: Any) -> list[Told]:
    """The events of these opcodes with these data, in their order."""
    found = []
    for event in one.of(kinds):
        value = one.value(event)
        inner = value.get("data") if isinstance(value, dict) else None
        if isinstance(inner, dict) and all(inner.get(key) == data[key] for key in data):
            found.append(Told(str(event.kind), inner, event.at_us, (event.start, event.end)))
    return found


class Deed(NamedTuple):
    """Something that was done on disk, begun at this time."""

    at_us: int
    did: str
    path: str
    to: str


def deeds(one: Reading) -> list[Deed]:
    """What was done on disk while a reader was attached."""
    rows = one.exchange.about.get("files", ())
    return [Deed(row["at_us"], row["did"], row["path"], row.get("to", "")) for row in rows]


def followed(trace: Trace, profile: Profile) -> list[tuple[Reading, Deed]]:
    """Each thing that was done on disk, with the reader that has to be told of it."""
    return [(one, deed) for one in streams(trace, profile) for deed in deeds(one)]


def stayed_us(one: Reading, since_us: int) -> int:
    """For how long after something a reader was attached."""
    return one.exchange.ended_us - since_us


def succeeded(exchange: Exchange, profile: Profile) -> bool:
    """Whether a request of the profile was answered as it is where it works."""
    operation = profile.operations.get(exchange.operation)
    return operation is not None and exchange.status in operation.status


def made(trace: Trace, profile: Profile, operation: str) -> list[Exchange]:
    """The requests that made something happen, as far as they worked."""
    return [x for x in trace.exchanges if x.operation == operation and x.role == "trigger" and succeeded(x, profile)]


def cooldown_us(trace: Trace, profile: Profile) -> int | None:
    """The cooldown that the candidate was asked for, in real time; None where it did not take that."""
    asked = trace.stimulus.get("cooldown_s")
    if asked is None or not made(trace, profile, "trigger:settings"):
        return None
    return int(asked * 1e6 * trace.time_scale)
