"""Types whose events are not all of one shape: a member with values of two types, or members that come and go.

Must not know what a schema allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.contract.files import step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamvet.observing.guess import Guess

_LEAST = 2  # events of a type: one has one shape
_DEEP = 6
_NUMBER = "a number"
_NAMES = {bool: "a boolean", int: _NUMBER, float: _NUMBER, str: "a text", list: "a list", dict: "an object"}
_MOST_MEMBERS = 3  # that are named of a type


def drifts(guess: Guess) -> Iterator[str]:
    """A line for each type that drifts, the worst first: values of two types before members that are missing."""
    rows: dict[str, list[tuple[int, Any]]] = {}
    for number, (one, kind) in enumerate(zip(guess.sample.events, guess.kinds, strict=True), start=1):
        if kind is not None and one.is_json:
            rows.setdefault(kind, []).append((number, one.value))
    found = [(kind, _mixed(rows[kind]), _missing(rows[kind])) for kind in rows if len(rows[kind]) >= _LEAST]
    yield from (f"{kind}: {mixed}" for kind, mixed, _ in found if mixed)
    yield from (f"{kind}: {missing}" for kind, _, missing in found if missing)


def _mixed(rows: list[tuple[int, Any]]) -> str:
    """The members whose values are of two types, null apart, with the event where the second one comes first."""
    seen: dict[str, dict[str, int]] = {}
    for number, value in rows:
        for place, name in _types(value, "", 0):
            seen.setdefault(place, {}).setdefault(name, number)
    mixed = {place: names for place, names in seen.items() if len(names) > 1}
    said = [f"{place or 'the value'} is {_then(names)}" for place, names in list(mixed.items())[:_MOST_MEMBERS]]
    return "; ".join(said) + (f"; {len(mixed) - _MOST_MEMBERS} more" if len(mixed) > _MOST_MEMBERS else "")


def _then(names: Mapping[str, int]) -> str:
    (first, _), *others = names.items()
    return f"{first}, then {' and '.join(f'{name} from event {number} on' for name, number in others)}"


def _types(value: Any, place: str, level: int) -> Iterator[tuple[str, str]]:
    """The type of each value inside of one, by its place; null is none, and the items of a list are one place."""
    if value is None or level > _DEEP:
        return
    yield place, _NAMES[type(value)]
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _types(one, place + step(key), level + 1)
    elif isinstance(value, list):
        for one in value:
            yield from _types(one, f"{place}/*", level + 1)


def _missing(rows: list[tuple[int, Any]]) -> str:
    """The members that only some events have."""
    objects = [value for _, value in rows if isinstance(value, dict)]
    count: dict[str, int] = {}
    for value in objects:
        for key in value:
            count[key] = count.get(key, 0) + 1
    some = {key: number for key, number in count.items() if number < len(objects)}
    if not some or len(count) > 10 * len(objects):
        return ""
    named = [f"{step(key)} in {number} of {len(objects)}" for key, number in list(some.items())[:_MOST_MEMBERS]]
    return ", ".join(named) + (f", {len(some) - _MOST_MEMBERS} more such" if len(some) > _MOST_MEMBERS else "")
