"""The report as text for a terminal: what wants a look with its evidence, the rest counted.

Gives styled text; whether colours are shown is the console's affair. Must not know how the other forms look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from streamvet.contract.evidence import LACKING, highest
from streamvet.outcome import Verdict
from streamvet.report.also import Also, also
from streamvet.report.basis import rests_on
from streamvet.report.causes import causes
from streamvet.report.claim import sentence
from streamvet.report.exits import MEANING, Exit, Policy, exit_code
from streamvet.report.printable import counted, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.report.excerpt import Piece
    from streamvet.report.exhibit import Exhibit
    from streamvet.report.report import Report
    from streamvet.verdicts import Ruling

STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WARN: "bold yellow",
    Verdict.NOTE: "yellow",
    Verdict.INCONCLUSIVE: "bold cyan",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.WAIVED: "magenta",
    Verdict.ERROR: "bold white on red",
}
_COUNTED = (
    Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.NOTE, Verdict.INCONCLUSIVE, Verdict.WAIVED, Verdict.ERROR,
    Verdict.NOT_APPLICABLE,
)  # fmt: skip
_WORDS = {Verdict.PASS: "pass", Verdict.NOT_APPLICABLE: "not applicable"}  # quiet ones in small letters
# What a terminal is scrolled for: some lines on either side of the mark, not a page.
EXCERPT_CHARS = 60
INDENT = 12
CARET_COLUMNS = 100  # a line that a terminal breaks has nothing under it
# A screen of 24 lines holds so many lines with the outcome below them; fewer findings are seen without them.
IN_SHORT_FROM, IN_SHORT, SHORT_CHARS = 3, 16, 90


def render(reports: Sequence[Report], policy: Policy) -> Text:
    """The summary of these reports, and one line on the whole where there are several."""
    text = Text()
    for report in reports:
        _report(text, report, policy)
    if len(reports) > 1:
        code = exit_code(reports, policy)
        kind = "profiles" if len({report.profile for report in reports}) == len(reports) else "reports"
        text.append(f"\n{len(reports)} {kind}: ").append(_said(code), _style(code)).append("\n")
    return text


def ruling(report: Report, one: Ruling) -> Text:
    """One requirement of a report by itself, with the evidence of its first finding."""
    text = Text()
    _ruling(text, report, one, also(report.rulings).get(one.requirement.id, ()))
    return text


def _report(text: Text, report: Report, policy: Policy) -> None:
    text.append(f"\n{report.profile}", "bold").append(f"  {report.title} · {printable(report.target)}\n")
    text.append(_facts(report) + "\n", "dim")
    for note in (*report.notes, *(f"stale waiver: {one}" for one in report.stale)):
        text.append(f"note: {printable(note)}\n", "yellow")
    for error in report.errors:
        text.append("ERROR", STYLES[Verdict.ERROR]).append(" of the suite itself, limited to this:\n")
        text.append(printable_lines(error.rstrip()) + "\n")
    text.append("\n")
    width = max((len(family) for family in report.by_family()), default=0)
    for family, rulings in report.by_family().items():
        if all(ruling.verdict is Verdict.NOT_APPLICABLE for ruling in rulings):
            continue
        text.append(f"  {family:<{width}}  ")
        _counts(text, [ruling.verdict for ruling in rulings])
    loud, under = report.loud(), also(report.rulings)
    for ruling in loud:
        if ruling.verdict not in (Verdict.INCONCLUSIVE, Verdict.NOTE):
            _ruling(text, report, ruling, under.get(ruling.requirement.id, ()))
    _notes(text, [ruling for ruling in loud if ruling.verdict is Verdict.NOTE])
    _inconclusive(text, report, [ruling for ruling in loud if ruling.verdict is Verdict.INCONCLUSIVE])
    _not_read(text, report.rulings)
    _in_short(text, [one for one in loud if one.findings and one.verdict in (Verdict.FAIL, Verdict.WARN)])
    text.append("\n")
    code = exit_code([report], policy)
    text.append(f"{sentence(report, code)} (exit {int(code)})\n", _style(code))
    _counts(text, [ruling.verdict for ruling in report.rulings], len(report.stale))


def _facts(report: Report) -> str:
    scale = "real time" if report.time_scale == 1 else f"time scale {report.time_scale:g}"
    tries = report.pinned or report.traces
    wall = (
        counted(report.traces, "trace") if report.offline
        else f"{_tries(tries)} in {report.duration_s:.1f} s (mandated wait {report.mandated_wait_s:.1f} s)"
        + (f" · {report.generated} generated" if report.generated else "")
    )  # fmt: skip
    evidence = f"evidence {highest(report.evidence).value}"
    return (
        f"streamvet {report.version} · spec revision {report.spec} · {evidence} · {scale} · seed {report.seed} · {wall}"
    )


def _tries(count: int) -> str:
    return counted(count, "try", "tries")


def _counts(text: Text, verdicts: list[Verdict], stale: int = 0) -> None:
    parts = [(verdicts.count(verdict), verdict) for verdict in _COUNTED if verdict in verdicts]
    for index, (count, verdict) in enumerate(parts):
        text.append(" · " if index else "").append(f"{count} {_WORDS.get(verdict, verdict.value)}", STYLES[verdict])
    if stale:
        text.append(" · ").append(counted(stale, "stale waiver"), "bold red")
    text.append("\n")


def _ruling(text: Text, report: Report, ruling: Ruling, under: Sequence[Also]) -> None:
    row = ruling.requirement
    text.append("\n").append(ruling.verdict.value, STYLES[ruling.verdict])
    text.append(f"  {row.id}", "bold").append(f"  {row.text}\n")
    if ruling.reason:
        for number, line in enumerate(ruling.reason.splitlines()):
            _field(text, "because" if number == 0 else "", line)
    if ruling.findings and (basis := rests_on(row)):
        _field(text, "rests on", basis)
    if ruling.findings and row.id in report.adopted:
        _field(text, "adopted", report.adopted[row.id])
    exhibits = report.exhibits.get(row.id, ())
    if exhibits:
        _exhibit(text, exhibits[0])
    elif ruling.findings:
        first = ruling.findings[0]
        _field(
            text,
            "where",
            f"exchange {first.exchange}, bytes {first.span[0]}-{first.span[1]}, at {first.at_us / 1000:.1f} ms",
        )
        _field(text, "expected", first.expected)
        _field(text, "seen", first.seen)
    more = ruling.found - 1
    if more > 0:
        _field(text, "and", f"{counted(more, 'more finding')} of {_tries(ruling.exercised)} that exercised it")
    for number, one in enumerate(under):
        _field(text, "also" if number == 0 else "", f"{one.id}  {counted(one.count, 'finding')}, first in {one.place}")
    replay = report.replays.get(row.id)
    if replay:
        _field(text, "story", replay.story)
        _field(text, "", f"{replay.often}; {replay.file}")
        _field(text, "replay", replay.command)
    if ruling.reproduce:
        for number, line in enumerate(ruling.reproduce.splitlines()):
            _field(text, "reproduce" if number == 0 else "", line)


def _notes(text: Text, rulings: list[Ruling]) -> None:
    """A line for each: who trips over it."""
    text.append("\n" if rulings else "")
    for ruling in rulings:
        row = ruling.requirement
        text.append("NOTE", STYLES[Verdict.NOTE]).append(f"  {row.id}", "bold").append(f"  {row.text}")
        text.append(f" Fails on it: {'; '.join(row.trips)}\n" if row.trips else "\n")


def _inconclusive(text: Text, report: Report, rulings: list[Ruling]) -> None:
    """What others explain, the causes of the rest within the level of evidence, and what needs another level."""
    beyond = [one for one in rulings if not report.within(one)]
    explained = [one for one in rulings if one.explained]
    if explained:
        text.append("\n").append("INCONCLUSIVE", STYLES[Verdict.INCONCLUSIVE])
        text.append("  violated only where another requirement is violated too\n")
    for one in explained:
        text.append(f"  {one.requirement.id}  ", "bold").append(f"{printable(one.reason)}\n")
    for cause in causes(one for one in rulings if not one.explained and one not in beyond):
        text.append("\n").append("INCONCLUSIVE", STYLES[Verdict.INCONCLUSIVE])
        text.append(f"  {counted(len(cause.ids), 'requirement')}, {printable(cause.reason)}\n")
        if cause.add:
            _field(text, "to add", cause.add)
        text.append(f"  {', '.join(cause.ids)}\n", "bold")
    for level in dict.fromkeys(report.levels[one.requirement.id] for one in beyond):
        ids = [one.requirement.id for one in beyond if report.levels[one.requirement.id] is level]
        text.append("\n").append("INCONCLUSIVE", STYLES[Verdict.INCONCLUSIVE])
        text.append(f"  {counted(len(ids), 'requirement')} that need {LACKING[level]}\n")
        text.append(f"  {', '.join(ids)}\n")


def _not_read(text: Text, rulings: Sequence[Ruling]) -> None:
    """What a PASS did not read, a line for each reason."""
    ids: dict[str, list[str]] = {}
    for one in rulings:
        if one.verdict is Verdict.PASS and one.reason:
            ids.setdefault(f"PASS, {_tries(one.exercised)}; {one.reason}", []).append(one.requirement.id)
    text.append("\n" if ids else "")
    for said, found in ids.items():
        text.append(f"{printable(said)}\n", STYLES[Verdict.PASS]).append(f"  {', '.join(found)}\n")


def _in_short(text: Text, rulings: list[Ruling]) -> None:
    """A line for each violation behind long evidence: what a screen shows once all has been printed."""
    if len(rulings) < IN_SHORT_FROM:
        return
    text.append("\nsummary\n", "bold")
    for one in rulings[:IN_SHORT]:
        text.append(f"  {one.verdict.value:<5}", STYLES[one.verdict]).append(f" {one.requirement.id}", "bold")
        text.append(f"  {_cut(one.requirement.text)}\n")
    if len(rulings) > IN_SHORT:
        text.append(f"  and {len(rulings) - IN_SHORT} more, above\n")


def _cut(said: str) -> str:
    return said if len(said) <= SHORT_CHARS else f"{said[: SHORT_CHARS - 1]}…"


def _exhibit(text: Text, shown: Exhibit) -> None:
    finding = shown.finding
    span = f"bytes {finding.span[0]}-{finding.span[1]}, " if finding.span[0] < finding.span[1] else ""
    where = f"exchange {finding.exchange} ({shown.role}): {shown.request}"
    _field(text, "where", where)
    _field(text, "", f"{span}{shown.at_ms:.1f} ms after the request, {shown.answer}")
    _field(text, "expected", finding.expected)
    _field(text, "seen", finding.seen)
    if shown.excerpt:
        _bytes(text, "bytes", shown.excerpt)
    if shown.witness:
        _field(text, "beside", shown.witness)
        _bytes(text, "", shown.proof)
    tried = f"probe {shown.probe}" + (f", stimulus {shown.stimulus}" if shown.stimulus else "")
    _field(text, "tried by", tried + (f", {finding.trace}" if finding.trace else ""))
    _field(text, "request", shown.curl)


def _bytes(text: Text, name: str, excerpt: Sequence[Piece]) -> None:
    before, marked, after = excerpt_parts(excerpt)
    text.append(f"  {name:<{INDENT - 2}}", "dim").append(before).append(marked, "reverse").append(f"{after}\n")
    start, width = INDENT + cell_len(before) + 1, cell_len(marked) - 2  # the quotes are not among the bytes
    if width > 0 and start + width + cell_len(after) < CARET_COLUMNS:
        text.append(f"{' ' * start}{'^' * width}\n", "bold red")


def excerpt_parts(pieces: Sequence[Piece]) -> tuple[str, str, str]:
    """An excerpt on one line: what stands before the offending bytes, those between » and «, and what follows."""
    places = [index for index, piece in enumerate(pieces) if piece.marked] or [0]
    before = "".join(piece.text for piece in pieces[: places[0]])
    marked = "".join(piece.text for piece in pieces if piece.marked)
    after = "".join(piece.text for piece in pieces[places[-1] + 1 :])
    inner = marked if len(marked) <= 3 * EXCERPT_CHARS else f"{marked[: 2 * EXCERPT_CHARS]}…{marked[-EXCERPT_CHARS:]}"
    return (
        before if len(before) <= EXCERPT_CHARS else "…" + before[-EXCERPT_CHARS:],
        f"»{inner}«",
        after if len(after) <= EXCERPT_CHARS else after[:EXCERPT_CHARS] + "…",
    )


def _field(text: Text, name: str, value: str) -> None:
    text.append(f"  {name:<{INDENT - 2}}", "dim").append(f"{printable(value)}\n")


def _said(code: Exit) -> str:
    return f"{MEANING[code]} (exit {int(code)})"


def _style(code: Exit) -> str:
    return {Exit.CONFORMANT: "bold green", Exit.VIOLATED: "bold red"}.get(code, "bold yellow")
