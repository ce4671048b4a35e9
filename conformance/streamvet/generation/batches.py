"""Hypothesis as a source of stimuli: the same seed gives the same ones, whatever the machine.

Nothing is tried while they are made, so that nothing that a candidate does changes what comes next. Every setting is
given: neither the variable CI nor a profile of settings may change a verdict. Must not know what the stimuli are.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.errors import Unsatisfiable
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
_BACKEND = "streamvet"


class _Reproducible(HypothesisProvider):
    """Hypothesis's own choices, but for the constants that it would take from whatever modules are loaded."""

    def _maybe_draw_constant(self, *_args: Any, **_more: Any) -> None:
        return None


def batch(strategy: SearchStrategy[T], seed: int, number: int, count: int) -> list[T]:
    """The `number`th batch of a seed: at most `count` values, none where there are none."""
    AVAILABLE_PROVIDERS[_BACKEND] = _Reproducible
    found: list[T] = []

    @hypothesis.seed(f"{seed}/{number}")
    @hypothesis.settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        stateful_step_count=1,
        backend=_BACKEND,
    )
    @hypothesis.given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    with contextlib.suppress(Unsatisfiable):  # there is nothing to try
        collect()
    return found[:count]
