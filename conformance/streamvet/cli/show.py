"""`streamvet list` and `streamvet explain`: the registry, the profiles and the faults, as text or JSON.

Must not know how a requirement is checked.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamvet.cli.console import note, say
from streamvet.contract.addresses import address
from streamvet.contract.files import FileError
from streamvet.contract.folders import builtin_profiles, known_protocols
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.contract.statements import statement
from streamvet.examples import examples, own_examples
from streamvet.reference import Fault, ServerMissingError, faults, modes
from streamvet.report.basis import rests_on
from streamvet.report.exhibit import exhibit
from streamvet.report.printable import printable
from streamvet.report.text import excerpt_parts
from streamvet.systems import checked_in, evidence_for, judge_of, profiles_by_level, tried_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.contract.profile import Profile
    from streamvet.contract.registry import Registry
    from streamvet.contract.requirement import Requirement
    from streamvet.examples import Example

OfProfile = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="P", help="A built-in profile or a folder, which may have requirements of its own."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

listing = typer.Typer(no_args_is_help=True, help="List requirements, profiles, faults or modes.", rich_markup_mode=None)


def _print(rows: list[dict[str, Any]], lines: Iterable[str], as_json: bool) -> None:
    say(json.dumps(rows, indent=2) if as_json else "\n".join(lines))


@listing.command("requirements")
def requirements(profile: OfProfile = None, as_json: AsJson = False) -> None:
    """Every requirement, or those that apply to one profile, in the order of the specification."""
    chosen = load_profile(profile) if profile is not None else None
    rows = [row for row in load_registry(chosen).rows.values() if chosen is None or row.applies(chosen)]
    values = [
        {
            "id": row.id, "level": row.level, "family": row.family, "text": row.text, "when": row.when, "why": row.why,
            "applies_to": [dict(one) for one in row.applies_to], "reads": row.reads,
            "explained_by": list(row.explained_by),
            "basis": dict(row.basis), "trips": list(row.trips), "evidence": evidence_for(row),
            "seen": list(row.seen),
            "covers": list(row.covers), "excluded": row.excluded,
            **({"command": list(row.command)} if row.command else {}),
            **({"since": row.since} if row.since else {}),
            **({"disputed": row.disputed} if row.disputed else {}),
        }
        for row in rows
    ]  # fmt: skip
    _print(
        values,
        (f"{row.id}  {row.level:<6}  {row.text}{' (excluded)' if row.excluded else ''}" for row in rows),
        as_json,
    )


@listing.command("profiles")
def profiles(as_json: AsJson = False) -> None:
    """The profiles that come with streamvet: those of built-in systems, then those of known protocols."""
    found = [load_profile(name) for name in [*builtin_profiles(), *known_protocols()]]
    registry = load_registry()
    rows = [
        {"profile": one.name, "title": one.title, "framing": one.framing, "requirements": len(registry.testable(one))}
        for one in found
    ]
    width = max(len(one.name) for one in found)
    lines = (
        f"{r['profile']:<{width}}  {r['framing']:<6}  {r['requirements']:>3} requirements  {r['title']}" for r in rows
    )
    _print(rows, lines, as_json)


@listing.command("faults")
def list_faults(as_json: AsJson = False) -> None:
    """The faults that the reference server can commit, and the requirement that each violates."""
    found = faults()
    rows = [
        {
            "name": one.name, "id": one.id, "profiles": list(one.profiles), "note": one.note, "honest": one.honest,
            "generated": one.generated, "fixture": one.fixture, "standing": dict(one.standing),
        }
        for one in found
    ]  # fmt: skip
    width = max((len(one.name) for one in found), default=0)
    lines = (
        f"{one.id or 'honest':<6}  {one.name:<{width}}  {', '.join(one.profiles)}: {one.note}{_found_by(one)}"
        for one in found
    )
    _print(rows, lines, as_json)


@listing.command("modes")
def list_modes(as_json: AsJson = False) -> None:
    """The legal forms in which the reference server can serve, each with the sentence that makes it legal."""
    found = modes()
    width = max(len(one.name) for one in found)
    lines = (
        f"{one.name:<{width}}  {', '.join(one.profiles)}: {one.note} {one.standard}: {one.sentence}" for one in found
    )
    _print([{**asdict(one), "profiles": list(one.profiles)} for one in found], lines, as_json)


def _found_by(fault: Fault) -> str:
    """What marks the rows that `streamvet prove` leaves to `prove --generated`, or to a test."""
    if fault.fixture:
        return " (no built-in profile asks for it: tests/candidates/test_fixture_profiles.py finds it)"
    return " (only generated stimuli show it)" if fault.generated else ""


def explain(
    requirement: Annotated[
        str, typer.Argument(metavar="ID", help="A requirement, such as CAT-03.", show_default=False)
    ],
    profile: OfProfile = None,
) -> None:
    """Explain one requirement.

    Its text, its reasons, field reports, an example, and the fault that violates it.
    """
    chosen = load_profile(profile) if profile is not None else None
    registry = load_registry(chosen)
    row = registry.rows.get(requirement.upper())
    if row is None:
        raise FileError(
            "explain",
            "ID",
            "the id of a requirement, see `streamvet list requirements` (with --profile DIR those of a folder too)",
            repr(requirement),
        )
    lines = [f"{row.id}  {row.level}  {registry.families[row.family]}", "", f"  {row.text}", ""]
    lines += _facts(row, registry, chosen)
    lines += [] if row.command else _faults(row)
    found = own_examples(chosen) if chosen and row.command else examples(row.id)
    for example in [one for one in found if one.requirement == row.id][:1]:
        lines += ["", *_example(example, chosen if row.command else None)]
    say("\n".join(lines))


def _facts(row: Requirement, registry: Registry, chosen: Profile | None) -> list[str]:
    known = [load_profile(name) for name in builtin_profiles()]
    known += [chosen] if chosen and chosen.name not in builtin_profiles() else []
    applies = [profile.name for profile in known if row.applies(profile)]
    explained = [one.id for one in registry.rows.values() if row.id in one.explained_by]
    facts = {
        "disputed": row.disputed and f"{row.disputed} Until this is decided it does not count.",
        "since revision": str(row.since or ""),
        "exercised when": row.when,
        "why": row.why,
        "seen in the field": ", ".join(row.seen),
        "rests on": rests_on(row),
        "trips": "; ".join(row.trips),
        "evidence": ", ".join(f"{level} ({', '.join(names)})" for level, names in profiles_by_level(row).items()),
        "reads": row.reads or "",
        "explained by": ", ".join(row.explained_by),
        "explains": ", ".join(explained),
        "address": address(row),
        "applies to": ", ".join(applies) or "no built-in profile",
        "covers": f"\n{'':<20}".join(map(statement, row.covers)),
        "not checked": row.excluded or "",
        "checked by": shlex.join(row.command) or checked_in(row),
        "tried by": f"\n{'':<20}".join(f"probe {name}, in {module}" for name, module in tried_by(row).items()),
    }
    return [f"  {name:<18}{value}" for name, value in facts.items() if value]


def _faults(row: Requirement) -> list[str]:
    try:
        found: list[Fault] = [one for one in faults() if one.id == row.id]
    except ServerMissingError as error:  # the rest of the page does not need the server
        note(f"streamvet: {error}")
        return []
    return [f"  {'fault':<18}{one.name} ({', '.join(one.profiles)}): {one.note}{_found_by(one)}" for one in found]


def _example(example: Example, own: Profile | None) -> list[str]:
    """A trace that violates it, as the report would tell of it, and the edit that made it from a good one.

    What a command would tell of it is left out: nothing is run in order to explain.
    """
    profile = own or load_profile(example.bad.profile)
    lines = [f"  example: {example.note}", f"    in a good trace of {profile.name}:"]
    lines += [f"      {printable(line)}" for line in example.edit]
    outcome = None if own else judge_of(profile).add(example.bad).get(example.requirement)
    if not isinstance(outcome, list) or not outcome or example.holds:
        return lines
    first = outcome[0]
    lines += [f"    expected  {printable(first.expected)}", f"    seen      {printable(first.seen)}"]
    shown = exhibit(first, example.bad, profile)
    if shown and shown.excerpt:
        lines.append(f"    bytes     {''.join(excerpt_parts(shown.excerpt))}")
    return lines
