"""`streamvet client`: the vectors against a client that somebody has written.

Must not know how a vector is served, nor what is judged.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated

import typer

from streamvet.cli.console import note, say
from streamvet.clients.report import document, exit_code, text
from streamvet.clients.running import CommandError, Terms
from streamvet.clients.trying import try_all
from streamvet.clients.vectors import FRAMINGS, NEEDS, vectors
from streamvet.contract.files import FileError
from streamvet.report.printable import printable

if TYPE_CHECKING:
    from streamvet.clients.judging import Result
    from streamvet.clients.vectors import Vector


def client(  # noqa: PLR0917 - one parameter an option, as typer wants it
    command: Annotated[
        str,
        typer.Option(
            "--command", metavar="WORDS", help="The client: it reads the stream at {url} and prints its events."
        ),
    ],
    framing: Annotated[str, typer.Option("--framing", metavar="F", help="sse or ndjson.")] = FRAMINGS[0],
    lacks: Annotated[
        list[str] | None,
        typer.Option("--lacks", metavar="WHAT", help="A missing feature: reconnect, id, end or head. May be repeated."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ID", help="Only these requirements or vectors.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="A violated SHOULD counts, too.")] = False,
    at_once: Annotated[int, typer.Option("--at-once", min=1, metavar="N", help="How many clients run at once.")] = 2,
    deadline: Annotated[
        float, typer.Option("--deadline", min=0.5, max=600, metavar="SECONDS", help="The time for one vector.")
    ] = 5.0,
) -> None:
    """Check a client of event streams.

    The command prints one JSON line for each event that it delivers. Exit code 1 if a MUST is violated.
    """
    _known("--framing", [framing], FRAMINGS)
    _known("--lacks", lacks or (), NEEDS)
    chosen = _chosen(framing, only or ())
    try:
        terms = Terms(command, deadline)
        results = asyncio.run(try_all(terms, chosen, lacks or (), at_once, lambda one: _tell(one, len(chosen))))
    except CommandError as error:
        note(f"streamvet: {printable(str(error))}")
        raise typer.Exit(2) from error
    code = exit_code(results, strict=strict)
    if json_file is not None:
        _write(json_file, json.dumps(document(results, code, command, framing, lacks or ()), indent=1) + "\n")
    say(printable_lines(text(results, code)))
    raise typer.Exit(code)


def printable_lines(shown: str) -> str:
    """The text line by line as a terminal can show it: much of it comes from a client."""
    return "\n".join(printable(line) for line in shown.split("\n"))


def _known(option: str, given: object, known: tuple[str, ...]) -> None:
    for one in given if isinstance(given, (list, tuple)) else ():
        if one not in known:
            raise FileError("client", option, f"one of {', '.join(known)}", repr(one))


def _chosen(framing: str, only: list[str] | tuple[str, ...]) -> list[Vector]:
    own = [one for one in vectors() if one.framing == framing]
    names = {one.id for one in own} | {one.requirement for one in own}
    strange = [one for one in only if one not in names]
    if strange:
        raise FileError("client", "--only", f"a vector of {framing} or a requirement that has one", repr(strange[0]))
    return [one for one in own if not only or {one.id, one.requirement} & set(only)]


def _tell(one: Result, _of: int) -> None:
    if one.findings:
        note(f"{one.verdict.name}  {one.vector.requirement}  {one.vector.id}")


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise FileError("client", f"--json {path}", "a file that can be written", str(error.strerror)) from error
