"""What every strategy here draws with: one small set of Hypothesis's strategies, made once.

A stimulus has some hundred choices; a strategy made for each of them would take longer than everything else. Must not
know what is made.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

T = TypeVar("T")


@cache
def _below(count: int) -> SearchStrategy[int]:
    return st.integers(0, count - 1)


class Dice:
    """The choices of one stimulus."""

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw

    def of(self, rows: Sequence[T]) -> T:
        """One of these."""
        return rows[self._draw(_below(len(rows)))] if len(rows) > 1 else rows[0]

    def up_to(self, most: int) -> int:
        """A number from 0 to `most`."""
        return self._draw(_below(most + 1))

    def once_in(self, count: int) -> bool:
        """Whether something happens that happens so seldom."""
        return self._draw(_below(count)) == count - 1


def weighted(*rows: tuple[int, T]) -> tuple[T, ...]:
    """Each value as often as its weight says, to be drawn from."""
    return tuple(value for weight, value in rows for _ in range(weight))


def made_with(make: Callable[[Dice], T]) -> SearchStrategy[T]:
    """The strategy of what a function makes."""

    @st.composite
    def made(draw: DrawFn) -> T:
        return make(Dice(draw))

    return made()
