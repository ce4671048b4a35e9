"""Faults from public reports, in servers of four known protocols: each is found by its id alone, the honest are green.

One run of the suite is about all of them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.cli import call
from streamvet.contract.loading import load_profile

from .fakes import FAKES, Fake, running

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live

ANSWERS = {
    "openai-chat": {"key": "none", "model": "small-1"}, "anthropic-messages": {"key": "none", "model": "small-1"},
    "mcp-streamable-http": {"tool": "count"},
}  # fmt: skip


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on each of them, by its path."""
    folder = tmp_path_factory.mktemp("fakes")
    targets: list[Path] = []
    with running() as url:
        for one in FAKES:
            raw: dict[str, Any] = {"profile": one.protocol, "base_url": f"{url}{one.path}", "max_starts": 4}
            raw |= {"with": ANSWERS[one.protocol]} if one.protocol in ANSWERS else {}
            if one.asked:
                body = load_profile(one.protocol).starts[0].body | {"forwardedProps": {"wanted": one.asked}}
                raw["inputs"] = {"run": {"fails": body}}
            targets.append(folder / f"{one.path[1:].replace('/', '-')}.yaml")
            targets[-1].write_text(yaml.safe_dump(raw), encoding="utf-8")
        code = call([
            "run", *map(str, targets), "--probe", "straight", "--budget", "0", "--accept-incomplete",
            "--json", str(folder / "report.json"),
        ])  # fmt: skip
    assert code == 1
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))["reports"]
    return {one["target"].removeprefix(url): one for one in found}


@pytest.mark.parametrize("fake", FAKES, ids=lambda fake: fake.path[1:])
def test_a_fault_is_found_by_its_id_alone(fake: Fake, reports: dict[str, Any]) -> None:
    rows = reports[fake.path]["verdicts"]
    failed = {row["id"] for row in rows if row["verdict"] == "FAIL"}
    if fake.ends:
        assert failed == ({fake.found} if fake.found else set())
    else:  # a suite that is late cannot tell late from never, and TRM-11 says the first
        assert failed
        assert failed <= {fake.found, "TRM-11"}
    assert any(row["verdict"] == "PASS" for row in rows)


def test_each_fault_says_where_it_was_reported() -> None:
    for fake in FAKES:
        assert bool(fake.found) == bool(re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", fake.report))
