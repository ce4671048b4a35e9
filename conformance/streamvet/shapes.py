"""From the frame of an event to its shape: JSON, type, schema, keys, by the profile.

Must not know when events came, nor what is right or wrong: a problem is noted, not judged.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.profile import PseudoPointer, matches, pointed
from streamvet.events import Shape
from streamvet.framing import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet.contract.profile import Profile
    from streamvet.framing.frame import Frame
    from streamvet.framing.json_text import Problem

# How much of an event a requirement has to be able to read, each level with the ones before it.
LEVELS = ("frames", "json", "type", "schema")
JSON = LEVELS.index("json")
# Of events whose JSON has problems, those that keep their texts; of the others it is known which faults they have.
_KEPT_PROBLEMS = 1000
_KEY_CHARS = 200  # of a value at a key: an id is shorter
_SAFE = frozenset({str, type(None)})  # of these types what is equal is the same; to Python 1, 1.0 and true are equal
# Of what is no UTF-8 two readers make two texts.
MALFORMED = Shape(None, "", hidden_from=JSON, violates="EVT-01")


def key_pointers(profile: Profile) -> tuple[str, ...]:
    """The JSON pointers of the keys of lifecycle tables, of what names an event, and of what all events share."""
    name = profile.field("framing.event_name.pointer")
    keys = (place for table in profile.lifecycles.values() for place in table.key)
    return tuple(dict.fromkeys([*keys, *([name] if name else []), *(profile.field("events.same") or ())]))


def _getter(pointer: str) -> Callable[[Any], Any]:
    """`pointed` for one pointer, quick for a pointer of one step."""
    key = pointer[1:]
    if "/" not in key and "~" not in key:
        return lambda value: value.get(key) if type(value) is dict else None
    return lambda value: pointed(value, pointer)


class _Type(NamedTuple):
    """An event type, and the deciders of its schema and of that of its adopted readings."""

    kind: str | None
    decide: Callable[[Any], bool] | None = None
    decide_adopted: Callable[[Any], bool] | None = None


@lru_cache(maxsize=16)
def _classifier(profile: Profile) -> Callable[[Any, str], _Type]:
    """A function from a value and its event name to its type."""
    known: dict[str, _Type] = {}

    def classify(value: Any, name: str) -> _Type:
        kind = profile.kind_of(value, name)
        if kind is None:
            return _Type(None)
        if kind not in known:
            files = profile.schema_file(kind), profile.adopted_types.get(kind)
            found = _Type(kind, *(profile.schemas.decider(file) if file else None for file in files))
            if len(known) > 1000:  # a candidate invents types: do not grow with it
                return found
            known[kind] = found
        return known[kind]

    return classify


def _numbering(profile: Profile) -> Callable[[str, Any, str | None], Any] | None:
    """A function from the type, the value and the id of an event to its `order`; None without sequences."""
    getters = [None if isinstance(one.place, PseudoPointer) else _getter(one.place) for one in profile.sequences]
    known: dict[str, list[int]] = {}

    def numbers(kind: str, value: Any, block_id: str | None) -> list[Any]:
        if kind not in known:
            known[kind] = [i for i, one in enumerate(profile.sequences) if matches(kind, one.events)]
        found: list[Any] = [None] * len(getters)
        for number in known[kind]:
            get = getters[number]
            found[number] = get(value) if get else _number(block_id)
        return found

    def of_one(kind: str, value: Any, block_id: str | None) -> Any:
        return numbers(kind, value, block_id)[0]

    def of_several(kind: str, value: Any, block_id: str | None) -> Any:
        found = numbers(kind, value, block_id)
        return None if all(one is None for one in found) else tuple(found)

    return (of_one if len(getters) == 1 else of_several) if getters else None


def _number(block_id: str | None) -> int | str | None:
    """What an id says as a number: a whole one where it is decimal digits that a double holds."""
    is_number = block_id is not None and block_id.isascii() and block_id.isdigit() and len(block_id) <= _SAFE_DIGITS
    return int(block_id) if is_number and block_id is not None else block_id


_SAFE_DIGITS = 300  # fewer than a double can hold, and than Python reads


class Shapes:
    """The shapes of the events of one stream, each once, with what they violate; by number, as they are met."""

    def __init__(self, profile: Profile) -> None:
        self.listed: list[Shape] = []
        self._profile = profile
        self._classify = _classifier(profile)
        self._keys = [_getter(pointer) for pointer in key_pointers(profile)]
        self._time_of = _getter(profile.field("events.time")) if profile.field("events.time") else None
        self._order_of = _numbering(profile)
        self._some_unread = not all(rule.reads for rule in profile.rules)
        self._known: dict[tuple[Any, ...], int] = {}
        self._problems = 0  # events whose JSON has any
        self._time: tuple[Any, float | None] = "", None  # the last one, and the Unix time that it says

    def look(self, frame: Frame) -> tuple[int, Any, float | None]:
        """The number of the shape of an EVENT or a LINE, the value of its sequence field, and the Unix time it says."""
        name = frame.event
        unread_kind = self._profile.unread_kind(name, frame.data) if self._some_unread else None
        if unread_kind:
            return self.number(Shape(unread_kind, name)), None, None
        value, problems = json_text.read(frame.data)
        kind, decide, decide_adopted = self._classify(value, name)
        parsed = value is not None or not problems
        order = self._order_of(kind, value, frame.id) if self._order_of and kind is not None else None
        keys = tuple([get(value) for get in self._keys])
        form = json_text.as_read(value) if problems and parsed else value
        valid = decide(form) if decide and parsed else None
        adopted = decide_adopted(form) if valid and decide_adopted else None
        unix_s = self._unix_s(self._time_of(value)) if self._time_of else None
        if problems or not _SAFE.issuperset(map(type, keys)):
            kept = self._kept(problems)
            number = self.number(Shape(kind, name, tuple(map(_bounded, keys)), valid, kept, parsed, adopted))
            return number, order, unix_s
        same = kind, name, valid, adopted, keys
        known = self._known.get(same)
        if known is None:
            bounded = tuple(map(_bounded, keys))
            known = self.number(Shape(kind, name, bounded, valid, (), True, adopted))
            if bounded == keys:
                self._known[same] = known
        return known, order, unix_s

    def number(self, shape: Shape) -> int:
        """The number of a shape."""
        same = (shape, *map(type, shape.keys))  # to Python 1 and true are equal
        known = self._known.get(same)
        if known is None:
            known = self._known[same] = self._add(shape)
        return known

    def _add(self, shape: Shape) -> int:
        self.listed.append(_defective(shape, self._profile))
        return len(self.listed) - 1

    def _kept(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        """The problems of an event; without their texts once there were many."""
        if not problems:
            return problems
        self._problems += 1
        if self._problems <= _KEPT_PROBLEMS:
            return problems
        return tuple(json_text.Problem(fault, "", "") for fault in dict.fromkeys(one.fault for one in problems))

    def _unix_s(self, text: Any) -> float | None:
        """The Unix time that a timestamp says."""
        if text != self._time[0]:
            try:
                said = datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
            except (ValueError, OverflowError):
                said = None  # the schema's format says so
            self._time = text, said
        return self._time[1]


def _bounded(value: Any) -> Any:
    """A value at a key, of which there may be one for each event: hashable, short, and like no other one."""
    if isinstance(value, list | dict):
        return Nested(_bounded(json.dumps(_by_value(value), sort_keys=True)))
    if isinstance(value, str) and len(value) > _KEY_CHARS:
        return f"{value[:_KEY_CHARS]}… ({hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()})"
    return value


def _by_value(value: Any) -> Any:
    """A value with numbers by value: 1.0 is 1."""
    if isinstance(value, dict):
        return {key: _by_value(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_by_value(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Nested(NamedTuple):
    """A list or an object at a key, as JSON."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _defective(shape: Shape, profile: Profile) -> Shape:
    """A shape of events with the level at which it can no longer be read, and the id that it violates.

    An unknown type of an open set is no violation, and neither is what is no JSON by the profile.
    """
    if not shape.parsed:
        if not shape.problems:
            return shape
        level, violates = "json", _unparsed({problem.fault for problem in shape.problems}, profile)
    elif shape.kind is None:
        level, violates = "type", "EVT-07"
    elif not profile.open_set and profile.schema_file(shape.kind) is None:
        level, violates = "type", "EVT-11"
    elif shape.valid is False:
        level, violates = "schema", "EVT-08"
    else:
        return shape
    return shape._replace(hidden_from=LEVELS.index(level), violates=violates)


def _unparsed(faults: set[json_text.JsonFault], profile: Profile) -> str:
    """The id that data without a JSON value violates."""
    if faults == {json_text.JsonFault.TOO_DEEP}:
        return "EVT-06"
    several = json_text.JsonFault.SEVERAL_DOCUMENTS in faults and profile.framing == "ndjson"
    return "NDJ-02" if several else "EVT-02"
