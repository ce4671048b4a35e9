"""How a finding quotes values: as JSON on one line, and two that look alike from where they differ."""

from __future__ import annotations

from typing import Any

import pytest

from streamvet.outcome import SEEN_CHARS, apart, shown

LONG = "a" * 300


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("it's", '"it\'s"'),
        ({"a": [1, None, False]}, '{"a": [1, null, false]}'),
        ("é 😀", '"é 😀"'),
        ("\x1b\n\u2028\u202e\ud83d", '"\\u001b\\n\\u2028\\u202e\\ud83d"'),
        (b"caf\xc3\xa9 \xff", '"café \\\\xff"'),
        (LONG, '"' + "a" * (SEEN_CHARS - 2) + "…"),
    ],
)
def test_a_value_is_quoted_as_json(value: Any, text: str) -> None:
    assert shown(value) == text
    assert shown(value).isprintable()


def test_a_value_that_cannot_be_quoted_is_said_so() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (10**5000, deep):
        assert shown(value) == "a value that is too large to be shown"


@pytest.mark.parametrize(
    ("wanted", "got", "texts"),
    [
        (1, 2, ("1", "2")),
        ({"a": 1}, {"a": 1.0}, ('{"a": 1}', '{"a": 1.0}')),
        (LONG + "b", LONG + "c", ("…" + "a" * 40 + 'b"', "…" + "a" * 40 + 'c"')),
        (LONG, LONG + "a", ("…" + "a" * 40 + '"', "…" + "a" * 41 + '"')),
        ([LONG, 1, LONG], [LONG, 2, LONG], None),
        ("e\u0301", "é", ('"e\u0301"', '"é"')),
    ],
)
def test_two_values_that_look_alike_are_quoted_from_where_they_differ(
    wanted: Any, got: Any, texts: tuple[str, str] | None
) -> None:
    one, other = apart(wanted, got)
    assert one != other
    assert texts is None or (one, other) == texts
    assert max(len(one), len(other)) <= SEEN_CHARS + 1
