"""One text -> its JSON value, and everything by which two readers of that text could come to differ about it.

Strict by RFC 8259 where Python's reader is lenient, and by RFC 7493 (I-JSON) where RFC 8259 only warns: duplicate
names, surrogates that stand alone, integers that a double cannot hold. It never raises on any text. It must not know
where the text comes from, what its value should be, or how bad a problem is.
"""

from __future__ import annotations

import json
import math
import re
from enum import Enum
from typing import Any, Final, NamedTuple

# System.Text.Json (JsonReaderOptions.MaxDepth) and no reader in wide use stops earlier.
DEPTH_LIMIT: Final = 64
# Deeper than this the text is not read at all: Python's reader is recursive, and so is all that walks over its value.
# 1000 frames is Python's own limit, of which the caller has used some.
UNREAD_DEPTH: Final = 256
# RFC 7493, section 2.2: an I-JSON sender cannot expect a receiver to treat an integer whose absolute value is greater
# than 9007199254740991 as an exact value.
EXACT_LIMIT: Final = 2**53 - 1
# Python's int() refuses more (sys.int_info.default_max_str_digits). A stand-in takes the place of such a number.
_INT_DIGITS: Final = 4300
_EXCERPT_CHARS: Final = 48  # as in a violation of the framing: two fit on a line of a report

_SPACE: Final = " \t\n\r"  # RFC 8259, section 2: ws
_SPACES: Final = re.compile(r"[ \t\n\r]*+")


class JsonFault(Enum):
    """What a strict reader objects to in a JSON text."""

    NOT_JSON = "not-json"  # RFC 8259 does not allow the text, NaN and Infinity included; there is no value
    SEVERAL_DOCUMENTS = "several-documents"  # two or more JSON texts in a row; there is no value
    DUPLICATE_KEY = "duplicate-key"  # an object has a name twice; the value has the last one
    LONE_SURROGATE = "lone-surrogate"  # half a UTF-16 pair in a string or a name: no Unicode text
    BIG_INTEGER = "big-integer"  # digits only, and beyond what a double holds exactly
    NOT_FINITE = "not-finite"  # a fraction or an exponent, and beyond what a double holds at all: 1e999
    TOO_DEEP = "too-deep"  # nested deeper than DEPTH_LIMIT; beyond UNREAD_DEPTH there is no value


class Problem(NamedTuple):
    """One fault, where it stands, and what was seen there. Both texts are short and print anywhere."""

    fault: JsonFault
    where: str  # "char 17" (an offset in the text) or a JSON pointer (RFC 6901) to the value or the name
    seen: str


class Reading(NamedTuple):
    """The value of a text (None where it has none) and the problems, in the order of the text."""

    value: Any
    problems: tuple[Problem, ...] = ()


class _Object(list[tuple[str, Any]]):
    """The members of an object as they stand in the text, duplicates included."""


class _Number(str):
    """An integer literal, not yet converted."""

    __slots__ = ()


class _OddityError(Exception):
    """The text needs the careful reader."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _OddityError
    return members


def _constant(name: str) -> Any:
    raise _OddityError(name)


_quick: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant).raw_decode
_careful: Final = json.JSONDecoder(object_pairs_hook=_Object, parse_int=_Number, parse_constant=_constant).raw_decode

# Cheap signs that a text may hold what Python's reader takes without a word. Sixteen digits are where integers stop
# being exact; a double overflows with an exponent of three digits, or with hundreds of digits in front.
_ODD_NUMBER: Final = re.compile(r"[0-9]{16}|[0-9][eE]\+?[0-9]{3}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def read(text: str) -> Reading:
    """The value of `text` and every problem in it. Never raises; time is linear in the length of the text."""
    if (
        "\\u" not in text
        and text.count("{") + text.count("[") <= DEPTH_LIMIT
        and not _ODD_NUMBER.search(text)
        and (text.isascii() or not _SURROGATE.search(text))
    ):
        try:
            value, end = _quick(text, 0)
        except (ValueError, _OddityError):  # StopIteration is a JSONDecodeError by the time it gets here
            pass
        else:
            if end == len(text):
                return Reading(value)
    return _read_carefully(text)


def _read_carefully(text: str) -> Reading:
    depth, deep_at = _depth(text)
    problems: list[Problem] = []
    if depth > DEPTH_LIMIT:
        problems.append(Problem(JsonFault.TOO_DEEP, f"char {deep_at}", _excerpt(text[deep_at:])))
    if depth > UNREAD_DEPTH:
        return Reading(None, tuple(problems))
    try:
        value, end = _careful(text, _spaces(text, 0))
        rest = _spaces(text, end)
        if rest < len(text):
            _read_on(text, end, rest)
            return Reading(None, (Problem(JsonFault.SEVERAL_DOCUMENTS, f"char {rest}", _excerpt(text[rest:])),))
    except json.JSONDecodeError as error:
        return Reading(None, (_not_json(text, error.pos),))
    except _OddityError:
        return Reading(None, (_not_json(text, _constant_at(text)),))
    except RecursionError:  # the caller has used up the stack: not the text's fault, and yet nothing may be raised
        return Reading(None, (Problem(JsonFault.TOO_DEEP, "char 0", _excerpt(text)),))
    return Reading(_settle(value, "", problems), tuple(problems))
