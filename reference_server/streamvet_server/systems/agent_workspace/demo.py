"""A state to look at where no control interface says what there is: one pipeline for each project, one after another.

It must not know HTTP, polls or connections. Its pipelines walk through their stages for as long as the server runs.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamvet_server.log import now_ms
from streamvet_server.systems.agent_workspace.accounts import ACCOUNTS
from streamvet_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet_server.systems.agent_workspace.state import Document, State

STEP_S = 6.0  # two polls
KEPT_LINES = 100
STAGES = ("queued", "researching", "implementing", "testing", "awaiting_approval", "releasing", "completed")


@dataclass(slots=True)
class _Pipeline:
    """One run through all stages."""

    id: str
    project: str
    started_ms: int
    stage: int = 0
    jobs: list[Document] = field(default_factory=list)

    def step(self) -> None:
        """Come to the next stage: the job of the old one is done, the one of the new one begins."""
        now = iso(now_ms())
        for job in self.jobs[-1:]:
            job.update(status="completed", completedAt=now)
        self.stage += 1
        job = {"id": f"{self.id}-{self.stage}", "pipelineRunId": self.id, "agentType": STAGES[self.stage]}
        self.jobs.append(job | {"status": "running", "startedAt": now, "completedAt": None, "error": None})

    def snapshot(self) -> Document:
        """As a PipelineSnapshot."""
        waiting = STAGES[self.stage] == "awaiting_approval"
        note = {"id": f"{self.id}-note", "pipelineRunId": self.id, "type": "note", "message": "please look at it"}
        note |= {"status": "pending", "createdAt": iso(self.started_ms)}
        return {
            "id": self.id,
            "projectId": self.project,
            "projectName": self.project.capitalize(),
            "status": STAGES[self.stage],
            "startedAt": iso(self.started_ms),
            "trigger": "schedule",
            "triggerData": None,
            "jobs": [dict(job) for job in self.jobs],
            "pendingInterventions": [note] if waiting else [],
        }

    def line(self, number: int) -> Document:
        """What is logged when it has come to its stage."""
        job = self.jobs[-1] if self.jobs else {"id": None, "agentType": None}
        told: dict[str, Any] = {"id": f"log-{number}", "pipelineRunId": self.id, "jobId": job["id"]}
        told |= {"agentType": job["agentType"], "level": "info", "message": f"{self.project}: {STAGES[self.stage]}"}
        return told | {"metadata": None, "createdAt": iso(now_ms())}


async def demonstrate(state: State, scale: float) -> None:
    """Change the state every few polls, for ever."""
    numbers, lines = itertools.count(1), deque[Any](maxlen=KEPT_LINES)
    running = [_begin(project, numbers) for account, _ in ACCOUNTS for project in account.projects]
    while True:
        lines.extend(pipeline.line(next(numbers)) for pipeline in running)
        state.put_pipelines([pipeline.snapshot() for pipeline in running])
        state.put_logs(tuple(lines))
        await asyncio.sleep(STEP_S * scale)
        for index, pipeline in enumerate(running):
            if STAGES[pipeline.stage] == STAGES[-1]:
                running[index] = _begin(pipeline.project, numbers)
            else:
                pipeline.step()


def _begin(project: str, numbers: Iterator[int]) -> _Pipeline:
    return _Pipeline(f"run-{next(numbers)}", project, now_ms())
