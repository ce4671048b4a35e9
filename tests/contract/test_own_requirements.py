"""Requirements of one's own: `requirements.yaml` in the folder of a profile."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamvet.contract.files import FileError
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry

BUILDS = Path(__file__).resolve().parents[1] / "candidates" / "builds"
ROW: dict[str, Any] = {
    "id": "ACME-01",
    "level": "MUST",
    "text": "A step that is started is finished before the next one is started.",
    "when": "a run has a second step",
    "why": "A page shows one step at a time.",
    "check": {"command": ["./check"]},
}
FILE: dict[str, Any] = {"prefix": "ACME", "title": "Acme builds", "requirements": [ROW]}


def folder_with(content: object, to: Path) -> Path:
    """A profile's folder with such a file of requirements."""
    shutil.copytree(BUILDS, to)
    (to / "requirements.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return to.resolve()


def test_its_rows_come_behind_those_of_the_suite_and_apply_to_it_alone(tmp_path: Path) -> None:
    suite, profile = load_registry(), load_profile(str(folder_with(FILE, tmp_path / "acme")))
    registry = load_registry(profile)
    assert list(registry.rows) == [*suite.rows, "ACME-01"]
    assert registry.families == {**suite.families, profile.name: "Acme builds"}
    assert (registry.prefixes["ACME"], registry.revision) == (profile.name, suite.revision)
    assert registry.rows["ACME-01"].applies(profile)
    assert not registry.rows["ACME-01"].applies(load_profile("ghostly"))
    assert registry.select(["acme"]) == registry.select([profile.name]) == registry.select(["acme-01"]) == {"ACME-01"}
    assert load_registry() is suite


def test_the_digest_covers_requirements_and_traces(tmp_path: Path) -> None:
    folders = [folder_with(FILE, tmp_path / name) for name in ("same", "twin", "words", "rows", "base")]
    for folder in folders:
        (folder / "traces" / "bases").mkdir(parents=True)
        (folder / "traces" / "rows.yaml").write_text("[]")
        (folder / "traces" / "bases" / "good.yaml").write_text("{}")
    (folders[2] / "requirements.yaml").write_text(yaml.safe_dump(FILE | {"title": "Acme"}))
    (folders[3] / "traces" / "rows.yaml").write_text("[] # changed")
    (folders[4] / "traces" / "bases" / "good.yaml").write_text("{} # changed")
    digests = [load_profile(str(folder)).digest for folder in folders]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def changed(**row: Any) -> dict[str, Any]:
    """The file with one row that is changed; None takes a key away."""
    return FILE | {"requirements": [{key: value for key, value in (ROW | row).items() if value is not None}]}


TAKEN = "/prefix: expected a prefix that no other family of requirements has, got"
OF_SUITE = {"revision": 1, "systems": [], "families": {"acme": {"prefix": "ACME", "title": "t"}}, "requirements": [ROW]}

# What is wrong, and what the error says after the file.
WRONG: dict[str, tuple[object, str]] = {
    "nothing": (None, "the file: expected object, got None"),
    "no prefix": ({"title": "t", "requirements": [ROW]}, "the file: expected the keys prefix, title, requirements"),
    "no rows": (FILE | {"requirements": []}, "/requirements: expected at least 1 items, got []"),
    "families": (FILE | {"families": {}}, ": expected "),
    "the file of the suite": (OF_SUITE, "the file: expected the requirements of one system, with the key prefix, got"),
    "a prefix of the suite": (FILE | {"prefix": "TRN"}, f"{TAKEN} 'TRN', that of transport"),
    "a prefix of a system": (FILE | {"prefix": "COS"}, f"{TAKEN} 'COS', that of cosma"),
    "a prefix in small letters": (FILE | {"prefix": "acme"}, "/prefix: expected a match of ^[A-Z]{2,8}$, got 'acme'"),
    "an id of another prefix": (
        changed(id="TRN-01"),
        "/requirements/0/id: expected an id that begins with ACME-, got 'TRN-01'",
    ),
    "an id twice": (
        FILE | {"requirements": [ROW, ROW]},
        "/requirements/1/id: expected each id once, got 'ACME-01' a second time",
    ),
    "no check": (
        changed(check=None),
        "/requirements/0: expected the key check with a command, as no check of the suite has this id, got ACME-01",
    ),
    "a check without a command": (changed(check={}), "/requirements/0/check: expected the keys command, got {}"),
    "an empty command": (changed(check={"command": []}), "/requirements/0/check/command: expected at least 1 items"),
    "a command that is one text": (
        changed(check={"command": "./check --all"}),
        "/requirements/0/check/command: expected array, got './check --all'",
    ),
    "a revision of the suite": (changed(since=3), "/requirements/0/since: expected nothing"),
    "lines of a built-in system": (changed(covers=["R001-1"]), "/requirements/0/covers: expected nothing"),
    "a dependency that is nowhere": (
        changed(explained_by=["ACME-07"]),
        "/requirements/0/explained_by: expected ids of requirements that are checked, got 'ACME-07'",
    ),
    "a cause that is not checked": (changed(explained_by=["PFL-08"]), "are checked, got 'PFL-08'"),
    "a dependency on itself": (
        changed(explained_by=["ACME-01"]),
        "/requirements/0/explained_by: expected no cycle, got one through ACME-01",
    ),
    "a circle": (
        FILE
        | {"requirements": [ROW | {"explained_by": ["ACME-02"]}, ROW | {"id": "ACME-02", "explained_by": ["ACME-01"]}]},
        "/requirements/0/explained_by: expected no cycle, got one through ACME-01",
    ),
    "a condition on no field": (
        changed(applies_to={"framing.kindly": "sse"}),
        "/requirements/0/applies_to: expected fields of profile.yaml by their dotted path, got 'framing.kindly'",
    ),
    "a row without a reason": (changed(why=None), "/requirements/0: expected the keys when, why"),
}


def test_a_row_that_no_black_box_can_see_needs_no_command(tmp_path: Path) -> None:
    seen = {key: ROW[key] for key in ("id", "level", "text")} | {"excluded": "It is a rule for readers."}
    profile = load_profile(
        str(folder_with(FILE | {"requirements": [ROW, seen | {"id": "ACME-02"}]}, tmp_path / "acme"))
    )
    registry = load_registry(profile)
    assert "ACME-02" in registry.rows
    assert [row.id for row in registry.testable(profile) if row.command] == ["ACME-01"]


def test_conditions_hold_as_for_any_requirement(tmp_path: Path) -> None:
    applies = changed(applies_to={"framing.kind": "ndjson"})
    profile = load_profile(str(folder_with(applies, tmp_path / "acme")))
    assert not load_registry(profile).rows["ACME-01"].applies(profile)


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_refused_with_its_place(content: object, said: str, tmp_path: Path) -> None:
    folder = folder_with(content, tmp_path / "acme")
    with pytest.raises(FileError) as caught:
        load_profile(str(folder))
    assert str(caught.value).startswith(f"{folder / 'requirements.yaml'}: ")
    assert said in str(caught.value)


def test_a_profile_with_the_name_of_a_family_is_refused(tmp_path: Path) -> None:
    folder = folder_with(FILE, tmp_path / "acme")
    path = folder / "profile.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"profile": "transport"}))
    with pytest.raises(FileError) as caught:
        load_profile(str(folder))
    said = "expected a name that no family of requirements has, as requirements.yaml makes it one, got 'transport'"
    assert str(caught.value) == f"{path}: /profile: {said}"
