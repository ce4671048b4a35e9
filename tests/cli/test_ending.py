"""How a command ends that somebody interrupts, and one that nobody reads: with the right code, and what was found."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from streamvet import worker_pool
from streamvet.cli import proving
from streamvet.outcome import Verdict
from streamvet.prove import Done, Job
from streamvet.trace import load

from .traces import event, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from streamvet.trace import Trace

    from .commands import Ended

DEADLINE_S = 60.0
COMMAND = (sys.executable, "-m", "streamvet")
ENV = dict(os.environ, PYTHONPATH=":".join(sys.path))
BROKEN = event(1) + b"data: \xff\n\n"


# ------------------------------------------------------------------------------------------------ workers


def test_a_worker_bears_the_signals_that_end_the_command_from_its_first_moment_on() -> None:
    with worker_pool.pool(1) as workers:
        with worker_pool.signals_blocked():
            first = workers.submit(os.getpid)
        (child,) = multiprocessing.active_children()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(child.pid or 0, number)
        assert first.result(DEADLINE_S) == child.pid
        os.kill(child.pid or 0, signal.SIGTERM)
        assert workers.submit(os.getpid).result(DEADLINE_S) == child.pid


def test_what_is_held_back_comes_afterwards() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reached = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - where it is raised is what is tested
        with worker_pool.signals_blocked():
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # of several threads this one has it blocked
            reached.append("the end of the block")
        reached.append("the line behind it")
    assert reached == ["the end of the block"]


HURRIED = """
import os, time
from streamvet import worker_pool


def busy():
    try:
        with worker_pool.hurried():
            time.sleep(60)
    except KeyboardInterrupt:
        return "broken off"


if __name__ == "__main__":
    with worker_pool.pool(1) as workers:
        with worker_pool.signals_blocked():
            quick, slow, waits = workers.submit(os.getpid), workers.submit(busy), workers.submit(busy)
        quick.result()
        print(worker_pool.hurry([quick, slow, waits], 0.1), slow.result())
        print(worker_pool.hurry([workers.submit(os.getpid)], None))
"""


def test_work_that_takes_too_long_is_broken_off(tmp_path: Path) -> None:
    script = tmp_path / "hurried.py"
    script.write_text(HURRIED)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=ENV, check=False, timeout=DEADLINE_S
    )
    assert (done.stdout, done.stderr) == ("False broken off\nTrue\n", "")


ORPHANS = """
import os, time
from streamvet import worker_pool

if __name__ == "__main__":
    workers = worker_pool.pool(1)
    with worker_pool.signals_blocked():
        print(workers.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_a_worker_ends_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(ORPHANS)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=ENV) as parent:
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) > 0
        parent.kill()
        assert parent.stdout.read() == b""  # the worker has the pipe as well: it is closed when both are gone


# ------------------------------------------------------------------------------------------------ interrupted


def test_an_interrupted_judge_tells_what_it_has_judged(
    streamvet: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, report = written(tmp_path / "bad.trace.ndjson", BROKEN), tmp_path / "report.json"

    def traces(_files: Sequence[str]) -> Iterator[Trace]:
        yield load(file.read_text().splitlines(), str(file))
        raise KeyboardInterrupt

    monkeypatch.setattr("streamvet.cli.judge_traces.traces_in", traces)
    ended = streamvet("judge", file, file, "--json", report)
    assert ended.code == 130
    assert "FAIL  EVT-01" in ended.out
    assert "interrupted (exit 130)" in ended.out
    document = json.loads(report.read_text())
    assert (document["exit_code"], document["counts"]["FAIL"]) == (130, 1)


def test_a_judge_that_is_interrupted_before_it_has_judged_anything(
    streamvet: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def traces(_files: Sequence[str]) -> Iterator[Trace]:
        raise KeyboardInterrupt

    monkeypatch.setattr("streamvet.cli.judge_traces.traces_in", traces)
    assert streamvet("judge", tmp_path) == (130, "", "streamvet: interrupted\n")


def test_an_interrupted_proof_prints_the_matrix_of_what_is_done(
    streamvet: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    def perform(todo: Sequence[Job], seen: Callable[[Done], None]) -> None:
        for job in todo:
            if job.fault is None:
                seen(Done(job, {"TRN-06": Verdict.PASS}, levels={"TRN-06": "SHOULD"}))
            elif job.fault.name == "cacheable" and job.profile == "ghostly":
                seen(Done(job, {"TRN-06": Verdict.WARN}, levels={"TRN-06": "SHOULD"}))
        raise KeyboardInterrupt

    monkeypatch.setattr(proving, "perform", perform)
    names = ("cacheable", "gzipped-in-blocks")
    ended = streamvet("prove", "--profile", "ghostly", *(word for name in names for word in ("--fault", name)))
    assert ended.code == 130
    assert "TRN-06 cacheable  ghostly caught" in ended.out
    assert "1 of 1 as required\ninterrupted: 2 of 3 runs were done" in ended.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_interrupted_while_it_starts_says_so(number: signal.Signals) -> None:
    """To its whole group, as a terminal does, once Python is up: nothing of streamvet is imported by then."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
    script = "import os, signal, sys; sys.stdout.write('x'); sys.stdout.flush(); "
    script += "from streamvet.cli import main; sys.argv[1:] = ['judge', '-']; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=ENV, start_new_session=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        process.stdout.read(1)
        while process.poll() is None:  # before `main` has its handlers SIGTERM ends it, which is not what is tested
            if _catches(process.pid, number):
                os.killpg(process.pid, number)
                break
        _, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err) == (130, "streamvet: interrupted\n")


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for both signals, as `proc(5)` tells."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123
        caught = next(int(line.split()[1], 16) for line in file if line.startswith("SigCgt"))
    return all(caught >> (one - 1) & 1 for one in (number, signal.SIGTERM))


# ------------------------------------------------------------------------------------------------ unread


def closed() -> int:
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list", "requirements"], 0),
        (["check-profile", "ghostly"], 0),
        (["--help"], 0),
        (["judge", "good", "--only", "SSE"], 0),
        (["judge", "bad"], 1),
        (["judge", "no-such"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_output_that_nobody_reads_changes_no_exit_code(tmp_path: Path, arguments: list[str], code: int) -> None:
    written(tmp_path / "good", event(1) + event(2))
    written(tmp_path / "bad", BROKEN)
    out = closed()
    ran = subprocess.run(
        [*COMMAND, *arguments], stdout=out, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=ENV, check=False
    )
    os.close(out)
    assert (ran.returncode, "Error" in ran.stderr, "Traceback" in ran.stderr) == (code, False, False)


def test_output_that_cannot_be_written_is_told_of_in_a_line(tmp_path: Path) -> None:
    """The reports are there all the same."""
    file, report = written(tmp_path / "bad", BROKEN), tmp_path / "report.json"
    with open("/dev/full", "w") as full:  # noqa: PTH123
        ran = subprocess.run(
            [*COMMAND, "judge", file, "--json", report], stdout=full, stderr=subprocess.PIPE, text=True, env=ENV,
            check=False,
        )  # fmt: skip
    said = "streamvet: stdout: the output: expected one that can be written, got No space left on device\n"
    assert (ran.returncode, ran.stderr) == (2, said)
    assert json.loads(report.read_text())["counts"]["FAIL"] == 1
