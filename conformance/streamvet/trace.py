"""The trace of one try: every exchange with its bytes and times, and the stimulus that caused them.

A trace stores bytes only; frames and events are computed from it (see `decode`). It is the only argument of a
check besides the profile, and it is a file: one JSON record a line, so that the verdicts of a live run can be
had again offline. This module must not know what a requirement, a check or a socket is.

File format (`meta/trace.schema.json` describes each record)::

    {"record": "trace", "format": 1, "profile": …, "digest": …, "revision": …, "time_scale": …, "wall_clock": …,
     "lacks": […], "accounts": {…}, "probe": …, "stimulus": {…}, "jitter_us": {"x3": 812}}
    {"record": "exchange", "id": "x1", "operation": "attach", "role": "reader", …, "request": {…}}
    {"record": "head", "exchange": "x1", "at_us": 812, "status": 200, "http": "HTTP/1.1", "headers": [[…, …]]}
    {"record": "chunk", "exchange": "x1", "at_us": 900, "text": "…"}            or "base64" where it is not UTF-8
    {"record": "end", "exchange": "x1", "at_us": 4000, "ending": "complete", "detail": ""}
"""

from __future__ import annotations

import base64
import json
from array import array
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FORMAT = 1
_SEEN_CHARS = 60  # how much of a wrong line an error shows


class TraceError(Exception):
    """A trace file that is not one: `place` is the line, then what was expected and what was got."""

    def __init__(self, source: str, line: int, expected: str, got: str) -> None:
        super().__init__(f"{source}: line {line}: expected {expected}, got {got}")


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

    def json(self) -> Any:
        """The body as JSON; None where it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


# The keys of Exchange.about, and what their values mean.
ABOUT = {
    "meant": "what a conforming candidate answers: stream, answer, refusal, or either (both are conforming)",
    "account": "whose credentials: primary, other, expired, missing, malformed, forged, unsigned",
    "run": "the label of the run in this trace: r1, r2, …; unknown for a run id that does not exist",
    "run_id": "the id of the run that the request names, or that a start was answered with",
    "no_id": "where the good answer to a start should have the id of the run and has none",
    "kind": "the kind of start of the run: run, build, skill, …",
    "cursor": "the cursor that was sent",
    "cursor_from": "where it comes from: seen, empty, malformed, unknown, last-event-id",
    "after": "how many history events of the run had been seen when the cursor was taken",
    "after_terminal": "true where the cursor is that of the run's terminal event, or of a later one",
    "case": "which of several wrong inputs was sent, or which list was asked for",
    "project": "the project for which a list was asked",
    "gzip": "true where the request accepts gzip",
    "finished": "true where the run was known to be finished before the request was sent",
    "restarts": "how often the candidate had been restarted in this try before the request was sent",
    "stalled_until_us": "a reader that read nothing before this time",
    "observe_us": "how long a wait was meant to observe, from the head",
    "life": "how much of its time without readers a run had spent, as a fraction",
    "due_us": "when the last event of what was published was due; a reader was cut when it had it, or after then",
    "accept": "the media type that the request asked for, where it is not that of the stream",
    "moment": "which step of the stimulus's timeline the request performs, counted from 0",
    "tag": "what the ids of the state that the request puts begin with, so that no other try has them",
    "subject": "the id or the path of what the request is about: an item, a directory, a job, what is pushed",
    "turn": "which push of its subject in this try the request is, counted from 1; nobody else pushes it",
    "content": "a label of what is pushed: of one subject, equal labels are equal content",
    "writes": "the plan files that a pushed session writes, in order: name, label of the content, and which push of "
    "the try that writes this file it is, counted from 1",
    "triggered": "what was made to happen while a reader was attached, as the target file says how: which trigger, "
    "when it began, when it was done, and why it failed where it did",
    "redirected": "true where the request follows a redirect of the one before it",
    "files": "what was done on disk while a reader was attached: when, what (created, changed, deleted, "
    "renamed, made unreadable, directory renamed, directory removed), path, and to which other path",
}

# Exchange.role, and what a probe means by it.
ROLES = {
    "login": "a login with the right credentials",
    "login-wrong": "a login with a wrong password",
    "login-malformed": "a login with a body that the profile lists as wrong",
    "start": "the start of a run whose answer is not a stream",
    "start-refused": "a start with a wrong body, or without credentials",
    "reader": "reads from the beginning of the run, attached before its first step or as the start's own stream; of an "
    "ambient stream, attached before anything of the try happens",
    "newcomer": "comes after something was emitted, on a system that replays nothing",
    "returned": "comes back to an ambient stream after a restart of the candidate",
    "idle": "stays on a stream on which nothing happens, for as long as the profile keeps it open",
    "unacceptable": "requests a stream with an Accept field that excludes it",
    "trigger": "makes something happen on an ambient stream",
    "trigger-refused": "a trigger for something that does not exist",
    "look": "asks for a part of the state of an ambient system",
    "late": "joins an active run in its middle, without a cursor",
    "cut": "reads from the beginning and is cut off by us",
    "resumed": "comes back to a run: with a cursor where the profile has one, without where it replays all",
    "after": "reads a run that is known to be finished, without a cursor",
    "stalled": "stops reading for a while",
    "watch": "waits for heartbeats on an active run",
    "many": "one of as many readers at once as the profile names",
    "churn": "one of many short connections",
    "last": "the reader that follows many short connections",
    "racer": "joins at the moment when the run ends",
    "intruder": "requests a stream that must be refused",
    "cancel": "cancels an active run",
    "cancel-again": "cancels a run that is cancelled and over",
    "cancel-finished": "cancels a run that has finished",
    "cancel-racing": "cancels a run that may just have finished",
    "cancel-refused": "cancels an unknown run, or another user's",
    "record-active": "requests the record of a run that is active",
    "record-after": "requests the record once a reader has seen the terminal event",
    "record-detached": "requests the record of a run that has no readers",
    "record-restarted": "requests the record of a run from before a restart of the candidate",
    "record-refused": "requests the record of an unknown run, or another user's",
    "list": "requests a list",
    "limited": "a request that the rate limit refuses",
    "control": "speaks to the control interface",
}


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
    jitter_us: Mapping[str, int] = field(default_factory=dict)  # exchange id -> how late the harness itself was
    name: str = ""  # the file it came from or will be written to

    def without(self, ids: frozenset[str]) -> Trace:
        """The same trace without the exchanges of these ids."""
        if not ids:
            return self
        kept = tuple(exchange for exchange in self.exchanges if exchange.id not in ids)
        return Trace(
            self.probe, self.stimulus, kept, self.profile, self.digest, self.revision, self.time_scale,
            self.wall_clock, self.lacks, self.accounts, self.jitter_us, self.name,
        )  # fmt: skip


def _piece(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def records(trace: Trace) -> Iterator[dict[str, Any]]:
    """The records of a trace file, first the trace's own, then exchange by exchange."""
    yield {
        "record": "trace", "format": FORMAT, "profile": trace.profile, "digest": trace.digest,
        "revision": trace.revision, "time_scale": trace.time_scale, "wall_clock": trace.wall_clock,
        "lacks": list(trace.lacks), "accounts": dict(trace.accounts), "probe": trace.probe,
        "stimulus": dict(trace.stimulus), "jitter_us": dict(trace.jitter_us),
    }  # fmt: skip
    for exchange in trace.exchanges:
        request = exchange.request
        yield {
            "record": "exchange", "id": exchange.id, "operation": exchange.operation, "role": exchange.role,
            "about": dict(exchange.about), "at_us": exchange.sent_us,
            "request": {"method": request.method, "url": request.url, "headers": [list(h) for h in request.headers],
                        "body": request.body},
        }  # fmt: skip
        if exchange.head is not None:
            head = exchange.head
            yield {
                "record": "head", "exchange": exchange.id, "at_us": head.at_us, "status": head.status,
                "http": head.http, "headers": [list(h) for h in head.headers],
            }  # fmt: skip
        for chunk in exchange.chunks:
            yield {"record": "chunk", "exchange": exchange.id, "at_us": chunk.at_us, **_piece(chunk.data)}
        yield {
            "record": "end", "exchange": exchange.id, "at_us": exchange.ended_us, "ending": exchange.ending.value,
            "detail": exchange.detail,
        }  # fmt: skip


