"""PFL: faults of what only promptfloe promises."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import PROMPTFLOE, Fault
from streamvet_server.faults.shapes import answer_of, is_stream, rare, told, turned
from streamvet_server.seams import Answer, Batch, Refusal, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable

# What the simulated reviewer names, and what it takes for another file of the same build.
_REVIEWED, _IMAGINED = "src/App.tsx", "src/Nav.tsx"


def _longer(_scene: Scene, answer: Answer) -> Answer:
    if "markdown" not in answer.document:
        return answer
    return replace(answer, document={**answer.document, "markdown": answer.document["markdown"] + "\n"})


def _nameless(field: str, fits: Any) -> Any:
    """Answers that fit, without a header field."""

    def head(scene: Scene, answer: Answer) -> Answer:
        kept = {key: value for key, value in answer.headers.items() if key != field}
        return replace(answer, headers=kept) if fits(scene, answer) else answer

    return lambda: Seams(head=head)


def _another_run(_shown: Shown, document: Any) -> Iterable[Any]:
    return ({**document, "runId": "run_0"},)


def _without_code(_shown: Shown, document: Any) -> Iterable[Any]:
    return ({key: value for key, value in document.items() if key != "code"},)


def _imagining() -> Seams:
    def reviewed(document: Any) -> Any:
        if document.get("type") != "review" or _REVIEWED not in document.get("files", ()):
            return document
        return {**document, "files": [*document["files"], _IMAGINED]}

    def append(_scene: Scene, batch: Batch) -> Batch:
        return replace(batch, documents=[reviewed(it) for it in batch.documents])

    return Seams(append=append)


def _not_found(_scene: Scene, refusal: Refusal | None) -> Refusal | None:
    return Refusal(404, "not_found", "no such run") if refusal else None


FAULTS: tuple[Fault, ...] = (
    Fault(
        "record-with-one-newline-more", "PFL-01",
        PROMPTFLOE, "The markdown of the record has a newline that was not streamed.",
        answer_of("record", _longer),
    ),
    Fault(
        "start-names-no-run", "PFL-02", PROMPTFLOE, "The start of an augmenter lacks X-Run-Id.",
        _nameless("X-Run-Id", lambda scene, answer: scene.operation == "start:augmenter" and is_stream(answer)),
    ),
    Fault("run-id-of-another-run", "PFL-03", PROMPTFLOE, "An event names another run.", told(rare, _another_run)),
    Fault(
        "error-without-code", "PFL-04", PROMPTFLOE, "An error has a message only.",
        told(lambda shown: shown.name == "error", _without_code),
    ),
    Fault(
        "limited-without-retry-after", "PFL-05", PROMPTFLOE, "A 429 answer lacks Retry-After.",
        _nameless("Retry-After", lambda _scene, answer: answer.status == 429),
    ),
    Fault(
        "second-cancel-not-found", "PFL-06", PROMPTFLOE, "The cancellation of a run that is over is answered with 404.",
        turned(lambda scene: scene.operation == "cancel", "finished", _not_found),
    ),
    Fault(
        "review-of-an-imagined-file", "PFL-07", PROMPTFLOE, "A review names a file that was never emitted.", _imagining
    ),
)  # fmt: skip
