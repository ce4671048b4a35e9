"""The faults of ghostly: of what only it promises, and of how it does what others do too.

It must not know HTTP or tokens. `TRAITS` is what generic faults go by here.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.catchup import FIRST_LATE_S, FIRST_LEGAL_S
from streamvet_server.faults.fault import CRASH, GHOSTLY, Fault
from streamvet_server.faults.heartbeat import STALE_MS, Gap, late, legal, put_off
from streamvet_server.faults.hidden import in_bunches
from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.shapes import Make, answer_of, every, opening, piecing, telling, told, written
from streamvet_server.faults.traits import Traits
from streamvet_server.log import now_ms
from streamvet_server.seams import Answer, Batch, Cause, Pause, Piece, Scene, Seams, Shown
from streamvet_server.systems.ghostly.work import SETTLED
from streamvet_server.wire import iso, sse_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# A start is answered within 1 s: one and a half of it, and three quarters.
LATE_S, LEGAL_S = 1.5, 0.75
AHEAD = timedelta(hours=1)  # a local time that is written as UTC
PING_TOLERANCE_S = 2.0  # of a ping's 15 s

_RARE = "victory_check"
_FINAL = frozenset({"status.pass", "status.fail"})
# What tells of a state: only the newest is of interest, a writer may think.
_STATES = frozenset({"loop_state", "horizon_start", "horizon_end", _RARE, "memory_hit", "memory_miss"})


def _rare(shown: Shown) -> bool:
    return shown.name == f"assist.{_RARE}"


def _final(shown: Shown) -> bool:
    """Whether an event is the final status."""
    return shown.name in _FINAL


def _is_run_end(document: Mapping[str, Any]) -> bool:
    """Whether a document is the run_end."""
    return document.get("type") == "run_end"


def _settled(batch: Batch, status: str) -> Batch:
    return replace(batch, documents=[_retold(document, status) for document in batch.documents], status=status)


def _retold(document: Mapping[str, Any], status: str) -> Mapping[str, Any]:
    if SETTLED in document:
        return {SETTLED: status}
    payload = document["payload"]
    return {**document, "payload": {**payload, "ok": status == "pass"} if "ok" in payload else payload}


def _as_failure(_scene: Scene, batch: Batch) -> Batch:
    return _settled(batch, "fail")


def _as_success(_scene: Scene, batch: Batch) -> Batch:
    return _settled(batch, "pass")


def _more(_shown: Shown) -> bytes:
    return sse_block("ping", str(now_ms()))


def _cold_start(seconds: float) -> Make:
    """The first start of a server waits: for a pool, a browser, a compiler."""

    def make() -> Seams:
        warm: list[bool] = []

        def clock(_scene: Scene, wait: str, honest_s: float) -> float:
            if wait != "start" or warm:
                return honest_s
            warm.append(True)
            return seconds

        return Seams(clock=clock)

    return make


def _without_run_end() -> Seams:
    def append(_scene: Scene, batch: Batch) -> Batch:
        if batch.cause is not Cause.FAILED:
            return batch
        return replace(batch, documents=[it for it in batch.documents if not _is_run_end(it)])

    return Seams(append=append)


def _steps_left_open() -> Seams:
    def append(_scene: Scene, batch: Batch) -> Batch:
        return replace(batch, documents=[it for it in batch.documents if it.get("type") != "step_success"])

    return Seams(append=append)


def _ahead(_shown: Shown, document: Any) -> Iterable[Any]:
    if not isinstance(document, dict):
        return (document,)
    at = datetime.fromisoformat(document["at"]) + AHEAD
    return ({**document, "at": iso(int(at.timestamp() * 1000))},)


def _behind(_shown: Shown, document: Any) -> Iterable[Any]:
    if not isinstance(document, dict):
        return (document,)
    at = datetime.fromisoformat(document["at"]) - AHEAD
    return ({**document, "at": iso(int(at.timestamp() * 1000))},)


def _in_nanoseconds(_scene: Scene, answer: Answer) -> Answer:
    return replace(answer, document={**answer.document, "durationMs": answer.document["durationMs"] * 1_000_000})


def _from_1(_scene: Scene, batch: Batch) -> Batch:
    """Of the steps that a run does by itself: those of our scripts have a note."""
    payloads = [it.get("payload", {}) for it in batch.documents]
    own = [it for it, payload in zip(batch.documents, payloads, strict=True)
           if "step" in payload and "note" not in payload]  # fmt: skip
    documents = [{**it, "stepIndex": it["stepIndex"] + 1} if it in own and "stepIndex" in it else it
                 for it in batch.documents]  # fmt: skip
    return replace(batch, documents=documents)


def _unflagged(cause: Cause, flag: str) -> Make:
    """The run_end of runs that ended so lacks a flag."""

    def plain(document: Any) -> Any:
        if not _is_run_end(document):
            return document
        return {**document, "payload": {key: it for key, it in document["payload"].items() if key != flag}}

    def append(_scene: Scene, batch: Batch) -> Batch:
        return replace(batch, documents=[plain(it) for it in batch.documents]) if batch.cause is cause else batch

    return lambda: Seams(append=append)


def _reversed(_scene: Scene, answer: Answer) -> Answer:
    return replace(answer, document=answer.document[::-1])


def _unsifted(by: str) -> Make:
    return lambda: Seams(sift=lambda _scene, name, rows, chosen: rows if name == by else chosen)


def _run_end_twice() -> Seams:
    def append(_scene: Scene, batch: Batch) -> Batch:
        if batch.cause is not Cause.FAILED:
            return batch
        doubled = [(it, it) if _is_run_end(it) else (it,) for it in batch.documents]
        return replace(batch, documents=[it for pair in doubled for it in pair])

    return Seams(append=append)


def _step_begun_twice() -> Seams:
    """A step of a run's own work, which goes somewhere, begins twice. No script of the suite goes anywhere."""

    def begins(document: Mapping[str, Any]) -> bool:
        return document.get("type") == "step_start" and document["payload"].get("step", {}).get("action") == "goto"

    def append(_scene: Scene, batch: Batch) -> Batch:
        doubled = [(it, it) if begins(it) else (it,) for it in batch.documents]
        return replace(batch, documents=[it for pair in doubled for it in pair])

    return Seams(append=append)


