"""No more runs are at work at once than the target file allows; what starts none waits for nobody."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streamvet.campaign.state import State
from streamvet.contract.loading import load_profile

SOON_S = 5.0


def state_with(most: int | None) -> State:
    """The state of a campaign that may have so many runs at work."""
    target: Any = SimpleNamespace(max_concurrency=20, max_active_runs=most)
    setting: Any = SimpleNamespace(target=target, profile=load_profile("ghostly"))
    nothing: Any = None
    return State(nothing, setting, nothing, nothing, nothing, nothing, nothing, nothing)


def starting(runs: int) -> Any:
    """A try that starts so many runs."""
    return SimpleNamespace(probe=SimpleNamespace(runs=lambda _stimulus: runs), stimulus={})


@pytest.mark.parametrize(
    ("most", "tries", "at_once"),
    [
        (2, [1] * 5, 2),
        (1, [1] * 3, 1),
        (None, [1] * 5 + [9], 6),
        (2, [9, 1, 9], 1),  # as many as there may be, for who starts more
        (3, [1, 2, 1, 1], 2),
        (2, [1, 1, 1, 0, 0], 4),
    ],
)
def test_so_many_tries_work_at_once(most: int | None, tries: list[int], at_once: int) -> None:
    async def scenario() -> int:
        state, over, begun = state_with(most), asyncio.Event(), 0
        waiting = len(tries)

        async def one(runs: int) -> None:
            nonlocal begun
            async with state.working(starting(runs)):
                begun += 1
                await over.wait()

        async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
            for runs in tries:
                group.create_task(one(runs))
            for _ in range(waiting):  # a turn of the loop for each that could begin
                await asyncio.sleep(0)
            found = begun
            over.set()
        assert begun == len(tries)
        return found

    assert asyncio.run(scenario()) == at_once
