"""A candidate that is slow in coming up again after it was killed: nothing is tried on it, and nothing told of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streamvet.campaign.performing import _is_there  # no public name: a try is performed by it alone

WHY = "not tried: the candidate was killed, and did not answer again within the time in launch"


class Candidate:
    """A launched candidate, which is up after so many waits; `ended`: it has died, and is started again."""

    def __init__(self, up_after: int | None, *, ended: bool = False) -> None:
        self.process = SimpleNamespace(has_ended=ended, deaths=["it exited with 1"] * ended)
        self.waits, self.started, self._up_after = 0, 0, up_after

    async def is_up(self) -> bool:
        """Whether it is, by one more wait."""
        self.waits += 1
        return self._up_after is not None and self.waits > self._up_after

    async def restart_after_kill(self) -> bool:
        """Start it; it is not up yet."""
        self.started += 1
        return False


@pytest.mark.parametrize(
    ("candidate", "there", "skipped", "started"),
    [
        (SimpleNamespace(process=None), True, [], 0),
        (Candidate(0), True, [], 0),
        (Candidate(None), False, [("TRN-01", WHY), ("CAT-14", WHY)], 0),
        (Candidate(None, ended=True), True, [], 1),  # what it does then is to be seen
    ],
)
def test_nothing_is_tried_while_it_is_not_up(
    candidate: Any, there: bool, skipped: list[tuple[str, str]], started: int
) -> None:
    async def scenario() -> Any:
        summary = SimpleNamespace(skipped=[])
        state: Any = SimpleNamespace(candidate=candidate, reviving=asyncio.Lock(), summary=summary)
        one: Any = SimpleNamespace(probe=SimpleNamespace(serves=("TRN-01", "CAT-14")))
        return await _is_there(state, one), summary.skipped

    assert asyncio.run(scenario()) == (there, skipped)
    assert getattr(candidate, "started", 0) == started


def test_the_second_wait_may_be_long_enough() -> None:
    candidate = Candidate(1)
    summary = SimpleNamespace(skipped=[])

    async def scenario() -> list[bool]:
        state: Any = SimpleNamespace(candidate=candidate, reviving=asyncio.Lock(), summary=summary)
        one: Any = SimpleNamespace(probe=SimpleNamespace(serves=("TRN-01",)))
        return [await _is_there(state, one), await _is_there(state, one)]

    assert asyncio.run(scenario()) == [False, True]
