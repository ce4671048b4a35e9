"""The commands that need no candidate: what they print, where, and with which exit code."""

from __future__ import annotations

import gzip
import io
import json
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.contract.files import meta_validator
from streamvet.contract.folders import builtin_profiles, known_protocols
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.contract.target import target_of
from streamvet.report.json_report import FINDINGS

from .traces import GHOSTLY, STATUS, event, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .commands import Ended

ENDED = b'event: status\ndata: {"kind":"status","status":"pass","at":"2025-11-22T00:00:00.000Z"}\n\n'
DONE = b'{"id":33,"runId":"run_7","type":"done","tokensUsed":1234,"durationMs":8123,"filesChanged":3}\n'
PING = b"event: ping\ndata: 1763769600\n\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return written(tmp_path / "good.trace.ndjson", event(1) + event(2))


# ------------------------------------------------------------------------------------------------ usage


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--version"], 0, ""),
        (["--help"], 0, ""),
        (["run"], 2, "give a target file, a URL with --profile, or --reference; got none"),
        (
            ["run", "x.yaml", "--reference"],
            2,
            "give a target file, a URL with --profile, or --reference; got two",
        ),
        (["run", "ftp://x", "--profile", "ghostly"], 2, "expected one that begins with http:// or https://, got 'ftp:"),
        (
            ["explain", ""],
            2,
            "explain: ID: expected the id of a requirement, see `streamvet list requirements` (with --profile DIR ",
        ),
        (["judge", "x", "--junitxml", ""], 2, "'--junitxml': expected the name of a file, got an empty text"),
        (["run", "x.yaml", "--profile", "ghostly"], 2, "names its own profile"),
        (["run", "http://127.0.0.1:1"], 2, "needs one --profile"),
        (["run", "http://127.0.0.1:1", "--profile", "nope"], 2, "ghostly"),
        (["run", "http://127.0.0.1:1/?a", "--profile", "ghostly"], 2, "/base_url"),
        (["run", "no-such.yaml"], 2, "no-such.yaml: the file: expected a readable file"),
        (["run", "x.yaml", "--time-scale", "0"], 2, "--time-scale"),
        (["run", "x.yaml", "--seed", "-1"], 2, "--seed"),
        (
            ["run", "http://127.0.0.1:1", "--profile", "ghostly", "--only", "CAT-99"],
            2,
            "--only: CAT-99: expected the id of a requirement, or a family",
        ),
        (["run", "x.yaml", "--json", "no/such/folder/x.json"], 2, "no folder no/such/folder"),
        (["run", "x.yaml", "--html", "."], 2, "a folder"),
        (["run", "http://127.0.0.1:1", "--profile", "ghostly", "--waivers", "no-such.yaml"], 2, "no-such.yaml"),
        (["run", "--reference", "--profile", "nope"], 2, "a profile that the reference server does not serve"),
        (
            ["run", "http://127.0.0.1:1", "--profile", "ghostly", "--wait", "0"],
            3,
            "not up within 0 s: the connection was refused",
        ),
        (["judge"], 2, "TRACE"),
        (["judge", "no-such.trace.ndjson"], 2, "no-such.trace.ndjson: the file: expected a readable file"),
        (["judge", "--raw", "sse", "x"], 2, "--raw needs --profile"),
        (["judge", "--raw", "ndjson", "--profile", "ghostly", "x"], 2, "the framing of ghostly"),
        (["judge", "--raw", "sse", "--profile", "ghostly", "no-such"], 2, "no-such: the file"),
        (["explain", "CAT-99"], 2, "CAT-99"),
        (["check-profile", "no-such"], 2, "no-such/profile.yaml"),
        (["init", "--profile", "no-such"], 2, "no-such"),
        (["prove", "--fault", "no-such"], 2, "--fault: no-such"),
        (["prove", "--profile", "no-such"], 2, "--profile: no-such"),
        (["run", "x.yaml", "--only", ""], 2, "--only: the value: expected the id of a requirement, or a family"),
        (["run", "x.yaml", "--wait", "inf"], 2, "'--wait': expected a finite number, got inf"),
        (["run", "x.yaml", "--budget", "inf"], 2, "'--budget': expected a finite number, got inf"),
        (["run", "x.yaml", "--max-wait", "nan"], 2, "--max-wait"),
        (["run", "http://127.0.0.1:abc", "--profile", "ghostly"], 2, "command line: /base_url: expected http:// or"),
        (["prove", "--fault", "cacheable", "--trace-dir", "/dev/null"], 2, "/dev/null: the file: expected a folder"),
        (
            ["prove", "--profile", "rockstar", "--fault", "cursor-inclusive"],
            2,
            "expected a fault of rockstar, got one of",
        ),
        (["prove", "--generated", "--fault", "no-flush"], 2, "got one that pinned tries show, without --generated"),
        (
            ["prove", "--fault", "character-cut-at-a-buffer"],
            2,
            "got one that only generated tries show, with --generated",
        ),
        (["no-such-command"], 2, "no-such-command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_names_what_is_wrong(
    streamvet: Callable[..., Ended], arguments: list[str], code: int, said: str
) -> None:
    ended = streamvet(*arguments)
    assert ended.code == code
    assert said in ended.err
    assert "Traceback" not in ended.err + ended.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: expected a first record with record: trace, got an empty file"),
        ("{", "line 1: expected a record of the trace format"),
        ('{"record":"exchange"}\n', "line 1: expected a first record with record: trace"),
        ('{"record":"trace","format":1}\n', "line 1: expected format 2, got 1; record it again"),
        ("[" * 100_000, "line 1: expected a record of the trace format, got JSON that is nested too deep"),
        ("9" * 5000, "line 1: expected a record of the trace format, got JSON with a number that is too long"),
        ("<html>\n", "line 1: expected a record of the trace format, got a text that is no whole JSON, '<html>'"),
        ("[1]\n", "line 1: expected a record of the trace format, got JSON that is no object, '[1]'"),
        ('{"name":"x"}\n', "line 1: expected a record of the trace format, got an object without the key record"),
    ],
)
def test_a_broken_trace_names_file_line_expected_and_got(
    streamvet: Callable[..., Ended], tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "x.trace.ndjson"
    file.write_text(text)
    ended = streamvet("judge", file)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"streamvet: {file}: {said}")


