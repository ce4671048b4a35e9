"""`streamvet doctor`: one look at a candidate before any run, and what its target file lacks.

Must not know how the look is taken, nor how tries are planned.
"""

from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from streamvet.campaign import Look, look_at, reach_of
from streamvet.cli import options  # noqa: TC001 - typer reads the annotations
from streamvet.cli.console import say
from streamvet.contract.evidence import Evidence, highest
from streamvet.contract.target import load_target
from streamvet.decode import frames
from streamvet.framing.frame import Kind
from streamvet.outcome import arrival_us
from streamvet.report.exits import Exit
from streamvet.report.printable import counted, printable, printable_bytes
from streamvet.report.timeline import label, request_line
from streamvet.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamvet.campaign import Reach
    from streamvet.contract.profile import Profile
    from streamvet.contract.target import Target
    from streamvet.framing.frame import Frame
    from streamvet.trace import Exchange

_SHOWN_FRAMES = 8
_FRAME_CHARS = 78
_FIELDS = ("content-type", "cache-control", "content-encoding", "transfer-encoding", "x-accel-buffering", "location")
_WIDTH = 100
_EVENTS = (Kind.EVENT, Kind.LINE)


def doctor(
    target: Annotated[Path, typer.Argument(metavar="TARGET.yaml", show_default=False)],
    time_scale: options.TimeScale = None,
    wait: options.Wait = 10.0,
) -> None:
    """Look at a candidate before a run, and list what the target file lacks.

    It connects, logs in, starts one run and prints the stream. For each part that the target file lacks, it lists the
    requirements that the part would add. Exit code 0: a stream was read; 3: none was.
    """
    loaded, profile = load_target(target)
    look = asyncio.run(look_at(loaded, profile, loaded.time_scale if time_scale is None else time_scale, wait))
    text, sound = _seen(look, loaded, profile)
    reach = reach_of(look.setting, system_of(profile))
    say(text.append_text(_missing(reach, loaded)))
    if not sound:
        raise typer.Exit(int(Exit.INCOMPLETE))


def _seen(look: Look, target: Target, profile: Profile) -> tuple[Text, bool]:
    """What was seen, and whether it was a stream with an event."""
    text = Text()
    _row(text, "target", f"{target.file}: {profile.name}, {profile.title}, at {target.base_url}")
    _row(text, "up", look.up or "it answers")
    _row(text, "control", _control(look, target))
    if look.let_in is not None:
        _row(text, "account", _account(look, target), ok=look.let_in)
    if look.stream is None:
        _row(text, "stream", look.why or "none: access was refused", ok=False)
        return text, False
    exchange = look.exchanges[look.stream]
    if (start := _start(look)) is not None:
        _answer(text, "start", start)
    if look.run_id:
        _row(text, "run", look.run_id)
    _answer(text, "stream", exchange)
    found = list(frames(exchange, profile))
    for line in _frames(exchange, found, profile):
        text.append(f"{line}\n")
    _row(
        text,
        "ended",
        ", ".join(filter(None, (_ms(exchange, exchange.ended_us), exchange.ending.value, exchange.detail))),
    )
    events = sum(one.kind in _EVENTS for one in found)
    if not events:
        _row(text, "events", "none came", ok=False)
    return text, bool(events) and (look.let_in is not False)


def _control(look: Look, target: Target) -> str:
    if target.control is None:
        return "none in the target file"
    return f"{target.control} can {', '.join(sorted(look.setting.can)) or 'nothing'}"


def _account(look: Look, target: Target) -> str:
    if not target.credentials:
        return "no credentials in the target file"
    login = next((one for one in look.exchanges if one.operation == "login"), None)
    if login is None:
        return "the target file has a token or a cookie"
    said = f"{request_line(login)} is answered {login.status} in {_ms(login, login.head.at_us)}" if login.head else (
        f"{request_line(login)} is not answered: {login.ending.value}"
    )  # fmt: skip
    return said if look.let_in else f"{said}; it has no token or cookie where the profile says"


def _start(look: Look) -> Exchange | None:
    """The start of the run, where its answer is not the stream itself."""
    found = (one for n, one in enumerate(look.exchanges) if one.operation.startswith("start:") and n != look.stream)
    return next(found, None)


def _answer(text: Text, name: str, exchange: Exchange) -> None:
    head = exchange.head
    if head is None:
        said = f"{request_line(exchange)} is not answered: {exchange.ending.value} {exchange.detail}"
        _row(text, name, said, ok=False)
        return
    _row(text, name, f"{request_line(exchange)} is answered {head.status} in {_ms(exchange, head.at_us)}")
    for field in _FIELDS:
        if value := head.get(field):
            _row(text, "", f"{field}: {value}")
    if not 200 <= head.status < 300 and exchange.body:
        _row(text, "", printable_bytes(exchange.body[:_FRAME_CHARS]), ok=False)


def _frames(exchange: Exchange, found: Sequence[Frame], profile: Profile) -> Iterator[str]:
    """The first frames, each with its time from the request, its bytes and its type."""
    for one in found[:_SHOWN_FRAMES]:
        shown = printable_bytes(exchange.body[one.start : min(one.end, one.start + _FRAME_CHARS)])
        more = "…" if one.end - one.start > _FRAME_CHARS else ""
        kind = _type(one, profile)
        yield f"{_ms(exchange, arrival_us(exchange, one.end)):>12}  {kind:<18}  {shown}{more}"
    if len(found) > _SHOWN_FRAMES:
        yield f"{'':>12}  and {counted(len(found) - _SHOWN_FRAMES, 'more frame')}"


def _type(frame: Frame, profile: Profile) -> str:
    if frame.kind not in _EVENTS:
        return frame.kind.value
    return label(frame, profile) or "no type"


def _missing(reach: Reach, target: Target) -> Text:
    """What a run can exercise, and what each further part of the file would open."""
    text = Text("\n")
    level = highest(target.allows).value
    text.append(f"a run can exercise {len(reach.exercised)} of {len(reach.levels)} requirements", "bold")
    text.append(f", with evidence {level}\n")
    if not reach.openings:
        text.append("no further part of a target file would add to that\n")
    for one in reach.openings:
        opens = counted(len(one.ids), "requirement") if one.ids else "no further requirement"
        told = f" at {one.level.value}" if one.ids and one.level is not Evidence.BLACK_BOX else ""
        tries = f", {counted(one.tries, 'more try', 'more tries')}" if one.tries > 0 else ""
        text.append(f"  {one.part:<28}", "bold").append(f"adds {opens}{told}{tries}\n")
        ids = textwrap.wrap(" ".join(one.ids), _WIDTH, initial_indent=" " * 30, subsequent_indent=" " * 30,
                            break_on_hyphens=False)  # fmt: skip
        text.append("".join(f"{line}\n" for line in ids))
    return text


def _row(text: Text, name: str, value: str, *, ok: bool | None = None) -> None:
    text.append(f"{name:>12}  ", "dim").append(f"{printable(value)}\n", "" if ok is not False else "bold red")


def _ms(exchange: Exchange, at_us: int) -> str:
    return f"{(at_us - exchange.sent_us) / 1000:,.1f} ms"
