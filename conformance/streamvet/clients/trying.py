"""All vectors on one client, some at a time.

Must not know what a vector is about.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet.clients.judging import not_applicable, result
from streamvet.clients.running import CommandError, observe
from streamvet.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from streamvet.clients.judging import Result
    from streamvet.clients.running import Terms
    from streamvet.clients.vectors import Vector


# On a busy machine the first wait may be too short for a client that does everything right.
PATIENCES = (1.0, 4.0)


async def try_all(
    terms: Terms, chosen: Sequence[Vector], lacks: Collection[str], at_once: int, done: Callable[[Result], None]
) -> list[Result]:
    """The result of each vector, in their order; each is told of as it is done.

    Raises:
        CommandError: the command cannot be started, or prints what is no event.
    """
    free = asyncio.Semaphore(at_once)

    async def one(vector: Vector) -> Result:
        made = not_applicable(vector, lacks)
        if made is None:
            async with free:
                made = await _tried(terms, vector)
        done(made)
        return made

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(vector)) for vector in chosen]
    except* CommandError as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def _tried(terms: Terms, vector: Vector) -> Result:
    """The result of one vector. What is bad after a wait counts where it is so with more patience, too."""
    for patience in PATIENCES:
        seen = await observe(replace(terms, patience=patience), vector)
        if seen.strange:
            raise CommandError(f"--command: expected lines with an event as JSON, got {seen.strange!r}")
        made = result(vector, seen)
        if made.verdict is Verdict.PASS or not seen.waited_out:
            break
    return made
