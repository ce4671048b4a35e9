"""The report for GitHub Actions: annotations, which it reads from stdout, and the summary of a job, as Markdown.

Whatever the candidate sent is escaped for both. Must not know where they are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.outcome import Verdict
from streamvet.report.causes import causes
from streamvet.report.claim import sentence
from streamvet.report.exits import MEANING, Exit, Policy, exit_code, is_incomplete
from streamvet.report.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.report.report import Report
    from streamvet.verdicts import Ruling

MOST = 10  # annotations of one kind that GitHub shows of a step
_SHOWN = (Verdict.ERROR, Verdict.FAIL, Verdict.WARN)
_STRUCTURE = frozenset("\\`*_[]|~#<>&!")
_MARKS = {Exit.CONFORMANT: "✅", Exit.VIOLATED: "❌"}
# The documentation of workflow commands: of a value the percent sign and line breaks, of a property two more.
_OF_VALUES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_OF_PROPERTIES = _OF_VALUES | {":": "%3A", ",": "%2C"}


def annotated(reports: Sequence[Report], policy: Policy) -> str:
    """A line for each violation and each cause that leaves the run incomplete; "" where there are none."""
    errors: list[str] = []
    warnings: list[str] = []
    for report in reports:
        for one in report.loud():
            if one.verdict in _SHOWN and one.findings:
                bad = one.verdict is not Verdict.WARN or policy.strict
                (errors if bad else warnings).append(_line("error" if bad else "warning", report, one))
        for cause in causes(one for one in report.loud() if is_incomplete(one, report, policy) and not one.explained):
            said = f"not exercised, {cause.reason}: {', '.join(cause.ids)}"
            title = f"streamvet {report.profile}: {counted(len(cause.ids), 'requirement')} undecided"
            errors.append(_command("error", title, said + (f"; to add: {cause.add}" if cause.add else "")))
        errors += [_command("error", "streamvet: stale waiver", one) for one in report.stale]
    return "".join(f"{line}\n" for line in (*_first(errors, "error"), *_first(warnings, "warning")))


def _first(lines: list[str], level: str) -> list[str]:
    """As many as are shown; the last one says how many there are besides."""
    if len(lines) <= MOST:
        return lines
    return [*lines[: MOST - 1], _command(level, "streamvet", f"{len(lines) - MOST + 1} more: see the report")]


def _line(level: str, report: Report, ruling: Ruling) -> str:
    row, first = ruling.requirement, ruling.findings[0]
    said = f"{row.text}\nexpected {first.expected}\nseen {first.seen}"
    return _command(level, f"{row.id} on {report.profile}", said)


def _command(level: str, title: str, said: str) -> str:
    name = "".join(_OF_PROPERTIES.get(one, one) for one in printable(title))
    lines = "\n".join(printable(line) for line in said.split("\n"))
    return f"::{level} title={name}::" + "".join(_OF_VALUES.get(one, one) for one in lines)


def summary(reports: Sequence[Report], policy: Policy) -> str:
    """The summary of a job: the outcome, a table of what is violated, and the causes of what was not exercised."""
    parts = [_of_report(report, policy) for report in reports]
    if len(reports) > 1:
        code = exit_code(reports, policy)
        parts.insert(0, f"## {_MARKS.get(code, '⚠️')} streamvet: {len(reports)} reports, {MEANING[code]}\n")
    return "\n".join(parts)


def _of_report(report: Report, policy: Policy) -> str:
    code = exit_code([report], policy)
    lines = [f"### {_MARKS.get(code, '⚠️')} {_text(report.profile)}: {_text(sentence(report, code))}", ""]
    counts = [f"{count} {one.value.replace('_', ' ').lower()}" for one, count in report.counts().items() if count]
    lines += [f"{_text(report.target)}; {', '.join(counts)}; streamvet {_text(report.version)}, seed {report.seed}", ""]
    found = [one for one in report.loud() if one.verdict in _SHOWN and one.findings]
    if found:
        lines += ["| | requirement | expected | seen |", "|---|---|---|---|", *map(_row, found), ""]
    undecided = [one for one in report.loud() if one.verdict is Verdict.INCONCLUSIVE and not one.explained]
    for cause in causes(one for one in undecided if report.within(one)):
        add = f"; to add: **{_text(cause.add)}**" if cause.add else ""
        count = counted(len(cause.ids), "requirement")
        lines.append(f"- {count} undecided, {_text(cause.reason)}{add}: {', '.join(cause.ids)}")
    lines += [f"- note: {_text(note)}" for note in (*report.notes, *report.stale)]
    return "\n".join(lines) + "\n"


def _row(ruling: Ruling) -> str:
    row, first = ruling.requirement, ruling.findings[0]
    cells = (ruling.verdict.value, f"**{row.id}** {_text(row.text)}", _code(first.expected), _code(first.seen))
    return f"| {' | '.join(cells)} |"


def _text(said: str) -> str:
    """A text that is no Markdown and no HTML, on one line and in one cell.

    CommonMark, 6.2: a character that is written by its number is never a part of a structure.
    """
    return "".join(f"&#{ord(one)};" if one in _STRUCTURE else one for one in printable(said))


def _code(said: str) -> str:
    return f"<code>{_text(said)}</code>"
