"""`streamvet judge`: verdicts from recorded traces, or from captured body bytes, without a network.

Must not know how traces are made, nor how verdicts are.
"""

from __future__ import annotations

import re
import shlex
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamvet.cli import options
from streamvet.cli.options import Outputs
from streamvet.contract.asks import as_answered
from streamvet.contract.evidence import Evidence
from streamvet.contract.intake import MOST_CAPTURED_BYTES, STDIN, FileError, read_bytes, read_lines
from streamvet.contract.loading import load_profile
from streamvet.contract.profile import matches
from streamvet.contract.records import wrong_in
from streamvet.contract.registry import load_registry
from streamvet.decode import bounded, ended_otherwise, reading, streams, unended_kind
from streamvet.levels import lowest, lowest_of_probes, of_bytes, of_trace
from streamvet.outcome import NotExercised
from streamvet.report.building import NOT_ALLOWED, Asked, ReportBuilder
from streamvet.report.exits import Policy
from streamvet.systems import system_of
from streamvet.trace import Ending, Exchange, Head, Request, Trace, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check
    from streamvet.report.report import Report
    from streamvet.system import System

_FIRST_RECORD = re.compile(r'\s*\{\s*"record"\s*:\s*"trace"')


class Framing(StrEnum):
    """What captured bytes are."""

    SSE = "sse"
    NDJSON = "ndjson"


_MEDIA_TYPES = {Framing.SSE: "text/event-stream", Framing.NDJSON: "application/x-ndjson"}


def judge(  # noqa: PLR0917 - one parameter an option, as typer wants it
    files: Annotated[
        list[str], typer.Argument(metavar="TRACE…", help="Trace files, .gz too; - reads stdin.", show_default=False)
    ],
    raw: Annotated[
        Framing | None,
        typer.Option("--raw", help="The files are captured bodies, as from `curl -N`; needs --profile."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="P", help="Judge by this profile: a built-in one, or a folder.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="KIND",
            help="With --raw: the kind of run, such as `build`, if the profile has several.",
        ),
    ] = None,
    ended: Annotated[
        bool,
        typer.Option("--ended", help="With --raw: the server has closed the stream, even if its bytes do not show it."),
    ] = False,
    only: options.Only = None,
    allow_commands: options.AllowCommands = False,
    strict: options.Strict = False,
    waivers: options.Waivers = None,
    json: options.Json = None,
    junitxml: options.Junit = None,
    html: options.Html = None,
    badge: options.Badge = None,
) -> None:
    """Judge recorded traces.

    Requirements that the traces do not exercise do not change the exit code, unless they exercise none.
    """
    outputs = Outputs(json, junitxml, html, badge)
    outputs.check(*files, waivers)
    if raw is not None and profile is None:
        raise typer.BadParameter("--raw needs --profile, which says what the bytes should be", param_hint="--profile")
    if raw is None and (start is not None or ended):
        raise typer.BadParameter("a trace says so itself", param_hint="--start" if start is not None else "--ended")
    chosen = load_profile(profile, Path.cwd()) if profile is not None else None
    bytes_of = Captured(raw, chosen, start, ended=ended) if raw is not None and chosen is not None else None
    again = shlex.join(["streamvet", "judge", *bytes_of.words(str(profile)), *files]) if bytes_of else ""
    asked = options.asked(only, waivers, again, [load_registry(chosen)])
    withheld = OF_BYTES if raw else "" if allow_commands else NOT_ALLOWED
    reports = judged(
        bytes_of.traces(files) if bytes_of else traces_in(files), asked, source_of(files), profile=chosen,
        captured=bytes_of, notes=options.only_note(only), withheld=withheld,
    )  # fmt: skip
    raise typer.Exit(int(outputs.deliver(reports, Policy(strict))))


