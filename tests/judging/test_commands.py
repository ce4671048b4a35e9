"""Commands that check requirements of somebody's own: what they are given, what of theirs counts, and what does not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.commands import Spool, perform, process
from streamvet.contract.files import meta_validator
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace
from streamvet.outcome import Finding, Verdict
from streamvet.recorder import now_us
from streamvet.report.building import NOT_ALLOWED, Asked, ReportBuilder
from streamvet.systems import system_of
from streamvet.trace import load

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.trace import Trace
    from streamvet.verdicts import Ruling

SHOP = Path(__file__).resolve().parents[2] / "examples" / "systems" / "printshop"
FINDING = {"exchange": "x2", "span": [0, 26], "expected": "e", "seen": "s"}


def shop(
    folder: Path, program: str, *, rows: dict[str, dict[str, Any]] | None = None, name: str = "check.py"
) -> Profile:
    """The print shop with another program in the place of its check."""
    shutil.copytree(SHOP, folder)
    (folder / name).write_text(program, encoding="utf-8")
    path = folder / "requirements.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for row in content["requirements"]:
        row.update({"check": {"command": [sys.executable, name]}}, **(rows or {}).get(row["id"], {}))
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load_profile(str(folder))


def good(profile: Profile) -> Trace:
    return base_trace(profile.folder / "traces" / "bases" / "three-pages.yaml", profile)


def judged(
    profile: Profile, *traces: Trace, withheld: str = "", until_us: int | None = None
) -> dict[str, Ruling]:  # fmt: skip
    """The rulings on the requirements of the folder."""
    builder = ReportBuilder(profile, load_registry(profile), system_of(profile).checks, withheld, until_us)
    for trace in traces or (good(profile),):
        builder.add(trace)
    report = builder.report(
        Asked(), target="a test", started_at="2030-01-31T12:00:00Z", duration_s=0.0, mandated_wait_s=0.0, time_scale=1.0
    )
    return {one.requirement.id: one for one in report.rulings if one.requirement.family == "printshop"}


def printing(*lines: Any) -> str:
    """A program that prints these lines, whatever it is given."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return "".join(f"print({text!r})\n" for text in texts)


def outcome(requirement: str = "PRINT-01", trace: int = 1, **rest: Any) -> dict[str, Any]:
    return {"id": requirement, "trace": trace, "exercised": True, **rest}


# ------------------------------------------------------------------------------------------------ what it is given


def test_a_command_is_given_every_trace_with_its_number_in_its_folder(tmp_path: Path) -> None:
    program = "import pathlib, sys\npathlib.Path('given').write_text(sys.stdin.read())\n"
    profile = shop(tmp_path / "shop", program)
    judged(profile, good(profile), good(profile))
    lines = (profile.folder / "given").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [row["number"] for row in records if row["record"] == "trace"] == [1, 2]
    assert [[error.message for error in meta_validator("trace").iter_errors(row)] for row in records] == [[]] * len(
        lines
    )
    half = len(lines) // 2
    read = load(lines[half:], "the second")
    assert [(one.id, one.body) for one in read.exchanges] == [(one.id, one.body) for one in good(profile).exchanges]


def test_rows_with_one_command_share_one_start_of_it(tmp_path: Path) -> None:
    program = "open('starts', 'a').write('.')\n" + printing(outcome(), outcome("PRINT-02"))
    profile = shop(tmp_path / "shop", program)
    assert {one.verdict for one in judged(profile).values()} == {Verdict.PASS}
    assert (profile.folder / "starts").read_text(encoding="utf-8") == "."


def test_the_environment_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRINTER", "left")
    program = "import os\nopen('env', 'w').write(os.environ['PRINTER'])\n"
    profile = shop(tmp_path / "shop", program)
    judged(profile)
    assert (profile.folder / "env").read_text(encoding="utf-8") == "left"


def test_without_leave_nothing_is_started(tmp_path: Path) -> None:
    profile = shop(tmp_path / "shop", "open('started', 'w')\n")
    rulings = judged(profile, withheld=NOT_ALLOWED)
    assert {(one.verdict, one.reason) for one in rulings.values()} == {(Verdict.INCONCLUSIVE, NOT_ALLOWED)}
    assert not (profile.folder / "started").exists()


# ------------------------------------------------------------------------------------------------ what counts


def test_a_command_that_has_no_time_says_nothing(tmp_path: Path) -> None:
    profile = shop(tmp_path / "shop", "import time\ntime.sleep(60)\n")
    first = next(iter(judged(profile, until_us=now_us() + 500_000).values()))
    assert first.verdict is Verdict.INCONCLUSIVE
    assert "check.py' had no time to end" in first.reason


def test_an_outcome_becomes_a_verdict(tmp_path: Path) -> None:
    lines = [outcome(findings=[FINDING]), outcome("PRINT-02", exercised=False, reason="no order wants pages")]
    first, second = judged(shop(tmp_path / "shop", printing(*lines))).values()
    assert (first.verdict, first.exercised, first.probes) == (Verdict.FAIL, 1, ("straight",))
    wanted = Finding("x2", (0, 26), 20_000, "e", "s", "PRINT-01", "three-pages", "straight")
    assert first.findings == (wanted,)  # the time is that of the last byte of the span
    assert (second.verdict, second.reason) == (Verdict.INCONCLUSIVE, "no order wants pages")


