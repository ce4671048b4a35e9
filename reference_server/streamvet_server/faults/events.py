"""EVT: faults of the encoding, the JSON and the schema of events, and of what a run said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import BOTH, COSMA, FLEET, ROCKSTAR, Fault
from streamvet_server.faults.fleet import to_returned
from streamvet_server.faults.shapes import answer_of, every, rare, told, with_key, written
from streamvet_server.faults.updates import ORDINARY, is_ordinary, published
from streamvet_server.seams import Answer, Batch, Cause, Scene, Seams, Shown
from streamvet_server.wire import json_text, sse_block

if TYPE_CHECKING:
    from collections.abc import Iterable

BEYOND_DOUBLES = 2**53 + 1
DEEP_LEVELS = 70  # more than the 64 that common readers take


def _cut_character(octets: bytes) -> bytes:
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


def _deep() -> Any:
    tree: Any = []
    for _ in range(DEEP_LEVELS):
        tree = [tree]
    return tree


def _typeless(_shown: Shown, document: Any) -> Iterable[Any]:
    discriminator = next(key for key in ("kind", "type", "step", "opcode") if key in document)
    return ({key: value for key, value in document.items() if key != discriminator},)


def _wrong_shape(_shown: Shown, document: Any) -> Iterable[Any]:
    body = next(key for key in ("payload", "insight", "detail", "data") if key in document)
    return ({**document, body: None},)


def _renamed(_shown: Shown, document: Any) -> Iterable[Any]:
    return ({**document, "step": document["step"].replace("_", "-")},)


def _cleaned(value: Any) -> Any:
    """The value without control characters, but for white space."""
    if isinstance(value, str):
        return "".join(it for it in value if it >= " " or it in "\t\n\r")
    if isinstance(value, dict):
        return {key: _cleaned(it) for key, it in value.items()}
    return [_cleaned(it) for it in value] if isinstance(value, list) else value


def _cleaning() -> Seams:
    def append(_scene: Scene, batch: Batch) -> Batch:
        if batch.cause is not Cause.WORK:
            return batch
        return replace(batch, documents=[_cleaned(document) for document in batch.documents])

    return Seams(append=append)


def _nameless(_scene: Scene, answer: Answer) -> Answer:
    return replace(answer, document={**answer.document, "id" if "id" in answer.document else "runId": None})


FAULTS: tuple[Fault, ...] = (
    Fault(
        "character-cut", "EVT-01", BOTH + ROCKSTAR,
        "The first character of an event that has several octets lacks one.",
        written(every, _cut_character),
    ),
    Fault(
        "character-cut-in-a-message", "EVT-01", COSMA,
        "The first character of a message that has several octets lacks one.",
        written(is_ordinary, _cut_character),
    ),
    Fault(
        "octet-that-is-no-character", "EVT-01", FLEET, "The text of a log line has an octet that is not UTF-8.",
        written(rare, lambda octets: octets.replace(b'"message":"', b'"message":"\xc3', 1)),
    ),
    Fault(
        "trailing-comma", "EVT-02", BOTH + ROCKSTAR + FLEET + COSMA, "An object of an event ends with a comma.",
        written(rare, lambda octets: octets[: octets.rindex(b"}")] + b"," + octets[octets.rindex(b"}") :]),
    ),
    Fault(
        "doubled-key", "EVT-03", BOTH + ROCKSTAR + FLEET + COSMA, "An event has its first key twice.",
        written(rare, _doubled_key),
    ),
    Fault(
        "integer-beyond-doubles", "EVT-04", BOTH + ROCKSTAR + FLEET + COSMA,
        "An event has an integer that a double does not hold.",
        told(rare, with_key("traceId", BEYOND_DOUBLES)),
    ),
    Fault(
        "lone-surrogate", "EVT-05", BOTH + ROCKSTAR + FLEET + COSMA,
        "An event has half an emoji.", told(rare, with_key("label", "\ud83d")),
    ),
    Fault(
        "nested-too-deep", "EVT-06", BOTH + ROCKSTAR + COSMA, "An event is nested 70 levels deep.",
        told(rare, with_key("tree", _deep())),
    ),
    Fault(
        "snapshot-nested-too-deep", "EVT-06", FLEET, "Who comes back after a restart has a snapshot of 70 levels.",
        to_returned(lambda octets: (octets.replace(b"[]", json_text(_deep()).encode(), 1),)),
    ),
    Fault(
        "typeless", "EVT-07", BOTH + ROCKSTAR + COSMA, "An event lacks the key that names its type.",
        told(rare, _typeless),
    ),
    Fault(
        "event-field-missing", "EVT-07", FLEET, "The block of the first log lines lacks its event field.",
        written(rare, lambda octets: octets[octets.index(b"\n") + 1 :]),
    ),
    Fault(
        "null-for-an-object", "EVT-08", BOTH + ROCKSTAR + COSMA,
        "An event has null where its schema wants an object.",
        told(rare, _wrong_shape),
    ),
    Fault(
        "null-for-a-message", "EVT-08", FLEET, "A log line has null for its text.",
        told(rare, with_key("message", None)),
    ),
    Fault(
        "control-characters-dropped", "EVT-09", BOTH + ROCKSTAR,
        "Control characters are cleaned from what a run emits.", _cleaning
    ),
    Fault(
        "control-characters-dropped-from-updates", "EVT-09", COSMA,
        "Control characters are cleaned from what is published.",
        published(lambda update: (replace(update, data=_cleaned(update.data)),), ORDINARY, own=False),
    ),
    Fault(
        "cancel-answer-names-no-run", "EVT-10", BOTH, "The answer to a cancellation has null for the run's id.",
        answer_of("cancel", _nameless),
    ),
    Fault(
        "login-answers-a-list", "EVT-10", FLEET, "The answer to a login is a list.",
        answer_of("login", lambda _scene, answer: replace(answer, document=[answer.document])),
    ),
    Fault(
        "pause-answer-without-message", "EVT-10", COSMA, "The answer to a pause has no message.",
        answer_of("pause", lambda _scene, answer: replace(answer, document={"success": True})),
    ),
    Fault(
        "opcode-misspelt", "EVT-11", COSMA, "An opcode has a hyphen in its name.",
        told(rare, lambda _shown, document: ({**document, "opcode": "watch-added"},)),
    ),
    Fault("step-misspelt", "EVT-11", ROCKSTAR, "A step has a hyphen in its name.", told(rare, _renamed)),
    Fault(
        "unlisted-type", "EVT-11", FLEET, "An event of an unlisted type follows each update.",
        written(lambda shown: shown.name == "fleet_update", lambda octets: octets + sse_block("fleet_done", "{}")),
    ),
)  # fmt: skip
