"""One text -> its JSON value, and everything by which two readers of that text could come to differ about it.

Strict by RFC 8259 where Python's reader is lenient, and by RFC 7493 (I-JSON) where RFC 8259 only warns: duplicate
names, surrogates that stand alone, integers that a double cannot hold. It never raises on any text. It must not know
where the text comes from, what its value should be, or how bad a problem is.
"""

from __future__ import annotations

import json
import math
import re
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

from streamvet.framing.json_grammar import mistake

# What System.Text.Json and Newtonsoft.Json read by default (MaxDepth).
DEPTH_LIMIT: Final = 64
# Deeper than this the text has no value, but only a grammar: Python's reader and all that walks over its value recurse,
# 1000 frames at most.
UNREAD_DEPTH: Final = 128
# RFC 7493, section 2.2: an I-JSON sender cannot expect a receiver to treat an integer whose absolute value is greater
# than 9007199254740991 as an exact value.
EXACT_LIMIT: Final = 2**53 - 1
_INEXACT_DIGITS: Final = len(str(EXACT_LIMIT))  # shorter literals are exact, sign or not
_INT_DIGITS: Final = 4300  # Python's int() refuses more (sys.int_info.default_max_str_digits); then this stands in:
_STAND_IN: Final = 10 ** (_INT_DIGITS - 1)
_MOST_OF_A_KIND: Final = 16  # problems in one text: a report shows fewer, and a text of a megabyte may have 100,000
_POINTER_CHARS: Final = 96
_EXCERPT_CHARS: Final = 48  # as in a violation of the framing: two fit on a line of a report

_SPACES: Final = re.compile(r"[ \t\n\r]*+")  # RFC 8259, section 2: ws


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
    """The value of a text (None where it has none) and the problems, of each fault the first few, in their order."""

    value: Any
    problems: tuple[Problem, ...] = ()


class _Problems(list[Problem]):
    """The problems found so far; of each fault the first few."""

    def note(self, fault: JsonFault, path: _Path | None, seen: str) -> None:
        """Add one."""
        if sum(one.fault is fault for one in self) < _MOST_OF_A_KIND:
            self.append(Problem(fault, _pointer(path), _excerpt(seen)))


class _Object(list[tuple[str, Any]]):
    """The members of an object as they stand in the text, duplicates included."""


class _Number(str):
    """A number as it stands in the text, not yet converted."""

    __slots__ = ()


class _Path(NamedTuple):
    """Where a value stands: rendered as a JSON pointer only for a problem, for most texts have none."""

    above: _Path | None
    token: str | int


