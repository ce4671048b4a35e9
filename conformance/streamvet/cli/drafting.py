"""`streamvet init --observe`, `--capture` and `--openapi`: a profile folder of a stream, its target, and its bytes.

Must not know how anything is guessed, nor how it is written down.
"""

from __future__ import annotations

import itertools
import re
import shlex
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet.cli.console import say
from streamvet.cli.looking import look
from streamvet.cli.target_form import BASE_URL, target_text
from streamvet.contract.files import FileError, read_yaml
from streamvet.contract.intake import MOST_CAPTURED_BYTES, STDIN, is_there, read_bytes
from streamvet.contract.loading import load_profile
from streamvet.contract.records import wrong_in
from streamvet.masking import veiled
from streamvet.observing.described import base_of, folder_of
from streamvet.observing.drafting import Draft, draft
from streamvet.observing.guess import Guess, guess
from streamvet.observing.openapi import chosen, document_of
from streamvet.observing.sample import SSE, framing_of, sampled
from streamvet.report.printable import counted
from streamvet.trace import Ending, Exchange, Head, Request, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.cli.way import Way
    from streamvet.observing.question import Question

_SUFFIX = {"sse": ".sse", "ndjson": ".ndjson"}
_MOST_FOLDERS = 100
_FIRST_RECORD = re.compile(rb'\s*\{\s*"record"\s*:\s*"trace"')


def observe(question: Question, way: Way, seconds: float, out: Path | None) -> None:
    """Draft the profile of the stream that a question asks for.

    Raises:
        NoStream: where there is none.
        FileError: where the folder is there already, or cannot be made.
    """
    _check_new(out)
    looked = look(question, way, seconds, to_the_end=True)
    drafted = draft(looked.guess, question, question.shown)
    _keep(drafted, looked.guess, looked.heard.main.body, out, question, way)


def capture(name: str, out: Path | None) -> None:
    """Draft the profile of a captured stream: body bytes, or a trace, of which the longest stream counts.

    Raises:
        FileError: where the file cannot be read, or is no stream; where the folder is there already.
    """
    _check_new(out)
    body = read_bytes(name, MOST_CAPTURED_BYTES)
    found = _longest(body, name) if _FIRST_RECORD.match(body) else None
    exchange = found or _captured(body)
    media_type = exchange.head.media_type if exchange.head else ""
    framing = framing_of(media_type, exchange.body, ended=False)
    if framing is None:
        raise FileError(name, "", "an SSE stream, or one JSON document per line", "neither")
    sample = sampled(exchange, framing, timed=found is not None)
    guessed = guess(sample, ended=found is not None and found.by_server)
    source = "stdin" if name == STDIN else Path(name).name
    _keep(draft(guessed, None, source), guessed, exchange.body, out, None, None)


def _longest(body: bytes, name: str) -> Exchange:
    """The stream of a trace that has most bytes.

    Raises:
        FileError: where it has none.
        TraceError: where it is no trace.
    """
    lines = body.decode("utf-8", "replace").splitlines(keepends=True)
    streams = [one for one in load(lines, name, wrong_in).exchanges if one.about.get("meant") == "stream" and one.body]
    if not streams:
        raise FileError(name, "", "a trace with a stream", "none in it")
    return max(streams, key=lambda one: len(one.body))


def _captured(body: bytes) -> Exchange:
    """Captured bytes as an exchange, of which nothing else is known."""
    return Exchange(
        id="x1", operation="attach", role="reader", about={"meant": "stream"}, request=Request("GET", "", (), None),
        sent_us=0, head=Head(200, "HTTP/1.1", (), 0), body=body, ends=array("q", [len(body)] if body else []),
        times=array("q", [0] if body else []), ending=Ending.CUT, ended_us=0, detail="the end of the capture",
    )  # fmt: skip


def _check_new(out: Path | None) -> None:
    if out is not None and is_there(out):
        raise FileError(out, "--out", "a folder that does not exist yet", "an existing one")


