"""`streamvet run`: campaigns on candidates, then verdicts, then the report. Several candidates run at the same time.

Must not know how tries are made, nor how verdicts are.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamvet.campaign import Calm, Settings, Summary, campaign
from streamvet.cli import options
from streamvet.cli.deadline import Deadline, deadline_of
from streamvet.cli.generated import Known, explorer, kept
from streamvet.cli.judging import JudgedCandidate, JudgeProcess, Skipped
from streamvet.cli.options import Outputs
from streamvet.cli.progress import Watch
from streamvet.cli.subjects import Subject, subjects_of
from streamvet.contract.files import FileError
from streamvet.contract.registry import load_registry
from streamvet.generation.exploring import Effort, Explorer
from streamvet.levels import lowest_of_probes
from streamvet.probes import PROGRAM
from streamvet.recorder import now_us
from streamvet.report.building import NOT_ALLOWED
from streamvet.report.exits import Policy
from streamvet.report.printable import counted
from streamvet.systems import system_of
from streamvet.worker_pool import cancelled_on_signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.report.building import Asked
    from streamvet.report.report import Report
    from streamvet.trace import Trace


_DEATHS_TOLD = 10  # of a launched candidate, each with its last lines; who dies more often dies for the same reasons


def run(  # noqa: PLR0917 - one parameter an option, as typer wants it
    context: typer.Context,
    target: Annotated[str | None, typer.Argument(metavar="TARGET.yaml|URL", show_default=False)] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile", metavar="P", help="A built-in profile or a folder: for a URL, or which of the reference."
        ),
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Check the reference server, started for this.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="ID|FAMILY", help="Report and count only these, and make their tries; may be repeated."
        ),
    ] = None,
    probe: Annotated[
        list[str] | None,
        typer.Option("--probe", metavar="NAME", help="Make the tries of this probe and no others; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The same seed gives the same tries.")] = 0,
    examples: Annotated[
        int | None, typer.Option("--examples", min=0, metavar="N", help="Try no more than this many generated tries.")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            min=0,
            callback=options.finite,
            metavar="SECONDS",
            help="Explore by generated tries for so long; 0: not at all. By default until the longest wait is over.",
        ),
    ] = None,
    time_scale: options.TimeScale = None,
    allow_commands: options.AllowCommands = False,
    strict: options.Strict = False,
    accept_incomplete: Annotated[
        bool, typer.Option("--accept-incomplete", help="What was not exercised does not make the run fail.")
    ] = False,
    waivers: options.Waivers = None,
    max_wait: Annotated[
        float | None,
        typer.Option(
            "--max-wait", min=0, callback=options.finite, metavar="SECONDS", help="Do not run what has to wait longer."
        ),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(
            "--deadline",
            min=1,
            callback=options.finite,
            metavar="SECONDS",
            help="End in so long, reports included. By default in five minutes, or 1.3 times the mandated wait.",
        ),
    ] = None,
    wait: options.Wait = 10.0,
    json: options.Json = None,
    junitxml: options.Junit = None,
    html: options.Html = None,
    badge: options.Badge = None,
    trace_dir: Annotated[
        Path | None,
        typer.Option(
            "--trace-dir", metavar="DIR", help="Keep every trace there, for `streamvet judge`, and every case."
        ),
    ] = None,
) -> None:
    """Check a candidate.

    It is the server that a target file describes, or one at a URL, or the reference server.
    """
    outputs = Outputs(json, junitxml, html, badge)
    outputs.check(target, waivers, trace_dir)
    options.words_of(only)
    begun_us = now_us() if context.obj is None else int(context.obj)
    notes = options.only_note(only) + ((f"no wait above {max_wait:g} s was run",) if max_wait is not None else ())
    notes += (f"no tries but those of {', '.join(probe)}",) if probe else ()
    with tempfile.TemporaryDirectory(prefix="streamvet-", ignore_cleanup_errors=True) as folder:
        subjects = subjects_of(target, profile or [], reference, time_scale, Path(folder))
        # Several candidates are those of the reference server, and their requirements those of the suite.
        asked = options.asked(only, waivers, "", load_registry(subjects[0].profile))
        _known(probe or (), subjects)
        options.trace_folder(trace_dir)
        end = deadline_of(begun_us, deadline, subjects, budget)
        settings = Settings(
            time_scale=time_scale, max_wait_s=max_wait, wait_s=wait, seed=seed, until_us=end.tries_us,
            only=asked.only, probes=probe,
        )  # fmt: skip
        wanted = _Wanted(settings, Effort(seed, budget, examples), asked, end, trace_dir, notes, allow_commands)
        reports = _checked(subjects, wanted)
    raise typer.Exit(int(outputs.deliver(reports, Policy(strict, accept_incomplete))))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How candidates are to be checked."""

    settings: Settings
    effort: Effort
    asked: Asked
    deadline: Deadline
    trace_dir: Path | None
    notes: tuple[str, ...]
    allow_commands: bool


