"""ORD: faults of what follows what - lifecycles, numbers, the order and the number of events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fitted import Fitted
from streamvet_server.faults.memory import CAME_S, PLACE, Memory, remembered
from streamvet_server.faults.shapes import type_of
from streamvet_server.seams import Batch, Cause, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamvet_server.faults.traits import Traits

# Where the numbers go wrong: only long runs have so many events, so that other requirements keep the short ones.
SWAPPED = {11: 12, 12: 11}
GAP_AT = 8
_THIRD = 3
TOGETHER_S = 0.03  # readers that come so soon after the first one have come with it


def swapping(swaps: Any) -> Seams:
    """Seams that swap the first two neighbours for which `swaps` holds, of what a run emits at once."""

    def append(_scene: Scene, batch: Batch) -> Batch:
        documents = list(batch.documents)
        pairs = range(len(documents) - 1) if batch.cause is Cause.WORK else ()
        at = next((index for index in pairs if swaps(documents[index], documents[index + 1])), None)
        if at is not None:
            documents[at], documents[at + 1] = documents[at + 1], documents[at]
        return replace(batch, documents=documents)

    return Seams(append=append)


def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Two of a type, of no step and no augmenter: the lifecycles allow them in any order."""
    return bool(type_of(one) == type_of(other) and not {"stepIndex", "alias"} & {*one, *other})


def _dropping(own: Traits) -> Seams:
    def append(_scene: Scene, batch: Batch) -> Batch:
        return replace(batch, documents=[it for it in batch.documents if it.get("type") != own.rare_type])

    return Seams(append=append)


def _second_untold() -> Seams:
    """Of two of a type that are emitted at once the second one is lost; a push's own work has no such pair."""

    def append(_scene: Scene, batch: Batch) -> Batch:
        documents = list(batch.documents)
        pairs = range(1, len(documents)) if batch.cause is Cause.WORK else ()
        lost = next((at for at in pairs if type_of(documents[at - 1]) == type_of(documents[at])), None)
        if lost is not None:
            del documents[lost]
        return replace(batch, documents=documents)

    return Seams(append=append)


def _swapped(_scene: Scene, number: int) -> int:
    return SWAPPED.get(number, number)


def _third_differs(memory: Memory) -> Seams:
    def document(shown: Shown, told: Any) -> Iterable[Any]:
        scratch = shown.scene.scratch
        together = scratch[CAME_S] - memory.begun_s[shown.scene.run or ""] < TOGETHER_S
        if shown.number is None or scratch[PLACE] != _THIRD or not together:
            return (told,)
        return ({**told, "copy": scratch[PLACE]},)

    return Seams(document=document)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "number-goes-back", "ORD-02", GHOSTLY + PROMPTFLOE,
        "The numbers of the eleventh and the twelfth event are swapped.",
        lambda: Seams(number=_swapped, resume=_swapped),
    ),
    Fault(
        "number-left-out", "ORD-03", GHOSTLY, "The number after seven is nine.",
        lambda: Seams(number=lambda _scene, number: number if number < GAP_AT else number + 1),
    ),
    Fault(
        "neighbours-swapped", "ORD-04", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "Two events that a run emits at once are logged in the other order.",
        lambda: swapping(alike),
    ),
    Fault(
        "never-logged", "ORD-05", GHOSTLY + PROMPTFLOE,
        "An event of one type never reaches the log.", Fitted(_dropping, rare=True),
    ),
    Fault(
        "second-step-untold", "ORD-05", ROCKSTAR, "The second of two simultaneous lines of one step is lost.",
        _second_untold,
    ),
    Fault(
        "third-reader-differs", "ORD-06", GHOSTLY + PROMPTFLOE,
        "The third of several readers that join together sees changed events.",
        remembered(_third_differs),
    ),
)  # fmt: skip
