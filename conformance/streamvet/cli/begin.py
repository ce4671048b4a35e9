"""`streamvet init`: the files with which a user begins, a target file or a whole profile folder.

Must not know how a stream is observed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streamvet.cli import drafting, options
from streamvet.cli import way as ways
from streamvet.cli.console import say
from streamvet.cli.looking import Body, Fields, Method, Seconds  # noqa: TC001 - typer reads the annotations
from streamvet.cli.target_form import target_text
from streamvet.contract.loading import load_profile
from streamvet.observing.asking import SECONDS
from streamvet.observing.question import question_of


def init(  # noqa: PLR0917 - one parameter an option, as typer wants it
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="P", help="The profile: a built-in one, or a folder.")
    ] = None,
    observe: Annotated[
        str | None, typer.Option("--observe", metavar="URL", help="Draft a profile of the stream at this URL.")
    ] = None,
    capture: Annotated[
        str | None,
        typer.Option("--capture", metavar="FILE", help="Draft a profile of captured bytes or of a trace; - for stdin."),
    ] = None,
    openapi: Annotated[
        str | None,
        typer.Option(
            "--openapi", metavar="FILE", help="Draft a profile of a stream in an OpenAPI 3.1 or 3.2 document."
        ),
    ] = None,
    operation: Annotated[
        str | None,
        typer.Option(
            "--operation", metavar="'GET /path'", help="The operation to use if the document has several streams."
        ),
    ] = None,
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
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=options.named,
            metavar="DIR",
            help="The new folder; by default it is named after the stream.",
        ),
    ] = None,
) -> None:
    """Print a target file to fill in, or draft a profile folder.

    A drafted folder describes a stream that is read now, was captured, or is described in a document. It has a target
    file.
    """
    sources = {"--profile": profile, "--observe": observe, "--capture": capture, "--openapi": openapi}
    given = [name for name, value in sources.items() if value is not None]
    if len(given) > 1:
        raise typer.BadParameter(f"give one of {', '.join(sources)}; got {' and '.join(given)}")
    way = ways.way(cacert, cert, key, insecure, proxy, socket, http2)
    if observe is None and (method is not None or body is not None or header or way.options):
        raise typer.BadParameter("options of the request need --observe URL")
    if operation is not None and openapi is None:
        raise typer.BadParameter("it needs --openapi FILE", param_hint="--operation")
    if observe is not None:
        drafting.observe(question_of(observe, method, header or [], body), way, seconds, out)
    elif capture is not None:
        drafting.capture(capture, out)
    elif openapi is not None:
        drafting.document(Path(openapi), operation, out)
    elif out is not None:
        raise typer.BadParameter(
            "it needs --observe, --capture or --openapi; a target file is printed", param_hint="--out"
        )
    else:
        name = profile or "ghostly"
        say(target_text(name, load_profile(name, Path.cwd())))
