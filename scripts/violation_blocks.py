"""A violation of each requirement as bytes, from the example traces that the tests judge; or why no bytes show it.

The bytes are those of the finding that the suite's own check has on the trace. Where a finding is about no bytes, the
difference between the good trace and the bad one says what it is about. Must not know what a requirement asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from schema_table import cell, code, table
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.decode import view
from streamvet.examples import examples
from streamvet.report.printable import LINE_FEED, printable, runs
from streamvet.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet.contract.requirement import Requirement
    from streamvet.examples import Example
    from streamvet.outcome import Finding
    from streamvet.trace import Exchange

# Bytes around a mark, of a mark, and of what is absent: a few lines of a page.
AROUND, MARKED, ABSENT = 160, 240, 80
CUT = "…"
END = "\u2039the stream ends\u203a"


@dataclass(frozen=True, slots=True)
class Shown:
    """Bytes that violate a requirement, as text with a mark; or, where `text` is empty, why there are none to show."""

    profile: str
    text: str = ""
    why: str = ""


@cache
def shown(requirement: str) -> Shown:
    """The violation of a requirement by the first of its bad traces that shows bytes."""
    row = load_registry().rows[requirement]
    if row.excluded:
        return Shown("", why="No black box can see it.")
    found = [_of(row, one) for one in examples(requirement) if not one.holds]
    none = Shown("", why="No built-in profile has the key by which it applies.")
    return next((one for one in found if one.text), found[0] if found else none)


def _of(row: Requirement, example: Example) -> Shown:
    profile = load_profile(example.bad.profile)
    trace = view(example.bad, profile, row.reads)[0] if row.reads else example.bad
    outcome = system_of(profile).checks[row.id](trace, profile)
    if not isinstance(outcome, list) or not outcome:
        raise LookupError(f"{row.id}: expected a finding in {example.bad.name}, got {outcome}")
    good = {one.id: one for one in example.good.exchanges}
    # A check may have looked at an exchange that hides events: the bytes are those of the trace itself.
    bad = {one.id: one for one in example.bad.exchanges}
    for finding in outcome:
        one, before = bad[finding.exchange], good.get(finding.exchange)
        if finding.timed:
            continue
        if before and (head := _head(before, one)):
            return Shown(profile.name, head)
        if finding.span[0] < finding.span[1]:
            return Shown(profile.name, _body(one, finding.span, _changed(before, one)))
    return _by_difference(example, outcome[0])


def _by_difference(example: Example, finding: Finding) -> Shown:
    """What the edit changed, in the exchange of the finding first."""
    name = example.bad.profile
    if finding.timed:
        return Shown(name, why=_TIME)
    good = {one.id: one for one in example.good.exchanges}
    whys: list[str] = []
    for one in sorted(example.bad.exchanges, key=lambda one: one.id != finding.exchange):
        before = good.get(one.id)
        if before is None:
            continue
        if text := _head(before, one) or _changed_body(before, one):
            return Shown(name, text)
        whys += _reasons(before, one)
    return Shown(name, why=whys[0] if whys else "Each answer is correct by itself.")


_TIME = "The bytes are correct, and arrive at the wrong time."


def _head(good: Exchange, bad: Exchange) -> str:
    """The head of an answer with what violates the requirement marked; "" where the heads are the same."""
    if good.head is None or bad.head is None:
        return ""
    same, added = good.head.status == bad.head.status, [one for one in bad.head.headers if one not in good.head.headers]
    if same and not added:
        return ""
    status = f"{bad.head.status}" if same else f"»{bad.head.status}«"
    fields = [printable(f"{name}: »{value}«") for name, value in added]
    return "\n".join([_asked(bad), "", f"{bad.head.http} {status}", *fields])


def _asked(exchange: Exchange) -> str:
    """The request line, without the host, which is one of an example anyway."""
    path = exchange.request.url.partition("://")[2].partition("/")[2]
    return printable(f"{exchange.request.method} /{path}")


def _changed(good: Exchange | None, bad: Exchange) -> tuple[int, int] | None:
    """The bytes of a bad body that the good one does not have; None where nothing is new."""
    if good is None or good.body == bad.body:
        return None
    least = min(len(good.body), len(bad.body))
    start = next((n for n in range(least) if good.body[n] != bad.body[n]), least)
    tail = next((n for n in range(least - start) if good.body[-1 - n] != bad.body[-1 - n]), least - start)
    return (start, len(bad.body) - tail) if start < len(bad.body) - tail else None


def _changed_body(good: Exchange, bad: Exchange) -> str:
    changed = _changed(good, bad)
    return _body(bad, changed, None) if changed else ""


def _reasons(good: Exchange, bad: Exchange) -> Iterator[str]:
    """Why no bytes of a bad exchange show what is wrong with it."""
    if good.body != bad.body:
        yield f"An absence: {_gone(good.body, bad.body)} is missing."
    if good.head and bad.head and len(good.head.headers) > len(bad.head.headers):
        names = {name.lower() for name, _ in bad.head.headers}
        gone = [name for name, _ in good.head.headers if name.lower() not in names]
        yield f"An absence: the head has no {', '.join(map(code, gone))}."
    if bool(good.head) is not bool(bad.head):
        yield "An absence: there is no answer."
    if good.ending is not bad.ending:
        yield f"The connection ends as {bad.ending.value}, not as {good.ending.value}."
    if good.request != bad.request:
        yield "The answer is correct, to another request."
    if (good.sent_us, good.ended_us, good.times) != (bad.sent_us, bad.ended_us, bad.times):
        yield _TIME
    yield "The bytes are correct, and what happened beside the stream is not."


def _gone(good: bytes, bad: bytes) -> str:
    """What a body lacks of the good one, from the beginning of a line on."""
    start = next((n for n in range(len(bad)) if good[n] != bad[n]), len(bad))
    size = len(good) - len(bad)
    while start > 0 and good[start - 1] == good[start - 1 + size] and good[start - 1 : start] != b"\n":
        start -= 1
    lost = good[start : start + size].strip(b"\n")
    lines = [one for one in lost.split(b"\n") if not one.startswith((b"event:", b"id:"))] or [lost]
    text = _text(lines[0][:ABSENT])
    return code(text + (CUT if len(lost) > ABSENT else ""))


def _body(exchange: Exchange, span: tuple[int, int], changed: tuple[int, int] | None) -> str:
    """The bytes of a finding as text, from the beginning of a line to the end of one, with what violates it marked."""
    body, (start, end) = exchange.body, span
    mark = changed if changed and start <= changed[0] and changed[1] <= end else span
    low = max(body.rfind(b"\n", 0, start) + 1, mark[0] - AROUND)
    line = body.find(b"\n", max(end - 1, 0))
    high = min(len(body) if line < 0 else line + 1, mark[1] + AROUND)
    inner = _text(body[mark[0] : min(mark[1], mark[0] + MARKED)]) + (CUT if mark[1] - mark[0] > MARKED else "")
    before = ("" if low == 0 or body[low - 1 : low] == b"\n" else CUT) + _text(body[low : mark[0]])
    after = _text(body[mark[1] : high]) + ("" if high == len(body) or body[high - 1 : high] == b"\n" else CUT)
    is_end = high == len(body) and exchange.by_server and exchange.about.get("meant") == "stream"
    text = f"{before}»{inner}«{after}".rstrip("\n")
    return f"{text}\n{END}" if is_end else text


def _text(octets: bytes) -> str:
    """Bytes as text: what has no shape is shown by its name, and a line feed ends a line besides."""
    return "".join(text for text, _ in runs(octets)).replace(LINE_FEED, f"{LINE_FEED}\n")


def violation(row: Requirement) -> list[str]:
    """What the section of a requirement shows of a violation, as lines of Markdown."""
    found = shown(row.id)
    if row.excluded:
        return []
    if not found.text:
        return ["", f"*As bytes:* none can show it. {found.why}"]
    return ["", f"*As bytes*, on {found.profile}, between » and «:", "", "```text", *found.text.splitlines(), "```"]


def without_bytes() -> list[str]:
    """The requirements whose violation no bytes show, each with what it is about."""
    rows = [row for row in load_registry().rows.values() if not row.excluded and not shown(row.id).text]
    cells = [[f"[{row.id}]({row.family}.md#{row.id.lower()})", cell(shown(row.id).why)] for row in rows]
    return table(["Requirement", "Why"], cells)
