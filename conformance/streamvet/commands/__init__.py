"""Commands that check requirements of somebody's own: traces in, outcomes out, in any language.

The traces of a run are kept in a temporary file while the run goes on. At its end each command is started once, reads
all of them from its standard input, and prints a line for each requirement and trace (`meta/outcome.schema.json`). A
command that cannot be started, fails, takes too long or prints something else has an error and no outcomes. Must not
know the verdicts, nor who allows a command to run.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from streamvet.commands.outcomes import outcomes_in
from streamvet.commands.process import CommandError, OutOfTimeError, output_of
from streamvet.commands.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from streamvet.contract.requirement import Requirement
    from streamvet.outcome import Outcome

__all__ = ["Answer", "Spool", "perform"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command said: an outcome by requirement and number of a trace, or why it said nothing."""

    outcomes: Mapping[tuple[str, int], Outcome]
    error: str = ""
    is_cut: bool = False  # it had no time to say more


def perform(
    rows: Iterable[Requirement], folder: Path, spool: Spool, until_s: float | None = None
) -> Iterator[tuple[list[Requirement], Answer]]:
    """Run each command on all traces; gives the rows that share it, and what it said of them.

    None runs on beyond `until_s`, by the monotonic clock.
    """
    ordered = sorted(rows, key=lambda row: row.command)
    for command, sharing in groupby(ordered, key=lambda row: row.command):
        mine = list(sharing)
        try:
            yield mine, Answer(outcomes_in(output_of(command, folder, spool, until_s), {row.id for row in mine}, spool))
        except CommandError as error:
            is_cut = isinstance(error, OutOfTimeError)
            yield mine, Answer({}, f"the command {' '.join(command)!r} {error}", is_cut)
