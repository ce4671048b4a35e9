"""CAN: faults of how a cancellation is answered, and of what readers see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet_server.faults.fault import GHOSTLY, PROMPTFLOE, Fault
from streamvet_server.faults.fitted import Fitted
from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.shapes import answer_of, crashing, reads, turned
from streamvet_server.seams import Answer, Batch, Cause, Refusal, Scene, Seams

if TYPE_CHECKING:
    from streamvet_server.faults.traits import Traits


def _cancels(scene: Scene) -> bool:
    return scene.operation == "cancel"


def _no_content(_scene: Scene, answer: Answer) -> Answer:
    return answer if answer.document.get("stale") else Answer(204, answer.headers)


def _told_otherwise(own: Traits) -> Seams:
    def append(scene: Scene, batch: Batch) -> Batch:
        return own.uncancelled(scene, batch) if batch.cause is Cause.CANCELLED else batch

    return Seams(append=append)


def _unknown_accepted() -> Seams:
    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        if not _cancels(scene) or check not in ("exists", "finished"):
            return refusal
        if check == "exists":
            scene.scratch["unknown"] = refusal is not None
        return None if scene.scratch.get("unknown") else refusal

    return Seams(access=access)


def _gone(memory: Memory) -> Seams:
    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        gone = check == "owner" and reads(scene) and memory.cause(scene) is Cause.CANCELLED
        return Refusal(410, "not_found", "the run was cancelled") if refusal is None and gone else refusal

    return Seams(access=access)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "cancel-answered-with-204", "CAN-01", GHOSTLY + PROMPTFLOE, "A cancellation is answered with status 204.",
        answer_of("cancel", _no_content),
    ),
    Fault(
        "cancelled-told-otherwise", "CAN-02", GHOSTLY + PROMPTFLOE,
        "A cancelled run ends as if it had not been cancelled.",
        Fitted(_told_otherwise),
    ),
    Fault(
        "second-cancel-crashes", "CAN-03", GHOSTLY + PROMPTFLOE,
        "The cancellation of a run that is over is a server error.",
        turned(_cancels, "finished", crashing),
    ),
    Fault(
        "unknown-cancel-accepted", "CAN-04", GHOSTLY + PROMPTFLOE, "The cancellation of an unknown run is accepted.",
        _unknown_accepted,
    ),
    Fault(
        "cancelled-run-gone", "CAN-05", GHOSTLY + PROMPTFLOE,
        "The stream of a cancelled run is gone.", remembered(_gone),
    ),
)  # fmt: skip
