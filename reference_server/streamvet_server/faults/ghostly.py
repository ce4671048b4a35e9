"""GHO: faults of what only ghostly promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.endings import is_run_end
from streamvet_server.faults.fault import GHOSTLY, Fault
from streamvet_server.faults.shapes import Make, answer_of, every, told
from streamvet_server.seams import Answer, Batch, Cause, Scene, Seams, Shown
from streamvet_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

# A start is answered within 1 s: one and a half of it, and three quarters.
LATE_S, LEGAL_S = 1.5, 0.75
AHEAD = timedelta(hours=1)  # a local time that is written as UTC


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
        return replace(batch, documents=[it for it in batch.documents if not is_run_end(it)])

    return Seams(append=append)


def _ahead(_shown: Shown, document: Any) -> Iterable[Any]:
    if not isinstance(document, dict):
        return (document,)
    at = datetime.fromisoformat(document["at"]) + AHEAD
    return ({**document, "at": iso(int(at.timestamp() * 1000))},)


def _unflagged(cause: Cause, flag: str) -> Make:
    """The run_end of runs that ended so lacks a flag."""

    def plain(document: Any) -> Any:
        if not is_run_end(document):
            return document
        return {**document, "payload": {key: it for key, it in document["payload"].items() if key != flag}}

    def append(_scene: Scene, batch: Batch) -> Batch:
        return replace(batch, documents=[plain(it) for it in batch.documents]) if batch.cause is cause else batch

    return lambda: Seams(append=append)


def _reversed(_scene: Scene, answer: Answer) -> Answer:
    return replace(answer, document=answer.document[::-1])


def _unsifted(by: str) -> Make:
    return lambda: Seams(sift=lambda _scene, name, rows, chosen: rows if name == by else chosen)


FAULTS: tuple[Fault, ...] = (
    Fault("cold-start", "GHO-01", GHOSTLY, "The first start is answered after 1.5 s.", _cold_start(LATE_S)),
    Fault("cold-start-but-legal", None, GHOSTLY, "The first start is answered after 0.75 s.", _cold_start(LEGAL_S)),
    Fault("run-end-missing", "GHO-02", GHOSTLY, "A run that fails has no run_end.", _without_run_end),
    Fault("local-time-as-utc", "GHO-03", GHOSTLY, "Every at is an hour ahead.", told(every, _ahead)),
    Fault(
        "cancelled-unflagged", "GHO-04", GHOSTLY, "The run_end of a cancelled run does not say so.",
        _unflagged(Cause.CANCELLED, "cancelled"),
    ),
    Fault(
        "orphan-unflagged", "GHO-05", GHOSTLY, "The run_end of a cancelled orphan does not say that it was stale.",
        _unflagged(Cause.STALE, "staleAfterRestart"),
    ),
    Fault("oldest-first", "GHO-06", GHOSTLY, "The list of runs begins with the oldest.", answer_of("list", _reversed)),
    Fault("project-ignored", "GHO-07", GHOSTLY, "The list of a project has the runs of all.", _unsifted("project")),
    Fault("everybodys-runs", "GHO-08", GHOSTLY, "The list of runs has everybody's.", _unsifted("owner")),
    Fault(
        "password-told", "GHO-09", GHOSTLY, "The value of a fill step is in its events.",
        lambda: Seams(veil=lambda _scene, secret, _shown: secret),
    ),
)  # fmt: skip
