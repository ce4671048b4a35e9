"""What a check says: not exercised, held, or findings. What many checks say: a verdict.

Values only; must not know any check.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.contract.profile import Profile
    from streamvet.trace import Exchange, Trace

SEEN_CHARS = 120  # how much of what was seen a finding quotes


@dataclass(frozen=True, slots=True)
class NotExercised:
    """The prerequisite of a requirement never occurred in this trace.

    Or it did, and what was due then could not be looked at, as the suite was late or had left: `due`. Whatever else was
    tried does not make up for that; another attempt of the same try does.
    """

    reason: str
    due: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: where, when, what was expected and what was seen. The text is a lower-case fragment.

    `span` is `[start, end)` in the exchange's body; (0, 0) where it is about the exchange as a whole. The judge
    sets the requirement, the trace, the probe, the operation and what explains it.
    """

    exchange: str
    span: tuple[int, int]
    at_us: int
    expected: str
    seen: str
    requirement: str = ""
    trace: str = ""
    probe: str = ""  # whose try it was
    operation: str = ""  # the operation of its exchange
    beside: tuple[str, ...] = ()  # the exchanges with which this one was compared
    absent: bool = False  # it says that something is absent, which what cannot be read of its exchange may have been
    timed: bool = False  # it is about time: something came too late, too early or never within its bound
    witness: tuple[str, tuple[int, int]] | None = None  # the exchange beside it, and its bytes, that show what is right
    explained_by: tuple[str, ...] = ()  # the ids that explain it; none where it is a violation of its own


Outcome = NotExercised | list[Finding]
Check = Callable[["Trace", "Profile"], Outcome]  # names: a verdict can be had without what reads a profile


def own_findings(outcome: Outcome | None) -> list[Finding]:
    """The findings of an outcome that no other violation explains."""
    return [one for one in outcome if not one.explained_by] if isinstance(outcome, list) else []


class Verdict(Enum):
    """The names are ISO 9646's where it has one."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    WARN = "WARN"  # a SHOULD that is violated
    NOTE = "NOTE"  # legal, and known clients trip over it; it fails nothing
    INCONCLUSIVE = "INCONCLUSIVE"  # never exercised, or nothing but findings that other violations explain
    NOT_APPLICABLE = "NOT_APPLICABLE"
    WAIVED = "WAIVED"
    ERROR = "ERROR"  # ours: a check raised


def shown(value: object) -> str:
    """A value as a finding quotes it: as JSON, cut."""
    return brief(_spelt(value))


def apart(wanted: object, got: object) -> tuple[str, str]:
    """Two values as a finding quotes them; where they look alike so far, from shortly before they differ."""
    one, other = _spelt(wanted), _spelt(got)
    if brief(one) != brief(other) or one == other:
        return brief(one), brief(other)
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = at - SEEN_CHARS // 3
    return f"…{brief(one[start:])}", f"…{brief(other[start:])}"


def brief(text: str) -> str:
    """A text, or its beginning."""
    return text if len(text) <= SEEN_CHARS else text[: SEEN_CHARS - 1] + "…"


def _spelt(value: object) -> str:
    """A value as JSON on one line; bytes as the text that they are. What has no shape is escaped."""
    if isinstance(value, bytes | bytearray):
        value = bytes(value).decode("utf-8", "backslashreplace")
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):  # a number of thousands of digits, or a depth that none reads
        return "a value that is too large to be shown"
    return text if text.isprintable() else "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1]


def finding(
    exchange: Exchange, expected: str, seen: object, span: tuple[int, int] = (0, 0), at_us: int | None = None, *,
    beside: Iterable[str] = (), absent: bool = False, timed: bool = False,
    witness: tuple[str, tuple[int, int]] | None = None,
) -> Finding:  # fmt: skip
    """A finding about `exchange`; a text for `seen` stands as it is, any other value is quoted.

    Without `at_us` the time is that of the last byte of the span, else of the head, else of the end.
    """
    if at_us is None:
        at_us = (
            arrival_us(exchange, span[1]) if span[1] else (exchange.head.at_us if exchange.head else exchange.ended_us)
        )
    quoted = brief(seen) if isinstance(seen, str) else shown(seen)
    others = tuple(one for one in dict.fromkeys(beside) if one != exchange.id)
    return Finding(
        exchange.id, span, at_us, expected, quoted, beside=others, absent=absent, timed=timed, witness=witness
    )


# Findings of one requirement in one exchange. A report shows the first ones, and says how many more texts there are.
MOST_FINDINGS = 1000


def has_room(found: list[Finding], exchange: Exchange) -> bool:
    """Whether one more finding of an exchange is kept, where those of one exchange follow each other.

    A flood of violations says nothing more, and each finding of it reads its event again.
    """
    return len(found) < MOST_FINDINGS or found[-MOST_FINDINGS].exchange != exchange.id


def arrival_us(exchange: Exchange, end: int) -> int:
    """When the byte before offset `end` of the body arrived."""
    low, high = 0, len(exchange.ends)
    while low < high:
        middle = (low + high) // 2
        if exchange.ends[middle] < end:
            low = middle + 1
        else:
            high = middle
    return exchange.times[low] if low < len(exchange.times) else exchange.ended_us
