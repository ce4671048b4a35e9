"""What seems to be over its time is tried again: alone, one after the other, until it is certain. No time passes."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from streamvet.attempts import MOST
from streamvet.campaign import repeating
from streamvet.campaign.repeating import perform, repeat_doubtful
from streamvet.campaign.state import Performed
from streamvet.examples import base_trace, bases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

TRACE = base_trace(bases()["ghostly-failing"])


class World:
    """A campaign that is through, with tries that wait so many seconds, and what is doubted after each attempt."""

    def __init__(
        self, waits_s: Sequence[float], doubts: Callable[[World], Sequence[int]], left_s: float = 100.0
    ) -> None:
        self.handed_out: list[tuple[int, int]] = []
        self.cut: set[int] = set()
        self._doubts = doubts
        calm = asyncio.Event()
        calm.set()
        self.state: Any = SimpleNamespace(
            performed=[Performed(SimpleNamespace(wait_s=one)) for one in waits_s],  # type: ignore[arg-type]
            summary=SimpleNamespace(retried=0), calm=calm, left_s=left_s, report=lambda: None, on_trace=self._on_trace,
        )  # fmt: skip

    def _on_trace(self, trace: Any) -> None:
        self.handed_out.append(tuple(trace.attempt))

    async def doubtful(self) -> Sequence[int]:
        """What is doubted now."""
        return self._doubts(self)

    async def tried(self, state: Any, one: Any) -> tuple[int, Any, bool]:
        """One attempt, which the deadline may cut short."""
        number = [performed.one for performed in state.performed].index(one)
        return 0, TRACE, number in self.cut


def performed(world: World, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The attempts that are handed out, as the try and its attempt."""
    monkeypatch.setattr(repeating, "_tried", world.tried)
    asyncio.run(repeat_doubtful(world.state, world.doubtful))
    return world.handed_out


def test_nothing_is_repeated_where_nothing_is_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert performed(World([0, 0], lambda _: ()), monkeypatch) == []


def test_it_ends_when_nothing_is_doubted_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([0, 0, 0], lambda world: [1, 2] if len(world.handed_out) < 2 else [])
    assert performed(world, monkeypatch) == [(1, 2), (1, 3)]
    assert world.state.summary.retried == 2


def test_each_try_has_so_many_attempts_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([0, 0], lambda _: [0, 1])
    wanted = [(0, number) for number in range(2, MOST + 1)] + [(1, number) for number in range(2, MOST + 1)]
    assert performed(world, monkeypatch) == wanted


def test_what_has_not_the_time_is_left_and_the_rest_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([200, 0], lambda world: [0, 1] if not world.handed_out else [0])
    assert performed(world, monkeypatch) == [(1, 2)]


def test_what_the_deadline_cuts_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([0], lambda _: [0])
    world.cut = {0}
    assert performed(world, monkeypatch) == []


def test_whoever_never_says_what_is_doubted_is_waited_for_until_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([0], lambda _: [0], left_s=0.01)

    async def never() -> Sequence[int]:
        await asyncio.Event().wait()
        return ()

    monkeypatch.setattr(world, "doubtful", never)
    assert performed(world, monkeypatch) == []


def _kept_when_late(body_bytes: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How many traces wait for a repeat, and how many are handed out, after a try in which the suite was late."""
    exchange = replace(TRACE.exchanges[0], body=bytes(body_bytes))
    trace = replace(TRACE, exchanges=(exchange,))

    async def tried(_state: Any, _one: Any) -> tuple[int, Any, bool]:
        return 1_000_000, trace, False

    monkeypatch.setattr(repeating, "_tried", tried)
    monkeypatch.setattr(repeating, "is_late", lambda *_: True)
    handed_out: list[Any] = []
    summary = SimpleNamespace(tries=0, welcome=Counter[bool]())
    state: Any = SimpleNamespace(
        left_s=100.0, late=[], setting=None, summary=summary, performed=[], on_trace=handed_out.append,
        report=lambda: None,
    )  # fmt: skip
    asyncio.run(perform(state, SimpleNamespace(wait_s=1.0)))  # type: ignore[arg-type]
    return len(state.late), len(handed_out)


def test_a_late_try_waits_for_its_repeat_but_no_flood_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _kept_when_late(1_000, monkeypatch) == (1, 0)
    assert _kept_when_late(64 * 2**20, monkeypatch) == (0, 1)
