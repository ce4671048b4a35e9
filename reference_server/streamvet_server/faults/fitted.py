"""How the seams of a fault are made that goes by the traits of its system: the shapes of faults, fitted to one.

It must not know any fault, nor any system.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.shapes import telling, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamvet_server.faults.traits import Traits
    from streamvet_server.seams import Seams, Shown


@dataclass(frozen=True, slots=True)
class Fitted:
    """Made from the traits of the system that commits the fault. `rare`: it takes hold of the rare events alone."""

    make: Callable[[Traits], Seams]
    rare: bool = False


def rarely_told(change: Callable[[Shown, Any], Iterable[Any]]) -> Fitted:
    """The documents of the rare events as something else."""
    return Fitted(lambda own: telling(own.rare, change), rare=True)


def rarely_written(change: Callable[[bytes], bytes]) -> Fitted:
    """The octets of the rare events as others."""
    return Fitted(lambda own: writing(own.rare, change), rare=True)


def remembered_of(build: Callable[[Traits, Memory], Seams]) -> Fitted:
    """A fault that needs a memory besides the traits."""
    return Fitted(lambda own: remembered(partial(build, own))())
