"""Where a fault may take hold: the places at which the honest code asks "and now?" and follows the answer.

Every seam is a function; its default is the honest behaviour, mostly the identity. A fault replaces functions, never
code. This module must not know any fault, any system, a socket or a database: it holds values and defaults only.

The families are head (status, headers, JSON answers), frame (what one reader is shown, and as which bytes), log (what
is kept, numbered, replayed and found again), clock (every wait, by name), access (every refusal by name, and what is
kept from whom) and close (how a stream ends, and what follows when a reader leaves).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Scene:
    """One request being served: what every seam is told. `scratch` is a fault's own memory; honest code never reads it.

    `operation` is `login`, `start:<kind>`, `attach`, `resume`, `cancel`, `record`, `list`, or the route's own name.
    A run that works in the background has the operation `work`, one that is found again at the start `recall`; they
    have no query and no headers.

    `address` counts from 1 where the server can be reached at several: those of one process, or those of its workers.
    """

    profile: str
    operation: str
    run: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    scratch: dict[str, Any] = field(default_factory=dict)
    address: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer, and its JSON document; `None` where a stream follows.

    `chunked`: a stream says itself where it ends; else the end of the connection does. `at_once`: its head goes out
    before there is a frame.
    """

    status: int
    headers: Mapping[str, str]
    document: Any = None
    chunked: bool = True
    at_once: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer before it has its system's shape. `code` is the machine's word, `text` the reader's."""

    status: int
    code: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame of one connection.

    `name` is the event's kind and type (`status.pass`, `assist.recon`, `file`, `ping`), `index` counts the frames of
    the connection from 0, `number` is the event's place in the log (None: it is not of the log), `replayed` says that
    it comes from catch-up, `last` that the server closes after it.
    """

    scene: Scene
    name: str
    index: int
    number: int | None = None
    replayed: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """A piece that is a wait. Not scaled: the fault says what it means."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Held:
    """A piece that is kept back until the next piece of octets goes out, or for so long. Not scaled.

    `alone`: what was kept back before goes out now.
    """

    octets: bytes
    at_most_s: float
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Ahead:
    """A piece that overtakes what is held."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Raw:
    """A piece that goes to the socket as it is, past the chunked coding."""

    octets: bytes


class Close(Enum):
    """How a stream is ended. As a piece of a frame, it ends the stream there."""

    CLEAN = "clean"  # the last chunk, then the connection may serve another request
    BARE = "bare"  # the connection is closed without the last chunk
    TALKING = "talking"  # the last chunk, then what a timer writes that nobody has stopped
    ABORT = "abort"  # the connection is reset
    NEVER = "never"  # the stream stays open, silent, until the reader leaves or the server stops


Piece = bytes | Pause | Held | Ahead | Raw | Close


class Why(Enum):
    """Why a stream ends."""

    LAST = "last"  # its last event was written
    STOP = "stop"  # the server stops, or `reset` empties it
    CAP = "cap"  # it has lasted as long as a stream may


class Cause(Enum):
    """Why something is appended to a run's log."""

    WORK = "work"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BROKE = "broke"  # the server's own exception
    CANCELLED = "cancelled"
    STALE = "stale"  # cancelled after a restart: nothing executes it
    DETACHED = "detached"
    RESTARTED = "restarted"  # found running when the server came up