def _free(name: str) -> Path:
    """A folder of that name here that is not there yet."""
    names = itertools.chain([name], (f"{name}-{number}" for number in range(2, _MOST_FOLDERS)))
    return next((Path(one) for one in names if not is_there(Path(one))), Path(f"{name}-{_MOST_FOLDERS}"))


def document(path: Path, operation: str | None, out: Path | None) -> None:
    """Draft the profile of a stream that an OpenAPI document describes.

    Raises:
        FileError: where it is none, or has no stream; where the folder is there already.
    """
    _check_new(out)
    described = document_of(read_yaml(path), path)
    stream, others = chosen(described, operation)
    drafted = folder_of(described, stream, others, path.name)
    folder = _made(drafted, out, base_of(described))
    where = shlex.quote(str(folder))
    left = [f"  left out: {what}" for what in dict.fromkeys(described.left_out)]
    other = [f"  another stream: --operation {shlex.quote(name)}" for name in others]
    told = [
        f"{folder}: drafted from {stream.name} of {path}",
        f"  profile.yaml, {counted(len(drafted.files) - 1, 'schema')}, target.yaml", *left, *other,
        "Its comments mark what the document says, what is guessed, and what you have to decide. Then:",
        f"  streamvet check-profile {where}",
        f"  streamvet run {shlex.quote(str(folder / 'target.yaml'))}",
    ]  # fmt: skip
    say("\n".join(told))


def _made(
    drafted: Draft, out: Path | None, base_url: str | None, more: Mapping[str, bytes] | None = None,
    way: Mapping[str, Any] | None = None,
) -> Path:  # fmt: skip
    """The folder of a draft, with its target file and other files.

    Raises:
        FileError: where it cannot be made.
    """
    folder = _free(drafted.name) if out is None else out
    try:
        write(drafted, folder)
        profile = load_profile(str(folder.resolve()))
        target = target_text(".", profile, base_url or BASE_URL, way or {})
        (folder / "target.yaml").write_text(veiled(target), encoding="utf-8")
        for name, data in (more or {}).items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise FileError(folder, "", "a folder that can be made", error.strerror or "an error") from error
    return folder


def _keep(  # noqa: PLR0917 - each is another part of the folder
    drafted: Draft, guessed: Guess, body: bytes, out: Path | None, question: Question | None, way: Way | None
) -> None:
    """Write the folder, and say what is in it and what comes next."""
    bytes_name = f"captured{_SUFFIX[drafted.framing]}"
    folder = _made(drafted, out, question.base if question else None, {bytes_name: body}, way.placed if way else None)
    where = shlex.quote(str(folder))
    say(
        f"{folder}: drafted from {counted(len(guessed.sample.events), 'event')}\n"
        f"  profile.yaml  {', '.join(_told(guessed))}\n"
        f"  events/       {counted(len(drafted.files) - 1, 'schema')}, inferred\n"
        f"  target.yaml   the server, and how runs are started\n"
        f"  {bytes_name}  the bytes that were read\n"
        f"Its comments mark what was seen, what is guessed, and what you have to decide. Then:\n"
        f"  streamvet check-profile {where}\n"
        f"  streamvet judge --raw {drafted.framing} --profile {where} {shlex.quote(str(folder / bytes_name))}\n"
        f"  streamvet run {shlex.quote(str(folder / 'target.yaml'))}"
    )


def _told(guessed: Guess) -> list[str]:
    """What was found out, in a few words."""
    said = ["SSE" if guessed.framing == SSE else "NDJSON", counted(len(guessed.counts), "type")]
    said += [f"numbered at {one.place}" for one in guessed.numberings[:1]]
    if guessed.beat:
        interval_ms = guessed.beat.interval_ms
        said.append(f"a heartbeat every {interval_ms} ms" if interval_ms else "a heartbeat of unknown interval")
    return [*said, f"ended by {guessed.last}" if guessed.last else "no end"]


def write(drafted: Draft, folder: Path) -> None:
    """Write the files of a draft into a folder, which is made.

    Raises:
        OSError: where that cannot be.
    """
    for name, text in drafted.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(veiled(text), encoding="utf-8")
