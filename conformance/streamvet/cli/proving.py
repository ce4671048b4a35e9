"""`streamvet prove`: runs the proof and prints the kill matrix, or how soon hidden faults are found.

Must not know when a run is as it must be.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from streamvet.cli import options
from streamvet.cli.console import note, say
from streamvet.contract.files import FileError
from streamvet.contract.registry import load_registry
from streamvet.outcome import Verdict
from streamvet.prove import (
    PAIRS,
    Catch,
    Cell,
    Done,
    Hunted,
    Job,
    catches,
    go_hunting,
    hunts,
    jobs,
    matrix,
    pairs_of,
    perform,
)
from streamvet.prove.hunting import SEEDS
from streamvet.reference import Fault, accounts, faults
from streamvet.report.exits import Exit
from streamvet.report.printable import printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def prove(  # noqa: PLR0917 - one parameter an option, as typer wants it
    profile: Annotated[
        list[str] | None, typer.Option("--profile", metavar="P", help="Only on this profile; may be repeated.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", metavar="NAME", help="Only this fault; may be repeated.")
    ] = None,
    trace_dir: Annotated[
        Path | None, typer.Option("--trace-dir", metavar="DIR", help="Write the traces of every run to this folder.")
    ] = None,
    generated: Annotated[
        bool, typer.Option("--generated", help="Run the faults that only generated tries find.")
    ] = False,
    pairs: Annotated[
        int | None,
        typer.Option(
            "--pairs",
            metavar="N",
            min=0,
            help="Also commit this many pairs of faults on each system; by default "
            f"{PAIRS} if all faults run, otherwise none.",
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds", metavar="N", min=1, help="With --generated: search for each fault with this many seeds."
        ),
    ] = SEEDS,
) -> None:
    """Prove the suite with deliberate faults.

    The suite runs on the reference server with each of its faults, and must find each fault under its own requirement.
    """
    given = accounts()
    profiles = _known(profile, list(given), "--profile")
    chosen = _chosen(fault, profiles, generated=generated)
    options.trace_folder(trace_dir)
    if generated and pairs:
        raise FileError("--pairs", str(pairs), "no pairs with --generated", "both")
    count = pairs if pairs is not None else 0 if fault else PAIRS
    together = {one: pairs_of(chosen, one, load_registry(), count) for one in profiles}
    ended = (
        _hunted(chosen, given, profiles, seeds)
        if generated
        else _proved(jobs(chosen, given, profiles, trace_dir, together), profiles)
    )
    raise typer.Exit(int(ended))


def _chosen(wanted: Sequence[str] | None, profiles: Sequence[str], *, generated: bool) -> list[Fault]:
    """The faults to run.

    Raises:
        FileError: where one is unknown, is not shown by such tries, or is of none of these profiles.
    """
    rows = [one for one in faults() if not one.fixture]
    names = _known(wanted, [one.name for one in rows], "--fault")
    for one in rows:
        if wanted and one.name in names and one.generated is not generated:
            expected, got = _GENERATED, _PINNED
            if not generated:
                expected, got = got, expected
            raise FileError("--fault", one.name, f"a fault that {expected}", f"one that {got}")
    chosen = [one for one in rows if one.name in names and one.generated is generated]
    left = [one for one in chosen if set(one.profiles) & set(profiles)]
    for one in chosen:
        if wanted and one not in left:
            raise FileError(
                "--fault", one.name, f"a fault of {', '.join(profiles)}", f"one of {', '.join(one.profiles)}"
            )
    if not left:
        raise FileError("--profile", ", ".join(profiles), "a profile with such faults", "none")
    return left


_PINNED = "pinned tries show, without --generated"
_GENERATED = "only generated tries show, with --generated"


def _proved(todo: Sequence[Job], profiles: Sequence[str]) -> Exit:
    """Run the faults that pinned stimuli show, and print the kill matrix."""
    by_name: dict[str, Done] = {}  # a run that is repeated replaces the one before
    count = 0

    def seen(done: Done) -> None:
        nonlocal count
        count += 1
        by_name[done.job.name] = done
        bad = [one for one, verdict in done.verdicts.items() if verdict in (Verdict.FAIL, Verdict.WARN)]
        said = "an error" if done.errors else ", ".join(bad) or "all hold"
        again = "; the suite itself was late: it is repeated" if done.late else ""
        note(f"{min(count, len(todo))} of {len(todo)}: {done.job.name}: {said}{again} ({done.duration_s:.1f} s)")

    interrupted = _interrupted(lambda: perform(todo, seen))
    results = [by_name[job.name] for job in todo if job.name in by_name]
    cells = matrix(results)
    say(told(cells, [one for one in results if one.job.fault is None], profiles))
    if interrupted:
        return _told_of(
            interrupted=f"{len(results)} of {len(todo)} runs were done; those that go wrong are repeated at the end"
        )
    errors = any(one.errors for one in results)
    wrong = any(cell.wrong for cell in cells)
    return Exit.OURS if errors else Exit.VIOLATED if wrong else Exit.CONFORMANT


def _interrupted(work: Callable[[], object]) -> bool:
    """Do some work; gives whether it was interrupted."""
    try:
        work()
    except KeyboardInterrupt:
        return True
    return False


def _told_of(*, interrupted: str) -> Exit:
    """Say below the result how far it goes."""
    say(Text(f"interrupted: {interrupted}\n", "bold yellow"))
    return Exit.INTERRUPTED


def _hunted(chosen: Sequence[Fault], given: Mapping[str, Any], profiles: Sequence[str], seeds: int) -> Exit:
    """Look for the faults that only generated stimuli show, and print how soon they are found."""
    todo = hunts(chosen, given, profiles, range(seeds))
    results: list[Hunted] = []

    def seen(done: Hunted) -> None:
        results.append(done)
        found = f"found by try {done.tries}" if done.found else f"not found in {done.tries} tries"
        said = "an error" if done.errors else found
        note(f"{len(results)} of {len(todo)}: {done.hunt.name}: {said} ({done.duration_s:.1f} s)")

    interrupted = _interrupted(lambda: go_hunting(todo, seen))
    results.sort(key=lambda done: todo.index(done.hunt))
    rows = catches(results)
    say(caught(rows))
    for one in results:
        for error in dict.fromkeys(one.errors):
            note(f"streamvet: {one.hunt.name}: {error}")
    if interrupted:
        return _told_of(interrupted=f"{len(results)} of {len(todo)} hunts were done")
    errors, missed = any(one.errors for one in results), any(not row.enough for row in rows)
    return Exit.OURS if errors else Exit.VIOLATED if missed else Exit.CONFORMANT


def caught(rows: Sequence[Catch]) -> Text:
    """How soon each fault was found, as text: a line for each fault and profile."""
    text = Text()
    names = max((len(row.fault) for row in rows), default=0)
    profiles = max((len(row.profile) for row in rows), default=0)
    for row in rows:
        text.append(f"{row.id}  {row.fault:<{names}}  {row.profile:<{profiles}}  ")
        text.append(f"{row.found:>2} of {row.seeds}", "green" if row.enough else "bold red")
        if row.tries is not None:
            found = f"found in {row.tries:g} tries, {row.requests:g} requests"
            text.append(f"  {found}; smallest in {row.shrink_tries:g}, {row.shrink_requests:g}", "dim")
        text.append("\n")
    missed = [row for row in rows if not row.enough]
    told = f"\n{len(rows) - len(missed)} of {len(rows)} found with enough seeds; tries and requests are medians\n"
    return text.append(told, "bold green" if not missed else "bold red")


def _known(wanted: Sequence[str] | None, known: Sequence[str], option: str) -> list[str]:
    """The names that were asked for, all where none were.

    Raises:
        FileError: where one is unknown.
    """
    for one in wanted or ():
        if one not in known:
            raise FileError(
                option,
                one,
                f"one of {', '.join(known)}" if len(known) < 20 else "a name from `streamvet list faults`",
                "no such name",
            )
    return list(dict.fromkeys(wanted or known))


def told(cells: Sequence[Cell], honest: Sequence[Done], profiles: Sequence[str]) -> Text:
    """The kill matrix as text: a line for each fault, what is wrong below it, the honest runs on top."""
    text = Text()
    for one in honest:
        held = sum(verdict is Verdict.PASS for verdict in one.verdicts.values())
        text.append(f"honest on {one.job.profile}: {held} PASS")
        rest = [f"{verdict.value} {name}" for name, verdict in one.verdicts.items() if verdict not in _QUIET]
        text.append(f", {', '.join(rest)}\n" if rest else "\n", "bold yellow" if rest else "")
        for error in one.errors:
            text.append(f"  {printable_lines(error)}\n", "red")
    by_fault: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.other is None:
            by_fault.setdefault(cell.fault.name, []).append(cell)
    width = max((len(name) for name in by_fault), default=0)
    for row in by_fault.values():
        _row(text, row, width, profiles)
    for cell in cells:
        if cell.other is not None:
            _pair(text, cell, cell.other)
    bad = [cell for cell in cells if cell.wrong]
    text.append(f"\n{len(cells) - len(bad)} of {len(cells)} as required", "bold green" if not bad else "bold red")
    return text.append("\n")


_QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})


def _pair(text: Text, cell: Cell, other: Fault) -> None:
    """The line of two faults that were committed together."""
    both = [f"{one.id} {one.name}" for one in (cell.fault, other)]
    text.append(f"{cell.profile}  {both[0]} + {both[1]}  ")
    caught = "both caught" if len(cell.found) > 1 else f"caught as {''.join(cell.found)}, which explains the other one"
    text.append("WRONG" if cell.wrong else caught, "bold red" if cell.wrong else "green")
    text.append(f"  {printable(cell.seen)}\n", "dim")
    for line in cell.wrong:
        text.append(f"         {printable(line)}\n", "red")


def _row(text: Text, row: Sequence[Cell], width: int, profiles: Sequence[str]) -> None:
    fault: Fault = row[0].fault
    text.append(f"{fault.id or 'honest':<7}{fault.name:<{width}}")
    for profile in profiles:
        cell = next((one for one in row if one.profile == profile), None)
        mark = "-" if cell is None else "WRONG" if cell.wrong else "as required" if fault.honest else "caught"
        style = "dim" if cell is None else "bold red" if cell.wrong else "green"
        text.append(f"  {profile} ").append(mark, style)
    seen = next((cell.seen for cell in row if cell.seen), "")
    text.append(f"  {printable(seen)}\n", "dim")
    for cell in row:
        for line in cell.wrong:
            text.append(f"         {cell.profile}: {printable(line)}\n", "red")
