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
        str | None, typer.Option("--observe", metavar="URL", help="Draft a profile of the stream that is there.")
    ] = None,
    capture: Annotated[
        str | None,
        typer.Option("--capture", metavar="FILE", help="Draft one of captured bytes, of a trace, or of - for stdin."),
    ] = None,
    openapi: Annotated[
        str | None,
        typer.Option("--openapi", metavar="FILE", help="Draft one of a stream in an OpenAPI document, 3.1 or 3.2."),
    ] = None,
    operation: Annotated[
        str | None,
        typer.Option("--operation", metavar="'GET /path'", help="Of several streams of the document this one."),
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
            "--out", parser=options.named, metavar="DIR", help="The new folder; else one named after the stream."
        ),
    ] = None,
) -> None:
    """Print a target file to fill in, or draft a profile folder.

    The folder is of a stream that is read, was captured, or is described, with a target file in it.
    """
    sources = {"--profile": profile, "--observe": observe, "--capture": capture, "--openapi": openapi}
    given = [name for name, value in sources.items() if value is not None]
    if len(given) > 1:
        raise typer.BadParameter(f"give one of {', '.join(sources)}; got {' and '.join(given)}")
    way = ways.way(cacert, cert, key, insecure, proxy, socket, http2)
    if observe is None and (method is not None or body is not None or header or way.options):
        raise typer.BadParameter("a request needs --observe with its URL")
    if operation is not None and openapi is None:
        raise typer.BadParameter("an operation needs --openapi with its document", param_hint="--operation")
    if observe is not None:
        drafting.observe(question_of(observe, method, header or [], body), way, seconds, out)
    elif capture is not None:
        drafting.capture(capture, out)
    elif openapi is not None:
        drafting.document(Path(openapi), operation, out)
    elif out is not None:
        raise typer.BadParameter("a target file is printed", param_hint="--out")
    else:
        name = profile or "ghostly"
        say(target_text(name, load_profile(name, Path.cwd())))
