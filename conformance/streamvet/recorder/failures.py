"""How a message failed, in words of our own and of RFC 9112, whichever library has noticed it.

Goes by the texts of h11 and httpcore, which have no other way to tell; the tests notice where one has changed. Must not
know exchanges.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Callable


class MessageFailure(Exception):  # noqa: N818 - it is the candidate's, as an ending, not an error of ours
    """A message failed: what reads HTTP/2 knows how, and why."""

    def __init__(self, ending: Ending, why: str) -> None:
        super().__init__(why)
        self.ending = ending


_QUOTED_BYTES = 80  # of what is no HTTP


def _bytes(match: re.Match[str]) -> bytes | None:
    """The bytes that a library has quoted as Python does."""
    literal = match["bytes"].removeprefix("bytearray(").removesuffix(")")
    try:
        value = ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        return None
    return bytes(value) if isinstance(value, bytes | bytearray) else str(value).encode()


def _quoted(match: re.Match[str]) -> str:
    """The same as text between double quotes."""
    data = _bytes(match)
    if data is None:
        return "something else"
    data = data.rstrip(b"\r\n")
    more = "…" if len(data) > _QUOTED_BYTES else ""
    return f'"{data[:_QUOTED_BYTES].decode("utf-8", "backslashreplace")}{more}"'


def _first_line(match: re.Match[str]) -> str:
    """What came in place of a status line: another protocol that is known by its first bytes, or the bytes."""
    data = _bytes(match) or b""
    if data[:2] in (b"\x15\x03", b"\x16\x03"):  # RFC 8446, 5.1: the record of an alert, or of a handshake
        return "it speaks TLS there: https:// in base_url may be right"
    if data[:1] == b"\0" and data[3:4] == b"\x04":  # RFC 9113, 3.4: SETTINGS, which a server sends first
        return "it speaks HTTP/2 there"
    return f"{_quoted(match)} instead of a status line"


_BYTES = r"(?P<bytes>(bytearray\()?b['\"].*['\"]\)?)"
# What a library says, how the message has ended, and the same in our words. RFC 9112: 4 (status line), 5 (field lines),
# 6.1 and 6.3 (what tells the length), 7.1 (chunks).
_TOLD: tuple[tuple[str, Ending, Callable[[re.Match[str]], str]], ...] = (
    (r"received (?P<got>\d+) bytes, expected (?P<all>\d+)", Ending.TRUNCATED,
     lambda match: f"the connection ended after {match['got']} of {match['all']} bytes of the body"),
    (r"incomplete chunked read", Ending.TRUNCATED, lambda _: "the connection ended before the last chunk"),
    (r"without sending a response", Ending.TRUNCATED, lambda _: "the connection ended without an answer"),
    (r"illegal chunk header: " + _BYTES, Ending.MALFORMED,
     lambda match: f"a chunk begins with {_quoted(match)}, not with its size"),
    (r"malformed chunk footer: " + _BYTES + r" \(expected", Ending.MALFORMED,
     lambda match: f"a chunk continues with {_quoted(match)} after its size"),
    (r"illegal status line: " + _BYTES, Ending.MALFORMED, _first_line),
    (r"illegal header line: " + _BYTES, Ending.MALFORMED, lambda match: f"{_quoted(match)} instead of a field line"),
    (r"continuation line at start of headers", Ending.MALFORMED, lambda _: "a folded line before the first field line"),
    (r"no response line received", Ending.MALFORMED, lambda _: "an empty line instead of a status line"),
    (r"conflicting Content-Length", Ending.MALFORMED, lambda _: "Content-Length has several values"),
    (r"bad Content-Length", Ending.MALFORMED, lambda _: "Content-Length is no number"),
    (r"multiple Transfer-Encoding", Ending.MALFORMED, lambda _: "several fields Transfer-Encoding"),
    (r"Only Transfer-Encoding: chunked", Ending.MALFORMED, lambda _: "a transfer coding that is not chunked"),
)  # fmt: skip


def told(text: str) -> tuple[Ending, str]:
    """How an exchange ended whose message is none, by what a library says, and why."""
    for pattern, ending, say in _TOLD:
        match = re.search(pattern, text, re.DOTALL)
        if match:
            return ending, say(match)
    return Ending.MALFORMED, "the answer is not HTTP/1.1"
