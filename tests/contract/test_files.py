"""What is said of a file that cannot be used, in words of ours."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from streamvet.contract.files import FileError, mismatch, read_json, read_yaml
from streamvet.trace import TraceError

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


@pytest.mark.parametrize(
    "error", [FileError("a.yaml", "/key", "text", "3"), TraceError("a.trace.ndjson", 7, "an exchange", "nothing")]
)
def test_what_a_worker_raises_is_the_same_in_its_parent(error: Exception) -> None:
    there = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(there), str(there)) == (type(error), str(error))


def test_what_is_valid_has_no_mismatch() -> None:
    assert mismatch(Draft202012Validator({"type": "integer"}), 1) is None


TAGS = {
    "!!timestamp 2030-01-31": "!!timestamp", "!!binary aGk=": "!!binary", "!!set {a}": "!!set",
    "!!omap [a: 1]": "!!omap",
    "!!python/object:os.system x": "!!python/object:os.system", "!own x": "!own",
}  # fmt: skip


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (read_json, "{", "line 1, column 2: expected JSON, got a mistake in it: Expecting property name"),
        (read_json, "[1,\n" + "9" * 5000, "line 2, column 1: expected JSON, got a number that is too long"),
        (read_json, "9" * 400, "the file: expected a number that a double can hold, got one of 1329 bits"),
        (read_json, "1e999", "the file: expected a number as JSON has them, got inf"),
        (read_json, '{"a": {"b": 1, "b": 2}}', "/a/b: expected each key once in an object, got 'b' a second time"),
        (read_json, '{"a": "\\ud800"}', "/a: expected Unicode text, got a lone surrogate in '\\ud800'"),
        (read_json, '{"\\ud800": 1}', "the file: expected Unicode text, got a lone surrogate in '\\ud800'"),
        (read_json, "[" * 5000, "the file: expected JSON, got nesting that is too deep"),
        (read_json, '{"a": NaN}', "/a: expected a number as JSON has them, got nan"),
        (read_yaml, "a: [", "line 2, column 1: expected YAML, got a mistake in it: "),
        (read_yaml, "a: 1\na: 2", "line 2, column 1: expected YAML, got the key 'a' a second time"),
        (read_yaml, "a: !!int abc", "line 1, column 4: expected YAML, got !!int before 'abc', which is none"),
        (read_yaml, "a: !!bool x", "line 1, column 4: expected YAML, got !!bool before 'x', which is none"),
        (read_yaml, "a: !!int ''", "line 1, column 4: expected YAML, got !!int before nothing"),
        (read_yaml, "a: !!map x", "line 1, column 4: expected YAML, got !!map before what is none"),
        (read_yaml, "a: " + "9" * 5000, "line 1, column 4: expected YAML, got a number that is too long"),
        (read_yaml, "a: 0x" + "f" * 5000, "line 1, column 4: expected YAML, got a number that is too long"),
        (read_yaml, "a: " + "9" * 400, "/a: expected a number that a double can hold, got one of 1329 bits"),
        (read_yaml, "a: .nan", "/a: expected a number as JSON has them, got nan"),
        (read_yaml, 'a: "\\0"', "/a: expected a text without the character NUL, got '\\x00'"),
        (read_yaml, "a: \0", "character 3: expected YAML, got a character that YAML has not: "),
        (read_yaml, "a: {b: *c}", "line 1, column 8: expected YAML, got a mistake in it: found undefined alias"),
        (read_yaml, "a: &a [*a]", "/a/0/0/0"),
        (read_yaml, "[" * 5000, "line 1, column 1001: expected YAML, got a mistake in it: "),
        (read_yaml, "a: [" + "1," * 500_000 + "1]", "line 1: expected at most 200000 values, got more"),
        *(
            (read_yaml, f"a: {tag}", f"line 1, column 4: expected YAML, got the tag {said}, for which JSON has no type")
            for tag, said in TAGS.items()
        ),
    ],
)
def test_a_file_that_is_no_such_file(read: Callable[[Path], Any], text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(FileError) as raised:
        read(file)
    assert str(raised.value).startswith(f"{file}: {said}")


@pytest.mark.parametrize(
    ("text", "value"),
    [("2030-01-31", "2030-01-31"), ("!!str 5", "5"), ("!!float 3", 3.0), ("=", "="), ("0x10", 16), ("1_000", 1000)],
)
def test_what_yaml_says_in_its_own_way(text: str, value: object, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(f"a: {text}")
    assert read_yaml(file) == {"a": value}


def test_aliases_that_make_a_billion_values(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{one}: &a{one} [{', '.join([f'*a{one - 1}'] * 10)}]" for one in range(1, 12)]
    file = tmp_path / "file"
    file.write_text("\n".join(rows))
    with pytest.raises(FileError, match="expected at most 200000 values, aliases expanded, got more"):
        read_yaml(file)
