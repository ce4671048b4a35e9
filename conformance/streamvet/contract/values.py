"""YAML and JSON texts -> the values that JSON has, within bounds; whatever else a text says is an error with a place.

Must not know what is in the files: their shape is what a meta schema says.
"""

from __future__ import annotations

import json
import math
import re
import sys
from typing import TYPE_CHECKING, Any

import yaml

from streamvet.contract.intake import FileError, read_text
from streamvet.framing.json_text import JsonFault
from streamvet.framing.json_text import read as read_carefully

if TYPE_CHECKING:
    from pathlib import Path

SEEN_CHARS = 80  # how much of a wrong value an error shows

# An alias of YAML may hold itself, or, with a few lines, a billion values: whoever walks such a file never ends. The
# largest file of ours has less than 2,500 values, the deepest 15 levels; a body of a request may have more.
MOST_VALUES, MOST_LEVELS = 200_000, 100
# A number has to be one that a double holds: 309 digits. YAML's own forms of it have up to four characters a digit.
_NUMBER_CHARS = 1_500
_LONG_NUMBER = re.compile(f"[0-9]{{{sys.int_info.default_max_str_digits},}}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def cut(text: str) -> str:
    """A text, or its beginning where it is long."""
    return text if len(text) <= SEEN_CHARS else text[: SEEN_CHARS - 1] + "…"


def step(part: object) -> str:
    """One step of a JSON pointer."""
    return "/" + str(part).replace("~", "~0").replace("/", "~1")


# ------------------------------------------------------------------------------------------------ YAML

if TYPE_CHECKING:
    from yaml import SafeLoader
else:  # libyaml's parser where PyYAML was built with it, ten times as fast; both give the same values and marks
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_SCALARS = ("null", "bool", "int", "float")


class _WrongError(yaml.constructor.ConstructorError):
    """Our own objection to what is YAML otherwise; its problem says what was got."""

    def __init__(self, got: str, node: yaml.Node) -> None:
        super().__init__(None, None, got, node.start_mark)


class _JsonLoader(SafeLoader):
    """YAML with the types of JSON, which refuses a key twice in one mapping, where PyYAML keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise _WrongError("!!map before what is none", node)
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool):
                raise _WrongError("a key that is not a scalar", key_node)
            if key in seen:
                raise _WrongError(f"the key {cut(repr(key))} a second time", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)

    def construct_plain(self, node: yaml.ScalarNode) -> Any:
        """A null, boolean or number: what its tag says it is, even where that is written before it."""
        text = str(node.value)
        kind = node.tag.removeprefix(_TAG)
        if len(text) > _NUMBER_CHARS:
            raise _WrongError("a number that is too long", node)
        resolves: str = self.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        if text and resolves != node.tag:
            if not (kind == "float" and _WHOLE.fullmatch(text)):
                raise _WrongError(f"!!{kind} before {cut(repr(text))}, which is none", node)
        elif not text and kind != "null":
            raise _WrongError(f"!!{kind} before nothing", node)
        made = getattr(self, f"construct_yaml_{kind}")
        try:
            return made(node)
        except (ValueError, OverflowError) as error:  # a base-60 number with a part that is too large for a double
            raise _WrongError(f"{cut(repr(text))}, which is no number", node) from error

    def construct_other(self, node: yaml.Node) -> Any:
        """What JSON has no type for: !!binary, !!timestamp, !!set, a tag of somebody's own, and the key `<<`."""
        raise _WrongError(f"the tag {cut(node.tag.replace(_TAG, '!!'))}, for which JSON has no type", node)


_WHOLE = re.compile(r"[-+]?[0-9]+")
# A date stays a text, as in JSON: the schemas ask for `format: date`, and a schema knows no date values. So does `=`.
_LEFT_AS_TEXT = (f"{_TAG}timestamp", f"{_TAG}value")
_JsonLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag not in _LEFT_AS_TEXT]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_JsonLoader.yaml_constructors = {
    **{f"{_TAG}{kind}": _JsonLoader.construct_plain for kind in _SCALARS},
    **{f"{_TAG}{kind}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{kind}"] for kind in ("str", "seq", "map")},
    None: _JsonLoader.construct_other,
}


