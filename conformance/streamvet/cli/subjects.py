"""Whom `streamvet run` checks: the candidates that its arguments name.

Must not know how they are checked.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from streamvet.cli.way import Way
from streamvet.contract.asks import NOBODY, asked_of
from streamvet.contract.files import FileError, cut
from streamvet.contract.target import load_target, target_of
from streamvet.reference import DEFAULT_TIME_SCALE, accounts, free_ports, reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.campaign import Summary
    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target


_HTTP = ("http://", "https://")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")  # RFC 3986, 3.1; no path begins so


@dataclass(slots=True)
class Subject:
    """A candidate. `shown` names it in the report, `words` on a command line; `summary`: what came of its campaign."""

    target: Target
    profile: Profile
    scale: float
    shown: str
    words: tuple[str, ...]
    summary: Summary | None = None
    name: str = ""  # among others

    def seeded(self, seed: int) -> int | None:
        """The seed by which its runs are watched, None where nobody controls how long they last."""
        return seed if self.target.control else None

    def told(self, command: str, *words: str, options: Sequence[str] = ()) -> str:
        """The command line of a command on it."""
        return shlex.join(["streamvet", command, *words, *self.words, *options])


@dataclass(frozen=True, slots=True)
class Said:
    """What options say of a server at a URL: the way there, and the answers to what its profile asks, as they stand."""

    way: Way = field(default_factory=Way)
    answers: Sequence[str] = ()

    def target(self) -> dict[str, Any]:
        """The same as keys of a target file.

        Raises:
            FileError: where an answer has no name.
        """
        rows = [one.partition("=") for one in self.answers]
        for name, equals, _ in rows:
            if not (name and equals):
                raise FileError("--with", "the value", "NAME=VALUE", cut(repr(name)))
        return self.way.keys | ({"with": {name: value for name, _, value in rows}} if rows else {})

    def words(self, profile: Profile) -> list[str]:
        """The same as words of a command line, with stars in place of what is secret."""
        words = list(self.way.words)
        for name, _, value in (one.partition("=") for one in self.answers):
            is_secret = "credential" in asked_of(profile).get(name, {}) and value != NOBODY and "${" not in value
            words += ["--with", f"{name}={'***' if is_secret else value}"]
        return words


def subjects_of(  # noqa: PLR0917 - one parameter an argument of the command line
    targets: Sequence[str], profiles: Sequence[str], with_reference: bool, scale: float | None, folder: Path,
    said: Said | None = None,
) -> list[Subject]:  # fmt: skip
    """The candidates that the arguments name.

    Raises:
        FileError: where one of them is not valid, or two would listen at one address.
        typer.BadParameter: where the arguments do not go together.
    """
    if with_reference == bool(targets):
        one = "give a target file, a URL with --profile, or --reference"
        raise typer.BadParameter(f"{one}; got {'two' if with_reference else 'none'}")
    options = [*said.way.options, *(["--with"] if said.answers else [])] if said else []
    if options and (with_reference or not all(one.startswith(_HTTP) for one in targets)):
        raise typer.BadParameter("it is for a URL; a target file has a key for it", param_hint=options[0])
    if with_reference:
        return named(_references(profiles, DEFAULT_TIME_SCALE if scale is None else scale, folder))
    return named([_subject(one, profiles, scale, said or Said()) for one in targets])


def named(subjects: list[Subject]) -> list[Subject]:
    """The same with a name for each: that of its profile, and where another one has that profile too, its words.

    Raises:
        FileError: where two would be launched at one address.
    """
    taken: dict[str, str] = {}
    profiles = [one.profile.name for one in subjects]
    for one in subjects:
        alone = profiles.count(one.profile.name) == 1
        one.name = one.profile.name if alone else f"{one.profile.name} {one.words[0]}"
        if one.target.launch is not None:
            if one.target.base_url in taken:
                wanted = f"a different address, because both are launched: {taken[one.target.base_url]} has this one"
                raise FileError(one.words[0], "/base_url", wanted, one.target.base_url)
            taken[one.target.base_url] = one.words[0]
    return subjects


def _subject(target: str, profiles: Sequence[str], scale: float | None, said: Said) -> Subject:
    """The candidate of one argument."""
    words = [target]
    if target.startswith(_HTTP):
        if len(profiles) != 1:
            raise typer.BadParameter("a URL needs one --profile", param_hint="--profile")
        raw = {"profile": profiles[0], "base_url": target} | said.target()
        with said.way.told():
            loaded, profile = target_of(raw, Path("command line"))
        words += ["--profile", profiles[0], *said.words(profile)]
    else:
        if _SCHEME.match(target):
            raise FileError("TARGET", "the URL", "one that begins with http:// or https://", repr(target))
        if profiles:
            raise typer.BadParameter("a target file names its own profile", param_hint="--profile")
        loaded, profile = load_target(Path(target))
    chosen = loaded.time_scale if scale is None else scale
    words += ["--time-scale", f"{scale:g}"] if scale is not None else []
    return Subject(loaded, profile, chosen, loaded.base_url, tuple(words))


def _references(profiles: Sequence[str], scale: float, folder: Path) -> list[Subject]:
    given = accounts()
    found: list[Subject] = []
    for name in dict.fromkeys(profiles or given):
        if name not in given:
            raise FileError(
                "--profile", name, f"one of {', '.join(given)}", "a profile that the reference server does not serve"
            )
        target, profile = reference(name, given[name], folder, free_ports(), time_scale=scale)
        words = ("--reference", "--profile", name, "--time-scale", f"{scale:g}")
        found.append(Subject(target, profile, scale, "the reference server", words))
    return found