def test_a_violated_should_warns_and_no_outcome_is_not_exercised(tmp_path: Path) -> None:
    first, second = judged(shop(tmp_path / "shop", printing(outcome("PRINT-02", findings=[FINDING])))).values()
    assert (first.verdict, first.reason) == (Verdict.INCONCLUSIVE, "its command says nothing of this trace")
    assert second.verdict is Verdict.WARN


def test_a_time_of_its_own_stays(tmp_path: Path) -> None:
    rulings = judged(shop(tmp_path / "shop", printing(outcome(findings=[FINDING | {"at_us": 7}]))))
    assert [one.at_us for one in rulings["PRINT-01"].findings] == [7]


def test_findings_where_something_else_is_violated_are_explained(tmp_path: Path) -> None:
    other = FINDING | {"exchange": "x1", "span": [0, 0]}
    lines = [outcome(findings=[FINDING]), outcome("PRINT-02", findings=[FINDING])]
    rows = {"PRINT-02": {"explained_by": ["PRINT-01"]}}
    second = judged(shop(tmp_path / "one", printing(*lines), rows=rows))["PRINT-02"]
    assert (second.verdict, second.reason) == (Verdict.INCONCLUSIVE, "violated only where PRINT-01 is violated too")
    lines[1] = outcome("PRINT-02", findings=[FINDING, other])
    second = judged(shop(tmp_path / "two", printing(*lines), rows=rows))["PRINT-02"]
    assert [one.exchange for one in second.findings] == ["x1"]


def test_only_what_is_asked_for_is_run(tmp_path: Path) -> None:
    profile = shop(tmp_path / "shop", "open('started', 'w')\n")
    builder = ReportBuilder(profile, load_registry(profile), system_of(profile).checks, "")
    builder.add(good(profile))
    builder.report(
        Asked(only={"TRN-01"}), target="a test", started_at="", duration_s=0.0, mandated_wait_s=0.0, time_scale=1.0
    )
    assert not (profile.folder / "started").exists()


# ------------------------------------------------------------------------------------------------ what does not

# A program, and what is said of it behind the command. None of it takes other verdicts with it.
WRONG: dict[str, tuple[str, str]] = {
    "it fails": ("import sys\nsys.exit('no such file')\n", "ended with exit code 1 and said: no such file"),
    "it fails after outcomes": (printing(outcome()) + "raise SystemExit(3)\n", "ended with exit code 3"),
    "it is killed": ("import os\nos.kill(os.getpid(), 9)\n", "ended with signal 9"),
    "no JSON": (printing("all is well"), "printed in line 1 no JSON: 'all is well'"),
    "no text": ("import sys\nsys.stdout.buffer.write(b'\\xff\\n')\n", "printed in line 1 no JSON: "),
    "a list": (printing([]), "printed in line 1 no outcome: the line: expected object, got []"),
    "no outcome": (
        printing(outcome(), {"id": "PRINT-01"}),
        "printed in line 2 no outcome: the line: expected the keys id, trace, exercised, got {'id': 'PRINT-01'}",
    ),
    "no reason": (
        printing(outcome(exercised=False)),
        "printed in line 1 no outcome: the line: expected the keys reason, got ",
    ),
    "an id of the suite": (printing(outcome("TRN-01")), "the id TRN-01; it checks PRINT-01, PRINT-02"),
    "an id of nobody": (printing(outcome("PRINT-07")), "the id PRINT-07; it checks PRINT-01, PRINT-02"),
    "a trace of nobody": (printing(outcome(trace=2)), "printed in line 1 the trace 2; there are 1"),
    "a second outcome": (printing(outcome(), outcome()), "in line 2 a second outcome of PRINT-01 for trace 1"),
    "an exchange of nobody": (
        printing(outcome(findings=[FINDING | {"exchange": "x9"}])),
        "printed in line 1, of three-pages, the exchange 'x9'; the trace has x1, x2",
    ),
    "bytes that did not come": (
        printing(outcome(findings=[FINDING | {"span": [90, 9000]}])),
        "printed in line 1, of three-pages, the span 90 to 9000; the body of x2 has",
    ),
    "a span that goes back": (printing(outcome(findings=[FINDING | {"span": [9, 3]}])), "the span 9 to 3; "),
}