def read_yaml(path: Path, *, nul: bool = False) -> Any:
    """The value of a YAML file (of a JSON file too). With `nul` its texts may have the character NUL, as payloads do.

    Raises:
        FileError: where it is no YAML, or has what JSON has not.
    """
    text = read_text(path)
    try:
        _check_size(text, path)
        value = yaml.load(text, Loader=_JsonLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        got = error.problem if isinstance(error, _WrongError) else _mistake(error.problem)
        raise FileError(path, place, "YAML", got or "something else") from error
    except yaml.reader.ReaderError as error:
        place, got = f"character {error.position}", f"a character that YAML has not: {error.reason}"
        raise FileError(path, place, "YAML", got) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a character that there is not
        raise FileError(path, "", "YAML", _mistake(" ".join(str(error).split())[:SEEN_CHARS])) from error
    check_bounds(value, path, nul=nul)
    return value


_SMALL_CHARS = 256 * 1024  # even where each second character is a value, they take less than 100 MB


def _check_size(text: str, path: Path) -> None:
    """Count the values of a large text before anything is made of them: as nodes each takes up to a kilobyte.

    Raises:
        FileError: where there are too many.
    """
    if len(text) <= _SMALL_CHARS:
        return
    left = MOST_VALUES * 2  # keys are counted too
    for event in yaml.parse(text, Loader=_JsonLoader):
        left -= isinstance(event, yaml.NodeEvent)
        if left < 0:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise FileError(path, f"line {line}", f"at most {MOST_VALUES} values", "more")


def _mistake(said: str | None) -> str:
    """What a parser says, as something that was got."""
    return f"a mistake in it: {said}"


# ------------------------------------------------------------------------------------------------ JSON


class _RefusedError(Exception):
    """What Python's reader takes, and JSON has not."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _RefusedError
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_members)


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        FileError: where it is no JSON, or a key is twice in an object.
    """
    text = read_text(path)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise FileError(path, f"line {error.lineno}, column {error.colno}", "JSON", _mistake(error.msg)) from error
    except _RefusedError as error:
        twice = [one for one in read_carefully(text).problems if one.fault is JsonFault.DUPLICATE_KEY]
        where, seen = (twice[0].where, twice[0].seen) if twice else ("", "")
        raise FileError(path, where, "each key once in an object", f"{cut(repr(seen))} a second time") from error
    except RecursionError as error:
        raise FileError(path, "", "JSON", "nesting that is too deep") from error
    except ValueError as error:  # of more digits than Python reads
        raise FileError(path, _place_of_digits(text), "JSON", "a number that is too long") from error
    check_bounds(value, path, nul=True)
    return value


def _place_of_digits(text: str) -> str:
    found = _LONG_NUMBER.search(text)
    if found is None:
        return ""
    line = text.count("\n", 0, found.start()) + 1
    return f"line {line}, column {found.start() - text.rfind(chr(10), 0, found.start())}"


# ------------------------------------------------------------------------------------------------ bounds


Flaw = tuple[str, str, str]  # the place, what was expected there, what was got


def check_bounds(value: Any, path: Path, *, nul: bool) -> None:
    """Hold a value to what one can walk and JSON can say, aliases expanded.

    Raises:
        FileError: with what `flaw_in` finds.
    """
    found = flaw_in(value, nul=nul)
    if found is not None:
        raise FileError(path, *found)


def flaw_in(value: Any, *, nul: bool) -> Flaw | None:
    """What makes a value one that nobody can work with; None where nothing does.

    It may have too many values or levels, a number that is none of JSON's or that no double holds, or a text that is
    none of Unicode's, or (but with `nul`) one that no path, header field or URL can have.
    """
    left: list[tuple[Any, str, int]] = [(value, "", 0)]
    seen = 0
    while left:
        one, place, level = left.pop()
        seen += 1
        if level > MOST_LEVELS:
            return cut(place), f"at most {MOST_LEVELS} levels, aliases expanded", "more"
        if seen > MOST_VALUES or (isinstance(one, list | dict) and len(one) > MOST_VALUES):
            return "", f"at most {MOST_VALUES} values, aliases expanded", "more"
        wrong = _wrong_in(one, nul=nul)
        if wrong is not None:
            return cut(place), *wrong
        if isinstance(one, dict):
            left += [(member, place + step(key), level + 1) for key, member in one.items()]
        elif isinstance(one, list):
            left += [(member, f"{place}/{index}", level + 1) for index, member in enumerate(one)]
    return None


def _wrong_in(one: Any, *, nul: bool) -> tuple[str, str] | None:
    """What was expected and got of a value without what is in it, but for the keys of an object."""
    if isinstance(one, float) and not math.isfinite(one):
        return "a number as JSON has them", repr(one)
    if isinstance(one, int) and not -sys.float_info.max <= one <= sys.float_info.max:
        return "a number that a double can hold", f"one of {one.bit_length()} bits"
    text = one if isinstance(one, str) else "".join(map(str, one)) if isinstance(one, dict) else ""
    if not nul and "\0" in text:
        return "a text without the character NUL", cut(repr(text))
    if not text.isascii() and _LONE_SURROGATE.search(text):
        return "Unicode text", f"a lone surrogate in {cut(repr(text))}"
    return None
