"""Several candidates of one run: each has a name and an address of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
import yaml

from streamvet.cli.subjects import Said, subjects_of
from streamvet.cli.way import Way
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

    with pytest.raises(FileError, match="a different address, because both are launched"):
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
    with pytest.raises(typer.BadParameter, match="give a target file"):
        subjects_of(targets, [], reference, None, tmp_path)


ANSWERS = ["key=s3cret-key", "model=small-1"]
GIVEN = {"--proxy": "http://me:s3cret@127.0.0.1:3128"}


def test_what_options_say_of_a_url_is_in_its_target_and_hidden_in_its_words(tmp_path: Path) -> None:
    said = Said(Way(GIVEN), ANSWERS)

    (found,) = subjects_of(["http://x/v1"], ["openai-chat"], False, None, tmp_path, said)

    assert found.target.credentials == {"token": "s3cret-key"}
    assert (found.target.base_url, found.target.route.proxy) == ("http://x", GIVEN["--proxy"])
    assert found.words == (
        "http://x/v1", "--profile", "openai-chat", "--proxy", "http://me:***@127.0.0.1:3128",
        "--with", "key=***", "--with", "model=small-1",
    )  # fmt: skip


def test_a_key_in_the_environment_is_named_in_the_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "k-from-outside")
    said = Said(answers=["key=${SOME_KEY}", "model=m"])

    (found,) = subjects_of(["http://x"], ["openai-chat"], False, None, tmp_path, said)

    assert found.target.credentials == {"token": "k-from-outside"}
    assert found.words[-4:-2] == ("--with", "key=${SOME_KEY}")


@pytest.mark.parametrize("said", [Said(answers=ANSWERS), Said(Way({"--http2": True}))])
def test_a_target_file_says_itself_what_options_say(said: Said, tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="it is for a URL; a target file has a key for it"):
        subjects_of([_target(tmp_path, "one")], [], False, None, tmp_path, said)


@pytest.mark.parametrize("answer", ["model", "=m"])
def test_an_answer_has_a_name(answer: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="expected NAME=VALUE"):
        subjects_of(["http://x"], ["ollama"], False, None, tmp_path, Said(answers=[answer]))
