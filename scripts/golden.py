"""Records what a revision judges and reads: `python scripts/golden.py` writes `tests/golden/<revision>/`.

A folder has, for each built-in system, traces with one violation of each family and the report on them; and our own
schemas as they were. Later revisions have to give the same verdicts, and to read the same files. Must not know what a
requirement asks for.
"""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import schemas_folder
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import all_examples
from streamvet.report import json_report
from streamvet.report.building import Asked, ReportBuilder
from streamvet.report.exits import Policy
from streamvet.systems import system_of
from streamvet.trace.writing import dump

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.report.report import Report
    from streamvet.trace import Trace

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden"
# The formats that users and other programs write or read.
FORMATS = ("profile", "target", "waivers", "trace", "report")
TRACES, REPORT = "traces.trace.ndjson.gz", "report.json"


def golden_traces(system: str) -> list[Trace]:
    """Of each family the first example trace on a system that violates a requirement of that family."""
    registry = load_registry()
    found: dict[str, Trace] = {}
    for one in all_examples():
        family = registry.rows[one.requirement].family
        if one.bad.profile == system and not one.holds and family not in found:
            found[family] = replace(one.bad, name=f"{one.requirement}.trace.ndjson")
    return list(found.values())


def report_on(system: str, traces: Iterable[Trace]) -> Report:
    """The report on these traces, by the profile as it is now."""
    profile = load_profile(system)
    builder = ReportBuilder(profile, load_registry(), system_of(profile).checks)
    for one in traces:
        # A trace of an earlier revision has the digest of the profile of that time.
        builder.add(replace(one, digest=profile.digest))
    return builder.report(
        Asked(), target=TRACES, started_at="2030-01-31T12:00:00.000Z", duration_s=0.0, mandated_wait_s=0.0, offline=True
    )


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    """The verdict on each requirement of a report as JSON, whatever scoring makes of it."""
    return {one["id"]: one.get("overruled", one["verdict"]) for one in document["verdicts"]}


def record(folder: Path) -> None:
    """Write what the current revision judges and reads into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in FORMATS:
        (folder / "meta").mkdir(parents=True, exist_ok=True)
        shutil.copy(schemas_folder() / "meta" / f"{name}.schema.json", folder / "meta")
    for system in builtin_profiles():
        traces = golden_traces(system)
        (folder / system).mkdir()
        text = "".join(line for one in traces for line in dump(one))
        # Without a time and a name in the file, the same traces give the same bytes.
        (folder / system / TRACES).write_bytes(gzip.compress(text.encode(), mtime=0))
        document = json_report.document(report_on(system, traces), Policy())
        (folder / system / REPORT).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    place = GOLDEN / str(load_registry().revision)
    record(place)
    print(f"wrote {place.relative_to(GOLDEN.parents[1])}")
