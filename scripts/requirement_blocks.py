"""What the docs print of the requirements: chapters, counts and coverage, as lines of Markdown.

Must not know where a block stands, nor write files. Links are relative to `docs/spec/`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from schema_table import cell, code, table
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import Registry, Requirement, Statement, load_registry, statement_lists, statements
from streamvet.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    said = [f"{sum(row.level == level for row in tested)} {level}" for level in ("MUST", "SHOULD")]
    excluded = len(rows) - len(tested)
    return ", ".join([*said, *([f"{excluded} excluded"] if excluded else [])])


def _applies(row: Requirement) -> str:
    said = [f"{path}: {json.dumps(wanted)}" for path, wanted in row.applies_to.items()]
    conditions = " and ".join(code(one.replace('"', "")) for one in said)
    names = [name for name in builtin_profiles() if row.applies(load_profile(name))]
    return f"{conditions} ({', '.join(names) or 'none of the built-in profiles'})" if conditions else "every profile"


def _requirement(row: Requirement) -> list[str]:
    if row.excluded:
        facts = {"Excluded": row.excluded}
    else:
        facts = {
            "Exercised when": f"{row.when}.",
            "Applies to": f"{_applies(row)}.",
        }
    if row.why:
        facts["Why"] = row.why
    if row.seen:
        facts["Seen in the field"] = ", ".join(map(code, row.seen)) + "."
    bad = [example.note.rstrip(".") for example in examples(row.id) if not example.holds]
    if bad:
        facts["Violated, for example"] = "; ".join(dict.fromkeys(bad)) + "."
    if row.depends_on:
        facts["Depends on"] = ", ".join(link(one, row.family) for one in row.depends_on) + "."
    if row.covers:
        facts["Covers"] = ", ".join(map(_line, row.covers)) + "."
    return [
        f"### {row.id}",
        "",
        f"**{row.level}** {row.text}",
        "",
        *(f"- *{name}:* {text}" for name, text in facts.items()),
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
