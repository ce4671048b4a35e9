"""What `streamvet run` does besides the pinned tries: an explorer for each candidate, and the cases that it leaves.

Must not know how stimuli are made or tried.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from streamvet.generation.case import case_of, save
from streamvet.generation.exploring import Effort, Explorer
from streamvet.generation.form import form_of
from streamvet.report.report import Replay
from streamvet.systems import judge_in, system_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from concurrent.futures import Future

    from streamvet.cli.subjects import Subject
    from streamvet.report.building import Asked

CASES = Path("streamvet-cases")  # where cases go without --trace-dir
# Generated tries that may be unjudged: they come faster than one process judges them beside the campaigns, and somebody
# waits for what is left at the end.
MOST_BEHIND = 20


class Known:
    """The requirements that pinned tries have found violated, as far as they have been judged."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._pending: list[Future[frozenset[str]]] = []
        self._generated: set[Future[frozenset[str]]] = set()

    def wait_for(self, verdicts: Future[frozenset[str]]) -> None:
        """Take note of what a trace is found guilty of, once that is known."""
        self._pending.append(verdicts)

    def comes(self, verdicts: Future[frozenset[str]]) -> None:
        """Take note that a generated try is to be judged."""
        self._generated.add(verdicts)

    async def caught_up(self) -> None:
        """Wait until nearly all generated tries are judged."""
        while len(behind := {one for one in self._generated if not one.done()}) > MOST_BEHIND:
            await asyncio.wait(map(asyncio.wrap_future, behind), return_when=asyncio.FIRST_COMPLETED)
        self._generated = behind

    async def __call__(self) -> Collection[str]:
        """All of them, once everything that was tried is judged."""
        pending, self._pending = self._pending, []
        for found in await asyncio.gather(*map(asyncio.wrap_future, pending)):
            self._found |= found
        return self._found


def explorer(effort: Effort, known: Known, asked: Asked) -> Explorer | None:
    """Who explores a candidate, None where nobody is to."""
    if effort.budget_s == 0 or effort.examples == 0:
        return None
    return Explorer(judge_in, effort, known, asked.only, known.caught_up)


def kept(one: Explorer | None, subject: Subject, seed: int, trace_dir: Path | None) -> dict[str, Replay]:
    """For each requirement of which something was found, its case, which is written to a file.

    Raises:
        FileError: where a file cannot be written.
    """
    replays: dict[str, Replay] = {}
    form = form_of(system_of(subject.profile).generation)
    for requirement, found in one.found.items() if one else ():
        case = case_of(found, subject.profile, seed, subject.scale, form)
        file = save(case, trace_dir or CASES)
        often = case.often if found.whole else f"{case.often}; there was no time to look for the smallest"
        replays[requirement] = Replay(case.story, often, str(file), subject.told("replay", str(file)))
    return replays
