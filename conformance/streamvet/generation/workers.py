"""The processes beside the campaign: one is about to make the next stimuli while the other judges what was tried.

Both take as long as a try does, and must not hold up the loop that times heartbeats: a trace with long payloads takes
200 ms to judge, eight times the lateness that a wait can bear. Must not know why something is tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Self

from streamvet.contract.registry import load_registry
from streamvet.outcome import own_findings
from streamvet.worker_pool import pool, signals_blocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from streamvet.generation.ground import Ground
    from streamvet.outcome import Finding
    from streamvet.probes.setting import Stimulus
    from streamvet.trace import Trace
    from streamvet.verdicts import Judge

Findings = dict[str, "Finding"]  # by requirement, the first one
# The judge of the profile in a folder. A function of a module: the other processes find it by its name.
JudgeIn = Callable[[str], "Judge"]

# Small, so that the first ones are there soon; large against what a batch takes by itself, some hundredths of a second.
BATCH = 20
_PROCESSES = 2
_NICE = 5  # what is tried comes first


class Workers:
    """Stimuli of one seed in their order, and verdicts. Used as a context; the processes begin and end with it."""

    def __init__(self, seed: int, judge_in: JudgeIn) -> None:
        self._seed = seed
        self._judge_in = judge_in
        self._pool = pool(_PROCESSES, _NICE)

    def __enter__(self) -> Self:
        with signals_blocked():
            for _ in range(_PROCESSES):  # what takes time to load is there when it is needed
                self._pool.submit(_warm_up)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def stimuli(self, ground: Ground) -> AsyncIterator[Stimulus]:
        """One after the other, without end unless there are no more."""
        number = 0
        following = self._pool.submit(_made, ground, self._seed, number)
        while True:
            made, number = following, number + 1
            following = self._pool.submit(_made, ground, self._seed, number)
            found = await asyncio.wrap_future(made)
            for stimulus in found:
                yield stimulus
            if not found:
                return

    async def findings(self, folder: str, trace: Trace) -> Findings:
        """What is wrong with a trace of the profile in this folder."""
        return await asyncio.wrap_future(self._pool.submit(_judged, self._judge_in, folder, trace))


# ------------------------------------------------------------------------------------------ in the other processes


def _warm_up() -> None:
    from streamvet.generation import batches, programs  # noqa: F401, PLC0415 - only these processes import Hypothesis

    load_registry()


def _made(ground: Ground, seed: int, number: int) -> list[Stimulus]:
    from streamvet.generation.batches import batch  # noqa: PLC0415 - as above
    from streamvet.generation.programs import stimuli  # noqa: PLC0415 - as above

    strategy = stimuli(ground)
    return [] if strategy.is_empty else batch(strategy, seed, number, BATCH)


@cache
def _bench(judge_in: JudgeIn, folder: str) -> Judge:
    return judge_in(folder)


def _judged(judge_in: JudgeIn, folder: str, trace: Trace) -> Findings:
    outcomes = _bench(judge_in, folder).add(trace)
    return {name: own[0] for name, outcome in outcomes.items() if (own := own_findings(outcome))}
