"""What one connection of agent-workspace is shown of the state: the initial state, then what each poll finds.

It must not know HTTP, time or other connections. Which pipelines count as active, what a fingerprint covers and every
limit on numbers stand here. Each choice among rows goes through the seam `sift`, under its own name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from streamvet_server.systems.agent_workspace.state import Document, Line, State, moment

ACTIVE = frozenset(
    {
        *("queued", "researching", "architecting", "designing", "implementing", "testing", "awaiting_approval"),
        *("releasing", "marketing", "documenting", "syncing_branches"),
    }
)
MOST_PIPELINES = 50
MOST_LOGS_AT_FIRST = 300
MOST_LOGS_PER_POLL = 50  # of one pipeline

# From the name of a choice, the rows and the chosen ones, to the rows that are shown.
Sift = Callable[[str, Sequence[Any], Sequence[Any]], Sequence[Any]]


def fingerprint(pipeline: Document) -> Any:
    """What has to change for a pipeline to be told again."""
    jobs = frozenset((job["id"], job["status"]) for job in pipeline["jobs"])
    return pipeline["status"], jobs, len(pipeline["pendingInterventions"])


@dataclass(slots=True)
class View:
    """One connection's own fingerprints and log cursors. `name` is who looks."""

    state: State
    name: str
    sift: Sift
    _told: dict[str, Any] = field(default_factory=dict)  # the fingerprints of the pipelines that are shown now
    _begin: int = 0  # the newest line at the connection
    _cursors: dict[str, int] = field(default_factory=dict)  # the last line that was sent, by pipeline

    def load(self) -> tuple[Sequence[Document], Sequence[Document]]:
        """The pipelines and the log lines of the initial state. What is a line now is not new later."""
        shown = self._shown()
        self._told = {pipeline["id"]: fingerprint(pipeline) for pipeline in shown}
        self._begin = self.state.newest
        lines = [line for run in self._logged(shown) for line in self.state.lines.get(run, ())]
        lines.sort(key=attrgetter("at", "ordinal"))
        return shown, [line.document for line in self.sift("latest", lines, lines[-MOST_LOGS_AT_FIRST:])]

    def poll(self) -> tuple[Sequence[Document], Sequence[Document]]:
        """The pipelines that have changed since, and the lines that are new."""
        shown = self._shown()
        prints = {pipeline["id"]: fingerprint(pipeline) for pipeline in shown}
        changed = [pipeline for pipeline in shown if self._told.get(pipeline["id"]) != prints[pipeline["id"]]]
        self._told = prints
        lines = [line for run in self._logged(shown) for line in self._next_lines(run)]
        lines.sort(key=attrgetter("at", "ordinal"))
        return self.sift("changed", shown, changed), [line.document for line in lines]

    def _shown(self) -> Sequence[Document]:
        """The active pipelines of the projects that may be seen now, newest first."""
        every = [self._pending(pipeline) for pipeline in self.state.pipelines]
        active = self.sift("status", every, [one for one in every if one["status"] in ACTIVE])
        projects = self.state.projects(self.name)
        mine = self.sift("project", active, [one for one in active if one["projectId"] in projects])
        mine = sorted(mine, key=lambda one: moment(one["startedAt"]), reverse=True)
        return self.sift("newest", mine, mine[:MOST_PIPELINES])

    def _pending(self, pipeline: Document) -> Document:
        """The pipeline without the interventions that are resolved."""
        given = pipeline["pendingInterventions"]
        pending = self.sift("pending", given, [one for one in given if one["status"] == "pending"])
        return pipeline if len(pending) == len(given) else {**pipeline, "pendingInterventions": pending}

    def _logged(self, shown: Sequence[Document]) -> Sequence[str]:
        """The pipelines whose lines are looked at."""
        return [pipeline["id"] for pipeline in self.sift("logged", self.state.pipelines, shown)]

    def _next_lines(self, run: str) -> Sequence[Line]:
        """The lines of one pipeline that this poll sends, oldest first; the rest is left to the next one."""
        lines = self.state.lines.get(run, ())
        after = self._cursors.get(run, self._begin)
        new = self.sift("new", lines, lines[bisect_right(lines, after, key=attrgetter("ordinal")) :])
        sent = self.sift("batch", new, new[:MOST_LOGS_PER_POLL])
        if sent:
            self._cursors[run] = sent[-1].ordinal
        return sent
