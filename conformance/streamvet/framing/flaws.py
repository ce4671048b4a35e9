"""How both decoders put a flaw into words: the byte order mark, bytes that are not UTF-8, and what was seen.

This module must not know which framing it serves, nor what becomes of a violation.
"""

from __future__ import annotations

from typing import Final

from streamvet.framing.frame import Flaw, Violation

# The Unicode Standard, 23.8: U+FEFF in UTF-8. WHATWG Encoding, "UTF-8 decode", drops one at the start of a stream.
BOM: Final = b"\xef\xbb\xbf"
# Enough to recognise a line in a report that is 120 columns wide, and to fit two of them on it.
EXCERPT_BYTES: Final = 48
# The reason that Python gives where a sequence is right so far and the input ends in it.
_CUT_SHORT: Final = "unexpected end of data"


def excerpt(raw: bytes) -> str:
    r"""The first bytes of `raw` as text that any terminal can print; a byte that is not UTF-8 becomes `\xNN`."""
    cut = raw[:EXCERPT_BYTES].decode("utf-8", "backslashreplace")
    return cut if len(raw) <= EXCERPT_BYTES else cut + "…"


def violation(flaw: Flaw, raw: bytes, start: int, end: int, base: int) -> Violation:
    """The violation at `raw[start:end]`, where `raw` stands at `base` in the whole input."""
    return Violation(flaw, base + start, base + end, excerpt(raw[start:end]))


def not_utf8(raw: bytes, base: int) -> list[Violation]:
    """The first sequence in `raw` that is not UTF-8 (at most one: binary data would give millions), or nothing.

    A character that the end of `raw` cuts in two is not one. Only what the end of the input left unended can end so,
    and the one defect there is the missing end.
    """
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        if error.reason == _CUT_SHORT:
            return []
        return [violation(Flaw.NOT_UTF8, raw, error.start, error.end, base)]
    return []


def in_order(found: list[Violation]) -> tuple[Violation, ...]:
    """The violations of one frame by where they start; those of one place stay in the order they were found in."""
    return tuple(sorted(found, key=lambda each: each.start))
