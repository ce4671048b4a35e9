"""What the docs print of the requirements: chapters, counts and coverage, as lines of Markdown.

Must not know where a block stands, nor write files. Links are relative to `docs/spec/`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from schema_table import cell, code, table
from streamvet.contract.evidence import Evidence
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import Registry, load_registry
from streamvet.contract.requirement import worded
from streamvet.contract.statements import Statement, statement_lists, statements
from streamvet.examples import examples
from streamvet.levels import of_bytes
from streamvet.systems import levels_of, profiles_by_level, system_of
from violation_blocks import violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.requirement import Requirement


@cache
def _registry() -> Registry:
    return load_registry()


def link(requirement: str, here: str = "") -> str:
    """A link to a requirement, from the chapter `here`."""
    family = _registry().rows[requirement].family
    return f"[{requirement}]({'' if family == here else family + '.md'}#{requirement.lower()})"


def _line(covered: str) -> str:
    """`R003-5` as a link to the fifth statement of its system."""
    name, _, number = covered.partition("-")
    return f"[{statement_lists()[name][0]} line {number}](coverage.md#{statement_lists()[name][0]})"


def _counts(rows: Sequence[Requirement]) -> str:
    tested = [row for row in rows if row.excluded is None]
    said = [
        f"{sum(row.level == level for row in tested)} {level}"
        for level in ("MUST", "SHOULD", "NOTE")
        if any(row.level == level for row in tested)
    ]
    excluded = len(rows) - len(tested)
    return ", ".join([*said, *([f"{excluded} excluded"] if excluded else [])])


def _applies(row: Requirement) -> str:
    conditions = ", or ".join(" and ".join(map(code, one)) for one in row.conditions)
    names = [name for name in builtin_profiles() if row.applies(load_profile(name))]
    return f"{conditions} ({', '.join(names) or 'none of the built-in profiles'})" if conditions else "every profile"


def _need_not(row: Requirement) -> str:
    """Where nobody has to bring that about, in words."""
    conditions = [code(one) for one in worded(row.need_not_occur)] if row.need_not_occur else []
    return f"; not applicable if that never happens on {' and '.join(conditions)}" if conditions else ""


def _rests_on(row: Requirement) -> str:
    """The basis of a requirement, for readers."""
    basis = row.basis
    if "standard" in basis:
        return f"{basis['standard']}: {basis['sentence'].rstrip('.')}"
    if "specification" in basis:
        return f"this specification, chapter [{basis['specification']}]({basis['specification']}.md)"
    if "profile" in basis:
        return f"the key {code(basis['profile'])} of the profile"
    return f"the published document: {_line(basis['document'])}"


def _report(seen: str) -> str:
    """A public report as a link, where it says whose repository it is in; else as it is written."""
    found = re.fullmatch(r"([\w.-]+/[\w.-]+)#(\d+)((?: \([^)]*\))?)", seen)
    if found:
        return f"[{found[1]}#{found[2]}](https://github.com/{found[1]}/issues/{found[2]}){found[3]}"
    return f"[{seen}](https://github.com/advisories/{seen})" if seen.startswith("GHSA-") else code(seen)


@cache
def _of_bytes(profile: str) -> frozenset[str]:
    loaded = load_profile(profile)
    return of_bytes(loaded, system_of(loaded))


def _evidence(row: Requirement) -> str:
    """The lowest level of evidence at which a run exercises a requirement, by system where they differ; captures."""
    by_level = profiles_by_level(row)
    said = [f"{level} ({', '.join(names)})" if len(by_level) > 1 else level for level, names in by_level.items()]
    shown = any(row.id in _of_bytes(name) for name in builtin_profiles())
    return "; ".join([*said, *(["a capture shows it too"] if shown else [])])


def levels() -> list[str]:
    """How many MUSTs of each system a run exercises at a level of evidence and not below; how many a capture shows."""
    asked = [level for level in Evidence if level is not Evidence.CAPTURE]
    rows = []
    for name in builtin_profiles():
        profile = load_profile(name)
        musts = [row.id for row in _registry().testable(profile) if row.level_on(profile) == "MUST"]
        found = [sum(levels_of(name).get(one) is level for one in musts) for level in asked]
        captured = len(_of_bytes(name) & set(musts))
        rows.append([f"[{name}]({name}.md)", *map(str, found), str(len(musts)), str(captured)])
    return table(["System", *(level.value for level in asked), "MUSTs", "shown by a capture"], rows)


# What `reads` of a row means, for readers.
_READS = {
    "frames": "all frames.",
    "json": "events whose data is JSON.",
    "type": "events of a known type.",
    "schema": "events that are valid by the schema of their type.",
}


def _requirement(row: Requirement) -> list[str]:
    if row.excluded:
        facts = {"Excluded": row.excluded}
    else:
        facts = {
            "Exercised when": f"{row.when}{_need_not(row)}.",
            "Applies to": f"{_applies(row)}.",
        }
    if row.disputed:
        facts = {
            "Disputed": f"{row.disputed} Until this is decided, it [does not count](../stability.md#scoring).",
            **facts,
        }
    if row.since:
        facts["Since"] = f"revision {row.since}."
    if row.basis:
        facts["Rests on"] = f"{_rests_on(row)}."
    if evidence := _evidence(row):
        facts["Evidence"] = f"{evidence}."
    if row.raised:
        where = " and ".join(code(f"{path}: {wanted}") for path, wanted in row.raised.where.items())
        key = f"the key {code(row.raised.profile)} of the profile."
        by = key if row.raised.profile else f"{row.raised.standard}: {row.raised.sentence}"
        facts[f"A {row.raised.level} where"] = f"the profile says {where}. {row.raised.text} It rests on {by}"
    if row.trips:
        facts["Trips"] = "; ".join(row.trips) + "."
    if row.why:
        facts["Why"] = row.why
    if row.seen:
        facts["Seen in the field"] = ", ".join(map(_report, row.seen)) + "."
    bad = [example.note.rstrip(".") for example in examples(row.id) if not example.holds]
    if bad:
        facts["Violated, for example"] = "; ".join(dict.fromkeys(bad)) + "."
    if row.reads:
        facts["Reads"] = _READS[row.reads]
    if row.explained_by:
        facts["Explained by"] = ", ".join(link(one, row.family) for one in row.explained_by) + "."
    if row.covers:
        facts["Covers"] = ", ".join(map(_line, row.covers)) + "."
    return [
        f"### {row.id}",
        "",
        f"**{row.level}** {row.text}",
        "",
        *(f"- *{name}:* {text}" for name, text in facts.items()),
        *violation(row),
        "",
    ]


def requirements(family: str) -> list[str]:
    """Every requirement of a family, in full."""
    rows = [row for row in _registry().rows.values() if row.family == family]
    return [f"{_counts(rows)}.", "", *(line for row in rows for line in _requirement(row))][:-1]


def families() -> list[str]:
    """The families, and how many requirements each has."""
    registry = _registry()
    rows = []
    for prefix, family in registry.prefixes.items():
        own = [row for row in registry.rows.values() if row.family == family]
        rows.append([code(prefix), f"[{registry.families[family]}]({family}.md)", _counts(own)])
    everything = list(registry.rows.values())
    return table(["Prefix", "Chapter", "Requirements"], [*rows, ["", "Together", _counts(everything)]])


def revision() -> list[str]:
    """The revision of the specification."""
    return [f"This is revision {_registry().revision} of the specification."]


def coverage(profile: str) -> list[str]:
    """Each statement of a system, and the requirements that test it."""
    name, lines = next((name, lines) for name, (system, lines) in statements().items() if system == profile)
    rows = []
    for number, statement in enumerate(lines, start=1):
        covering = [row for row in _registry().rows.values() if f"{name}-{number}" in row.covers]
        ids = ", ".join(link(row.id) + (" (excluded)" if row.excluded else "") for row in covering)
        rows.append([str(number), cell(statement.text), cell(_basis(statement)), ids])
    return table(["Line", "Statement", "Rests on", "Requirements"], rows)


def _basis(statement: Statement) -> str:
    """What a statement rests on, in one cell."""
    if statement.basis == "adopted":
        return f"adopted: {statement.source}" + (f" ({statement.note})" if statement.note else "")
    return statement.source + (f". Adopted: {statement.adopted}" if statement.adopted else "")