def _one_short(_scene: Scene, answer: Answer) -> Answer:
    if answer.document["status"] == "running" or "events" not in answer.document:
        return answer
    events: Sequence[Any] = answer.document["events"]
    return replace(answer, document={**answer.document, "events": events[:-1]})


def _every(gap_s: Gap) -> Make:
    def clock(_scene: Scene, wait: str, seconds: float) -> float:
        return gap_s(seconds) if wait in ("first-ping", "ping") else seconds

    return lambda: Seams(clock=clock)


def _ping(shown: Shown) -> bool:
    return shown.name == "ping"


def _as_date(_shown: Shown, _document: Any) -> Iterable[Any]:
    return (iso(now_ms()),)


def _stale(_shown: Shown, _document: Any) -> Iterable[Any]:
    return (str(now_ms() - STALE_MS),)


def _finished(shown: Shown) -> bool:
    return opening(shown) and _final(shown)


def _and_ping(_shown: Shown, octets: bytes) -> Iterable[Piece]:
    return (octets, sse_block("ping", str(now_ms())))


def _joins_work(memory: Memory, shown: Shown) -> bool:
    """Whether an event is the first status for who joins a run that has emitted something."""
    return opening(shown) and shown.name == "status.running" and shown.scene.run in memory.emitting


def _first_untold(memory: Memory) -> Seams:
    return telling(lambda shown: _joins_work(memory, shown), lambda _shown, _document: ())


def _first_late(seconds: float) -> Callable[[Memory], Seams]:
    """The first status of a run that has emitted something comes late, as if computed from all of that."""

    def build(memory: Memory) -> Seams:
        return piecing(lambda shown: _joins_work(memory, shown), lambda _shown, octets: (Pause(seconds), octets))

    return build