class _OddityError(Exception):
    """Something that Python's reader takes without a word: only the careful reader can say where."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _OddityError
    return members


def _integer(literal: str) -> int:
    if len(literal) >= _INEXACT_DIGITS:
        raise _OddityError
    return int(literal)


def _real(literal: str) -> float:
    real = float(literal)
    if math.isinf(real):
        raise _OddityError
    return real


def _constant(name: str) -> Any:
    raise _OddityError(name)


# (text, start) -> (value, end). Where there is no value `_quick` raises StopIteration, the other JSONDecodeError.
_quick: Final[Callable[[str, int], tuple[Any, int]]] = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_constant
).scan_once  # type: ignore[attr-defined]  # typeshed leaves it out; json.scanner says what it is
_careful: Final = json.JSONDecoder(
    object_pairs_hook=_Object, parse_int=_Number, parse_float=_Number, parse_constant=_constant
).raw_decode

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")

_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+'  # without its closing quotation mark, which may be missing
_TO_BRACKET: Final = re.compile(rf'[^"\[\]{{}}]*+(?:{_STRING}"[^"\[\]{{}}]*+)*+([\[\]{{}}])', re.DOTALL)
_CONSTANT: Final = re.compile(rf'{_STRING}"?|(-?Infinity|NaN)', re.DOTALL)


def read(text: str) -> Reading:
    """The value of `text` and the problems in it. Never raises; the time is linear in the length of the text."""
    if (
        ("\\u" not in text or not _ESCAPED_SURROGATE.search(text))
        and (text.isascii() or not _SURROGATE.search(text))
        and text.count("{") + text.count("[") <= DEPTH_LIMIT
    ):
        try:
            value, end = _quick(text, 0 if text[:1] == "{" else _spaces(text, 0))
        except (StopIteration, json.JSONDecodeError, _OddityError, RecursionError):
            return _read_carefully(text)
        if end == len(text) or _spaces(text, end) == len(text):
            return Reading(value)
    return _read_carefully(text)


def _read_carefully(text: str) -> Reading:
    depth, deep_at = _depth(text)
    problems = _Problems()
    if depth > DEPTH_LIMIT:
        problems.append(_at(JsonFault.TOO_DEEP, text, deep_at))
    if depth > UNREAD_DEPTH:
        wrong = mistake(text)
        if wrong:
            fault = JsonFault.SEVERAL_DOCUMENTS if wrong.second else JsonFault.NOT_JSON
            problems.append(_at(fault, text, wrong.at))
        return Reading(None, tuple(problems))
    try:
        value, end = _careful(text, _spaces(text, 0))
        second = _spaces(text, end)
        if second < len(text):
            _read_on(text, end)
            return Reading(None, (_at(JsonFault.SEVERAL_DOCUMENTS, text, second),))
        return Reading(_settle(value, None, problems), tuple(problems))
    except json.JSONDecodeError as error:
        return Reading(None, (_at(JsonFault.NOT_JSON, text, error.pos),))
    except _OddityError:  # only a constant raises it here
        at = next(found.start() for found in _CONSTANT.finditer(text) if found[1])
        return Reading(None, (_at(JsonFault.NOT_JSON, text, at),))
    except RecursionError:  # the caller has used up the stack; whatever this is, it is deeper than can be read here
        return Reading(None, (_at(JsonFault.TOO_DEEP, text, 0),))


def as_read(value: Any) -> Any:
    """The value as readers have it that make the best of its problems, for what judges no more than its form.

    Half a surrogate pair becomes the replacement character, and a number beyond doubles the largest of them.
    """
    if isinstance(value, dict):
        return {_SURROGATE.sub("\ufffd", name): as_read(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_read(item) for item in value]
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(sys.float_info.max, value)
    return value


_ESCAPE_CHARS: Final = len(r"\uXXXX")


def may_go_on(text: str) -> bool:
    """Whether more text could make a JSON text of this one, which is none; False only where none could."""
    try:
        _careful(text, _spaces(text, 0))
    except json.JSONDecodeError as error:  # at its end, or in a string or an escape that has no end yet
        return "Unterminated" in error.msg or error.pos >= len(text.rstrip()) - _ESCAPE_CHARS
    except (_OddityError, RecursionError):
        return False
    return False


def _spaces(text: str, start: int) -> int:
    """Where the white space at `start` ends."""
    found = _SPACES.match(text, start)
    return found.end() if found else start


def _depth(text: str) -> tuple[int, int]:
    """How deep `text` nests, counted up to one level beyond UNREAD_DEPTH, and where it first passes DEPTH_LIMIT.

    As far as a reader gets before a syntax error, this count and the reader agree on what is a string.
    """
    depth = deepest = deep_at = end = 0
    while deepest <= UNREAD_DEPTH and (found := _TO_BRACKET.match(text, end)):
        end = found.end()
        depth += 1 if found[1] in "[{" else -1
        if depth > deepest:
            deepest = depth
            if depth == DEPTH_LIMIT + 1:
                deep_at = end - 1
    return deepest, deep_at


def _read_on(text: str, end: int) -> None:
    """Reads the texts that follow the one that ended at `end`; raises JSONDecodeError if they are none.

    Without white space between them, one of two neighbours must delimit itself: `{}{}` are two, `01` is no number.
    """
    while (start := _spaces(text, end)) < len(text):
        if start == end and text[end - 1] not in '}]"' and text[start] not in '{["':
            raise json.JSONDecodeError("Extra data", text, start)
        _, end = _careful(text, start)


def _settle(value: Any, path: _Path | None, problems: _Problems) -> Any:
    """The value as `json.loads` gives it, from the careful reader's; adds the problems in it."""
    if isinstance(value, _Object):
        members: dict[str, Any] = {}
        for name, member in value:
            below = _Path(path, name)
            if name in members:
                problems.note(JsonFault.DUPLICATE_KEY, below, name)
            _settle_text(name, below, problems)
            members[name] = _settle(member, below, problems)
        return members
    if isinstance(value, list):
        for index, item in enumerate(value):
            value[index] = _settle(item, _Path(path, index), problems)
        return value
    if isinstance(value, _Number):
        return _settle_number(value, path, problems)
    if isinstance(value, str):
        _settle_text(value, path, problems)
    return value


def _settle_text(text: str, path: _Path | None, problems: _Problems) -> None:
    if found := _SURROGATE.search(text):
        problems.note(JsonFault.LONE_SURROGATE, path, text[found.start() :])


def _settle_number(literal: str, path: _Path | None, problems: _Problems) -> float:
    if literal.removeprefix("-").isdigit():
        sign = -1 if literal.startswith("-") else 1
        number: float = sign * _STAND_IN if len(literal) > _INT_DIGITS else int(literal)
        fault = JsonFault.BIG_INTEGER if abs(number) > EXACT_LIMIT else None
    else:
        number = float(literal)
        fault = JsonFault.NOT_FINITE if math.isinf(number) else None
    if fault:
        problems.note(fault, path, literal)
    return number


def _at(fault: JsonFault, text: str, offset: int) -> Problem:
    return Problem(fault, f"char {offset}", _excerpt(text[offset : offset + _EXCERPT_CHARS + 1]))


def _excerpt(text: str) -> str:
    cut = text[:_EXCERPT_CHARS].encode("utf-8", "backslashreplace").decode()
    return cut if len(text) <= _EXCERPT_CHARS else cut + "…"


def _pointer(path: _Path | None) -> str:
    """RFC 6901, section 3; without its front where it is long, and with escapes for what does not print."""
    pointer = ""
    while path and len(pointer) <= _POINTER_CHARS:
        token = str(path.token)[-_POINTER_CHARS - 1 :].replace("~", "~0").replace("/", "~1")
        pointer = "/" + token + pointer
        path = path.above
    if path or len(pointer) > _POINTER_CHARS:
        pointer = "…" + pointer[-_POINTER_CHARS:]
    # A blank at the end of a name would not be seen.
    return "".join("\\x20" if char == " " else char if char.isprintable() else ascii(char)[1:-1] for char in pointer)
