"""Which timelines of a fleet the control interface takes, and its readers can tell apart.

Must not know how timelines are made.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.contract.profile import Profile

_ENDS = ("completed", "failed")  # states hold runs that snapshots do not


def is_lawful(timeline: Any, projects: Mapping[str, Sequence[str]], profile: Profile) -> bool:
    """Whether each moment has a state, and the first one something to read for each account."""
    if not isinstance(timeline, list) or not timeline or not all(_is_moment(one, profile) for one in timeline):
        return False
    in_order = all(one["at_ms"] <= other["at_ms"] for one, other in pairwise(timeline))
    first = timeline[0]["state"]
    return in_order and all(_reads(first, projects[account]) for account in projects)


def _is_moment(moment: Any, profile: Profile) -> bool:
    state = moment.get("state") if isinstance(moment, dict) else None
    if not isinstance(state, dict) or state.keys() != {"pipelines", "logs"}:
        return False
    runs, lines = state["pipelines"], state["logs"]
    if not isinstance(runs, list) or not isinstance(lines, list):
        return False
    snapshot, logs = (
        profile.schemas.decider(profile.narrow_file(kind) or "") for kind in ("fleet_snapshot", "fleet_logs")
    )
    if not snapshot([_as_active(one) for one in runs]) or (lines and not logs(lines)):
        return False
    return _once(runs) and _once(lines) and all(map(_owns, runs))


def _as_active(run: Any) -> Any:
    """A run that has ended as if it had not: its other members are those of a snapshot's."""
    return run | {"status": "queued"} if isinstance(run, dict) and run.get("status") in _ENDS else run


def _owns(run: dict[str, Any]) -> bool:
    """Whether its jobs and what it is asked are its own, each once, and nothing of that is resolved."""
    parts = (run["jobs"], run["pendingInterventions"])
    pending = all(one["status"] == "pending" for one in run["pendingInterventions"])
    return pending and all(_once(rows) and all(one["pipelineRunId"] == run["id"] for one in rows) for rows in parts)


def _once(rows: Sequence[Mapping[str, Any]]) -> bool:
    return len({one["id"] for one in rows}) == len(rows)


def _reads(state: Mapping[str, Any], mine: Sequence[str]) -> bool:
    """Whether there is a log line of an active run of these projects."""
    own = [run for run in state["pipelines"] if run["projectId"] in mine]
    active = {run["id"] for run in own if run["status"] not in (*_ENDS, None)}
    return any(line["pipelineRunId"] in active for line in state["logs"])
