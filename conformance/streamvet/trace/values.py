"""The values of a trace: requests, heads, the bytes of exchanges with their times, and the trace of one try.

Must not know how a trace is written to a file, what a role or a fact means, nor what is computed from the bytes.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator, Mapping, Sequence


class Ending(Enum):
    """How an exchange ended."""

    COMPLETE = "complete"  # as HTTP says: last chunk, or Content-Length reached
    CLOSED = "closed"  # close-delimited: the end of the connection is the end of the message
    TRUNCATED = "truncated"  # the connection ended before the message did
    MALFORMED = "malformed"  # not HTTP
    RESET = "reset"  # the connection was reset or failed
    CUT = "cut"  # by us: `detail` says why; "limit: …" where a limit of the recorder was reached
    TIMED_OUT = "timed-out"  # by us, at the deadline of a wait


BY_SERVER = frozenset({Ending.COMPLETE, Ending.CLOSED, Ending.TRUNCATED, Ending.MALFORMED, Ending.RESET})
CLEAN = frozenset({Ending.COMPLETE, Ending.CLOSED})


class Request(NamedTuple):
    """What was asked: method, URL and header fields with secrets masked, body as text or None."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str | None


class Head(NamedTuple):
    """The head of an answer. Header names keep their case; `at_us` is its arrival."""

    status: int
    http: str  # "HTTP/1.1"
    headers: tuple[tuple[str, str], ...]
    at_us: int

    def all(self, name: str) -> list[str]:
        """Every value of the header field `name`, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str, default: str = "") -> str:
        """The values of the header field `name`, joined by a comma (RFC 9110, 5.3)."""
        return ", ".join(self.all(name)) or default

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters; "" where there is none."""
        return self.get("content-type").partition(";")[0].strip().lower()


class Chunk(NamedTuple):
    """Bytes as they arrived; `start` is their offset in the body."""

    at_us: int
    start: int
    data: bytes


class Attempt(NamedTuple):
    """Which performance of a try a trace is: what seems to be over its time is tried again."""

    of: int  # the number of the try in its campaign
    number: int  # from 1 on


class Late(NamedTuple):
    """A time in which the harness itself was late: from `at_us` on, for `us`, nothing was read that came."""

    at_us: int
    us: int


class Memo(dict[str, Any]):
    """What was computed of an exchange: it goes when that goes, and does not follow it to another process."""

    def __reduce__(self) -> tuple[type[Memo], tuple[()]]:
        return Memo, ()


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Exchange:
    """One request and everything that came back. Times are µs from the trace's zero.

    `operation` is the profile's verb (`attach`, `start:run`, …), `role` what the probe meant it for, `about` further
    facts that checks need: see `ABOUT`.
    """

    id: str
    operation: str
    role: str
    about: Mapping[str, Any]
    request: Request
    sent_us: int
    head: Head | None
    body: bytes
    ends: array[int]  # offset after each chunk
    times: array[int]  # arrival of each chunk
    ending: Ending
    ended_us: int
    detail: str = ""
    coding: str = ""  # the content coding that was undone: the body, its chunks and all spans are of what it says
    wire_bytes: int = 0  # of the body as it came, with its coding; 0 where nobody has counted
    whole: Exchange | None = None  # of a view that hides events: the exchange with all of them
    reads: str = "frames"  # of such a view: the level that an event has to reach so that it is seen
    memo: Memo = field(default_factory=Memo, init=False, repr=False)

    @property
    def chunks(self) -> Iterator[Chunk]:
        """The body in the pieces in which it arrived."""
        start = 0
        for end, at_us in zip(self.ends, self.times, strict=True):
            yield Chunk(at_us, start, self.body[start:end])
            start = end

    @property
    def by_server(self) -> bool:
        """Whether the server ended it, one way or another."""
        return self.ending in BY_SERVER

    @property
    def clean(self) -> bool:
        """Whether the server ended it as HTTP says."""
        return self.ending in CLEAN

    @property
    def status(self) -> int | None:
        """The status of the answer, None where there is none."""
        return self.head.status if self.head else None

    @property
    def successful(self) -> bool:
        """Whether the status of the answer says success (RFC 9110, 15.3)."""
        return self.status is not None and 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None where it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Trace:
    """All exchanges of one try, in the order of their requests, with what the checks need besides bytes."""

    probe: str
    stimulus: Mapping[str, Any]
    exchanges: tuple[Exchange, ...]
    profile: str
    digest: str
    revision: int
    time_scale: float = 1.0
    wall_clock: float = 0.0  # Unix seconds at the trace's zero
    lacks: tuple[str, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)  # role -> what it is, never a secret
    late: Sequence[Late] = ()  # when the harness itself was late, one after the other
    attempt: Attempt | None = None  # None where nothing says that it may be tried again
    answers: Mapping[str, Any] = field(default_factory=dict)  # to what the profile asks, as far as they change it
    spec: int = 0  # the earlier revision by which the run is scored; 0: that of the trace itself
    name: str = ""  # the file it came from or will be written to

    def late_us(self, since_us: int, until_us: int) -> int:
        """For how long the harness was late within a window, in sum: so much later may it have read what had come."""
        return sum(self._late_within(since_us, until_us))

    def worst_late_us(self, exchange: Exchange) -> int:
        """For how long the harness was late at once while an exchange went on, at worst."""
        return max(self._late_within(exchange.sent_us, exchange.ended_us), default=0)

    def late_at_us(self, at_us: int) -> int:
        """How much earlier what was read at a moment may have come: the delays that follow on each other up to it."""
        late_us, until_us = 0, at_us
        for index in range(bisect_left(self.late, at_us, key=_since) - 1, -1, -1):
            one = self.late[index]
            if one.at_us + one.us < until_us - _APART_US:
                break
            late_us += min(one.at_us + one.us, at_us) - one.at_us
            until_us = one.at_us
        return late_us

    def _late_within(self, since_us: int, until_us: int) -> Iterator[int]:
        first = bisect_right(self.late, since_us, key=_until)
        for index in range(first, len(self.late)):
            at_us, late_us = self.late[index]
            if at_us >= until_us:
                break
            yield min(at_us + late_us, until_us) - max(at_us, since_us)


# A harness that is never idle in between is late all the while: its delays are measured every 5 ms.
_APART_US = 10_000


def _since(one: Late) -> int:
    return one.at_us


def _until(one: Late) -> int:
    return one.at_us + one.us
