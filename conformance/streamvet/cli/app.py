"""The commands by name. Must not know what they do."""

from __future__ import annotations

from typing import Annotated

import typer

from streamvet import __version__
from streamvet.cli import begin, judge_traces, profile_folder, proving, replaying, run, server, show
from streamvet.cli.console import say

app = typer.Typer(
    name="streamvet",
    help="Conformance suite for HTTP progress-event streams: Server-Sent Events and NDJSON.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 conformant, 1 violated, 2 usage, 3 unreachable or incomplete, 4 our error, 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        say(__version__)
        raise typer.Exit


@app.callback()
def _whole(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Conformance suite for HTTP progress-event streams: Server-Sent Events and NDJSON."""


app.command("run")(run.run)
app.command("judge")(judge_traces.judge)
app.command("serve")(server.serve)
app.command("prove")(proving.prove)
app.command("replay")(replaying.replay)
app.add_typer(show.listing, name="list")
app.command("explain")(show.explain)
app.command("init")(begin.init)
app.command("check-profile")(profile_folder.check_profile)
