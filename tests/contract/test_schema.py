"""What a finding says of a value that is not valid against a schema of its profile."""

from __future__ import annotations

from typing import Any

import pytest

from streamvet.contract.loading import load_profile

PROFILE = load_profile("agent-workspace")
RUN: dict[str, Any] = {
    "id": "r", "projectId": "p", "projectName": "P", "status": "testing", "startedAt": None, "trigger": "t",
    "triggerData": None, "jobs": [], "pendingInterventions": [],
}  # fmt: skip
LINE = {"id": "l", "pipelineRunId": "r", "message": "m", "createdAt": "2026-07-01T00:00:01"}
TIME = "a time with a zone (RFC 3339)"


@pytest.mark.parametrize(
    ("kind", "value", "expected", "seen"),
    [
        (
            "fleet_snapshot", [RUN | {"startedAt": "2026-07-01T00:00:01.000"}],
            f"/0/startedAt: {TIME}, or null", "/0/startedAt: '2026-07-01T00:00:01.000'",
        ),
        ("fleet_snapshot", [RUN | {"startedAt": 7}], f"/0/startedAt: {TIME}, or null", "/0/startedAt: 7"),
        ("fleet_snapshot", [RUN] * 51, "the event: at most 50 items", "the event: 51 items"),
        ("fleet_update", [], "the event: at least 1 items", "the event: 0 items"),
        ("fleet_logs", [LINE], f"/0/createdAt: {TIME}", "/0/createdAt: '2026-07-01T00:00:01'"),
        ("heartbeat", {"ts": "now"}, "/ts: integer", "/ts: 'now'"),
        ("heartbeat", {}, "the event: the keys ts", "the event: {}"),
    ],
)  # fmt: skip
def test_what_was_wanted_and_what_was_seen(kind: str, value: Any, expected: str, seen: str) -> None:
    assert PROFILE.schemas.explain(PROFILE.narrow_file(kind) or "", value) == (expected, seen)
