"""What faults of texts have in common: texts in what is said, and texts as they are spelt in a frame.

It must not know any fault, nor any system but for where it says something.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.shapes import is_own
from streamvet_server.seams import Batch, Cause, Scene, Seams, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streamvet_server.faults.shapes import Make
    from streamvet_server.seams import Piece, Shown

# A string of a JSON text, with its quotes.
_SPELT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def in_texts(change: Callable[[str], str]) -> Callable[[Any], Any]:
    """A change of every text in a value; keys stay as they are."""

    def changed(value: Any) -> Any:
        if isinstance(value, str):
            return change(value)
        if isinstance(value, dict):
            return {key: changed(it) for key, it in value.items()}
        return [changed(it) for it in value] if isinstance(value, list) else value

    return changed


def said(change: Callable[[Any], Any]) -> Make:
    """What runs emit, and what scripts publish, as something else from then on."""

    def append(_scene: Scene, batch: Batch) -> Batch:
        working = batch.cause is Cause.WORK and batch.documents
        return replace(batch, documents=[change(it) for it in batch.documents]) if working else batch

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        return updates if is_own(scene) else [Update(it.opcode, change(it.data)) for it in updates]

    return lambda: Seams(append=append, publish=publish)


def spelt(change: Callable[[bytes], bytes]) -> Make:
    """The JSON strings of every frame, with their quotes, spelt otherwise."""

    def frame(_shown: Shown, octets: bytes) -> Iterable[Piece]:
        return (_SPELT.sub(lambda found: change(found[0]), octets),)

    return lambda: Seams(frame=frame)
