"""Reads JSON reports back into reports, so that any other form can be made of them, and any two be compared.

Keys that this version does not know are ignored, and keys that an older one did not write are not needed. Must not
know how the other forms look.
"""

from __future__ import annotations

import dataclasses
import json
import types
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from streamvet.contract.evidence import Evidence
from streamvet.contract.files import FileError, check_shape, read_bytes
from streamvet.contract.registry import load_registry
from streamvet.contract.requirement import Requirement
from streamvet.outcome import Finding, Verdict
from streamvet.report.excerpt import Piece
from streamvet.report.exhibit import Exhibit
from streamvet.report.exits import Policy
from streamvet.report.picture import Lane, Mark, Picture
from streamvet.report.report import FACTS, Replay, Report
from streamvet.report.strip import Silence, Strip
from streamvet.report.timeline import Row
from streamvet.verdicts import Ruling

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST_BYTES = 64 * 1024 * 1024  # five profiles with three exhibits of each of a hundred requirements have some ten
_NAMES = {one.__name__: one for one in (Exhibit, Finding, Lane, Mark, Picture, Piece, Row, Silence, Strip)}


def load_reports(path: Path) -> tuple[list[Report], Policy]:
    """The reports in a file, and what their exit codes count.

    Raises:
        FileError: where it is no JSON report.
    """
    try:
        raw = json.loads(read_bytes(str(path), MOST_BYTES))
    except ValueError as error:
        raise FileError(path, "", "a report as JSON", str(error)) from error
    check_shape(raw, "report", path)
    documents = raw.get("reports", [raw])
    try:
        reports = [_report(one) for one in documents]
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise FileError(path, "", "a report as streamvet writes it", f"{type(error).__name__}: {error}") from error
    policies = [Policy(**one.get("policy", {})) for one in documents]
    return reports, Policy(
        any(one.strict for one in policies), all(one.accept_incomplete for one in policies)
    )  # fmt: skip


def _report(raw: Mapping[str, Any]) -> Report:
    rows = raw["verdicts"]
    return Report(
        profile=raw["profile"],
        title=raw.get("title", raw["profile"]),
        target=raw["target"],
        rulings=tuple(map(_ruling, rows)),
        families=raw.get("families", load_registry().families),
        spec=raw["spec"],
        started_at=raw["started_at"],
        duration_s=raw["duration_s"],
        mandated_wait_s=raw.get("mandated_wait_s", 0.0),
        time_scale=raw["time_scale"],
        seed=raw["seed"],
        version=raw["streamvet"],
        lacks=tuple(raw.get("lacks", ())),
        notes=tuple(raw.get("notes", ())),
        stale=tuple(raw.get("stale_waivers", ())),
        errors=tuple(raw.get("errors", ())),
        exhibits={one["id"]: made(tuple[Exhibit, ...], one["exhibits"]) for one in rows if "exhibits" in one},
        replays={one["id"]: _replay(one["case"]) for one in rows if "case" in one},
        generated=raw.get("generated_tries", 0),
        evidence=frozenset(map(Evidence, raw.get("levels", [raw["evidence"]]))),
        levels={one["id"]: Evidence(one["evidence"]) for one in rows if "evidence" in one},
        adopted={one["id"]: one["adopted"] for one in rows if "adopted" in one},
        **{name: raw[name] for name in FACTS if name in raw},
    )


def _ruling(raw: Mapping[str, Any]) -> Ruling:
    findings = tuple(_finding(one, raw["id"]) for one in raw["findings"])
    return Ruling(
        requirement=_requirement(raw),
        verdict=Verdict(raw["verdict"]),
        reason=raw.get("reason", ""),
        exercised=raw["exercised"],
        findings=findings,
        probes=tuple(raw.get("probes", ())),
        overruled=Verdict(raw["overruled"]) if "overruled" in raw else None,
        unjudged=raw.get("unjudged", False),
        reproduce=raw.get("reproduce", ""),
        explained=tuple(_finding(one, raw["id"]) for one in raw.get("explained", ())),
        unread=raw.get("unread", {}),
        unkept=raw.get("unkept", 0),
        hindered_by=tuple(raw.get("hindered_by", ())),
        left_out=raw.get("found", len(findings)) - len(findings),
        unscored=raw.get("unscored", ""),
        places=tuple(raw.get("places", ())),
    )


def _requirement(raw: Mapping[str, Any]) -> Requirement:
    """The requirement as the report has it; what an older report does not say of it is as it is now."""
    now = load_registry().rows.get(raw["id"])
    basis = raw.get("basis", now.basis if now else {})
    return Requirement(
        id=raw["id"],
        level=raw["level"],
        text=raw.get("text", now.text if now else raw["id"]),
        family=raw["family"],
        basis=basis,
        trips=tuple(raw.get("trips", ())),
        raised=None,
        why=raw.get("why", ""),
        when=raw.get("when", ""),
        applies_to=(),
        reads=None,
        explained_by=(),
        seen=tuple(raw.get("seen", ())),
        covers=(),
        excluded=None,
    )


def _finding(raw: Mapping[str, Any], requirement: str) -> Finding:
    return Finding(
        exchange=raw["exchange"],
        span=(raw["span"][0], raw["span"][1]),
        at_us=round(raw["at_ms"] * 1000),
        expected=raw["expected"],
        seen=raw["seen"],
        requirement=requirement,
        trace=raw["trace"],
        operation=raw.get("operation", ""),
        explained_by=tuple(raw.get("explained_by", ())),
    )


def _replay(raw: Mapping[str, Any]) -> Replay:
    return Replay(raw["story"], raw["often"], raw["file"], raw["replay"])


def made(hint: Any, value: Any) -> Any:
    """A value of JSON as the dataclasses and tuples that a type names; keys that no field has are ignored."""
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint, localns=_NAMES)
        fields = {one.name for one in dataclasses.fields(hint)} & value.keys()
        return hint(**{name: made(hints[name], value[name]) for name in fields})  # type: ignore[operator]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else made(next(one for one in arguments if one is not type(None)), value)
    if origin is tuple and arguments[-1] is Ellipsis:
        return tuple(made(arguments[0], one) for one in value)
    if origin is tuple:
        return tuple(made(one, part) for one, part in zip(arguments, value, strict=True))
    return value
