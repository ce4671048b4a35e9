"""`json_text.read` against a table, against Python's own reader, and against itself by its two ways."""

from __future__ import annotations

import inspect
import json
import math
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamvet.framing import json_text
from streamvet.framing.json_grammar import mistake
from streamvet.framing.json_text import (
    DEPTH_LIMIT,
    UNREAD_DEPTH,
    JsonFault,
    Problem,
    Reading,
    may_go_on,
    read,
)

# As in test_decoders.
FEW = 1_500
MANY = 100_000

NOT_JSON, SEVERAL = JsonFault.NOT_JSON, JsonFault.SEVERAL_DOCUMENTS
DUPLICATE, SURROGATE = JsonFault.DUPLICATE_KEY, JsonFault.LONE_SURROGATE
BIG, NOT_FINITE, DEEP = JsonFault.BIG_INTEGER, JsonFault.NOT_FINITE, JsonFault.TOO_DEEP

# Texts with no problem, each with its value.
SOUND: tuple[tuple[str, Any], ...] = (
    ("{}", {}),
    (' \t\r\n{"a" : [1 , 2.5e1, -0.5, true, false, null, "x"]}\n ', {"a": [1, 25.0, -0.5, True, False, None, "x"]}),
    ("null", None),
    ('"NaN, Infinity and -Infinity"', "NaN, Infinity and -Infinity"),
    (r'"\"\\\/\b\f\n\r\t\u00e9\u2028"', '"\\/\b\f\n\r\té\u2028'),
    (r'"\ud83d\ude00"', "😀"),
    (r'"\uD83D\uDE00 \\ud800"', "😀 \\ud800"),
    ('"a\u2028\u2029\x85\x7fb"', "a\u2028\u2029\x85\x7fb"),
    ("9007199254740991", 2**53 - 1),
    ("[-9007199254740991]", [-(2**53) + 1]),
    ("0.12345678901234567890", 0.12345678901234567890),
    ("1e308", 1e308),
    ("1E-999", 0.0),
    ("0e999", 0.0),
    ("1e0000000000000000001", 10.0),
    ("-0", 0),
    ('{"a":{"a":1},"b":{"a":2}}', {"a": {"a": 1}, "b": {"a": 2}}),
    ('{"A":1,"a":2,"":3}', {"A": 1, "a": 2, "": 3}),
    ("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT, None),  # the value is checked by its depth elsewhere
    ('["' + "[" * 1000 + '"]', ["[" * 1000]),
    ('["\\"' + "[" * 1000 + '"]', ['"' + "[" * 1000]),
    ("[" + "[]," * 1000 + "{}]", [[]] * 1000 + [{}]),
)

# Texts with no value, each with where it stops to be JSON and what stands there.
NO_JSON: tuple[tuple[str, str, str], ...] = (
    ("", "char 0", ""),
    (" ", "char 1", ""),
    ("nul", "char 0", "nul"),
    ("NaN", "char 0", "NaN"),
    ('{"NaN":[0,NaN]}', "char 10", "NaN]}"),
    ('["\\"NaN",Infinity]', "char 9", "Infinity]"),
    ("-Infinity", "char 0", "-Infinity"),
    ("NaN NaN", "char 0", "NaN NaN"),
    ("{} NaN", "char 3", "NaN"),
    ("[1,]", "char 3", "]"),
    ('{"a":1,}', "char 7", "}"),
    ("{'a':1}", "char 1", "'a':1}"),
    ("{a:1}", "char 1", "a:1}"),
    ('{"a" 1}', "char 5", "1}"),
    ('{"a":}', "char 5", "}"),
    ("[1 2]", "char 3", "2]"),
    ("[", "char 1", ""),
    ("]", "char 0", "]"),
    ("{}]", "char 2", "]"),
    ("{} x", "char 3", "x"),
    ("{}{", "char 3", ""),
    ("01", "char 1", "1"),
    ("-", "char 0", "-"),
    ("-01", "char 2", "1"),
    ("+1", "char 0", "+1"),
    ("1.", "char 1", "."),
    (".5", "char 0", ".5"),
    ("1e", "char 1", "e"),
    ("0x10", "char 1", "x10"),
    ("1_000", "char 1", "_000"),
    ("1-2", "char 1", "-2"),
    ("truefalse", "char 4", "false"),
    ("\uff11", "char 0", "\uff11"),
    ('"a\nb"', "char 2", '\nb"'),
    ('"\t"', "char 1", '\t"'),
    ('"\0"', "char 1", '\0"'),
    (r'"\x41"', "char 1", r'\x41"'),
    (r'"\u12"', "char 2", r'u12"'),
    (r'"\u 123"', "char 2", r'u 123"'),
    ('"abc', "char 0", '"abc'),
    ('"abc\\', "char 0", '"abc\\'),
    ("\ufeff{}", "char 0", "\ufeff{}"),
    ("\xa0{}", "char 0", "\xa0{}"),
    ("\v{}", "char 0", "\v{}"),
    ("/* c */ {}", "char 0", "/* c */ {}"),
    ("{} // c", "char 3", "// c"),
    ("data: {}", "char 0", "data: {}"),
    ("[" * 10, "char 10", ""),
    ("[" * 100, "char 100", ""),
    ("x" * 100, "char 0", "x" * 48 + "…"),
)

# Texts with their value and their problems, in order.
FAULTY: tuple[tuple[str, Any, list[Problem]], ...] = (
    ("{}{}", None, [Problem(SEVERAL, "char 2", "{}")]),
    ('{"a":1}\n{"a":2} ', None, [Problem(SEVERAL, "char 8", '{"a":2} ')]),
    ("1 2 3", None, [Problem(SEVERAL, "char 2", "2 3")]),
    ('"a""b"', None, [Problem(SEVERAL, "char 3", '"b"')]),
    ('"a"1', None, [Problem(SEVERAL, "char 3", "1")]),
    ("1[]", None, [Problem(SEVERAL, "char 1", "[]")]),
    ('{"a":1,"a":2}', {"a": 2}, [Problem(DUPLICATE, "/a", "a")]),
    ('{"a":1,"\\u0061":2}', {"a": 2}, [Problem(DUPLICATE, "/a", "a")]),
    ('{"a":1,"a":2,"a":3}', {"a": 3}, [Problem(DUPLICATE, "/a", "a")] * 2),
    ('{"":1,"":1}', {"": 1}, [Problem(DUPLICATE, "/", "")]),
    ('[{"x":{"a/b~":1,"a/b~":1}}]', [{"x": {"a/b~": 1}}], [Problem(DUPLICATE, "/0/x/a~1b~0", "a/b~")]),
    (r'"\ud800"', "\ud800", [Problem(SURROGATE, "", r"\ud800")]),
    (r'["a\uDFFFb"]', ["a\udfffb"], [Problem(SURROGATE, "/0", r"\udfffb")]),
    (r'"\ude00\ud83d"', "\ude00\ud83d", [Problem(SURROGATE, "", r"\ude00\ud83d")]),
    (r'"\ud83d\ud83d\ude00"', "\ud83d😀", [Problem(SURROGATE, "", r"\ud83d😀")]),
    (r'{"\ud800":1}', {"\ud800": 1}, [Problem(SURROGATE, r"/\ud800", r"\ud800")]),
    ('"\ud800"', "\ud800", [Problem(SURROGATE, "", r"\ud800")]),
    ("9007199254740992", 2**53, [Problem(BIG, "", "9007199254740992")]),
    ('{"n":[-9007199254740993]}', {"n": [-(2**53) - 1]}, [Problem(BIG, "/n/0", "-9007199254740993")]),
    ("9" * 5000, 10**4299, [Problem(BIG, "", "9" * 48 + "…")]),
    ("-" + "9" * 5000, -(10**4299), [Problem(BIG, "", "-" + "9" * 47 + "…")]),
    ("1e999", math.inf, [Problem(NOT_FINITE, "", "1e999")]),
    ("[-1E+400]", [-math.inf], [Problem(NOT_FINITE, "/0", "-1E+400")]),
    ("1" * 400 + ".0", math.inf, [Problem(NOT_FINITE, "", "1" * 48 + "…")]),
    (
        r'{"a":"\ud800","a":9007199254740992,"b":1e999}',
        {"a": 2**53, "b": math.inf},
        [
            Problem(SURROGATE, "/a", r"\ud800"),
            Problem(DUPLICATE, "/a", "a"),
            Problem(BIG, "/a", "9007199254740992"),
            Problem(NOT_FINITE, "/b", "1e999"),
        ],
    ),
    (
        '{"a\u2028\n":1e999}'.replace("\n", "\\n"),
        {"a\u2028\n": math.inf},
        [Problem(NOT_FINITE, r"/a\u2028\n", "1e999")],
    ),
    ('{"' + "k" * 200 + '":1e999}', {"k" * 200: math.inf}, [Problem(NOT_FINITE, "…" + "k" * 96, "1e999")]),
)


@pytest.mark.parametrize(("text", "value"), SOUND)
def test_sound(text: str, value: Any) -> None:
    reading = read(text)
    assert reading.problems == ()
    assert reading.value == value or text.startswith("[[")


@pytest.mark.parametrize(("text", "where", "seen"), NO_JSON)
def test_not_json(text: str, where: str, seen: str) -> None:
    assert read(text) == Reading(None, (Problem(NOT_JSON, where, seen),))


@pytest.mark.parametrize(("text", "value", "problems"), FAULTY)
def test_faulty(text: str, value: Any, problems: list[Problem]) -> None:
    assert read(text) == Reading(value, tuple(problems))


def test_every_fault_has_a_case() -> None:
    shown = {problem.fault for _, _, problems in FAULTY for problem in problems}
    assert shown | {NOT_JSON, DEEP} == set(JsonFault)


@pytest.mark.parametrize(
    ("opening", "closing", "levels"), [("[", "]", 1), ('{"a":', "}", 1), ('[{"a":', "}]", 2)], ids=["[]", "{}", "mixed"]
)
@pytest.mark.parametrize("depth", [DEPTH_LIMIT, DEPTH_LIMIT + 2, UNREAD_DEPTH, UNREAD_DEPTH + 2, 1_000_000])
def test_depth(opening: str, closing: str, levels: int, depth: int) -> None:
    """A million levels take as long as a few hundred, and no stack."""
    text = opening * (depth // levels) + "1" + closing * (depth // levels)
    value, problems = read(text)
    assert [problem.fault for problem in problems] == ([DEEP] if depth > DEPTH_LIMIT else [])
    found = 0
    while isinstance(value, dict | list):
        value = value["a"] if isinstance(value, dict) else value[0]
        found += 1
    assert (found, value) == ((depth, 1) if depth <= UNREAD_DEPTH else (0, None))


def test_where_it_is_too_deep() -> None:
    text = '["[[["],' + "[" * 66 + "]" * 66
    assert read(f"[{text}]").problems == (Problem(DEEP, "char 72", "[[[" + "]" * 45 + "…"),)
    assert read("[" * 100 + "x").problems == (Problem(NOT_JSON, "char 100", "x"),)


def test_no_stack_left() -> None:
    """What the caller has used of the stack is not the text's fault, but nothing may be raised."""

    def at_depth(frames: int) -> Reading:
        return at_depth(frames - 1) if frames else read("[" * 60 + "]" * 60)

    limit = sys.getrecursionlimit()
    for left in range(30, 100, 5):
        reading = at_depth(limit - len(inspect.stack(0)) - left)
        assert [problem.fault for problem in reading.problems] in ([], [DEEP])


# --- any text ------------------------------------------------------------------------------------------------------

TOKENS = (
    *('{"a":', '"a":', '"b":', "{", "}", "[", "]", ",", ":", '"', '"x"', "\\", " ", "\n", "1", "0", "-", ".5", "e9"),
    *("e400", "9007199254740992", "9" * 4301, "null", "true", "NaN", "Infinity", "-Infinity", "\t", "\0", "\ufeff"),
    *(r"\u0061", r"\ud800", r"\udc00", r"\ud83d\ude00", "\u2028", "\u0085", "😀", "\ud800", "[" * 50, "]" * 50),
)
TEXTS = st.lists(st.sampled_from(TOKENS), max_size=20).map("".join)
NAMES = st.sampled_from(["a", "b", "type", "é", "a/b"]) | st.text(max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def holds_for(text: str) -> None:
    """Total; both ways agree; and what RFC 8259 refuses is what Python refuses once its constants are off."""
    reading = read(text)
    assert json_text._read_carefully(text) == reading
    faults = {problem.fault for problem in reading.problems}
    for problem in reading.problems:
        assert len(problem.where) <= 100
        (problem.where + problem.seen).encode()  # prints anywhere
    if DEEP not in faults:
        try:
            expected = (json.loads(text, parse_constant=_refuse, parse_int=_integer), True)
        except ValueError:
            expected = (None, False)
        assert (reading.value, not faults & {NOT_JSON, SEVERAL}) == expected


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _integer(literal: str) -> int:
    stand_in = -(10**4299) if literal.startswith("-") else 10**4299
    return int(literal) if len(literal) <= 4300 else stand_in


def comes_back(value: Any, *, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert read(text) == Reading(value)
    assert read(f"\n{text} ") == Reading(value)
    assert {problem.fault for problem in read(f"{text} {text}").problems} == {SEVERAL}


@settings(max_examples=FEW, derandomize=True, database=None, deadline=None)
@given(TEXTS)
def test_any_text(text: str) -> None:
    holds_for(text)


@settings(max_examples=FEW, derandomize=True, database=None, deadline=None)
@given(VALUES, st.booleans())
def test_any_value_comes_back(value: Any, ascii_only: bool) -> None:
    comes_back(value, ascii_only=ascii_only)


@pytest.mark.long
@settings(max_examples=MANY, derandomize=True, database=None, deadline=None)
@given(TEXTS)
def test_any_text_many_times(text: str) -> None:
    holds_for(text)


@pytest.mark.long
@settings(max_examples=MANY, derandomize=True, database=None, deadline=None)
@given(VALUES, st.booleans())
def test_any_value_comes_back_many_times(value: Any, ascii_only: bool) -> None:
    comes_back(value, ascii_only=ascii_only)


BEGINNINGS = ("", " ", "{", '{"a', '{"a"', '{"a":', '{"a": 1', '{"a": 1,', "[1,\n2", '"a\\', '"a\\u00', "[tr")
DEAD = ("{}", "1", "{]" + " " * 9 + "x", '{"a": b, "c": 1234567}', "NaN", "[NaN, 1", '"a\nb and much more"', "{} {")


@pytest.mark.parametrize("text", BEGINNINGS)
def test_the_beginning_of_a_text_may_go_on(text: str) -> None:
    assert may_go_on(text)


@pytest.mark.parametrize("text", DEAD)
def test_what_no_text_can_follow(text: str) -> None:
    assert not may_go_on(text)


def test_of_each_fault_the_first_few_are_kept() -> None:
    reading = read("{" + '"a":1,' * 1_000 + r'"b":[1e999,"\ud800"]}')
    kinds = [problem.fault for problem in reading.problems]
    assert kinds == [DUPLICATE] * 16 + [NOT_FINITE, SURROGATE]
    assert reading.value["b"] == [math.inf, "\ud800"]


# Pieces of which a text of the grammar can be made, and of what is nearly one.
PIECES = ("{", "}", "[", "]", ":", ",", '"a"', '"', "1", "-", "0", "1e5", ".5", "true", "null", " ", "\\", "\n",
          '"\\u00e9"', '"a":1,', "1,", "\t1")  # fmt: skip


@settings(max_examples=FEW, deadline=None, database=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_the_grammar_alone_agrees_with_the_reader(text: str) -> None:
    problems = {one.fault for one in read(text).problems}
    wrong = mistake(text)
    assert (wrong is not None) == bool(problems & {NOT_JSON, SEVERAL})
    if wrong and NOT_JSON not in problems:
        assert wrong.second


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("[" * 200 + "]" * 200, [DEEP]),
        ("[" * 200 + "]" * 199, [DEEP, NOT_JSON]),
        ('{"a":' * 200 + "NaN" + "}" * 200, [DEEP, NOT_JSON]),
        ("[" * 200 + "]" * 200 + "{}", [DEEP, SEVERAL]),
        ("[" * 200 + "]" * 200 + "x", [DEEP, NOT_JSON]),
    ],
)
def test_what_nests_too_deep_is_held_to_the_grammar(text: str, faults: list[JsonFault]) -> None:
    assert [one.fault for one in read(text).problems] == faults
    assert read(text).value is None
