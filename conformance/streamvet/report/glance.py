"""The report of one look at a stream as text, on one screen: what is violated, what was observed, what to do next.

Must not know how either was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from streamvet.outcome import Verdict
from streamvet.report.basis import rests_on
from streamvet.report.exits import Exit, Policy, exit_code
from streamvet.report.printable import counted, printable
from streamvet.report.text import INDENT, STYLES, excerpt_parts

if TYPE_CHECKING:
    from streamvet.report.report import Report
    from streamvet.verdicts import Ruling

_SAYS = {
    Exit.CONFORMANT: "no violation of the requirements on every stream",
    Exit.VIOLATED: "it violates requirements on every stream",
    Exit.INCOMPLETE: "no event arrived, so no verdict on events",
}
_STYLES = {Exit.CONFORMANT: "bold green", Exit.VIOLATED: "bold red"}


def render(report: Report, policy: Policy, following: str) -> Text:
    """The report; `following` is the command that comes next."""
    text = Text()
    text.append(f"{printable(report.target)}\n", "bold")
    text.append(f"streamvet {report.version} · spec revision {report.spec} · {report.duration_s:.1f} s\n", "dim")
    for note in (*report.notes, *report.errors):
        text.append(f"note: {printable(note)}\n", "yellow")
    loud = [one for one in report.loud() if one.findings]
    for ruling in loud:
        if ruling.verdict is Verdict.FAIL:
            _violated(text, report, ruling)
    others = [one for one in loud if one.verdict is not Verdict.FAIL]
    text.append("\n" if others else "")
    for ruling in others:
        _in_short(text, ruling)
    text.append("\nobserved, not judged\n", "bold")
    said = ""
    for about, seen in report.observations:
        _field(text, "" if about == said else about, seen)
        said = about
    _sum(text, report, policy)
    text.append("\nnext  ", "dim").append(printable(following), "bold")
    text.append(
        "\n      drafts a profile from this observation; `streamvet run` then checks what the profile promises\n", "dim"
    )
    return text


def _in_short(text: Text, ruling: Ruling) -> None:
    """What should be otherwise, and what trips known clients: the sentence, and what was seen."""
    text.append(f"{ruling.verdict.value:<4}", STYLES[ruling.verdict])
    text.append(f"  {ruling.requirement.id}", "bold").append(f"  {ruling.requirement.text}\n")
    _field(text, "seen", f"{_seen(ruling)} ({rests_on(ruling.requirement)})")


def _seen(ruling: Ruling) -> str:
    more = len(ruling.findings) - 1
    return ruling.findings[0].seen + (f"; and {counted(more, 'more finding')}" if more else "")


def _violated(text: Text, report: Report, ruling: Ruling) -> None:
    row, first = ruling.requirement, ruling.findings[0]
    text.append("\n").append(ruling.verdict.value, STYLES[ruling.verdict])
    text.append(f"  {row.id}", "bold").append(f"  {row.text}\n")
    _field(text, "rests on", rests_on(row))
    _field(text, "expected", first.expected)
    _field(text, "seen", _seen(ruling))
    shown = next(iter(report.exhibits.get(row.id, ())), None)
    if shown is not None and shown.excerpt:
        before, marked, after = excerpt_parts(shown.excerpt)
        name = f"  {'bytes':<{INDENT - 2}}"
        text.append(name, "dim").append(before).append(marked, "reverse").append(f"{after}\n")


def _sum(text: Text, report: Report, policy: Policy) -> None:
    """What came of it, and of how many requirements."""
    code = exit_code([report], policy)
    counts = report.counts()
    looked = sum(one.exercised > 0 for one in report.rulings)
    parts = [f"{counts[Verdict.PASS]} of {counted(looked, 'requirement')} hold"]
    parts += [f"{counts[one]} {one.value}" for one in (Verdict.FAIL, Verdict.WARN, Verdict.NOTE) if counts[one]]
    text.append(
        f"\n{_SAYS.get(code, 'an error of the suite itself')} (exit {int(code)})", _STYLES.get(code, "bold yellow")
    )
    text.append(f": {', '.join(parts)}\n")


def _field(text: Text, name: str, value: str) -> None:
    text.append(f"  {name:<{INDENT - 2}}", "dim").append(f"{printable(value)}\n")
