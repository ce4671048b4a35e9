"""The lists of testable statements that `covers` counts by, one for each system.

Must not know which requirement covers a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from streamvet.contract.files import check_shape, read_yaml, schemas_folder

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of a list that `covers` refers to, and what it rests on."""

    text: str
    basis: str  # document or adopted
    source: str  # where the document says it, or who has the reading
    adopted: str  # the part of it that is a reading although a document says the rest; "" where there is none
    note: str  # what a document says of the matter of an adopted line; "" where that is nothing


@cache
def statements() -> Mapping[str, tuple[str, tuple[Statement, ...]]]:
    """The lists that `covers` refers to, by their name: the system, and its lines."""
    found = {}
    for path in sorted(schemas_folder().glob("*/statements.yaml")):
        content = read_yaml(path)
        check_shape(content, "statements", path)
        rows = content["statements"]
        found[content["list"]] = (path.parent.name, tuple(map(_statement, rows)))
    return found


def _statement(row: Mapping[str, str]) -> Statement:
    return Statement(row["text"], row["basis"], row["from"], row.get("adopted", ""), row.get("note", ""))


def statement_lists() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """The same without what the lines rest on."""
    return {name: (system, tuple(one.text for one in lines)) for name, (system, lines) in statements().items()}


def statement(line: str) -> str:
    """`R003-5` in words: the system, the number of its line, and what the line says."""
    name, _, number = line.partition("-")
    system, lines = statement_lists()[name]
    return f"{system} line {number}: {lines[int(number) - 1]}"
