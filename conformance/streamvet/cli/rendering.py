"""`streamvet report` and `streamvet compare`: what is done with JSON reports once their runs are over.

Must not know how a report came about.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from streamvet.cli import options  # noqa: TC001 - typer reads the annotations
from streamvet.cli.console import say
from streamvet.cli.options import Outputs
from streamvet.report.comparing import Comparison, compare, pairs, worse
from streamvet.report.exits import Exit, Policy
from streamvet.report.printable import counted, printable
from streamvet.report.reading import load_reports
from streamvet.report.text import STYLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.report.comparing import Change
    from streamvet.report.report import Report

Files = Annotated[list[Path], typer.Argument(metavar="REPORT.json…", help="What --json wrote.", show_default=False)]
_TITLES = {
    "new": "newly violated", "mended": "fixed", "lost": "no longer exercised", "decided": "newly decided",
    "other": "otherwise changed",
}  # fmt: skip


def report(
    files: Files,
    json: options.Json = None,
    junitxml: options.Junit = None,
    html: options.Html = None,
    badge: options.Badge = None,
) -> None:
    """Convert JSON reports to other formats.

    Several files make one report. The exit code is that of all reports together.
    """
    outputs = Outputs(json, junitxml, html, badge)
    outputs.check(*files)
    reports: list[Report] = []
    policies: list[Policy] = []
    for file in files:
        found, policy = load_reports(file)
        reports += found
        policies.append(policy)
    whole = Policy(any(one.strict for one in policies), all(one.accept_incomplete for one in policies))
    raise typer.Exit(int(outputs.deliver(reports, whole)))


def compare_(
    before: Annotated[Path, typer.Argument(metavar="BEFORE.json", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="AFTER.json", show_default=False)],
    strict: options.Strict = False,
) -> None:
    """Compare two JSON reports.

    Exit code 1 if a MUST is newly violated, 3 if one is no longer exercised, otherwise 0.
    """
    (old, _), (new, _) = load_reports(before), load_reports(after)
    text, compared = Text(), []
    for one, other in pairs(old, new):
        if one is None or other is None:
            alone = one or other
            where = before if other is None else after
            text.append(f"{alone.profile if alone else ''}: only in {where}\n", "yellow")
            continue
        compared.append(compare(one, other))
        _comparison(text, compared[-1])
    is_new, is_lost = worse(compared, strict=strict)
    code = Exit.VIOLATED if is_new else Exit.INCOMPLETE if is_lost else Exit.CONFORMANT
    said = {Exit.VIOLATED: "worse", Exit.INCOMPLETE: "less exercised"}.get(code, "not worse")
    text.append(f"{said} (exit {int(code)})\n", "bold")
    say(text)
    raise typer.Exit(int(code))


def _comparison(text: Text, one: Comparison) -> None:
    before, after = one.before, one.after
    text.append(f"{after.profile}", "bold").append(f"  {printable(after.target)}\n")
    text.append(
        f"  {before.started_at} → {after.started_at}, {before.duration_s:.1f} s → {after.duration_s:.1f} s\n", "dim"
    )
    for name, was, now in (("spec revision", before.spec, after.spec), ("streamvet", before.version, after.version),
                           ("target", before.target, after.target), ("seed", before.seed, after.seed)):  # fmt: skip
        if was != now:
            text.append(f"  note: {name} {printable(str(was))} → {printable(str(now))}\n", "yellow")
    for kind, title in _TITLES.items():
        _changes(text, title, one.of(kind))
    if not one.changes:
        text.append("  every verdict is the same\n")


def _changes(text: Text, title: str, changes: Sequence[Change]) -> None:
    if not changes:
        return
    text.append(f"  {title}: {counted(len(changes), 'requirement')}\n", "bold")
    for one in changes:
        text.append(f"    {one.id}  ")
        for number, verdict in enumerate((one.before, one.after)):
            text.append(" → " if number else "")
            text.append(verdict.value if verdict else "absent", STYLES.get(verdict, "") if verdict else "dim")
        text.append(f"  {printable(one.text)}\n")
        if one.told and one.kind in {"new", "lost"}:
            text.append(f"      {printable(one.told)}\n", "dim")
