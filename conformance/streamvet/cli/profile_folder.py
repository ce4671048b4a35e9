"""`streamvet check-profile`: whether a folder is a profile, and each requirement of its own finds what it is for.

Must not know candidates, nor how a command runs.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import jsonschema_rs
import typer
import yaml

from streamvet.cli import options  # noqa: TC001 - typer reads the annotations
from streamvet.cli.console import note, say
from streamvet.cli.own_rows import check_traces, misfits
from streamvet.contract.evidence import Evidence
from streamvet.contract.files import FileError, is_file, read_json, read_text, read_yaml, resolved
from streamvet.contract.first_format import migrated
from streamvet.contract.fitting import check_fit
from streamvet.contract.folders import folder_named
from streamvet.contract.loading import load_profile, profile_of
from streamvet.contract.registry import load_registry
from streamvet.levels import ways_of
from streamvet.report.exits import Exit
from streamvet.report.printable import counted, printable_lines
from streamvet.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet.contract.profile import Profile


Migrate = Annotated[
    bool,
    typer.Option("--migrate", help="Convert a profile.yaml of the first edition to the second one, and print it."),
]

Whole = Annotated[bool, typer.Option("--print", help="Print the profile.yaml merged with the profile that it extends.")]


def check_profile(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A folder with a profile.yaml.", show_default=False)],
    allow_commands: options.AllowCommands = False,
    migrate: Migrate = False,
    whole: Whole = False,
) -> None:
    """Validate a profile folder.

    It checks profile.yaml, the schemas, the vectors of events if there are any, and the folder's own requirements: each
    command must find the violations of its example traces, and no others.
    """
    path = Path(folder)
    if folder_named(folder) is None and not is_file(path / "profile.yaml"):
        raise FileError(path / "profile.yaml", "", "a profile", "no such file")
    if migrate:
        _migrate(path / "profile.yaml")
        return
    profile = load_profile(folder if folder_named(folder) else str(resolved(path)))
    if whole:
        say(
            yaml.safe_dump(
                profile.raw, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120
            ).rstrip()
        )
        return
    schemas = _check_schemas(profile)
    vectors = _check_vectors(profile)
    requirements = load_registry(profile).testable(profile)
    proved = _prove(profile, allow_commands)
    say(
        f"{profile.name}: {profile.title}\n"
        f"  {len(profile.operations)} operations, {len(profile.types)} event types\n"
        f"  {schemas} schemas and {vectors} vectors are correct\n"
        f"  {len(requirements)} requirements apply; the longest mandated wait is {profile.mandated_wait_s(1.0):g} s"
        f"{proved}\n" + "\n".join(_exercised(profile))
    )


def _exercised(profile: Profile) -> Iterator[str]:
    """Which requirements apply, by the level of evidence at which a run exercises them and by what takes part in it."""
    ways = ways_of(profile, system_of(profile))
    order = list(Evidence)
    for way in sorted(set(ways.values()), key=lambda way: (order.index(way.level), way.parts)):
        ids = [name for name, one in ways.items() if one == way]
        yield from _listed(f"{way.level.value}{', by ' if way.parts else ''}{', '.join(way.parts)}", ids)
    if profile.starts:
        yield "  Requirements on runs need `inputs` in the target file, unless it has `control`."
    if never := [row.id for row in load_registry(profile).testable(profile) if row.id not in ways]:
        yield from _listed("no run exercises", never)


def _listed(name: str, ids: list[str]) -> list[str]:
    margin = " " * 4
    return textwrap.wrap(
        f"{name}: {' '.join(ids)}", 120, initial_indent="  ", subsequent_indent=margin, break_on_hyphens=False
    )


def _migrate(path: Path) -> None:
    """Print a profile.yaml of the first edition in the second one; what does not fit in it is wrong in both.

    Raises:
        FileError: where it is not of the first edition, or does not fit.
    """
    raw = read_yaml(path)
    text = migrated(read_text(path), raw, path)
    say(text.rstrip("\n"))
    check_fit(profile_of(yaml.safe_load(text), path), path)


def _prove(profile: Profile, allowed: bool) -> str:
    """Hold the requirements of a folder to its example traces; gives the line that tells of it, "" where it has none.

    Raises:
        FileError: where traces are missing, or where a command fails.
        typer.Exit: where a command finds what it should not, or does not find what it should.
    """
    rows = load_registry(profile).commanded(profile)
    if not rows:
        return ""
    found, own = check_traces(profile, rows), counted(len(rows), "requirement of its own", "requirements of its own")
    if not allowed:
        return f"\n  {own}, not proved: --allow-commands runs the commands that check them"
    wrong = misfits(profile, rows, found)
    for one in wrong:
        note(f"streamvet: {printable_lines(str(one))}")
    if wrong:
        raise typer.Exit(int(Exit.USAGE))
    return f"\n  {own}, proved by {counted(len(found), 'example trace')}"


def _check_schemas(profile: Profile) -> int:
    """Every schema of the folder can be used; what each one has to be was seen when the profile was loaded."""
    files = profile.schemas.all()
    for file in files:
        try:
            profile.schemas.decider(file)
        except (ValueError, jsonschema_rs.ValidationError) as error:
            raise FileError(profile.schemas.path_of(file), "", "a schema that can be used", str(error)) from error
    return len(files)


def _check_vectors(profile: Profile) -> int:
    """Valid vectors of events are valid, invalid ones are not; those of adopted readings have a folder of their own."""
    vectors = profile.folder / "vectors"
    return _count_vectors(profile, "events", vectors) + _count_vectors(profile, "adopted", vectors / "adopted")


def _count_vectors(profile: Profile, folder: str, vectors: Path) -> int:
    """How many vectors the schemas of a folder have. A vector's name begins with its schema's."""
    count = 0
    begins, ends = f"{folder}/", ".schema.json"
    files = [file for file in profile.schemas.all() if file.startswith(begins)]
    names = sorted((file.removeprefix(begins).removesuffix(ends) for file in files), key=len)
    for wanted in (True, False):
        for path in sorted((vectors / ("valid" if wanted else "invalid")).glob("*.json")):
            name = next((one for one in reversed(names) if path.name.startswith(f"{one}.")), None)
            if name is None:
                raise FileError(path, "the name", "one that begins with the name of an event's schema", path.name)
            file, value = f"{folder}/{name}.schema.json", read_json(path)
            if profile.schemas.decider(file)(value) is not wanted:
                refused = f"a value that {file} refuses", "a valid one"
                expected, seen = profile.schemas.explain(file, value) if wanted else refused
                raise FileError(path, "", expected, seen)
            count += 1
    return count
