"""`streamvet export-traces`: every example trace is written, can be judged as it is, and its bodies are its octets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from streamvet.cli import call
from streamvet.examples import all_examples, bases
from streamvet.trace.reading import load

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_every_example_is_written_with_its_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["export-traces", str(tmp_path / "out")]) == 0
    rows = json.loads((tmp_path / "out" / "index.json").read_text())
    assert f"wrote {len(rows)} traces" in capsys.readouterr().out
    assert len({row["trace"] for row in rows}) == len(rows) == len(bases()) + len(all_examples())
    bad = [one.requirement for one in all_examples() if not one.holds]
    assert [row["id"] for row in rows if row["id"]] == bad
    for row in rows[:: len(rows) // 20]:  # some of each kind
        path = tmp_path / "out" / row["trace"]
        trace = load(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), path.name)
        bodies = {name: (tmp_path / "out" / path).read_bytes() for name, path in row["bodies"].items()}
        assert bodies == {x.id: bytes(x.body) for x in trace.exchanges if x.id in bodies}
        assert bodies or not any(x.body for x in trace.exchanges if x.about.get("meant") == "stream")


def test_a_place_that_cannot_be_written_is_our_users_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert call(["export-traces", str(tmp_path / "file")]) == 2
    assert "a file that can be written" in capsys.readouterr().err
