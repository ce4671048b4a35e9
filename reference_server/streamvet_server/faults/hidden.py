"""Faults that no stimulus shows which somebody has thought of: rare texts, and rare moments.

Each takes two things that the pinned stimuli never bring together: two characters, a length and a character, a type and
an outcome, a reader's coming and a number. `streamvet prove` does not run them, `streamvet prove --generated` does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import COSMA, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fitted import Fitted, remembered_of
from streamvet_server.faults.memory import Memory, remembered
from streamvet_server.faults.rare_moments import bunch_of_a_cursor, lost_in_between, redelivered, separators_replayed
from streamvet_server.faults.rare_texts import (
    BUFFER_OCTETS,
    CHUNK_UNITS,
    LEVELS,
    SEPARATORS,
    as_in_c,
    cut_at_buffers,
    halved_emoji,
    looks_like_an_end,
    raw_newline,
    rounded,
    shallow,
    twice_data,
    unescaped_end,
)
from streamvet_server.faults.shapes import Make, every, type_of, written
from streamvet_server.faults.texts import in_texts, said, spelt
from streamvet_server.seams import Batch, Cause, Close, Piece, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streamvet_server.faults.traits import Traits


def in_bunches(change: Callable[[Sequence[Any]], Sequence[Any]]) -> Make:
    """What a run emits at once, as something else."""

    def append(_scene: Scene, batch: Batch) -> Batch:
        working = batch.cause is Cause.WORK and batch.documents
        return replace(batch, documents=change(batch.documents)) if working else batch

    return lambda: Seams(append=append)


def _newest_of_a_kind(own: Traits) -> Seams:
    def newest(documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        following = [*map(type_of, documents[1:]), None]
        pairs = zip(documents, following, strict=True)
        return [it for it, then in pairs if type_of(it) != then or then not in own.states]

    return in_bunches(newest)()


def told_as_success(good: Callable[[Mapping[str, Any]], bool], *bad: str, left: bool = False) -> Fitted:
    """A run that fails is told as a success where one of its events speaks for that, and no type does against it.

    `left`: whether somebody has to have left it before, or nobody.
    """

    def build(own: Traits, memory: Memory) -> Seams:
        fine: set[str] = set()
        failed: set[str] = set()

        def append(scene: Scene, batch: Batch) -> Batch:
            run = scene.run or ""
            if batch.cause is Cause.WORK:
                fine.update({run} if any(map(good, batch.documents)) else ())
                failed.update({run} if any(type_of(it) in bad for it in batch.documents) else ())
            lies = batch.cause is Cause.FAILED and run in fine - failed and (memory.departed[run] > 0) is left
            return own.as_success(scene, batch) if lies else batch

        return Seams(append=append)

    return remembered_of(build)


def _ends_inside() -> Seams:
    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        return (octets,) if shown.last or not looks_like_an_end(octets) else (octets, Close.CLEAN)

    return Seams(frame=frame)


def of_type(*types: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a document is of one of these types."""
    return lambda document: type_of(document) in types


def _row(name: str, id_: str, profiles: tuple[str, ...], note: str, make: Make | Fitted) -> Fault:
    return Fault(name, id_, profiles, note, make, generated=True)


FAULTS: tuple[Fault, ...] = (
    _row(
        "newline-behind-a-wide-character", "SSE-02", GHOSTLY + COSMA,
        "A newline right behind a character of three octets or four is not escaped.",
        spelt(raw_newline),
    ),
    _row(
        "line-broken-behind-a-wide-character", "NDJ-03", PROMPTFLOE + ROCKSTAR,
        "A newline right behind a character of three octets or four is not escaped.", spelt(raw_newline),
    ),
    _row(
        "character-cut-at-a-buffer", "EVT-01", GHOSTLY + PROMPTFLOE + COSMA,
        f"A character of four octets that begins before octet {BUFFER_OCTETS} of a text and ends behind it is cut.",
        spelt(cut_at_buffers),
    ),
    _row(
        "backslash-at-the-end", "EVT-02", GHOSTLY + PROMPTFLOE + ROCKSTAR + COSMA,
        "A backslash that ends a text is not escaped.", spelt(unescaped_end),
    ),
    _row(
        "control-before-a-digit", "EVT-02", GHOSTLY + PROMPTFLOE + COSMA,
        "A control character that a hexadecimal digit follows is written as in C.", spelt(as_in_c),
    ),
    _row(
        "emoji-over-two-chunks", "EVT-05", GHOSTLY + PROMPTFLOE + COSMA,
        f"An emoji of which a half is in the next {CHUNK_UNITS} units of UTF-16 loses that half.",
        said(in_texts(halved_emoji)),
    ),
    _row(
        "separators-trimmed", "EVT-09", GHOSTLY + PROMPTFLOE + ROCKSTAR + COSMA,
        "A line separator other than CR and LF is trimmed from the end of a text.",
        said(in_texts(lambda text: text.rstrip(SEPARATORS))),
    ),
    _row(
        "fifteen-digits", "EVT-09", GHOSTLY, "An integer of more than fifteen digits is rounded to fifteen.",
        said(rounded),
    ),
    _row(
        "nested-cut", "EVT-09", GHOSTLY, f"What is nested in more than {LEVELS} levels is null.", said(shallow),
    ),
    _row(
        "data-prefix-dropped", "EVT-09", GHOSTLY + COSMA, "A text that begins with the name of a field loses that.",
        said(in_texts(lambda text: text.removeprefix("data:"))),
    ),
    _row(
        "data-key-twice", "EVT-03", GHOSTLY, "A key named data is twice in a payload.", written(every, twice_data),
    ),
    _row(
        "newest-of-a-kind", "ORD-05", GHOSTLY + PROMPTFLOE,
        "Of two events of one type that come at once the older is left out.",
        Fitted(_newest_of_a_kind),
    ),
    _row(
        "passes-without-a-reader", "TRN-11", GHOSTLY,
        "A run that fails ends as a success if one of its readers has left.",
        told_as_success(lambda _it: True, left=True),
    ),
    _row(
        "end-looked-for-in-the-text", "TRM-01", PROMPTFLOE + ROCKSTAR,
        "The stream is closed after an event that contains the text of the last one.", _ends_inside,
    ),
    _row(
        "lost-in-between", "CAT-03", PROMPTFLOE,
        "Who joins in between of two events that follow each other soon misses the second one.",
        remembered(lost_in_between),
    ),
    _row(
        "told-again-to-newcomers", "CAT-04", GHOSTLY,
        "Events that were sent as a reader left, in one batch, are sent again.",
        remembered(redelivered(cursors=False)),
    ),
    _row(
        "told-again-behind-a-cursor", "CAT-06", PROMPTFLOE,
        "Events that a late reader received as it left are sent again after a cursor.",
        remembered(redelivered(cursors=True)),
    ),
    _row(
        "separators-trimmed-in-the-log", "CAT-07", GHOSTLY + PROMPTFLOE,
        "A line separator other than CR and LF is trimmed from the end of a replayed text.",
        remembered(separators_replayed),
    ),
    _row(
        "rest-of-the-bunch-skipped", "CAT-05", PROMPTFLOE,
        "After a cursor inside a batch of simultaneous events, the rest of the batch is missing.",
        bunch_of_a_cursor(lambda numbers: numbers[-1]),
    ),
    _row(
        "whole-bunch-again", "CAT-06", PROMPTFLOE,
        "After a cursor inside a batch of simultaneous events, the whole batch is sent again.",
        bunch_of_a_cursor(lambda numbers: numbers[0] - 1),
    ),
)  # fmt: skip
