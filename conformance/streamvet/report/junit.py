"""The report as JUnit XML, for CI pages: a test case for each requirement that applies.

A MUST that is undecided, and by which the run is incomplete, is an error there: a page that is green says so of no run
that ends with exit code 3.

What no XML reader takes (control characters, lone surrogates) is shown by its name or number. Must not know how
the other forms look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from streamvet.contract.evidence import highest
from streamvet.outcome import Verdict
from streamvet.report.basis import rests_on
from streamvet.report.claim import sentence
from streamvet.report.exits import Exit, exit_code, is_incomplete
from streamvet.report.printable import counted, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.outcome import Finding
    from streamvet.report.exits import Policy
    from streamvet.report.report import Report
    from streamvet.verdicts import Ruling

FINDINGS = 5  # of one requirement, in the text of its failure
_SKIPPED = frozenset({Verdict.INCONCLUSIVE, Verdict.WAIVED})


def render(reports: Sequence[Report], policy: Policy) -> str:
    """A `testsuites` document with one suite for each report."""
    root = Element("testsuites", name="streamvet")
    names = [report.profile for report in reports]
    for report in reports:
        _suite(root, report, policy, report.target if names.count(report.profile) > 1 else "")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, report: Report, policy: Policy, target: str) -> None:
    """The suite of one report; it has its target in its name where others are of the same profile."""
    name = f"streamvet.{report.profile}" + (f" {printable(target)}" if target else "")
    suite = SubElement(
        root, "testsuite", name=name, timestamp=report.started_at.removesuffix("Z"),
        time=f"{report.duration_s:.3f}",
    )  # fmt: skip
    facts = {
        "target": report.target, "spec": report.spec, "streamvet": report.version, "time_scale": report.time_scale,
        "seed": report.seed, "mandated_wait_s": round(report.mandated_wait_s, 3),
        "evidence": highest(report.evidence).value, "claim": sentence(report, exit_code([report], policy)),
    }  # fmt: skip
    properties = SubElement(suite, "properties")
    for name, value in [*facts.items(), *(("note", note) for note in report.notes)]:
        SubElement(properties, "property", name=name, value=printable(str(value)))
    for ruling in report.rulings:
        if ruling.verdict is not Verdict.NOT_APPLICABLE:
            _case(suite, report, ruling, policy)
    for stale in report.stale:
        case = SubElement(suite, "testcase", classname=f"streamvet.{report.profile}.waivers", name=printable(stale))
        SubElement(case, "failure", type="STALE", message=printable(stale))
    for error in report.errors:
        case = SubElement(suite, "testcase", classname=f"streamvet.{report.profile}.suite", name="the suite itself")
        SubElement(case, "error", type="ERROR", message="the suite itself failed here").text = printable_lines(error)
    cases = suite.findall("testcase")
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))


def _case(suite: Element, report: Report, ruling: Ruling, policy: Policy) -> None:
    row, verdict = ruling.requirement, ruling.verdict
    name = f"{row.id} {row.text}"
    case = SubElement(
        suite, "testcase", classname=f"streamvet.{report.profile}.{row.family}", name=printable(name), time="0"
    )
    told = _told(ruling, report)
    if verdict is Verdict.FAIL or (verdict is Verdict.WARN and policy.strict):
        failure = SubElement(case, "failure", type=verdict.value, message=_first_line(ruling))
        failure.text = told
    elif verdict is Verdict.ERROR:
        error = SubElement(case, "error", type=verdict.value, message="the check itself failed")
        error.text = printable_lines(ruling.reason)
    elif _leaves_incomplete(ruling, report, policy):
        error = SubElement(case, "error", type=verdict.value, message=printable(ruling.reason))
        error.text = told or printable_lines(ruling.reason)
    elif verdict in _SKIPPED:
        SubElement(case, "skipped", message=printable(f"{verdict.value}: {ruling.reason}"))
        if told:
            SubElement(case, "system-out").text = told
    elif verdict in (Verdict.WARN, Verdict.NOTE):
        SubElement(case, "system-out").text = f"{verdict.value}\n{told}"
    elif ruling.reason:  # a PASS that did not read everything
        SubElement(case, "system-out").text = printable(f"{verdict.value}, {ruling.reason}")


def _leaves_incomplete(ruling: Ruling, report: Report, policy: Policy) -> bool:
    """Whether the run is incomplete by it; what only explained findings speak about has its cause's failure instead."""
    code = exit_code([report], policy)
    return is_incomplete(ruling, report, policy) and (not ruling.explained or code is Exit.INCOMPLETE)


def _first_line(ruling: Ruling) -> str:
    first = ruling.findings[0]
    return printable(f"expected {first.expected}; seen {first.seen}")


def _told(ruling: Ruling, report: Report) -> str:
    row = ruling.requirement
    lines = [f"trips {one}" for one in row.trips] if ruling.findings else []
    lines += _findings(ruling.findings, ruling.found)
    if ruling.findings and rests_on(row):
        lines.append(f"rests on: {rests_on(row)}")
    if ruling.findings and row.id in report.adopted:
        lines.append(f"adopted: {report.adopted[row.id]}")
    for causes in dict.fromkeys(one.explained_by for one in ruling.explained):
        lines.append(f"explained by {', '.join(causes)}:")
        lines += _findings([one for one in ruling.explained if one.explained_by == causes])
    replay = report.replays.get(row.id)
    if lines and replay:
        lines += [f"story: {replay.story}", f"{replay.often}; {replay.file}", f"replay: {replay.command}"]
    lines += [f"request: {one.curl}" for one in report.exhibits.get(row.id, ())[:1] if ruling.findings]
    if lines and ruling.reproduce:
        lines.append(f"reproduce: {ruling.reproduce}")
    return printable_lines("\n".join(lines))


def _findings(found: Sequence[Finding], count: int | None = None) -> list[str]:
    lines: list[str] = []
    for one in found[:FINDINGS]:
        start, end = one.span
        where = f"{one.trace or 'trace'}: exchange {one.exchange}, bytes {start}-{end}, at {one.at_us / 1000:.1f} ms"
        lines += [where, f"  expected {one.expected}", f"  seen     {one.seen}"]
    left_out = (len(found) if count is None else count) - FINDINGS
    return [*lines, f"and {counted(left_out, 'more finding')}"] if left_out > 0 else lines
