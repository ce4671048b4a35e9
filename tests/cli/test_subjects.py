"""Several candidates of one run: each has a name and an address of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
import yaml

from streamvet.cli.subjects import subjects_of
from streamvet.contract.files import FileError

if TYPE_CHECKING:
    from pathlib import Path


def _target(folder: Path, name: str, **more: object) -> str:
    path = folder / f"{name}.yaml"
    raw = {"profile": "cosma", "base_url": "http://127.0.0.1:4001", "launch": {"command": ["true"]}}
    path.write_text(yaml.safe_dump(raw | more), encoding="utf-8")
    return str(path)


def test_two_of_one_profile_are_told_apart_by_their_files(tmp_path: Path) -> None:
    words = [
        _target(tmp_path, "one"),
        _target(tmp_path, "other", base_url="http://127.0.0.1:4002"),
        _target(tmp_path, "third", base_url="http://127.0.0.1:4003", profile="ghostly"),
    ]

    found = subjects_of(words, [], False, None, tmp_path)

    assert [one.name for one in found] == [f"cosma {words[0]}", f"cosma {words[1]}", "ghostly"]


def test_two_that_are_launched_at_one_address_are_refused(tmp_path: Path) -> None:
    words = [_target(tmp_path, "one"), _target(tmp_path, "other")]

    with pytest.raises(FileError, match="an address of its own, as both are launched"):
        subjects_of(words, [], False, None, tmp_path)


def test_two_that_run_already_may_be_one_server(tmp_path: Path) -> None:
    words = [_target(tmp_path, "one", launch=None), _target(tmp_path, "other", launch=None)]
    for word in words:
        raw = yaml.safe_load((tmp_path / word).read_text(encoding="utf-8"))
        del raw["launch"]
        (tmp_path / word).write_text(yaml.safe_dump(raw), encoding="utf-8")

    assert len(subjects_of(words, [], False, None, tmp_path)) == 2


@pytest.mark.parametrize(("targets", "reference"), [([], False), (["http://127.0.0.1:4001"], True)])
def test_one_kind_of_candidate_has_to_be_named(targets: list[str], reference: bool, tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="give one of"):
        subjects_of(targets, [], reference, None, tmp_path)