CHANGED: list[tuple[int, Callable[[dict[str, Any]], object], str]] = [
    (1, lambda record: record.pop("id"), "a record of exchange without the key id"),
    (1, lambda record: record.pop("role"), "a record of exchange without the key role"),
    (1, lambda record: record["request"].pop("url"), "a record of exchange without the key url"),
    (2, lambda record: record.pop("status"), "a record of head without the key status"),
    (2, lambda record: record.pop("exchange"), "a record of head without the key exchange"),
    (3, lambda record: record.update(base64="?"), "a record of chunk with a value that is none of the format's, '{"),
    (3, lambda record: record.update(at_us=1e400), "a record of chunk with a value that is none of the format's, '{"),
    (3, lambda record: record.update(exchange="x9"), "a record of chunk for the exchange 'x9', which has not begun or"),
    (4, lambda record: record.update(ending="no"), "a record of end with a value that is none of the format's, '{"),
    (4, lambda record: record.update(record="fin"), "'fin'"),
]


@pytest.mark.parametrize(("row", "change", "got"), CHANGED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_record_is_told_in_words(
    streamvet: Callable[..., Ended], good: Path, row: int, change: Callable[[dict[str, Any]], object], got: str
) -> None:
    lines = good.read_text().splitlines()
    record = json.loads(lines[row])
    change(record)
    lines[row] = json.dumps(record)
    good.write_text("\n".join(lines))
    ended = streamvet("judge", good)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"streamvet: {good}: line {row + 1}: expected a record of ")
    assert f", got {got}" in ended.err
    assert "Error" not in ended.err


REFUSED: list[tuple[int, dict[str, Any], str]] = [
    (0, {"time_scale": 0}, "a record of trace with more than 0 at /time_scale, got 0"),
    (0, {"wall_clock": -1}, "a record of trace with at least 0 at /wall_clock, got -1"),
    (1, {"role": "guest"}, "a record of exchange with one of 'login', "),
    (1, {"about": {"run": 1}}, "a record of exchange with string at /about/run, got 1"),
    (2, {"status": "200"}, "a record of head with integer at /status, got '200'"),
    (2, {"status": 20}, "a record of head with at least 100 at /status, got 20"),
    (4, {"at_us": -1}, "a record of end with at least 0 at /at_us, got -1"),
]


