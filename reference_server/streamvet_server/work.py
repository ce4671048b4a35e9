"""What a run does: a plan of steps and an outcome, whether a script gave it or a system simulates it.

It must not know systems, logs or sockets. A plan is data; `batches` walks it and waits.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

# Consecutive events that go to the log in one transaction: large enough for a burst, small enough that readers see
# its begin before its end and that no step of the event loop gets long.
BATCH_EVENTS = 64


class Outcome(Enum):
    """How a plan ends. The words are those of the control interface."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    HANGS = "hangs"  # active until somebody cancels it


@dataclass(frozen=True, slots=True)
class Emit:
    """A step: one event, as the system's worker decides it."""

    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wait:
    """A step: nothing, for so long. Before scaling."""

    ms: float


Step = Emit | Wait


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do. `steps` is walked once per start."""

    steps: Callable[[], Iterable[Step]]
    outcome: Outcome


async def batches(plan: Plan, wait_s: Callable[[float], float]) -> AsyncIterator[list[Mapping[str, Any]]]:
    """The events of a plan in bunches, each when it is due. `wait_s`: seconds to wait for a step's milliseconds."""
    bunch: list[Mapping[str, Any]] = []
    for step in plan.steps():
        if isinstance(step, Emit):
            bunch.append(step.document)
            if len(bunch) < BATCH_EVENTS:
                continue
        if bunch:
            yield bunch
            bunch = []
        if isinstance(step, Wait):
            await asyncio.sleep(wait_s(step.ms))
    if bunch:
        yield bunch
