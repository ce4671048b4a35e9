"""`streamvet run`: campaigns on candidates, then verdicts, then the report. Several candidates run at the same time.

Must not know how tries are made, nor how verdicts are.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import shlex
import signal
import tempfile
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamvet.campaign import Settings, Summary, campaign
from streamvet.cli import options
from streamvet.cli.options import Outputs
from streamvet.cli.progress import Watch
from streamvet.contract.files import FileError
from streamvet.contract.registry import load_registry
from streamvet.contract.target import load_target, target_of
from streamvet.recorder import now_us
from streamvet.reference import DEFAULT_TIME_SCALE, accounts, free_port, reference
from streamvet.report.exits import Policy
from streamvet.report.hearing import TRACE_SUFFIX, Asked, Hearing
from streamvet.trace import dump

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target
    from streamvet.report.report import Report
    from streamvet.trace import Trace

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_NAME_CHARS = 60  # of a trace's file name before its number and suffix


@dataclass(slots=True)
class Subject:
    """A candidate and what came of it. `shown` names it in the report, `command` runs it again."""

    target: Target
    profile: Profile
    scale: float
    shown: str
    command: str
    traces: deque[Trace] = field(default_factory=deque)
    summary: Summary | None = None


def run(  # noqa: PLR0917 - one parameter an option, as typer wants it
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
    only: options.Only = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The same seed gives the same tries.")] = 0,
    time_scale: Annotated[
        float | None,
        typer.Option(
            "--time-scale", min=0.0001, max=1000, metavar="X", help="The candidate runs with every interval times this."
        ),
    ] = None,
    strict: options.Strict = False,
    accept_incomplete: Annotated[
        bool, typer.Option("--accept-incomplete", help="What was not exercised does not make the run fail.")
    ] = False,
    waivers: options.Waivers = None,
    max_wait: Annotated[
        float | None, typer.Option("--max-wait", min=0, metavar="SECONDS", help="Do not run what has to wait longer.")
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, metavar="SECONDS", help="How long the candidate may take to come up.")
    ] = 10.0,
    json: options.Json = None,
    junitxml: options.Junit = None,
    html: options.Html = None,
    badge: options.Badge = None,
    trace_dir: Annotated[
        Path | None, typer.Option("--trace-dir", metavar="DIR", help="Keep every trace there, for `streamvet judge`.")
    ] = None,
) -> None:
    """Check a candidate.

    It is the server that a target file describes, or one at a URL, or the reference server.
    """
    outputs = Outputs(json, junitxml, html, badge)
    outputs.check()
    asked = options.asked(only, waivers, "")
    settings = Settings(time_scale=time_scale, max_wait_s=max_wait, wait_s=wait, seed=seed)
    with tempfile.TemporaryDirectory(prefix="streamvet-", ignore_cleanup_errors=True) as folder:
        subjects = _subjects(target, profile or [], reference, time_scale, Path(folder))
        _prepare(trace_dir)
        started_at, begun_us = datetime.now(UTC), now_us()
        interrupted = _try_all(subjects, settings)
        notes = options.only_note(only) + (
            (f"--max-wait: no wait above {max_wait:g} s was run",) if max_wait is not None else ()
        )
        reports: list[Report] = []
        for subject in subjects:
            campaign_s = subject.summary.duration_s if subject.summary else (now_us() - begun_us) / 1e6
            facts = {"started_at": started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "seed": seed}
            heard = _Heard(subject, trace_dir, campaign_s, interrupted, notes, several=len(subjects) > 1)
            report = heard.report(dataclasses.replace(asked, command=subject.command + _seeded(seed)), facts)
            interrupted = report.interrupted
            reports.append(report)
    raise typer.Exit(int(outputs.deliver(reports, Policy(strict, accept_incomplete))))


def _seeded(seed: int) -> str:
    return f" --seed {seed}" if seed else ""


def _subjects(
    target: str | None, profiles: Sequence[str], with_reference: bool, scale: float | None, folder: Path
) -> list[Subject]:
    """The candidates that the arguments name.

    Raises:
        FileError: where one of them is not valid.
        typer.BadParameter: where the arguments do not go together.
    """
    if with_reference == (target is not None):
        raise typer.BadParameter("give a target file, a URL with --profile, or --reference")
    if with_reference:
        return _references(profiles, DEFAULT_TIME_SCALE if scale is None else scale, folder)
    assert target is not None  # noqa: S101 - said for mypy: the first condition leaves nothing else
    words = ["streamvet", "run", target]
    if target.startswith(("http://", "https://")):
        if len(profiles) != 1:
            raise typer.BadParameter("a URL needs one --profile", param_hint="--profile")
        words += ["--profile", profiles[0]]
        loaded, profile = target_of({"profile": profiles[0], "base_url": target}, Path("command line"))
    else:
        if profiles:
            raise typer.BadParameter("a target file names its profile itself", param_hint="--profile")
        loaded, profile = load_target(Path(target))
    chosen = loaded.time_scale if scale is None else scale
    words += ["--time-scale", f"{scale:g}"] if scale is not None else []
    return [Subject(loaded, profile, chosen, loaded.base_url, shlex.join(words))]


def _references(profiles: Sequence[str], scale: float, folder: Path) -> list[Subject]:
    given = accounts()
    subjects: list[Subject] = []
    for name in dict.fromkeys(profiles or given):
        if name not in given:
            raise FileError(
                "--profile", name, f"one of {', '.join(given)}", "a profile that the reference server has not"
            )
        target, profile = reference(name, given[name], folder, free_port(), time_scale=scale)
        words = ["streamvet", "run", "--reference", "--profile", name, "--time-scale", f"{scale:g}"]
        subjects.append(Subject(target, profile, scale, "the reference server", shlex.join(words)))
    return subjects


def _prepare(trace_dir: Path | None) -> None:
    if trace_dir is None:
        return
    try:
        trace_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(trace_dir, "", "a folder for traces", error.strerror or "an error") from error


def _try_all(subjects: Sequence[Subject], settings: Settings) -> bool:
    """Run the campaigns beside each other; gives whether they were interrupted."""
    try:
        asyncio.run(_campaigns(subjects, settings))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return True
    return False


async def _campaigns(subjects: Sequence[Subject], settings: Settings) -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with Watch() as watch:

        async def one(subject: Subject) -> None:
            name = subject.profile.name
            subject.summary = await campaign(
                subject.target, subject.profile, dataclasses.replace(settings, time_scale=subject.scale),
                subject.traces.append, lambda progress: watch.seen(name, progress),
            )  # fmt: skip

        await asyncio.gather(*(one(subject) for subject in subjects))


@dataclass(slots=True)
class _Heard:
    """A subject while its traces are judged and, where wanted, written."""

    subject: Subject
    trace_dir: Path | None
    campaign_s: float
    interrupted: bool
    notes: tuple[str, ...]
    several: bool
    names: dict[str, int] = field(default_factory=dict)

    def report(self, asked: Asked, facts: dict[str, object]) -> Report:
        """Judge all traces, letting go of each; an interruption ends it with what was judged so far."""
        subject, begun_us = self.subject, now_us()
        hearing = Hearing(subject.profile, load_registry())
        try:
            while subject.traces:
                trace = subject.traces.popleft()
                hearing.hear(dataclasses.replace(trace, name=self._keep(trace)))
        except KeyboardInterrupt:
            self.interrupted = True
        summary = subject.summary or Summary(mandated_wait_s=subject.profile.mandated_wait_s(subject.scale))
        for requirement, reason in summary.skipped:
            hearing.bench.skipped(requirement, reason)
        return hearing.report(
            asked, target=subject.shown, time_scale=subject.scale, lacks=subject.target.lacks,
            duration_s=self.campaign_s + (now_us() - begun_us) / 1e6, mandated_wait_s=summary.mandated_wait_s,
            errors=tuple(summary.errors), interrupted=self.interrupted, notes=self._notes(summary), **facts,
        )  # fmt: skip

    def _keep(self, trace: Trace) -> str:
        """Write a trace where traces are kept; gives its file, "" where it has none.

        Raises:
            FileError: where it cannot be written.
        """
        if self.trace_dir is None:
            return ""
        parts = [trace.probe, str(trace.stimulus.get("name", "")), str(trace.stimulus.get("kind", ""))]
        if self.several:
            parts.insert(0, trace.profile)
        name = "-".join(filter(None, (_NOT_IN_NAMES.sub("-", part.lower()).strip("-") for part in parts)))[:_NAME_CHARS]
        self.names[name] = self.names.get(name, 0) + 1
        number = f"-{self.names[name]}" if self.names[name] > 1 else ""
        path = self.trace_dir / f"{name}{number}{TRACE_SUFFIX}"
        try:
            with path.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(dump(trace))
        except OSError as error:
            raise FileError(path, "", "a file that can be written", error.strerror or "an error") from error
        return str(path)

    def _notes(self, summary: Summary) -> tuple[str, ...]:
        found = list(self.notes)
        if self.subject.scale != 1:
            found.append(f"timings were scaled by {self.subject.scale:g}")
        if self.subject.target.lacks:
            found.append(f"the target lacks {', '.join(self.subject.target.lacks)}")
        if summary.repeated:
            found.append(f"{summary.repeated} waits were repeated, as the suite itself was late")
        if self.interrupted:
            found.append("interrupted: what was not tried by then is not judged")
        return tuple(found)
