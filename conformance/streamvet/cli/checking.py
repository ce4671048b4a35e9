"""Candidates under check: their campaigns run beside each other, are judged beside them, and give a report each.

Must not know arguments or files of the user, nor how tries are made or verdicts are.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streamvet.campaign import Calm, Settings, Summary, campaign
from streamvet.cli.generated import Known, explorer, kept
from streamvet.cli.judging import JudgedCandidate, JudgeProcess, Skipped
from streamvet.levels import lowest_of_probes
from streamvet.probes import PROGRAM
from streamvet.recorder import now_us
from streamvet.report.building import NOT_ALLOWED
from streamvet.report.printable import counted
from streamvet.systems import system_of
from streamvet.worker_pool import cancelled_on_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streamvet.campaign import Progress
    from streamvet.cli.deadline import Deadline
    from streamvet.cli.subjects import Subject
    from streamvet.generation.exploring import Effort, Explorer
    from streamvet.report.building import Asked
    from streamvet.report.report import Report
    from streamvet.trace import Trace

_DEATHS_TOLD = 10  # of a launched candidate, each with its last lines; who dies more often dies for the same reasons


@dataclass(frozen=True, slots=True)
class Wanted:
    """How candidates are to be checked."""

    settings: Settings
    effort: Effort
    asked: Asked
    deadline: Deadline
    trace_dir: Path | None
    notes: tuple[str, ...]
    allow_commands: bool


def _nobody_looks(_name: str, _progress: Progress) -> None:
    """Where nobody is told how far a campaign is."""


def checked(
    subjects: Sequence[Subject], wanted: Wanted, seen: Callable[[str, Progress], None] = _nobody_looks
) -> list[Report]:
    """The reports on these candidates, whose campaigns run beside each other and are judged beside them.

    `seen` is called with the name of a candidate and how far its campaign is.
    """
    started_at, begun_us = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), now_us()
    trials: list[_Trial] = []
    for number, subject in enumerate(subjects):
        prefix = subject.name if len(subjects) > 1 else ""
        withheld = "" if wanted.allow_commands or subject.target.allow_commands else NOT_ALLOWED
        profile = subject.profile
        judged = JudgedCandidate(
            number, str(profile.folder), wanted.trace_dir, prefix, withheld, dict(profile.changes)
        )  # fmt: skip
        known = Known()
        trials.append(_Trial(subject, judged, known, explorer(wanted.effort, known, wanted.asked)))
    reports: list[Report] = []
    with JudgeProcess(wanted.deadline.judged_us) as process, contextlib.ExitStack() as stack:
        for one in trials:
            stack.enter_context(one.explorer or contextlib.nullcontext())
        interrupted = _try_all(trials, wanted.settings, process, seen)
        ended_us = now_us()
        interrupted = not process.catch_up(interrupted=interrupted) or interrupted
        for one in trials:
            subject, settings = one.subject, wanted.settings
            mandated_s = subject.profile.mandated_wait_s(
                subject.scale, subject.target.max_active_runs, subject.seeded(settings.seed)
            )
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


def _try_all(
    trials: Sequence[_Trial], settings: Settings, process: JudgeProcess, seen: Callable[[str, Progress], None]
) -> bool:
    """Run the campaigns beside each other; gives whether they were interrupted."""
    try:
        asyncio.run(cancelled_on_signal(_campaigns(trials, settings, process, seen), signal.SIGTERM))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return True
    return False


async def _campaigns(
    trials: Sequence[_Trial], settings: Settings, process: JudgeProcess, seen: Callable[[str, Progress], None]
) -> None:
    calm = Calm(len(trials))

    async def one(trial: _Trial) -> None:
        subject = trial.subject
        subject.summary = await campaign(
            subject.target,
            subject.profile,
            dataclasses.replace(settings, time_scale=subject.scale),
            lambda trace: trial.judge(trace, process),
            lambda progress: seen(subject.name, progress),
            calm=calm,
            explore=trial.explorer,
            doubtful=lambda: asyncio.wrap_future(process.doubtful(trial.judged)),
        )

    await asyncio.gather(*map(one, trials))


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
    return (*never, f"the deadline, {deadline.seconds:g} s, passed: {tries} not made or not finished: {names}")


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
        found.append(f"the candidate ended by itself {len(summary.deaths) - _DEATHS_TOLD} more times")
    if summary.welcome[False] and not summary.welcome[True]:
        found.append("every request as the first account was answered 401 or 403: are the credentials right?")
    if exploring and exploring.late:
        found.append("no generated tries: --budget ran out before the first one")
    if exploring and exploring.spent:
        limit = subject.target.max_starts
        found.append(f"generated tries ended early: max_starts, {limit}, leaves no more runs for them")
    if summary.repeated:
        were = "wait was" if summary.repeated == 1 else "waits were"
        found.append(f"{summary.repeated} {were} repeated, because the suite itself was late")
    if summary.retried:
        tries = counted(summary.retried, "try was", "tries were")
        found.append(f"{tries} repeated, because something seemed late")
    if exploring and exploring.doubtful:
        tries = counted(exploring.doubtful, "generated try", "generated tries")
        found.append(f"{tries} missed a bound in time once and never again: not judged")
    if interrupted:
        found.append("interrupted: requirements that were not tried by then are not judged")
    return tuple(found)
