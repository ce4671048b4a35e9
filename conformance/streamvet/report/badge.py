"""The report as a small SVG badge, complete in itself.

Must not know more of a report than its exit code, its profile and what it may claim.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from streamvet.report.claim import outcome
from streamvet.report.exits import MEANING, Exit, Policy, exit_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.report.report import Report

# White text on each has a contrast of at least 4.5:1 (WCAG 2.2, 1.4.3).
_COLOURS = {
    Exit.CONFORMANT: "#1a7f37",
    Exit.VIOLATED: "#c62828",
    Exit.INCOMPLETE: "#8a5a00",
    Exit.OURS: "#57606a",
    Exit.INTERRUPTED: "#57606a",
}
_CHAR_PX = 6.6  # of Verdana at 11 px, on average; textLength makes it exact wherever the font is another
_PAD_PX = 14

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {word}">
  <title>{label}: {word}</title>
  <clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
  <g clip-path="url(#r)">
    <rect width="{left}" height="20" fill="#3d444d"/>
    <rect x="{left}" width="{right}" height="20" fill="{colour}"/>
  </g>
  <g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" text-anchor="middle">
    <text x="{left_middle}" y="14" textLength="{left_text}">{label}</text>
    <text x="{right_middle}" y="14" textLength="{right_text}">{word}</text>
  </g>
</svg>
"""


def _word(reports: Sequence[Report], code: Exit) -> str:
    """The outcome; where all conform, with the levels of evidence."""
    if code is Exit.OURS:
        return "error"
    if code is not Exit.CONFORMANT:
        return MEANING[code]
    said = list(dict.fromkeys(outcome(report, code) for report in reports))
    return " and ".join(said)


def render(reports: Sequence[Report], policy: Policy) -> str:
    """The badge of these reports together."""
    code = exit_code(reports, policy)
    names = ", ".join(dict.fromkeys(report.profile for report in reports))
    label, word = f"streamvet {names}", _word(reports, code)
    left_text, right_text = round(len(label) * _CHAR_PX), round(len(word) * _CHAR_PX)
    left, right = left_text + _PAD_PX, right_text + _PAD_PX
    return _SVG.format(
        label=escape(label), word=word, colour=_COLOURS[code], width=left + right, left=left, right=right,
        left_text=left_text, right_text=right_text, left_middle=left // 2, right_middle=left + right // 2,
    )  # fmt: skip
