"""A profile that extends another one: what is joined, what is replaced, what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from streamvet.cli import call
from streamvet.contract.extending import whole
from streamvet.contract.files import FileError
from streamvet.contract.loading import load_profile

PROFILES = Path(__file__).resolve().parents[1] / "profiles"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the profile that extends another one, and of that beside it."""
    for name in ("house", "orders"):
        shutil.copytree(PROFILES / name, tmp_path / name)
    return tmp_path / "orders"


def put(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_objects_are_joined_and_anything_else_is_replaced(folder: Path) -> None:
    profile = load_profile(str(folder))
    assert (profile.name, profile.title, profile.framing) == ("orders", "Orders", "sse")
    assert list(profile.operations) == ["attach", "start:order"]
    assert (profile.schema_file("picked"), profile.schema_file("packed")) == (
        "events/picked.schema.json", "events/envelope.schema.json",
    )  # fmt: skip
    assert (profile.heartbeat, profile.terminal and profile.terminal.close_within_ms) == (None, 200)
    decide = profile.schemas.decider("events/picked.schema.json")
    event = {"v": 1, "type": "picked", "at": "2026-01-01T00:00:00Z", "sku": "a"}
    assert (decide(event), decide({**event, "v": 2}), decide({"sku": "a"})) == (True, False, False)


def test_what_comes_of_it_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["check-profile", str(folder), "--print"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed == load_profile(str(folder)).raw
    assert "extends" not in printed
    assert call(["check-profile", str(folder)]) == 0


def test_the_digest_covers_what_is_extended(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "later"
    for name in ("house", "orders"):
        shutil.copytree(PROFILES / name, other / name)
    assert load_profile(str(other / "orders")).digest == load_profile(str(folder)).digest
    last = tmp_path / "last"
    shutil.copytree(other, last)
    file = last / "house" / "events" / "envelope.schema.json"
    put(file, file.read_text(encoding="utf-8").replace("every event", "each event"))
    assert load_profile(str(last / "orders")).digest != load_profile(str(folder)).digest


def test_a_schema_of_its_own_stands_for_that_of_the_other(folder: Path) -> None:
    text = (folder.parent / "house" / "events" / "envelope.schema.json").read_text(encoding="utf-8")
    put(folder / "events" / "envelope.schema.json", text.replace('"const": 1', '"const": 1.0').replace("[", '["who", '))
    decide = load_profile(str(folder)).schemas.decider("events/envelope.schema.json")
    assert not decide({"v": 1, "type": "packed", "at": "2026-01-01T00:00:00Z"})


def test_several_profiles_extend_each_other(folder: Path) -> None:
    put(folder.parent / "rush" / "profile.yaml", "extends: ../orders/profile.yaml\nprofile: rush\ntitle: In a hurry\n")
    _, folders = whole(folder.parent / "rush" / "profile.yaml")
    assert [one.name for one in folders] == ["orders", "house"]
    assert load_profile(str(folder.parent / "rush")).name == "rush"
    put(folder.parent / "mine" / "profile.yaml", "extends: cosma\nprofile: mine\nreaders: {at_least: 3}\n")
    assert load_profile(str(folder.parent / "mine")).field("readers.at_least") == 3


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("orders", "extends: ../nowhere\n", "orders/profile.yaml: /extends: expected one of agent-workspace, "),
        ("orders", "extends: ../house/events/envelope.schema.json\n", "/extends: expected one of agent-workspace, "),
        ("orders", "extends: 1\n", "/extends: expected one of agent-workspace, "),
        (
            "house",
            "extends: ../orders\n",
            "house/profile.yaml: /extends: expected a profile that does not ",
        ),
        ("house", "profile: house\n", "house/profile.yaml: /format: expected 2, got the first edition"),
        ("house", "[1]\n", "house/profile.yaml: /format: expected 2"),
        ("orders", "extends: ../house\nterminal: {cap: null}\n", "/terminal/cap: expected null for a key of what "),
        ("orders", "extends: ../house\nterminal: {cap: 1}\n", "orders/profile.yaml: /terminal: expected only known "),
    ],
)
def test_what_cannot_be_extended_is_refused(folder: Path, file: str, text: str, said: str) -> None:
    put(folder.parent / file / "profile.yaml", text)
    with pytest.raises(FileError) as error:
        load_profile(str(folder))
    assert said in str(error.value)


def test_a_schema_that_is_wrong_is_named_where_it_is(folder: Path) -> None:
    file = folder.parent / "house" / "responses" / "error.schema.json"
    put(file, file.read_text(encoding="utf-8").replace('"object"', '"thing"'))
    with pytest.raises(FileError) as error:
        load_profile(str(folder))
    assert str(error.value).startswith(f"{file}: /type: ")
