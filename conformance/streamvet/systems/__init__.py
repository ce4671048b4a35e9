"""The table of the built-in systems. What only one of them promises is in its room, and nowhere else.

Read by the command line, by `prove` and by campaigns alone. A room must not know another one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.levels import lowest_of_probes
from streamvet.probes import ANY_STREAM, PROBES
from streamvet.system import System
from streamvet.systems.agent_workspace import SYSTEM as AGENT_WORKSPACE
from streamvet.systems.cosma import SYSTEM as COSMA
from streamvet.systems.ghostly import SYSTEM as GHOSTLY
from streamvet.systems.promptfloe import SYSTEM as PROMPTFLOE
from streamvet.systems.rockstar import SYSTEM as ROCKSTAR
from streamvet.verdicts import Judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.evidence import Evidence
    from streamvet.contract.profile import Profile
    from streamvet.contract.requirement import Requirement

SYSTEMS: Mapping[str, System] = {one.name: one for one in (AGENT_WORKSPACE, COSMA, GHOSTLY, PROMPTFLOE, ROCKSTAR)}


def system_of(profile: Profile) -> System:
    """The system of a profile; one without any code of its own for a profile that is not built in.

    What commands check there is served by the probes that show something of any stream.
    """
    if profile.name in SYSTEMS:
        return SYSTEMS[profile.name]
    ids = tuple(row.id for row in load_registry(profile).commanded(profile))
    return System(profile.name, serves={one.name: ids for one in PROBES if set(ANY_STREAM) <= set(one.serves)})


def judge_of(profile: Profile) -> Judge:
    """A judge with the checks of a profile's system."""
    return Judge(profile, load_registry(profile), system_of(profile).checks)


def judge_in(folder: str) -> Judge:
    """The same for the profile in a folder; what another process can be asked for by its name."""
    return judge_of(load_profile(folder))


def tried_by(row: Requirement) -> dict[str, str]:
    """The probes that serve one requirement on some built-in system, each with the module that performs it."""
    return {
        probe.name: probe.act.__module__
        for system in SYSTEMS.values() for probe in system.probes if row.id in probe.serves
    }  # fmt: skip


def checked_in(row: Requirement) -> str:
    """The module of the check of a requirement; "" for what a command checks, or nothing."""
    found = (system.checks.get(row.id) for system in SYSTEMS.values())
    return next((check.__module__ for check in found if check is not None), "")


@cache
def levels_of(name: str) -> Mapping[str, Evidence]:
    """For each requirement of a built-in profile the lowest level of evidence at which a run exercises it."""
    profile = load_profile(name)
    return lowest_of_probes(profile, system_of(profile))


def evidence_for(row: Requirement) -> dict[str, str]:
    """The level for one requirement, by built-in profile; without those on which no run exercises it."""
    return {name: levels_of(name)[row.id].value for name in builtin_profiles() if row.id in levels_of(name)}


def profiles_by_level(row: Requirement) -> dict[str, list[str]]:
    """The same the other way round: the built-in profiles by the level."""
    by_level: dict[str, list[str]] = {}
    for name, level in evidence_for(row).items():
        by_level.setdefault(level, []).append(name)
    return by_level