def dump(trace: Trace) -> Iterator[str]:
    """The lines of the trace file, each with its newline."""
    for record in records(trace):
        yield json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"


@dataclass(slots=True)
class _Open:
    """An exchange whose `end` record has not been read yet."""

    first: dict[str, Any]
    request: Request
    head: Head | None = None
    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    ends: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))

    @classmethod
    def of(cls, record: dict[str, Any]) -> _Open:
        """The exchange that a record begins; it has all that the end will ask for."""
        request = record["request"]
        asked = Request(request["method"], request["url"], _pairs(request["headers"]), request["body"])
        return cls({key: record[key] for key in ("id", "operation", "role", "about", "at_us")}, asked)

    def add(self, at_us: int, data: bytes) -> None:
        self.parts.append(data)
        self.size += len(data)
        self.ends.append(self.size)
        self.times.append(at_us)

    def close(self, end: dict[str, Any]) -> Exchange:
        first = self.first
        body = b"".join(self.parts)
        self.parts.clear()
        return Exchange(
            id=first["id"], operation=first["operation"], role=first["role"], about=first["about"],
            request=self.request, sent_us=first["at_us"], head=self.head, body=body, ends=self.ends, times=self.times,
            ending=Ending(end["ending"]), ended_us=end["at_us"], detail=end.get("detail", ""),
        )  # fmt: skip


def _pairs(rows: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in rows)


