"""The Python API: what it names, what it gives for recordings and for a server, and how it refuses."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

import streamvet
from streamvet.contract.loading import load_profile
from streamvet.examples import examples
from streamvet.reference import free_port
from streamvet.trace import dump

if TYPE_CHECKING:
    from pathlib import Path

BAD = next(one for one in examples("ORD-01") if not one.holds)


def _file(folder: Path, *, bad: bool) -> Path:
    """A recording that violates ORD-01 alone, or its good twin."""
    path = folder / "one.trace.ndjson"
    path.write_text("".join(dump(BAD.bad if bad else BAD.good)), encoding="utf-8")
    return path


def test_it_names_three_functions_and_their_types() -> None:
    functions = [name for name in streamvet.__all__ if name.islower()]

    assert functions == ["check", "judge", "load_profile"]
    assert all(callable(getattr(streamvet, name)) for name in streamvet.__all__)
    with pytest.raises(AttributeError, match="no attribute 'anything'"):
        _ = streamvet.anything


def test_a_profile_is_loaded_by_its_name_or_its_folder() -> None:
    by_name = streamvet.load_profile("ghostly")
    by_folder = streamvet.load_profile(by_name.folder)

    assert by_name == load_profile("ghostly") == by_folder
    with pytest.raises(streamvet.FileError, match="a folder with a profile"):
        streamvet.load_profile("no-such")


def test_what_is_violated_is_the_text_of_the_assertion(tmp_path: Path) -> None:
    report = streamvet.judge(_file(tmp_path, bad=True))

    assert (report.exit_code, report.conformant) == (1, False)
    assert {one for one, verdict in report.verdicts.items() if verdict == "FAIL"} == {"ORD-01"}
    (finding,) = report.findings
    assert (finding.id, finding.level, finding.verdict, finding.count) == ("ORD-01", "MUST", "FAIL", 1)
    with pytest.raises(AssertionError) as failed:
        report.assert_conformant()
    for text in (report.summary, "ORD-01", finding.expected, finding.seen):
        assert text in str(failed.value)


def test_what_holds_passes_and_has_every_form(tmp_path: Path) -> None:
    report = streamvet.judge(_file(tmp_path, bad=False), only=["ORD-01"])

    report.assert_conformant()
    assert report.verdicts == {"ORD-01": "PASS"}
    assert json.loads(report.to_json())["exit_code"] == 0
    assert report.to_html().startswith("<!doctype html>")
    assert report.to_junit().startswith("<?xml")


def test_captured_bytes_need_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "captured"
    path.write_bytes(b'{"type": progress}\n')

    with pytest.raises(ValueError, match="needs a profile"):
        streamvet.judge(path, raw="ndjson")
    report = streamvet.judge(path, raw="ndjson", profile=streamvet.load_profile("promptfloe"), start="build")

    assert (report.exit_code, [one.id for one in report.findings]) == (1, ["EVT-02"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("http://127.0.0.1:9",), "the profile of a server at a URL"),
        (("no-such-target.yaml",), "No such file"),
    ],
)
def test_what_is_not_said_is_refused(arguments: tuple[str], told: str) -> None:
    with pytest.raises(streamvet.FileError, match=told):
        streamvet.check(*arguments)


def test_an_event_loop_is_not_blocked() -> None:
    async def test() -> None:
        streamvet.check("http://127.0.0.1:9", profile="ghostly")

    with pytest.raises(RuntimeError, match="to_thread"):
        asyncio.run(test())


def test_nobody_there_is_said() -> None:
    with pytest.raises(streamvet.Unreachable, match="not up within"):
        streamvet.check(f"http://127.0.0.1:{free_port()}", profile="ghostly", wait_s=0.1)
