"""Requirements of one's own on the command line: they are treated as those of the suite are, and proved by traces."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from streamvet.contract.files import meta_validator
from streamvet.contract.loading import load_profile
from streamvet.contract.target import load_target
from streamvet.examples import own_examples
from streamvet.report.building import NOT_ALLOWED
from streamvet.trace import dump

if TYPE_CHECKING:
    from collections.abc import Callable

    from .commands import Ended

SHOP = Path(__file__).resolve().parents[2] / "examples" / "systems" / "printshop"
IDS = ["PRINT-01", "PRINT-02"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the print shop, whose check is started by the Python at hand."""
    folder = tmp_path.resolve() / "shop"
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "requirements.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("python3", sys.executable), encoding="utf-8")
    return folder


@pytest.fixture
def traces(shop: Path) -> list[Path]:
    """A good trace, one that violates PRINT-01, one that violates PRINT-02."""
    first, second, _ = own_examples(load_profile(str(shop)))
    paths = [shop.parent / f"{name}.trace.ndjson" for name in ("good", "first", "second")]
    for path, trace in zip(paths, (first.good, first.bad, second.bad), strict=True):
        path.write_text("".join(dump(trace)), encoding="utf-8")
    return paths


def changed(path: Path, change: Callable[[Any], Any]) -> None:
    """Write what becomes of the value of a YAML file."""
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(change(value) or value, sort_keys=False, allow_unicode=True), encoding="utf-8")


# ------------------------------------------------------------------------------------------------ like the suite's


def test_they_are_listed_and_explained(streamvet: Callable[..., Ended], shop: Path) -> None:
    listed = streamvet("list", "requirements", "--profile", shop)
    assert [line.split()[0] for line in listed.out.splitlines()][-2:] == IDS
    assert "TRN-01" in listed.out
    assert "GHO-01" not in listed.out
    rows = json.loads(streamvet("list", "requirements", "--profile", shop, "--json").out)
    assert rows[-1]["command"] == [sys.executable, "check.py"]
    assert all("command" not in row for row in rows[:-2])
    explained = streamvet("explain", "print-01", "--profile", shop)
    assert (explained.code, explained.err) == (0, "")
    for said in (
        "PRINT-01  MUST  Print shop",
        "A server MUST state in `done` how many pages were printed.",
        "applies to        printshop",
        f"checked by        {sys.executable} check.py",
        "example: The event done counts a page that was not printed.",
        "in place of '\"pages\":3'",
    ):
        assert said in explained.out
    assert streamvet("explain", "PRINT-01").code == 2
    suite = streamvet("explain", "TRN-02", "--profile", shop)
    assert "agent-workspace, cosma, ghostly, promptfloe, rockstar, printshop" in suite.out


def test_a_target_file_asks_whether_their_commands_may_run(streamvet: Callable[..., Ended], shop: Path) -> None:
    drafted = streamvet("init", "--profile", shop).out
    assert drafted.endswith("\n# allow_commands: true\n")
    path = shop / "target.yaml"
    path.write_text(drafted.replace("# allow_commands", "allow_commands"), encoding="utf-8")
    target, _ = load_target(path)
    assert target.allow_commands
    assert "allow_commands" not in streamvet("init", "--profile", "ghostly").out


@pytest.mark.parametrize("only", ["PRINT", "printshop", "PRINT-01,PRINT-02"])
def test_they_are_judged_and_reported(
    streamvet: Callable[..., Ended], shop: Path, traces: list[Path], only: str
) -> None:
    files = [shop.parent / f"report.{kind}" for kind in ("json", "xml", "html")]
    reports = [
        part for kind, file in zip(("json", "junitxml", "html"), files, strict=True) for part in (f"--{kind}", file)
    ]
    ended = streamvet("judge", *traces, "--profile", shop, "--only", only, "--allow-commands", *reports)
    assert ended.code == 1
    assert "  printshop  1 FAIL · 1 WARN\n" in ended.out
    command = f"streamvet judge {traces[1]} --profile {shop} --only PRINT-01 --allow-commands"
    assert command in ended.out
    document = json.loads(files[0].read_text(encoding="utf-8"))
    assert [error.message for error in meta_validator("report").iter_errors(document)] == []
    found = {row["id"]: [(one["exchange"], one["seen"]) for one in row["findings"]] for row in document["verdicts"]}
    assert found == {"PRINT-01": [("x2", "4 pages")], "PRINT-02": [("x2", "3 pages")]}
    assert {row["exercised"] for row in document["verdicts"]} == {3}
    failed = ET.parse(files[1]).getroot().findall(".//failure")  # noqa: S314 - our own file
    assert [one.get("message") for one in failed] == ["expected done with 3 pages; seen 4 pages"]
    page = files[2].read_text(encoding="utf-8")
    assert "<h4>PRINT-01</h4>" in page
    assert "Print shop" in page


