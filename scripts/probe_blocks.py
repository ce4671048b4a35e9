"""What the docs print of the suite's probes: what it does with a candidate of one system, and what that takes.

Must not know any probe by name, nor where a block stands. Links are relative to `docs/spec/`.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from requirement_blocks import link
from schema_table import cell, code, table
from streamvet.contract.evidence import Evidence
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.levels import fullest
from streamvet.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Profile
    from streamvet.probes.probe import Probe
    from streamvet.probes.setting import Setting

FEW = 8  # ids that a cell can hold; of more, only the families are told


def _willing(profile: Profile) -> Setting:
    """A candidate that has everything which a target file can name."""
    return fullest(profile, system_of(profile), Evidence.CONTROLLED)


def _lacking(willing: Setting) -> Mapping[str, Setting]:
    """The same without one thing, by what is lacking."""
    verbs = {f"control {code(verb)}": replace(willing, can=willing.can - {verb}) for verb in sorted(willing.can)}
    target = willing.target
    return verbs | {
        code("existing"): replace(willing, target=replace(target, existing={})),
        code("launch"): replace(willing, target=replace(target, launch=None)),
        code("directory"): replace(willing, target=replace(target, directory=None)),
    }


def _shows(probe: Probe, profile: Profile) -> str:
    """The requirements for which it is made, or their families where they are many."""
    registry = load_registry()
    rows = [row for row in registry.rows.values() if row.id in probe.serves and row.applies(profile)]
    own = [row for row in rows if row.family == profile.name]
    common = [row for row in rows if row.family != profile.name]
    shown = [link(row.id, profile.name) for row in common]
    if len(common) > FEW:
        titles = dict.fromkeys((row.id[:3], row.family) for row in common)
        shown = [f"[{prefix}]({family}.md)" for prefix, family in titles]
    return ", ".join([*(link(row.id, profile.name) for row in own), *shown])


def _does(probe: Probe) -> str:
    """The first sentence of what it says about itself."""
    return re.split(r"(?<=[.])\s", cell(inspect.getdoc(probe.act)), maxsplit=1)[0]


def probes(profile: str) -> list[str]:
    """The probes that try something with a candidate of this system."""
    loaded = load_profile(profile)
    willing = _willing(loaded)
    rows = []
    for probe in system_of(loaded).probes:
        shows = _shows(probe, loaded)
        if probe.unmet(willing) is None and shows and probe.stimuli(willing):
            needs = [name for name, poorer in _lacking(willing).items() if probe.unmet(poorer) is not None]
            needs += [code("triggers")] if "triggers" in probe.needs else []  # though control can take their place
            rows.append([cell(probe.name), _does(probe), ", ".join(needs), shows])
    return table(["Probe", "What it does", "Needs", "Shows"], rows)
