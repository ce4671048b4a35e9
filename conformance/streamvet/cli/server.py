"""`streamvet serve`: becomes the reference server, which the suite knows only as a process.

Must not know what the server does with its options.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from streamvet.cli.options import finite
from streamvet.reference import ENV, SERVER, need_server


def serve(  # noqa: PLR0917 - one parameter an option, as typer wants it
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile", metavar="P", help="Serve this system; if it is the only one, at the root. May be repeated."
        ),
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="The port; 0: any free one.")] = None,
    also_at: Annotated[
        list[int] | None,
        typer.Option(
            "--also-at", min=0, max=65535, metavar="PORT", help="A further port of the same process. May be repeated."
        ),
    ] = None,
    time_scale: Annotated[
        float | None,
        typer.Option(
            "--time-scale",
            min=0.0001,
            max=1000,
            callback=finite,
            metavar="X",
            help="The factor for all intervals; 0.05 is a twentieth.",
        ),
    ] = None,
    db: Annotated[
        str | None, typer.Option("--db", metavar="PATH", help="The event log's file; in memory by default.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=64, metavar="N", help="Run this many processes at one port; needs --log."),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option("--log", metavar="URL", help="redis://HOST:PORT/DB: the event log that several processes share."),
    ] = None,
    control: Annotated[
        bool, typer.Option("--control", help="Serve the control interface too; never in production.")
    ] = False,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", metavar="NAME", help="Commit this fault. May be repeated.")
    ] = None,
    nasty: Annotated[
        list[str] | None,
        typer.Option("--nasty", metavar="MODE", help="Serve in this legal form, see `list modes`. May be repeated."),
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(
            "--trace", metavar="FILE", help="Replay this recording, with its times, instead of serving systems."
        ),
    ] = None,
) -> None:
    """Run the reference server."""
    need_server()
    given = {
        "--host": host,
        "--port": port,
        "--time-scale": time_scale,
        "--db": db,
        "--trace": trace,
        "--workers": workers,
        "--log": log,
    }
    words = [word for name in profile or () for word in ("--profile", name)]
    words += [word for option, value in given.items() if value is not None for word in (option, str(value))]
    words += [word for name in fault or () for word in ("--fault", name)]
    words += [word for name in nasty or () for word in ("--nasty", name)]
    words += [word for one in also_at or () for word in ("--also-at", str(one))]
    words += ["--control"] if control else []
    sys.stdout.flush()
    os.execve(SERVER[0], [*SERVER, *words], {**ENV, **os.environ})  # noqa: S606 - the point of the command
