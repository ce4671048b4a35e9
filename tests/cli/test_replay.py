"""`streamvet replay`, and the cases that `streamvet run` leaves for it: from a fault that only generated tries show."""

from __future__ import annotations

import contextlib
import html
import io
import json
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from streamvet.cli import call
from streamvet.cli.generated import Known, explorer
from streamvet.contract.files import meta_validator
from streamvet.contract.registry import load_registry
from streamvet.generation.case import Case, load_case, save
from streamvet.generation.exploring import Effort
from streamvet.generation.lawful import emits
from streamvet.generation.reducing import REPLAYS
from streamvet.generation.story import told
from streamvet.reference import CONTROL, SERVER, accounts, free_port
from streamvet.report.building import Asked
from streamvet.report.printable import printable

from .traces import GHOSTLY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .commands import Ended

SCALE = 0.02
# A fault that depends on what a payload says and on nothing else.
FAULT, REQUIREMENT = "data-key-twice", "EVT-03"
BUDGET_S = "15"  # a hunt needs two of them
CASE = Case(
    profile="ghostly", digest=GHOSTLY.digest, revision=load_registry().revision, seed=0, time_scale=SCALE,
    probe="program", requirement=REQUIREMENT,
    stimulus={"name": "generated", "kind": "run", "outcome": "succeeds", "input": "succeeds",
              "script": [{"emit": {"type": "loop_state", "payload": {"data": {}}}}], "readers": []},
    expected="each name once", seen="/payload/data", story="1 event", fails=5, runs=5,
)  # fmt: skip


def nowhere(path: Path) -> Path:
    """A target file of which nobody gets as far as to connect."""
    path.write_text(json.dumps({"profile": "ghostly", "base_url": "http://127.0.0.1:1"}))
    return path


def launched(path: Path, fault: str | None = None) -> Path:
    """A target file for ghostly of the reference server, which the suite launches; with a fault or honest."""
    port = free_port()
    command = [
        *SERVER, "--profile", "ghostly", "--port", str(port), "--time-scale", str(SCALE), "--control",
        "--db", str(path.with_suffix(".db")), *(("--fault", fault) if fault else ()),
    ]  # fmt: skip
    value = {
        "profile": "ghostly", "base_url": f"http://127.0.0.1:{port}", "control": CONTROL, "time_scale": SCALE,
        **accounts()["ghostly"], "launch": {"command": command, "ready": {"path": "/", "within_ms": 20_000}},
    }  # fmt: skip
    path.write_text(json.dumps(value))
    return path


# ------------------------------------------------------------------------------------------------ a case


def test_a_case_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = save(CASE, tmp_path / "new" / "folder")
    assert file.name == "ghostly-evt-03-seed-0.case.json"
    assert load_case(file) == CASE
    assert [error.message for error in meta_validator("case").iter_errors(json.loads(file.read_text()))] == []


@pytest.mark.parametrize(
    ("fails", "runs", "often"), [(5, 5, "fails 5 of 5"), (1, 5, "fails 1 of 5"), (0, 0, "not tried again")]
)
def test_how_often_it_fails(fails: int, runs: int, often: str) -> None:
    assert replace(CASE, fails=fails, runs=runs).often == often


def shaped(**changed: Any) -> Callable[[dict[str, Any]], Any]:
    """The file's value with other members; without one where that is None."""
    return lambda value: {key: one for key, one in (value | changed).items() if one is not None}


