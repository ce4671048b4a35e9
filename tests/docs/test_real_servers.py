"""The table of real servers: each has targets that are right; what was found is of them, and was confirmed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from streamvet.contract.folders import known_protocols
from streamvet.contract.registry import load_registry
from streamvet.contract.target import load_target

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import real_servers
from real_servers import PEERS, RESULTS, peers, targets, unconfirmed

ROWS = peers()
RESULT: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [row["name"] for row in ROWS])
def test_a_server_has_targets_and_pinned_versions(name: str) -> None:
    found = [load_target(one) for one in targets(name)]
    assert found
    for path, (target, profile) in zip(targets(name), found, strict=True):
        assert path.stem == profile.name
        assert target.base_url.startswith("http://127.0.0.1:")
        assert target.launch is not None
    ((kind, package),) = next(row["version"] for row in ROWS if row["name"] == name).items()
    pinned = {"pip": "requirements.txt", "npm": "package-lock.json", "deb": "install.sh"}[kind]
    text = (PEERS / name / pinned).read_text(encoding="utf-8")
    if kind == "pip":
        assert f"\n{package}==" in f"\n{text}"
        assert all("==" in line for line in text.splitlines())
    elif kind == "npm":
        assert f"node_modules/{package}" in json.loads(text)["packages"]


def test_ports_are_of_one_target_each() -> None:
    urls = [load_target(one)[0].base_url for row in ROWS for one in targets(row["name"])]
    assert len({url.split("/")[2] for url in urls}) == len(urls)


@pytest.mark.parametrize("name", RESULT)
def test_results_are_of_the_targets_that_there_are(name: str) -> None:
    assert [run["protocol"] for run in RESULT[name]["runs"]] == [one.stem for one in targets(name)]
    known = load_registry().rows
    for run in RESULT[name]["runs"]:
        assert run["protocol"] in known_protocols()
        assert run["counts"]["PASS"] > 0
        assert {one["id"] for one in run["findings"]} <= set(known)


def test_each_finding_was_confirmed_by_hand() -> None:
    assert unconfirmed(ROWS, RESULT) == []


def test_a_finding_that_nobody_confirmed_is_named() -> None:
    run = {"protocol": "nchan", "findings": [{"id": "SSE-01", "verdict": "FAIL"}, {"id": "TRN-06", "verdict": "WARN"}]}
    assert unconfirmed([{"name": "x"}], {"x": {"runs": [run]}}) == ["x, nchan: SSE-01", "x, nchan: TRN-06"]
    confirmed = [{"name": "x", "confirmed": {"nchan": {"SSE-01": "curl", "TRN-06": "the same"}}}]
    assert unconfirmed(confirmed, {"x": {"runs": [run]}}) == []


def test_what_differs_from_run_to_run_is_left_out() -> None:
    assert real_servers._steady("id 0f8fad5b-d9cb-469f-a165-70867728950e at 1753900000.5") == "id … at …"
