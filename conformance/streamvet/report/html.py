"""The report as one HTML file that needs no other: readable without scripts, in light and dark.

Whatever the candidate sent reaches the page only through the template's escaping; a content policy keeps the page
from loading or running anything else. Must not know how the other forms look.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from streamvet.contract.addresses import address
from streamvet.contract.evidence import LACKING, Evidence, highest
from streamvet.outcome import Verdict
from streamvet.report.also import also
from streamvet.report.basis import rests_on
from streamvet.report.causes import causes
from streamvet.report.claim import sentence, verdict_of
from streamvet.report.exits import MEANING, Policy, exit_code
from streamvet.report.printable import LINE_FEED, counted, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2 import Template

    from streamvet.report.also import Also
    from streamvet.report.excerpt import Piece
    from streamvet.report.exhibit import Exhibit
    from streamvet.report.report import Report
    from streamvet.report.timeline import Row
    from streamvet.verdicts import Ruling

_FOLDER = Path(__file__).parent / "templates"
# A silence between two rows is drawn as a gap from this part of the exchange on, and from this length on.
_GAP_PART, _GAP_MS = 0.05, 20.0
_GAP_HEIGHTS_MS = (100, 500, 2_000, 10_000)  # each longer step is drawn one step higher
_TO_ADD = {Evidence.LAUNCHED: "launch", Evidence.CONTROLLED: "control"} | dict.fromkeys(
    (Evidence.CAPTURE, Evidence.BLACK_BOX), ""
)  # fmt: skip
_ISSUE = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)#(?P<number>[0-9]+)(?: \([0-9]{4}\))?\Z", re.ASCII)
_ADVISORY = re.compile(r"GHSA(-[0-9a-z]{4}){3}\Z")


def render(reports: Sequence[Report], policy: Policy) -> str:
    """The page for these reports."""
    script = (_FOLDER / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    code = exit_code(reports, policy)
    return _template().render(
        reports=[_view(report, policy, index) for index, report in enumerate(reports, start=1)],
        title=f"streamvet: {', '.join(dict.fromkeys(report.profile for report in reports))}",
        code=int(code),
        meaning=sentence(reports[0], code) if len(reports) == 1 else MEANING[code],
        verdicts=[verdict.value for verdict in Verdict],
        counts={verdict.value: sum(report.counts()[verdict] for report in reports) for verdict in Verdict},
        total=sum(one.verdict is not Verdict.NOT_APPLICABLE for report in reports for one in report.rulings),
        script=script,
        digest=digest,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "ms": _ms,
        "seconds": _seconds,
        "printable": printable,
        "lines": printable_lines,
        "link": _link,
        "ticked": _ticked,
    }
    environment.filters |= filters
    environment.globals |= {
        "gap": _gap,
        "broken": _broken,
        "rests_on": rests_on,
        "address": address,
        "counted": counted,
    }
    return environment.get_template("report.html.j2")


def _view(report: Report, policy: Policy, index: int) -> dict[str, Any]:
    code = exit_code([report], policy)
    applicable = [ruling for ruling in report.rulings if ruling.verdict is not Verdict.NOT_APPLICABLE]
    loud = [ruling for ruling in report.loud() if ruling.findings]
    folded = _folded(report, {one.requirement.id for one in loud})
    unexercised = [one for one in report.loud() if one.verdict is Verdict.INCONCLUSIVE and not one.explained]
    shown = {one.also.id for ones in folded.values() for one in ones} | {one.requirement.id for one in unexercised}
    return {
        "report": report,
        "key": f"r{index}",
        "code": int(code),
        "claim": sentence(report, code),
        "verdict": verdict_of(report, code),
        "counts": [
            (verdict.value, count) for verdict, count in report.counts().items()
            if count and verdict is not Verdict.NOT_APPLICABLE
        ],
        "apart": len(report.rulings) - len(applicable),
        "loud": [(ruling, report.exhibits.get(ruling.requirement.id, ())) for ruling in loud],
        "folded": folded,
        "alone": [one for one in report.loud() if not one.findings and one.requirement.id not in shown],
        "causes": _causes(report, unexercised),
        "probes": list(dict.fromkeys(probe for ruling in applicable for probe in ruling.probes)),
        "applicable": applicable,
        "families": [(family, found) for family, rulings in report.by_family().items()
                     if (found := [one for one in rulings if one in applicable])],
        "linked": {ruling.requirement.id for ruling in report.loud()},
        "why": _why,
        "evidence": highest(report.evidence).value,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Folded:
    """What a root explains; `anchor`: links to the requirement lead here, where no finding of its own is elsewhere."""

    also: Also
    ruling: Ruling
    anchor: bool


def _folded(report: Report, own: set[str]) -> dict[str, list[_Folded]]:
    """What each root explains, by its id."""
    by_id, taken = {one.requirement.id: one for one in report.rulings}, set(own)
    found: dict[str, list[_Folded]] = {}
    for root, ones in also(report.rulings).items():
        for one in ones:
            found.setdefault(root, []).append(_Folded(one, by_id[one.id], one.id not in taken))
            taken.add(one.id)
    return found


def _causes(report: Report, rulings: Sequence[Ruling]) -> list[tuple[str, str, list[Ruling]]]:
    """What was not exercised: within the level of evidence by its causes, then by the level that it needs."""
    by_id = {one.requirement.id: one for one in rulings}
    beyond = [one for one in rulings if not report.within(one)]
    within = causes(one for one in rulings if one not in beyond)
    found = [(one.reason, one.add, [by_id[name] for name in one.ids]) for one in within]
    needing = {level: [one for one in beyond if report.levels[one.requirement.id] is level] for level in Evidence}
    found += [(f"needs {LACKING[level]}", _TO_ADD[level], ones) for level, ones in needing.items() if ones]
    return found


def _why(ruling: Ruling) -> str:
    """What the table says beside a verdict: the first finding, or the reason."""
    if ruling.findings and ruling.verdict is not Verdict.WAIVED:
        return printable(f"seen: {ruling.findings[0].seen}")
    return printable(ruling.reason.strip().rpartition("\n")[2])


def _ms(value: float) -> str:
    return f"{value:,.1f}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s"


def _gap(row: Row, shown: Exhibit) -> int:
    """How high a gap above this row is drawn, from 0 (not at all) to 5."""
    if row.since_ms < max(_GAP_MS, shown.strip.duration_ms * _GAP_PART):
        return 0
    return 1 + sum(row.since_ms >= step for step in _GAP_HEIGHTS_MS)


def _broken(piece: Piece) -> str:
    """The text of a piece, with a line break behind each line feed that it shows."""
    return piece.text.replace(LINE_FEED, LINE_FEED + "\n") if piece.escaped else piece.text


def _ticked(text: str) -> Markup:
    """A text of a requirement, with what stands between backticks as code; all of it is escaped."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:  # one of them has no partner
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


def _link(seen: str) -> str:
    """Where a field report can be read; "" where its name does not say."""
    issue = _ISSUE.match(seen)
    if issue:
        return f"https://github.com/{issue['repo']}/issues/{issue['number']}"
    return f"https://github.com/advisories/{seen}" if _ADVISORY.match(seen) else ""
