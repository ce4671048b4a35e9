"""A look at somebody's stream, as `check` and `init --observe` take it: their options, the request, and its progress.

Must not know what becomes of what was seen.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from streamvet.cli import options
from streamvet.cli.renewed import Renewed
from streamvet.observing.asking import LEAST_SECONDS, MOST_SECONDS, ask
from streamvet.observing.guess import Guess, guess
from streamvet.observing.sample import sampled
from streamvet.worker_pool import cancelled_on_signal

if TYPE_CHECKING:
    from streamvet.cli.way import Way
    from streamvet.observing.asking import Heard, State
    from streamvet.observing.question import Question

Method = Annotated[str | None, typer.Option("--method", metavar="METHOD", help="GET; with --json POST.")]
Body = Annotated[str | None, typer.Option("--json", metavar="BODY", help="A JSON body to send.")]
Fields = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="'NAME: VALUE'", help="A header field, such as credentials; may be repeated."),
]
Seconds = Annotated[
    float,
    typer.Option(
        "--seconds", min=LEAST_SECONDS, max=MOST_SECONDS, callback=options.finite, metavar="N",
        help="The longest time to read; to measure the heartbeat, more than two intervals.",
    ),
]  # fmt: skip
_LOG_S = 5.0  # between two lines of progress where these stay


@dataclass(frozen=True, slots=True)
class Looked:
    """What was heard of a stream, and what is guessed of it."""

    heard: Heard
    guess: Guess


def look(question: Question, way: Way, seconds: float, *, to_the_end: bool = False) -> Looked:
    """Read a stream, telling on stderr how far that is; `to_the_end`: also where its heartbeat is known before.

    Raises:
        FileError: where nobody can go that way.
        NoStream: where there is none.
        KeyboardInterrupt: where it was interrupted.
    """
    route = way.route(question.base)
    with Renewed() as place, way.told():
        try:
            asking = ask(question, route, seconds, _Progress(question.url, place).seen, to_the_end=to_the_end)
            heard = asyncio.run(cancelled_on_signal(asking, signal.SIGTERM))
        except asyncio.CancelledError as error:
            raise KeyboardInterrupt from error
    return Looked(heard, guess(sampled(heard.main, heard.framing), ended=heard.main.by_server))


class _Progress:
    """How far a look is: at once where the text is renewed, every few seconds elsewhere."""

    def __init__(self, name: str, place: Renewed) -> None:
        self._name = name
        self._place = place
        self._noted_s = 0.0

    def seen(self, state: State) -> None:
        """Show how far it is."""
        if self._place.in_place or state.after_s - self._noted_s >= _LOG_S:
            self._noted_s = state.after_s
            self._place.show(_told(self._name, state))


def _told(name: str, state: State) -> str:
    left_s = max(state.of_s - state.after_s, 0.0)
    wanted = "the end, or a heartbeat" if state.has_head else "an answer"
    return f"{name}: {state.received_bytes} bytes in {state.after_s:.0f} s; waits for {wanted}, {left_s:.0f} s at most"