@pytest.mark.parametrize(("row", "change", "said"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_record_that_its_schema_refuses_is_told_in_words(
    streamvet: Callable[..., Ended], good: Path, row: int, change: dict[str, Any], said: str
) -> None:
    lines = good.read_text().splitlines()
    lines[row] = json.dumps(json.loads(lines[row]) | change)
    good.write_text("\n".join(lines))
    ended = streamvet("judge", good)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"streamvet: {good}: line {row + 1}: expected {said}")


def test_keys_that_a_later_version_adds_to_a_trace_are_ignored(streamvet: Callable[..., Ended], good: Path) -> None:
    known = streamvet("judge", good)
    records = [json.loads(line) | {"colour": "red"} for line in good.read_text().splitlines()]
    good.write_text("\n".join(map(json.dumps, records)))
    assert streamvet("judge", good) == known


def test_a_trace_that_is_cut_in_half_is_told_in_words(streamvet: Callable[..., Ended], good: Path) -> None:
    lines = good.read_text().splitlines(keepends=True)
    good.write_text("".join(lines[:3]) + lines[3][: len(lines[3]) // 2])
    ended = streamvet("judge", good)
    assert (ended.code, ended.out) == (2, "")
    said = f"streamvet: {good}: line 4: expected a record of the trace format, got a text that is no whole JSON, "
    assert ended.err.startswith(said)
    good.write_text("".join(lines[:3]))
    said = f"streamvet: {good}: line 3: expected an end record for x1, got the end of the file\n"
    assert streamvet("judge", good) == (2, "", said)


def test_a_trace_of_an_unknown_profile_is_told_with_its_file(streamvet: Callable[..., Ended], good: Path) -> None:
    good.write_text(good.read_text().replace('"profile": "ghostly"', '"profile": "ghostley"'))
    ended = streamvet("judge", good)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"streamvet: {good}: /profile: expected one of agent-workspace, ")


def test_a_trace_that_is_not_text_is_refused(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    file = tmp_path / "x.trace.ndjson"
    file.write_bytes(b"\xff\xfe")
    assert streamvet("judge", file).code == 2


def test_a_trace_of_another_profile_digest_is_refused(streamvet: Callable[..., Ended], good: Path) -> None:
    good.write_text(good.read_text().replace(GHOSTLY.digest, "0" * 64))
    ended = streamvet("judge", good)
    assert ended.code == 2
    assert "/digest: expected the digest of profile ghostly" in ended.err


def test_our_own_error_is_told_in_two_lines(
    streamvet: Callable[..., Ended], good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by \x1b[31m zero")

    monkeypatch.setattr("streamvet.report.text.render", fail)
    ended = streamvet("judge", good)
    first, second = ended.err.splitlines()
    assert (ended.code, first) == (4, "streamvet: internal error, ZeroDivisionError: by ‹ESC›[31m zero")  # noqa: RUF001
    path = second.removeprefix("streamvet: the traceback is in ")
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        assert "ZeroDivisionError" in file.read()


# ------------------------------------------------------------------------------------------------ judge


def test_good_traces_conform(streamvet: Callable[..., Ended], good: Path) -> None:
    ended = streamvet("judge", good, "--only", "SSE,EVT-01")
    assert ended.code == 0
    assert "no violation in 1 trace (black-box): " in ended.out
    assert " MUSTs" in ended.out.rstrip().splitlines()[-2]


def test_a_bad_byte_is_found_and_shown(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.trace.ndjson", event(1) + b"data: \xff\n\n")
    files = {form: tmp_path / form for form in ("json", "junitxml", "html", "badge")}
    ended = streamvet("judge", bad, *(word for form, path in files.items() for word in (f"--{form}", path)))
    assert ended.code == 1
    assert "FAIL  EVT-01" in ended.out
    assert "»‹0xFF›«" in ended.out  # noqa: RUF001
    assert f"streamvet judge {bad} --only EVT-01" in ended.out
    document = json.loads(files["json"].read_text())
    assert [error.message for error in meta_validator("report").iter_errors(document)] == []
    assert {one["id"] for one in document["verdicts"] if one["verdict"] == "FAIL"} == {"EVT-01"}
    assert document["exit_code"] == 1
    assert all(path.stat().st_size > 100 for path in files.values())


def test_a_capture_is_never_called_conformant(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    files = {form: tmp_path / form for form in ("json", "badge")}
    file = tmp_path / "captured"
    file.write_bytes(STATUS + event(1) + PING)
    ended = streamvet(
        "judge", "--raw", "sse", "--profile", "ghostly", file, *(w for k, v in files.items() for w in (f"--{k}", v))
    )
    claim = ended.out.rstrip().splitlines()[-2]
    assert claim.startswith("no violation in 3 events (capture): ")
    assert claim.endswith("(exit 0)")
    assert "conformant" not in ended.out + files["badge"].read_text()
    assert json.loads(files["json"].read_text())["evidence"] == "capture"


def test_only_limits_what_is_reported_and_counted(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.trace.ndjson", event(1) + b"data: \xff\n\n")
    assert streamvet("judge", bad, "--only", "SSE").code == 0
    assert streamvet("judge", bad, "--only", "evt").code == 1


def test_a_waived_failure_does_not_fail(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.trace.ndjson", event(1) + b"data: \xff\n\n")
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("- {id: EVT-01, reason: ticket 12}\n")
    ended = streamvet("judge", bad, "--waivers", waivers)
    assert ended.code == 0
    assert "WAIVED  EVT-01" in ended.out


def test_a_stale_waiver_fails(streamvet: Callable[..., Ended], good: Path, tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("- {id: EVT-01, reason: ticket 12}\n")
    ended = streamvet("judge", good, "--waivers", waivers)
    assert ended.code == 1
    assert "stale waiver: EVT-01: the waiver is not needed" in ended.out
    assert ended.out.rstrip().endswith(" · 1 stale waiver")


def test_a_waiver_of_what_is_not_applicable_is_noted(
    streamvet: Callable[..., Ended], good: Path, tmp_path: Path
) -> None:
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("- {id: NDJ-01, reason: ticket 12}\n- {id: EVT-01, reason: t, accepts: INCONCLUSIVE}\n")
    ended = streamvet("judge", good, "--waivers", waivers, "--only", "SSE,NDJ")
    assert ended.code == 0
    assert "note: waiver NDJ-01: not applicable to ghostly\n" in ended.out
    assert "stale" not in ended.out
    waivers.write_text("- {id: NDJ-01, reason: ticket 12, expires: 2025-01-31}\n")
    ended = streamvet("judge", good, "--waivers", waivers, "--only", "SSE,NDJ")
    assert ended.code == 1
    assert "note: stale waiver: NDJ-01: the waiver expired after 2025-01-31\n" in ended.out


def test_a_finding_by_a_profile_of_ones_own_is_reproduced_by_it(
    streamvet: Callable[..., Ended], tmp_path: Path
) -> None:
    folder = tmp_path / "my own"
    shutil.copytree(GHOSTLY.folder, folder)
    bad = written(tmp_path / "bad.trace.ndjson", event(1) + b"data: \xff\n\n")
    ended = streamvet("judge", bad, "--profile", folder)
    line = f"streamvet judge {bad} --profile '{folder}' --only EVT-01"
    assert (ended.code, line in ended.out) == (1, True)
    again = streamvet(*shlex.split(line)[1:])
    assert (again.code, "FAIL  EVT-01" in again.out) == (1, True)


# ------------------------------------------------------------------------------------------------ where reports go


def test_a_report_replaces_nothing_that_is_read(streamvet: Callable[..., Ended], good: Path, tmp_path: Path) -> None:
    waivers, link = tmp_path / "waivers.yaml", tmp_path / "link"
    waivers.write_text("[]")
    link.symlink_to(good)
    before = good.read_bytes()
    for path, of in ((good, good), (link, good), (waivers, waivers)):
        ended = streamvet("judge", good, "--waivers", waivers, "--json", path)
        said = f"streamvet: {path}: the file: expected a file for this report alone, got {of}, another argument\n"
        assert ended == (2, "", said)
    assert (good.read_bytes(), waivers.read_text()) == (before, "[]")
    target = tmp_path / "target.yaml"
    target.write_text("profile: ghostly")
    assert streamvet("run", target, "--html", target).code == 2
    assert target.read_text() == "profile: ghostly"


def test_two_reports_are_not_written_to_one_file(streamvet: Callable[..., Ended], good: Path, tmp_path: Path) -> None:
    file = tmp_path / "both"
    ended = streamvet("judge", good, "--json", file, "--html", tmp_path / "." / "both")
    assert ended == (
        2, "", f"streamvet: {file}: the file: expected a file for this report alone, got that of another report\n"
    )  # fmt: skip
    assert not file.exists()
    assert streamvet("judge", good, "--json", "/dev/null", "--html", "/dev/null", "--only", "SSE").code == 0


def test_a_report_that_cannot_be_written_is_told_of_first(streamvet: Callable[..., Ended], good: Path) -> None:
    ended = streamvet("judge", good, "--html", "/proc/x.html")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("streamvet: /proc/x.html: the file: expected a file that can be written, got ")


def test_nothing_is_left_of_looking_whether_a_report_can_be_written(
    streamvet: Callable[..., Ended], tmp_path: Path
) -> None:
    there, new = tmp_path / "there", tmp_path / "new"
    there.write_text("before")
    assert streamvet("judge", "no-such", "--json", there, "--html", new).code == 2
    assert (there.read_text(), new.exists()) == ("before", False)


def test_nothing_exercised_is_incomplete(streamvet: Callable[..., Ended], good: Path) -> None:
    assert streamvet("judge", good, "--only", "CAN").code == 3


def test_traces_from_stdin_may_be_several(
    streamvet: Callable[..., Ended], good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(good.read_bytes() * 3), encoding="utf-8"))
    ended = streamvet("judge", "-", "--only", "SSE")
    assert ended.code == 0
    assert "3 traces" in ended.out


@pytest.mark.parametrize("more", [(), ("--raw", "sse", "--profile", "ghostly")])
def test_a_stdin_that_is_closed_is_told_of(
    streamvet: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    said = "streamvet: -: the file: expected a readable file, got a stdin that is closed\n"
    assert streamvet("judge", "-", *more) == (2, "", said)


def test_stdin_that_is_no_utf_8_is_told_of(streamvet: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe{}"), encoding="utf-8"))
    ended = streamvet("judge", "-")
    assert (ended.code, ended.err) == (2, "streamvet: -: line 1: expected UTF-8, got b'\\xff\\xfe{}'\n")


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("lacks", 5, "lacks to be a list, got '5'"),
        ("stimulus", None, "stimulus to be an object, got 'null'"),
        ("time_scale", "1", "time_scale to be a whole number or a number, got '\"1\"'"),
        ("revision", True, "revision to be a whole number, got 'true'"),
    ],
)
def test_values_of_a_wrong_type_are_told_of(  # noqa: PLR0917 - the parameters, and what a test needs
    streamvet: Callable[..., Ended], good: Path, tmp_path: Path, key: str, value: object, wanted: str
) -> None:
    first, *rest = good.read_text().splitlines(keepends=True)
    file = tmp_path / "wrong.trace.ndjson"
    file.write_text(json.dumps(json.loads(first) | {key: value}) + "\n" + "".join(rest))
    ended = streamvet("judge", file)
    assert (ended.code, ended.err) == (2, f"streamvet: {file}: line 1: expected {wanted}\n")


def test_a_compressed_trace_is_read(streamvet: Callable[..., Ended], good: Path, tmp_path: Path) -> None:
    packed = tmp_path / "good.trace.ndjson.gz"
    packed.write_bytes(gzip.compress(good.read_bytes()))
    assert streamvet("judge", packed, "--only", "SSE").code == 0
    packed.write_bytes(packed.read_bytes()[:-20])
    ended = streamvet("judge", packed)
    assert (ended.code, ended.err.startswith(f"streamvet: {packed}: the file: expected a readable file")) == (2, True)
    packed.write_bytes(b"no gzip")
    assert streamvet("judge", packed).code == 2


def test_the_reports_of_a_hopeless_stream_stay_small(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    files = [written(tmp_path / f"{n}.trace.ndjson", *[b"nonsense\n\n" * 300] * 10) for n in range(10)]
    ended = streamvet("judge", *files, "--json", tmp_path / "j", "--html", tmp_path / "h")
    assert ended.code == 1
    document = json.loads((tmp_path / "j").read_text())
    assert max(len(one["findings"]) for one in document["verdicts"]) <= FINDINGS
    assert (tmp_path / "h").stat().st_size < 1_000_000
    assert len(ended.out) < 10_000


@pytest.mark.parametrize(
    ("stream", "code", "failed"),
    [
        (("ghostly", "sse", event(1) + event(2) + PING), 0, set()),
        # Where the run has ended, the server has ended the stream; elsewhere who captured it may have.
        (("ghostly", "sse", event(1) + ENDED + b"data: {}"), 1, {"SSE-01"}),
        (("ghostly", "sse", event(1) + b"data: {}"), 0, set()),
        (("ghostly", "sse", event(1) + b"hello\n\n" + event(2)), 1, {"SSE-02"}),
        (("promptfloe", "ndjson", DONE + b'{"type":"progress","id":"1"'), 1, {"NDJ-01"}),
        (("promptfloe", "ndjson", b'{"type":"x"}\n{"type":"progress","id":"1","runId":"r","message":"x"'), 0, set()),
        (("promptfloe", "ndjson", b'{"type":"x","type":"x"}\n'), 0, set()),
    ],
)
def test_captured_bytes_are_judged_so_far_as_bytes_tell(
    streamvet: Callable[..., Ended],
    tmp_path: Path,
    stream: tuple[str, str, bytes],
    code: int,
    failed: set[str],
) -> None:
    profile, framing, body = stream
    file, report = tmp_path / "captured", tmp_path / "report.json"
    file.write_bytes(body)
    ended = streamvet("judge", "--raw", framing, "--profile", profile, file, "--json", report, "--only", "SSE,NDJ,EVT")
    verdicts = {one["id"]: one["verdict"] for one in json.loads(report.read_text())["verdicts"]}
    assert ({one for one, verdict in verdicts.items() if verdict == "FAIL"}, ended.code) == (failed, code)


def test_a_capture_that_was_cut_lacks_no_terminal_event(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    file = tmp_path / "captured"
    file.write_bytes(STATUS + event(1))
    ended = streamvet("judge", "--raw", "sse", "--profile", "ghostly", file, "--only", "SSE,EVT,ORD,TRM")
    assert (ended.code, "FAIL" in ended.out) == (0, False)


def test_captured_bytes_say_nothing_of_heads_and_times(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    file, report = tmp_path / "captured", tmp_path / "report.json"
    file.write_bytes(event(1) + event(2))
    streamvet("judge", "--raw", "sse", "--profile", "ghostly", file, "--json", report)
    exercised = {one["id"] for one in json.loads(report.read_text())["verdicts"] if one["exercised"]}
    families = {one.partition("-")[0] for one in exercised - {"TRN-18"}}  # the length of a line is in the bytes
    assert families <= {"SSE", "EVT", "ORD", "TRM"}
    assert "SSE-12" not in exercised
    assert not exercised & {"TRM-04", "TRM-05", "TRM-08"}


# ------------------------------------------------------------------------------------------------ list, explain, init


def test_lists_are_the_same_as_text_and_json(streamvet: Callable[..., Ended]) -> None:
    rows = json.loads(streamvet("list", "requirements", "--json").out)
    assert [row["id"] for row in rows] == list(load_registry().rows)
    assert len(streamvet("list", "requirements").out.splitlines()) == len(rows)
    assert [row["profile"] for row in json.loads(streamvet("list", "profiles", "--json").out)] == [
        *builtin_profiles(),
        *known_protocols(),
    ]
    faults = json.loads(streamvet("list", "faults", "--json").out)
    assert len(streamvet("list", "faults").out.split()) >= len(faults)
    known = {one for one, row in load_registry().rows.items() if row.excluded is None}
    assert {row["id"] for row in faults if not row["honest"]} <= known


@pytest.mark.parametrize("requirement", sorted(load_registry().rows))
def test_every_requirement_is_explained(
    streamvet: Callable[..., Ended], requirement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamvet.cli.show.faults", list)  # one process for each would take a minute
    ended = streamvet("explain", requirement.lower())
    assert ended.code == 0
    assert load_registry().rows[requirement].text in ended.out
    assert f"\n  address           https://streamvet.dev/r/{requirement}\n" in ended.out
    if load_registry().rows[requirement].excluded is None:
        assert "\n  checked by        streamvet." in ended.out


@pytest.mark.parametrize("profile", builtin_profiles())
def test_the_target_file_that_init_prints_is_one(
    streamvet: Callable[..., Ended], profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EMAIL", "PASSWORD", "TOKEN"):
        monkeypatch.setenv(f"FIRST_{name}", "a")
        monkeypatch.setenv(f"SECOND_{name}", "b")
        monkeypatch.setenv(f"EXPIRED_{name}", "c")
    printed = streamvet("init", "--profile", profile).out
    target, loaded = target_of(yaml.safe_load(printed), tmp_path / "target.yaml")
    assert (target.profile, loaded.name) == (profile, profile)
    assert all(given.keys() <= {"succeeds"} for given in target.inputs.values())  # what it knows
    (tmp_path / "watched").mkdir()
    # With every commented setting switched on that goes with the others it is still one.
    full = "\n".join(
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") and _is_setting(line) else line
        for line in printed.splitlines()
    )
    target, _ = target_of(yaml.safe_load(full), tmp_path / "target.yaml")
    assert (target.control, target.launch is not None) == ("/_conformance", True)
    assert (set(target.triggers), target.directory is not None) == (
        set(loaded.raw.get("triggers", ())),
        profile == "cosma",
    )


def _is_setting(line: str) -> bool:
    word = line.lstrip("# ").partition(":")[0]
    return ":" in line and word.isidentifier() and word not in _ROUTES


_ROUTES = ("tls", "proxy", "socket", "http2")  # one excludes another, or asks for another base_url


@pytest.mark.parametrize("profile", builtin_profiles())
def test_the_profiles_that_come_with_streamvet_are_valid(streamvet: Callable[..., Ended], profile: str) -> None:
    ended = streamvet("check-profile", profile)
    assert ended.code == 0
    assert "requirements apply" in ended.out
    shown = ended.out.partition("requirements apply")[2].split()
    applying = {row.id for row in load_registry().testable(load_profile(profile))}
    assert [shown.count(name) for name in sorted(applying)] == [1] * len(applying)
    assert "no run exercises" not in ended.out


WAYS = {
    "ACC-04": "black-box, by credentials, expired_credentials: ",
    "ACC-05": "black-box, by credentials, other_credentials: ",
    "ACC-08": "black-box: ",
    "CAT-14": "launched, by credentials, launch: ",
    "ORD-04": "controlled, by credentials, control: ",
}


def test_what_takes_part_in_each_requirement_is_shown(streamvet: Callable[..., Ended]) -> None:
    said = streamvet("check-profile", "ghostly").out.replace("\n    ", " ").splitlines()
    shown = {name: line.strip() for line in said for name in WAYS if f" {name}" in line}
    assert {name: line[: len(WAYS[name])] for name, line in shown.items()} == WAYS


@pytest.mark.parametrize(
    ("file", "edit", "said"),
    [
        ("profile.yaml", lambda text: text.replace("kind: sse", "kind: xml"), "/framing/kind"),
        ("profile.yaml", lambda text: text.replace("title:", "titel:"), "profile.yaml"),
        ("events/ping.schema.json", lambda text: text.replace('"type": "', '"type": "x'), "ping.schema.json"),
        ("events/ping.schema.json", lambda _text: "{", "line 1"),
        ("events/status.schema.json", lambda text: text.replace('"required"', '"requires"'), "vectors/invalid"),
    ],
)
def test_a_broken_profile_names_the_place(
    streamvet: Callable[..., Ended], tmp_path: Path, file: str, edit: Callable[[str], str], said: str
) -> None:
    folder = tmp_path / "mine"
    for path in sorted(GHOSTLY.folder.rglob("*")):
        # Without what only the built-in system promises.
        if path.is_file() and path.name != "requirements.yaml" and "traces" not in path.parts:
            copy = folder / path.relative_to(GHOSTLY.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    own = (folder / "profile.yaml").read_text().replace("profile: ghostly", "profile: mine")
    (folder / "profile.yaml").write_text(own)
    (folder / file).write_text(edit((folder / file).read_text()))
    ended = streamvet("check-profile", folder)
    assert ended.code == 2
    assert said in ended.err


def test_output_that_a_terminal_cannot_show_does_not_fail(tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.trace.ndjson", event(1, "é") + "data: é\ufffe\n\nhello\n\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "streamvet", "judge", str(bad)],
        capture_output=True, check=False, env=_environment() | {"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.isascii()


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
