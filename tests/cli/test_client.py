"""`streamvet client`: what it prints, writes and exits with; what is no client is its user's mistake."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from streamvet.cli import call
from streamvet.contract.files import check_shape

LETTER = Path(__file__).parents[1] / "clients" / "letter.py"


def _client(*words: str) -> str:
    return shlex.join([sys.executable, "-S", "-E", str(LETTER), *words])


@pytest.mark.live
def test_a_client_is_checked_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.json"
    only = ["--only", "CLI-03", "--only", "one-event"]
    assert call(["client", "--command", _client("{url}"), *only, "--json", str(out)]) == 0
    assert "2 of 2 requirements hold" in capsys.readouterr().out
    report = json.loads(out.read_text())
    check_shape(report, "client-report", "the report")
    assert report["counts"] == {"PASS": 6}
    assert call(["client", "--command", _client("{url}", "bom"), *only, "--deadline", "2"]) == 1
    shown = capsys.readouterr()
    assert "FAIL  CLI-03  A client MUST ignore one byte order mark" in shown.out
    assert 'expected  type "message" data "a"' in shown.out
    assert "FAIL  CLI-03  byte-order-mark" in shown.err
    assert call(["client", "--command", "true", "--only", "one-event"]) == 3
    assert "the command sent no request; it ended with 0 (1 vectors)" in capsys.readouterr().out


WRONG = {
    "no program": (["--command", "/nowhere/at-all {url}"], "expected a program, got '/nowhere/at-all'"),
    "no words": (["--command", ""], "expected a command, got ''"),
    "an open quote": (["--command", "a 'b"], "expected words as a shell takes them, got No closing quotation"),
    "no events": (["--command", "echo hello"], "expected lines with an event as JSON, got 'hello'"),
    "another framing": (["--command", "true", "--framing", "xml"], "--framing: expected one of sse, ndjson, got 'xml'"),
    "an unknown lack": (["--command", "true", "--lacks", "wit"], "expected one of reconnect, id, end, head, got 'wit'"),
    "an unknown vector": (["--command", "true", "--only", "CLI-99"], "--only: expected a vector of sse"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_client_is_a_mistake(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    only = [] if "--only" in words else ["--only", "one-event"]
    assert call(["client", *words, *only]) == 2
    assert said in capsys.readouterr().err