def test_without_leave_they_are_inconclusive(streamvet: Callable[..., Ended], shop: Path, traces: list[Path]) -> None:
    ended = streamvet("judge", traces[0], "--profile", shop, "--only", "PRINT")
    assert (ended.code, f"note: PRINT-01, PRINT-02: {NOT_ALLOWED}\n" in ended.out) == (3, True)
    assert "  printshop  2 INCONCLUSIVE\n" in ended.out
    whole = streamvet("judge", traces[0], "--profile", shop)
    assert (whole.code, f"note: PRINT-01, PRINT-02: {NOT_ALLOWED}\n" in whole.out) == (0, True)
    other = streamvet("judge", traces[0], "--profile", shop, "--only", "TRN-02")
    assert (other.code, NOT_ALLOWED in other.out) == (0, False)


def test_other_requirements_make_another_profile(
    streamvet: Callable[..., Ended], shop: Path, traces: list[Path]
) -> None:
    copy = shop.parent / "copy"
    shutil.copytree(shop, copy)
    changed(copy / "requirements.yaml", lambda own: own.update(title="Another print shop"))
    ended = streamvet("judge", traces[0], "--profile", copy)
    assert (ended.code, "/digest: expected the digest of profile printshop" in ended.err) == (2, True)


def test_captured_bytes_do_not_reach_them(streamvet: Callable[..., Ended], shop: Path) -> None:
    captured = shop.parent / "captured"
    captured.write_text('{"type":"page","number":1}\n{"type":"done","pages":2}\n', encoding="utf-8")
    ended = streamvet("judge", "--raw", "ndjson", captured, "--profile", shop, "--only", "PRINT", "--allow-commands")
    assert (ended.code, "note: PRINT-01, PRINT-02: bytes alone do not tell\n" in ended.out) == (3, True)


def test_they_can_be_waived(streamvet: Callable[..., Ended], shop: Path, traces: list[Path]) -> None:
    waivers = shop.parent / "waivers.yaml"
    waivers.write_text("- {id: PRINT-01, reason: ticket 7}\n", encoding="utf-8")
    arguments = ["--profile", shop, "--only", "PRINT", "--waivers", waivers]
    ended = streamvet("judge", *traces, *arguments, "--allow-commands")
    assert (ended.code, "  printshop  1 WARN · 1 WAIVED\n" in ended.out) == (0, True), ended.out
    other = streamvet("judge", traces[0], "--waivers", waivers)
    assert (other.code, "/0/id: expected the id of a requirement that is checked" in other.err) == (2, True)


def test_a_command_that_fails_is_an_error_and_no_traceback(
    streamvet: Callable[..., Ended], shop: Path, traces: list[Path]
) -> None:
    (shop / "check.py").write_text("raise SystemExit('no printer')\n", encoding="utf-8")
    ended = streamvet("judge", *traces, "--profile", shop, "--allow-commands")
    assert ended.code == 4
    assert "ERROR  PRINT-01" in ended.out
    assert "ended with exit code 1 and said: no printer" in ended.out
    assert "27 pass · 13 INCONCLUSIVE · 2 ERROR" in ended.out
    assert "Traceback" not in ended.out + ended.err


# ------------------------------------------------------------------------------------------------ the proof


def test_a_folder_is_proved_only_with_leave(streamvet: Callable[..., Ended], shop: Path) -> None:
    ended = streamvet("check-profile", shop)
    assert (ended.code, ended.err) == (0, "")
    assert "2 requirements of its own, not proved: --allow-commands runs the commands that check them\n" in ended.out
    ended = streamvet("check-profile", shop, "--allow-commands")
    assert (ended.code, ended.err) == (0, "")
    assert "2 requirements of its own, proved by 3 example traces\n" in ended.out


ROWS, BASE, OWN = "traces/rows.yaml", "traces/bases/three-pages.yaml", "requirements.yaml"


def _row(number: int, **keys: Any) -> Callable[[Any], None]:
    return lambda rows: rows[number].update(keys)


def _chunk(number: int, text: str) -> Callable[[Any], None]:
    return lambda base: base["exchanges"][1]["chunks"][number].__setitem__(1, text)


