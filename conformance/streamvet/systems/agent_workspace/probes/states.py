"""The states of a fleet that the tries of agent-workspace go through: which run changes how, and when.

Every scene has a run of its own, so that all are played at once. Tables and what makes states of them; must not know
requests. Times are at scale 1, from the moment at which the first readers have their snapshots; these poll at 3,000,
6,000, 9,000, 12,000 and 15,000 then, where the candidate counts from the connection.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamvet.probes.scripts import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Document = dict[str, Any]
Moment = dict[str, Any]  # `at_ms` and the `state` to put then

MINE, ALSO_MINE, FOREIGN = "streamvet-shop", "streamvet-bank", "streamvet-depot"
PROJECTS: Mapping[str, list[str]] = {"primary": [MINE, ALSO_MINE], "other": [FOREIGN]}

_BEGIN = datetime(2026, 7, 1, tzinfo=UTC)
_OLD_LINES = 500  # and a first batch has 300 of them at most
_MANY_LINES, _FEW_LINES = 120, 7  # two full polls and a third one; less than a poll may tell
_ACTIVE_RUNS, _ENDED_RUNS = 60, 10  # where a snapshot has 50 at most
# Several, as at a small scale a busy machine does not put three states within a poll each time.
_BURSTS_MS = (3400, 5000, 6200, 6400, 6600)
_LONG = "64 KiB"  # of the hostile texts: log lines are put again with every state
LEVELS = ("info", "tool_call", "tool_result", "thinking", "error", "metric")
_MANY_JOBS = 30  # more than fit on a page
_CROWD = 60  # of one time: more than a poll may tell, so that a cursor that is a time stands among them
# Two octets and four, one UTF-16 unit and two: of three buffers' ends of 4, 16 or 64 KiB, one at least is inside one.
_WIDE = "é🚀" * 34_000
_JOINED = 8  # changes while readers join: several, as what is read twice may be so within a few ms


def time_at(second: int) -> str:
    """A time so many seconds after the fleet began."""
    return (_BEGIN + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _job(run: str, name: str, status: str = "running", **other: Any) -> Document:
    given = {"id": f"{run}-{name}", "pipelineRunId": run, "agentType": "implementing", "status": status}
    return {**given, "startedAt": time_at(60), "completedAt": None, "error": None, **other}


def _asked(run: str, name: str, **other: Any) -> Document:
    given = {"id": f"{run}-{name}", "pipelineRunId": run, "type": "interrupt", "message": None, "status": "pending"}
    return {**given, "createdAt": time_at(90), **other}


def _run(name: str, started: int = 0, **other: Any) -> Document:
    given: Document = {"id": name, "projectId": MINE, "projectName": "Shop", "status": "testing"}
    given |= {"startedAt": time_at(started)}
    given |= {"trigger": "push", "triggerData": {"branch": "main"}, "jobs": [_job(name, "a")]}
    return {**given, "pendingInterventions": [], **other}


def _lines(run: str, count: int, first: int, texts: Sequence[str] = (), step: int = 1) -> list[Document]:
    """Log lines of a run, a second apart, of all levels in turn."""
    given = {"pipelineRunId": run, "jobId": None, "agentType": None}
    return [
        {"id": f"{run}/{first + number}", **given, "level": LEVELS[number % len(LEVELS)],
         "message": texts[number] if texts else f"line {number}",
         "metadata": None, "createdAt": time_at(first + number * step)}
        for number in range(count)
    ]  # fmt: skip


_HOSTILE = [text for name, text in HOSTILE.items() if name != _LONG]

_AT_FIRST: tuple[Document, ...] = (
    _run("steady", 1, projectName="\n".join(_HOSTILE), pendingInterventions=[_asked("steady", "a", type="note")]),
    _run("status", 2),
    _run("job", 3, jobs=[_job("job", "a"), _job("job", "b", "queued", startedAt=None)]),
    _run("more-jobs", 4),
    _run("swaps", 23, jobs=[_job("swaps", "a"), _job("swaps", "b", "queued")]),
    _run("many-jobs", 24, jobs=[_job("many-jobs", f"{number}") for number in range(_MANY_JOBS)]),
    _run("asked", 5, projectId=ALSO_MINE, projectName="Bank"),
    _run("answered", 6, pendingInterventions=[_asked("answered", "a"), _asked("answered", "b", type="inject")]),
    _run("asked-another", 7, pendingInterventions=[_asked("asked-another", "a")]),
    _run("resolved", 25, pendingInterventions=[_asked("resolved", "a", status="resolved"), _asked("resolved", "b")]),
    _run("resolved-too", 26, pendingInterventions=[_asked("resolved-too", "a")]),
    _run("members", 8),
    *(_run(f"fast-{at_ms}", at_ms, status="queued") for at_ms in _BURSTS_MS),
    _run("completes", 12),
    _run("breaks", 13),
    _run("returns", 27),
    _run("at-once", 28),
    _run("lasts", 29),
    _run("talks", 14),
    _run("mutters", 15, startedAt=None),
    _run("quotes", 16),
    _run("old", 17),
    _run("old-too", 18),
    _run("over", 19, status="completed"),
    _run("foreign", 20, projectId=FOREIGN, projectName="Depot"),
)
# No two lines have the same time. Those of the last two runs are newer than the others, and not for all to see.
_LOGGED_AT_FIRST = [
    *_lines("old", _OLD_LINES // 2, 0),
    *_lines("old-too", _OLD_LINES // 2, _OLD_LINES // 2),
    *_lines("over", _FEW_LINES, 1000),
    *_lines("foreign", _FEW_LINES, 1100),
]

# When, which members of which runs change, and what is logged then.
_Change = tuple[int, "Mapping[str, Document]", "Sequence[Document]"]
_UNSEEN: Document = {  # what no fingerprint covers
    "projectName": "Shop, renamed",
    "triggerData": {"branch": "other", "by": ["hand"]},
    "startedAt": time_at(30),
    "jobs": [_job("members", "a", error="not found", startedAt=time_at(61))],
}


def _burst(at_ms: int) -> list[_Change]:
    """Three changes of a run, one right after another."""
    stages = ("researching", "designing", "implementing")
    return [(at_ms, {f"fast-{at_ms}": {"status": status}}, ()) for status in stages]


_CHANGES: tuple[_Change, ...] = (
    (
        400,
        {
            "status": {"status": "releasing"},
            "job": {"jobs": [_job("job", "a", "completed", completedAt=time_at(99)), _job("job", "b")]},
            "more-jobs": {"jobs": [_job("more-jobs", "a"), _job("more-jobs", "b")]},
            "asked": {"pendingInterventions": [_asked("asked", "a", type="take_over", message="\u2028 stop")]},
            "answered": {"pendingInterventions": [_asked("answered", "b", type="inject")]},
            "asked-another": {"pendingInterventions": [_asked("asked-another", "b", type="note", message="go on")]},
            "swaps": {"jobs": [_job("swaps", "a", "queued"), _job("swaps", "b")]},
            "many-jobs": {"jobs": [_job("many-jobs", f"{number}") for number in range(_MANY_JOBS - 1)]
                          + [_job("many-jobs", f"{_MANY_JOBS - 1}", "completed")]},
            "resolved": {"pendingInterventions": [_asked("resolved", name, status="resolved") for name in "ab"]},
            "resolved-too": {"pendingInterventions": [_asked("resolved-too", "a"),
                                                      _asked("resolved-too", "b", status="resolved")]},
            "returns": {"status": "completed"},
            "members": _UNSEEN,
            "begun": _run("begun", 21, status="queued", jobs=[]),
            "foreign": {"status": "releasing"},
            "foreign-begun": _run("foreign-begun", 22, projectId=FOREIGN, projectName="Depot"),
        },
        [*_lines("talks", _MANY_LINES, 2000), *_lines("mutters", _FEW_LINES, 2200), *_lines("begun", 2, 2250),
         *_lines("foreign", _FEW_LINES, 2300), *_lines("at-once", _CROWD, 2400, step=0)],
    ),
    (3200, {"completes": {"status": "completed"}, "breaks": {"status": "failed"}}, ()),
    *_burst(_BURSTS_MS[0]),
    (
        4200,
        {},
        [*_lines("completes", 3, 3000), *_lines("breaks", 2, 3100), *_lines("over", 2, 3200),
         *_lines("quotes", len(_HOSTILE), 3300, _HOSTILE)],
    ),
    *(change for at_ms in _BURSTS_MS[1:] for change in _burst(at_ms)),
    (
        6900,
        {"status": {"status": "marketing"}, "begun": {"status": "researching"}, "foreign": {"status": "marketing"},
         # As it was, and more than a poll after it has ended.
         "returns": {"status": "testing"}},
        [*_lines("mutters", 4, 4000), *_lines("foreign", 2, 4100), *_lines("begun", 3, 4200)],
    ),
    # For the poll that has a heartbeat, too, and none before it.
    (13_000, {"status": {"status": "documenting"}}, _lines("lasts", 2, 5000)),
    # At last, as it is put again with whatever is logged later.
    (13_200, {}, _lines("lasts", 1, 5010, [_WIDE])),
)  # fmt: skip
LATE_MS = 4500  # a reader that joins in the middle, when some of what was logged at once is still to be told


def scenes() -> list[Moment]:
    """All scenes, moment by moment. Log lines that were there at first are put once: whoever came then has them."""
    fleet: dict[str, Document] = {run["id"]: run for run in _AT_FIRST}
    moments: list[Moment] = [_moment(0, fleet.values(), _LOGGED_AT_FIRST)]
    logged: list[Document] = []
    for at_ms, changed, lines in _CHANGES:
        fleet |= {name: {**fleet.get(name, {}), **members} for name, members in changed.items()}
        logged += lines
        moments.append(_moment(at_ms, fleet.values() if changed else None, logged if lines else None))
    return moments


def _moment(at_ms: int, runs: Iterable[Document] | None, lines: Iterable[Document] | None) -> Moment:
    parts = {"pipelines": runs, "logs": lines}
    return {"at_ms": at_ms, "state": {part: list(rows) for part, rows in parts.items() if rows is not None}}


def no_runs() -> list[Moment]:
    """A fleet in which nothing is active."""
    return [_moment(0, [_run("over", status="completed")], _lines("over", _FEW_LINES, 0))]


def many_runs() -> list[Moment]:
    """More active runs than a snapshot has; runs that have ended, and a foreign one, have begun after all of them."""
    active = [_run(f"run-{number}", number, status=("queued", "testing")[number % 2]) for number in range(_ACTIVE_RUNS)]
    ended = [_run(f"ended-{n}", 100 + n, status=("completed", "failed")[n % 2]) for n in range(_ENDED_RUNS)]
    foreign = _run("foreign", 200, projectId=FOREIGN, projectName="Depot")
    return [_moment(0, [*active[::2], *ended, foreign, *active[1::2]], [])]


def one_change() -> list[Moment]:
    """A run, and another status of it."""
    return [_moment(0, [_run("status")], []), _moment(0, [_run("status", status="releasing")], None)]


def joined() -> list[Moment]:
    """Runs that change one after another and log a line each, while readers join: at once, as far as moments go."""
    fleet = {name: _run(name, number) for number, name in enumerate(f"seam-{n}" for n in range(_JOINED))}
    logged = _lines("seam-0", 1, 0)
    moments = [_moment(0, fleet.values(), logged)]
    for number, name in enumerate(fleet, start=1):
        fleet[name] = fleet[name] | {"status": "releasing"}
        logged = [*logged, *_lines(name, 1, number)]
        moments.append(_moment(0, fleet.values(), logged))
    return moments


def bursts() -> list[Moment]:
    """Fast changes alone: these states are small, so that a busy machine puts three of them within a poll too.

    Each account has a log line to read at first, which its reader waits for.
    """
    fleet: dict[str, Document] = {f"fast-{at_ms}": _run(f"fast-{at_ms}", status="queued") for at_ms in _BURSTS_MS}
    fleet["foreign"] = _run("foreign", projectId=FOREIGN, projectName="Depot")
    at_first = [line for number, name in enumerate(fleet) for line in _lines(name, 1, number)]
    moments = [_moment(0, fleet.values(), at_first)]
    for at_ms, changed, _lines_then in (change for begin_ms in _BURSTS_MS for change in _burst(begin_ms)):
        fleet |= {name: {**fleet[name], **members} for name, members in changed.items()}
        moments.append(_moment(at_ms, fleet.values(), None))
    return moments


def busy(for_ms: float, every_ms: float) -> list[Moment]:
    """A run of another account's that changes all the time, which its own account's streams tell and no other."""
    statuses = ("testing", "implementing")
    runs = [_run("foreign", projectId=FOREIGN, projectName="Depot", status=status) for status in statuses]
    return [_moment(int(number * every_ms), [runs[number % 2]], None) for number in range(int(for_ms / every_ms))]


def tagged(value: Any, tag: str) -> Any:
    """A state with ids that no other try has: a log line is new where its id was never there before."""
    if isinstance(value, dict):
        named = {key for key, one in value.items() if key in ("id", "pipelineRunId") and isinstance(one, str)}
        return {key: tag + one if key in named else tagged(one, tag) for key, one in value.items()}
    return [tagged(one, tag) for one in value] if isinstance(value, list) else value


def most_lines(before: Iterable[Document], after: Iterable[Document]) -> int:
    """How many new lines the run has that has most of them."""
    known = {line["id"] for line in before}
    new = [line["pipelineRunId"] for line in after if line["id"] not in known]
    return max((new.count(run) for run in set(new)), default=0)
