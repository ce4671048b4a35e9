"""The heartbeat that was measured: which form it has, how often it comes, and whether other events postpone it.

Must not know what a profile asks of a heartbeat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from streamvet.observing.sample import NDJSON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.observing.sample import Quiet, Sample

_NAMED = re.compile(r"(^|[^a-z])(ping|heart_?-?beat|keep_?-?alive|hb|alive|noop|ka)([^a-z]|$)")
_DIGITS = re.compile(r"[0-9]+")
# Gaps of one timer differ by what a scheduler is late, on a busy machine by some tens of ms.
_STEADY_PART, _STEADY_US = 0.2, 60_000
_SOON_US = 500_000  # what comes this soon, once, greets
_CLOSE_PART = 0.03  # how near a measured interval is to the round one that was meant
_ROUND_MS = (1, 2, 5, 10, 15, 20, 25, 30, 40, 45, 50, 60, 90, 120)


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat. `interval_us` is None where no times are known; `gaps_us` are those that were measured.

    `timer`: fixed, idle, or "" where nothing shows which.
    """

    form: str  # event, object, comment or blank
    kind: str | None  # the type of the event or object
    text: str  # of the first one
    pattern: str | None  # that the texts of comments match, None where nothing can be said
    count: int
    interval_us: int | None = None
    gaps_us: tuple[int, ...] = ()
    timer: str = ""

    @property
    def interval_ms(self) -> int | None:
        """The interval that was meant: a round one where that is near."""
        if self.interval_us is None:
            return None
        measured = self.interval_us / 1000
        rounds = (each * power for power in (1, 10, 100, 1000) for each in _ROUND_MS)
        near = min(rounds, key=lambda one: abs(one - measured))
        return near if abs(near - measured) <= _CLOSE_PART * measured else max(round(measured), 1)

    @property
    def shown(self) -> str:
        """What comes, in words."""
        if self.form == "comment":
            return f"the comment :{self.text}"
        return {"blank": "an empty line"}.get(self.form, f"the event {self.kind}")


def beat_of(sample: Sample, kinds: Sequence[str | None]) -> Beat | None:
    """The heartbeat of a stream, None where none was seen."""
    rows = list(zip(sample.events, kinds, strict=True))
    told = next((kind for _, kind in rows if kind is not None and is_named_so(kind)), None)
    others = [one.at_us for one, kind in rows if told is None or kind != told]
    if told is not None:
        beats = [one for one, kind in rows if kind == told]
        untimed = Beat("object" if sample.framing == NDJSON else "event", told, beats[0].text, None, len(beats))
        others += [one.at_us for one in sample.quiet]
        return _measured(sample, untimed, [one.at_us for one in beats], others)
    quiet = _repeated(sample)
    if not quiet:
        return None
    untimed = Beat(quiet[0].form, None, quiet[0].text, _pattern(quiet), len(quiet))
    return _measured(sample, untimed, [one.at_us for one in quiet], others)


def is_named_so(kind: str) -> bool:
    """Whether a type is named as heartbeats are."""
    return bool(_NAMED.search(re.sub(r"([a-z])([A-Z])", r"\1_\2", kind).lower()))


def _repeated(sample: Sample) -> list[Quiet]:
    """The comments, or the empty lines, that are no greeting."""
    for form in ("comment", "blank"):
        found = [one for one in sample.quiet if one.form == form]
        while found and not _is_beat(found[0], found, sample):
            found = found[1:]
        if found:
            return found
    return []


def _is_beat(one: Quiet, found: Sequence[Quiet], sample: Sample) -> bool:
    """Whether the first of some comments is one of them, and not what greets: by its text, or as it comes later."""
    alike = sum(_spelt(one.text) == _spelt(other.text) for other in found)
    if alike > 1:
        return True
    late = not sample.timed or one.at_us - sample.begun_us > _SOON_US
    return not one.first and late


def _spelt(text: str) -> str:
    return _DIGITS.sub("0", text)


def _pattern(found: Sequence[Quiet]) -> str | None:
    """What all texts match: the text, with any digits in place of digits; None where they differ else.

    Empty lines have none.
    """
    texts = [one.text for one in found]
    if found[0].form != "comment" or len(set(map(_spelt, texts))) != 1:
        return None
    return "^" + "[0-9]+".join(map(_escaped, _DIGITS.split(texts[0]))) + "$"


def _escaped(text: str) -> str:
    return re.sub(r"([][.^$*+?(){}|\\])", r"\\\1", text)


def _measured(sample: Sample, untimed: Beat, times: Sequence[int], others: Sequence[int]) -> Beat:
    """The beat with its interval, where times are known; it came at these, and anything else at `others`."""
    if not sample.timed:
        return untimed
    writes = sorted([sample.begun_us, *others, *times])
    apart = [other - one for one, other in pairwise(times)]
    between = [any(one < at < other for at in others) for one, other in pairwise(times)]
    since = [_since(at, writes) for at in times]
    after_event = [gap for gap, busy in zip(since[1:], between, strict=True) if busy]
    quiet = [gap for gap, busy in zip(apart, between, strict=True) if not busy]
    if any(between) and len(apart) > 1 and _is_steady(apart):
        gaps, timer = apart, "fixed"
    elif after_event and _is_steady([*after_event, *quiet]):
        gaps, timer = [*quiet, *after_event], "idle"
    else:
        gaps, timer = quiet or since[:1], ""
    return replace(untimed, interval_us=int(median(gaps)), gaps_us=tuple(gaps), timer=timer)


def _since(at_us: int, writes: Sequence[int]) -> int:
    """How long nothing had come before a moment."""
    return at_us - max((one for one in writes if one < at_us), default=at_us)


def _is_steady(gaps: Sequence[int]) -> bool:
    return max(gaps) - min(gaps) <= max(_STEADY_PART * median(gaps), _STEADY_US)
