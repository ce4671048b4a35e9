"""What was found out about a client, as text and as JSON.

Must not know how it was found out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from streamvet.clients.judging import ruled
from streamvet.outcome import Verdict
from streamvet.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamvet.clients.judging import Result

_BAD = (Verdict.FAIL, Verdict.WARN)


def exit_code(results: Sequence[Result], *, strict: bool = False) -> int:
    """0 conformant, 1 a MUST is violated (a SHOULD too where it is strict), 3 something was not exercised."""
    verdicts = {one.verdict for one in results}
    if Verdict.FAIL in verdicts or (strict and Verdict.WARN in verdicts):
        return 1
    return 3 if Verdict.INCONCLUSIVE in verdicts or verdicts <= {Verdict.NOT_APPLICABLE} else 0


def text(results: Sequence[Result], code: int) -> str:
    """The findings, each requirement first; then what was not exercised; then the sum."""
    lines: list[str] = []
    for row, verdict, _ in ruled(results):
        own = [one for one in results if one.vector.requirement == row.id]
        if verdict in _BAD:
            lines += [f"{verdict.name:<5} {row.id}  {row.text}"]
            for one in own:
                if one.verdict in _BAD:
                    lines += [
                        f"  vector    {one.vector.id}",
                        *(line for found in one.findings for line in _lines(found)),
                    ]
            lines += [""]
    reasons = Counter(one.reason for one in results if one.reason)
    lines += [f"not exercised: {reason} ({count} vectors)" for reason, count in reasons.items()]
    counts = Counter(one.verdict for one in results)
    held = sum(verdict is Verdict.PASS for _, verdict, _ in ruled(results))
    meaning = {0: "conformant", 1: "not conformant", 3: "incomplete"}[code]
    lines += [f"{meaning} (exit {code})", ", ".join(f"{counts[one]} {one.name}" for one in Verdict if counts[one])]
    return "\n".join([*lines, f"{held} of {len(ruled(results))} requirements hold"])


def _lines(found: Any) -> list[str]:
    return [f"    where     {found.where}", f"    expected  {found.expected}", f"    seen      {found.seen}"]


def document(results: Sequence[Result], code: int, command: str, framing: str, lacks: Iterable[str]) -> dict[str, Any]:
    """The JSON report, of the shape of `client-report.schema.json`."""
    counts = Counter(one.verdict.name for one in results)
    return {
        "streamvet": VERSION, "command": command, "framing": framing, "lacks": sorted(lacks), "exit_code": code,
        "counts": dict(sorted(counts.items())),
        "verdicts": [
            {"id": row.id, "level": row.level, "verdict": verdict.name, "vectors": exercised}
            for row, verdict, exercised in ruled(results)
        ],
        "vectors": [
            {
                "id": one.vector.id, "requirement": one.vector.requirement, "verdict": one.verdict.name,
                **({"reason": one.reason} if one.reason else {}),
                "findings": [found._asdict() for found in one.findings],
            }
            for one in results
        ],
    }  # fmt: skip