def _chunk_data(record: dict[str, Any]) -> bytes:
    if "text" in record:
        return str(record["text"]).encode()
    return base64.b64decode(record["base64"], validate=True)


_RECORD = "a record of the trace format"


def _record(line: str, source: str, number: int) -> dict[str, Any]:
    """The JSON object of a line."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise TraceError(source, number, _RECORD, f"a text that is no whole JSON, {_cut(line)}") from error
    except RecursionError as error:
        raise TraceError(source, number, _RECORD, "JSON that is nested too deep") from error
    except ValueError as error:
        raise TraceError(source, number, _RECORD, "JSON with a number that is too long") from error
    if not isinstance(record, dict):
        raise TraceError(source, number, _RECORD, f"JSON that is no object, {_cut(line)}")
    return record


def _wrong_in(record: Mapping[str, Any], error: Exception) -> str:
    """What is wrong with a record, in words."""
    kind = record.get("record")
    if isinstance(error, KeyError):
        key = error.args[0]
        if key == record.get("exchange"):
            return f"a record of {kind} for the exchange {key!r}, which has not begun or has ended"
        return "an object without the key record" if key == "record" else f"a record of {kind} without the key {key}"
    return f"a record of {kind} with a value that is none of the format's, {_cut(json.dumps(record))}"


def _cut(text: str) -> str:
    """A text in quotes, or its beginning."""
    text = text.strip()
    return repr(text) if len(text) <= _SEEN_CHARS else repr(text[:_SEEN_CHARS]) + "…"


def load(
    lines: Iterable[str], source: str, wrong_in: Callable[[Mapping[str, Any]], tuple[str, str] | None] | None = None
) -> Trace:
    """Read a trace file; `source` names it in errors. What else is wrong in a record, expected and got, others may say.

    Raises:
        TraceError: with file, line, expected and got, where a record is not one of the format's.
    """
    first: dict[str, Any] | None = None
    opened: dict[str, _Open] = {}
    closed: dict[str, Exchange] = {}
    order: list[str] = []
    number = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _record(line, source, number)
        try:
            kind = record["record"]
            if first is None:
                first = _first(record, kind, source, number)
            elif kind == "exchange":
                opened[record["id"]] = _Open.of(record)
                order.append(record["id"])
            elif kind == "head":
                opened[record["exchange"]].head = Head(
                    int(record["status"]), str(record["http"]), _pairs(record["headers"]), int(record["at_us"])
                )
            elif kind == "chunk":
                opened[record["exchange"]].add(int(record["at_us"]), _chunk_data(record))
            elif kind == "end":
                closed[record["exchange"]] = opened.pop(record["exchange"]).close(record)
            else:
                raise TraceError(source, number, "a record of exchange, head, chunk or end", repr(kind))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise TraceError(source, number, _RECORD, _wrong_in(record, error)) from error
        wrong = wrong_in(record) if wrong_in else None
        if wrong:
            raise TraceError(source, number, *wrong)
    if first is None:
        raise TraceError(source, max(number, 1), "a first record with record: trace", "an empty file")
    if opened:
        raise TraceError(source, number, f"an end record for {', '.join(sorted(opened))}", "the end of the file")
    return Trace(
        probe=first["probe"], stimulus=first["stimulus"], exchanges=tuple(closed[i] for i in order),
        profile=first["profile"], digest=first["digest"], revision=first["revision"], time_scale=first["time_scale"],
        wall_clock=first["wall_clock"], lacks=tuple(first["lacks"]), accounts=first["accounts"],
        jitter_us=first["jitter_us"], name=source,
    )  # fmt: skip


# The keys of the first record, and what JSON has there.
FIRST: dict[str, tuple[type, ...]] = {
    "probe": (str,), "stimulus": (dict,), "profile": (str,), "digest": (str,), "revision": (int,),
    "time_scale": (int, float), "wall_clock": (int, float), "lacks": (list,), "accounts": (dict,), "jitter_us": (dict,),
}  # fmt: skip


def _first(record: dict[str, Any], kind: object, source: str, number: int) -> dict[str, Any]:
    if kind != "trace":
        raise TraceError(source, number, "a first record with record: trace", repr(kind))
    if record.get("format") != FORMAT:
        raise TraceError(source, number, f"format {FORMAT}", repr(record.get("format")))
    missing = [key for key in FIRST if key not in record]
    if missing:
        raise TraceError(source, number, f"the keys {', '.join(FIRST)}", f"none of {', '.join(missing)}")
    for key, types in FIRST.items():
        if not isinstance(record[key], types) or isinstance(record[key], bool):
            wanted = " or ".join(_JSON_TYPES[one] for one in types)
            raise TraceError(source, number, f"{key} to be {wanted}", _cut(json.dumps(record[key])))
    return record


_JSON_TYPES = {str: "a text", dict: "an object", list: "a list", int: "a whole number", float: "a number"}
