"""What is said of a file that cannot be used, in words of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from streamvet.contract.files import FileError, mismatch, read_json, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MISMATCHES: list[tuple[dict[str, Any], object, tuple[str, str]]] = [
    ({"properties": {"a": {}}, "additionalProperties": False}, {"colour": 1}, ("only known keys", "'colour'")),
    ({"additionalProperties": False}, {"b": 1, "c": 2}, ("only known keys", "'b', 'c'")),
    ({"dependentRequired": {"a": ["b", "c"], "d": ["e"]}}, {"a": 1, "b": 2}, ("c beside a", "{'a': 1, 'b': 2}")),
    ({"exclusiveMinimum": 0}, 0, ("more than 0", "0")),
    ({"minimum": 1}, 0, ("at least 1", "0")),
    ({"type": "integer"}, "2", ("integer", "'2'")),
]


@pytest.mark.parametrize(("schema", "value", "said"), MISMATCHES)
def test_a_mismatch_is_told_as_expected_and_got(schema: dict[str, Any], value: object, said: tuple[str, str]) -> None:
    assert mismatch(Draft202012Validator(schema), value) == ("", *said)


def test_what_is_valid_has_no_mismatch() -> None:
    assert mismatch(Draft202012Validator({"type": "integer"}), 1) is None


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (read_json, "{", "line 1, column 2: expected JSON, got a mistake in it: Expecting property name"),
        (read_json, "9" * 5000, "the file: expected JSON, got a number that is too long"),
        (read_json, '{"a": NaN}', "/a: expected a number as JSON has them, got nan"),
        (read_yaml, "a: [", "line 2, column 1: expected YAML, got a mistake in it: "),
        (read_yaml, "a: 1\na: 2", "line 2, column 1: expected YAML, got the key 'a' a second time"),
    ],
)
def test_a_file_that_is_no_such_file(read: Callable[[Path], Any], text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(FileError) as raised:
        read(file)
    assert str(raised.value).startswith(f"{file}: {said}")