EXCLUDED = next(name for name, row in load_registry().rows.items() if row.excluded is not None)
WRONG: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("another profile", shaped(profile="promptfloe"), "/profile: expected ghostly, got 'promptfloe'"),
    (
        "another digest",
        shaped(digest="0" * 64),
        f"/digest: expected that of profile ghostly, {GHOSTLY.digest[:12]}…, got 000000000000",
    ),
    (
        "an unknown requirement",
        shaped(requirement="EVT-99"),
        "/requirement: expected the id of a requirement that is checked, got 'EVT-99'",
    ),
    (
        "an excluded requirement",
        shaped(requirement=EXCLUDED),
        f"/requirement: expected the id of a requirement that is checked, got '{EXCLUDED}'",
    ),
    ("no id", shaped(requirement="one"), "/requirement: expected a match of ^[A-Z]{2,8}-[0-9]{2}$, got 'one'"),
    ("an unknown probe", shaped(probe="no-such"), "/probe: expected the name of a probe of ghostly, got 'no-such'"),
    ("another format", shaped(format=2), "/format: expected 1, got 2"),
    ("a stimulus without a name", shaped(stimulus={"script": []}), "/stimulus: expected the keys name, got {'script'"),
    ("a stimulus that is none", shaped(stimulus=[]), "/stimulus: expected object, got []"),
    (
        "an unknown kind",
        shaped(stimulus={"name": "x", "kind": "no-such", "script": []}),
        "/stimulus/kind: expected one of run, got 'no-such'",
    ),
    ("no kind", shaped(stimulus={"name": "x", "script": []}), "/stimulus/kind: expected one of run, got None"),
    (
        "an unknown origin",
        shaped(stimulus={"name": "x", "kind": "run", "readers": [{"visits": [{"from": "nowhere"}]}]}),
        "/stimulus/readers/0/visits/0/from: expected one of ",
    ),
    (
        "a script that is none",
        shaped(stimulus={"name": "x", "kind": "run", "script": [{"say": 1}]}),
        "/stimulus/script/0: expected ",
    ),
    ("a negative count", shaped(fails=-1), "/fails: expected at least 0, got -1"),
    ("no time scale", shaped(time_scale=0), "/time_scale: expected more than 0, got 0"),
    ("a missing key", shaped(story=None), "the file: expected the keys format, profile, digest, "),
    ("an unknown key", shaped(more=1), "the file: expected only known keys, got "),
    ("a list", lambda _value: [], "the file: expected object, got []"),
]