def judged(
    traces: Iterable[Trace], asked: Asked, source: str, *, profile: Profile | None = None,
    captured: Captured | None = None, notes: tuple[str, ...] = (), withheld: str = NOT_ALLOWED,
) -> list[Report]:  # fmt: skip
    """The reports on these traces, one for each profile that they are of, as the answers of their targets have it.

    Who interrupts has those on what is judged.

    Raises:
        TraceError: where a file is not a trace.
        FileError: where a trace is of another profile, or of other rules.
        KeyboardInterrupt: where nothing was judged by then.
    """
    builders: dict[tuple[str, str], tuple[ReportBuilder, dict[str, Any], System]] = {}
    interrupted = False
    try:
        for trace in traces:
            key = (trace.profile, str(sorted(trace.answers.items())))
            if key not in builders:
                found = profile or load_profile(trace.profile, named_in=trace.name)
                found = as_answered(found, trace.answers, trace.name)
                system = system_of(found)
                checks = _checks_of_bytes(found, system, captured.kind) if captured else system.checks
                builders[key] = (
                    ReportBuilder(found, load_registry(found), checks, withheld),
                    _facts(trace, found) | {"levels": _levels(found, system, captured)},
                    system,
                )
            builder, facts, system = builders[key]
            if captured:
                events = sum(map(_events, streams(trace, builder.profile)))
                facts |= {"evidence": frozenset({Evidence.CAPTURE}), "events": facts.get("events", 0) + events}
                if not events:
                    facts["eventless"] = True
                    notes = (*notes, f"no event in {trace.name}")
            else:
                shown = of_trace(trace, system)
                facts["evidence"] = facts.get("evidence", frozenset()) | shown
            builder.add(trace)
    except KeyboardInterrupt:  # what was judged of the trace at hand counts too: a finding is one wherever it is from
        if not builders:
            raise
        interrupted, notes = True, (*notes, "interrupted: traces that were not judged by then are not in the verdicts")
    return [
        builder.report(
            asked, target=source, offline=True, notes=(*notes, *facts.pop("scaled")), interrupted=interrupted, **facts
        )
        for builder, facts, _ in builders.values()
    ]


def _facts(first: Trace, profile: Profile) -> dict[str, Any]:
    """What the first trace says of all of them."""
    begun = datetime.fromtimestamp(max(first.wall_clock, 0.0), UTC)
    return {
        "started_at": begun.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration_s": 0.0,
        "mandated_wait_s": profile.mandated_wait_s(first.time_scale),
        "time_scale": first.time_scale,
        "lacks": first.lacks,
        "scaled": (f"timings were scaled by {first.time_scale:g}",) if first.time_scale != 1 else (),
    }


def source_of(files: list[str]) -> str:
    """The files as a report names what it judged."""
    return files[0] if len(files) == 1 else f"{len(files)} files, {files[0]} and on"


# ------------------------------------------------------------------------------------------------ traces


def traces_in(files: Iterable[str]) -> Iterator[Trace]:
    """The traces of files, each of which may hold several."""
    for name in files:
        yield from _split(read_lines(name), "stdin" if name == STDIN else name)


def _split(file: Iterator[str], name: str) -> Iterator[Trace]:
    """The traces that stand one after the other in a file: each begins with its own record."""
    left: list[str] = []  # the line that ended the trace before
    number = 0

    def lines() -> Iterator[str]:
        if left:
            yield left.pop()
        for line in file:
            if _FIRST_RECORD.match(line) and started:
                left.append(line)
                return
            started.append(True)
            yield line

    while number == 0 or left:
        number += 1
        started: list[bool] = [True] if left else []
        yield load(lines(), name if number == 1 else f"{name} (trace {number})", wrong_in)


# ------------------------------------------------------------------------------------------------ bytes


OF_BYTES = "bytes alone do not tell"


def _beyond_bytes(_trace: Trace, _profile: Profile) -> NotExercised:
    return NotExercised(OF_BYTES)


def _events(one: Reading) -> int:
    """How many events it has, heartbeats that are events too."""
    return len(one.events) + sum(bool(beat.kind) for beat in one.beats)


