"""`streamvet run` against processes: the reference server, a server of garbage, one that is not there; and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.cli import call
from streamvet.contract.files import meta_validator
from streamvet.reference import free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live

SCALE = "0.02"
ENOUGH = 35  # tries after which some are judged, on a busy machine too
# Answers anything with an event stream of bytes that are no such thing.
GARBAGE = """
import socket, sys, threading
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def serve(connection):
    try:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n" + bytes(range(256)) * 8)
        connection.close()
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def reports(path: Path) -> list[dict[str, Any]]:
    """The reports of a JSON file, which is as its schema says."""
    document = json.loads(path.read_text())
    assert [error.message for error in meta_validator("report").iter_errors(document)] == []
    found: list[dict[str, Any]] = document.get("reports", [document])
    return found


def told(report: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """What a report says of each requirement, without the places of files."""
    return {
        one["id"]: (one["verdict"], one["exercised"], sorted(json.dumps({**f, "trace": ""}) for f in one["findings"]))
        for one in report["verdicts"]
    }


def test_the_verdicts_of_a_live_run_are_those_of_its_traces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, live, offline = tmp_path / "traces", tmp_path / "live.json", tmp_path / "offline.json"
    files = ["--html", str(tmp_path / "live.html"), "--junitxml", str(tmp_path / "live.xml")]
    run = ["run", "--reference", "--profile", "ghostly", "--time-scale", SCALE, "--trace-dir", str(kept)]
    code = call([*run, "--json", str(live), *files])
    said = capsys.readouterr()
    assert code in (0, 1, 3), said.err
    call(["judge", *sorted(map(str, kept.iterdir())), "--json", str(offline)])
    (first,), (second,) = reports(live), reports(offline)
    assert told(first) == told(second)  # the traces are judged in another order: so are the findings
    assert first["time_scale"] == second["time_scale"] == float(SCALE)
    assert first["exit_code"] == code
    assert "timings were scaled by 0.02" in said.out
    assert "mandated wait 1.5 s" in said.out


def target(path: Path, port: int, command: list[str], **more: object) -> Path:
    """A target file for a candidate that the suite launches."""
    value = {
        "profile": "ghostly", "base_url": f"http://127.0.0.1:{port}", "credentials": {"token": "abc"},
        "inputs": {"run": {"succeeds": {}, "fails": {"fail": 1}, "long": {"long": 1}}}, "launch": {"command": command},
        **more,
    }  # fmt: skip
    path.write_text(json.dumps(value))
    return path


def test_a_candidate_that_sends_garbage_gets_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script, port, report = tmp_path / "garbage.py", free_port(), tmp_path / "report.json"
    script.write_text(GARBAGE)
    file = target(tmp_path / "target.yaml", port, [sys.executable, str(script), str(port)], time_scale=0.02)
    code = call(["run", str(file), "--json", str(report), "--html", str(tmp_path / "report.html")])
    said = capsys.readouterr()
    assert (code, "Traceback" in said.out + said.err) == (1, False)
    assert any(one["verdict"] == "FAIL" and one["findings"] for one in reports(report)[0]["verdicts"])
    assert f"reproduce streamvet run {file} --only " in said.out


def test_a_candidate_that_does_not_come_up_is_unreachable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no \\x1b[31m port')"]
    file = target(tmp_path / "target.yaml", free_port(), command)
    assert call(["run", str(file)]) == 3
    said = capsys.readouterr().err
    assert said.startswith("streamvet: http://127.0.0.1:")
    assert "it exited with 1" in said


def test_a_candidate_that_is_up_elsewhere_and_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    launch = {"command": command, "ready": {"within_ms": 200}}
    file = target(tmp_path / "target.yaml", free_port(), command, launch=launch)
    assert call(["run", str(file)]) == 3
    assert (
        "the launched candidate is not up within 200 ms: the connection was refused; it printed nothing\n"
        in capsys.readouterr().err
    )


def test_traces_that_cannot_be_kept_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script, port, kept = tmp_path / "garbage.py", free_port(), tmp_path / "kept"
    script.write_text(GARBAGE)
    file = target(tmp_path / "target.yaml", port, [sys.executable, str(script), str(port)], time_scale=0.02)
    # A folder stands where the first trace would go.
    (kept / "straight-plain-succeeds-run.trace.ndjson").mkdir(parents=True)
    assert call(["run", str(file), "--trace-dir", str(kept)]) == 2
    said = capsys.readouterr().err
    assert "straight-plain-succeeds-run.trace.ndjson: the file: expected a file that can be written" in said
    assert "Traceback" not in said


def test_a_command_that_cannot_be_run_is_a_wrong_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = target(tmp_path / "target.yaml", free_port(), [str(tmp_path / "no-such-program")])
    assert call(["run", str(file)]) == 2
    assert "/launch/command" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_reports_what_it_found(tmp_path: Path, number: signal.Signals) -> None:
    """In real time a run takes three quarters of a minute; it is interrupted once some of it is done.

    The whole group is, its workers too, as by a terminal.
    """
    # A job in the background of a shell ignores SIGINT, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    report = tmp_path / "report.json"
    run = ["run", "--reference", "--profile", "ghostly", "--time-scale", "1", "--json", str(report)]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamvet", *run],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONPATH=":".join(sys.path)),
        start_new_session=True,
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            done = re.match(r"ghostly: (\d+) of ", line)
            if done and int(done[1]) >= ENOUGH:
                break
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "interrupted (exit 130)" in out
    assert "Traceback" not in err
    (found,) = reports(report)
    assert found["exit_code"] == 130
    assert found["counts"]["PASS"] > 0


def test_the_reference_server_goes_with_the_run(tmp_path: Path) -> None:
    """After a run nobody listens where its server did."""
    report = tmp_path / "traces"
    call(
        [
            "run",
            "--reference",
            "--profile",
            "promptfloe",
            "--time-scale",
            SCALE,
            "--max-wait",
            "0",
            "--trace-dir",
            str(report),
        ]
    )
    lines = next(iter(sorted(report.iterdir()))).read_text().splitlines()
    url = next(json.loads(line)["request"]["url"] for line in lines if '"record":"exchange"' in line)
    port = int(url.split(":")[2].partition("/")[0])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


MORTAL = """
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        if sys.argv[2] == "200":
            print("out of luck", flush=True)
            os._exit(7)
        self.do_GET()

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def mortal(folder: Path, status: int) -> int:
    """The exit code for a candidate that answers so, and that ends at each start where this is a success."""
    script, port = folder / "mortal.py", free_port()
    script.write_text(MORTAL)
    command = [sys.executable, str(script), str(port), str(status)]
    file = target(folder / "target.yaml", port, command, time_scale=0.02)
    return call(["run", str(file), "--budget", "0"])


def test_a_candidate_that_ends_by_itself_is_started_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mortal(tmp_path, 200) == 1
    said = capsys.readouterr().out
    assert "FAIL  TRN-01" in said  # a start that nobody answers
    assert "the candidate ended by itself: it exited with 7; it printed " in said
    assert "out of luck" in said
    assert "are the credentials right?" not in said


def test_credentials_that_open_nothing_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mortal(tmp_path, 401) in (1, 3)
    said = capsys.readouterr().out
    assert "every request as the first account was answered 401 or 403: are the credentials right?" in said
    assert "ended by itself" not in said
