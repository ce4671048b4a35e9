"""The form of generated stimuli that only one system has, as one value; what is generic asks it.

Each system that has one names a module with `FORM`. Must not know any system, nor Hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamvet.contract.profile import Profile
    from streamvet.generation.scene import Scene
    from streamvet.probes.scripts import Vocabulary
    from streamvet.probes.setting import Stimulus

Path = tuple[str, ...]  # the members that lead to a place; "" stands for the items of a list inside a list


@dataclass(frozen=True, slots=True)
class Form:
    """How stimuli of this form are made, made simpler and described. `key` is the member that only they have."""

    key: str
    # From what can be tried, how a stimulus is made with Hypothesis's choices; None where none of this form can be.
    make: Callable[[Scene, Vocabulary | None], Callable[[Any], Stimulus] | None]
    mended: Callable[[Stimulus, Profile], Stimulus | None]  # without what may not be in it; None where nothing is left
    described: Callable[[Stimulus], Iterator[str]]  # for people, in clauses of a sentence
    lists: tuple[Path, ...] = ()  # from which items may be taken
    values: tuple[Path, ...] = ()  # which may be simpler
    figures: tuple[str, ...] = ()  # members whose numbers may be smaller
    times: tuple[tuple[str, str], ...] = ()  # members with a list, and the member of its rows that is a time

    def __contains__(self, stimulus: Stimulus) -> bool:
        """Whether a stimulus has this form."""
        return self.key in stimulus


def form_of(generation: str) -> Form | None:
    """The form in a module with this dotted path; None where there is no path."""
    if not generation:
        return None
    form: Form = import_module(generation).FORM
    return form
