"""Everything that is guessed of one stream, as a value: how types are told, what they are like, what ends it.

Must not know in which form it is written down.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.observing.beats import Beat, beat_of
from streamvet.observing.inferring import schema_of
from streamvet.observing.numbering import Numbering, numberings, shared
from streamvet.observing.sample import SSE
from streamvet.observing.telling import Telling, is_an_end, telling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.observing.sample import Sample

_FAILS = re.compile(r"error|fail|exception|abort", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a stream seems to be. `counts`: how often each type came; `schemas`: what the data of each is like."""

    sample: Sample
    telling: Telling
    kinds: tuple[str | None, ...]  # of each event
    counts: Mapping[str, int]
    schemas: Mapping[str, dict[str, Any]]
    numberings: tuple[Numbering, ...]
    shared: tuple[str, ...]
    beat: Beat | None
    last: str | None  # the type of the event that ends the stream, None where none seems to
    ended: bool  # by the server

    @property
    def framing(self) -> str:
        """Its framing."""
        return self.sample.framing

    @property
    def fails(self) -> bool:
        """Whether the last event tells of a failure."""
        return self.last is not None and bool(_FAILS.search(self.last))

    @property
    def with_ids(self) -> int:
        """How many events have an id."""
        return sum(one.id is not None for one in self.sample.events)


def guess(sample: Sample, *, ended: bool) -> Guess:
    """What is guessed of a stream; `ended`: whether it was the server who ended it."""
    told = telling(sample.events, named=sample.framing == SSE)
    kinds = told.kinds(sample.events)
    counts = Counter(kind for kind in kinds if kind is not None)
    beat = beat_of(sample, kinds)
    silent = beat.kind if beat else None
    spoken = [(one, kind) for one, kind in zip(sample.events, kinds, strict=True) if kind is None or kind != silent]
    working = [(one, kind) for one, kind in spoken if kind is not None]
    values: dict[str, list[Any]] = {}
    for one, kind in zip(sample.events, kinds, strict=True):
        if kind is not None and one.is_json:
            values.setdefault(kind, []).append(one.value)
    events = [one for one, _ in working]
    return Guess(
        sample=sample,
        telling=told,
        kinds=tuple(kinds),
        counts=counts,
        schemas={kind: schema_of(found) for kind, found in values.items()},
        numberings=tuple(numberings(events, [kind for _, kind in working])),
        shared=tuple(shared(events)),
        beat=beat,
        last=_last(sample, [kind for _, kind in spoken], ended=ended),
        ended=ended,
    )


def _last(sample: Sample, kinds: Sequence[str | None], *, ended: bool) -> str | None:
    """The type of the last event, where it came once, and the server has ended the stream behind it.

    Of bytes alone nobody knows who has ended them: there it is named as ends are.
    """
    last = kinds[-1] if kinds else None
    if last is None or kinds.count(last) > 1 or not sample.ends_with_event or (sample.timed and not ended):
        return None
    return last if is_an_end(last) or (ended and len(kinds) > 1) else None