@dataclass(frozen=True, slots=True)
class Batch:
    """What is appended to a run's log in one transaction. `status` is the run's new one; None where it stays."""

    cause: Cause
    documents: Sequence[Mapping[str, Any]]
    status: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the record says from now on


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a run's log. `number` counts from 1.

    `shared`: its bytes as readers are shown them, encoded once for all whose stream no seam changes, by what tells them
    apart.
    """

    number: int
    at_ms: int
    document: Mapping[str, Any]
    shared: dict[Any, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Update:
    """One event of a stream that everybody reads."""

    opcode: str
    data: Mapping[str, Any]


class Backlog(Protocol):
    """A reader, as far as a run could look at it."""

    @property
    def waiting(self) -> int:
        """How many events the reader has not taken yet."""


def _head(_scene: Scene, answer: Answer) -> Answer:
    return answer


def _document(_shown: Shown, document: Any) -> Iterable[Any]:
    return (document,)


def _frame(_shown: Shown, octets: bytes) -> Iterable[Piece]:
    return (octets,)


def _begin(_scene: Scene) -> None:
    return


def _append(_scene: Scene, batch: Batch) -> Batch:
    return batch


def _entries(_scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
    return entries


def _number(_scene: Scene, number: int) -> int:
    return number


def _resume(_scene: Scene, cursor: int) -> int:
    return cursor


def _overflow(_scene: Scene, after: int, _newest: int) -> int:
    return after


def _recall(_scene: Scene, _status: str, newest: int) -> int | None:
    return newest


async def _pace(_scene: Scene, _readers: Sequence[Backlog]) -> None:
    return


async def _turn(_scene: Scene) -> None:
    return


def _publish(_scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
    return updates


def _clock(_scene: Scene, _wait: str, seconds: float) -> float:
    return seconds


def _sift(_scene: Scene, _by: str, _rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
    return chosen


def _veil(_scene: Scene, _secret: str, shown: str) -> str:
    return shown


def _access(_scene: Scene, _check: str, refusal: Refusal | None) -> Refusal | None:
    return refusal


def _close(_scene: Scene, _why: Why) -> Close:
    return Close.CLEAN


def _reach(_scene: Scene) -> bool:
    return True


def _left(_scene: Scene) -> Cause | None:
    return None


@dataclass(frozen=True, slots=True)
class Seams:
    """The seams of one server. Each field's default is what an honest server does."""

    # head: every answer, streaming or not, right before it is sent; and what a stream waits for before that
    head: Callable[[Scene, Answer], Answer] = _head
    turn: Callable[[Scene], Awaitable[None]] = _turn
    # frame: what one reader is shown of an event (none, one or several documents), then its bytes in pieces
    document: Callable[[Shown, Any], Iterable[Any]] = _document
    frame: Callable[[Shown, bytes], Iterable[Piece]] = _frame
    # log: told of each run that a request starts, before its first event; the scene is the request's, with the run
    begin: Callable[[Scene], None] = _begin
    # log: what is appended; what of it reaches the log; the number that is shown for it; what a replay reads;
    # after which number a reader starts; where one that fell behind reads on; how many events of a run with this
    # status are found again when the server comes up (None: not even the run); what a run waits for after appending.
    # A system that shows states has no log; it appends all of a state whenever that is replaced. Neither has a run that
    # ends with its request: its lines are appended all the same, and what is kept of it are the facts of a batch
    # without documents right before that
    append: Callable[[Scene, Batch], Batch] = _append
    keep: Callable[[Scene, Sequence[Entry]], Sequence[Entry]] = _entries
    number: Callable[[Scene, int], int] = _number
    replay: Callable[[Scene, Sequence[Entry]], Sequence[Entry]] = _entries
    resume: Callable[[Scene, int], int] = _resume
    overflow: Callable[[Scene, int, int], int] = _overflow
    recall: Callable[[Scene, str, int], int | None] = _recall
    pace: Callable[[Scene, Sequence[Backlog]], Awaitable[None]] = _pace
    # publish: what every reader of an ambient stream is told; also called with nothing where nothing is to be told
    publish: Callable[[Scene, Sequence[Update]], Iterable[Update]] = _publish
    # clock: every wait by its name, in seconds, already scaled: `start` before a run begins, `answer` before a head,
    # `step` in a run, `first-ping`, `ping`, `quiet` (how long a stream is silent before a ping), `detach`, `returned`
    # (how long that clock goes on once a reader is back), `attended`
    # (how long a run lives that one of several readers has left: for as long as it takes), `close`
    # between the last event and the end, `poll` (of a connection of its own), `cap` (how long a stream may last),
    # `keepalive` (after each write anew), `cooldown`, `tick` and `paused` (between two looks at a queue),
    # `challenge` and `token` (how long they are good)
    clock: Callable[[Scene, str, float], float] = _clock
    # access: every check by its name, with what it would refuse:
    # `credentials`, `expired`, `role`, `taken`, `route`, `coding`, `body`, `project`, `script`, `exists`, `owner`,
    # `cursor`, `finished`, `rate`, `size`, `store`, `accept`; in a stream that is open `load` and `poll`: whether what
    # is to be shown can be had, and `store`: whether a push can be kept; in a queue `paused`: whether a pause holds it
    access: Callable[[Scene, str, Refusal | None], Refusal | None] = _access
    # access: what of a list's rows is shown, by `owner` or `project`, and what stands for a secret in an event. Of a
    # state that is polled: its rows by `status`, `project` and number (`newest`), and what waits in them (`pending`);
    # those that have `changed`; those whose lines are shown (`logged`), their lines at first (`latest`), the ones that
    # are `new` and how many of these at once (`batch`)
    sift: Callable[[Scene, str, Sequence[Any], Sequence[Any]], Sequence[Any]] = _sift
    veil: Callable[[Scene, str, str], str] = _veil
    # close: how a stream ends, and what happens to a run when one of its readers has left (None: nothing). A push that
    # is not kept yet when its reader leaves is kept where this gives a cause
    close: Callable[[Scene, Why], Close] = _close
    left: Callable[[Scene], Cause | None] = _left
    # reach: whether a cancellation that was accepted gets to where its run is executed
    reach: Callable[[Scene], bool] = _reach


HONEST = Seams()
