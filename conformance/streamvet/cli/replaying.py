"""`streamvet replay`: one recorded case again, some times, on a candidate.

Must not know how a case was found: it is performed by its probe, as any try is.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamvet.campaign import Settings, campaign, deadline_s
from streamvet.cli import options  # noqa: TC001 - typer reads the annotations
from streamvet.cli.console import say
from streamvet.cli.subjects import Subject, subjects_of
from streamvet.contract.files import FileError
from streamvet.contract.registry import load_registry
from streamvet.generation.case import Case, hold_to, load_case
from streamvet.generation.reducing import REPLAYS
from streamvet.outcome import own_findings
from streamvet.recorder import now_us
from streamvet.report import text
from streamvet.report.building import Asked, ReportBuilder
from streamvet.report.exits import Policy, exit_code
from streamvet.report.printable import printable
from streamvet.systems import system_of

if TYPE_CHECKING:
    from streamvet.report.report import Report
    from streamvet.trace import Trace

# A SHOULD that is violated is shown too, and nobody expects one case to exercise everything.
_POLICY = Policy(strict=True, accept_incomplete=True)


def replay(  # noqa: PLR0917 - one parameter an option, as typer wants it
    file: Annotated[Path, typer.Argument(metavar="CASE.json", help="A case, as `run` writes it.", show_default=False)],
    target: Annotated[str | None, typer.Argument(metavar="TARGET.yaml|URL", show_default=False)] = None,
    profile: Annotated[
        list[str] | None, typer.Option("--profile", metavar="P", help="A built-in profile or a folder, for a URL.")
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Replay it on the reference server, started for this.")
    ] = False,
    times: Annotated[int, typer.Option("--times", min=1, metavar="N", help="How often to perform it.")] = REPLAYS,
    time_scale: options.TimeScale = None,
    wait: options.Wait = 10.0,
) -> None:
    """Replay one recorded case.

    Exit code 1 if the finding recurs, otherwise 0.
    """
    case = load_case(file)
    with tempfile.TemporaryDirectory(prefix="streamvet-", ignore_cleanup_errors=True) as folder:
        chosen = profile or ([case.profile] if reference else [])
        subjects = subjects_of([target] if target is not None else [], chosen, reference, time_scale, Path(folder))
        for subject in subjects:
            hold_to(case, subject.profile, file)
            if case.probe not in {probe.name for probe in system_of(subject.profile).probes}:
                raise FileError(file, "/probe", f"the name of a probe of {subject.profile.name}", repr(case.probe))
        fails, report = _replayed(case, subjects[0], times, wait)
    say(f"the case: {printable(case.story)}\nfails {fails} of {times}")
    say(text.render([report], _POLICY))
    raise typer.Exit(int(exit_code([report], _POLICY)))


def _replayed(case: Case, subject: Subject, times: int, wait_s: float) -> tuple[int, Report]:
    """In how many of its tries the case shows its finding, and the report on these."""
    registry = load_registry(subject.profile)
    builder, fails = ReportBuilder(subject.profile, registry, system_of(subject.profile).checks), 0

    def judge(trace: Trace) -> None:
        nonlocal fails
        fails += bool(own_findings(builder.add(trace).get(case.requirement)))

    started_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    within_s = times * deadline_s(
        subject.profile, subject.scale, subject.target.max_active_runs, subject.seeded(case.seed)
    )
    settings = Settings(time_scale=subject.scale, wait_s=wait_s, until_us=now_us() + int(within_s * 1e6))
    cases = [(case.probe, case.stimulus)] * times
    summary = asyncio.run(campaign(subject.target, subject.profile, settings, judge, cases=cases))
    for name, _ in summary.untried:
        builder.judge.untried(name, [case.requirement])
    report = builder.report(
        Asked(only={case.requirement}), target=subject.shown, started_at=started_at, duration_s=summary.duration_s,
        mandated_wait_s=summary.mandated_wait_s, time_scale=subject.scale, seed=case.seed,
        lacks=subject.target.lacks, errors=tuple(summary.errors), evidence=subject.target.allows, pinned=times,
    )  # fmt: skip
    return fails, report
