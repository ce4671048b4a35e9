"""How the types of events are told apart: the rows of `events.discriminator` that fit what was seen.

The first that fits wins: what is no JSON, the event field, a member whose text is a type, a member that only some
events have. Must not know what a type means, nor schemas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.contract.discriminator import EVENT_NAME, MESSAGE, rule_of
from streamvet.contract.files import step
from streamvet.contract.pointer import pointed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamvet.contract.discriminator import Rule
    from streamvet.observing.sample import Observed

Row = dict[str, Any]

# Members that tell a type in the streams that people have, the surest first.
_TELLS = (
    "type", "event", "kind", "event_type", "eventType", "@type", "Type", "opcode", "op", "method", "msg_type", "object",
)  # fmt: skip
# Those that tell one only where events of different values differ in their other members too, or where one is an end.
_MAY_TELL = ("action", "step", "status", "state", "stage", "phase", "name", "topic", "role")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/+-]{0,79}")
_SENTINEL = re.compile(r"[\[<(]{0,2}[A-Za-z][A-Za-z0-9 _.-]{0,30}[\])>]{0,2}")
_ENDS = re.compile(
    r"(^|[^a-z])(done|end|ended|finish|finished|complete|completed|error|failed|failure|fail|closed?|stop|stopped|final"
    r"|result|ready|cancelled|canceled|success|succeeded|exit|bye|eof|eos)([^a-z]|$)"
)
_RESULTS = ("result", "error", "data")  # the members by which a message that has no type is best known
_BROKEN = re.compile(r"[{\[]")
MOST_TYPES = 60  # a member with more values is a value
_MOST_SENTINELS = 3


@dataclass(frozen=True, slots=True)
class Telling:
    """Rows of a discriminator; `how` in words. The event field repeats the text at a pointer, or is always one text."""

    rows: tuple[Row, ...]
    how: str
    repeated: str = ""
    always: str = ""

    def kinds(self, events: Sequence[Observed]) -> list[str | None]:
        """The type of each event, None where it has none."""
        rules = tuple(map(rule_of, self.rows))
        return [_kind(rules, one) for one in events]


def _kind(rules: tuple[Rule, ...], one: Observed) -> str | None:
    """As `Profile.kind_of` gives it."""
    name = one.name or MESSAGE
    unread = next((kind for rule in rules if (kind := rule.of_unread(name, one.text))), None)
    return unread or next((kind for rule in rules if (kind := rule.of_value(one.value, name))), None)


def telling(events: Sequence[Observed], *, named: bool) -> Telling:
    """How the types of these events are told; `named`: whether the framing has event names."""
    unread = list(_unread(events, named))
    rules = tuple(map(rule_of, unread))
    rest = [one for one in events if one.is_json and not any(rule.of_unread(_name(one), one.text) for rule in rules)]
    if not rest:
        rows = unread or [{"type": MESSAGE}]
        return Telling(tuple(rows), "what is no JSON, by the event field" if named and unread else "all are one type")
    found = _by_name(rest) if named and {_name(one) for one in rest} != {MESSAGE} else _by_data(rest)
    rows = [*_final(events[-1], rest, found), *found.rows]
    return Telling((*unread, *rows), found.how, found.repeated, found.always)


def _name(one: Observed) -> str:
    """The name under which a client dispatches an event."""
    return one.name or MESSAGE


def _final(last: Observed, events: Sequence[Observed], found: Telling) -> list[Row]:
    """A row for the last event, where others are of its type too, and a flag in it is true that is in none of them."""
    kinds = found.kinds(events)
    if last is not events[-1] or kinds.count(kinds[-1]) < 2 or found.rows[0].keys() == {"is", "type"}:
        return []
    flag = _flag([one.value for one in events if isinstance(one.value, dict)])
    return [{"is": {flag: True}, "type": f"{kinds[-1]}-{flag.rpartition('/')[2]}"}] if flag else []


# ------------------------------------------------------------------------------------------------ no JSON


def is_meant_as_json(one: Observed) -> bool:
    """Whether the data is an object or a list, or begins like one and is none."""
    if one.is_json:
        return isinstance(one.value, dict | list)
    return bool(_BROKEN.match(one.text.lstrip())) and not _SENTINEL.fullmatch(one.text)


def _unread(events: Sequence[Observed], named: bool) -> Iterator[Row]:
    """Rows for what is no JSON and not meant as such: all of a name, or a few words such as [DONE]."""
    texts: list[Row] = []
    for name in dict.fromkeys(map(_name, events)):
        of_name = [one for one in events if _name(one) == name]
        words = [one.text for one in of_name if not one.is_json and not is_meant_as_json(one)]
        if words and named and not any(map(is_meant_as_json, of_name)):
            texts.append({"event": name, "type": name if name != MESSAGE else "text", "json": False})
        elif words and len(set(words)) <= _MOST_SENTINELS:
            few = (word for word in dict.fromkeys(words) if not word or _SENTINEL.fullmatch(word))
            yield from ({"text": word, "type": _slug(word) or "empty"} for word in few)
    yield from texts


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


# ------------------------------------------------------------------------------------------------ names


def _by_name(events: Sequence[Observed]) -> Telling:
    """Blocks with event fields: by those, unless the data says the same, or more."""
    place = _pointer(events)
    if place and all(pointed(one.value, place) == one.name for one in events):
        return Telling(({"from": place},), f"by the text at {place}, which the event field repeats", place)
    names = {_name(one) for one in events}
    if place and len(names) == 1:
        return Telling(({"from": place},), f"by the text at {place}", always=names.pop())
    nameless = [one for one in events if _name(one) == MESSAGE]
    inside = _pointer(nameless) if nameless else None
    if inside:
        rows: tuple[Row, ...] = ({"event": MESSAGE, "from": inside}, {"from": EVENT_NAME})
        return Telling(rows, f"by the event field; of blocks without one by the text at {inside}")
    return Telling(({"from": EVENT_NAME},), "by the event field")


# ------------------------------------------------------------------------------------------------ data


def _by_data(events: Sequence[Observed]) -> Telling:
    """Events whose data alone tells: by a text, by a flag, by members that only some have; else all are of one type."""
    place = _pointer(events)
    if place:
        return Telling(({"from": place},), f"by the text at {place}")
    partly = _partly(events)
    if partly:
        return partly
    values = [one.value for one in events if isinstance(one.value, dict)]
    flag = _flag(values)
    if flag:
        rows: tuple[Row, ...] = ({"is": {flag: True}, "type": flag.rpartition("/")[2]}, {"type": MESSAGE})
        return Telling(rows, f"the last one by {flag}: true")
    outer, alone = _wrapped(values) if len(values) == len(events) else ("", [])
    if alone:
        by_member = tuple({"has": [outer + step(key)], "type": key} for key in alone)
        return Telling(by_member, f"by the one member that each has{f' in {outer}' if outer else ''}")
    last = _last_member(values)
    if last:
        return Telling(({"has": [step(last)], "type": last}, {"type": MESSAGE}), f"the last one by its member {last}")
    return Telling(({"type": MESSAGE},), "nothing distinguishes types: all are one")


def _places(values: Sequence[Any]) -> list[str]:
    """Pointers to the texts of these values, one level deep and two, each once."""
    found: dict[str, None] = {}
    for value in values[:200]:
        for key, one in value.items() if isinstance(value, dict) else ():
            if isinstance(one, str):
                found[step(key)] = None
            elif isinstance(one, dict):
                found |= dict.fromkeys(step(key) + step(inner) for inner, text in one.items() if isinstance(text, str))
    return list(found)


def _pointer(events: Sequence[Observed]) -> str | None:
    """Where each of these events says its type, None where none of its members does."""
    values = [one.value for one in events]
    if not values or not all(isinstance(value, dict) for value in values):
        return None
    chosen: list[tuple[int, str]] = []
    for place in _places(values):
        texts = [pointed(value, place) for value in values]
        if not all(isinstance(text, str) and _WORD.fullmatch(text) for text in texts) or len(set(texts)) > MOST_TYPES:
            continue
        rank = _rank(place, values, texts)
        chosen += [] if rank is None else [(rank, place)]
    return min(chosen)[1] if chosen else None


def _rank(place: str, values: Sequence[Any], texts: Sequence[str]) -> int | None:
    """How sure it is that a member tells types: less is more. None where it does not."""
    name, depth = place.rpartition("/")[2], place.count("/") - 1
    if name in _TELLS:
        return _TELLS.index(name) + 100 * depth
    if name in _MAY_TELL and not depth and len(set(texts)) > 1 and _differ(values, texts):
        return len(_TELLS) + _MAY_TELL.index(name)
    return None


def _differ(values: Sequence[Any], texts: Sequence[str]) -> bool:
    """Whether events with different texts have different members, or the last one a text of its own that is an end."""
    members: dict[str, frozenset[str]] = {}
    for value, text in zip(values, texts, strict=True):
        members[text] = members.get(text, frozenset()) | frozenset(value)
    return len(set(members.values())) > 1 or (is_an_end(texts[-1]) and texts.count(texts[-1]) == 1)


def is_an_end(kind: str) -> bool:
    """Whether a type is named as ends are."""
    return bool(_ENDS.search(re.sub(r"([a-z])([A-Z])", r"\1_\2", kind).lower()))


def _partly(events: Sequence[Observed]) -> Telling | None:
    """A member that tells the type of most events, where the others have one that these lack."""
    values = [one.value for one in events if isinstance(one.value, dict)]
    for name in _TELLS:
        place = step(name)
        told = [value for value in values if isinstance(value.get(name), str)]
        rest = [value for value in values if not isinstance(value.get(name), str)]
        if len(values) < len(events) or not rest or len({value[name] for value in told}) not in range(1, MOST_TYPES):
            continue
        taken = set().union(*told)
        others = [key for key in rest[0] if key not in taken and all(value.get(key) is not None for value in rest)]
        others.sort(key=lambda key: key not in _RESULTS)
        if others and not any("*" in value[name] or not value[name] for value in told):
            rows = ({"from": place}, {"has": [step(others[0])], "type": others[0]})
            return Telling(rows, f"by the text at {place}, else by the member {others[0]}")
    return None


def _flag(values: Sequence[dict[str, Any]]) -> str | None:
    """Where the last event alone has true, and any other one false or nothing; up to two levels deep."""
    for key, value in values[-1].items() if len(values) > 1 else ():
        inner = value if isinstance(value, dict) else {}
        places = (
            [step(key)] if value is True else [step(key) + step(name) for name, one in inner.items() if one is True]
        )
        for place in places:
            if all(pointed(one, place) in (False, None) for one in values[:-1]):
                return place
    return None


def _alone(values: Sequence[dict[str, Any]]) -> list[str]:
    """The members of events that have one each; none where they are not of that kind."""
    keys = list(dict.fromkeys(key for value in values for key in value))
    whole = all(len(value) == 1 and None not in value.values() for value in values)
    return keys if whole and 1 < len(keys) <= MOST_TYPES and not any("*" in key or not key for key in keys) else []


def _wrapped(values: Sequence[dict[str, Any]]) -> tuple[str, list[str]]:
    """The members of events that have one each, and where: in the event itself, or in an object that each one has."""
    if alone := _alone(values):
        return "", alone
    for key in values[0] if values else ():
        inner = [value.get(key) for value in values]
        objects = [one for one in inner if isinstance(one, dict)]
        if len(objects) == len(values) and (alone := _alone(objects)):
            return step(key), alone
    return "", []


def _last_member(values: Sequence[dict[str, Any]]) -> str | None:
    """A member of the last event that no other one has, where it shares none with these."""
    if len(values) < 3:
        return None
    before = set().union(*values[:-1])
    own = [key for key, value in values[-1].items() if key not in before and value is not None and "*" not in key]
    return own[0] if own and not before & values[-1].keys() else None
