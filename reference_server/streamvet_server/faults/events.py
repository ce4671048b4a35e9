"""EVT: faults of the encoding, the JSON and the schema of events, and of what a run said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import AGENT_WORKSPACE, COSMA, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fitted import Fitted, rarely_told, rarely_written
from streamvet_server.faults.shapes import answer_of, every, telling, with_key, written
from streamvet_server.seams import Answer, Batch, Cause, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet_server.faults.traits import Traits

BEYOND_DOUBLES = 2**53 + 1
DEEP_LEVELS = 70  # more than the 64 that common readers take


def cut_character(octets: bytes) -> bytes:
    """The octets without the last one of their first character that has several."""
    at = next((index for index, octet in enumerate(octets) if octet >= 0xC2), None)
    if at is None:
        return octets
    end = at + 1
    while octets[end] & 0xC0 == 0x80:
        end += 1
    return octets[: end - 1] + octets[end:]


def _doubled_key(octets: bytes) -> bytes:
    """The first member of the document twice."""
    start = octets.index(b"{") + 1
    member = octets[start : octets.index(b",", start) + 1]
    return octets[:start] + member + octets[start:]


def deep() -> Any:
    """Lists in lists."""
    tree: Any = []
    for _ in range(DEEP_LEVELS):
        tree = [tree]
    return tree


def _typeless(own: Traits) -> Seams:
    def change(_shown: Shown, document: Any) -> Iterable[Any]:
        return ({key: value for key, value in document.items() if key != own.discriminator},)

    return telling(own.rare, change)


def _wrong_shape(own: Traits) -> Seams:
    return telling(own.rare, lambda _shown, document: ({**document, own.body: None},))


def cleaned(value: Any) -> Any:
    """The value without control characters, but for white space."""
    if isinstance(value, str):
        return "".join(it for it in value if it >= " " or it in "\t\n\r")
    if isinstance(value, dict):
        return {key: cleaned(it) for key, it in value.items()}
    return [cleaned(it) for it in value] if isinstance(value, list) else value


def _cleaning() -> Seams:
    def append(_scene: Scene, batch: Batch) -> Batch:
        if batch.cause is not Cause.WORK:
            return batch
        return replace(batch, documents=[cleaned(document) for document in batch.documents])

    return Seams(append=append)


def _nameless(_scene: Scene, answer: Answer) -> Answer:
    return replace(answer, document={**answer.document, "id" if "id" in answer.document else "runId": None})


FAULTS: tuple[Fault, ...] = (
    Fault(
        "character-cut", "EVT-01", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "The first character of an event that has several octets lacks one.",
        written(every, cut_character),
    ),
    Fault(
        "trailing-comma", "EVT-02", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE + COSMA,
        "An object of an event ends with a comma.",
        rarely_written(lambda octets: octets[: octets.rindex(b"}")] + b"," + octets[octets.rindex(b"}") :]),
    ),
    Fault(
        "doubled-key", "EVT-03", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE + COSMA,
        "An event has its first key twice.",
        rarely_written(_doubled_key),
    ),
    Fault(
        "integer-beyond-doubles", "EVT-04", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE + COSMA,
        "An event has an integer that a double does not hold.",
        rarely_told(with_key("traceId", BEYOND_DOUBLES)),
    ),
    Fault(
        "lone-surrogate", "EVT-05", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE + COSMA,
        "An event has half an emoji.", rarely_told(with_key("label", "\ud83d")),
    ),
    Fault(
        "nested-too-deep", "EVT-06", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE + COSMA,
        "An event is nested 70 levels deep.",
        rarely_told(with_key("tree", deep())),
    ),
    Fault(
        "typeless", "EVT-07", GHOSTLY + PROMPTFLOE + ROCKSTAR + COSMA, "An event lacks the key that names its type.",
        Fitted(_typeless, rare=True),
    ),
    Fault(
        "null-for-an-object", "EVT-08", GHOSTLY + PROMPTFLOE + ROCKSTAR + COSMA,
        "An event has null where its schema wants an object.",
        Fitted(_wrong_shape, rare=True),
    ),
    Fault(
        "control-characters-dropped", "EVT-09", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "Control characters are cleaned from what a run emits.", _cleaning
    ),
    Fault(
        "cancel-answer-names-no-run", "EVT-10", GHOSTLY + PROMPTFLOE,
        "The answer to a cancellation has null for the run's id.",
        answer_of("cancel", _nameless),
    ),
)  # fmt: skip
