"""Any bytes and any text as something that a terminal, an XML reader and a page can show without being led astray.

A line feed becomes an arrow, so that it cannot be taken for the two characters of a JSON escape; every other
character that has no shape becomes its name or number in single guillemets. Must not know what the bytes mean.
"""
# ruff: noqa: RUF001 - the single guillemets are meant: nobody takes them for a part of JSON

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_FEED = "↵"
_NAMED = {"\n": LINE_FEED, "\r": "‹CR›", "\t": "‹TAB›", "\0": "‹NUL›", "\x1b": "‹ESC›", "\ufeff": "‹BOM›"}
_OURS = frozenset("↵‹")  # as bytes of the candidate they are shown by number, so that ours cannot be forged
_ESCAPED_BYTES = range(0xDC80, 0xDD00)  # PEP 383: what `surrogateescape` makes of a byte that is not UTF-8


def _shape(char: str, from_bytes: bool) -> str:
    code = ord(char)
    if from_bytes and code in _ESCAPED_BYTES:
        return f"‹0x{code - 0xDC00:02X}›"
    if char in _NAMED:
        return _NAMED[char]
    # A mark that merges with the character before it: two texts that differ in normalisation alone would look alike.
    merges = code > 0x2FF and unicodedata.combining(char)
    return char if char.isprintable() and char not in _OURS and not merges else f"‹U+{code:04X}›"


def runs(data: bytes) -> Iterator[tuple[str, bool]]:
    """The text of `data` in runs, and whether each one stands for characters that cannot be shown."""
    shapes = (
        (shape, shape != char) for char in data.decode("utf-8", "surrogateescape") for shape in (_shape(char, True),)
    )
    for escaped, group in groupby(shapes, key=lambda pair: pair[1]):
        yield "".join(shape for shape, _ in group), escaped


def printable_bytes(data: bytes) -> str:
    """`data` as one line of text."""
    return "".join(text for text, _ in runs(data))


def printable(text: str) -> str:
    """`text` as one line without any character that is not for showing."""
    return text if text.isascii() and text.isprintable() else "".join(_shape(char, False) for char in text)


def is_printable(char: str) -> bool:
    """Whether a character is shown as it is."""
    return _shape(char, False) == char


def printable_lines(text: str) -> str:
    """`text` with its line feeds as they are, and each line made fit for showing."""
    return "\n".join(printable(line) for line in text.split("\n"))


def counted(count: int, one: str, many: str = "") -> str:
    """A number with what is counted: "1 trace", "2 traces"."""
    return f"{count} {one if count == 1 else many or one + 's'}"
