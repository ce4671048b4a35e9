"""Simpler stimuli of a stimulus, in a fixed order, and the search for one from which nothing can be taken away.

Works on stimuli as plain JSON: what may be removed are readers, visits, steps of a script, and what the form of one
system has; then times and payloads get simpler. Must not know how a stimulus is tried, nor what it shows: that is
asked.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from streamvet.generation.form import Form, Path
    from streamvet.probes.setting import Stimulus

Rank = tuple[int, ...]  # of something simpler in its order: a search goes on at the rank at which it has found it

_EXTRAS = (
    ("again",),
    ("record",),
    ("runs",),
    ("cancel_after", "cancel_ms"),
    ("cancel_after",),
    ("cut",),
    ("restart_ms",),
)
_LISTS: tuple[Path, ...] = (("readers",), ("readers", "visits"))
_SCRIPT: Path = ("script",)
# Members that a visit, a reader or a cut can be without.
_OPTIONAL = ("wait_ms", "stall_ms", "cut", "inside", "join_after", "at")
_COUNTED = ("after", "inside", "join_after", "cancel_after", "at", "runs")
_TOP = ("cancel_ms", "restart_ms", "cancel_after", "cut", "runs", "late_ms")
_SHORT_CHARS = 12  # a text of which each character is looked at
_PLACES = 8  # at most, at which a piece of one length is taken from a text
_SMALL = 16  # a number from which one is taken


def canonical(stimulus: Stimulus) -> str:
    """Equal for equal stimuli."""
    return json.dumps(stimulus, sort_keys=True, separators=(",", ":"))


# ------------------------------------------------------------------------------------------------ one thing less


def _chunks(items: Sequence[Any]) -> Iterator[tuple[Rank, list[Any]]]:
    """The items without some of them: all, half of them, … one by one."""
    size = len(items)
    while size:
        for start in range(0, len(items), size):
            yield (-size, start), [*items[:start], *items[start + size :]]
        size //= 2


def _without(items: Sequence[Any]) -> Iterator[tuple[Rank, list[Any]]]:
    """The items without one of them."""
    for start in range(len(items)):
        yield (start,), [*items[:start], *items[start + 1 :]]


def _in_lists(
    value: Any, way: tuple[str, ...], fewer: Callable[[Sequence[Any]], Iterator[tuple[Rank, list[Any]]]]
) -> Iterator[tuple[Rank, Any]]:
    """The value with a list at this place that has fewer items; on the way all items of lists are gone through."""
    if isinstance(value, list) and way:
        inner = way[1:] if way[0] == "" else way
        for index, one in enumerate(value):
            for rank, made in _in_lists(one, inner, fewer):
                yield (index, *rank), [*value[:index], made, *value[index + 1 :]]
    elif isinstance(value, list):
        yield from fewer(value)
    elif isinstance(value, dict) and way and way[0] in value and value[way[0]] is not None:
        for rank, made in _in_lists(value[way[0]], way[1:], fewer):
            yield rank, value | {way[0]: made}


def _lists(form: Form | None) -> tuple[Path, ...]:
    """Where a stimulus has lists from which items may be taken, in the order in which that is tried."""
    return (*_LISTS, *(form.lists if form else ()), _SCRIPT)


def removals(stimulus: Stimulus, form: Form | None = None) -> list[Stimulus]:
    """The stimulus without each single one of its readers, visits, steps, and what its own form has."""
    return [made for way in _lists(form) for _, made in _in_lists(stimulus, way, _without)]


def _extras(stimulus: Stimulus) -> Iterator[tuple[Rank, Stimulus]]:
    """Without what is not about readers or events; and with the usual outcome."""
    for number, keys in enumerate(_EXTRAS):
        if keys[-1] in stimulus and keys[0] in stimulus:
            yield (number,), {key: one for key, one in stimulus.items() if key not in keys}
        elif keys == ("cancel_after", "cancel_ms") and "cancel_ms" in stimulus:
            yield (number,), {key: one for key, one in stimulus.items() if key != "cancel_ms"}
    if stimulus.get("script") is not None and stimulus.get("outcome") not in (None, "succeeds"):
        without = {key: one for key, one in stimulus.items() if key not in ("cancel_after", "cancel_ms")}
        yield (len(_EXTRAS),), without | {"outcome": "succeeds"}


def _fewer(way: tuple[str, ...]) -> Callable[[Stimulus], Iterator[tuple[Rank, Stimulus]]]:
    return lambda stimulus: _in_lists(stimulus, way, _chunks)


# ------------------------------------------------------------------------------------------------ smaller figures


def _figures(form: Form | None, stimulus: Stimulus) -> Iterator[tuple[Rank, Stimulus]]:
    """With less time, fewer bytes, no cursor, member by member."""
    plain = {key: one for key, one in stimulus.items() if key in _TOP}
    parts = {key: stimulus.get(key) for key in ("readers", *(form.figures if form else ()))}
    whole = plain | {key: one for key, one in parts.items() if one}
    number = 0
    for made in _smaller_figures(whole):
        number += 1
        yield (number,), stimulus | made
    for name, key in (("script", "wait_ms"), *(form.times if form else ())):
        rows = stimulus.get(name) or []
        for index, row in enumerate(rows):
            for less in _less(row.get(key, 0)):
                number += 1
                yield (number,), stimulus | {name: [*rows[:index], row | {key: less}, *rows[index + 1 :]]}


def _smaller_figures(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            for made in _smaller_figures(one):
                yield [*value[:index], made, *value[index + 1 :]]
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in _OPTIONAL:
                yield {name: other for name, other in value.items() if name != key}
            if key == "from" and one != "start":
                yield {name: other for name, other in value.items() if name != "at"} | {"from": "start"}
            if key.endswith("_ms") or key in _COUNTED:
                yield from (value | {key: less} for less in _less(one))
            elif isinstance(one, dict | list):
                yield from (value | {key: made} for made in _smaller_figures(one))


def _less(number: float) -> Iterator[float]:
    """Smaller numbers: none, half, a quarter less or one less, without its fraction."""
    less = number - 1 if number <= _SMALL else number * 3 // 4
    found = [0, number // 2, less, int(number)] if number > 0 else [0]
    yield from dict.fromkeys(int(one) for one in found if 0 <= one < abs(number))


# ------------------------------------------------------------------------------------------------ simpler payloads


def _payloads(form: Form | None, stimulus: Stimulus) -> Iterator[tuple[Rank, Stimulus]]:
    """With a simpler event, or part of its own form; which of them it has is not changed here."""
    number = 0
    for way in (("script", "emit"), *(form.values if form else ())):
        for made in _at(stimulus, way, _simpler_inside):
            number += 1
            yield (number,), made


def _at(value: Any, way: tuple[str, ...], simpler: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
    """The value with something simpler at this place; on the way all items of lists are gone through."""
    if isinstance(value, list) and way:
        inner = way[1:] if way[0] == "" else way
        for index, one in enumerate(value):
            yield from ([*value[:index], made, *value[index + 1 :]] for made in _at(one, inner, simpler))
    elif not way:
        yield from simpler(value)
    elif isinstance(value, dict) and value.get(way[0]):
        yield from (value | {way[0]: made} for made in _at(value[way[0]], way[1:], simpler))


def _simpler_inside(value: Any) -> Iterator[Any]:
    """A value whose parts are simpler, but with as many of them."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from ([*value[:index], made, *value[index + 1 :]] for made in _simpler(one))
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from (value | {key: made} for made in _simpler(one))


