"""The requirements as values.

Must not know how a requirement is checked, only what it says and where it applies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, check_shape, is_file, read_json, read_yaml, schemas_folder
from streamvet.contract.folders import is_builtin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streamvet.contract.profile import Profile


@dataclass(frozen=True, slots=True)
class Raised:
    """Where the level of a requirement is higher than elsewhere, and the standard or key by which it is."""

    where: Mapping[str, Any]  # conditions on fields of the profile
    level: str  # MUST or SHOULD
    text: str
    standard: str = ""
    sentence: str = ""
    profile: str = ""

    @property
    def basis(self) -> Mapping[str, str]:
        """What the requirement rests on there."""
        return {"profile": self.profile} if self.profile else {"standard": self.standard, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One testable sentence; see `schemas/meta/requirements.schema.json` for what each field means."""

    id: str
    level: str  # MUST, SHOULD or NOTE; see `level_on`
    text: str
    family: str
    basis: Mapping[str, str]  # one of `standard` (with `sentence`), `specification`, `profile`, `document`
    trips: tuple[str, ...]  # of a NOTE: the clients that trip over it
    raised: Raised | None
    why: str
    when: str
    applies_to: tuple[Mapping[str, Any], ...]  # the conditions of one of these hold; none: it applies everywhere
    reads: str | None  # a level of `LEVELS`; None where it looks at no event
    explained_by: tuple[str, ...]
    seen: tuple[str, ...]
    covers: tuple[str, ...]
    excluded: str | None
    command: tuple[str, ...] = ()  # what checks it, where the suite does not

    def level_on(self, profile: Profile) -> str:
        """Its level on a profile.

        A MUST that the system's document leaves open, so that it is adopted, is a SHOULD; what a key of the profile
        raises has the level that the row gives it there.
        """
        if self.raised is not None and self._is_raised(profile):
            return self.raised.level
        return "SHOULD" if self.level == "MUST" and self.id in profile.adopted else self.level

    def on(self, profile: Profile) -> Requirement:
        """The requirement as it is on a profile: its level, and its text and its basis where it is raised."""
        if self.raised is not None and self._is_raised(profile):
            return replace(self, level=self.level_on(profile), text=self.raised.text, basis=self.raised.basis)
        return replace(self, level=self.level_on(profile))

    def _is_raised(self, profile: Profile) -> bool:
        return self.raised is not None and _all_hold(profile, self.raised.where)

    def applies(self, profile: Profile) -> bool:
        """Whether the conditions on the profile's fields hold, or those of one of several alternatives."""
        return not self.applies_to or any(_all_hold(profile, one) for one in self.applies_to)

    @property
    def conditions(self) -> list[list[str]]:
        """Where it applies, in words: for each alternative its conditions."""
        return [[f"{path}: {_worded(wanted)}" for path, wanted in one.items()] for one in self.applies_to]


def _all_hold(profile: Profile, conditions: Mapping[str, Any]) -> bool:
    return all(_holds(profile, path, wanted) for path, wanted in conditions.items())


def _holds(profile: Profile, path: str, wanted: Any) -> bool:
    if path == "profile":
        return bool(profile.name == wanted)
    if wanted == "absent":
        above, _, name = path.rpartition(".")
        return any(name not in one for one in (profile.fields(above) if above else [profile.raw]))
    return any(_is(value, wanted) for value in profile.fields(path))


def _is(value: Any, wanted: Any) -> bool:
    if wanted == "present":
        return value is not None and value is not False
    if isinstance(wanted, dict):
        return bool(value != wanted["not"])
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)


def _worded(wanted: Any) -> str:
    """What a condition asks for, as the file of requirements has it."""
    if isinstance(wanted, dict):
        return f"not {_worded(wanted['not'])}"
    return wanted if isinstance(wanted, str) else json.dumps(wanted).replace('"', "")


@dataclass(frozen=True, slots=True)
class Registry:
    """All requirements, in the order of the files, and the families with their titles."""

    revision: int
    families: Mapping[str, str]  # family -> title
    prefixes: Mapping[str, str]  # prefix -> family
    rows: Mapping[str, Requirement]

    def testable(self, profile: Profile | None = None) -> list[Requirement]:
        """The rows that a check stands for, for one profile or for any."""
        return [row for row in self.rows.values() if row.excluded is None and (profile is None or row.applies(profile))]

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


def load_registry(profile: Profile | None = None) -> Registry:
    """The generic requirements and those of the built-in systems, with those of the folder of `profile` behind them.

    Raises:
        FileError: where a file of requirements is wrong.
    """
    if profile is None or is_builtin(profile.name, profile.digest) or not is_file(profile.folder / OWN_FILE):
        return _of_suite()
    return _with_own(profile.name, profile.folder)


OWN_FILE = "requirements.yaml"  # in the folder of a profile


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
    rows = [_requirement(row, prefixes[row["id"].partition("-")[0]]) for row in data["requirements"]]
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
            raise FileError(path, f"/requirements/{number}/explained_by", "no circle", f"one through {row.id}")


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
        of_system = [{"profile": system, **one} for one in _alternatives(raw) or ({},)]
        row = _requirement(raw | {"applies_to": of_system}, system)
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


def _requirement(row: Mapping[str, Any], family: str) -> Requirement:
    return Requirement(
        id=row["id"],
        level=row["level"],
        text=row["text"],
        family=family,
        basis=row.get("basis", {}),
        trips=tuple(row.get("trips", ())),
        raised=Raised(**row["raised"]) if "raised" in row else None,
        why=row.get("why", ""),
        when=row.get("when", ""),
        applies_to=_alternatives(row),
        reads=row.get("reads"),
        explained_by=tuple(row.get("explained_by", ())),
        seen=tuple(row.get("seen", ())),
        covers=tuple(row.get("covers", ())),
        excluded=row.get("excluded"),
        command=tuple(row.get("check", {}).get("command", ())),
    )


def _alternatives(row: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The conditions under which a row applies: one object of the file, or several of which one has to hold."""
    found = row.get("applies_to", ())
    return (found,) if isinstance(found, dict) else tuple(found)


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of a list that `covers` refers to, and what it rests on."""

    text: str
    basis: str  # document or adopted
    source: str  # where the document says it, or who has the reading
    adopted: str  # the part of it that is a reading although a document says the rest; "" where there is none
    note: str  # what a document says of the matter of an adopted line; "" where that is nothing


@cache
def statements() -> Mapping[str, tuple[str, tuple[Statement, ...]]]:
    """The lists that `covers` refers to, by their name: the system, and its lines."""
    found = {}
    for path in sorted(schemas_folder().glob("*/statements.yaml")):
        content = read_yaml(path)
        check_shape(content, "statements", path)
        rows = content["statements"]
        found[content["list"]] = (path.parent.name, tuple(map(_statement, rows)))
    return found


def _statement(row: Mapping[str, str]) -> Statement:
    return Statement(row["text"], row["basis"], row["from"], row.get("adopted", ""), row.get("note", ""))


def statement_lists() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """The same without what the lines rest on."""
    return {name: (system, tuple(one.text for one in lines)) for name, (system, lines) in statements().items()}


def statement(line: str) -> str:
    """`R003-5` in words: the system, the number of its line, and what the line says."""
    name, _, number = line.partition("-")
    system, lines = statement_lists()[name]
    return f"{system} line {number}: {lines[int(number) - 1]}"