def _sorted_by_step(documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    made: list[Mapping[str, Any]] = []
    for _, group in itertools.groupby(documents, lambda it: "stepIndex" in it):
        rows = list(group)
        made += sorted(rows, key=lambda it: it["stepIndex"]) if "stepIndex" in rows[0] else rows
    return made


def _as_list(_shown: Shown, document: Any) -> Iterable[Any]:
    """The document with a list for a payload that looks like one, as some libraries decide."""
    payload = document["payload"]
    return ({**document, "payload": list(payload.values())} if "length" in payload else document,)


TRAITS = Traits(
    rare_type=_RARE,
    rare=_rare,
    discriminator="kind",
    body="payload",
    heartbeat=_ping,
    final=_final,
    ends=lambda document: SETTLED in document,
    more=_more,
    status_first=True,
    states=_STATES,
    as_failure=_as_failure,
    as_success=_as_success,
    uncancelled=_as_success,
    done="pass",
)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "steps-left-open", "ORD-09", GHOSTLY, "No event says that a step has succeeded.",
        _steps_left_open, fixture=True,
    ),
    Fault(
        "event-named-after-type", "SSE-06", GHOSTLY, "An event field has the event's type, not its kind.",
        written(_rare, lambda octets: octets.replace(b"event: assist\n", b"event: victory_check\n", 1)),
    ),
    Fault("run-end-twice", "ORD-01", GHOSTLY, "A run that fails sends `run_end` twice.", _run_end_twice),
    Fault(
        "step-begun-twice", "ORD-08", GHOSTLY, "A step that a run performs by itself begins twice.", _step_begun_twice
    ),
    Fault(
        "record-lacks-the-last-event", "ORD-07", GHOSTLY, "The record of a finished run lacks its last event.",
        answer_of("record", _one_short),
    ),
    Fault(
        "ping-late", "HBT-01", GHOSTLY, "A ping comes after one and a half times the allowed time.",
        _every(late(PING_TOLERANCE_S)),
    ),
    Fault(
        "ping-late-but-legal", None, GHOSTLY, "A ping uses half of its tolerance.", _every(legal(PING_TOLERANCE_S))
    ),
    Fault(
        "ping-put-off", "HBT-02", GHOSTLY, "Events postpone a ping to one and a half times the allowed time.",
        put_off(_ping, late(PING_TOLERANCE_S), intervals=1),
    ),
    Fault(
        "ping-put-off-but-legal", None, GHOSTLY, "Events postpone a ping, by at most half of its tolerance.",
        put_off(_ping, legal(PING_TOLERANCE_S), intervals=1),
    ),
    Fault("ping-as-date", "HBT-03", GHOSTLY, "A ping carries a date, not a number.", told(_ping, _as_date)),
    Fault("ping-stale", "HBT-04", GHOSTLY, "A ping carries the time of nine seconds ago.", told(_ping, _stale)),
    Fault(
        "ping-when-finished", "HBT-05", GHOSTLY, "The replay of a finished run begins with a ping.",
        lambda: piecing(_finished, _and_ping),
    ),
    Fault(
        "first-status-left-out", "CAT-01", GHOSTLY,
        "A reader that joins a run that has emitted something gets no status of it.",
        remembered(_first_untold),
    ),
    Fault(
        "first-status-late", "CAT-19", GHOSTLY,
        "A reader that joins a run that has emitted something gets its status after 1.5 s.",
        remembered(_first_late(FIRST_LATE_S)),
    ),
    Fault(
        "first-status-late-but-legal", None, GHOSTLY,
        "A reader that joins a run that has emitted something gets its status after 0.75 s.",
        remembered(_first_late(FIRST_LEGAL_S)),
    ),
    Fault("cold-start", "GHO-01", GHOSTLY, "The first start is answered after 1.5 s.", _cold_start(LATE_S)),
    Fault("cold-start-but-legal", None, GHOSTLY, "The first start is answered after 0.75 s.", _cold_start(LEGAL_S)),
    Fault("run-end-missing", "GHO-02", GHOSTLY, "A run that fails sends no `run_end`.", _without_run_end),
    Fault("local-time-as-utc", "GHO-03", GHOSTLY, "Every `at` is an hour ahead.", told(every, _ahead)),
    Fault(
        "cancelled-unflagged", "GHO-04", GHOSTLY,
        "The `run_end` of a cancelled run does not say that it was cancelled.",
        _unflagged(Cause.CANCELLED, "cancelled"),
    ),
    Fault(
        "orphan-unflagged", "GHO-05", GHOSTLY, "The `run_end` of a cancelled orphan does not say that it was stale.",
        _unflagged(Cause.STALE, "staleAfterRestart"), standing=CRASH,
    ),
    Fault("oldest-first", "GHO-06", GHOSTLY, "The list of runs begins with the oldest.", answer_of("list", _reversed)),
    Fault("project-ignored", "GHO-07", GHOSTLY, "The list of a project has the runs of all.", _unsifted("project")),
    Fault("everybodys-runs", "GHO-08", GHOSTLY, "The list of runs has the runs of all users.", _unsifted("owner")),
    Fault(
        "password-told", "GHO-09", GHOSTLY, "The value of a fill step is in its events.",
        lambda: Seams(veil=lambda _scene, secret, _shown: secret),
    ),
    Fault(
        "utc-as-local-time", "GHO-14", GHOSTLY, "The `at` of each event is an hour early.", told(every, _behind),
    ),
    Fault(
        "record-in-nanoseconds", "GHO-11", GHOSTLY, "The duration in a record is in nanoseconds.",
        answer_of("record", _in_nanoseconds),
    ),
    Fault(
        "steps-from-1", "GHO-12", GHOSTLY, "The steps of a run that does its own work are counted from 1.",
        lambda: Seams(append=_from_1),
    ),
    Fault(
        "cancelled-by-nobody", "GHO-13", GHOSTLY, "The `run_end` of a cancelled run does not state who cancelled it.",
        _unflagged(Cause.CANCELLED, "source"),
    ),
    Fault(
        "length-makes-a-list", "EVT-08", GHOSTLY, "A payload with a key named length is sent as a list.",
        told(lambda shown: shown.number is not None, _as_list),
        generated=True,
    ),
    Fault(
        "steps-sorted", "ORD-04", GHOSTLY, "Events of several steps that come at once are sorted by step.",
        in_bunches(_sorted_by_step),
        generated=True,
    ),
)  # fmt: skip
