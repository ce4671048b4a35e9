"""The requirements as values.

Must not know how a requirement is checked, only what it says and where it applies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import check_shape, read_yaml, schemas_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Profile


@dataclass(frozen=True, slots=True)
class Requirement:
    """One testable sentence; see `schemas/meta/requirements.schema.json` for what each field means."""

    id: str
    level: str  # MUST or SHOULD (RFC 2119)
    text: str
    family: str
    why: str
    when: str
    applies_to: Mapping[str, Any]
    depends_on: tuple[str, ...]
    seen: tuple[str, ...]
    covers: tuple[str, ...]
    excluded: str | None

    def applies(self, profile: Profile) -> bool:
        """Whether every condition on the profile's fields holds."""
        return all(_holds(profile, path, wanted) for path, wanted in self.applies_to.items())


def _holds(profile: Profile, path: str, wanted: Any) -> bool:
    if path == "profile":
        return bool(profile.name == wanted)
    value = profile.field(path)
    if wanted == "present":
        return value is not None and value is not False
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)


@dataclass(frozen=True, slots=True)
class Registry:
    """All requirements, in the order of the file, and the families with their titles."""

    revision: int
    families: Mapping[str, str]  # family -> title
    prefixes: Mapping[str, str]  # prefix -> family
    rows: Mapping[str, Requirement]

    def testable(self, profile: Profile | None = None) -> list[Requirement]:
        """The rows that a check stands for, for one profile or for any."""
        return [row for row in self.rows.values() if row.excluded is None and (profile is None or row.applies(profile))]

    def ancestors(self, requirement: str) -> frozenset[str]:
        """Every id on which `requirement` depends, directly or not."""
        found: set[str] = set()
        left = list(self.rows[requirement].depends_on)
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left.extend(self.rows[one].depends_on)
        return frozenset(found)

    def select(self, words: list[str]) -> set[str]:
        """The ids that `words` name: an id, a family or a prefix.

        Raises:
            KeyError: with the first word that names nothing.
        """
        chosen: set[str] = set()
        for word in words:
            family = self.prefixes.get(word.upper(), word.lower())
            ids = {row.id for row in self.rows.values() if row.id == word.upper() or row.family == family}
            if not ids:
                raise KeyError(word)
            chosen |= ids
        return chosen


@cache
def load_registry() -> Registry:
    """Read `schemas/requirements.yaml`."""
    path = schemas_folder() / "requirements.yaml"
    data = read_yaml(path)
    check_shape(data, "requirements", path)
    prefixes = {row["prefix"]: family for family, row in data["families"].items()}
    rows = {
        row["id"]: Requirement(
            id=row["id"],
            level=row["level"],
            text=row["text"],
            family=prefixes[row["id"].partition("-")[0]],
            why=row.get("why", ""),
            when=row.get("when", ""),
            applies_to=row.get("applies_to", {}),
            depends_on=tuple(row.get("depends_on", ())),
            seen=tuple(row.get("seen", ())),
            covers=tuple(row.get("covers", ())),
            excluded=row.get("excluded"),
        )
        for row in data["requirements"]
    }
    titles = {family: row["title"] for family, row in data["families"].items()}
    return Registry(data["revision"], titles, prefixes, rows)


@cache
def statement_lists() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """The lists that `covers` refers to, by their name: the system, and what it says, line by line."""
    found = {}
    for path in sorted(schemas_folder().glob("*/statements.yaml")):
        content = read_yaml(path)
        check_shape(content, "statements", path)
        found[content["list"]] = (path.parent.name, tuple(content["statements"]))
    return found


def statement(line: str) -> str:
    """`R003-5` in words: the system, the number of its line, and what the line says."""
    name, _, number = line.partition("-")
    system, lines = statement_lists()[name]
    return f"{system} line {number}: {lines[int(number) - 1]}"
