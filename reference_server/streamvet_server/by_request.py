"""Faults and modes that a request names in a header field, so that one process serves all of them.

The switchboard is the seams of one system whose functions look at the scene and hand on to the seams that were chosen
for it: those that the request names, else those that the start of its run named, else those of the whole server. It
must not know what a fault or a mode does, nor any route. What is not of one request cannot be named by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from streamvet_server import catalogue
from streamvet_server.seams import HONEST, Refusal, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streamvet_server.app import Settings
    from streamvet_server.catalogue import Row

FIELDS: Mapping[str, str] = {"fault": "Streamvet-Fault", "mode": "Streamvet-Mode"}

# Names are few, but their combinations are not: the memory that they take has a bound.
MOST_CHOICES = 10_000

# A row as a request names it: the kind of its field, and its name.
Name = tuple[str, str]


@dataclass(slots=True)
class Switchboard:
    """The choice of one system. `standing`: the seams of the whole server, for requests that name nothing."""

    profile: str
    standing: Seams
    _made: dict[tuple[Name, ...], Seams | Refusal] = field(default_factory=dict)
    _runs: dict[str, Seams] = field(default_factory=dict)

    def admit(self, scene: Scene) -> Refusal | None:
        """Why a request cannot be served with what it names; None where it can."""
        made = self._seams(_named(scene) or ())
        return made if isinstance(made, Refusal) else None

    def seams(self) -> Seams:
        """Seams that hand on to the chosen ones."""
        handing: dict[str, Any] = {one.name: partial(self._call, one.name) for one in fields(Seams)}
        return replace(HONEST, **handing | {"begin": self._begin})

    def is_plain(self, scene: Scene) -> bool:
        """Whether a request is served by no fault and in no other form."""
        return self._chosen(scene) == HONEST

    def _begin(self, scene: Scene) -> None:
        """A request starts a run: what it names holds for the run, and for the run's readers."""
        if scene.run is not None and _named(scene) is not None:
            self._runs[scene.run] = self._chosen(scene)
        self._chosen(scene).begin(scene)

    def _call(self, seam: str, first: Scene | Shown, *rest: Any) -> Any:
        scene = first.scene if isinstance(first, Shown) else first
        return getattr(self._chosen(scene), seam)(first, *rest)

    def _chosen(self, scene: Scene) -> Seams:
        named = _named(scene)
        if named is None:
            return self._runs.get(scene.run or "", self.standing)
        made = self._seams(named)
        return self.standing if isinstance(made, Refusal) else made

    def _seams(self, named: tuple[Name, ...]) -> Seams | Refusal:
        """The seams of these names; made once, as a fault may remember the runs that it has seen."""
        if named not in self._made and len(self._made) < MOST_CHOICES:
            self._made[named] = self._make(named)
        return self._made.get(named) or Refusal(503, "unavailable", f"{MOST_CHOICES} choices were made: reset first")

    def _make(self, named: tuple[Name, ...]) -> Seams | Refusal:
        rows: list[Row] = []
        for kind, name in named:
            row = catalogue.find(name, kind)
            if row is None:
                return _bad(kind, f"the name of a {kind}", repr(name))
            if self.profile not in row.profiles:
                return _bad(kind, f"a {kind} of {self.profile}", f"{name}, which is one of {', '.join(row.profiles)}")
            why = catalogue.standing(row, self.profile)
            if why is not None:
                return _bad(kind, f"a {kind} of one request", f"{name}, which is the whole server's: {why}")
            rows.append(row)
        clash = catalogue.clash(rows, self.profile)
        if clash is not None:
            return _bad(named[0][0], *clash)
        return catalogue.seams_together(rows, self.profile)


def switchboards(settings: Settings) -> Settings:
    """The same server, where each request may name its faults and modes, and read which there are."""
    made = {profile: Switchboard(profile, settings.seams(profile)) for profile in settings.profiles}
    lists = {"faults": catalogue.listing, "modes": catalogue.modes_listing}
    return replace(
        settings,
        seams=lambda profile: made[profile].seams(),
        admit=lambda profile: made[profile].admit,
        plain=lambda profile, scene: made[profile].is_plain(scene),
        lists={name: partial(_of, rows) for name, rows in lists.items()},
    )


def _of(rows: Callable[[], Sequence[Mapping[str, Any]]], profile: str) -> list[Mapping[str, Any]]:
    """The rows that a system has."""
    return [row for row in rows() if profile in row["profiles"]]


def _named(scene: Scene) -> tuple[Name, ...] | None:
    """What a request names: nothing where its fields are empty, None where it has none of them."""
    found = None
    for kind, name in FIELDS.items():
        if name in scene.headers:
            headers: Any = scene.headers  # of a request, with each line of a field
            names = (one.strip() for line in headers.getall(name) for one in line.split(","))  # RFC 9110, 5.3
            found = (*(found or ()), *((kind, one) for one in dict.fromkeys(names) if one))
    return found


def _bad(kind: str, expected: str, got: str) -> Refusal:
    return Refusal(400, "invalid_request", f"{FIELDS[kind]}: expected {expected}, got {got}")
