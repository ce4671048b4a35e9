"""FLT: faults of what only it promises: snapshots, updates, log lines, and failures of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import AGENT_WORKSPACE, Fault
from streamvet_server.faults.shapes import Make, of_first, opening, told, written
from streamvet_server.seams import Ahead, Batch, Held, Piece, Refusal, Scene, Seams, Shown
from streamvet_server.systems.agent_workspace.view import ACTIVE, MOST_LOGS_AT_FIRST, MOST_PIPELINES, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamvet_server.systems.agent_workspace.state import Document, Line

# From a connection's own memory, the choice's name, the rows and the chosen ones, to the rows that are shown.
Choose = Callable[[dict[str, Any], str, Sequence[Any], Sequence[Any]], Sequence[Any]]

# An update has a poll and half of one, scaled, but no less than 100 ms beside the poll (the contract's figures).
_SLACK_SHARE, _LEAST_SLACK_S = 0.5, 0.1
LATE = 1.5  # of what is allowed
LEGAL = 0.5  # of the slack: late, and in time
OVERTAKEN_S = 0.02  # for the log lines of the same poll; far less than an update may be late by
ELSEWHERE = "another-run"


def _choosing(choose: Choose, *, polls_only: bool = False) -> Seams:
    """Seams with other choices. The choice `latest` is the last one of the initial state."""

    def sift(scene: Scene, by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        if not polls_only or "loaded" in scene.scratch:
            chosen = choose(scene.scratch, by, rows, chosen)
        if by == "latest":
            scene.scratch["loaded"] = True
        return chosen

    return Seams(sift=sift)


def _at(name: str, change: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]) -> Make:
    """One choice made otherwise, in each initial state and each poll."""
    return lambda: _choosing(lambda _own, by, rows, chosen: change(rows, chosen) if by == name else chosen)


def _by_id(rows: Iterable[Document]) -> dict[str, Document]:
    return {row["id"]: row for row in rows}


def _misnamed(run: Document) -> Document:
    """A run whose first job, and whose first intervention, names another one."""
    parts = {key: run[key] for key in ("jobs", "pendingInterventions") if run[key]}
    elsewhere = of_first(lambda part: {**part, "pipelineRunId": ELSEWHERE})
    return {**run, **{key: elsewhere(part) for key, part in parts.items()}}


def _one_short() -> Seams:
    def choose(own: dict[str, Any], by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        short = by == "newest" and "loaded" not in own and len(rows) > MOST_PIPELINES
        return chosen[:-1] if short else chosen

    return _choosing(choose)


def _oldest_fifty() -> Seams:
    def choose(own: dict[str, Any], by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        first = by == "newest" and "loaded" not in own and len(rows) > MOST_PIPELINES
        return rows[-MOST_PIPELINES:] if first else chosen

    return _choosing(choose)


def _foreign_lines() -> Seams:
    def choose(own: dict[str, Any], by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        if by == "project":
            own["foreign"] = _by_id(rows).keys() - _by_id(chosen).keys()
        if by != "logged":
            return chosen
        return [*chosen, *(run for run in rows if run["id"] in own["foreign"])]

    return _choosing(choose, polls_only=True)


def _lines_of_the_inactive() -> Seams:
    def choose(own: dict[str, Any], by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        if by == "status":
            own["inactive"] = _by_id(rows).keys() - _by_id(chosen).keys()
        if by == "project":
            own.setdefault("projects", set()).update(run["projectId"] for run in chosen)
        if by != "logged":
            return chosen
        mine = (run for run in rows if run["projectId"] in own.get("projects", ()))
        return [*chosen, *(run for run in mine if run["id"] in own["inactive"])]

    return _choosing(choose, polls_only=True)


def _slack_s(poll_s: float) -> float:
    return max(poll_s * _SLACK_SHARE, _LEAST_SLACK_S)


def _new_runs_late() -> Seams:
    """A run that a connection has not received is held back."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == "poll":
            scene.scratch["hold_s"] = LATE * (seconds + _slack_s(seconds))
        return seconds

    def sift(scene: Scene, by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        own = scene.scratch
        if by == "newest" and "known" not in own:
            own.update(known=set(_by_id(chosen)), held={})
        if by != "changed":
            return chosen
        now_s = time.monotonic()
        for run in chosen:
            if run["id"] not in own["known"]:
                own["held"].setdefault(run["id"], now_s + own["hold_s"])
        due = {name for name, due_s in own["held"].items() if due_s <= now_s}
        own["known"] |= due
        own["held"] = {name: due_s for name, due_s in own["held"].items() if name not in due}
        changed = _by_id(chosen).keys() - own["held"].keys() | due
        return [run for run in rows if run["id"] in changed]

    return Seams(clock=clock, sift=sift)


def _new_runs_untold() -> Seams:
    """A run that begins is taken for known, so that its next change is the first that is told of it."""

    def choose(own: dict[str, Any], by: str, _rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        if by == "newest":
            own.setdefault("known", set(_by_id(chosen)))
        if by != "changed":
            return chosen
        told = [run for run in chosen if run["id"] in own["known"]]
        own["known"] |= _by_id(chosen).keys()
        return told

    return _choosing(choose)


def _updates_legally_late() -> Seams:
    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == "poll":
            scene.scratch["hold_s"] = LEGAL * _slack_s(seconds)
        return seconds

    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        return (Held(octets, shown.scene.scratch["hold_s"]),) if shown.name == "fleet_update" else (octets,)

    return Seams(clock=clock, frame=frame)


def _everything_fingerprinted() -> Seams:
    def choose(own: dict[str, Any], by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        if by == "newest" and "seen" not in own:
            own["seen"] = _by_id(chosen)
        if by != "changed":
            return chosen
        before, own["seen"] = own["seen"], _by_id(rows)
        changed = _by_id(chosen)
        return [run for run in rows if run["id"] in changed or before.get(run["id"], run) != run]

    return _choosing(choose)


def _uncoalesced() -> Seams:
    """An update has a run as often as it has changed since the last one."""
    history: list[Mapping[str, Document]] = []

    def append(_scene: Scene, batch: Batch) -> Batch:
        history.append({run["id"]: dict(run) for run in batch.documents})
        return batch

    def choose(own: dict[str, Any], by: str, _rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        since = own.get("since", 0)
        if by in ("latest", "changed"):
            own["since"] = len(history)
        if by != "changed":
            return chosen
        between = history[since:-1]
        return [one for run in chosen for one in (*_replaced(run, between), run)]

    return Seams(append=append, sift=_choosing(choose).sift)


def _replaced(run: Document, between: Sequence[Mapping[str, Document]]) -> list[Document]:
    """How a run was in the states between two polls, where it was active and another one than now."""
    found: list[Document] = []
    for state in between:
        old = state.get(run["id"])
        known = [fingerprint(one) for one in (*found[-1:], run)]
        if old is not None and old["status"] in ACTIVE and fingerprint(old) not in known:
            found.append(old)
    return found


def _ended_once_more() -> Seams:
    """A run that has ended is sent once more, as if it had continued."""

    def choose(own: dict[str, Any], by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        if by == "status":
            own["inactive"] = _by_id(rows).keys() - _by_id(chosen).keys()
        if by == "newest":
            own["before"], own["shown"] = own.get("shown", {}), _by_id(chosen)
        if by != "changed":
            return chosen
        ended = (run for name, run in own["before"].items() if name in own["inactive"])
        return [*chosen, *({**run, "status": _next_status(run)} for run in ended)]

    return _choosing(choose)


def _next_status(run: Document) -> str:
    return "marketing" if run["status"] == "documenting" else "documenting"


def _line_ids(lines: Iterable[Line]) -> set[str]:
    return {line.document["id"] for line in lines}


def _rest_dropped() -> Seams:
    def choose(own: dict[str, Any], by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        dropped = own.setdefault("dropped", set())
        if by == "batch":
            dropped |= _line_ids(rows) - _line_ids(chosen)
        return [line for line in chosen if line.document["id"] not in dropped] if by == "new" else chosen

    return _choosing(choose)


def _told_again() -> Seams:
    """Once on a connection the last line of a run comes again, in the first poll that has no new one."""

    def choose(own: dict[str, Any], by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        last = own.setdefault("last", {})
        if by == "batch" and chosen:
            last[chosen[-1].document["pipelineRunId"]] = chosen[-1]
        run = rows[0].document["pipelineRunId"] if by == "new" and rows else None
        if run not in last or chosen or "again" in own:
            return chosen
        own["again"] = True
        return [last[run]]

    return _choosing(choose)


def _backwards(_shown: Shown, lines: list[Any]) -> Iterable[Any]:
    return (lines[::-1],)


def _failure_hidden() -> Seams:
    """The first load that fails shows what was loaded before."""
    hidden: list[bool] = []

    def access(_scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        if check != "load" or refusal is None or hidden:
            return refusal
        hidden.append(True)
        return None

    return Seams(access=access)


def _failure_costs() -> Seams:
    """What has changed when a poll fails is taken for told."""

    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        if check == "poll" and refusal is not None:
            scene.scratch["failed"] = True
        return refusal

    def choose(own: dict[str, Any], by: str, _rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        return () if by == "changed" and own.pop("failed", False) else chosen

    return Seams(access=access, sift=_choosing(choose).sift)


def _lines_first(shown: Shown, octets: bytes) -> Iterable[Piece]:
    """An update waits a moment for log lines of the same poll, which overtake it."""
    if shown.replayed or shown.name not in ("fleet_update", "fleet_logs"):
        return (octets,)
    return (Held(octets, OVERTAKEN_S),) if shown.name == "fleet_update" else (Ahead(octets),)


def _few_are_one(_scene: Scene, by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
    """The newest line stays: it may be logged while the stream opens, and would be a new one that is lost."""
    return chosen[-1:] if by == "latest" and len(rows) <= MOST_LOGS_AT_FIRST else chosen


FAULTS: tuple[Fault, ...] = (
    Fault(
        "job-of-another-run", "FLT-01", AGENT_WORKSPACE, "In a snapshot the first job of a run names another one.",
        told(lambda shown: shown.name == "fleet_snapshot", lambda _shown, runs: ([_misnamed(run) for run in runs],)),
    ),
    Fault(
        "forty-nine-runs", "FLT-02", AGENT_WORKSPACE, "Of more than fifty runs a snapshot has forty-nine.", _one_short,
    ),
    Fault(
        "fifty-oldest-runs", "FLT-17", AGENT_WORKSPACE, "Of more than fifty runs a snapshot has the oldest fifty.",
        _oldest_fifty,
    ),
    Fault("foreign-lines", "FLT-03", AGENT_WORKSPACE, "New log lines of all projects are sent.", _foreign_lines),
    Fault(
        "new-run-late", "FLT-04", AGENT_WORKSPACE,
        "A new run is announced after one and a half times the allowed time.", _new_runs_late
    ),
    Fault(
        "new-run-late-but-legal", None, AGENT_WORKSPACE,
        "An update uses half of the time allowed in addition to the poll.",
        _updates_legally_late,
    ),
    Fault("new-run-untold", "FLT-04", AGENT_WORKSPACE, "A new run is in no update.", _new_runs_untold),
    Fault(
        "everything-fingerprinted", "FLT-05", AGENT_WORKSPACE, "A change of any member of a run is announced.",
        _everything_fingerprinted,
    ),
    Fault(
        "changes-one-by-one", "FLT-06", AGENT_WORKSPACE, "An update has a run as often as it has changed.", _uncoalesced
    ),
    Fault("ended-once-more", "FLT-07", AGENT_WORKSPACE, "A run that has ended is sent once more.", _ended_once_more),
    Fault(
        "metrics-untold", "FLT-08", AGENT_WORKSPACE, "A new log line of the level `metric` is not sent.",
        _at("new", lambda _rows, chosen: [one for one in chosen if one.document.get("level") != "metric"]),
    ),
    Fault(
        "rest-dropped", "FLT-18", AGENT_WORKSPACE,
        "Log lines beyond the fifty of a poll are dropped.", _rest_dropped,
    ),
    Fault("line-again", "FLT-09", AGENT_WORKSPACE, "The last line of a run comes again in the next poll.", _told_again),
    Fault(
        "lines-backwards", "FLT-10", AGENT_WORKSPACE, "New log lines come with the newest first.",
        told(lambda shown: shown.name == "fleet_logs" and not shown.replayed, _backwards),
    ),
    Fault(
        "all-lines-at-once", "FLT-11", AGENT_WORKSPACE, "A poll sends all new log lines of a run.",
        _at("batch", lambda rows, _chosen: rows),
    ),
    Fault(
        "oldest-lines-first", "FLT-12", AGENT_WORKSPACE, "The first batch has the three hundred oldest log lines.",
        _at("latest", lambda rows, _chosen: rows[:MOST_LOGS_AT_FIRST]),
    ),
    Fault(
        "lines-of-the-ended", "FLT-13", AGENT_WORKSPACE,
        "New log lines of ended runs are sent.", _lines_of_the_inactive,
    ),
    Fault(
        "lines-first", "FLT-19", AGENT_WORKSPACE, "A poll sends the new log lines before the update.",
        lambda: Seams(frame=_lines_first),
    ),
    Fault(
        "begins-with-one-line", "FLT-20", AGENT_WORKSPACE,
        "A stream begins with the newest log line alone, unless there are more than fit.",
        lambda: Seams(sift=_few_are_one),
    ),
    Fault(
        "failed-load-hidden", "FLT-14", AGENT_WORKSPACE,
        "A first state that cannot be loaded is shown all the same.",
        _failure_hidden,
    ),
    Fault(
        "failed-poll-costs", "FLT-15", AGENT_WORKSPACE,
        "Changes during a failed poll are never announced.", _failure_costs
    ),
    Fault(
        "retry-untold", "FLT-16", AGENT_WORKSPACE, "No stream has a retry field.",
        written(opening, lambda octets: octets.replace(b"retry: 3000\n", b"", 1)),
    ),
)  # fmt: skip