def _checked(subjects: Sequence[Subject], wanted: _Wanted) -> list[Report]:
    """The reports on these candidates, whose campaigns run beside each other and are judged beside them."""
    started_at, begun_us = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), now_us()
    trials: list[_Trial] = []
    for number, subject in enumerate(subjects):
        prefix = subject.profile.name if len(subjects) > 1 else ""
        withheld = "" if wanted.allow_commands or subject.target.allow_commands else NOT_ALLOWED
        judged = JudgedCandidate(number, str(subject.profile.folder), wanted.trace_dir, prefix, withheld)
        known = Known()
        trials.append(_Trial(subject, judged, known, explorer(wanted.effort, known, wanted.asked)))
    reports: list[Report] = []
    with JudgeProcess(wanted.deadline.judged_us) as process, contextlib.ExitStack() as stack:
        for one in trials:
            stack.enter_context(one.explorer or contextlib.nullcontext())
        interrupted = _try_all(trials, wanted.settings, process)
        ended_us = now_us()
        interrupted = not process.catch_up(interrupted=interrupted) or interrupted
        for one in trials:
            subject, settings = one.subject, wanted.settings
            mandated_s = subject.profile.mandated_wait_s(subject.scale, subject.target.max_active_runs)
            summary = subject.summary or Summary(duration_s=(ended_us - begun_us) / 1e6, mandated_wait_s=mandated_s)
            again_with = ["--seed", str(settings.seed)] if settings.seed else []
            again_with += ["--allow-commands"] if wanted.allow_commands else []
            facts = {
                "target": subject.shown, "time_scale": subject.scale, "seed": settings.seed, "started_at": started_at,
                "duration_s": summary.duration_s, "mandated_wait_s": summary.mandated_wait_s,
                "lacks": subject.target.lacks, "errors": tuple(summary.errors), "interrupted": interrupted,
                "notes": wanted.notes
                + _notes(subject, summary, one.explorer, interrupted=interrupted)
                + _untried(summary, wanted.deadline),
                "pinned": summary.tries,
                "evidence": subject.target.allows,
                "levels": lowest_of_probes(subject.profile, system_of(subject.profile)),
                "generated": one.explorer.tries if one.explorer else 0,
                "replays": kept(one.explorer, subject, settings.seed, wanted.trace_dir),
            }  # fmt: skip
            probes = {probe.name for probe in system_of(subject.profile).probes} - {PROGRAM.name}
            again = dataclasses.replace(
                wanted.asked, command=subject.told("run", options=again_with), probes=probes
            )  # fmt: skip
            report = process.report(one.judged, again, Skipped(summary.skipped, summary.untried), facts)
            # What judging took beyond the campaign is a part of what the user waited for.
            reports.append(dataclasses.replace(report, duration_s=report.duration_s + (now_us() - ended_us) / 1e6))
    return reports


