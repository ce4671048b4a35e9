"""`streamvet check`: a stream without a profile, read as a stranger may, and what every stream owes.

A profile is drafted from what was observed, and judges by the rows that rest on no promise of it. Must not know how a
guess is made, nor how a verdict is.
"""

from __future__ import annotations

import dataclasses
import shlex
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from streamvet.cli import options
from streamvet.cli import way as ways
from streamvet.cli.console import say
from streamvet.cli.drafting import write
from streamvet.cli.looking import Body, Fields, Looked, Method, Seconds, look
from streamvet.cli.options import Outputs
from streamvet.contract.evidence import Evidence
from streamvet.contract.loading import profile_of
from streamvet.contract.registry import load_registry
from streamvet.observing.arrivals import held
from streamvet.observing.asking import SECONDS
from streamvet.observing.drafting import START, Draft, draft
from streamvet.observing.question import question_of
from streamvet.observing.remarks import remarks
from streamvet.report import glance
from streamvet.report.building import Asked, ReportBuilder
from streamvet.report.exits import Policy, exit_code
from streamvet.systems import system_of
from streamvet.trace import Trace

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.observing.question import Question
    from streamvet.report.report import Report

# Of SSE the media type is no promise: a client that gets another one fails the connection (WHATWG HTML, 9.2.3).
_TYPE_OF_SSE = "TRN-02"
# What is not exercised is nobody's fault: one look cannot bring it about.
_POLICY = Policy(accept_incomplete=True)


def check(  # noqa: PLR0917 - one parameter an option, as typer wants it
    url: Annotated[str, typer.Argument(metavar="URL", help="The URL of the stream.", show_default=False)],
    method: Method = None,
    body: Body = None,
    header: Fields = None,
    seconds: Seconds = SECONDS,
    cacert: ways.Cacert = None,
    cert: ways.Cert = None,
    key: ways.Key = None,
    insecure: ways.Insecure = False,
    proxy: ways.Proxy = None,
    socket: ways.Socket = None,
    http2: ways.Http2 = False,
    json_report: Annotated[
        Path | None,
        typer.Option("--json-report", parser=options.named, metavar="FILE", help="Write the report as JSON."),
    ] = None,
) -> None:
    """Check any stream, without a profile.

    Reads the stream for less than a minute, and prints its violations of what holds for every stream, and observations.
    Only a GET is sent more than once.
    """
    question = question_of(url, method, header or [], body)
    way = ways.way(cacert, cert, key, insecure, proxy, socket, http2)
    outputs = Outputs(json_report)
    outputs.check()
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    report = checked(look(question, way, seconds), question, started_at)
    following = shlex.join(["streamvet", "init", "--observe", *question.words(hidden=True), *way.words])
    outputs.write([report], _POLICY)
    say(glance.render(report, _POLICY, following))
    raise typer.Exit(int(exit_code([report], _POLICY)))


def checked(looked: Looked, question: Question, started_at: str = "") -> Report:
    """The report on what was seen of a stream: verdicts on what every stream owes, and observations."""
    heard = looked.heard
    drafted = draft(looked.guess, question, question.shown)
    with tempfile.TemporaryDirectory(prefix="streamvet-") as folder:
        profile = _profile_in(Path(folder), drafted, looked)
        registry, system = load_registry(profile), system_of(profile)
        builder = ReportBuilder(profile, registry, system.checks)
        operation = next(iter(profile.operations))
        exchanges = tuple(dataclasses.replace(one, operation=operation) for one in heard.exchanges)
        builder.add(
            Trace(
                probe="check", stimulus={"name": "one look"}, exchanges=exchanges, profile=profile.name,
                digest=profile.digest, revision=registry.revision, wall_clock=heard.wall_clock, late=heard.late,
            )
        )  # fmt: skip
        return builder.report(
            Asked(only=owed(profile)), target=question.shown, started_at=started_at, duration_s=heard.seconds,
            mandated_wait_s=0.0, evidence=frozenset({Evidence.BLACK_BOX}), pinned=1,
            eventless=not looked.guess.sample.events, observations=tuple(map(tuple, remarks(heard, looked.guess))),
        )  # fmt: skip


def owed(profile: Profile) -> frozenset[str]:
    """What a stream owes whatever it promises: the rows that rest on a standard or on this specification."""
    rows = load_registry(profile).testable(profile)
    found = {row.id for row in rows if row.on(profile).basis.keys() & {"standard", "specification"}}
    return frozenset(found | ({_TYPE_OF_SSE} if profile.framing == "sse" else set()))


def _profile_in(folder: Path, drafted: Draft, looked: Looked) -> Profile:
    """The profile that was drafted. Where events say when they happened, and came later, it says where they say so.

    Such events are held to the request, as the stream of a push is.
    """
    write(drafted, folder)
    raw: dict[str, Any] = yaml.safe_load(drafted.files["profile.yaml"])
    late = held(looked.guess.sample, looked.heard.wall_clock)
    if late is not None:
        raw["events"]["time"] = late.place
        raw |= {"streams": "push", "operations": {START: next(iter(raw["operations"].values()))}}
    return profile_of(raw, folder / "profile.yaml")