@pytest.mark.parametrize(("wrong", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_case_names_file_place_expected_and_got(
    streamvet: Callable[..., Ended], tmp_path: Path, wrong: Callable[[dict[str, Any]], Any], said: str
) -> None:
    file = save(CASE, tmp_path)
    file.write_text(json.dumps(wrong(json.loads(file.read_text()))))
    ended = streamvet("replay", file, nowhere(tmp_path / "target.yaml"))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"streamvet: {file}: {said}")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"{", "line 1, column 2: expected JSON, got a mistake in it: Expecting property name"),
        (b'{\n  "format": 1,\n}', "line 3, column 1: expected JSON, got "),
        (b"", "line 1, column 1: expected JSON, got a mistake in it: Expecting value"),
        (b"\xff\xfe", "byte 0: expected UTF-8, got b'\\xff\\xfe'"),
        (b"[" * 100_000, "the file: expected JSON, got nesting that is too deep"),
    ],
    ids=["not ended", "a comma too many", "empty", "not UTF-8", "too deep"],
)
def test_what_is_no_json_is_no_case(streamvet: Callable[..., Ended], tmp_path: Path, octets: bytes, said: str) -> None:
    file = tmp_path / "x.case.json"
    file.write_bytes(octets)
    ended = streamvet("replay", file, nowhere(tmp_path / "target.yaml"))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"streamvet: {file}: {said}")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "give a target file, a URL with --profile, or --reference; got none"),
        (["target.yaml", "--reference"], 2, "or --reference; got two"),
        (["http://127.0.0.1:1"], 2, "needs one --profile"),
        (["target.yaml", "--times", "0"], 2, "--times"),
        (["target.yaml", "--time-scale", "0"], 2, "--time-scale"),
        (["no-such.yaml"], 2, "no-such.yaml: the file: expected a readable file"),
        (["http://127.0.0.1:1", "--profile", "promptfloe"], 2, "/profile: expected promptfloe, got 'ghostly'"),
        (["--reference", "--profile", "promptfloe"], 2, "/profile: expected promptfloe, got 'ghostly'"),
        (
            ["http://127.0.0.1:1", "--profile", "ghostly", "--wait", "0"],
            3,
            "not up within 0 s: the connection was refused",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage(
    streamvet: Callable[..., Ended], tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    ended = streamvet("replay", save(CASE, tmp_path), *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert streamvet("replay", tmp_path / "none.case.json", *arguments).code == 2


@pytest.mark.parametrize(
    ("effort", "explores"),
    [
        (Effort(), True),
        (Effort(budget_s=0.5), True),
        (Effort(examples=1), True),
        (Effort(budget_s=0), False),
        (Effort(examples=0), False),
        (Effort(budget_s=9, examples=0), False),
    ],
)
def test_who_gives_no_time_or_tries_wants_no_exploring(effort: Effort, *, explores: bool) -> None:
    assert (explorer(effort, Known(), Asked()) is not None) is explores


# ------------------------------------------------------------------------------------------------ on a server


@dataclass(frozen=True)
class Ran:
    """A run of the suite on the fault: what it said, its report in three forms, and the case that it left."""

    target: Path
    code: int
    out: str
    report: dict[str, Any]
    junit: str
    html: str
    file: Path

    @property
    def case(self) -> Case:
        """The case."""
        return load_case(self.file)

    @property
    def told(self) -> dict[str, str]:
        """What the report says of it."""
        (told,) = [one["case"] for one in self.report["verdicts"] if one["id"] == REQUIREMENT]
        return dict(told)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder, out = tmp_path_factory.mktemp("run"), io.StringIO()
    file = launched(folder / "target.yaml", FAULT)
    forms = {name: folder / f"report.{name}" for name in ("json", "junitxml", "html")}
    words = [word for name, path in forms.items() for word in (f"--{name}", str(path))]
    words += ["--only", REQUIREMENT, "--budget", BUDGET_S, "--trace-dir", str(folder / "kept")]
    with contextlib.redirect_stdout(out):
        code = call(["run", str(file), *words])
    report = json.loads(forms["json"].read_text())
    assert [error.message for error in meta_validator("report").iter_errors(report)] == []
    (case,) = (folder / "kept").glob("*.case.json")
    junit = "".join(ET.parse(forms["junitxml"]).getroot().itertext())  # noqa: S314 - our own file
    return Ran(file, code, out.getvalue(), report, junit, forms["html"].read_text(), case)


@pytest.mark.live
def test_a_run_leaves_a_case_and_its_report_says_so(ran: Ran) -> None:
    case, verdicts = ran.case, {one["id"]: one for one in ran.report["verdicts"]}
    assert (ran.code, verdicts[REQUIREMENT]["verdict"]) == (0, "WARN")  # a SHOULD
    assert [name for name, one in verdicts.items() if "case" in one] == [REQUIREMENT]
    assert ran.report["generated_tries"] > 0
    assert ran.told == {
        "story": case.story, "often": case.often, "file": str(ran.file),
        "replay": f"streamvet replay {ran.file} {ran.target}",
    }  # fmt: skip
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    wanted = [f"story {printable(case.story)}", f"{case.often}; {ran.file}", f"replay {ran.told['replay']}"]
    assert lines[lines.index(" ".join(wanted[0].split())) :][:3] == [" ".join(one.split()) for one in wanted]
    assert all(text in ran.junit for text in (printable(case.story), case.often, ran.told["replay"]))
    assert all(html.escape(text) in ran.html for text in (case.often, ran.told["replay"]))


@pytest.mark.live
def test_a_case_is_all_that_it_takes(ran: Ran) -> None:
    case = ran.case
    assert [error.message for error in meta_validator("case").iter_errors(json.loads(ran.file.read_text()))] == []
    assert (case.profile, case.digest, case.requirement) == ("ghostly", GHOSTLY.digest, REQUIREMENT)
    assert (case.fails, case.runs) == (REPLAYS, REPLAYS)
    assert case.story == told(case.stimulus, SCALE, case.seen)
    (emit,) = emits(case.stimulus)
    assert "data" in json.dumps(emit["payload"])
    assert case.stimulus["readers"] == []


@pytest.mark.live
def test_a_replay_shows_the_same_finding(ran: Ran, streamvet: Callable[..., Ended]) -> None:
    case = ran.case
    ended = streamvet(*shlex.split(ran.told["replay"])[1:])
    assert ended.code == 1, ended.err
    assert ended.out.startswith(f"the case: {printable(case.story)}\nfails {REPLAYS} of {REPLAYS}\n")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert any(line.startswith(f"WARN {REQUIREMENT} ") for line in lines)
    assert f"expected {case.expected}" in lines
    assert f"seen {printable(case.seen)}" in lines
    again = streamvet("replay", ran.file, ran.target, "--times", "2")
    assert (again.code, again.out.splitlines()[1]) == (1, "fails 2 of 2")


@pytest.mark.live
def test_a_replay_on_an_honest_server_shows_none(ran: Ran, streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    honest = streamvet("replay", ran.file, launched(tmp_path / "honest.yaml"))
    assert (honest.code, honest.out.splitlines()[1]) == (0, f"fails 0 of {REPLAYS}"), honest.err
    assert "WARN" not in honest.out
    own = streamvet("replay", ran.file, "--reference", "--times", "1")
    assert (own.code, own.out.splitlines()[1]) == (0, "fails 0 of 1"), own.err


@pytest.mark.live
def test_no_more_is_tried_than_asked_for(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    run = ["run", launched(tmp_path / "target.yaml"), "--only", REQUIREMENT, "--max-wait", "0", "--examples", "5"]
    ended = streamvet(*run)
    assert ended.code == 0, ended.err
    assert " · 5 generated\n" in ended.out
