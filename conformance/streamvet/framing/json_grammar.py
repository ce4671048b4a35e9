"""Whether a text that nests too deep to be read is JSON: its grammar alone, token by token, without recursion.

Linear in the length of the text. Must not know what its values are, nor what becomes of a mistake.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, NamedTuple

# RFC 8259, sections 2 to 7. Brackets in a row are one token: a text of a megabyte may be nothing else.
_SPACE: Final = r"[ \t\n\r]*+"
_STRING: Final = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_SCALAR: Final = r"(?:-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|true|false|null)"
_TOKEN: Final = re.compile(
    rf"{_SPACE}(?:(?P<string>{_STRING})|(?P<scalar>{_SCALAR})"
    r"|(?P<opened>\[++)|(?P<closed>\]++)|(?P<mark>[{}:,])|(?P<end>\Z))"
)
# Plain items and members with their commas are passed over at once: most of a long text is that.
_PLAIN: Final = rf"(?:{_STRING}|{_SCALAR}){_SPACE},"
_ITEMS: Final = re.compile(rf"(?:{_SPACE}{_PLAIN})++")
_MEMBERS: Final = re.compile(rf"(?:{_SPACE}{_STRING}{_SPACE}:{_SPACE}{_PLAIN})++")


class Mistake(NamedTuple):
    """Where a text leaves the grammar, or where a second document begins behind a whole one."""

    at: int
    second: bool


class _Next(Enum):
    """What may come next."""

    VALUE = auto()
    FIRST_ITEM = auto()  # a value, or the end of the array
    FIRST_NAME = auto()  # a name, or the end of the object
    NAME = auto()
    COLON = auto()
    REST = auto()  # a comma, or the end of what is open
    NOTHING = auto()  # the document is whole


def mistake(text: str) -> Mistake | None:
    """The first place where the text is not one JSON document, None where it is one."""
    open_in, now, at = bytearray(), _Next.VALUE, 0
    while True:
        if plain := _plain(text, at, now, open_in):
            at, now = plain.end(), _Next.VALUE if plain.re is _ITEMS else _Next.NAME
        token = _TOKEN.match(text, at)
        kind = token.lastgroup if token else None
        if token is None or kind is None:
            return Mistake(_beginning(text, at), second=False)
        start = token.start(kind)
        if kind == "end":
            return None if now is _Next.NOTHING else Mistake(start, second=False)
        if now is _Next.NOTHING:
            follows = kind in ("string", "scalar", "opened") or token[kind] == "{"
            return Mistake(start, second=follows)
        following = _after(kind, token[kind], now, open_in)
        if following is None:
            return Mistake(start, second=False)
        now, at = following, token.end()


def _plain(text: str, at: int, now: _Next, open_in: bytearray) -> re.Match[str] | None:
    """The plain items or members that may come here, None where there are none."""
    if now is _Next.NAME or now is _Next.FIRST_NAME:
        return _MEMBERS.match(text, at)
    is_item = now is _Next.FIRST_ITEM or (now is _Next.VALUE and open_in.endswith(b"["))
    return _ITEMS.match(text, at) if is_item else None


def _after(kind: str, text: str, now: _Next, open_in: bytearray) -> _Next | None:
    """What may follow a token, None where it may not come; `open_in` has the brackets that are open."""
    is_value = now in (_Next.VALUE, _Next.FIRST_ITEM)
    if kind == "string" and now in (_Next.NAME, _Next.FIRST_NAME):
        return _Next.COLON
    if kind in ("string", "scalar"):
        return _rest(open_in) if is_value else None
    if kind == "opened":
        open_in += text.encode()
        return _Next.FIRST_ITEM if is_value else None
    if kind == "closed":
        return _closed(text.encode(), now, open_in)
    if text == "{":
        open_in += b"{"
        return _Next.FIRST_NAME if is_value else None
    if text == "}":
        whole = now in (_Next.REST, _Next.FIRST_NAME) and open_in[-1:] == b"{"
        del open_in[-1:]
        return _rest(open_in) if whole else None
    if text == ":":
        return _Next.VALUE if now is _Next.COLON else None
    if now is not _Next.REST:
        return None
    return _Next.NAME if open_in[-1:] == b"{" else _Next.VALUE


def _closed(token: bytes, now: _Next, open_in: bytearray) -> _Next | None:
    """What may follow some closing brackets of arrays."""
    if now not in (_Next.REST, _Next.FIRST_ITEM) or not open_in.endswith(b"[" * len(token)):
        return None
    del open_in[-len(token) :]
    return _rest(open_in)


def _rest(open_in: bytearray) -> _Next:
    return _Next.REST if open_in else _Next.NOTHING


def _beginning(text: str, at: int) -> int:
    """Where the text goes on behind white space."""
    while text[at : at + 1] in (" ", "\t", "\n", "\r"):
        at += 1
    return at
