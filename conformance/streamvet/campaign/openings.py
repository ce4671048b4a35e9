"""What each further part of a target file would open: requirements that a run could exercise with it, and cannot now.

Plans the tries of the target as it is, and of the same target with one part more. Must not know how tries are run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet.campaign.planning import plan_tries
from streamvet.contract.evidence import Evidence
from streamvet.contract.registry import load_registry
from streamvet.contract.target import Launch
from streamvet.levels import ACCOUNTS, VERBS, lowest_of_probes
from streamvet.probes.scripts import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamvet.contract.target import Target
    from streamvet.probes.setting import Setting
    from streamvet.system import System

_SOMEBODY = {"token": "x", "email": "a@example.org", "password": "x"}
_SOME_INPUT: Mapping[str, Any] = {"succeeds": {}, "fails": {}, "long": {}, "paced": {"gap_ms": 500, "body": {}}}
_WHOLE = 10_000  # connections, and starts: more than any try takes


@dataclass(frozen=True, slots=True)
class Opening:
    """A part of a target file that is not there: the requirements that it opens by itself, and how many more tries."""

    part: str
    ids: tuple[str, ...]
    tries: int
    level: Evidence  # the level of evidence that a run with it has


@dataclass(frozen=True, slots=True)
class Reach:
    """What a run on a target can exercise, as far as that can be said before it: of what applies, by level."""

    exercised: tuple[str, ...]
    levels: Mapping[str, Evidence]  # of each requirement that some run could exercise
    openings: tuple[Opening, ...]


def reach_of(setting: Setting, system: System) -> Reach:
    """What a run of this setting can exercise, and what each missing part would add; the part with the most first."""
    levels = lowest_of_probes(setting.profile, system)
    now, tries = _exercised(setting, system)
    found = []
    for part, changed in _parts(setting):
        more, count = _exercised(changed, system)
        ids = tuple(one for one in levels if one in more - now)
        if ids or count > tries:
            level = max((levels[one] for one in ids), key=list(Evidence).index, default=Evidence.BLACK_BOX)
            found.append(Opening(part, ids, count - tries, level))
    found.sort(key=lambda one: (-len(one.ids), -one.tries))
    return Reach(tuple(one for one in levels if one in now), levels, tuple(found))


def _exercised(setting: Setting, system: System) -> tuple[set[str], int]:
    """The requirements that the tries of a setting serve, and how many tries there are."""
    plan = plan_tries(system.probes, setting, None)
    found: set[str] = set()
    for one in plan.all:
        scripted = one.stimulus.get("script") is not None
        found.update(name for name in one.probe.serves if scripted or name not in one.probe.scripted)
    for row in load_registry(setting.profile).testable(setting.profile):
        named = {*(key for one in row.applies_to for key in one), row.basis.get("profile", "")}
        if any(key in named and not getattr(setting.target, account) for key, account in ACCOUNTS.items()):
            found.discard(row.id)
    return found, len(plan.all)


def _parts(setting: Setting) -> Iterator[tuple[str, Setting]]:
    """Each part that the target file does not have and could, with the setting that has it."""
    target, profile = setting.target, setting.profile

    def with_(**changes: Any) -> Setting:
        return replace(setting, target=replace(target, **changes))

    if profile.field("auth.kind") not in (None, "none"):
        for account in ("credentials", "other_credentials", "expired_credentials"):
            if not getattr(target, account):
                yield account, with_(**{account: _SOMEBODY})
    for start in setting.starts:
        bodies = target.inputs.get(start.kind, {})
        for name, body in _SOME_INPUT.items():
            if name not in bodies:
                yield f"inputs.{start.kind}.{name}", with_(inputs={**target.inputs, start.kind: {**bodies, name: body}})
    if profile.streams == "run":
        for name in ("finished", "active"):
            if name not in target.existing:
                yield f"existing.{name}", with_(existing={**target.existing, name: "x"})
    for name in profile.field("triggers") or ():
        if name not in target.triggers:
            yield f"triggers.{name}", with_(triggers={**target.triggers, name: {}})
    if target.directory is None and _is_watching(setting):
        yield "directory", with_(directory=Path())
    if target.launch is None or Evidence.LAUNCHED not in target.allows:
        yield "launch", with_(launch=Launch((), Path(), {}, "/", 1), evidence=Evidence.CONTROLLED)
    if target.control is None:
        words = setting.words or Vocabulary(lambda *_: None, ())
        can = frozenset(VERBS[profile.streams])
        yield "control", replace(with_(control="/", max_starts=None, max_active_runs=None), can=can, words=words)
    yield from _limits(target, with_)


def _limits(target: Target, with_: Any) -> Iterator[tuple[str, Setting]]:
    """The numbers that keep something from being tried."""
    yield f"max_concurrency above {target.max_concurrency}", with_(max_concurrency=_WHOLE)
    if target.max_starts is not None:
        yield f"max_starts above {target.max_starts}", with_(max_starts=_WHOLE)


def _is_watching(setting: Setting) -> bool:
    return "{directory}" in repr([one.body for one in setting.profile.operations.values()])
