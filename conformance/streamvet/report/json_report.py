"""The report as JSON, for programs: `schemas/meta/report.schema.json` describes it.

Must not know how the other forms look.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from streamvet.contract.evidence import Evidence, highest
from streamvet.outcome import Verdict
from streamvet.report.basis import rests_on
from streamvet.report.claim import claim, sentence
from streamvet.report.exits import Policy, exit_code
from streamvet.report.report import FACTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.requirement import Requirement
    from streamvet.outcome import Finding
    from streamvet.report.exits import Exit
    from streamvet.report.report import Report
    from streamvet.verdicts import Ruling

FINDINGS = 100  # of one requirement: a stream that is broken throughout has one for each event of each trace


def render(reports: Sequence[Report], policy: Policy) -> str:
    """One report as an object, several as `{"reports": […]}`; with a newline at the end."""
    documents = [document(report, policy) for report in reports]
    whole = documents[0] if len(documents) == 1 else {"reports": documents}
    return json.dumps(whole, indent=2) + "\n"


def document(report: Report, policy: Policy) -> dict[str, Any]:
    """The report as a JSON value."""
    code = exit_code([report], policy)
    remarks = {"lacks": report.lacks, "notes": report.notes, "stale_waivers": report.stale, "errors": report.errors}
    return {
        "streamvet": report.version,
        "spec": report.spec,
        "profile": report.profile,
        "target": report.target,
        "time_scale": report.time_scale,
        "seed": report.seed,
        "started_at": report.started_at,
        "duration_s": round(report.duration_s, 3),
        "mandated_wait_s": round(report.mandated_wait_s, 3),
        "exit_code": int(code),
        "evidence": highest(report.evidence).value,
        "claim": _claim(report, code),
        "counts": {verdict.value: count for verdict, count in report.counts().items()},
        "verdicts": [_verdict(ruling, report) for ruling in report.rulings],
        "title": report.title,
        "families": dict(report.families),
        "levels": [level.value for level in Evidence if level in report.evidence],
        "policy": dataclasses.asdict(policy),
        **{name: value for name in FACTS if (value := getattr(report, name))},
        **({"events": 0} if report.events == 0 else {}),
        **({"generated_tries": report.generated} if report.generated else {}),
        **{name: list(texts) for name, texts in remarks.items() if texts},
        **(
            {"observations": [{"about": a, "seen": seen} for a, seen in report.observations]}
            if report.observations
            else {}
        ),
    }


def _claim(report: Report, code: Exit) -> dict[str, Any]:
    made = claim(report)
    beyond = {level.value: count for level, count in made.beyond.items()}
    return {
        "text": sentence(report, code),
        "musts": made.musts,
        "hold": made.hold,
        "waived": made.waived,
        "undecided": made.open,
        "beyond": beyond,
        **({"unscored": made.unscored} if made.unscored else {}),
    }


def _verdict(ruling: Ruling, report: Report) -> dict[str, Any]:
    row = ruling.requirement
    value: dict[str, Any] = {
        "id": row.id,
        "level": row.level,
        "family": row.family,
        "verdict": ruling.verdict.value,
        "exercised": ruling.exercised,
        "findings": [_finding(one) for one in ruling.findings[:FINDINGS]],
    }
    optional: dict[str, Any] = {
        "explained": [_finding(one) | {"explained_by": list(one.explained_by)} for one in ruling.explained[:FINDINGS]],
        "unread": dict(ruling.unread),
        "evidence": report.levels[row.id].value if row.id in report.levels else "",
        "rests_on": rests_on(row),
        "adopted": report.adopted.get(row.id, ""),
        "trips": list(row.trips),
        "reason": ruling.reason,
        "reproduce": ruling.reproduce,
        "curl": next((one.curl for one in report.exhibits.get(row.id, ()) if ruling.findings), ""),
        "overruled": ruling.overruled.value if ruling.overruled else "",
        "unscored": ruling.unscored,
        "unjudged": ruling.unjudged,
        "unkept": ruling.unkept,
        "hindered_by": list(ruling.hindered_by),
        "places": list(ruling.places),
        "found": ruling.found if ruling.found > FINDINGS else 0,
        "exhibits": [dataclasses.asdict(one) for one in report.exhibits.get(row.id, ())],
        **(_of(row) if ruling.verdict is not Verdict.NOT_APPLICABLE else {}),
        "probes": list(ruling.probes),
    }
    value |= {key: one for key, one in optional.items() if one}
    replay = report.replays.get(row.id)
    if replay is None:
        return value
    case = {"story": replay.story, "often": replay.often, "file": replay.file, "replay": replay.command}
    return value | {"case": case}


def _of(row: Requirement) -> dict[str, Any]:
    """What a reader of the report may want to know of a requirement that applies."""
    return {"text": row.text, "when": row.when, "why": row.why, "seen": list(row.seen), "basis": dict(row.basis)}


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "exchange": one.exchange,
        "span": list(one.span),
        "at_ms": max(one.at_us, 0) / 1000,
        "expected": one.expected,
        "seen": one.seen,
        "trace": one.trace,
        **({"operation": one.operation} if one.operation else {}),
    }