def _simpler(value: Any) -> Iterator[Any]:
    """Simpler values: an empty one, a part, the same with a simpler part."""
    if isinstance(value, str):
        yield from dict.fromkeys(_shorter(value))
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield from _less(value)
        if value < 0:
            yield -value
    elif value:
        yield type(value)()
        yield from value.values() if isinstance(value, dict) else value
        if isinstance(value, dict):
            yield from ({key: value[key] for key in keys} for _, keys in _chunks(list(value)) if keys)
        else:
            yield from (items for _, items in _chunks(value) if items)
        yield from _simpler_inside(value)


def _shorter(text: str) -> Iterator[str]:
    """Shorter texts, then plainer ones."""
    if not text:
        return
    yield ""
    size = len(text) // 2
    while size:
        places = range(0, len(text), size)
        for at in places if len(places) <= _PLACES else (*places[: _PLACES // 2], *places[-_PLACES // 2 :]):
            yield text[:at] + text[at + size :]
        size //= 2
    if len(text) <= _SHORT_CHARS:
        yield from (text[:at] + "a" + text[at + 1 :] for at in range(len(text)) if text[at] != "a")


def passes(form: Form | None) -> tuple[Callable[[Stimulus], Iterator[tuple[Rank, Stimulus]]], ...]:
    """The ways in which a stimulus is made simpler, in their order."""
    return (_extras, *map(_fewer, _lists(form)), partial(_figures, form), partial(_payloads, form))


# ------------------------------------------------------------------------------------------------ the search


async def smallest(
    stimulus: Stimulus,
    shows: Callable[[Stimulus], Awaitable[bool]],
    mended: Callable[[Stimulus], Stimulus | None],
    over: Callable[[], bool],
    at_once: int = 1,
    *,
    form: Form | None = None,
) -> Stimulus:
    """A stimulus that shows the same and has nothing to take away; a larger one where the search is `over` before that.

    `shows` is asked for several at once, and answers for equal stimuli alike; `mended` makes a stimulus lawful.
    """
    changed = True
    while changed and not over():
        changed = False
        for simpler in passes(form):
            since: Rank = ()
            while not over():
                found = await _first(_candidates(stimulus, simpler, mended, since), shows, over, at_once)
                if found is None:
                    break
                since, stimulus = found
                changed = True
    return stimulus


def _candidates(
    stimulus: Stimulus,
    simpler: Callable[[Stimulus], Iterator[tuple[Rank, Stimulus]]],
    mended: Callable[[Stimulus], Stimulus | None],
    since: Rank,
) -> Iterator[tuple[Rank, Stimulus]]:
    """What one pass makes of a stimulus, from a rank on, lawful and each once."""
    seen = {canonical(stimulus)}
    for rank, made in simpler(stimulus):
        lawful = mended(made) if rank >= since else None
        if lawful is None or (key := canonical(lawful)) in seen:
            continue
        seen.add(key)
        yield rank, lawful


async def _first(
    candidates: Iterator[tuple[Rank, Stimulus]],
    shows: Callable[[Stimulus], Awaitable[bool]],
    over: Callable[[], bool],
    at_once: int,
) -> tuple[Rank, Stimulus] | None:
    """The first of the candidates that shows it."""
    while not over():
        rows = list(islice(candidates, at_once))
        if not rows:
            return None
        answers = await asyncio.gather(*(shows(made) for _, made in rows))
        found = next((row for row, shown in zip(rows, answers, strict=True) if shown), None)
        if found is not None:
            return found
    return None