@pytest.mark.parametrize(("program", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_command_is_an_error_of_its_rows(program: str, said: str, tmp_path: Path) -> None:
    profile = shop(tmp_path / "shop", program)
    rulings = judged(profile)
    assert {one.verdict for one in rulings.values()} == {Verdict.ERROR}
    for one in rulings.values():
        assert one.reason.startswith(f"the command '{sys.executable} check.py' ")
        assert said in one.reason
    builder = ReportBuilder(profile, load_registry(profile), system_of(profile).checks, "")
    assert builder.add(good(profile))["TRN-02"] == []


def test_one_that_fails_leaves_another_alone(tmp_path: Path) -> None:
    rows = {"PRINT-02": {"check": {"command": [sys.executable, "-c", printing(outcome("PRINT-02"))]}}}
    first, second = judged(shop(tmp_path / "shop", "raise SystemExit(1)\n", rows=rows)).values()
    assert (first.verdict, second.verdict) == (Verdict.ERROR, Verdict.PASS)


# How a program may not be started, and what is said of it.
NOT_STARTED: dict[str, tuple[list[str], str]] = {
    "it is not there": (["./no-such-program"], "cannot be started in {folder}: No such file or directory"),
    "it is no program": (["./target.yaml"], "cannot be started in {folder}: Permission denied"),
    "it is a folder": (["./events"], "cannot be started in {folder}: Permission denied"),
}


@pytest.mark.parametrize(("command", "said"), NOT_STARTED.values(), ids=NOT_STARTED)
def test_a_command_that_cannot_be_started(command: list[str], said: str, tmp_path: Path) -> None:
    rows = {one: {"check": {"command": command}} for one in ("PRINT-01", "PRINT-02")}
    profile = shop(tmp_path / "shop", "", rows=rows)
    for one in judged(profile).values():
        assert one.verdict is Verdict.ERROR
        assert said.format(folder=profile.folder) in one.reason


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LEAST_S", 1.0)
    program = (
        "import os, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "open('child', 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    profile = shop(tmp_path / "shop", program)
    assert "took longer than 1 s" in judged(profile)["PRINT-01"].reason
    child = int((profile.folder / "child").read_text(encoding="utf-8"))
    assert _ends(child)


def _ends(process: int) -> bool:
    """Whether a process is gone, or is about to be: one that nobody has waited for is still listed."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_a_command_that_prints_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MOST_OUTPUT_BYTES", 2**20)
    profile = shop(tmp_path / "shop", "while True:\n    print('x' * 10_000)\n")
    assert "printed more than 1 MiB" in judged(profile)["PRINT-01"].reason


def test_a_command_that_complains_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MOST_OUTPUT_BYTES", 2**20)
    profile = shop(tmp_path / "shop", "import sys\nwhile True:\n    print('x' * 10_000, file=sys.stderr)\n")
    assert "printed more than 1 MiB" in judged(profile)["PRINT-01"].reason


def test_a_command_may_read_nothing_and_print_first(tmp_path: Path) -> None:
    """No pipe fills up: the traces have some MB, and the outcomes come before any of them is read."""
    program = "import json\nfor n in range(1, 401):\n" + "".join(
        f"    print(json.dumps({{'id': {one!r}, 'trace': n, 'exercised': True}}))\n" for one in ("PRINT-01", "PRINT-02")
    )
    profile = shop(tmp_path / "shop", program)
    rulings = judged(profile, *[good(profile)] * 400)
    assert [(one.verdict, one.exercised) for one in rulings.values()] == [(Verdict.PASS, 400)] * 2


def test_ctrl_c_ends_a_command(tmp_path: Path) -> None:
    profile = shop(tmp_path / "shop", "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    spool, path = Spool(), profile.folder / "pid"
    spool.add(good(profile))

    def interrupt() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (path.exists() and path.read_text(encoding="utf-8")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    rows = [row for row in load_registry(profile).testable(profile) if row.command]
    with pytest.raises(KeyboardInterrupt):
        list(perform(rows, profile.folder, spool))
    assert _ends(int(path.read_text(encoding="utf-8")))


# ------------------------------------------------------------------------------------------------ the example's own


@pytest.mark.parametrize("change", ["none", "cut", "not JSON", "not UTF-8", "no text in the body", "two orders"])
def test_the_example_s_programs_agree(change: str, tmp_path: Path) -> None:
    """Its check in Python and its check in JavaScript say the same of every trace."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("Node is not installed", pytrace=False)
    profile = load_profile(str(SHOP))
    document = yaml.safe_load((SHOP / "traces" / "bases" / "three-pages.yaml").read_text(encoding="utf-8"))
    start, stream = document["exchanges"]
    if change == "cut":
        stream["chunks"][3][1] = stream["chunks"][3][1][:9]
    elif change == "not JSON":
        stream["chunks"][1][1] = '{"type":"page",\n'
    elif change == "not UTF-8":
        stream["chunks"][1][1] = {"base64": "/wo="}
    elif change == "no text in the body":
        start["request"]["body"] = "three pages, please"
    elif change == "two orders":
        document["exchanges"] += [dict(start, id="x3"), dict(stream, id="x4", about=stream["about"] | {"run": "r2"})]
    base = tmp_path / "bases" / "changed.yaml"
    base.parent.mkdir()
    base.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    spool = Spool()
    spool.add(base_trace(base, profile))
    said = []
    for command in ([sys.executable, "check.py"], [node, "check.mjs"]):
        given = spool.from_start()
        done = subprocess.run(command, stdin=given, capture_output=True, text=True, check=True, cwd=SHOP, timeout=60)
        said.append([json.loads(line) for line in done.stdout.splitlines()])
    assert said[0] == said[1]
    assert [row["id"] for row in said[0]] == ["PRINT-01", "PRINT-02"]
