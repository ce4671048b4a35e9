"""The faults of promptfloe: of what only it promises, and of how it does what others do too.

It must not know HTTP or keys. `TRAITS` is what generic faults go by here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import PROMPTFLOE, Fault
from streamvet_server.faults.hidden import of_type, told_as_success
from streamvet_server.faults.shapes import Make, answer_of, is_stream, told, turned
from streamvet_server.faults.texts import said
from streamvet_server.faults.traits import TOOK_MS, Traits
from streamvet_server.seams import Answer, Batch, Refusal, Scene, Seams, Shown
from streamvet_server.systems.promptfloe.work import SUMMARY, TERMINAL
from streamvet_server.wire import ndjson_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# What the simulated reviewer names, and what it takes for another file of the same build.
_REVIEWED, _IMAGINED = "src/App.tsx", "src/Nav.tsx"
_RARE = "insight"


def _rare(shown: Shown) -> bool:
    return shown.name == _RARE


def _last(shown: Shown) -> bool:
    """Whether a line says that the run is over."""
    return shown.last


def _more(shown: Shown) -> bytes:
    more = {"type": "progress", "id": (shown.number or 0) + 1, "runId": shown.scene.run, "stage": "cleaning up"}
    return ndjson_line(more)


def _as_failure(_scene: Scene, batch: Batch) -> Batch:
    error = {"type": "error", "code": "internal_error", "message": "the run failed"}
    return replace(batch, documents=[error], status="failed")


def _as_success(scene: Scene, batch: Batch) -> Batch:
    """Not of a build, whose success names what was built."""
    done = {"type": "done", "tokensUsed": 0, "durationMs": scene.scratch.get(TOOK_MS, 0)}
    return replace(batch, documents=[done], status="succeeded")


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


def _null_for_request(_shown: Shown, document: Any) -> Iterable[Any]:
    return ({**document, "requestId": None},)


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


def _behind_own_plan(more: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Make:
    """Another event behind the plan that a build makes by itself: what a script emits is not the system's choice."""

    def append(_scene: Scene, batch: Batch) -> Batch:
        longer = [(it, more(it)) if it.get("summary") == SUMMARY else (it,) for it in batch.documents]
        return replace(batch, documents=[it for pair in longer for it in pair])

    return lambda: Seams(append=append)


def _no_lists(value: Any) -> Any:
    """Empty lists where the schemas want lists, as null."""
    if not isinstance(value, dict):
        return value
    return {key: None if key == "files" and it == [] else _no_lists(it) for key, it in value.items()}


def _in_member(name: str, change: Callable[[str], str]) -> Callable[[Any], Any]:
    """A change of the text that is a member of this name, wherever it stands."""

    def changed(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: change(it) if key == name and isinstance(it, str) else changed(it) for key, it in value.items()}

    return changed


def _in_ascii(text: str) -> str:
    """The text with question marks for what is not ASCII."""
    return text.encode("ascii", "replace").decode()


def _with_error(answer: Answer, **members: Any) -> Answer:
    """A refusal with other members in its envelope."""
    error = answer.document.get("error") if isinstance(answer.document, dict) else None
    return replace(answer, document={"error": {**error, **members}}) if isinstance(error, dict) else answer


def _in_seconds(_scene: Scene, answer: Answer) -> Answer:
    known = answer.status == 429 and isinstance(answer.document, dict)
    return _with_error(answer, retryAfterMs=answer.document["error"]["retryAfterMs"] // 1000) if known else answer


def _own_code(_scene: Scene, answer: Answer) -> Answer:
    return _with_error(answer, code="run_missing") if answer.status == 404 else answer


TRAITS = Traits(
    rare_type=_RARE,
    rare=_rare,
    discriminator="type",
    body="insight",
    lines=True,
    texts=lambda shown: shown.name == "file",
    short=lambda scene: scene.operation == "start:skill",
    final=_last,
    ends=lambda document: document.get("type") in TERMINAL,
    more=_more,
    states=frozenset({"progress", _RARE}),
    as_failure=_as_failure,
    as_success=_as_success,
    uncancelled=_as_failure,
    done="succeeded",
    plain=of_type("chunk"),  # a build has none
)

NANOSECONDS = 1_000_000  # in a millisecond

FAULTS: tuple[Fault, ...] = (
    Fault(
        "chunk-in-a-build", "ORD-01", PROMPTFLOE, "A build has a piece of text, as only a skill may.",
        _behind_own_plan(lambda _plan: {"type": "chunk", "delta": "three prices"}),
    ),
    Fault(
        "planned-twice", "ORD-08", PROMPTFLOE, "A build plans twice.", _behind_own_plan(lambda plan: plan),
    ),
    Fault(
        "record-with-one-newline-more", "EVT-14", PROMPTFLOE,
        "The markdown of the record has a newline that was not streamed.",
        answer_of("record", _longer),
    ),
    Fault(
        "start-names-no-run", "PFL-02", PROMPTFLOE, "The start of an augmenter lacks X-Run-Id.",
        _nameless("X-Run-Id", lambda scene, answer: scene.operation == "start:augmenter" and is_stream(answer)),
    ),
    Fault("run-id-of-another-run", "PFL-03", PROMPTFLOE, "An event names another run.", told(_rare, _another_run)),
    Fault(
        "last-of-another-run", "EVT-13", PROMPTFLOE, "The last event of a run names another run than those before it.",
        told(_last, _another_run), fixture=True,
    ),
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
    Fault(
        "duration-in-nanoseconds", "PFL-09", PROMPTFLOE, "The duration of a run is in nanoseconds.",
        told(
            lambda shown: shown.name == "done",
            lambda _shown, done: ({**done, "durationMs": done["durationMs"] * NANOSECONDS},),
        ),
    ),
    Fault(
        "resumed-names-no-run", "PFL-10", PROMPTFLOE, "The answer to a reader that returns lacks X-Run-Id.",
        _nameless("X-Run-Id", lambda scene, answer: scene.operation in ("attach", "resume") and is_stream(answer)),
    ),
    Fault(
        "retry-after-apart", "PFL-11", PROMPTFLOE, "A 429 answer has seconds where milliseconds are due.",
        lambda: Seams(head=_in_seconds),
    ),
    Fault(
        "unknown-run-coded-otherwise", "PFL-12", PROMPTFLOE, "The code of a 404 answer is not one of the system's.",
        lambda: Seams(head=_own_code),
    ),
    Fault(
        "request-id-as-null", "EVT-12", PROMPTFLOE, "An error has null for the id of its request.",
        told(lambda shown: shown.name == "error", _null_for_request),
    ),
    Fault(
        "empty-list-as-null", "EVT-12", PROMPTFLOE, "An empty list of files is null.", said(_no_lists),
        generated=True,
    ),
    Fault(
        "notes-in-ascii", "EVT-09", PROMPTFLOE, "The notes of a review have question marks for what is not ASCII.",
        said(_in_member("notes", _in_ascii)),
        generated=True,
    ),
    Fault(
        "result-decides", "TRM-06", PROMPTFLOE,
        "A run that fails ends as a success if it emitted more than text and progress.",
        told_as_success(of_type("insight", "file_written", "started", "planning")),
        generated=True,
    ),
)  # fmt: skip
