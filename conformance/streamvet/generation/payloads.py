"""Payloads: values that the schemas of events allow, biased to what breaks framing and JSON.

Written by hand for the few keywords that these schemas use. Must not know scripts or readers.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.profile import pointed
from streamvet.generation.dice import weighted
from streamvet.generation.shapes import members, resolved, smallest, varies
from streamvet.probes.scripts import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Profile
    from streamvet.generation.dice import Dice
    from streamvet.generation.shapes import Schema
    from streamvet.probes.scripts import Emit, Walk

# Line ends of every kind, and what some readers take for one: VT, FF, U+001C to U+001E, U+0085, U+2028, U+2029.
LINE_ENDS = ("\n", "\r", "\r\n", "\n\n", "\n\r", "\x0b", "\x0c", "\x1c", "\x1e", "\u0085", "\u2028", "\u2029")
# What has a meaning on a stream or in a JSON text.
SYNTAX = ("data:", "data: ", "event: end", "id:", "id: 7", "retry: 1", ": ping", ":", "\ndata: x\n\n",
          "\n\nevent: end\n", "[DONE]", '"', "\\", '\\"', "\\n", "\\u0000", "'", "{", "}", "[", "]", ",",
          '{"a":1}', "null", "</script>", "<!--", "%0a", "%s", "&amp;", "${x}")  # fmt: skip
# What is more than a byte, more than a character, or none that is seen: four bytes of UTF-8, combining marks, a ZWJ
# sequence, a flag, directions, noncharacters, the replacement character, the last one of all.
WIDE = ("🚀", "👩\u200d👩\u200d👧\u200d👦", "🏳️\u200d🌈", "🇯🇵", "e\u0301", "é", "世", "ﷺ", "\u202e", "\u200b",
        "\u00ad", "ß", "\ufeff", "\ufffd", "\uffff", "\U0001ffff", "\U0010ffff")  # fmt: skip
CONTROLS = ("\x00", "\x01", "\x08", "\t", "\x1b", "\x1f", "\x7f", "\x80", "\x9f")
PLAIN = ("a", "b", "Z", "0", "9", " ", "  ", "-", "_", "/", ".", "word", "some words")
PIECES = LINE_ENDS + SYNTAX + WIDE + CONTROLS + PLAIN
_HOSTILE = tuple(text for name, text in HOSTILE.items() if name != "64 KiB")

# A text this long is in several reads of common sizes (1, 4, 8, 16 and 64 KiB); most are within the first of them.
_LONG_CHARS = (64, 200, 300, 700, 1500, 5000)
_LONGEST_BYTES = 64 * 1024  # of the design
_DEPTHS = (5, 20, 31, 50, 58)  # with what stands around a payload below the limit of 64 (EVT-06)
# JSON numbers that a double holds, at the edges of what a reader may keep them in.
INTEGERS = (0, 1, -1, 7, 10, 255, 256, 65535, 2**31 - 1, 2**31, -(2**31) - 1, 2**32, 10**15, 2**53 - 2, 2**53 - 1,
            -(2**53) + 1)  # fmt: skip
NUMBERS = (*INTEGERS, 0.5, -0.5, 0.1, 1e-7, 5e-324, 1.7976931348623157e-300, 123456.789, 2.0**52 + 0.5)
KEYS = ("a", "b", "note", "", " ", "id", "data", "event", "kind", "type", "at", "seq", "length", "constructor", "a.b",
        "a/b", "~", "é", "🚀", "\n", "\u2028", '"', "\\")  # fmt: skip

_TEXTS = weighted((60, "joined"), (14, "piece"), (8, "long"), (6, "hostile"), (1, "longest"))
_JOINED = weighted((1, 0), (3, 1), (5, 2), (4, 3), (2, 5))
_SCALARS = weighted((10, "text"), (5, "number"), (3, "fixed"))
_VALUES = weighted((12, "scalar"), (2, "list"), (3, "object"), (1, "deep"))
_FIXED: tuple[Any, ...] = (None, True, False, [], {})
_NEAR_MISSES = 10  # of so many members that are varied, one looks like another event
_SIZES = weighted((1, 0), (3, 1), (3, 2), (1, 4))  # of lists and objects


def text(dice: Dice) -> str:
    """Any text without a lone surrogate."""
    how = dice.of(_TEXTS)
    if how == "joined":
        return "".join(dice.of(PIECES) for _ in range(dice.of(_JOINED)))
    if how == "hostile":
        return dice.of(_HOSTILE)
    piece = dice.of(PIECES)
    if how == "piece":
        return piece
    # One piece again and again, so that each boundary falls into it, behind up to four bytes that shift it.
    many = dice.of(_LONG_CHARS) // len(piece) if how == "long" else _LONGEST_BYTES // len(json.dumps(piece))
    return "x" * dice.up_to(4) + piece * max(many, 1) + dice.of(PIECES)


def _scalar(dice: Dice) -> Any:
    how = dice.of(_SCALARS)
    return text(dice) if how == "text" else dice.of(NUMBERS if how == "number" else _FIXED)


def _deep(dice: Dice) -> Any:
    """A value inside lists and objects, many levels deep."""
    value, lists = _scalar(dice), dice.once_in(2)
    for level in range(dice.of(_DEPTHS)):
        value = [value] if lists or level % 2 else {"a": value}
    return value


def anything(dice: Dice, levels: int = 2) -> Any:
    """Any JSON value, of a few levels or of very many."""
    how = dice.of(_VALUES) if levels else "scalar"
    if how == "scalar":
        return _scalar(dice)
    if how == "deep":
        return _deep(dice)
    if how == "list":
        return [anything(dice, levels - 1) for _ in range(dice.of(_SIZES))]
    return any_object(dice, levels)


def any_object(dice: Dice, levels: int = 2) -> dict[str, Any]:
    """Any JSON object."""
    return {dice.of(KEYS): anything(dice, levels - 1) for _ in range(dice.of(_SIZES))}


def value(dice: Dice, schema: Schema, root: Schema) -> Any:
    """A value that a schema allows."""
    schema = resolved(schema, root)
    if not varies(schema):
        return smallest(schema, root)
    if "enum" in schema:
        return dice.of(schema["enum"])
    if "oneOf" in schema:
        return value(dice, dice.of(schema["oneOf"]), root)
    kind = schema.get("type")
    if kind in ("integer", "number"):
        pool = INTEGERS if kind == "integer" else NUMBERS
        least, most = schema.get("minimum", -(2**53)), schema.get("maximum", 2**53)
        return dice.of([one for one in (*pool, least, most) if least <= one <= most and abs(one) < 2**53])
    if kind == "string":
        return text(dice) or "x" * schema.get("minLength", 0)
    if kind == "array":
        count = max(dice.of(_SIZES), schema.get("minItems", 0))
        return [value(dice, schema["items"], root) for _ in range(count)]
    if kind == "object" and "properties" in schema:
        names = [key for key in schema["properties"] if key in schema.get("required", ()) or dice.once_in(2)]
        return {key: value(dice, schema["properties"][key], root) for key in names}
    if kind in ("boolean", "null"):
        return dice.of((False, True)) if kind == "boolean" else None
    return any_object(dice) if kind == "object" else anything(dice)


class _Of(NamedTuple):
    """The profile, and the schema in which references are looked up."""

    profile: Profile
    root: Schema


def _ending(profile: Profile) -> tuple[str, ...]:
    """The types that end a run or a stream."""
    return (*profile.terminal.events, *profile.terminal.last) if profile.terminal else ()


@lru_cache(maxsize=16)
def whole_events(profile: Profile) -> dict[str, dict[str, Any]]:
    """The smallest event of each type that is an object, by the type; with those that only a server tells."""
    found = {}
    for kind in profile.types:
        event = smallest(schema := profile.schemas.read(profile.narrow_file(kind) or ""), schema)
        if isinstance(event, dict):
            found[kind] = event | _telling(profile, kind)
    return found


def _telling(profile: Profile, kind: str) -> dict[str, Any]:
    """The members by which an event is told to be of a type, as far as they are at its top."""
    marks = next((found for rule in profile.rules if (found := rule.marks(kind)) is not None), {})
    return {place[1:]: value for place, value in marks.items() if place.count("/") == 1 and "~" not in place}


def near_miss(dice: Dice, of: _Of, schema: Schema) -> Any:
    """A value that looks like another event, or like its text or a word of it, where a schema leaves it open.

    Who looks for the end of a stream, or for a type, in the text of a line takes it for that.
    """
    events = whole_events(of.profile)
    ends = [kind for kind in _ending(of.profile) if kind in events]
    event = events[dice.of(ends if ends and dice.once_in(2) else tuple(events))]
    if {"enum", "oneOf"} & schema.keys():
        return value(dice, schema, of.root)
    match schema.get("type"):
        case "string":
            words = [one for one in event.values() if isinstance(one, str) and one]
            near = dice.of((*words, json.dumps(event), json.dumps(event, separators=(",", ":"))))
            return near if len(near) >= schema.get("minLength", 0) else value(dice, schema, of.root)
        case "object" if "properties" not in schema:
            return {**any_object(dice), **event} if dice.once_in(2) else {dice.of(KEYS): event}
        case None:
            return event
    return value(dice, schema, of.root)


def emit(dice: Dice, walk: Walk, kind: str, key: int) -> Emit:
    """An event that a worker may emit now: its members vary as the schema lets them, but for what tells its type."""
    profile, words = walk.profile, walk.words
    usual = words.emit(kind, key, text(dice), walk.emits)
    if usual is None:
        raise LookupError(f"no worker of {profile.name} emits {kind}")
    if profile.by_name:  # the value is not the whole step: its text varies, and that is all
        return usual
    schema = profile.schemas.read(profile.narrow_file(kind) or "")
    made = dict(usual)
    for name, one in members(schema, schema).items():
        if name in usual and f"/{name}" not in _fixed(profile) and not dice.once_in(5):
            other = made | {name: _varied(dice, _Of(profile, schema), f"/{name}", usual[name], one)}
            made = other if words.allows(walk.emits, other) else made
    return made


def _varied(dice: Dice, of: _Of, place: str, usual: Any, schema: Schema) -> Any:
    """Another value of a member; where the schema names its members, the same for each of these."""
    named = members(schema, of.root)
    if not named or not isinstance(usual, dict):
        if not varies(schema) or any(one.startswith(f"{place}/") for one in _fixed(of.profile)):
            return usual
        return near_miss(dice, of, schema) if dice.once_in(_NEAR_MISSES) else value(dice, schema, of.root)
    made = dict(usual)
    for name, one in named.items():
        inner = f"{place}/{name}"
        if inner in _fixed(of.profile):
            continue
        if name in usual:
            made[name] = _varied(dice, of, inner, usual[name], one)
        elif dice.once_in(4):
            made[name] = value(dice, one, of.root)
    return made


@lru_cache(maxsize=16)
def _fixed(profile: Profile) -> frozenset[str]:
    """The places that say which type an event has, or which automaton it is of."""
    return frozenset({*profile.telling, *key_places(profile)})


@lru_cache(maxsize=16)
def key_places(profile: Profile) -> tuple[str, ...]:
    """Where the tables have their keys."""
    return tuple(dict.fromkeys(place for table in profile.lifecycles.values() for place in table.key))


def keys_of(profile: Profile, event: Emit) -> list[str]:
    """The texts that an event has for keys."""
    return [one for place in key_places(profile) if isinstance(one := pointed(event, place), str)]


def renamed(profile: Profile, event: Emit, names: Mapping[str, str]) -> Emit:
    """The event with other names for keys, so that these are no plain words either."""
    made: dict[str, Any] = dict(event)
    for place in key_places(profile):
        old = pointed(made, place)
        if isinstance(old, str) and old in names:
            *way, last = place.split("/")[1:]
            holder = made
            for part in way:
                holder[part] = dict(holder[part])
                holder = holder[part]
            holder[last] = names[old]
    return made
