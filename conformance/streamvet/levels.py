"""The lowest level of evidence at which each requirement can be exercised, derived from the probes that serve it.

The report, the lists of the command line and the docs read it here. Must not know any system, nor a candidate: the
probes are asked about the fullest target file of each level.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.evidence import Evidence
from streamvet.contract.registry import load_registry
from streamvet.contract.target import Launch, Target
from streamvet.probes.scripts import Vocabulary, spoken
from streamvet.probes.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Profile
    from streamvet.system import System
    from streamvet.trace import Trace

# What a control interface can, by what the system's streams are of.
VERBS = {"run": ("script", "fail"), "push": ("script", "fail"), "ambient": ("publish", "state", "fail")}
# What bytes alone can violate: not a head, a time, another exchange, a record or a script.
_BYTE_FAMILIES = frozenset({"sse", "ndjson", "events", "ordering"})
_BYTE_IDS = frozenset({"TRN-08", "TRN-18", "TRM-01", "TRM-02", "TRM-03", "HBT-03"})
_BEYOND_BYTES = frozenset(
    {"SSE-12", "EVT-09", "EVT-10", "ORD-04", "ORD-05", "ORD-06", "ORD-07"}
)  # a head, a script, the answer of another operation, another reader, a record
# Bytes do not say of which kind a run is, and with that which lifecycle it has, where a profile has several kinds; an
# ambient stream has one.
_OF_A_KIND = frozenset({"ORD-01", "ORD-08", "ORD-09"})
# A profile without words for scripts needs a control interface like any other; what it lacks besides, its run says.
_ANY_WORDS = Vocabulary(lambda *_: None, ())


def of_bytes(profile: Profile, system: System, kind: str | None = None) -> frozenset[str]:
    """The requirements of a profile that captured bytes alone can violate; `kind`: of a run that is known."""
    in_records = all("record" in row for row in profile.field("events.assembles") or ())
    one_kind = profile.streams == "ambient" or bool(kind) or len(profile.starts) == 1
    beyond = _BEYOND_BYTES | (frozenset() if one_kind else _OF_A_KIND) | ({"EVT-14"} if in_records else frozenset())
    return frozenset(
        row.id
        for row in load_registry().testable(profile)
        if row.id in _BYTE_IDS | system.of_bytes or (row.family in _BYTE_FAMILIES and row.id not in beyond)
    )


def lowest(profile: Profile, system: System, kind: str | None = None) -> Mapping[str, Evidence]:
    """For each requirement that applies to a profile the lowest level of evidence at which it can be exercised.

    What no probe of the system exercises, nor bytes show, has no entry.
    """
    return {**lowest_of_probes(profile, system), **dict.fromkeys(of_bytes(profile, system, kind), Evidence.CAPTURE)}


def lowest_of_probes(profile: Profile, system: System) -> Mapping[str, Evidence]:
    """The same for a candidate that is asked: a capture may show what a run has to bring about first."""
    found = _lowest(profile, system)
    return {row.id: found[row.id] for row in load_registry().testable(profile) if row.id in found}


def _lowest(profile: Profile, system: System) -> dict[str, Evidence]:
    """For each requirement that a probe may serve, whether it applies or not, the lowest level."""
    found: dict[str, Evidence] = {}
    for level in (Evidence.BLACK_BOX, Evidence.LAUNCHED, Evidence.CONTROLLED):
        _add(found, system, fullest(profile, system, level), level)
    speaking = replace(fullest(profile, system, Evidence.CONTROLLED), words=_ANY_WORDS)
    _add(found, system, speaking, Evidence.CONTROLLED)
    return found


def _add(found: dict[str, Evidence], system: System, setting: Setting, level: Evidence) -> None:
    """Add what can be exercised in a setting of this level and is not in yet."""
    for probe in system.probes:
        if probe.unmet(setting) is None:
            for name in probe.serves:
                if level is Evidence.CONTROLLED or name not in probe.scripted:
                    found.setdefault(name, level)


# What a target file may have that a requirement takes, and the target without it; in the order of the file.
_PARTS: Mapping[str, Any] = {
    "credentials": None, "existing": {}, "triggers": {}, "directory": None, "launch": None, "control": None,
}  # fmt: skip
# What only one account of several can show, by the key of the profile that says how it is refused.
ACCOUNTS = {"auth.foreign": "other_credentials", "auth.expired": "expired_credentials"}


class Way(NamedTuple):
    """How a run exercises a requirement: at which level, and by which parts of a target file."""

    level: Evidence
    parts: tuple[str, ...]


def ways_of(profile: Profile, system: System) -> Mapping[str, Way]:
    """The way for each requirement that applies to a profile, its own ones among them; none for what no run shows."""
    levels = _lowest(profile, system)
    rows = [row for row in load_registry(profile).testable(profile) if row.id in levels]
    parts: dict[str, list[str]] = {row.id: [] for row in rows}
    for level in dict.fromkeys(levels.values()):
        whole = fullest(profile, system, level)
        whole = replace(whole, words=whole.words or _ANY_WORDS)
        for part, none in _PARTS.items():
            target, rest = replace(whole.target, **{part: none}), dict[str, Evidence]()
            scripted = level is Evidence.CONTROLLED and target.control is not None
            can = whole.can if target.control is not None else frozenset()
            _add(rest, system, replace(whole, target=target, can=can), level if scripted else Evidence.BLACK_BOX)
            for row in rows:
                if levels[row.id] is level and row.id not in rest:
                    parts[row.id].append(part)
    for row in rows:
        named = {*(key for one in row.applies_to for key in one), row.basis.get("profile", "")}
        parts[row.id] += [part for key, part in ACCOUNTS.items() if key in named]
    return {row.id: Way(levels[row.id], tuple(parts[row.id])) for row in rows}


def fullest(profile: Profile, system: System, level: Evidence) -> Setting:
    """A candidate whose target file names everything that a level of evidence allows."""
    nobody = {"token": "x", "email": "a@example.org", "password": "x"}
    controlled = level is Evidence.CONTROLLED
    target = Target(
        file=Path("target.yaml"),
        profile=profile.name,
        base_url="http://127.0.0.1",
        credentials=nobody,
        other_credentials=nobody,
        expired_credentials=nobody,
        existing={"finished": "x", "active": "x"} if profile.streams == "run" else {},
        control="/_conformance" if controlled else None,
        directory=Path(),
        triggers={name: {} for name in profile.field("triggers") or ()},
        launch=Launch((), Path(), {}, "/", 1) if level is not Evidence.BLACK_BOX else None,
    )
    words = system.words or spoken(profile)
    return Setting(profile, target, 1.0, frozenset(VERBS[profile.streams] if controlled else ()), words)


# What an exchange of a trace shows of how it was made, by its operation.
_SHOWN_BY = {"control": Evidence.CONTROLLED, "ready": Evidence.LAUNCHED}


def of_trace(trace: Trace, system: System) -> frozenset[Evidence]:
    """The levels of evidence of which a recorded trace makes use: exchanges with the control interface, a launch."""
    launches = any(probe.name == trace.probe and "launch" in probe.needs for probe in system.probes)
    shown = {_SHOWN_BY[one.operation] for one in trace.exchanges if one.operation in _SHOWN_BY}
    return frozenset({Evidence.BLACK_BOX, *shown, *([Evidence.LAUNCHED] if launches else [])})
