"""What was never exercised is told by its causes, each with what to add."""

from __future__ import annotations

import pytest

from streamvet.outcome import Verdict
from streamvet.report import text
from streamvet.report.causes import Cause, causes
from streamvet.report.exits import Policy

from .made import report, ruling

SUCCEEDS = "not tried: no input that succeeds for run in the target file, and no control"
FAILS = "not tried: no input that fails for run in the target file, and no control"
LONG = "not tried: no input that takes long for run in the target file, and no control"
SILENT = "no active run was silent for 11.5 s"
OTHER = "not tried: no other_credentials in the target file"


def test_one_cause_is_told_once() -> None:
    reasons = {
        "TRN-01": f"{FAILS}; {SUCCEEDS}; no stream was requested with valid credentials",
        "TRN-02": f"{SUCCEEDS}; {FAILS}; no stream was answered",
        "CAN-01": f"{LONG}; no active run was cancelled",
        "TRN-04": f"{FAILS}; {SUCCEEDS}; no stream was ended by the server",
        "HBT-01": SILENT,
        "HBT-02": "no active run was silent for 3.0 s",
    }
    rulings = [ruling(one, Verdict.INCONCLUSIVE, reason=reason, exercised=0) for one, reason in reasons.items()]
    both = f"{FAILS}; {SUCCEEDS.removeprefix('not tried: ')}"
    wanted = [
        Cause(both, "inputs.run.fails, inputs.run.succeeds; or control", ("TRN-01", "TRN-02", "TRN-04")),
        Cause(SILENT, "inputs.<kind>.long that is silent for 11.5 s", ("HBT-01", "HBT-02")),
        Cause(LONG, "inputs.run.long; or control", ("CAN-01",)),
    ]  # fmt: skip
    assert causes(rulings) == wanted
    lines = [line.strip() for line in text.render([report(*rulings)], Policy()).plain.splitlines()]
    at = lines.index(f"INCONCLUSIVE  3 requirements, {both}")
    assert lines[at + 1 : at + 3] == [f"to add    {wanted[0].add}", "TRN-01, TRN-02, TRN-04"]


@pytest.mark.parametrize(
    ("reason", "add"),
    [
        (OTHER, "other_credentials"),
        (f"{SUCCEEDS}; {OTHER}", "inputs.run.succeeds, other_credentials, control"),
        ("not tried: no control interface", "control"),
        ("not tried: no launch in the target file", "launch"),
        ("not tried: many holds 33 connections at once, max_concurrency is 20", "max_concurrency: 33"),
        ("not tried: heartbeats waits 47.5 s, --max-wait is 10 s", "--max-wait 47.5"),
        ("not tried: race starts 9 runs, of max_starts 3 are left", "a higher max_starts"),
        ("not tried: the control interface cannot fail", "fail in the control interface"),
        ("the deadline was over before these were tried: many", "a longer --deadline"),
        ("what was due could not be observed: harness late by 88 ms", "less load on this machine"),
        ("no event with a time", ""),
    ],
)
def test_what_to_add(reason: str, add: str) -> None:
    (cause,) = causes([ruling("TRN-01", Verdict.INCONCLUSIVE, reason=reason, exercised=0)])
    assert (cause.add, cause.ids) == (add, ("TRN-01",))