# A file of the folder, what is made of it, and what is then said: the file and the place, what was expected and got.
UNPROVED: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "a requirement without a bad trace": (
        ROWS,
        lambda rows: rows[:1],
        "traces/rows.yaml: the file: expected a row for PRINT-02, with a trace that violates it, got none",
    ),
    "a requirement with a trace that holds alone": (
        ROWS,
        lambda rows: [rows[0], rows[2]],
        "expected a row for PRINT-02, with a trace that violates it, got none",
    ),
    "a bad trace that is none": (
        ROWS,
        _row(0, edit=[{"path": "/exchanges/1/at_ms", "set": 11}]),
        "traces/rows.yaml: /0: expected a finding for PRINT-01, got exercised, without a finding",
    ),
    "a bad trace that violates another one too": (
        ROWS,
        _row(0, edit=[{"path": "/exchanges/1/chunks/2", "remove": True}]),
        "traces/rows.yaml: /0: expected no finding for PRINT-02, got one for PRINT-02 in exchange x2: 3 pages, as",
    ),
    "a trace that holds and does not": (
        ROWS,
        _row(1, holds=True),
        "traces/rows.yaml: the file: expected a row for PRINT-02",
    ),
    "a trace on the right side that is over": (
        ROWS,
        _row(2, edit=[{"path": "/exchanges/0/request/body/pages", "set": 9}]),
        "traces/rows.yaml: /2: expected no finding for PRINT-02, got one for PRINT-02",
    ),
    "a good trace that is none": (
        BASE,
        _chunk(1, '{"type":"page","number":1}\n{"type":"page","number":2}\n'),
        "three-pages.yaml: the file: expected a trace that violates nothing, got one for PRINT-01 in exchange x2",
    ),
    "a good trace that exercises nothing": (
        BASE,
        lambda base: base["exchanges"][1].update(operation="record"),
        "traces/rows.yaml: /0: expected three-pages to exercise PRINT-01, got not exercised: no order is done",
    ),
    "a trace of another profile": (
        BASE,
        lambda base: base.update(profile="ghostly"),
        "three-pages.yaml: /profile: expected 'printshop', got 'ghostly'",
    ),
    "a trace that no recorder writes": (
        BASE,
        lambda base: base["exchanges"][1]["about"].update(meant="everything"),
        "three-pages.yaml: the file: expected a record of exchange with one of 'stream', 'answer', 'refusal', 'either'",
    ),
    "a row of another requirement": (
        ROWS,
        _row(0, id="TRN-01"),
        "traces/rows.yaml: /0/id: expected a requirement of the family printshop, got TRN-01",
    ),
    "a row of no requirement": (ROWS, _row(0, id="PRINT-09"), "traces/rows.yaml: /0/id: expected a requirement of"),
    "a base that is not there": (
        ROWS,
        _row(0, base="four-pages"),
        "traces/bases/four-pages.yaml: the file: expected a",
    ),
    "a command that cannot be started": (
        OWN,
        lambda own: own["requirements"][1].update(check={"command": ["./no-such-program"]}),
        "/requirements/1/check/command: expected a command that prints outcomes, got the command './no-such-program'",
    ),
    "a command that prints something else": (
        OWN,
        lambda own: own["requirements"][0].update(check={"command": [sys.executable, "-c", "print(1)"]}),
        "printed in line 1 no outcome: the line: expected object, got 1",
    ),
    "an id of the suite": (OWN, lambda own: own["requirements"][0].update(id="TRN-01"), "/requirements/0/id: expected"),
}


@pytest.mark.parametrize(("file", "change", "said"), UNPROVED.values(), ids=UNPROVED)
def test_what_is_not_proved_is_told_with_its_place(
    streamvet: Callable[..., Ended], shop: Path, file: str, change: Callable[[Any], Any], said: str
) -> None:
    changed(shop / file, change)
    ended = streamvet("check-profile", shop, "--allow-commands")
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert all(line.startswith(f"streamvet: {shop}/") for line in ended.err.splitlines())


def test_no_traces_at_all(streamvet: Callable[..., Ended], shop: Path) -> None:
    shutil.rmtree(shop / "traces")
    ended = streamvet("check-profile", shop)
    assert ended.code == 2
    assert (
        "traces/rows.yaml: the file: expected a row for PRINT-01, with a trace that violates it, got none" in ended.err
    )


def test_every_misfit_is_told(streamvet: Callable[..., Ended], shop: Path) -> None:
    program = (shop / "check.py").read_text(encoding="utf-8")
    (shop / "check.py").write_text(program.replace("if printed != pages:", "if True:"), encoding="utf-8")
    ended = streamvet("check-profile", shop, "--allow-commands")
    assert ended.code == 2
    said = [line.removeprefix(f"streamvet: {shop}/traces/").partition(", got")[0] for line in ended.err.splitlines()]
    assert said == [
        "bases/three-pages.yaml: the file: expected a trace that violates nothing",
        "rows.yaml: /0: expected no finding for PRINT-02",
        "rows.yaml: /2: expected no finding for PRINT-02",
    ]
