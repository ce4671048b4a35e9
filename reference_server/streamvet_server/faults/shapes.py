"""The shapes that many faults have: heads changed, events told otherwise, frames written otherwise, checks turned.

It must not know any fault: a shape takes what differs as a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from streamvet_server.seams import Answer, Piece, Refusal, Scene, Seams, Shown

Make = Callable[[], Seams]
Chosen = Callable[[Shown], bool]

STREAMS = frozenset({"attach", "resume"})  # the operations that only read
BOM = b"\xef\xbb\xbf"


def opening(shown: Shown) -> bool:
    """Whether a frame is the first of its stream."""
    return shown.index == 0


def every(_shown: Shown) -> bool:
    """Whether a frame is one."""
    return True


def whole(scene: Scene) -> bool:
    """Whether a reader has asked for the run from its beginning."""
    return "cursor" not in scene.query and "Last-Event-ID" not in scene.headers


def type_of(document: Any) -> Any:
    """The type of what a run emits, None where it has none."""
    return document.get("type", document.get("step"))


def is_stream(answer: Answer) -> bool:
    """Whether a stream follows this head."""
    return answer.document is None and answer.status == 200


def stream_head(change: Callable[[Scene, Answer], Answer]) -> Make:
    """Every head of a stream changed."""
    return lambda: Seams(head=lambda scene, answer: change(scene, answer) if is_stream(answer) else answer)


def stream_field(name: str, value: str | None) -> Make:
    """A header field of every stream with another value, or without it."""

    def change(_scene: Scene, answer: Answer) -> Answer:
        kept = {key: old for key, old in answer.headers.items() if key.lower() != name.lower()}
        return replace(answer, headers=kept if value is None else {**kept, name: value})

    return stream_head(change)


def answer_of(operation: str, change: Callable[[Scene, Answer], Answer]) -> Make:
    """The JSON of an operation that succeeded, changed."""

    def head(scene: Scene, answer: Answer) -> Answer:
        fits = scene.operation == operation and 200 <= answer.status < 300 and answer.document is not None
        return change(scene, answer) if fits else answer

    return lambda: Seams(head=head)


def told(chosen: Chosen, change: Callable[[Shown, Any], Iterable[Any]]) -> Make:
    """The documents of the chosen events as something else, on every connection."""
    return lambda: telling(chosen, change)


def telling(chosen: Chosen, change: Callable[[Shown, Any], Iterable[Any]]) -> Seams:
    """The seams of `told`."""
    return Seams(document=lambda shown, document: change(shown, document) if chosen(shown) else (document,))


def with_key(key: str, value: Any) -> Callable[[Shown, Any], Iterable[Any]]:
    """A change that adds a member, to the first where an event has several objects."""
    return lambda _shown, document: (of_first(lambda first: {**first, key: value})(document),)


def of_first(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A change of a document, or of the first one of a list."""
    return lambda document: [change(document[0]), *document[1:]] if isinstance(document, list) else change(document)


def written(chosen: Chosen, change: Callable[[bytes], bytes]) -> Make:
    """The octets of the chosen frames as others, on every connection."""
    return lambda: writing(chosen, change)


def writing(chosen: Chosen, change: Callable[[bytes], bytes]) -> Seams:
    """The seams of `written`."""
    return piecing(chosen, lambda _shown, octets: (change(octets),))


def piecing(chosen: Chosen, change: Callable[[Shown, bytes], Iterable[Piece]]) -> Seams:
    """Seams that write the chosen frames in pieces."""
    return Seams(frame=lambda shown, octets: change(shown, octets) if chosen(shown) else (octets,))


def turned(
    operations: Callable[[Scene], bool], check: str, change: Callable[[Scene, Refusal | None], Refusal | None]
) -> Make:
    """A check of some requests that comes to another result."""

    def access(scene: Scene, name: str, refusal: Refusal | None) -> Refusal | None:
        return change(scene, refusal) if name == check and operations(scene) else refusal

    return lambda: Seams(access=access)


def crashing(_scene: Scene, refusal: Refusal | None) -> Refusal | None:
    """A check that ends in a server error where it would have refused."""
    return Refusal(500, "internal_error", "internal error") if refusal else None


def reads(scene: Scene) -> bool:
    """Whether a request is for the stream of a run, or for one that everybody may read."""
    return scene.operation in STREAMS


def starts(scene: Scene) -> bool:
    """Whether a request is for a new run."""
    return scene.operation.startswith("start:")


def is_own(scene: Scene) -> bool:
    """Whether updates are of the server's own work, not what the control interface asked for."""
    return scene.operation != "publish"