@dataclass(slots=True)
class _Trial:
    """A candidate while it is checked."""

    subject: Subject
    judged: JudgedCandidate
    known: Known
    explorer: Explorer | None

    def judge(self, trace: Trace, process: JudgeProcess) -> None:
        """Have a trace judged."""
        verdicts = process.judge(self.judged, trace)
        if trace.probe == PROGRAM.name:
            self.known.comes(verdicts)
        else:
            self.known.wait_for(verdicts)


def _try_all(trials: Sequence[_Trial], settings: Settings, process: JudgeProcess) -> bool:
    """Run the campaigns beside each other; gives whether they were interrupted."""
    try:
        asyncio.run(cancelled_on_signal(_campaigns(trials, settings, process), signal.SIGTERM))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return True
    return False


async def _campaigns(trials: Sequence[_Trial], settings: Settings, process: JudgeProcess) -> None:
    calm = Calm(len(trials))
    with Watch() as watch:

        async def one(trial: _Trial) -> None:
            subject = trial.subject
            subject.summary = await campaign(
                subject.target,
                subject.profile,
                dataclasses.replace(settings, time_scale=subject.scale),
                lambda trace: trial.judge(trace, process),
                lambda progress: watch.seen(subject.profile.name, progress),
                calm=calm,
                explore=trial.explorer,
                doubtful=lambda: asyncio.wrap_future(process.doubtful(trial.judged)),
            )

        await asyncio.gather(*map(one, trials))


def _known(names: Sequence[str], subjects: Sequence[Subject]) -> None:
    """Hold the names of probes to those that there are.

    Raises:
        FileError: where one is unknown.
    """
    known = {one.name for subject in subjects for one in system_of(subject.profile).probes}
    for name in names:
        if name not in known:
            raise FileError("--probe", name, f"one of {', '.join(sorted(known - {PROGRAM.name}))}", "no probe")


def _untried(summary: Summary, deadline: Deadline) -> tuple[str, ...]:
    """What the deadline kept from being tried, and what was waited for in vain before."""
    never = tuple(
        f"no run of {name} ended within {waited_s:.0f} s; a longer --deadline gives them more time"
        for name, waited_s in summary.never.items()
    )
    if not summary.untried:
        return never
    names = ", ".join(dict.fromkeys(name for name, _ in summary.untried))
    tries = counted(len(summary.untried), "try was", "tries were")
    return (*never, f"the deadline, {deadline.seconds:g} s, was over: {tries} not made, or not to the end: {names}")


def _notes(
    subject: Subject, summary: Summary, exploring: Explorer | None, *, interrupted: bool
) -> tuple[str, ...]:  # fmt: skip
    """What a reader has to know to weigh the verdicts."""
    found: list[str] = []
    if subject.scale != 1:
        found.append(f"timings were scaled by {subject.scale:g}")
    if subject.target.lacks:
        found.append(f"the target lacks {', '.join(subject.target.lacks)}")
    found += [f"the candidate ended by itself: {death}" for death in summary.deaths[:_DEATHS_TOLD]]
    if len(summary.deaths) > _DEATHS_TOLD:
        found.append(f"the candidate ended by itself {len(summary.deaths) - _DEATHS_TOLD} times more")
    if summary.welcome[False] and not summary.welcome[True]:
        found.append("every request as the first account was answered 401 or 403: are the credentials right?")
    if exploring and exploring.late:
        found.append("no generated tries: the time of --budget was over before the first one")
    if exploring and exploring.spent:
        limit = subject.target.max_starts
        found.append(f"generated tries ended early: max_starts, {limit}, leaves no more runs for them")
    if summary.repeated:
        were = "wait was" if summary.repeated == 1 else "waits were"
        found.append(f"{summary.repeated} {were} repeated, as the suite itself was late")
    if summary.retried:
        tries = counted(summary.retried, "try was", "tries were")
        found.append(f"{tries} made again, as something seemed to be over its time")
    if exploring and exploring.doubtful:
        tries = counted(exploring.doubtful, "generated try", "generated tries")
        found.append(f"{tries} missed a bound in time once and never again: not judged")
    if interrupted:
        found.append("interrupted: what was not tried by then is not judged")
    return tuple(found)
