"""`streamvet run --deadline`: it ends in time with what was found, says what was not tried, and is never green.

And `--only` with `--probe`: the line that reproduces a finding makes the tries of the probe that has found it.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.cli import call, judging
from streamvet.cli.deadline import Deadline
from streamvet.cli.judging import JudgedCandidate
from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.recorder import now_us
from streamvet.reference import free_port
from streamvet.report.building import Asked, ReportBuilder

from .test_run import GARBAGE, reports, target

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.outcome import Outcome
    from streamvet.report.report import Report
    from streamvet.trace import Trace

OVER = "the deadline was over before these were tried: "


@pytest.mark.parametrize(
    ("seconds", "tries_s", "judged_s"), [(300.0, 285.0, 294.0), (40.0, 25.0, 34.0), (10.0, 5.0, 7.5)]
)
def test_a_deadline_leaves_time_for_what_comes_behind_the_tries(
    seconds: float, tries_s: float, judged_s: float
) -> None:
    deadline = Deadline(1_000_000, seconds)
    assert (deadline.tries_us, deadline.judged_us) == (1_000_000 + tries_s * 1e6, 1_000_000 + judged_s * 1e6)


@pytest.mark.live
def test_a_run_that_is_cut_short_is_never_green(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reference server in real time: nothing is wrong, and heartbeats alone take three quarters of a minute."""
    file, begun_s = tmp_path / "report.json", time.monotonic()
    options = ["--deadline", "40", "--budget", "0", "--accept-incomplete", "--json", str(file)]
    code = call(["run", "--reference", "--profile", "ghostly", "--time-scale", "1", *options])
    took_s = time.monotonic() - begun_s
    said = capsys.readouterr().out
    (report,) = reports(file)
    assert (code, report["exit_code"]) == (3, 3), said
    assert took_s < 70  # on a busy machine the last processes end late
    assert {row["verdict"] for row in report["verdicts"]} <= {"PASS", "INCONCLUSIVE", "NOT_APPLICABLE"}, said
    beats = next(row for row in report["verdicts"] if row["id"] == "HBT-01")
    assert (beats["verdict"], beats["reason"].startswith(OVER)) == ("INCONCLUSIVE", True)
    assert "heartbeats: idle (" in beats["reason"]  # not tried to its end, or not judged any more
    assert "the deadline, 40 s, passed: " in said


SILENT = """
import socket, sys, threading
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def serve(connection):
    head = connection.recv(65536)
    if head.startswith(b"GET / "):
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
        connection.close()
    else:
        connection.sendall(b"HTTP/1.1 700 Odd\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n: half")
        threading.Event().wait()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@pytest.mark.live
def test_what_was_found_before_the_deadline_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script, port, file = tmp_path / "silent.py", free_port(), tmp_path / "report.json"
    script.write_text(SILENT)
    command = [sys.executable, str(script), str(port)]
    candidate = target(tmp_path / "target.yaml", port, command, time_scale=0.02)
    options = ["--deadline", "20", "--budget", "0", "--json", str(file)]
    assert call(["run", str(candidate), *options]) == 1
    (report,) = reports(file)
    found = {row["id"]: row for row in report["verdicts"]}
    assert found["TRN-01"]["verdict"] == "FAIL", capsys.readouterr().out
    assert any(row.get("reason", "").startswith(OVER) for row in found.values())


@pytest.mark.live
def test_the_line_that_reproduces_a_finding_makes_few_tries_and_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, port, file = tmp_path / "garbage.py", free_port(), tmp_path / "report.json"
    script.write_text(GARBAGE)
    candidate = target(
        tmp_path / "target.yaml", port, [sys.executable, str(script), str(port)], time_scale=0.02
    )  # fmt: skip
    assert call(["run", str(candidate), "--budget", "0", "--json", str(file)]) == 1
    (report,) = reports(file)
    failed = [row for row in report["verdicts"] if row["verdict"] == "FAIL"]
    heartbeat = [row for row in failed if row["id"].startswith("HBT")]
    for row in [failed[0], failed[-1], *heartbeat[:1]]:
        name, *words = shlex.split(row["reproduce"].partition("\n")[0])
        assert (name, words[:2]) == ("streamvet", ["run", str(candidate)])
        capsys.readouterr()
        assert call([*words, "--json", str(file)]) == 1
        said = capsys.readouterr().out
        (again,) = reports(file)
        assert [(one["id"], one["verdict"]) for one in again["verdicts"]] == [(row["id"], "FAIL")]
        assert f"no tries but those of {words[words.index('--probe') + 1]}" in said


def test_an_unknown_probe_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["run", "--reference", "--profile", "ghostly", "--probe", "no-such"]) == 2
    assert "streamvet: --probe: no-such: expected one of " in capsys.readouterr().err


# ------------------------------------------------------------------------------------------ what is left to be judged


def judged(trace: Trace, until_us: int) -> Report:
    """The report on a trace for which there is so much time."""
    candidate = JudgedCandidate(0, str(load_profile("ghostly").folder), None)
    judging._candidates.clear()
    try:
        judging._judge(candidate, trace, until_us)
        facts: dict[str, Any] = {
            "target": "x", "started_at": "", "duration_s": 0.0, "mandated_wait_s": 0.0, "notes": (),
        }  # fmt: skip
        return judging._report(candidate, Asked(), judging.Skipped(), facts, until_us)
    finally:
        judging._candidates.clear()


GOOD = base_trace(bases()["ghostly-straight"])


def test_a_trace_for_which_no_time_is_left_is_not_judged() -> None:
    report = judged(GOOD, now_us())
    assert report.cut_short
    assert report.notes[0] == "1 trace was not judged before the deadline"
    unjudged = {one.requirement.id for one in report.rulings if one.reason.startswith(OVER + "straight: ")}
    assert {"TRN-01", "SSE-01", "CAT-02"} <= unjudged
    assert report.traces == 0


def test_a_check_that_takes_too_long_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_builder: ReportBuilder, _trace: Trace) -> dict[str, Outcome]:
        while True:
            with contextlib.suppress(Exception):  # as the judge does it, where a check raises
                time.sleep(0.01)

    monkeypatch.setattr(ReportBuilder, "add", slow)
    assert judged(GOOD, now_us() + 200_000).cut_short


def test_in_time_everything_is_judged() -> None:
    report = judged(GOOD, now_us() + 60_000_000)
    assert (report.cut_short, report.traces, json.dumps(report.notes)) == (False, 1, "[]")
