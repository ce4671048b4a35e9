"""What a finding says of a run: what changed, and what is told otherwise than it was put."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamvet.systems.agent_workspace.checks.differences import change_of, first_other
from streamvet.systems.agent_workspace.checks.shown import shows

JOB: dict[str, Any] = {"id": "a", "pipelineRunId": "r", "status": "running", "startedAt": "2026-07-01T00:00:00.000Z"}
ASKED: dict[str, Any] = {"id": "i", "pipelineRunId": "r", "message": "wait", "status": "pending"}
RUN: dict[str, Any] = {"id": "r", "status": "testing", "jobs": [JOB], "pendingInterventions": [ASKED]}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, {}, 'it was absent, then it is "testing"'),
        ({"status": "queued"}, {}, 'its status was "queued", then "testing"'),
        ({"jobs": []}, {}, 'its jobs were 0, then 1: "a"'),
        ({}, {"jobs": [JOB | {"status": "done"}]}, 'the status of its job "a" was "running", then "done"'),
        ({}, {"pendingInterventions": []}, "its pending interventions were 1, then 0"),
    ],
)
def test_what_changed(before: dict[str, Any] | None, after: dict[str, Any], said: str) -> None:
    assert change_of(None if before is None else RUN | before, RUN | after) == said


@pytest.mark.parametrize(
    ("put", "told", "want", "seen"),
    [
        ({}, {"status": "queued"}, '/status "testing"', '"queued"'),
        ({}, {"jobs": [JOB | {"status": "done"}]}, '/jobs/a/status "running"', '"done"'),
        ({}, {"jobs": []}, f"/jobs/a {json.dumps(JOB)}"[:120], "absent"),
        ({"jobs": []}, {}, "/jobs/a absent", json.dumps(JOB)),
        ({}, {"jobs": [JOB, JOB]}, '/jobs of 1 rows: ["a"]', '["a", "a"]'),
        ({}, {"pendingInterventions": [ASKED | {"message": "go"}]}, '/pendingInterventions/i/message "wait"', '"go"'),
        ({"triggerData": {"by": [1, 2]}}, {"triggerData": {"by": [1, 3]}}, "/triggerData/by/1 2", "3"),
        ({"triggerData": {"by": [1]}}, {"triggerData": {"by": [1, 3]}}, "/triggerData/by/1 absent", "3"),
        ({"name": "a" * 30 + "b"}, {"name": "a" * 30 + "c"}, '/name from character 20 "aaaaaaaaaab"',
         '"aaaaaaaaaac"'),
        ({"name": None}, {}, "/name null", "absent"),
    ],
)  # fmt: skip
def test_the_first_difference(put: dict[str, Any], told: dict[str, Any], want: str, seen: str) -> None:
    wanted, document = RUN | put, RUN | told
    assert not shows(document, wanted)
    found = first_other(wanted, document)
    assert (found[0][: len(want)], found[1][: len(seen)]) == (want, seen)
