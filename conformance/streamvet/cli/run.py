"""`streamvet run`: campaigns on candidates, then verdicts, then the report. Several candidates run at the same time.

Must not know how tries are made, nor how verdicts are.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamvet.campaign import Settings
from streamvet.cli import options
from streamvet.cli import way as ways
from streamvet.cli.checking import Wanted, checked
from streamvet.cli.deadline import deadline_of
from streamvet.cli.options import Outputs
from streamvet.cli.progress import Watch
from streamvet.cli.renewed import Renewed
from streamvet.cli.subjects import Said, subjects_of
from streamvet.contract.files import FileError
from streamvet.contract.registry import load_registry
from streamvet.generation.exploring import Effort
from streamvet.probes import PROGRAM
from streamvet.recorder import now_us
from streamvet.report.comparing import against
from streamvet.report.exits import Policy
from streamvet.report.reading import load_reports
from streamvet.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.cli.subjects import Subject


def run(  # noqa: PLR0917 - one parameter an option, as typer wants it
    context: typer.Context,
    target: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET.yaml…|URL", help="Target files, checked beside each other.", show_default=False),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile",
            metavar="P",
            help="A built-in profile or a folder; required for a URL, optional with --reference.",
        ),
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="NAME=VALUE", help="For a URL: an answer to what the profile asks for; may be repeated."
        ),
    ] = None,
    cacert: ways.Cacert = None,
    cert: ways.Cert = None,
    key: ways.Key = None,
    insecure: ways.Insecure = False,
    proxy: ways.Proxy = None,
    socket: ways.Socket = None,
    http2: ways.Http2 = False,
    reference: Annotated[bool, typer.Option("--reference", help="Start the reference server and check it.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="ID|FAMILY", help="Try, report and count only these; may be repeated."),
    ] = None,
    probe: Annotated[
        list[str] | None,
        typer.Option("--probe", metavar="NAME", help="Make the tries of this probe and no others; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The same seed gives the same tries.")] = 0,
    examples: Annotated[
        int | None,
        typer.Option(
            "--examples",
            min=0,
            metavar="N",
            help="Make this many generated tries and no more; --budget may end them sooner.",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            min=0,
            callback=options.finite,
            metavar="SECONDS",
            help="Make generated tries for this long; 0: none. By default until the longest wait is over.",
        ),
    ] = None,
    time_scale: options.TimeScale = None,
    allow_commands: options.AllowCommands = False,
    strict: options.Strict = False,
    accept_incomplete: Annotated[
        bool, typer.Option("--accept-incomplete", help="Do not fail for requirements that were not exercised.")
    ] = False,
    waivers: options.Waivers = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            parser=options.named,
            metavar="REPORT.json",
            help="Fail only on what is new: a verdict that this JSON report has too does not count.",
        ),
    ] = None,
    max_wait: Annotated[
        float | None,
        typer.Option(
            "--max-wait",
            min=0,
            callback=options.finite,
            metavar="SECONDS",
            help="Skip tries that wait longer than this.",
        ),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(
            "--deadline",
            min=1,
            callback=options.finite,
            metavar="SECONDS",
            help="End after this long, reports included; by default five minutes, or 1.3 mandated waits.",
        ),
    ] = None,
    wait: options.Wait = 10.0,
    json: options.Json = None,
    junitxml: options.Junit = None,
    html: options.Html = None,
    badge: options.Badge = None,
    trace_dir: Annotated[
        Path | None,
        typer.Option("--trace-dir", metavar="DIR", help="Write traces and cases to this folder."),
    ] = None,
) -> None:
    """Check a candidate.

    The candidate is the server that a target file describes, a server at a URL, or the reference server. Several target
    files make one report.
    """
    outputs = Outputs(json, junitxml, html, badge)
    outputs.check(*(target or ()), waivers, trace_dir, baseline)
    known = load_reports(baseline)[0] if baseline else []
    options.words_of(only)
    begun_us = now_us() if context.obj is None else int(context.obj)
    notes = options.only_note(only) + ((f"no wait above {max_wait:g} s was run",) if max_wait is not None else ())
    notes += (f"no tries but those of {', '.join(probe)}",) if probe else ()
    with tempfile.TemporaryDirectory(prefix="streamvet-", ignore_cleanup_errors=True) as folder:
        way = ways.way(cacert, cert, key, insecure, proxy, socket, http2)
        subjects = subjects_of(
            target or [], profile or [], reference, time_scale, Path(folder), Said(way, answers or [])
        )  # fmt: skip
        asked = options.asked(only, waivers, "", [load_registry(one.profile) for one in subjects])
        _known(probe or (), subjects)
        options.trace_folder(trace_dir)
        end = deadline_of(begun_us, deadline, subjects, budget, seed)
        settings = Settings(
            time_scale=time_scale, max_wait_s=max_wait, wait_s=wait, seed=seed, until_us=end.tries_us,
            only=asked.only, probes=probe,
        )  # fmt: skip
        wanted = Wanted(settings, Effort(seed, budget, examples), asked, end, trace_dir, notes, allow_commands)
        with Renewed() as place:
            reports = checked(subjects, wanted, Watch(place).seen)
    if known:
        reports = [against(one, known, str(baseline)) for one in reports]
    raise typer.Exit(int(outputs.deliver(reports, Policy(strict, accept_incomplete))))


def _known(names: Sequence[str], subjects: Sequence[Subject]) -> None:
    """Hold the names of probes to those that there are.

    Raises:
        FileError: where one is unknown.
    """
    known = {one.name for subject in subjects for one in system_of(subject.profile).probes}
    for name in names:
        if name not in known:
            raise FileError("--probe", name, f"one of {', '.join(sorted(known - {PROGRAM.name}))}", "no probe")