def _checks_of_bytes(profile: Profile, system: System, kind: str | None) -> Mapping[str, Check]:
    """The checks of a system, where bytes alone tell."""
    told = of_bytes(profile, system, kind)
    return {one: check if one in told else _beyond_bytes for one, check in system.checks.items()}


def _ends_by_itself(exchange: Exchange, profile: Profile) -> bool:
    """Whether captured bytes hold a terminal event: elsewhere nobody knows whether the server or Ctrl-C ended them.

    One whose end alone is missing is whole: nobody cuts a stream just there.
    """
    rule = profile.terminal
    if rule is None:
        return False
    one, kinds = reading(exchange, profile), (*rule.events, *rule.last)
    unended = unended_kind(one)
    return bool(one.of(kinds)) or (unended is not None and matches(unended, kinds))


@dataclass(frozen=True, slots=True)
class Captured:
    """What is known of captured bytes besides themselves."""

    framing: Framing
    profile: Profile
    start: str | None  # the kind of run that the user names
    ended: bool  # the user says that it was the server who closed the stream

    def __post_init__(self) -> None:
        """Refuse what the profile does not have.

        Raises:
            FileError: where it has another framing.
            BadParameter: where it has no such kind of run.
        """
        name, kinds = self.profile.name, [one.kind for one in self.profile.starts]
        if self.profile.framing != self.framing.value:
            want = f"{self.profile.framing}, the framing of {name}"
            raise FileError("--raw", self.framing.value, want, self.framing.value)
        if self.start is not None and self.start not in kinds:
            want = f"one of {', '.join(kinds)}" if kinds else f"{name} starts no runs"
            raise typer.BadParameter(f"{want}, got {self.start!r}", param_hint="--start")

    @property
    def kind(self) -> str | None:
        """The kind of the run, None where the profile has several or none."""
        starts = self.profile.starts
        return starts[0].kind if len(starts) == 1 else self.start

    def words(self, profile: str) -> list[str]:
        """The options with which the same bytes are judged again."""
        start = ["--start", self.start] if self.start else []
        return ["--raw", self.framing.value, "--profile", profile, *start, *(["--ended"] if self.ended else [])]

    def traces(self, files: Iterable[str]) -> Iterator[Trace]:
        """A trace for each file, as if its bytes had come at once on a stream that was read from its beginning.

        Raises:
            FileError: where a file cannot be read.
        """
        operation = next((one.name for one in self.profile.operations.values() if one.streams), "attach")
        media_type = _MEDIA_TYPES[self.framing]
        about = {"meant": "stream", "account": "primary", "run": "r1"} | ({"kind": self.kind} if self.kind else {})
        for name in files:
            body = read_bytes(name, MOST_CAPTURED_BYTES)
            exchange = Exchange(
                id="x1", operation=operation, role="reader", about=about,
                request=Request("GET", name, (), None), sent_us=0,
                head=Head(200, "HTTP/1.1", (("Content-Type", media_type),), 0), body=body,
                ends=array("q", [len(body)] if body else []), times=array("q", [0] if body else []),
                ending=Ending.COMPLETE, ended_us=0,
            )  # fmt: skip
            del body  # of which the exchange may keep the beginning alone
            exchange = bounded(exchange, self.profile)
            by_server = self.ended or _ends_by_itself(exchange, self.profile)
            if exchange.ending is Ending.COMPLETE and not by_server:
                exchange = ended_otherwise(exchange, self.profile, Ending.CUT, "the end of the capture")
            yield Trace(
                probe="raw", stimulus={"name": "captured bytes"}, exchanges=(exchange,), profile=self.profile.name,
                digest=self.profile.digest, revision=load_registry().revision, name=name,
            )  # fmt: skip


def _levels(profile: Profile, system: System, captured: Captured | None) -> Mapping[str, Evidence]:
    return lowest(profile, system, captured.kind) if captured else lowest_of_probes(profile, system)
