"""ORD: faults of what follows what - lifecycles, numbers, the order and the number of events."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.endings import is_run_end
from streamvet_server.faults.fault import BOTH, COSMA, FLEET, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.memory import CAME_S, PLACE, Memory, remembered
from streamvet_server.faults.shapes import RARE_TYPES, answer_of, is_stream, type_of, written
from streamvet_server.faults.updates import ORDINARY, is_own, published
from streamvet_server.seams import Answer, Batch, Cause, Scene, Seams, Shown, Update

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Where the numbers go wrong: only long runs have so many events, so that other requirements keep the short ones.
SWAPPED = {11: 12, 12: 11}
GAP_AT = 8
_THIRD = 3
TOGETHER_S = 0.03  # readers that come so soon after the first one have come with it


def _run_end_twice() -> Seams:
    def append(_scene: Scene, batch: Batch) -> Batch:
        if batch.cause is not Cause.FAILED:
            return batch
        doubled = [(it, it) if is_run_end(it) else (it,) for it in batch.documents]
        return replace(batch, documents=[it for pair in doubled for it in pair])

    return Seams(append=append)


def _in_batches(swaps: Any) -> Seams:
    """Seams that swap the first two neighbours for which `swaps` holds, of what a run emits at once."""

    def append(_scene: Scene, batch: Batch) -> Batch:
        documents = list(batch.documents)
        pairs = range(len(documents) - 1) if batch.cause is Cause.WORK else ()
        at = next((index for index in pairs if swaps(documents[index], documents[index + 1])), None)
        if at is not None:
            documents[at], documents[at + 1] = documents[at + 1], documents[at]
        return replace(batch, documents=documents)

    return Seams(append=append)


def _plan_and_file(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (type_of(one), type_of(other)) == ("plan", "file")


def _preview_and_storing(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (type_of(one), type_of(other)) == ("generating_preview", "storing")


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Two of a type, of no step and no augmenter: the lifecycles allow them in any order."""
    return bool(type_of(one) == type_of(other) and not {"stepIndex", "alias"} & {*one, *other})


def _dropping() -> Seams:
    def append(_scene: Scene, batch: Batch) -> Batch:
        return replace(batch, documents=[it for it in batch.documents if it.get("type") not in RARE_TYPES])

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


def _neighbours_swapped() -> Seams:
    """The first two ordinary updates that a script publishes at once, in the other order."""

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        made, at = list(updates), [index for index, it in enumerate(updates) if it.opcode == ORDINARY][:2]
        if len(at) == 2 and not is_own(scene):
            made[at[0]], made[at[1]] = made[at[1]], made[at[0]]
        return made

    return Seams(publish=publish)


def _every_second_differs() -> Seams:
    came = itertools.count(1)

    def head(scene: Scene, answer: Answer) -> Answer:
        if is_stream(answer):
            scene.scratch["copy"] = next(came)
        return answer

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        copy = shown.scene.scratch["copy"]
        return ({**told, "copy": copy},) if copy % 2 == 0 and shown.name == ORDINARY else (told,)

    return Seams(head=head, document=document)


def _one_short(_scene: Scene, answer: Answer) -> Answer:
    if answer.document["status"] == "running" or "events" not in answer.document:
        return answer
    events: Sequence[Any] = answer.document["events"]
    return replace(answer, document={**answer.document, "events": events[:-1]})


def _as_snapshot_too(octets: bytes) -> bytes:
    return octets + octets.replace(b"event: fleet_update", b"event: fleet_snapshot", 1)


FAULTS: tuple[Fault, ...] = (
    Fault("run-end-twice", "ORD-01", GHOSTLY, "A run that fails says run_end twice.", _run_end_twice),
    Fault(
        "file-before-plan", "ORD-01", PROMPTFLOE, "The first file of a build comes before its plan.",
        lambda: _in_batches(_plan_and_file),
    ),
    Fault(
        "storing-before-the-preview", "ORD-01", ROCKSTAR, "A push is stored before its preview is drawn.",
        lambda: _in_batches(_preview_and_storing),
    ),
    Fault(
        "snapshot-again", "ORD-01", FLEET, "Each update comes as a snapshot too.",
        written(lambda shown: shown.name == "fleet_update", _as_snapshot_too),
    ),
    Fault(
        "stage-told-twice", "ORD-01", COSMA, "That a file was embedded is told twice.",
        published(lambda update: (update, update), "file_embedded"),
    ),
    Fault(
        "number-goes-back", "ORD-02", BOTH, "The numbers of the eleventh and the twelfth event are swapped.",
        lambda: Seams(number=_swapped, resume=_swapped),
    ),
    Fault(
        "number-left-out", "ORD-03", GHOSTLY, "The number after seven is nine.",
        lambda: Seams(number=lambda _scene, number: number if number < GAP_AT else number + 1),
    ),
    Fault(
        "neighbours-swapped", "ORD-04", BOTH + ROCKSTAR,
        "Two events that a run emits at once are logged in the other order.",
        lambda: _in_batches(_alike),
    ),
    Fault(
        "updates-swapped", "ORD-04", COSMA, "Two updates that are published at once are told in the other order.",
        _neighbours_swapped,
    ),
    Fault("never-logged", "ORD-05", BOTH, "An event of one type never reaches the log.", _dropping),
    Fault(
        "second-step-untold", "ORD-05", ROCKSTAR, "The second of two lines of one step that come at once is lost.",
        _second_untold,
    ),
    Fault(
        "never-published", "ORD-05", COSMA, "An update of one opcode reaches nobody.",
        published(lambda _update: (), *RARE_TYPES, own=False),
    ),
    Fault(
        "second-reader-differs", "ORD-06", COSMA, "Every second reader sees changed events.", _every_second_differs
    ),
    Fault(
        "third-reader-differs", "ORD-06", BOTH, "The third of readers that come together sees changed events.",
        remembered(_third_differs),
    ),
    Fault(
        "record-lacks-the-last-event", "ORD-07", GHOSTLY, "The record of a finished run lacks its last event.",
        answer_of("record", _one_short),
    ),
)  # fmt: skip
