"""One requirement as a value: what it says, where it applies, its level on a profile, and whether its verdict counts.

Must not know how a requirement is checked, nor which others there are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    since: int = 0  # the revision that added it; 0 where that is the first one that was released, or an earlier one
    disputed: str = ""  # what is challenged; "" where nothing is
    need_not_occur: Mapping[str, Any] | None = None  # where no server has to bring about what `when` says

    def unscored(self, spec: int, revision: int) -> str:
        """Why its verdict does not count in a run that is scored by revision `spec`; "" where it counts.

        `revision` is the current one. The row is one of `on`, as the level decides.
        """
        if self.disputed:
            return f"disputed: {self.disputed}"
        if self.since > spec:
            return f"new in revision {self.since}, and the run is scored by revision {spec}"
        if self.since == revision and self.level == "MUST":
            return f"a MUST that is new in revision {self.since}: it counts from the next revision on"
        return ""

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

    def may_never_occur(self, profile: Profile) -> bool:
        """Whether a server that conforms to a profile may never bring about what the requirement speaks of."""
        return self.need_not_occur is not None and _all_hold(profile, self.need_not_occur)

    def applies(self, profile: Profile) -> bool:
        """Whether the conditions on the profile's fields hold, or those of one of several alternatives."""
        return not self.applies_to or any(_all_hold(profile, one) for one in self.applies_to)

    @property
    def conditions(self) -> list[list[str]]:
        """Where it applies, in words: for each alternative its conditions."""
        return [worded(one) for one in self.applies_to]


def worded(conditions: Mapping[str, Any]) -> list[str]:
    """Conditions on a profile's fields, each in the words of the file of requirements."""
    return [f"{path}: {_worded(wanted)}" for path, wanted in conditions.items()]


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


def requirement_of(row: Mapping[str, Any], family: str) -> Requirement:
    """The requirement of a row, which is valid."""
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
        applies_to=alternatives(row),
        reads=row.get("reads"),
        explained_by=tuple(row.get("explained_by", ())),
        seen=tuple(row.get("seen", ())),
        covers=tuple(row.get("covers", ())),
        excluded=row.get("excluded"),
        command=tuple(row.get("check", {}).get("command", ())),
        since=row.get("since", 0),
        disputed=row.get("disputed", ""),
        need_not_occur=row.get("need_not_occur"),
    )


def alternatives(row: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The conditions under which a row applies: one object of the file, or several of which one has to hold."""
    found = row.get("applies_to", ())
    return (found,) if isinstance(found, dict) else tuple(found)
