"""All requirements: those of the suite, and those of a profile's folder behind them.

Must not know how a requirement is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, check_shape, is_file, read_json, read_yaml, schemas_folder
from streamvet.contract.folders import is_builtin
from streamvet.contract.requirement import alternatives, requirement_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streamvet.contract.profile import Profile
    from streamvet.contract.requirement import Requirement


@dataclass(frozen=True, eq=False, slots=True)
class Registry:
    """All requirements, in the order of the files, and the families with their titles."""

    revision: int
    families: Mapping[str, str]  # family -> title
    prefixes: Mapping[str, str]  # prefix -> family
    rows: Mapping[str, Requirement]

    def testable(self, profile: Profile | None = None) -> list[Requirement]:
        """The rows that a check stands for, for one profile or for any."""
        return list(_testable(self, profile))

    def on(self, profile: Profile) -> Mapping[str, Requirement]:
        """Every row that a check stands for, applicable or not, as it is on a profile; by its id."""
        return _on(self, profile)

    def commanded(self, profile: Profile) -> list[Requirement]:
        """Those of them that commands check."""
        return [row for row in self.testable(profile) if row.command]

    def causes(self, requirement: str) -> frozenset[str]:
        """Every id that explains `requirement`, directly or by way of others."""
        found: set[str] = set()
        left = list(self.rows[requirement].explained_by)
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left.extend(self.rows[one].explained_by)
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


# What holds for a profile is worked out once: judging a short recording would take half of its time for it.
@lru_cache(maxsize=32)
def _testable(registry: Registry, profile: Profile | None) -> tuple[Requirement, ...]:
    rows = [row for row in registry.rows.values() if row.excluded is None]
    return tuple(row for row in rows if profile is None or row.applies(profile))


@lru_cache(maxsize=32)
def _on(registry: Registry, profile: Profile) -> Mapping[str, Requirement]:
    return MappingProxyType({row.id: row.on(profile) for row in registry.testable()})


def load_registry(profile: Profile | None = None) -> Registry:
    """The generic requirements and those of the built-in systems, with those of the folder of `profile` behind them.

    Raises:
        FileError: where a file of requirements is wrong.
    """
    if profile is None or is_builtin(profile.name, profile.digest) or not is_file(profile.folder / OWN_FILE):
        return _of_suite()
    return _with_own(profile.name, profile.folder)


OWN_FILE = "requirements.yaml"  # in the folder of a profile
FIRST_REVISION = 2  # the first one that is released, so that a run can be scored by it


@cache
def _of_suite() -> Registry:
    path = schemas_folder() / "requirements.yaml"
    data = read_yaml(path)
    check_shape(data, "requirements", path)
    prefixes = {row["prefix"]: family for family, row in data["families"].items()}
    for number, row in enumerate(data["requirements"]):
        if row["id"].partition("-")[0] not in prefixes:
            wanted = f"an id that begins with {', '.join(prefixes)}"
            raise FileError(path, f"/requirements/{number}/id", wanted, repr(row["id"]))
    rows = [requirement_of(row, prefixes[row["id"].partition("-")[0]]) for row in data["requirements"]]
    titles = {family: row["title"] for family, row in data["families"].items()}
    registry = Registry(data["revision"], titles, prefixes, {row.id: row for row in rows})
    for system in data["systems"]:
        registry = _joined(registry, system, schemas_folder() / system / OWN_FILE)
    return registry


@cache
def _with_own(name: str, folder: Path) -> Registry:
    suite, path = _of_suite(), folder / OWN_FILE
    if name in suite.families:
        wanted = f"a name that no family of requirements has, as {OWN_FILE} makes it one"
        raise FileError(folder / "profile.yaml", "/profile", wanted, repr(name))
    registry = _joined(suite, name, path)
    _check_own(registry, name, path)
    return registry


def _check_own(registry: Registry, family: str, path: Path) -> None:
    """Hold the rows of somebody's own folder to what only they have to be."""
    own = [row for row in registry.rows.values() if row.family == family]
    for number, row in enumerate(own):
        place = f"/requirements/{number}"
        if not row.command and row.excluded is None:
            raise FileError(path, place, "the key check with a command, as no check of the suite has this id", row.id)
        if row.since:
            raise FileError(path, f"{place}/since", "nothing: it counts revisions of the specification", f"{row.since}")
        if row.covers:
            raise FileError(path, f"{place}/covers", "nothing: it counts lines of the built-in systems", row.covers[0])
        for one in row.explained_by:
            if one not in registry.rows or registry.rows[one].excluded is not None:
                raise FileError(path, f"{place}/explained_by", "ids of requirements that are checked", repr(one))
        for one in dict.fromkeys(path for conditions in row.applies_to for path in conditions):
            if one != "profile" and not is_field(one):
                raise FileError(path, f"{place}/applies_to", "fields of profile.yaml by their dotted path", repr(one))
    for number, row in enumerate(own):
        if row.id in registry.causes(row.id):
            raise FileError(path, f"/requirements/{number}/explained_by", "no cycle", f"one through {row.id}")


@cache
def is_field(path: str) -> bool:
    """Whether the schema of profiles has a field at this dotted path, with `*` and `last` as in `Profile.fields`."""
    whole = read_json(schemas_folder() / "meta" / "profile.schema.json")
    at: Any = whole
    for part in path.split("."):
        at = whole["$defs"][at["$ref"].rpartition("/")[2]] if "$ref" in at else at
        named = {
            **at.get("properties", {}),
            **{f"{one[1:]}*": row for one, row in at.get("patternProperties", {}).items()},
        }
        if part in ("*", "last") and "items" in at and "properties" not in at:
            at = at["items"]
        else:
            at = at.get("additionalProperties") or next(iter(named.values()), None) if part == "*" else named.get(part)
        if not isinstance(at, dict):
            return False
    return True


def _joined(registry: Registry, system: str, path: Path) -> Registry:
    """A registry with the rows of one system behind its own; they are one family, with the system's name."""
    data = read_yaml(path)
    check_shape(data, "requirements", path)
    if "prefix" not in data:
        raise FileError(path, "", "the requirements of one system, with the key prefix", "the keys " + ", ".join(data))
    prefix = data["prefix"]
    if prefix in registry.prefixes:
        taken = f"{prefix!r}, that of {registry.prefixes[prefix]}"
        raise FileError(path, "/prefix", "a prefix that no other family of requirements has", taken)
    rows: dict[str, Requirement] = {}
    for number, raw in enumerate(data["requirements"]):
        place = f"/requirements/{number}"
        of_system = [{"profile": system, **one} for one in alternatives(raw) or ({},)]
        row = requirement_of(raw | {"applies_to": of_system}, system)
        if not row.id.startswith(f"{prefix}-"):
            raise FileError(path, f"{place}/id", f"an id that begins with {prefix}-", repr(row.id))
        if row.id in rows:
            raise FileError(path, f"{place}/id", "each id once", f"{row.id!r} a second time")
        rows[row.id] = row
    return Registry(
        registry.revision,
        {**registry.families, system: data["title"]},
        {**registry.prefixes, prefix: system},
        {**registry.rows, **rows},
    )
