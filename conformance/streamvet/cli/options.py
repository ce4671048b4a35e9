"""Options that several commands share, and what becomes of them.

Must not know the commands.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamvet.cli.console import say
from streamvet.contract.intake import FileError, is_there, resolved
from streamvet.masking import veiled
from streamvet.report import badge, github, html, json_report, junit, text
from streamvet.report.building import Asked
from streamvet.report.exits import Exit, Policy, exit_code
from streamvet.report.waivers import load_waivers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from streamvet.contract.registry import Registry
    from streamvet.report.report import Report


def finite(value: float | None) -> float | None:
    """A number as it is; what JSON and a clock do not have is refused, which a range of click's lets pass."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"expected a finite number, got {value}")
    return value


def named(text: str) -> Path:
    """A file's name as a path. An empty one is that of the folder at hand for `Path`, which nobody means."""
    if not text:
        raise typer.BadParameter("expected the name of a file, got an empty text")
    return Path(text)


TimeScale = Annotated[
    float | None,
    typer.Option(
        "--time-scale", min=0.0001, max=1000, callback=finite, metavar="X",
        help="The factor by which the candidate multiplies its intervals.",
    ),
]  # fmt: skip
Wait = Annotated[
    float,
    typer.Option(
        "--wait", min=0, callback=finite, metavar="SECONDS", help="How long to wait for the candidate to start."
    ),
]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="ID|FAMILY", help="Report and count only these; may be repeated.")
]
AllowCommands = Annotated[
    bool,
    typer.Option("--allow-commands", help="Run the commands that check the requirements of the profile's own folder."),
]
Strict = Annotated[bool, typer.Option("--strict", help="A violated SHOULD counts as a violated MUST.")]
Waivers = Annotated[
    Path | None,
    typer.Option("--waivers", parser=named, metavar="FILE", help="A file of waivers: ids with reasons, as YAML."),
]
Json = Annotated[Path | None, typer.Option("--json", parser=named, metavar="FILE", help="Write the report as JSON.")]
Junit = Annotated[
    Path | None, typer.Option("--junitxml", parser=named, metavar="FILE", help="Write the report as JUnit XML.")
]
Html = Annotated[
    Path | None,
    typer.Option("--html", parser=named, metavar="FILE", help="Write the report as one HTML file, with the evidence."),
]
Badge = Annotated[
    Path | None, typer.Option("--badge", parser=named, metavar="FILE", help="Write the outcome as an SVG badge.")
]


_WRITABLE = "a file that can be written"


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that the user wants besides the summary."""

    json: Path | None = None
    junitxml: Path | None = None
    html: Path | None = None
    badge: Path | None = None

    def _wanted(self) -> list[tuple[Path, Callable[[Sequence[Report], Policy], str]]]:
        forms = (
            (self.json, json_report.render),
            (self.junitxml, junit.render),
            (self.html, html.render),
            (self.badge, badge.render),
        )
        return [(path, render) for path, render in forms if path is not None]

    def check(self, *inputs: Path | str | None) -> None:
        """Find out before a long run that a file could not be written after it, or would replace one of the inputs.

        Raises:
            FileError: with the file.
        """
        taken = {_identity(Path(one)): f"{one}, another argument" for one in inputs if one is not None}
        for path, _ in self._wanted():
            if is_there(path) and not path.is_file() and not path.is_dir():
                continue  # a terminal, a pipe, /dev/null: it keeps nothing, and opening it may wait for a reader
            _check_writable(path)
            one = _identity(path)
            if one in taken:
                raise FileError(path, "", "a file for this report alone", taken[one])
            taken[one] = "that of another report"

    def deliver(self, reports: Sequence[Report], policy: Policy) -> Exit:
        """Print the summary, write the files; gives the exit code. What cannot be written does not keep back the rest.

        Raises:
            FileError: where a file cannot be written, or nothing be printed.
        """
        wrong = self._write(reports, policy)
        say(text.render(reports, policy))
        if wrong_of_job := _tell_job(reports, policy):
            wrong.append(wrong_of_job)
        if wrong:
            raise wrong[0]
        return exit_code(reports, policy)

    def write(self, reports: Sequence[Report], policy: Policy) -> None:
        """Write the files alone.

        Raises:
            FileError: where one cannot be written.
        """
        wrong = self._write(reports, policy)
        if wrong:
            raise wrong[0]

    def _write(self, reports: Sequence[Report], policy: Policy) -> list[FileError]:
        """Write what can be written; gives what cannot."""
        wrong: list[FileError] = []
        for path, render in self._wanted():
            try:
                path.write_text(veiled(render(reports, policy)), encoding="utf-8", errors="backslashreplace")
            except OSError as error:
                wrong.append(FileError(path, "", _WRITABLE, error.strerror or "an error"))
        return wrong


def _tell_job(reports: Sequence[Report], policy: Policy) -> FileError | None:
    """Annotations and a summary, where a job of GitHub Actions reads them; gives what kept the summary from it."""
    if os.environ.get("GITHUB_ACTIONS") == "true" and (lines := github.annotated(reports, policy)):
        say(lines)
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return None
    try:
        with Path(name).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(veiled(github.summary(reports, policy)))
    except OSError as error:
        return FileError(name, "", "a summary that can be written (GITHUB_STEP_SUMMARY)", error.strerror or "an error")
    return None


def _identity(path: Path) -> object:
    """What is equal for two paths of the same file, by whatever name or link."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # not there, or no path at all
        return resolved(path)
    return found.st_dev, found.st_ino


def _check_writable(path: Path) -> None:
    """Open a file as `deliver` will, and leave everything as it was."""
    if path.is_dir() or not path.parent.is_dir():
        raise FileError(path, "", _WRITABLE, "a folder" if path.is_dir() else f"no folder {path.parent}")
    there = path.exists()
    try:
        with path.open("ab"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise FileError(path, "", _WRITABLE, error.strerror or "an error") from error


def words_of(only: Sequence[str] | None) -> list[str]:
    """The words of `--only`.

    Raises:
        FileError: where there are none in it.
    """
    words = [word for part in only or () for word in re.split(r"[\s,]+", part) if word]
    if only and not words:
        raise FileError("--only", "the value", "the id of a requirement, or a family", "an empty text")
    return words


def asked(only: Sequence[str] | None, waivers: Path | None, command: str, registries: Sequence[Registry]) -> Asked:
    """What the verdicts are asked for, of the requirements there are: one registry for each candidate.

    Raises:
        FileError: where an id is in none of them, or the waivers file is wrong.
    """
    words = words_of(only)
    chosen: set[str] = set()
    for word in words:
        found = [one for registry in registries if (one := _selected(registry, word)) is not None]
        if not found:
            raise FileError("--only", word, "the id of a requirement, or a family", "neither")
        chosen.update(*found)
    rows = tuple(load_waivers(waivers, registries)) if waivers else ()
    return Asked(chosen if words else None, rows, datetime.now(UTC).date(), command)


def _selected(registry: Registry, word: str) -> Collection[str] | None:
    try:
        return registry.select([word])
    except KeyError:
        return None


def trace_folder(path: Path | None) -> None:
    """Make the folder for traces.

    Raises:
        FileError: where that cannot be.
    """
    if path is None:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(path, "", "a folder for traces", error.strerror or "an error") from error


def only_note(only: Sequence[str] | None) -> tuple[str, ...]:
    """What the report says where it is about a part of the requirements."""
    return (f"only: {', '.join(only)}",) if only else ()
